//! Finds the event source mappings: events of SAM functions, and `AWS::Lambda::EventSourceMapping`
//! (specification 11.1, 11.2).
//!
//! In: the resources. Out: the mappings in the order of the template, and the functions and streams that they need.

use super::context::LeftOut;
use super::context::{Context, Reported};
use super::cycles::references_in;
use super::diagnostics::{Code, Diagnostic};
use super::event_source;
use super::events;
use super::function_names;
use super::mappings::{self, Declared};
use super::node::Entry;
use super::references::{SAM_FUNCTION, referenced_id};
use super::resource::Resource;
use super::resource_types::{MAPPING, STREAM};
use super::selection;
use super::source::Span;
use super::table_references;
use pelton_model::{EventSource, KafkaCluster, KafkaSettings, Mapping, MappingId, StreamKind};
use std::collections::{BTreeMap, BTreeSet};

/// A mapping, and where the template says so.
pub(crate) struct Read {
    pub(crate) mapping: Mapping,
    pub(crate) span: Span,
    /// The alias or version that it invokes.
    pub(crate) qualifier: Option<String>,
    /// The consumer that it names instead of its stream.
    pub(crate) consumer: Option<String>,
}

/// Every mapping of the template.
#[derive(Default)]
pub(crate) struct EventSourceMappings {
    /// Those that could be read, in the order of the template.
    pub(crate) read: Vec<Read>,
    /// Logical ids of the functions that must be able to run: of enabled mappings, and of those that are wrong, so
    /// that what is wrong with their functions is told at the same time.
    pub(crate) needed_functions: BTreeSet<String>,
    /// Logical ids of the streams that mappings read, or would if nothing were wrong with them.
    pub(crate) needed_streams: BTreeSet<String>,
    /// Logical ids of the tables whose streams mappings read.
    pub(crate) needed_tables: BTreeSet<String>,
}

/// Every mapping of the template. Two of the same stream and function are reported.
pub(crate) fn read_all(context: &mut Context<'_>) -> EventSourceMappings {
    let document = context.document;
    let mut mappings = EventSourceMappings::default();
    for resource in &document.resources {
        match resource.kind.as_str() {
            MAPPING if context.may_exist(resource) && selection::takes_resource(context, resource) => {
                read_resource(context, resource, &mut mappings);
            }
            SAM_FUNCTION => events::read(context, resource, &mut mappings),
            _ => {}
        }
    }
    refuse_doubles(context, &mappings.read);
    mappings
}

impl EventSourceMappings {
    /// Notes which stream of the template a mapping reads.
    pub(crate) fn need_stream<'t>(&mut self, context: &mut Context<'t>, source: Option<&'t Entry>) {
        let Some(source) = source else { return };
        let arn = context.quietly(|context| event_source::read(context, source));
        if arn.as_ref().is_ok_and(|arn| arn.stream.is_to_be_found()) {
            let tables = table_references::referred(context, &source.value);
            self.needed_tables.extend(tables.into_iter().map(|table| table.id.clone()));
        }
        let mut mentioned = Vec::new();
        references_in(context, &source.value, &mut mentioned);
        let document = context.document;
        for stream in document.resources.iter().filter(|resource| resource.kind == STREAM) {
            let name = context.quietly(|context| context.name_of(stream));
            let is_named = matches!((&arn, &name), (Ok(arn), Ok(name)) if arn.stream.kind == StreamKind::Kinesis && arn.stream.name == *name);
            if is_named || mentioned.iter().any(|(id, _)| *id == stream.id) {
                self.needed_streams.insert(stream.id.clone());
            }
        }
    }

    /// Takes a mapping over. Nothing is left out in silence: if it could not be read, and no error says so, a warning
    /// does.
    pub(crate) fn take<'t>(
        &mut self,
        context: &mut Context<'t>,
        declared: &Declared<'t>,
        function: &str,
        read: Result<Read, Reported>,
    ) {
        if !read.as_ref().is_ok_and(|read| !read.mapping.enabled) {
            self.needed_functions.insert(function.to_owned());
        }
        match read {
            Ok(read) => self.read.push(read),
            Err(Reported) if context.diagnostics.has_errors() => {}
            Err(Reported) => {
                let message = format!("the mapping `{}` is left out", declared.id);
                let diagnostic = Diagnostic::warning(Code::Unsupported, message);
                context.report(diagnostic.at(declared.span, "Pelton cannot run it"));
                context.leave_out(LeftOut::Unsupported, &declared.properties);
            }
        }
    }
}

