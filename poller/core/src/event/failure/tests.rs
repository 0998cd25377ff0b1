//! Records of failures, to the byte.

mod kafka;

use super::*;
use crate::batch::{Batch, Envelope};
use crate::giving_up::FailureId;
use crate::invocation::Reached;
use crate::record::{Position, Record};
use bytes::Bytes;
use std::sync::Arc;

/// The example of specification 4.5, byte for byte as it is sent.
const GOLDEN: &str = concat!(
    r#"{"requestContext":{"requestId":"c9b8fa9f-5a7f-4c3e-af9c-0c604cde93a5","#,
    r#""functionArn":"arn:aws:lambda:us-east-2:123456789012:function:myfunction","#,
    r#""condition":"RetryAttemptsExhausted","approximateInvokeCount":2},"#,
    r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"#,
    r#""version":"1.0","timestamp":"2026-01-14T00:38:06.021Z","#,
    r#""KinesisBatchInfo":{"shardId":"shardId-000000000001","#,
    r#""startSequenceNumber":"49601189658422359378836298521827638475320189012309704722","#,
    r#""endSequenceNumber":"49601189658422359378836298522902373528957594348623495186","#,
    r#""approximateArrivalOfFirstRecord":"2026-01-14T00:38:04.835Z","#,
    r#""approximateArrivalOfLastRecord":"2026-01-14T00:38:05.580Z","#,
    r#""batchSize":500,"streamArn":"arn:aws:kinesis:us-east-2:123456789012:stream/mystream"}}"#
);

const RESPONSE: &str =
    r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"#;

const FUNCTION: &str = "arn:aws:lambda:us-east-2:123456789012:function:myfunction";
const FRESH: &str = "00000000-0000-4000-8000-000000000000";
const FIRST: &str = "49601189658422359378836298521827638475320189012309704722";
const LAST: &str = "49601189658422359378836298522902373528957594348623495186";

/// `2026-01-14T00:38:00Z` and so many milliseconds.
fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_768_351_080_000 + millis)
}

fn encoder() -> FailureEncoder {
    FailureEncoder::kinesis("arn:aws:kinesis:us-east-2:123456789012:stream/mystream", FUNCTION)
}

/// Those of the example: `[0,0,…]`.
fn records(count: usize) -> Vec<Record> {
    let page = Bytes::from(vec!["0"; count].join(","));
    let record = |index: usize| {
        let (position, arrival) = match index {
            0 => (FIRST.to_owned(), at(4835)),
            last if last + 1 == count => (LAST.to_owned(), at(5580)),
            between => (between.to_string(), at(5000)),
        };
        Record::new(Position::new(position), arrival, page.clone(), 2 * index..2 * index + 1)
    };
    (0..count).map(record).collect()
}

fn failure() -> Failure {
    failure_of(records(500))
}

