//! From which service a mapping reads: only streams are read, of Kinesis and of tables, and only their settings are judged.
//!
//! In: the properties of a mapping, or the type of an event. Out: the service, told by the ARN, by the resource behind a
//! reference, or by a setting that AWS takes with one service only.

use super::context::LeftOut;
use super::context::{Context, Reported, Without};
use super::diagnostics::{Code, Diagnostic};
use super::event_source;
use super::mappings::Declared;
use super::node::{Entry, Node};
use super::parameters::ParameterValue;
use super::references::referenced_id;
use super::resource_types::{CONSUMER, STREAM};
use super::table_references::TABLES;
use super::text_functions::{Piece, pieces};
use pelton_model::{Parameter, arn};

/// A service from which Lambda reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Kinesis,
    /// The stream of a table.
    DynamoDb,
    /// One that Pelton does not read yet, and its name.
    Other(&'static str),
}

use Service::{DynamoDb, Kinesis, Other};

const SQS: Service = Other("Amazon SQS");
const MQ: Service = Other("Amazon MQ");
const MSK: Service = Other("Amazon MSK");
const DOCUMENT_DB: Service = Other("Amazon DocumentDB");
const SELF_MANAGED_KAFKA: Service = Other("self-managed Kafka");
const KAFKA: Service = Other("Kafka");
/// Several services take this setting, and Kinesis does not.
const NOT_KINESIS: Service = Other("another service than Kinesis");

/// The third part of an ARN.
const ARN_SERVICES: [(&str, Service); 6] = [
    ("kinesis", Kinesis),
    ("sqs", SQS),
    ("mq", MQ),
    ("kafka", MSK),
    ("rds", DOCUMENT_DB),
    ("dynamodb", DynamoDb),
];

/// `Type` of a resource.
const RESOURCE_TYPES: [(&str, Service); 10] = [
    (STREAM, Kinesis),
    (CONSUMER, Kinesis),
    ("AWS::SQS::Queue", SQS),
    ("AWS::AmazonMQ::Broker", MQ),
    ("AWS::MSK::Cluster", MSK),
    ("AWS::MSK::ServerlessCluster", MSK),
    ("AWS::DocDB::DBCluster", DOCUMENT_DB),
    (TABLES[0], DynamoDb),
    (TABLES[1], DynamoDb),
    (TABLES[2], DynamoDb),
];

/// `Type` of an event of a SAM function.
pub(crate) const EVENT_TYPES: [(&str, Service); 7] = [
    ("Kinesis", Kinesis),
    ("SQS", SQS),
    ("MQ", MQ),
    ("MSK", MSK),
    ("DocumentDB", DOCUMENT_DB),
    ("DynamoDB", DynamoDb),
    ("SelfManagedKafka", SELF_MANAGED_KAFKA),
];

/// Settings that AWS does not take with a Kinesis stream; those that tell most come first. SAM has names of its own for some.
const SETTINGS: [(&str, Service, Parameter); 14] = [
    ("SelfManagedEventSource", SELF_MANAGED_KAFKA, Parameter::SelfManagedEventSource),
    ("SelfManagedKafkaEventSourceConfig", SELF_MANAGED_KAFKA, Parameter::SelfManagedKafkaEventSourceConfig),
    ("KafkaBootstrapServers", SELF_MANAGED_KAFKA, Parameter::SelfManagedEventSource),
    ("AmazonManagedKafkaEventSourceConfig", MSK, Parameter::AmazonManagedKafkaEventSourceConfig),
    ("Topics", KAFKA, Parameter::Topics),
    ("SchemaRegistryConfig", KAFKA, Parameter::AmazonManagedKafkaEventSourceConfig),
    ("ConsumerGroupId", KAFKA, Parameter::ConsumerGroupId),
    ("Queues", MQ, Parameter::Queues),
    ("DocumentDBEventSourceConfig", DOCUMENT_DB, Parameter::DocumentDbEventSourceConfig),
    ("ScalingConfig", SQS, Parameter::ScalingConfig),
    ("ProvisionedPollerConfig", NOT_KINESIS, Parameter::ProvisionedPollerConfig),
    ("SourceAccessConfigurations", NOT_KINESIS, Parameter::SourceAccessConfigurations),
    ("LoggingConfig", NOT_KINESIS, Parameter::LoggingConfig),
    ("SecretsManagerKmsKeyId", NOT_KINESIS, Parameter::SourceAccessConfigurations),
];

