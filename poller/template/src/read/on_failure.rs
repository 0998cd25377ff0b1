//! `DestinationConfig` of a mapping: where records go that are given up (specification 1.1, 4.5, 11.1).
//!
//! In: the property. Out: the text of the destination. What takes such records, the model decides.

use super::context::{Context, Reported, Without};
use super::diagnostics::{Code, Diagnostic};
use super::mapping_places::Place;
use super::mappings::Given;
use super::node::{Entry, Node};
use super::references::referenced_id;
use super::source::Span;
use pelton_model::{DestinationKind, OnFailure, Parameter};

/// What the name of a FIFO queue and of a FIFO topic ends with.
const FIFO_END: &str = ".fifo";

/// Notes the destination; none, if the mapping has none after all. Only a SAM event says its `Type`.
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    is_sam_event: bool,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let entries = context.head(&property.value, "a map with `OnFailure`")?.unwrap_or_default();
    context.each(entries, |context, entry| match entry.key.as_str() {
        "OnFailure" => on_failure(context, entry, is_sam_event, given),
        "OnSuccess" => {
            if context.quietly(|context| context.evaluate(&entry.value)) != Ok(None) {
                given.places.add(Parameter::OnSuccess, entry);
                given.settings.others.insert(Parameter::OnSuccess);
            }
            Ok(())
        }
        _ => Err(context.unknown_setting(entry, "`DestinationConfig` of a stream", &["OnFailure"])),
    })?;
    Ok(())
}

fn on_failure<'t>(
    context: &mut Context<'t>,
    on_failure: &'t Entry,
    is_sam_event: bool,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let entries = context.head(&on_failure.value, "a map with `Destination`")?.unwrap_or_default();
    let known: &[&str] = if is_sam_event { &["Destination", "Type"] } else { &["Destination"] };
    let types: &[&'static str] = match given.service().is_kafka() {
        true => &["SQS", "SNS", "S3", "Kafka"],
        false => &["SQS", "SNS", "S3"],
    };
    let mut kind = None;
    context.each(entries, |context, entry| {
        match entry.key.as_str() {
            "Destination" => destination(context, entry, given)?,
            "Type" if is_sam_event => {
                kind = context.word(entry, types)?.map(|word| (word, entry));
            }
            _ => return Err(context.unknown_setting(entry, "`OnFailure`", known)),
        }
        Ok(())
    })?;
    if let (Some(kind), Some(text), Some(place)) =
        (kind, &given.settings.destination, given.places.destination)
    {
        check_type(context, kind, text, place);
    }
    Ok(())
}

/// `Type` is SAM's: which permission the function gets, which changes nothing here. A file needs none, and may stand in
/// for any.
fn check_type(context: &mut Context<'_>, (word, kind): (&str, &Entry), destination: &str, place: &Entry) {
    let (wanted, what) = match OnFailure::named(destination).as_ref().map(OnFailure::kind) {
        Ok(DestinationKind::Sqs) => ("SQS", "a queue"),
        Ok(DestinationKind::Sns) => ("SNS", "a topic"),
        Ok(DestinationKind::S3) => ("S3", "a bucket"),
        Ok(DestinationKind::Kafka) => ("Kafka", "a Kafka topic"),
        Ok(DestinationKind::File) | Err(_) => return,
    };
    if word == wanted {
        return;
    }
    context.report(
        Diagnostic::warning(Code::Conflict, format!("`Type` is `{word}`, and `Destination` is {what}"))
            .at(kind.value.span, format!("must be `{wanted}`"))
            .related(place.value.span, format!("this is {what}")),
    );
}

fn destination<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let mark = context.diagnostics.mark();
    let mut text = match context.without(Without::Setting, |context| context.text(property)) {
        Ok(text) => text.unwrap_or_default(),
        // Only AWS knows it, and it is allowed to run without.
        Err(Reported) if !context.diagnostics.has_errors_since(mark) => return Ok(()),
        Err(Reported) => return Err(Reported),
    };
    given.places.add(Parameter::Destination, property);
    given.places.destination = Some(property);
    given.places.fifo = made_fifo(context, property);
    // AWS gives a FIFO queue or topic a name that says so.
    if given.places.fifo.is_some() && OnFailure::named(&text).is_ok() {
        text.push_str(FIFO_END);
    }
    given.settings.destination = Some(text);
    Ok(())
}

/// What in the template makes the queue or topic behind a reference a FIFO one.
fn made_fifo<'t>(context: &mut Context<'t>, property: &'t Entry) -> Option<Span> {
    let id = referenced_id(&property.value)?;
    let entries = context.document.resource(id)?.properties.as_mapping()?;
    let said = entries.iter().find(|entry| entry.key == "FifoQueue" || entry.key == "FifoTopic")?;
    let is_fifo = context.quietly(|context| context.boolean(said));
    (is_fifo == Ok(Some(true))).then_some(said.key_span)
}

