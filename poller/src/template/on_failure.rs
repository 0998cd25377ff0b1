//! `DestinationConfig` of a mapping: where records go that are given up (specification 1.1, 4.5, 11.1).
//!
//! In: the property. Out: the destination, which is of a kind that takes such records.

use super::context::{Context, Reported, Without};
use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node};
use super::references::referenced_id;
use crate::application::OnFailure;
use std::path::Path;

/// Characters of a destination.
const DESTINATION_CHARS_MAX: usize = 350;
/// What the name of a FIFO queue and of a FIFO topic ends with.
const FIFO_END: &str = ".fifo";
/// Before the path of a file: Pelton's own kind of destination.
const FILE: &str = "file:";

const ALLOWED: &str = "the ARN of a standard SQS queue, a standard SNS topic or an S3 bucket, or `file:PATH`";

/// The destination; `None` if the mapping has none after all. Only a SAM event says its `Type`.
pub(super) fn read<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    is_sam_event: bool,
) -> Result<Option<OnFailure>, Reported> {
    let entries = context.head(&property.value, "a map with `OnFailure`")?.unwrap_or_default();
    let destinations = context.each(entries, |context, entry| match entry.key.as_str() {
        "OnFailure" => on_failure(context, entry, is_sam_event),
        "OnSuccess" => on_success(context, entry).map(|()| None),
        _ => Err(context.unknown_setting(entry, "`DestinationConfig` of a stream", &["OnFailure"])),
    })?;
    Ok(destinations.into_iter().flatten().next())
}

/// AWS: `Unsupported DestinationConfig parameter for given event source mapping type.`
fn on_success(context: &mut Context<'_>, on_success: &Entry) -> Result<(), Reported> {
    if context.quietly(|context| context.evaluate(&on_success.value)) == Ok(None) {
        return Ok(());
    }
    let message = "`DestinationConfig` of a mapping of a stream does not support `OnSuccess`";
    Err(context.report(
        Diagnostic::error(Code::Conflict, message)
            .at(on_success.key_span, "a stream has only `OnFailure`")
            .help("remove it"),
    ))
}

fn on_failure<'t>(
    context: &mut Context<'t>,
    on_failure: &'t Entry,
    is_sam_event: bool,
) -> Result<Option<OnFailure>, Reported> {
    let entries = context.head(&on_failure.value, "a map with `Destination`")?.unwrap_or_default();
    let known: &[&str] = if is_sam_event { &["Destination", "Type"] } else { &["Destination"] };
    let (mut kind, mut found) = (None, None);
    context.each(entries, |context, entry| {
        match entry.key.as_str() {
            "Destination" => found = destination(context, entry)?.map(|destination| (destination, entry)),
            "Type" if is_sam_event => {
                kind = context.word(entry, &["SQS", "SNS", "S3"])?.map(|word| (word, entry));
            }
            _ => return Err(context.unknown_setting(entry, "`OnFailure`", known)),
        }
        Ok(())
    })?;
    let Some((destination, place)) = found else { return Ok(None) };
    if let Some((word, kind)) = kind {
        check_type(context, (word, kind), &destination, place);
    }
    Ok(Some(destination))
}

/// `Type` is SAM's: which permission the function gets, which changes nothing here. A file needs none, and may stand in
/// for any.
fn check_type(
    context: &mut Context<'_>,
    (word, kind): (&str, &Entry),
    destination: &OnFailure,
    place: &Entry,
) {
    let (wanted, what) = match destination {
        OnFailure::Sqs(_) => ("SQS", "a queue"),
        OnFailure::Sns(_) => ("SNS", "a topic"),
        OnFailure::S3 { .. } => ("S3", "a bucket"),
        OnFailure::File(_) => return,
    };
    if word == wanted {
        return;
    }
    context.report(
        Diagnostic::warning(Code::Conflict, format!("`Type` is `{word}`, and `Destination` is {what}"))
            .at(kind.value.span, format!("AWS wants `{wanted}`"))
            .related(place.value.span, format!("this is {what}")),
    );
}

fn destination<'t>(context: &mut Context<'t>, property: &'t Entry) -> Result<Option<OnFailure>, Reported> {
    let mark = context.diagnostics.mark();
    let text = match context.without(Without::Setting, |context| context.text(property)) {
        Ok(Some(text)) if !text.is_empty() => text,
        // An empty text clears the destination.
        Ok(Some(_) | None) => return Ok(None),
        // Only AWS knows it, and it is allowed to run without.
        Err(Reported) if !context.diagnostics.has_errors_since(mark) => return Ok(None),
        Err(Reported) => return Err(Reported),
    };
    if let Some(path) = text.strip_prefix(FILE) {
        return file(context, property, path).map(Some);
    }
    if text.starts_with("kafka://") {
        return Err(context.report(
            Diagnostic::error(Code::Conflict, "a Kinesis stream does not go with a topic of Kafka")
                .at(property.value.span, format!("must be {ALLOWED}")),
        ));
    }
    let chars = text.chars().count();
    if chars > DESTINATION_CHARS_MAX {
        return Err(context.report(
            Diagnostic::error(Code::TooLarge, format!("`Destination` has {chars} characters"))
                .at(property.value.span, format!("must have at most {DESTINATION_CHARS_MAX}")),
        ));
    }
    let Some(destination) = parse(&text) else { return Err(no_destination(context, property, &text)) };
    check_order(context, property, &text)?;
    Ok(Some(destination))
}

