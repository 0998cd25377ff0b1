//! Events of a SAM function (specification 11.1).
//!
//! In: a function. Out: a mapping for each event that reads a stream or a topic. Events that push to a function (an API, a schedule)
//! are somebody else's job, and mentioned.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::event_source_kind::{EVENT_TYPES, Service, find};
use super::event_source_mappings::{EventSourceMappings, Read};
use super::mappings::{self, Declared};
use super::node::{Entry, Node, Value};
use super::resource::Resource;
use super::selection;
use super::source::Span;
use super::suggest;
use pelton_model::MappingId;

/// Events in which AWS calls the function: nothing is polled.
const PUSHED: [&str; 12] = [
    "AlexaSkill",
    "Api",
    "CloudWatchEvent",
    "CloudWatchLogs",
    "Cognito",
    "EventBridgeRule",
    "HttpApi",
    "IoTRule",
    "S3",
    "SNS",
    "Schedule",
    "ScheduleV2",
];

/// Every mapping that an event of the function becomes.
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    function: &'t Resource,
    mappings: &mut EventSourceMappings,
) {
    // What is wrong with the condition of a function without mappings is no problem here.
    let exists = if may_have_mappings(function) {
        context.may_exist(function)
    } else {
        context.quietly(|context| context.may_exist(function))
    };
    if !exists {
        return;
    }
    let Ok(properties) = context.properties(&function.properties) else { return };
    let Some(events) = properties.iter().find(|property| property.key == "Events") else { return };
    let Ok(events) = context.head(&events.value, "a map of events") else { return };
    for event in events.unwrap_or_default() {
        let id = format!("{}{}", function.id, event.key);
        if event.value.value == Value::Null {
            report_empty(context, event);
        } else if !selection::takes_event(context, &id, &function.id) {
            continue;
        } else if context.not_here.contains_key(&function.id) {
            context.leniently(|context| leave_out(context, function, event, &id));
        } else {
            read_event(context, function, event, mappings);
        }
    }
}

/// An event of a function that cannot run here, and need not: nothing of it is checked.
fn leave_out<'t>(context: &mut Context<'t>, function: &Resource, event: &'t Entry, id: &str) {
    let Some(kind) = event_kind(context, event) else { return };
    if find(&EVENT_TYPES, kind).is_none() {
        report_other_kind(context, event, kind);
        return;
    }
    let properties = event.value.get("Properties").and_then(Node::as_mapping).unwrap_or_default();
    let properties: Vec<&Entry> = properties.iter().collect();
    context.leaves_out_with_function((id, event.key_span), &function.id, &properties);
}

fn read_event<'t>(
    context: &mut Context<'t>,
    function: &'t Resource,
    event: &'t Entry,
    mappings: &mut EventSourceMappings,
) {
    let Some(kind) = event_kind(context, event) else { return };
    match find(&EVENT_TYPES, kind) {
        Some(service @ (Service::Kinesis | Service::DynamoDb | Service::Msk | Service::SelfManagedKafka)) => {
            read_pulled_event(context, function, (event, service), mappings);
        }
        Some(Service::Other(service)) => {
            // What is wrong with the properties of another service is not judged.
            let properties = context.quietly(|context| properties_of(context, event)).unwrap_or_default();
            context.refuse_service(&declared_event(function, event, properties), service);
        }
        None => report_other_kind(context, event, kind),
    }
}

/// A name with nothing behind it. SAM refuses it; there is nothing that could be run.
fn report_empty(context: &mut Context<'_>, event: &Entry) {
    let message = format!("the event `{}` is empty", event.key);
    let diagnostic = Diagnostic::warning(Code::Missing, message);
    context.report(diagnostic.at(event.key_span, "Pelton ignores it, and SAM refuses it"));
}

fn properties_of<'t>(context: &mut Context<'t>, event: &'t Entry) -> Result<Vec<&'t Entry>, Reported> {
    match event.value.get("Properties") {
        Some(properties) => context.properties(properties),
        None => Ok(Vec::new()),
    }
}

/// Whether any event of the function may be a mapping.
fn may_have_mappings(function: &Resource) -> bool {
    let Some(properties) = function.properties.as_mapping() else { return true };
    let is_pushed = |event: &Entry| kind_of(event).is_some_and(|kind| PUSHED.contains(&kind));
    match function.properties.get("Events") {
        Some(events) => !events.as_mapping().is_some_and(|events| events.iter().all(is_pushed)),
        None => properties.iter().any(|property| property.key.starts_with("Fn::")),
    }
}

fn read_pulled_event<'t>(
    context: &mut Context<'t>,
    function: &'t Resource,
    (event, service): (&'t Entry, Service),
    mappings: &mut EventSourceMappings,
) {
    let properties = properties_of(context, event);
    let is_map = properties.as_ref().map(|_| ()).map_err(|&reported| reported);
    let declared = declared_event(function, event, properties.unwrap_or_default());
    let Ok(service) = context.require_source(&declared, Some(service)) else { return };
    mappings.need_stream(context, declared.source());
    let read = is_map.and_then(|()| read_mapping(context, function, (event, service), &declared));
    mappings.take(context, &declared, &function.id, read);
}

