//! Records of Kafka, as they are read and as they stand in an event (specification 6.2, 6.3): both are judged alike.

use super::*;
use crate::event::kafka::{
    KafkaEncoder, KafkaHeader, KafkaOrigin, KafkaRecord, KafkaSchema, KafkaTimestamp, KafkaView,
};
use bytes::Bytes;

fn origin() -> KafkaOrigin {
    KafkaOrigin { topic: "my-topic".into(), partition: 3 }
}

fn record(value: Option<&[u8]>) -> KafkaRecord<'_> {
    KafkaRecord {
        offset: 15,
        timestamp: KafkaTimestamp::LogAppendTime(Timestamp::from_millis(1_545_084_650_987)),
        key: Some(b"k-1"),
        key_schema: None,
        value,
        value_schema: Some(KafkaSchema { data_format: "JSON", schema_id: "12" }),
        headers: vec![KafkaHeader { key: "type", value: Some(b"\xffA") }],
    }
}

/// The record passes, or not, in both shapes.
#[track_caller]
fn check(pattern: &Value, record: &KafkaRecord<'_>, expected: bool) {
    let filters = of(Source::Kafka, pattern);
    let (origin, page) = (origin(), KafkaEncoder::new(origin()).encode([record.clone()], 0));
    let event_record = page.into_records(Bytes::from)[0].encoded();
    let event_record = std::str::from_utf8(&event_record).unwrap();
    let view = KafkaView::new(record, &origin);
    let verdict = if expected { Verdict::Pass } else { Verdict::Drop };
    assert_eq!(filters.judge(&view), verdict, "{pattern}: a record of Kafka is never dropped as no JSON");
    let explanation = filters.explain(&view);
    assert_eq!(explanation == Explanation::Pass, expected, "{pattern}");
    assert_eq!(filters.explain_event_record(event_record).unwrap(), explanation, "{pattern} {event_record}");
}

#[track_caller]
fn check_value(pattern: &Value, value: &[u8], expected: bool) {
    check(&json!({"value": pattern}), &record(Some(value)), expected);
}

#[test]
fn a_value_that_is_a_json_object_is_filtered_by_its_fields() {
    check_value(&json!({"a": [1]}), br#"{"a":1}"#, true);
    check_value(&json!({"a": [1]}), br#"{"a":2}"#, false);
    check_value(&json!({"a": {"b": [{"prefix": "x"}]}}), "\u{feff} {\"a\":{\"b\":\"xé\"}}".as_bytes(), true);
    check_value(&json!({"a": [{"exists": false}]}), br#"{"b":2}"#, true);
    check_value(&json!({"a": [{"exists": false}]}), br#"{"a":2}"#, false);
}

#[test]
fn a_value_that_is_a_plain_string_is_filtered_as_a_whole() {
    check_value(&json!(["hello"]), b"hello", true);
    check_value(&json!(["hello"]), b"bye", false);
    check_value(&json!([{"prefix": "he"}]), b"hello", true);
    check_value(&json!([{"anything-but": ["hello"]}]), b"hello", false);
    check_value(&json!([""]), b"", true);
    check_value(&json!(["x"]), b"", false);
    check_value(&json!(["[1]"]), b"[1]", true);
    check_value(&json!(["1"]), b"1", true);
}

#[test]
fn a_value_of_another_kind_than_its_pattern_or_none_in_utf8_is_left_out_of_the_pattern() {
    let object = json!({"a": [1]});
    let text = json!(["x"]);
    for (value, pattern) in [
        (Some(&b"plain"[..]), &object),
        (Some(b"[1]"), &object),
        (Some(b"{\"a\":1"), &object),
        (Some(b""), &object),
        (Some(br#"{"a":1}"#), &text),
        (Some(b"\xff\xfe"), &object),
        (Some(b"\xff\xfe"), &text),
        (Some(b"{\"a\":\"\xff\"}"), &object),
        (None, &object),
        (None, &text),
    ] {
        let record = record(value);
        check(&json!({"value": pattern}), &record, true);
        check(&json!({"value": pattern, "topic": ["my-topic"]}), &record, true);
        check(&json!({"value": pattern, "topic": ["other"]}), &record, false);
        check(&json!({"topic": [{"prefix": "my-"}]}), &record, true);
    }
}

#[test]
fn a_tombstone_is_no_empty_value() {
    check(&json!({"value": [{"anything-but": [""]}]}), &record(None), true);
    check(&json!({"value": [{"anything-but": [""]}]}), &record(Some(b"")), false);
    let one_of_two = json!({"$or": [{"value": ["x"]}, {"offset": [16]}]});
    check(&one_of_two, &record(None), true);
    check(&one_of_two, &record(Some(b"")), false);
}

#[test]
fn a_key_is_filtered_as_a_value_is() {
    let keyed = |key| KafkaRecord { key, ..record(Some(b"plain")) };
    check(&json!({"key": ["k-1"]}), &keyed(Some(b"k-1")), true);
    check(&json!({"key": ["k-2"]}), &keyed(Some(b"k-1")), false);
    check(&json!({"key": {"id": [7]}}), &keyed(Some(br#"{"id":7}"#)), true);
    check(&json!({"key": {"id": [7]}}), &keyed(Some(br#"{"id":8}"#)), false);
    check(&json!({"key": {"id": [7]}}), &keyed(Some(b"k-1")), true);
    check(&json!({"key": ["k-2"], "value": ["plain"]}), &keyed(Some(b"k-1")), false);
    check(&json!({"key": ["k-2"], "value": ["plain"]}), &keyed(None), true);
    check(&json!({"key": ["k-2"], "value": ["other"]}), &keyed(None), false);
}

#[test]
fn the_metadata_of_the_record_are_matched_with_its_headers() {
    for (pattern, expected) in [
        (json!({"topic": ["my-topic"], "partition": [3], "offset": [15]}), true),
        (json!({"partition": [0]}), false),
        (json!({"offset": [{"numeric": [">", 15]}]}), false),
        (json!({"timestamp": [{"numeric": [">=", 1_545_084_650_987_u64]}]}), true),
        (json!({"timestampType": ["LOG_APPEND_TIME"]}), true),
        (json!({"timestampType": ["CREATE_TIME"]}), false),
        (json!({"headers": {"type": [-1]}}), true),
        (json!({"headers": {"type": [65]}}), true),
        (json!({"headers": {"type": [255]}}), false),
        (json!({"headers": {"other": [{"exists": true}]}}), false),
        (json!({"valueSchemaMetadata": {"dataFormat": ["JSON"], "schemaId": ["12"]}}), true),
        (json!({"valueSchemaMetadata": {"schemaId": [{"exists": false}]}}), false),
        (json!({"keySchemaMetadata": {"schemaId": [{"exists": true}]}}), false),
        (json!({"eventSource": [{"exists": true}]}), false),
    ] {
        check(&pattern, &record(Some(b"plain")), expected);
    }
}