fn failure_of(records: Vec<Record>) -> Failure {
    Failure {
        id: FailureId(1),
        batch: Arc::new(Batch::new(records, Envelope::new(r#"{"Records":["#, "]}"))),
        reason: GiveUp::RetriesExhausted,
        attempts: 2,
        last_reached: reached(HowFailed::FunctionError),
    }
}

fn reached(how: HowFailed) -> Option<Reached> {
    Some(Reached { request_id: Some("c9b8fa9f-5a7f-4c3e-af9c-0c604cde93a5".into()), how })
}

fn report(failure: &Failure) -> Report<'_> {
    Report { failure, shard_id: "shardId-000000000001", at: at(6021), fresh_request_id: FRESH }
}

/// The record of `failure` is that of the example but for these replacements.
#[track_caller]
fn check(failure: &Failure, differences: &[(&str, &str)]) {
    let mut expected = GOLDEN.to_owned();
    for (from, to) in differences {
        assert!(expected.contains(from), "the example has {from}");
        expected = expected.replace(from, to);
    }
    assert_eq!(encoder().metadata(&report(failure)), expected);
}

#[test]
fn a_record_is_that_of_the_specification_to_the_byte() {
    check(&failure(), &[]);
}

#[test]
fn for_record_age_exceeded_the_key_response_context_is_absent() {
    let failure = Failure { reason: GiveUp::TooOld, attempts: 8, ..failure() };
    check(
        &failure,
        &[(RESPONSE, ""), ("RetryAttemptsExhausted", "RecordAgeExceeded"), (r#"Count":2"#, r#"Count":8"#)],
    );
}

#[test]
fn a_record_too_old_on_first_sight_has_an_invoke_count_of_1() {
    let failure = Failure { reason: GiveUp::TooOld, attempts: 0, last_reached: None, ..failure() };
    check(
        &failure,
        &[
            (RESPONSE, ""),
            ("RetryAttemptsExhausted", "RecordAgeExceeded"),
            (r#"Count":2"#, r#"Count":1"#),
            ("c9b8fa9f-5a7f-4c3e-af9c-0c604cde93a5", FRESH),
        ],
    );
}

#[test]
fn on_partial_failure_exhaustion_the_function_error_is_null_and_the_status_200() {
    let failure = Failure { last_reached: reached(HowFailed::Reported), ..failure() };
    check(&failure, &[(r#""functionError":"Unhandled""#, r#""functionError":null"#)]);
}

#[test]
fn a_record_that_the_stream_no_longer_keeps_is_reported_as_too_old() {
    let failure = Failure { reason: GiveUp::Expired, ..failure() };
    check(&failure, &[(RESPONSE, ""), ("RetryAttemptsExhausted", "RecordAgeExceeded")]);
}

#[test]
fn for_an_event_that_is_too_large_the_response_context_is_null() {
    let failure = Failure { reason: GiveUp::TooLarge, attempts: 0, last_reached: None, ..failure() };
    check(
        &failure,
        &[
            (RESPONSE, r#""responseContext":null,"#),
            ("RetryAttemptsExhausted", "MaximumPayloadSizeExceeded"),
            (r#"Count":2"#, r#"Count":1"#),
            ("c9b8fa9f-5a7f-4c3e-af9c-0c604cde93a5", FRESH),
        ],
    );
}

#[test]
fn the_request_id_is_that_of_the_last_invocation_or_a_fresh_one() {
    let unknown = Some(Reached { request_id: None, how: HowFailed::FunctionError });
    check(
        &Failure { last_reached: unknown, ..failure() },
        &[("c9b8fa9f-5a7f-4c3e-af9c-0c604cde93a5", FRESH)],
    );
}

#[test]
fn a_single_record_is_the_first_and_the_last() {
    let failure = failure_of(records(1));
    check(
        &failure,
        &[(LAST, FIRST), ("00:38:05.580Z", "00:38:04.835Z"), (r#""batchSize":500"#, r#""batchSize":1"#)],
    );
}

#[test]
fn a_moment_has_exactly_three_fraction_digits() {
    assert_eq!(iso_8601_millis(at(0)), "2026-01-14T00:38:00.000Z");
    assert_eq!(iso_8601_millis(at(7)), "2026-01-14T00:38:00.007Z");
    assert_eq!(iso_8601_millis(Timestamp::default()), "1970-01-01T00:00:00.000Z");
    let last = iso_8601_millis(Timestamp::from_millis(u64::MAX));
    assert!(last.starts_with("9999-12-"), "{last}");
}

#[test]
fn the_payload_is_the_complete_invocation_event_as_an_escaped_json_string() {
    let page = Bytes::from_static(br#"{"data":"a\n"},{"data":"\u00e9\\"}"#);
    let record = |range| Record::new(Position::new(FIRST), at(4835), page.clone(), range);
    let failure = failure_of(vec![record(0..14), record(15..34)]);
    let text = encoder().with_payload(&report(&failure));
    let metadata = encoder().metadata(&report(&failure));
    let payload = r#","payload":"{\"Records\":[{\"data\":\"a\\n\"},{\"data\":\"\\u00e9\\\\\"}]}"}"#;
    assert_eq!(text, format!("{}{payload}", metadata.strip_suffix('}').unwrap()));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["payload"].as_str().unwrap().as_bytes(), failure.batch.body().concat());
    assert!(!text.contains('\n'), "a line of a file is one line");
}

#[test]
fn a_record_of_a_table_has_its_own_block_and_arrival_times_without_milliseconds() {
    let stream = "arn:aws:dynamodb:us-east-2:123456789012:table/mytable/stream/2026-01-14T00:00:00.000";
    let shard_id = "shardId-00000001573689847184-864758bb";
    let failure = failure();
    let text = FailureEncoder::dynamodb(stream, FUNCTION).metadata(&Report { shard_id, ..report(&failure) });
    let expected = GOLDEN
        .replace("KinesisBatchInfo", "DDBStreamBatchInfo")
        .replace("shardId-000000000001", shard_id)
        .replace("00:38:04.835Z", "00:38:04Z")
        .replace("00:38:05.580Z", "00:38:05Z")
        .replace("arn:aws:kinesis:us-east-2:123456789012:stream/mystream", stream);
    assert_eq!(text, expected, "while `timestamp` keeps its milliseconds");
}

#[test]
fn names_of_the_outside_cannot_break_the_record() {
    let failure = failure();
    let report = Report { shard_id: "shard\"\\", ..report(&failure) };
    let text = FailureEncoder::kinesis("arn\"", "\n").with_payload(&report);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["KinesisBatchInfo"]["shardId"], "shard\"\\");
    assert_eq!(document["KinesisBatchInfo"]["streamArn"], "arn\"");
}

#[test]
fn an_object_is_kept_by_mapping_shard_day_and_the_second_of_its_timestamp_in_utc() {
    let mapping = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    let key = object_key(mapping, "shardId-000000000001", at(6021), FRESH);
    assert_eq!(
        key,
        "aws/lambda/a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11/shardId-000000000001/2026/01/14/\
         2026-01-14T00.38.06-00000000-0000-4000-8000-000000000000"
    );
}