/// A text that names nothing that takes failed records.
pub(crate) fn no_destination(
    context: &Context<'_>,
    given: &Given<'_>,
    place: &Place,
    allowed: &str,
) -> Diagnostic {
    let text = given.settings.destination.as_deref().unwrap_or_default();
    let message = format!("`{}` is `{text}`, which cannot receive failed records", place.name);
    let wrong =
        Diagnostic::error(Code::InvalidValue, message).at(place.value_span, format!("must be {allowed}"));
    match given.places.destination.and_then(|property| meant(context, &property.value)) {
        Some(meant) => wrong.help(format!("did you mean `{meant}`?")),
        None => wrong,
    }
}

/// What gives the ARN of the resource that a reference names.
fn meant(context: &Context<'_>, node: &Node) -> Option<String> {
    let id = referenced_id(node)?;
    match context.kind_of_resource(id)? {
        "AWS::SQS::Queue" | "AWS::S3::Bucket" => Some(format!("!GetAtt {id}.Arn")),
        "AWS::SNS::Topic" => Some(format!("!Ref {id}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_problem, load, load_with, options, template};
    use crate::{LoadOptions, Loaded, Unsupported};

    const RESOURCES: &str = "
  Rejected: {Type: AWS::SQS::Queue}
  Named: {Type: AWS::SQS::Queue, Properties: {QueueName: rejected-orders}}
  Alerts: {Type: AWS::SNS::Topic}
  Store: {Type: AWS::S3::Bucket}
  Kept: {Type: AWS::S3::Bucket, Properties: {BucketName: kept.orders}}
  Ordered: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
  OrderedAlerts: {Type: AWS::SNS::Topic, Properties: {FifoTopic: true, TopicName: a.fifo}}";

    fn loaded(config: &str) -> Loaded {
        load(&template("", &format!("DestinationConfig: {config}"), RESOURCES))
    }

    #[track_caller]
    fn check_config(config: &str, expected: Option<OnFailure>) {
        let loaded = loaded(config);
        check_problem(&loaded, "");
        assert_eq!(loaded.application.expect("there is no problem").mappings[0].on_failure, expected);
    }

    #[track_caller]
    fn check(destination: &str, expected: OnFailure) {
        check_config(&format!("{{OnFailure: {{Destination: {destination}}}}}"), Some(expected));
    }

    #[track_caller]
    fn check_refused(destination: &str, expected: &str) {
        check_problem(&loaded(&format!("{{OnFailure: {{Destination: {destination}}}}}")), expected);
    }

    fn queue(name: &str) -> OnFailure {
        named(&format!("arn:aws:sqs:eu-west-1:123456789012:{name}"))
    }

    fn bucket(name: &str) -> OnFailure {
        named(&format!("arn:aws:s3:::{name}"))
    }

    fn named(arn: &str) -> OnFailure {
        OnFailure::named(arn).unwrap()
    }

    #[test]
    fn a_destination_is_a_standard_queue_a_standard_topic_or_a_bucket() {
        check("arn:aws:sqs:eu-west-1:123456789012:rejected", queue("rejected"));
        check(
            "arn:aws-cn:sns:cn-north-1:123456789012:alerts",
            named("arn:aws-cn:sns:cn-north-1:123456789012:alerts"),
        );
        check("arn:aws:s3:::kept.orders", bucket("kept.orders"));
    }

    #[test]
    fn a_destination_may_be_a_resource_of_the_template() {
        check("!GetAtt Rejected.Arn", queue("Rejected"));
        check("!GetAtt Named.Arn", queue("rejected-orders"));
        check("!Sub '${Named.Arn}'", queue("rejected-orders"));
        let alerts = named("arn:aws:sns:eu-west-1:123456789012:Alerts");
        check("!Ref Alerts", alerts.clone());
        check("!GetAtt Alerts.TopicArn", alerts);
        check("!GetAtt Kept.Arn", bucket("kept.orders"));
        check("!GetAtt Store.Arn", bucket("store"));
    }

    #[test]
    fn a_file_is_a_destination_seen_from_the_folder_of_the_template() {
        check("file:failed.jsonl", OnFailure::File("/app/failed.jsonl".into()));
        check("file:./out/failed.jsonl", OnFailure::File("/app/out/failed.jsonl".into()));
        check("file:/var/failed.jsonl", OnFailure::File("/var/failed.jsonl".into()));
        check_refused("'file:'", "must be `file:` and the path of a file");
        check_refused("file:out/", "must be `file:` and the path of a file");
    }

    #[test]
    fn a_destination_that_is_empty_clears_it() {
        for config in [
            "{}",
            "{OnFailure: {}}",
            "{OnFailure: {Destination: ''}}",
            "{OnFailure: {Type: SQS, Destination: ''}}",
            "{OnFailure: {Destination: !Ref AWS::NoValue}}",
            "!Ref AWS::NoValue",
        ] {
            check_config(config, None);
        }
    }

    #[test]
    fn on_success_is_not_supported_for_a_mapping_of_a_stream() {
        check_problem(
            &loaded("{OnSuccess: {Destination: 'arn:aws:sqs:eu-west-1:123456789012:q'}}"),
            "`DestinationConfig` of a mapping of a stream does not support `OnSuccess`",
        );
        check_config("{OnSuccess: !Ref AWS::NoValue}", None);
        check_problem(&loaded("{OnFailre: {}}"), "did you mean `OnFailure`?");
        check_problem(&loaded("arn"), "this is a single value | must be a map with `OnFailure`");
        check_problem(
            &loaded("{OnFailure: arn}"),
            "this is a single value | must be a map with `Destination`",
        );
    }

    #[test]
    fn fifo_queues_and_fifo_topics_are_no_destinations() {
        let is_fifo = "FIFO queues and topics cannot receive failed records";
        check_refused("arn:aws:sqs:eu-west-1:123456789012:rejected.fifo", is_fifo);
        check_refused("arn:aws:sns:eu-west-1:123456789012:alerts.fifo", is_fifo);
        check_refused("!GetAtt Ordered.Arn", is_fifo);
        check_refused("!Ref OrderedAlerts", is_fifo);
    }

    #[test]
    fn a_destination_has_at_most_350_characters() {
        let arn = |length: usize| {
            let start = "arn:aws:sns:eu-west-1:123456789012:";
            format!("{start}{}", "a".repeat(length - start.len()))
        };
        check(&arn(350), named(&arn(350)));
        check_refused(&arn(351), "`Destination` has 351 characters | must have at most 350");
    }

    #[test]
    fn what_takes_no_failed_records_is_refused() {
        let cannot = "which cannot receive failed records | must be the ARN of a standard SQS queue";
        check_refused("rejected", cannot);
        check_refused("arn:aws:lambda:eu-west-1:123456789012:function:f", cannot);
        check_refused("arn:aws:sqs:eu-west-1:1234:q", cannot);
        check_refused("'arn:aws:sqs:eu-west-1:123456789012:'", cannot);
        check_refused("arn:aws:sqs:eu-west-1:123456789012:a.b", cannot);
        check_refused("arn:aws:s3:::bucket/prefix", cannot);
        check_refused("!GetAtt Orders.Arn", cannot);
        check_refused("!Ref Rejected", "did you mean `!GetAtt Rejected.Arn`?");
        check_refused("!Ref Kept", "did you mean `!GetAtt Kept.Arn`?");
        check_refused("!GetAtt Alerts.TopicName", "did you mean `!Ref Alerts`?");
        check_refused("kafka://failed", "a Kinesis stream does not support a Kafka topic");
        check_refused("[a]", "`Destination` is a list | must be a single value");
    }

    #[test]
    fn the_type_that_sam_knows_must_be_that_of_the_destination() {
        let config = |kind: &str, destination: &str| {
            loaded(&format!("{{OnFailure: {{Type: {kind}, Destination: {destination}}}}}"))
        };
        check_problem(&config("SQS", "!GetAtt Rejected.Arn"), "");
        check_problem(&config("SNS", "!Ref Alerts"), "");
        check_problem(&config("S3", "!GetAtt Kept.Arn"), "");
        check_problem(&config("SQS", "file:failed.jsonl"), "");
        check_problem(
            &config("SQS", "!Ref Alerts"),
            "warning conflict: `Type` is `SQS`, and `Destination` is a topic | must be `SNS`",
        );
        check_problem(&config("S3", "!GetAtt Rejected.Arn"), "must be `SQS`");
        check_problem(&config("SNS", "!GetAtt Kept.Arn"), "must be `S3`");
        check_problem(&config("Kafka", "!Ref Alerts"), "must be one of `SQS`, `SNS`, `S3`");
    }

    #[test]
    fn only_sam_knows_a_type() {
        let mapping = "  Second:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: arn:aws:kinesis:eu-west-1:123456789012:stream/other
      StartingPosition: LATEST
      FunctionName: !Ref Ledger
      DestinationConfig: {OnFailure: {Type: S3, Destination: 'arn:aws:s3:::kept'}}";
        check_problem(&load(&template("", "", mapping)), "`OnFailure` has no property `Type`");
    }

    #[test]
    fn a_destination_that_only_aws_knows_is_refused_or_left_out() {
        let text = template("", "DestinationConfig: {OnFailure: {Destination: !ImportValue x}}", "");
        check_problem(&load(&text), "error unsupported: `Fn::ImportValue` is not supported by Pelton");
        let loaded = load_with(&text, &LoadOptions { unsupported: Unsupported::Warn, ..options() });
        check_problem(&loaded, "warning unsupported: `Fn::ImportValue`");
        assert_eq!(loaded.application.expect("a warning is no error").mappings[0].on_failure, None);
    }
}
