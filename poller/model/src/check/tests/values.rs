//! Starting positions, windows, response types, filters, destinations and metrics, of each source that has them.

use super::super::super::limits::{self, KINESIS};
use super::super::super::problem::ProblemKind::{Conflict, Missing, NotTaken, TooMany, ValueNotTaken};
use super::*;

#[test]
fn a_starting_position_is_required_and_one_of_its_source() {
    let missing = |source: fn() -> ReadsFrom| {
        let give = |settings: &mut MappingSettings| settings.starting_position = None;
        check_refused(source(), give, &[(Parameter::StartingPosition, Missing)]);
    };
    missing(kinesis);
    missing(dynamo_db);
    missing(msk);
    let of_kinesis = KINESIS.starting_position;
    check_refused(
        kinesis(),
        |settings| settings.starting_position = some("latest"),
        &[(Parameter::StartingPosition, not_allowed("latest", Allowed::OneOf(of_kinesis)))],
    );
    let allowed = Allowed::OneOf(&["TRIM_HORIZON", "LATEST"]);
    let at_timestamp = ValueNotTaken { given: "AT_TIMESTAMP".to_owned(), by: SourceKind::DynamoDb, allowed };
    check_refused(
        dynamo_db(),
        |settings| settings.starting_position = some("AT_TIMESTAMP"),
        &[(Parameter::StartingPosition, at_timestamp)],
    );
}

#[test]
fn a_starting_position_timestamp_goes_with_at_timestamp_and_is_not_in_the_future() {
    let timestamp = Parameter::StartingPositionTimestamp;
    let at = |moment: Option<&'static str>| {
        move |settings: &mut MappingSettings| {
            settings.starting_position = some("AT_TIMESTAMP");
            settings.starting_position_timestamp = moment.map(str::to_owned);
        }
    };
    for source in [kinesis, msk] {
        let mapping = accepted(source(), at(Some("1800000000")));
        assert_eq!(mapping.source.starting_position(), Some(StartingPosition::AtTimestamp(NOW)));
        check_refused(source(), at(Some("1800000000.001")), &[(timestamp, ProblemKind::InTheFuture)]);
        check_refused(source(), at(Some("tomorrow")), &[(timestamp, not_allowed("tomorrow", Allowed::Time))]);
        check_refused(source(), at(None), &[(timestamp, Missing)]);
        let with = Parameter::StartingPosition;
        check_refused(
            source(),
            |settings| settings.starting_position_timestamp = some("5"),
            &[(timestamp, Conflict { with })],
        );
    }
    check_refused(
        dynamo_db(),
        |settings| settings.starting_position_timestamp = some("5"),
        &[(timestamp, NotTaken { by: SourceKind::DynamoDb })],
    );
}

#[test]
fn a_tumbling_window_needs_a_factor_of_1() {
    for source in [kinesis, dynamo_db] {
        let both = |window: &'static str, factor: &'static str| {
            move |settings: &mut MappingSettings| {
                settings.tumbling_window_in_seconds = some(window);
                settings.parallelization_factor = some(factor);
            }
        };
        accepted(source(), both("30", "1"));
        accepted(source(), both("0", "10"));
        let with = Parameter::TumblingWindowInSeconds;
        check_refused(source(), both("30", "2"), &[(Parameter::ParallelizationFactor, Conflict { with })]);
    }
}

#[test]
fn a_queue_reports_failed_messages_and_no_other_types_are_known() {
    let types = |types: &'static [&'static str]| {
        move |settings: &mut MappingSettings| {
            settings.function_response_types = types.iter().map(|&kind| kind.to_owned()).collect();
        }
    };
    let parameter = Parameter::FunctionResponseTypes;
    for source in [kinesis, dynamo_db, msk, sqs] {
        let known = limits::of(source().kind()).function_response_types;
        assert!(accepted(source(), types(&["ReportBatchItemFailures"])).report_batch_item_failures);
        let refused = not_allowed("Items", Allowed::OneOrNoneOf(known));
        check_refused(source(), types(&["Items"]), &[(parameter, refused)]);
        let twice = "ReportBatchItemFailures, ReportBatchItemFailures";
        let refused = not_allowed(twice, Allowed::OneOrNoneOf(known));
        check_refused(source(), types(&["ReportBatchItemFailures"; 2]), &[(parameter, refused)]);
    }
}