/// The settings that AWS takes with other services only.
pub(crate) fn settings_of_others() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|(name, _, _)| *name)
}

/// The parameter behind the name of such a setting.
pub(crate) fn parameter_of_others(name: &str) -> Option<Parameter> {
    SETTINGS.iter().find(|(known, _, _)| *known == name).map(|(_, _, parameter)| *parameter)
}

/// What is known under a name.
pub(crate) fn find(known: &[(&str, Service)], name: &str) -> Option<Service> {
    known.iter().find(|(known, _)| *known == name).map(|(_, service)| *service)
}

impl<'t> Context<'t> {
    /// Reports a mapping that reads no stream, and one whose source only AWS knows. The type of an event says which service it
    /// is before any setting does.
    pub(crate) fn require_stream(
        &mut self,
        declared: &Declared<'t>,
        of_event: Option<Service>,
    ) -> Result<(), Reported> {
        let source = declared.properties.iter().find(|property| property.key == declared.source_property);
        let told = match source {
            Some(source) => self.service_of(&source.value),
            None => None,
        };
        let service = told.or(of_event).or_else(|| self.service_of_settings(&declared.properties));
        match (service, source) {
            (Some(Other(service)), _) => Err(self.refuse_service(declared, service)),
            (Some(Kinesis | DynamoDb) | None, None) => Ok(()),
            (Some(Kinesis | DynamoDb) | None, Some(source)) => match self.require_known(declared, source) {
                // What is wrong with the source of a stream is reported together with what is wrong with the settings.
                Err(Unknown::Wrong) if service.is_some() => Ok(()),
                Err(Unknown::Wrong | Unknown::OnlyToAws) => Err(Reported),
                Ok(()) => Ok(()),
            },
        }
    }

    /// The service behind an ARN or a reference, as far as it can be told.
    fn service_of(&mut self, node: &Node) -> Option<Service> {
        if let Some(("Fn::If", argument)) = node.as_intrinsic() {
            let branch = self.quietly(|context| context.branch(argument, node.span)).ok()?;
            return self.service_of(branch);
        }
        let evaluated = self.quietly(|context| context.evaluate(node));
        let text = evaluated.ok().flatten().and_then(|value| value.as_scalar().map(str::to_owned));
        if let Some(service) = text.as_deref().and_then(service_of_arn) {
            return Some(service);
        }
        let referred = match node.as_intrinsic() {
            Some(("Fn::Sub", argument)) => sole_variable(argument),
            _ => referenced_id(node),
        };
        if let Some(id) = referred {
            let generated = self.generated(id).map(|made| made.kind);
            let service =
                self.kind_of_resource(id).or(generated).and_then(|kind| find(&RESOURCE_TYPES, kind));
            if service.is_some() {
                return service;
            }
        }
        self.outline(node).as_deref().and_then(service_of_arn)
    }

    /// The text of a value with `*` in the place of what cannot be told.
    fn outline(&mut self, node: &Node) -> Option<String> {
        let unknown = || "*".to_owned();
        match node.as_intrinsic() {
            Some(("Fn::Sub", argument)) => {
                let text =
                    argument.as_sequence().and_then(<[Node]>::first).unwrap_or(argument).as_scalar()?;
                let parts = pieces(text).into_iter().map(|piece| match piece {
                    Piece::Text(text) => text.to_owned(),
                    Piece::Literal(_) | Piece::Variable(_) => unknown(),
                });
                Some(parts.collect())
            }
            Some(("Fn::Join", argument)) => {
                let [separator, items] = argument.as_sequence()? else { return None };
                let items = items.as_sequence()?.iter();
                let parts: Vec<String> =
                    items.map(|item| self.outline(item).unwrap_or_else(unknown)).collect();
                Some(parts.join(separator.as_scalar()?))
            }
            Some(_) => None,
            None => node.as_scalar().map(str::to_owned),
        }
    }

