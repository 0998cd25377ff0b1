//! Which service a mapping reads from, and what is said of one that Pelton does not read.

use super::*;
use crate::testing::{check_problem, lines, load, load_with, options, template};
use crate::{FunctionsRun, LoadOptions, Loaded, Unsupported};

const RESOURCES: &str = "
  Jobs: {Type: AWS::SQS::Queue}
  Broker: {Type: AWS::AmazonMQ::Broker}
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
    assert_eq!(mappings.iter().map(|mapping| mapping.id.0.as_str()).collect::<Vec<_>>(), ["LedgerOrders"]);
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
        ("arn:aws:rds:eu-west-1:123456789012:cluster:docs", "Amazon DocumentDB"),
    ] {
        check_service(&format!("BatchSize: 0, EventSourceArn: '{arn}'"), service);
    }
    check_service(
        "EventSourceArn: !Sub 'arn:${AWS::Partition}:sqs:${AWS::Region}:${Source}:jobs'",
        "Amazon SQS",
    );
    check_service(
        "EventSourceArn: !Join [':', [arn, !Ref AWS::Partition, rds, !ImportValue rest]]",
        "Amazon DocumentDB",
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
        ("!Ref Documents", "Amazon DocumentDB"),
        ("!GetAtt LedgerEventInvokeConfigOnFailureQueue.Arn", "Amazon SQS"),
    ] {
        check_service(&format!("EventSourceArn: {reference}"), service);
    }
}

#[test]
fn the_service_is_told_by_a_setting_that_no_other_has() {
    for (name, service, _) in SETTINGS {
        let Other(service) = service else { continue };
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
    for (name, service, _) in SETTINGS {
        if service.is_kafka() {
            check(&format!("{name}: [x], EventSourceArn: !ImportValue source"), expected);
        }
    }
    for source in
        ["!ImportValue source", "!GetAtt Nested.Outputs.Source", "!Ref Source", "'{{resolve:ssm:source}}'"]
    {
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
        let text = template("", "BatchSize: 0", "").replace("Type: Kinesis\n", &format!("Type: {kind}\n"));
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