#[test]
fn filters_are_at_most_10_patterns_of_their_source() {
    let pattern =
        |text: &'static str| move |settings: &mut MappingSettings| settings.filters = vec![some(text)];
    accepted(kinesis(), pattern(r#"{"data": {"kind": ["order"]}}"#));
    accepted(dynamo_db(), pattern(r#"{"dynamodb": {"NewImage": {"kind": {"S": ["order"]}}}}"#));
    accepted(msk(), pattern(r#"{"value": {"kind": ["order"]}}"#));
    accepted(sqs(), pattern(r#"{"body": {"kind": ["order"]}}"#));
    accepted(sqs(), |settings| settings.filters = vec![some(r#"{"body": {"a": [1]}}"#); 10]);
    let problems = checked(sqs(), |settings| {
        settings.filters = vec![some(r#"{"body": {"a": [1]}}"#); 11];
        settings.filters[1] = some("{");
        settings.filters[2] = None;
        settings.filters[3] = Some("x".repeat(4097));
    });
    let problems = problems.unwrap_err();
    let about: Vec<String> = problems.iter().map(|problem| problem.parameter.to_string()).collect();
    assert_eq!(
        about,
        [
            "FilterCriteria.Filters",
            "FilterCriteria.Filters[1].Pattern",
            "FilterCriteria.Filters[2].Pattern",
            "FilterCriteria.Filters[3].Pattern",
        ]
    );
    assert_eq!(problems[0].kind, TooMany { count: 11, max: 10 });
    assert!(matches!(&problems[1].kind, ProblemKind::NoPattern(error) if error.offset == 1), "{problems:#?}");
    assert_eq!(problems[2].kind, Missing);
    assert_eq!(problems[3].kind, ProblemKind::TooLong { chars: 4097, max: 4096 });
}

#[test]
fn failed_records_go_where_their_source_lets_them() {
    let to = |text: &'static str| move |settings: &mut MappingSettings| settings.destination = some(text);
    for source in [kinesis, dynamo_db, msk] {
        for text in [
            "arn:aws:sqs:eu-west-1:123456789012:failed",
            "arn:aws:sns:eu-west-1:123456789012:failed",
            "arn:aws:s3:::failed",
            "file:failed.jsonl",
        ] {
            assert_eq!(accepted(source(), to(text)).on_failure.unwrap().to_string(), text);
        }
        let parameter = Parameter::Destination;
        check_refused(source(), to("failed"), &[(parameter, not_allowed("failed", Allowed::Destination))]);
        check_refused(source(), to("file:"), &[(parameter, not_allowed("file:", Allowed::File))]);
        let fifo = "arn:aws:sqs:eu-west-1:123456789012:failed.fifo";
        check_refused(source(), to(fifo), &[(parameter, ProblemKind::Fifo)]);
        let long = format!("arn:aws:sqs:eu-west-1:123456789012:{}", "a".repeat(351 - 35));
        assert_eq!(long.len(), 351);
        let too_long = ProblemKind::TooLong { chars: 351, max: 350 };
        check_refused(source(), |settings| settings.destination = Some(long), &[(parameter, too_long)]);
    }
    for source in [kinesis, dynamo_db] {
        let (given, allowed) = ("kafka://failed".to_owned(), Allowed::Destination);
        let not_here = ValueNotTaken { given, by: source().kind(), allowed };
        check_refused(source(), to("kafka://failed"), &[(Parameter::Destination, not_here)]);
    }
}

#[test]
fn metrics_of_kafka_are_those_of_kafka_only() {
    let groups = |groups: &'static [&'static str]| {
        move |settings: &mut MappingSettings| {
            settings.metrics = groups.iter().map(|&group| group.to_owned()).collect();
        }
    };
    for source in [kinesis, dynamo_db, sqs] {
        accepted(source(), groups(&["EventCount"]));
        let allowed = Allowed::ListOf(&["EventCount"]);
        let given = "ErrorCount".to_owned();
        let not_here = ValueNotTaken { given, by: source().kind(), allowed: allowed.clone() };
        let expected = [(Parameter::Metrics, not_here), (Parameter::Metrics, not_allowed("Events", allowed))];
        check_refused(source(), groups(&["ErrorCount", "Events"]), &expected);
    }
    let too_many = TooMany { count: 4, max: 3 };
    check_refused(msk(), groups(&["EventCount"; 4]), &[(Parameter::Metrics, too_many)]);
}
