//! Events as handlers in Rust read them: `aws_lambda_events` takes every shape that is sent.
//!
//! The bytes themselves are compared beside the code that makes them; here a reader of others judges them.

mod dynamodb;
mod kafka;

use aws_lambda_events::kinesis::{KinesisEvent, KinesisTimeWindowEvent};
use bytes::Bytes;
use pelton_core::OpenWindow;
use pelton_core::batch::{Batch, Envelope};
use pelton_core::event::kinesis::{KinesisEncoder, KinesisOrigin, KinesisRecord};
use pelton_core::event::page::records_envelope;
use pelton_core::event::window::{WindowEnvelope, WindowInvocation};
use pelton_core::time::Timestamp;

const STREAM: &str = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream";
const SHARD: &str = "shardId-000000000006";
const NUMBER: &str = "49590338271490256608559692538361571095921575989136588898";

fn hello() -> KinesisRecord<'static> {
    KinesisRecord {
        sequence_number: NUMBER,
        partition_key: Some("1"),
        data: b"Hello, this is a test.",
        arrival: Timestamp::from_millis(1_545_084_650_987),
    }
}

fn event(records: &[KinesisRecord<'_>], envelope: Envelope) -> Vec<u8> {
    if records.is_empty() {
        return envelope.empty_event().concat();
    }
    let encoder = KinesisEncoder::new(KinesisOrigin {
        shard_id: SHARD.into(),
        event_source_arn: STREAM.into(),
        region: "us-east-2".into(),
        invoke_identity_arn: "arn:aws:iam::123456789012:role/lambda-role".into(),
    });
    let records = encoder.encode(records.iter().copied(), 0).into_records(Bytes::from);
    Batch::new(records, envelope).body().concat()
}

fn read(record: KinesisRecord<'_>) -> aws_lambda_events::kinesis::KinesisEventRecord {
    let event = event(&[record], records_envelope());
    let mut event: KinesisEvent = serde_json::from_slice(&event).expect("aws_lambda_events takes the event");
    assert_eq!(event.records.len(), 1);
    event.records.remove(0)
}

#[test]
fn a_kinesis_event_is_read_with_all_its_members() {
    let record = read(hello());
    assert_eq!(record.kinesis.kinesis_schema_version.as_deref(), Some("1.0"));
    assert_eq!(record.kinesis.partition_key, "1");
    assert_eq!(record.kinesis.sequence_number, NUMBER);
    assert_eq!(record.kinesis.data.0, b"Hello, this is a test.");
    assert_eq!(record.event_source.as_deref(), Some("aws:kinesis"));
    assert_eq!(record.event_version.as_deref(), Some("1.0"));
    assert_eq!(record.event_id, Some(format!("{SHARD}:{NUMBER}")));
    assert_eq!(record.event_name.as_deref(), Some("aws:kinesis:record"));
    assert_eq!(record.invoke_identity_arn.as_deref(), Some("arn:aws:iam::123456789012:role/lambda-role"));
    assert_eq!(record.aws_region.as_deref(), Some("us-east-2"));
    assert_eq!(record.event_source_arn.as_deref(), Some(STREAM));
}

#[test]
fn several_records_are_read_in_order() {
    let records = ["7", "8", "10"].map(|sequence_number| KinesisRecord { sequence_number, ..hello() });
    let event = event(&records, records_envelope());
    let event: KinesisEvent = serde_json::from_slice(&event).unwrap();
    let numbers: Vec<&str> =
        event.records.iter().map(|record| record.kinesis.sequence_number.as_str()).collect();
    assert_eq!(numbers, ["7", "8", "10"]);
}

#[test]
fn a_record_without_a_partition_key_is_read_with_an_empty_one() {
    assert_eq!(read(KinesisRecord { partition_key: None, ..hello() }).kinesis.partition_key, "");
}

#[test]
fn empty_data_and_every_byte_are_read() {
    assert_eq!(read(KinesisRecord { data: b"", ..hello() }).kinesis.data.0, b"");
    let all: Vec<u8> = (0..=u8::MAX).collect();
    assert_eq!(read(KinesisRecord { data: &all, ..hello() }).kinesis.data.0, all);
}

#[test]
fn arrival_times_of_every_millisecond_are_read() {
    for millis in 1_545_084_650_000..1_545_084_651_000 {
        let record = read(KinesisRecord { arrival: Timestamp::from_millis(millis), ..hello() });
        let arrival = record.kinesis.approximate_arrival_timestamp.timestamp();
        assert_eq!(arrival, 1_545_084_650, "the seconds; the crate reads .9 as 9 ms");
    }
}

/// What the crate reads of an event of a window whose state is `state`.
fn read_window(
    state: &'static str,
    records: &[KinesisRecord<'_>],
    invocation: WindowInvocation,
) -> serde_json::Result<KinesisTimeWindowEvent> {
    let window = OpenWindow {
        start: Timestamp::from_millis(1_767_942_240_000),
        end: Timestamp::from_millis(1_767_942_360_000),
        state: Bytes::from_static(state.as_bytes()),
    };
    let envelope = WindowEnvelope::new(SHARD, STREAM).around(&window, invocation);
    serde_json::from_slice(&event(records, envelope))
}

#[test]
fn an_event_of_a_tumbling_window_is_read_with_all_its_members() {
    let event = read_window(r#"{"1":"282"}"#, &[hello()], WindowInvocation::Gathering).unwrap();
    let window = event.time_window_properties;
    assert_eq!(window.window.start.to_rfc3339(), "2026-01-09T07:04:00+00:00");
    assert_eq!(window.window.end.to_rfc3339(), "2026-01-09T07:06:00+00:00");
    assert_eq!(window.state["1"], "282");
    assert_eq!(window.shard_id.as_deref(), Some(SHARD));
    assert_eq!(window.event_source_arn.as_deref(), Some(STREAM));
    assert!(!window.is_final_invoke_for_window && !window.is_window_terminated_early);
    assert_eq!(event.kinesis_event.records[0].kinesis.sequence_number, NUMBER);
}

#[test]
fn the_final_event_of_a_window_is_read_without_records() {
    for (invocation, is_early) in [(WindowInvocation::Final, false), (WindowInvocation::FinalEarly, true)] {
        let event = read_window("{}", &[], invocation).unwrap();
        let window = event.time_window_properties;
        assert!(event.kinesis_event.records.is_empty() && window.state.is_empty());
        assert_eq!((window.is_final_invoke_for_window, window.is_window_terminated_early), (true, is_early));
    }
}

#[test]
fn a_number_in_the_state_is_passed_on_though_the_crate_cannot_read_it() {
    let error = read_window(r#"{"1":282}"#, &[hello()], WindowInvocation::Gathering).unwrap_err();
    assert!(error.to_string().contains("expected a string"), "{error}");
}
