//! The sentences of specification 6, one by one.

mod explanations;
mod kafka;
mod kinds;
mod limits;
mod operators;
mod refusals;
mod semantics;
mod sources;

use super::*;
use crate::event::kinesis::{KinesisOrigin, KinesisRecord, KinesisView};
use crate::time::Timestamp;
use base64_simd::STANDARD;
use serde_json::{Value, json};
use std::sync::LazyLock;

fn bare(patterns: &[&str]) -> Filters {
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    Filters::compile_bare(&patterns).unwrap().unwrap()
}

fn of(source: Source, pattern: &Value) -> Filters {
    Filters::compile(source, &[pattern.to_string()]).unwrap().unwrap()
}

/// Whether a document matches a bare pattern.
#[track_caller]
fn check(pattern: &str, document: &str, expected: bool) {
    let explanation = bare(&[pattern]).explain_document(document).unwrap();
    assert_eq!(explanation == Explanation::Pass, expected, "{pattern} {document}");
}

/// Whether an event record of a source passes.
#[track_caller]
fn check_record(source: Source, pattern: &Value, record: &Value, expected: bool) {
    let explanation = of(source, pattern).explain_event_record(&record.to_string()).unwrap();
    assert_eq!(explanation == Explanation::Pass, expected, "{pattern} {record}");
}

/// Whether a record of Kinesis with these data passes, as it is read and as it stands in an event.
#[track_caller]
fn check_kinesis(pattern: &Value, data: &[u8], expected: bool) {
    let filters = of(Source::Kinesis, pattern);
    let verdict = filters.judge(&view(data));
    assert_eq!(verdict == Verdict::Pass, expected, "{pattern}");
    assert_eq!(filters.explain(&view(data)) == Explanation::Pass, expected, "{pattern}");
    check_record(Source::Kinesis, pattern, &kinesis_record(data), expected);
}

fn view(data: &[u8]) -> KinesisView<'_> {
    static ORIGIN: LazyLock<KinesisOrigin> = LazyLock::new(|| KinesisOrigin {
        shard_id: "shardId-000000000006".into(),
        event_source_arn: "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream".into(),
        region: "us-east-2".into(),
        invoke_identity_arn: "arn:aws:iam::123456789012:role/lambda-role".into(),
    });
    let record = KinesisRecord {
        data,
        partition_key: Some("1"),
        sequence_number: "49590338271490256608559692538361571095921575989136588898",
        arrival: Timestamp::from_millis(1_545_084_650_987),
    };
    KinesisView { record, origin: &ORIGIN }
}

fn kinesis_record(data: &[u8]) -> Value {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0", "partitionKey": "1",
            "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
            "data": STANDARD.encode_to_string(data), "approximateArrivalTimestamp": 1_545_084_650.987
        },
        "eventSource": "aws:kinesis", "eventVersion": "1.0",
        "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
        "eventName": "aws:kinesis:record", "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"
    })
}