    /// The service that alone has one of the settings. One without a value says nothing.
    fn service_of_settings(&mut self, properties: &[&'t Entry]) -> Option<Service> {
        SETTINGS.iter().find_map(|(name, service, _)| {
            let property = properties.iter().find(|property| property.key == *name)?;
            let value = self.quietly(|context| context.evaluate(&property.value));
            (value != Ok(None)).then_some(*service)
        })
    }

    /// A mapping of another service: it is left out where that is allowed, or if it is disabled.
    pub(crate) fn refuse_service(&mut self, declared: &Declared<'t>, service: &str) -> Reported {
        let message = format!("the mapping `{}` reads from {service}", declared.id);
        let place = declared.place;
        if self.is_disabled(&declared.properties) {
            let diagnostic = Diagnostic::warning(Code::Unsupported, message);
            return self.report(diagnostic.at(place, "not supported yet, and disabled"));
        }
        self.leave_out(LeftOut::Unsupported, &declared.properties);
        self.without(Without::Mapping, |context| {
            context.unsupported(
                place,
                message,
                "not supported by Pelton yet: only Kinesis streams and DynamoDB streams are",
            )
        })
    }

    /// Reports a source that only AWS knows: an error, unless the mapping is disabled and reads nothing. What is wrong with
    /// the source otherwise is reported as it is.
    fn require_known(&mut self, declared: &Declared<'t>, source: &'t Entry) -> Result<(), Unknown> {
        let mark = self.diagnostics.mark();
        let arn = event_source::arn_node(self, &source.value);
        if self.as_source(|context| context.evaluate(arn)).is_ok() {
            self.diagnostics.forget(mark);
            return Ok(());
        }
        let broken = &self.document.broken;
        let is_of_aws = |problem: &Diagnostic| {
            matches!(problem.code, Code::Unsupported | Code::Missing)
                && !broken.values().any(|broken| broken == problem)
        };
        // What was reported before is not reported again.
        let problems = self.diagnostics.since(mark);
        if problems.is_empty() || !problems.iter().all(is_of_aws) {
            return Err(Unknown::Wrong);
        }
        self.diagnostics.forget(mark);
        let message = format!("cannot tell the event source of the mapping `{}`", declared.id);
        let place = source.value.span;
        if self.is_disabled(&declared.properties) {
            let diagnostic = Diagnostic::warning(Code::Unsupported, message);
            self.report(diagnostic.at(place, "only AWS knows this value; the mapping is disabled"));
            return Err(Unknown::OnlyToAws);
        }
        self.leave_out(LeftOut::Unsupported, &declared.properties);
        let parameter = referenced_id(&source.value)
            .filter(|name| self.parameters.get(name) == Some(&ParameterValue::Missing));
        let stream = match parameter {
            Some(name) => format!("with `--parameter {name}=ARN`"),
            None => "here".to_owned(),
        };
        let diagnostic = self.options.unsupported.diagnostic(
            message,
            &format!(
                "give the ARN of its stream {stream}, or start with `--allow-unsupported` to run without \
                 this mapping"
            ),
            "Pelton runs without this mapping",
        );
        self.report(diagnostic.at(place, "only AWS knows this value"));
        Err(Unknown::OnlyToAws)
    }
}

/// Why the source of a mapping is not known; it was reported.
enum Unknown {
    OnlyToAws,
    /// Something is wrong with what stands there.
    Wrong,
}

fn service_of_arn(text: &str) -> Option<Service> {
    arn::service_of(text).and_then(|service| find(&ARN_SERVICES, service))
}

/// The logical id in the text of an `Fn::Sub` that is nothing but `${ID}` or `${ID.ATTRIBUTE}`.
fn sole_variable(argument: &Node) -> Option<&str> {
    match pieces(argument.as_scalar()?)[..] {
        [Piece::Variable(name)] => name.split('.').next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_problem, lines, load, load_with, options, template};
    use crate::{FunctionsRun, LoadOptions, Loaded, Unsupported};

    const RESOURCES: &str = "
  Jobs: {Type: AWS::SQS::Queue}
  Broker: {Type: AWS::AmazonMQ::Broker}
  Cluster: {Type: AWS::MSK::Cluster}
  Serverless: {Type: AWS::MSK::ServerlessCluster}
  Documents: {Type: AWS::DocDB::DBCluster}
  Nested: {Type: AWS::CloudFormation::Stack}
Parameters:
  Source: {Type: String}
  Given: {Type: String, Default: 'arn:aws:sqs:eu-west-1:123456789012:jobs'}
Conditions: {Here: !Equals [a, a]}
";

    /// A mapping of that source beside one of a Kinesis stream; the settings are none that AWS takes with Kinesis.
    fn loaded(properties: &str, unsupported: Unsupported) -> Loaded {
        let mapping = format!(
            "  M: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: !Ref Nobody, {properties}}}}}"
        );
        let text = template("", "", &format!("{mapping}{RESOURCES}"));
        load_with(&text, &LoadOptions { unsupported, ..options() })
    }

    /// Refused with one line, and left out with one warning beside the other mapping, which runs.
    #[track_caller]
    fn check(properties: &str, expected: &str) {
        let refused = loaded(properties, Unsupported::Refuse);
        check_problem(&refused, &format!("error unsupported: {expected}"));
        let allowed = loaded(properties, Unsupported::Warn);
        check_problem(&allowed, &format!("warning unsupported: {expected}"));
        let mappings = allowed.application.expect("a warning is no error").mappings;
        assert_eq!(
            mappings.iter().map(|mapping| mapping.id.0.as_str()).collect::<Vec<_>>(),
            ["LedgerOrders"]
        );
    }

    #[track_caller]
    fn check_service(properties: &str, service: &str) {
        check(properties, &format!("the mapping `M` reads from {service} | not supported by Pelton yet"));
    }

    #[test]
    fn the_service_is_told_by_the_arn() {
        for (arn, service) in [
            ("arn:aws:sqs:eu-west-1:123456789012:jobs", "Amazon SQS"),
            ("arn:aws:mq:eu-west-1:123456789012:broker:b:b-1", "Amazon MQ"),
            ("arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2", "Amazon MSK"),
            ("arn:aws:rds:eu-west-1:123456789012:cluster:docs", "Amazon DocumentDB"),
        ] {
            check_service(&format!("BatchSize: 0, EventSourceArn: '{arn}'"), service);
        }
        check_service(
            "EventSourceArn: !Sub 'arn:${AWS::Partition}:sqs:${AWS::Region}:${Source}:jobs'",
            "Amazon SQS",
        );
        check_service(
            "EventSourceArn: !Join [':', [arn, !Ref AWS::Partition, kafka, !ImportValue rest]]",
            "Amazon MSK",
        );
        check_service("EventSourceArn: !Ref Given", "Amazon SQS");
        check_service("EventSourceArn: !If [Here, !Ref Given, !ImportValue x]", "Amazon SQS");
    }

    #[test]
    fn the_service_is_told_by_the_resource_behind_a_reference() {
        for (reference, service) in [
            ("!GetAtt Jobs.Arn", "Amazon SQS"),
            ("!Ref Jobs", "Amazon SQS"),
            ("!Sub '${Jobs.Arn}'", "Amazon SQS"),
            ("!GetAtt Broker.Arn", "Amazon MQ"),
            ("!Ref Cluster", "Amazon MSK"),
            ("!GetAtt Cluster.Arn", "Amazon MSK"),
            ("!Ref Serverless", "Amazon MSK"),
            ("!Ref Documents", "Amazon DocumentDB"),
            ("!GetAtt LedgerEventInvokeConfigOnFailureQueue.Arn", "Amazon SQS"),
        ] {
            check_service(&format!("EventSourceArn: {reference}"), service);
        }
    }

    #[test]
    fn the_service_is_told_by_a_setting_that_no_other_has() {
        for (name, service, _) in SETTINGS {
            let Other(service) = service else { panic!("{name} is a setting of Kinesis") };
            check_service(&format!("{name}: [x]"), service);
            check_service(&format!("{name}: [x], EventSourceArn: !ImportValue source"), service);
            check_service(
                &format!("{name}: [x], EventSourceArn: !Ref Source, StartingPosition: LATEST"),
                service,
            );
        }
    }

    #[test]
    fn a_source_that_only_aws_knows_may_be_anything() {
        let expected = "cannot tell the event source of the mapping `M` | only AWS knows this value";
        for source in [
            "!ImportValue source",
            "!GetAtt Nested.Outputs.Source",
            "!Ref Source",
            "'{{resolve:ssm:source}}'",
        ] {
            check(&format!("BatchSize: 0, EventSourceArn: {source}"), expected);
        }
        check_problem(
            &loaded("EventSourceArn: !Ref Source", Unsupported::Refuse),
            "give the ARN of its stream with `--parameter Source=ARN`, or start with `--allow-unsupported`",
        );
        check_problem(
            &loaded("EventSourceArn: !ImportValue x", Unsupported::Refuse),
            "give the ARN of its stream here, or start with `--allow-unsupported`",
        );
    }

    #[test]
    fn a_reference_to_nothing_is_told_as_what_it_is() {
        let lines = lines(&loaded("EventSourceArn: !GetAtt Jbos.Arn", Unsupported::Warn).diagnostics);
        // What is wrong beside it is told at the same time.
        for name in ["Jbos", "Nobody"] {
            let problem =
                format!("error unknown-reference: the template has no resource and no parameter `{name}`");
            assert!(lines.iter().any(|line| line.starts_with(&problem)), "{lines:#?}");
        }
    }

    #[test]
    fn a_mapping_of_another_service_that_is_disabled_is_only_mentioned() {
        check_problem(
            &loaded("EventSourceArn: !GetAtt Jobs.Arn, Enabled: false", Unsupported::Refuse),
            "warning unsupported: the mapping `M` reads from Amazon SQS | not supported yet, and disabled",
        );
    }

    #[test]
    fn events_of_other_services_are_refused_or_left_out_like_mappings() {
        for (kind, service) in EVENT_TYPES {
            let Other(service) = service else { continue };
            let text =
                template("", "BatchSize: 0", "").replace("Type: Kinesis\n", &format!("Type: {kind}\n"));
            let expected = format!("unsupported: the mapping `LedgerOrders` reads from {service}");
            check_problem(&load(&text), &format!("error {expected}"));
            let allowing =
                LoadOptions { unsupported: Unsupported::Warn, functions: FunctionsRun::Nowhere, ..options() };
            let loaded = load_with(&text, &allowing);
            check_problem(&loaded, &format!("warning {expected}"));
            assert!(loaded.application.expect("a warning is no error").mappings.is_empty());
        }
    }

    #[test]
    fn an_event_whose_stream_only_aws_knows_is_told_like_a_mapping() {
        let event = |stream: &str, settings: &str| {
            let sections = "Parameters: {Source: {Type: String}}";
            load(&template("", settings, sections).replace("!GetAtt Orders.Arn", stream))
        };
        let cannot_tell = "unsupported: cannot tell the event source of the mapping `LedgerOrders`";
        for stream in [
            "!ImportValue x",
            "!Ref Source",
            "!Sub ['arn:aws:kinesis:eu-west-1:123456789012:stream/${x}', {x: !ImportValue x}]",
        ] {
            check_problem(&event(stream, ""), &format!("error {cannot_tell} | only AWS knows this value"));
            check_problem(&event(stream, "Enabled: false"), &format!("warning {cannot_tell}"));
        }
        check_problem(&event("!Ref Source", ""), "with `--parameter Source=ARN`");
        let wrong = event("!GetAtt Namde.Arn", "BatchSize: 0");
        assert_eq!(lines(&wrong.diagnostics).len(), 2, "what else is wrong is told at the same time");
    }
}