fn function_name<'t>(properties: &[&'t Entry]) -> Option<&'t Entry> {
    properties.iter().copied().find(|property| property.key == "FunctionName")
}

fn read_resource<'t>(context: &mut Context<'t>, resource: &'t Resource, mappings: &mut EventSourceMappings) {
    let name = (resource.id.as_str(), resource.id_span);
    let properties = resource.properties.as_mapping().unwrap_or_default();
    if let Some(function) = function_names::find(context, properties)
        && context.leaves_out_with_function(name, &function, &properties.iter().collect::<Vec<_>>())
    {
        return;
    }
    let Ok(properties) = context.properties(&resource.properties) else { return };
    let source = properties.iter().find(|property| property.key == "EventSourceArn");
    let declared = Declared {
        id: MappingId(resource.id.clone()),
        span: resource.id_span,
        place: source.map_or(resource.id_span, |source| source.value.span),
        properties: properties.clone(),
        owner: "an event source mapping",
        is_sam_event: false,
        source_property: Some("EventSourceArn"),
        other_properties: &["FunctionName"],
    };
    let mark = context.diagnostics.mark();
    let Ok(service) = context.require_source(&declared, None) else {
        // A source that cannot be told may be a stream: what else is wrong is reported at the same time.
        let is_slip = context.diagnostics.since(mark).iter().any(|said| said.code == Code::UnknownReference);
        if let Some(property) = function_name(&properties).filter(|_| is_slip) {
            function_names::resolve(context, property).ok();
        }
        return;
    };
    let function = match function_name(&properties) {
        Some(property) => function_names::resolve(context, property),
        None => {
            let message = format!("the mapping `{}` has no `FunctionName`", resource.id);
            Err(context.report(
                Diagnostic::error(Code::Missing, message)
                    .at(resource.id_span, "needs the function to invoke")
                    .help("add `FunctionName: !Ref` and the function's logical id"),
            ))
        }
    };
    // What is wrong with a function is told, also where its name is.
    let meant = function_name(&properties).and_then(|property| referenced_id(&property.value));
    mappings.need_stream(context, declared.source());
    let function_id = function.as_ref().map_or(meant.unwrap_or_default(), |invoked| &invoked.function.id);
    let mapping = mappings::read(context, &declared, service, function_id);
    let read = match (mapping, function.as_ref()) {
        (Ok((mapping, consumer)), Ok(invoked)) => {
            Ok(Read { mapping, span: resource.id_span, qualifier: invoked.qualifier.clone(), consumer })
        }
        (Err(Reported), _) | (_, Err(Reported)) => Err(Reported),
    };
    mappings.take(context, &declared, function_id, read);
}

/// AWS refuses a second mapping of the same stream or topic to the same function; an alias is another function, and a consumer
/// another event source.
fn refuse_doubles(context: &mut Context<'_>, found: &[Read]) {
    let mut seen = BTreeMap::new();
    for (index, read) in found.iter().enumerate() {
        let first = match &read.mapping.source {
            EventSource::Kafka(settings) => {
                found[..index].iter().find(|first| is_double(first, read, settings)).map(|first| first.span)
            }
            source @ (EventSource::Kinesis { .. } | EventSource::DynamoDb { .. } | EventSource::Sqs(_)) => {
                source.stream().and_then(|stream| {
                    seen.insert((stream, &read.consumer, &read.mapping.function, &read.qualifier), read.span)
                })
            }
        };
        let Some(first) = first else { continue };
        let message = format!(
            "a mapping of the {} `{}` to the function `{}` already exists",
            if read.mapping.source.stream().is_some() { "stream" } else { "topic" },
            read.mapping.source.name(),
            read.mapping.function
        );
        context.report(
            Diagnostic::error(Code::Conflict, message)
                .at(read.span, "second mapping")
                .related(first, "first mapping")
                .help("remove one of them"),
        );
    }
}

