//! From which service a mapping reads: streams of Kinesis and of tables and topics of Kafka are read, and only their settings are
//! judged.
//!
//! In: the properties of a mapping, or the type of an event. Out: the service, told by the ARN, by the resource behind a
//! reference, or by a setting that AWS takes with one service only.

use super::cluster_references::CLUSTERS;
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
    /// A topic of a cluster of MSK.
    Msk,
    /// A topic of a cluster that somebody manages.
    SelfManagedKafka,
    /// One that Pelton does not read yet, and its name.
    Other(&'static str),
}

impl Service {
    pub(crate) fn is_kafka(self) -> bool {
        matches!(self, Msk | SelfManagedKafka)
    }
}

use Service::{DynamoDb, Kinesis, Msk, Other, SelfManagedKafka};

const SQS: Service = Other("Amazon SQS");
const MQ: Service = Other("Amazon MQ");
const DOCUMENT_DB: Service = Other("Amazon DocumentDB");
/// Several services take this setting, and Kinesis does not.
const NOT_KINESIS: Service = Other("another service than Kinesis");

/// The third part of an ARN.
const ARN_SERVICES: [(&str, Service); 6] = [
    ("kinesis", Kinesis),
    ("sqs", SQS),
    ("mq", MQ),
    ("kafka", Msk),
    ("rds", DOCUMENT_DB),
    ("dynamodb", DynamoDb),
];

/// `Type` of a resource.
const RESOURCE_TYPES: [(&str, Service); 10] = [
    (STREAM, Kinesis),
    (CONSUMER, Kinesis),
    ("AWS::SQS::Queue", SQS),
    ("AWS::AmazonMQ::Broker", MQ),
    (CLUSTERS[0], Msk),
    (CLUSTERS[1], Msk),
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
    ("MSK", Msk),
    ("DocumentDB", DOCUMENT_DB),
    ("DynamoDB", DynamoDb),
    ("SelfManagedKafka", SelfManagedKafka),
];

/// Settings that AWS does not take with a Kinesis stream; those that tell most come first. SAM has names of its own for some.
const SETTINGS: [(&str, Service, Parameter); 15] = [
    ("SelfManagedEventSource", SelfManagedKafka, Parameter::SelfManagedEventSource),
    ("SelfManagedKafkaEventSourceConfig", SelfManagedKafka, Parameter::SelfManagedKafkaEventSourceConfig),
    ("KafkaBootstrapServers", SelfManagedKafka, Parameter::SelfManagedEventSource),
    ("AmazonManagedKafkaEventSourceConfig", Msk, Parameter::AmazonManagedKafkaEventSourceConfig),
    // A cluster of MSK has them, too, and is told by its ARN.
    ("Topics", SelfManagedKafka, Parameter::Topics),
    ("SchemaRegistryConfig", SelfManagedKafka, Parameter::SchemaRegistryConfig),
    ("ConsumerGroupId", SelfManagedKafka, Parameter::ConsumerGroupId),
    ("ConsumptionMode", SelfManagedKafka, Parameter::ConsumptionMode),
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
    /// The service that a mapping reads from. Reports a mapping of a service that Pelton does not read, and one whose source only AWS
    /// knows. The type of an event says which service it is before any setting does.
    pub(crate) fn require_source(
        &mut self,
        declared: &Declared<'t>,
        of_event: Option<Service>,
    ) -> Result<Service, Reported> {
        let source = declared.source();
        let told = match source {
            Some(source) => self.service_of(&source.value),
            None => None,
        };
        let service = told.or(of_event).or_else(|| self.service_of_settings(&declared.properties));
        let known = match (service, source) {
            (Some(Other(service)), _) => return Err(self.refuse_service(declared, service)),
            // Only a cluster of MSK has an ARN.
            (Some(SelfManagedKafka), Some(_)) => Msk,
            (Some(known @ (Kinesis | DynamoDb | Msk | SelfManagedKafka)), _) => known,
            (None, _) => Kinesis,
        };
        match source.map(|source| self.require_known(declared, source)) {
            // What is wrong with the source of a stream is reported together with what is wrong with the settings.
            Some(Err(Unknown::Wrong)) if service.is_some() => Ok(known),
            Some(Err(Unknown::Wrong | Unknown::OnlyToAws)) => Err(Reported),
            Some(Ok(())) | None => Ok(known),
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
                "not supported by Pelton yet: only Kinesis streams, DynamoDB streams and Kafka topics are",
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
mod tests;