/// An event that is a mapping.
fn declared_event<'t>(function: &Resource, event: &'t Entry, properties: Vec<&'t Entry>) -> Declared<'t> {
    Declared {
        id: MappingId(format!("{}{}", function.id, event.key)),
        span: event.key_span,
        place: place_of_kind(event),
        properties,
        owner: match kind_of(event) {
            Some("DynamoDB") => "an event of type DynamoDB",
            Some("MSK") => "an event of type MSK",
            Some("SelfManagedKafka") => "an event of type SelfManagedKafka",
            Some(_) | None => "an event of type Kinesis",
        },
        is_sam_event: true,
        source_property: (kind_of(event) != Some("SelfManagedKafka")).then_some("Stream"),
        other_properties: &[],
    }
}

/// An event that is no mapping.
fn report_other_kind(context: &mut Context<'_>, event: &Entry, kind: &str) {
    let place = place_of_kind(event);
    if PUSHED.contains(&kind) {
        let message = format!("the event `{}` does not come from a stream", event.key);
        let label = format!("Pelton does not run `{kind}` events");
        context.report(Diagnostic::warning(Code::Ignored, message).at(place, label));
        return;
    }
    let mappings = EVENT_TYPES.iter().map(|(kind, _)| *kind);
    let known = mappings.clone().chain(PUSHED);
    let nearest = suggest::nearest(kind, known.clone()).filter(|kind| find(&EVENT_TYPES, kind).is_some());
    context.report(
        suggest::unknown_name(kind, nearest, format!("there are no events of type `{kind}`"))
            .at(place, "unknown type")
            .help(suggest::did_you_mean(kind, known, "types")),
    );
}

fn kind_of(event: &Entry) -> Option<&str> {
    event.value.get("Type").and_then(|kind| kind.as_scalar())
}

fn event_kind<'t>(context: &mut Context<'t>, event: &'t Entry) -> Option<&'t str> {
    let kind = kind_of(event);
    if kind.is_none() {
        let message = format!("the event `{}` has no `Type`", event.key);
        context.report(
            Diagnostic::error(Code::Missing, message).at(event.key_span, "needs a `Type`, such as `Kinesis`"),
        );
    }
    kind
}

fn place_of_kind(event: &Entry) -> Span {
    event.value.get("Type").map_or(event.key_span, |kind| kind.span)
}

fn read_mapping<'t>(
    context: &mut Context<'t>,
    function: &'t Resource,
    (event, service): (&'t Entry, Service),
    declared: &Declared<'t>,
) -> Result<Read, Reported> {
    require_free_id(context, event, declared)?;
    let attributes = ["Type", "Properties"];
    for attribute in event.value.as_mapping().unwrap_or_default() {
        if !attributes.contains(&attribute.key.as_str()) {
            context.unknown_property(attribute, "an event", &attributes, ["Properties"]);
        }
    }
    let (mapping, consumer) = mappings::read(context, declared, service, &function.id)?;
    let qualifier = context.quietly(|context| context.auto_publish_alias(function)).unwrap_or_default();
    Ok(Read { mapping, span: event.key_span, qualifier, consumer })
}

/// The logical id that SAM makes of the event must be one, and no other resource may have it.
fn require_free_id(
    context: &mut Context<'_>,
    event: &Entry,
    declared: &Declared<'_>,
) -> Result<(), Reported> {
    let id = declared.id.0.as_str();
    if context.document.resource(id).is_none() && id.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let message = format!("the event `{}` would create a mapping `{id}`", event.key);
    Err(context.report(
        Diagnostic::error(Code::Conflict, message)
            .at(event.key_span, "its mapping needs a logical id that is not in the template")
            .help("give the event another name, of letters and digits"),
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, load, template};

    /// The event of the template is of this type instead.
    fn event(kind: &str) -> String {
        template("", "", "").replace("Type: Kinesis\n", &format!("Type: {kind}\n"))
    }

    #[test]
    fn pushed_events_are_mentioned() {
        for kind in super::PUSHED {
            let loaded = load(&event(kind));
            check_problem(&loaded, "warning ignored: the event `Orders` does not come from a stream");
            assert!(loaded.application.expect("a warning is no error").mappings.is_empty());
        }
    }

    #[test]
    fn an_unknown_type_of_event_is_refused_if_it_is_nearly_one_that_is_a_mapping() {
        check_problem(
            &load(&event("Kinesiss")),
            "error unknown-name: there are no events of type `Kinesiss` | unknown type | did you mean `Kinesis`?",
        );
        for other in ["Scheduled", "Webhook"] {
            check_problem(
                &load(&event(other)),
                &format!("warning unknown-name: there are no events of type `{other}`"),
            );
        }
    }

    #[test]
    fn an_event_with_nothing_behind_its_name_is_only_mentioned() {
        let text = template("", "", "").replace("      Events:\n", "      Events:\n        Empty:\n");
        let loaded = load(&text);
        check_problem(&loaded, "warning missing: the event `Empty` is empty");
        assert_eq!(loaded.application.expect("a warning is no error").mappings.len(), 1);
    }

    #[test]
    fn an_event_must_not_make_a_resource_that_exists() {
        let loaded = load(&template("", "", "  LedgerOrders: {Type: AWS::SNS::Topic}"));
        check_problem(&loaded, "the event `Orders` would create a mapping `LedgerOrders`");
    }
}