/// Whether both read the same topic for the same function. One server in common makes two clusters one.
fn is_double(first: &Read, second: &Read, settings: &KafkaSettings) -> bool {
    let EventSource::Kafka(first_settings) = &first.mapping.source else { return false };
    let is_one_cluster = match (&first_settings.cluster, &settings.cluster) {
        (KafkaCluster::Msk { arn: one, .. }, KafkaCluster::Msk { arn: other, .. }) => one == other,
        (one, other) if one.kind() == other.kind() => {
            let servers = one.bootstrap_servers().zip(other.bootstrap_servers());
            servers.is_some_and(|(one, other)| one.meets(other))
        }
        (_, _) => false,
    };
    is_one_cluster
        && first_settings.topic == settings.topic
        && (&first.mapping.function, &first.qualifier) == (&second.mapping.function, &second.qualifier)
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, lines, load, load_with, options, template};
    use crate::{LoadOptions, Loaded, Unsupported};

    fn with_resources(resources: &str) -> Loaded {
        load(&template("FunctionName: ledger", "", resources))
    }

    /// A second mapping beside that of the event, of another stream.
    fn mapping(function: &str) -> Loaded {
        with_resources(&format!(
            "  Second:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: arn:aws:kinesis:eu-west-1:123456789012:stream/other
      StartingPosition: LATEST
      {function}"
        ))
    }

    #[track_caller]
    fn check(function: &str) {
        let loaded = mapping(&format!("FunctionName: {function}"));
        check_problem(&loaded, "");
        let mappings = loaded.application.expect("there is no problem").mappings;
        assert_eq!(
            mappings.iter().map(|mapping| mapping.id.0.as_str()).collect::<Vec<_>>(),
            ["LedgerOrders", "Second"]
        );
        assert_eq!(mappings[1].function, "Ledger");
    }

    #[test]
    fn a_function_is_named_in_every_way_that_aws_takes() {
        check("!Ref Ledger");
        check("!GetAtt Ledger.Arn");
        check("ledger");
        check("ledger:live");
        check("123456789012:function:ledger");
        check("!Sub '${Ledger.Arn}:live'");
        check("arn:aws:lambda:eu-west-1:123456789012:function:ledger");
    }

    #[test]
    fn an_unknown_function_is_refused_with_the_nearest_name() {
        check_problem(
            &mapping("FunctionName: !Ref Legder"),
            "no resource and no parameter `Legder` | not defined | did you mean `Ledger`?",
        );
        check_problem(
            &mapping("FunctionName: ledgre"),
            "no function named `ledgre` | must be a function of this template | did you mean `ledger`?",
        );
        check_problem(&mapping("FunctionName: !Ref Orders"), "no function named `Orders`");
        check_problem(&mapping("FunctionName: a:b:c:d"), "must be a function's name or ARN");
        check_problem(&mapping("Enabled: true"), "the mapping `Second` has no `FunctionName`");
    }

    #[test]
    fn an_alias_resource_means_its_function() {
        let loaded = with_resources(
            "  Live: {Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref Ledger, Name: live, FunctionVersion: '1'}}
  Second:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Orders.Arn, StartingPosition: LATEST, FunctionName: !Ref Live}",
        );
        check_problem(&loaded, "");
        assert_eq!(
            loaded.application.expect("there is no problem").mappings.len(),
            2,
            "an alias is another function"
        );
    }

    #[test]
    fn two_mappings_of_the_same_stream_and_function_are_refused() {
        let loaded = with_resources(
            "  Second:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Orders.Arn, StartingPosition: LATEST, FunctionName: !Ref Ledger}",
        );
        check_problem(
            &loaded,
            "conflict: a mapping of the stream `Orders` to the function `Ledger` already exists",
        );
    }

    #[test]
    fn a_mapping_that_cannot_run_is_never_left_out_in_silence() {
        let event = "Enabled: false\n            BatchSize: !ImportValue elsewhere";
        let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
        let loaded = load_with(&template("", event, ""), &allowing);
        let lines = lines(&loaded.diagnostics);
        assert!(
            lines.iter().any(|line| line.contains("the mapping `LedgerOrders` is left out")),
            "{lines:#?}"
        );
        assert!(loaded.application.expect("a warning is no error").mappings.is_empty());
    }
}
