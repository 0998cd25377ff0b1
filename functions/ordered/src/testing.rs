//! Events for the tests of handlers, in the shape in which AWS sends them.

use aws_lambda_events::kinesis::KinesisEvent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What differs from record to record.
#[derive(Clone, Debug)]
pub struct TestRecord {
    /// Id of the shard.
    pub shard: String,
    /// Decimal digits.
    pub sequence_number: String,
    /// Partition key; empty for none.
    pub partition_key: String,
    /// The payload, not yet base64.
    pub data: Vec<u8>,
}

/// The event that delivers these records.
///
/// # Panics
/// If this library and `aws_lambda_events` disagree on the shape of an event.
#[must_use]
pub fn kinesis_event(records: &[TestRecord]) -> KinesisEvent {
    let records: Vec<Value> = records.iter().map(event_record).collect();
    serde_json::from_value(json!({ "Records": records })).expect("the event has the shape of Kinesis")
}

fn event_record(record: &TestRecord) -> Value {
    let mut value = json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "sequenceNumber": record.sequence_number,
            "data": STANDARD.encode(&record.data),
            "approximateArrivalTimestamp": 1_545_084_650.987
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("{}:{}", record.shard, record.sequence_number),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/sample",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/sample"
    });
    if !record.partition_key.is_empty() {
        value["kinesis"]["partitionKey"] = record.partition_key.as_str().into();
    }
    value
}