/// `file:PATH`, as seen from the folder of the template.
fn file(context: &mut Context<'_>, property: &Entry, path: &str) -> Result<OnFailure, Reported> {
    if path.is_empty() || path.ends_with('/') {
        return Err(context.not_allowed(
            property,
            &format!("{FILE}{path}"),
            "`file:` and the path of a file",
        ));
    }
    let root = super::root_of(context.diagnostics.source().path());
    Ok(OnFailure::File(root.join(Path::new(path)).components().collect()))
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:NAME`; region and account of a bucket are empty.
fn parse(arn: &str) -> Option<OnFailure> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, service, region, account, name] = parts[..] else { return None };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let consists_of = |word: &str, others: &[u8]| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
    };
    let unordered_name = name.strip_suffix(FIFO_END).unwrap_or(name);
    let is_regional = is_account && consists_of(region, b"-") && consists_of(unordered_name, b"-_");
    let destination = match service {
        "sqs" if is_regional => OnFailure::Sqs(arn.to_owned()),
        "sns" if is_regional => OnFailure::Sns(arn.to_owned()),
        "s3" if region.is_empty() && account.is_empty() && consists_of(name, b"-.") => {
            OnFailure::S3 { bucket: name.to_owned() }
        }
        _ => return None,
    };
    consists_of(partition, b"-").then_some(destination)
}

/// AWS takes neither FIFO queues nor FIFO topics: deliveries to them fail.
fn check_order<'t>(context: &mut Context<'t>, property: &'t Entry, arn: &str) -> Result<(), Reported> {
    let said_so = referenced_id(&property.value).and_then(|id| {
        let entries = context.document.resource(id)?.properties.as_mapping()?;
        let said = entries.iter().find(|entry| entry.key == "FifoQueue" || entry.key == "FifoTopic")?;
        let is_fifo = context.quietly(|context| context.boolean(said));
        (is_fifo == Ok(Some(true))).then_some(said)
    });
    if said_so.is_none() && !arn.ends_with(FIFO_END) {
        return Ok(());
    }
    let mut diagnostic =
        Diagnostic::error(Code::InvalidValue, "a FIFO queue or topic takes no failed records")
            .at(property.value.span, format!("must be {ALLOWED}"));
    if let Some(said) = said_so {
        diagnostic = diagnostic.related(said.key_span, "this makes it FIFO");
    }
    Err(context.report(diagnostic))
}

fn no_destination(context: &mut Context<'_>, property: &Entry, text: &str) -> Reported {
    let message = format!("`Destination` is `{text}`, to which no failed records can go");
    let mut diagnostic =
        Diagnostic::error(Code::InvalidValue, message).at(property.value.span, format!("must be {ALLOWED}"));
    if let Some(meant) = meant(context, &property.value) {
        diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
    }
    context.report(diagnostic)
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
    use crate::template::testing::{check_problem, load, load_with, options, template};
    use crate::template::{LoadOptions, Loaded, Unsupported};

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
        OnFailure::Sqs(format!("arn:aws:sqs:eu-west-1:123456789012:{name}"))
    }

    fn bucket(name: &str) -> OnFailure {
        OnFailure::S3 { bucket: name.to_owned() }
    }

    #[test]
    fn a_destination_is_a_standard_queue_a_standard_topic_or_a_bucket() {
        check("arn:aws:sqs:eu-west-1:123456789012:rejected", queue("rejected"));
        check(
            "arn:aws-cn:sns:cn-north-1:123456789012:alerts",
            OnFailure::Sns("arn:aws-cn:sns:cn-north-1:123456789012:alerts".into()),
        );
        check("arn:aws:s3:::kept.orders", bucket("kept.orders"));
    }

    #[test]
    fn a_destination_may_be_a_resource_of_the_template() {
        check("!GetAtt Rejected.Arn", queue("Rejected"));
        check("!GetAtt Named.Arn", queue("rejected-orders"));
        check("!Sub '${Named.Arn}'", queue("rejected-orders"));
        let alerts = OnFailure::Sns("arn:aws:sns:eu-west-1:123456789012:Alerts".into());
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
        let is_fifo = "a FIFO queue or topic takes no failed records";
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
        check(&arn(350), OnFailure::Sns(arn(350)));
        check_refused(&arn(351), "`Destination` has 351 characters | must have at most 350");
    }

    #[test]
    fn what_takes_no_failed_records_is_refused() {
        let cannot = "to which no failed records can go | must be the ARN of a standard SQS queue";
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
        check_refused("kafka://failed", "a Kinesis stream does not go with a topic of Kafka");
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
            "warning conflict: `Type` is `SQS`, and `Destination` is a topic | AWS wants `SNS`",
        );
        check_problem(&config("S3", "!GetAtt Rejected.Arn"), "AWS wants `SQS`");
        check_problem(&config("SNS", "!GetAtt Kept.Arn"), "AWS wants `S3`");
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
