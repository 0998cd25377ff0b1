//! Records of Kafka inside events, to the byte.

use super::*;
use crate::batch::Batch;
use crate::event::page::EncodedPage;
use crate::record::Record;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// The example of specification 7.4, byte for byte as it is sent.
const GOLDEN: &str = concat!(
    r#"{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:us-east-1:123456789012:cluster/c/uuid-2","#,
    r#""bootstrapServers":"b-2:9092,b-1:9092","#,
    r#""records":{"mytopic-0":[{"topic":"mytopic","partition":0,"offset":15,"timestamp":1545084650987,"#,
    r#""timestampType":"CREATE_TIME","key":"YWJj","value":"SGVsbG8=","#,
    r#""headers":[{"headerKey":[104,101,97,100,101,114]}]}]}}"#
);

fn managed() -> KafkaCluster {
    KafkaCluster {
        event_source_arn: Some("arn:aws:kafka:us-east-1:123456789012:cluster/c/uuid-2".into()),
        bootstrap_servers: "b-2:9092,b-1:9092".into(),
    }
}

fn origin() -> KafkaOrigin {
    KafkaOrigin { topic: "mytopic".into(), partition: 0 }
}

fn hello() -> KafkaRecord<'static> {
    KafkaRecord {
        offset: 15,
        timestamp: KafkaTimestamp::CreateTime(Timestamp::from_millis(1_545_084_650_987)),
        key: Some(b"abc"),
        key_schema: None,
        value: Some(b"Hello"),
        value_schema: None,
        headers: vec![header("headerKey", b"header")],
    }
}

fn header<'a>(key: &'a str, value: &'a [u8]) -> KafkaHeader<'a> {
    KafkaHeader { key, value: Some(value) }
}

fn encoded(records: Vec<KafkaRecord<'_>>) -> Vec<Record> {
    KafkaEncoder::new(origin()).encode(records, 0).into_records(Bytes::from)
}

fn event(cluster: &KafkaCluster, records: Vec<KafkaRecord<'_>>) -> String {
    let batch = Batch::new(encoded(records), cluster.envelope(&origin()));
    assert_eq!(batch.body().len(), 3, "the records of one read are one slice");
    assert_eq!(batch.event_len(), batch.body().concat().len());
    String::from_utf8(batch.body().concat()).unwrap()
}

/// The event of one record is the example but for this.
#[track_caller]
fn check(record: KafkaRecord<'_>, from: &str, to: &str) {
    assert!(GOLDEN.contains(from), "the example has {from}");
    assert_eq!(event(&managed(), vec![record]), GOLDEN.replace(from, to));
}

#[test]
fn an_event_is_that_of_the_specification_to_the_byte() {
    assert_eq!(event(&managed(), vec![hello()]), GOLDEN);
}

#[test]
fn an_event_of_a_self_managed_cluster_says_so_and_has_no_event_source_arn() {
    let self_managed = KafkaCluster { event_source_arn: None, ..managed() };
    let expected = GOLDEN.replace(
        r#""aws:kafka","eventSourceArn":"arn:aws:kafka:us-east-1:123456789012:cluster/c/uuid-2""#,
        r#""SelfManagedKafka""#,
    );
    assert_eq!(event(&self_managed, vec![hello()]), expected);
}

#[test]
fn records_of_one_read_follow_each_other_in_order_under_their_partition() {
    let of = |offset| KafkaRecord { offset, ..hello() };
    let event: Value = serde_json::from_str(&event(&managed(), vec![of(9), of(10), of(100)])).unwrap();
    let records = event["records"].as_object().unwrap();
    assert_eq!(records.len(), 1);
    let offsets: Vec<&Value> =
        records["mytopic-0"].as_array().unwrap().iter().map(|record| &record["offset"]).collect();
    assert_eq!(offsets, [9, 10, 100]);
}

#[test]
fn a_null_key_and_the_null_value_of_a_tombstone_are_null_and_always_present() {
    check(KafkaRecord { key: None, ..hello() }, r#""key":"YWJj""#, r#""key":null"#);
    check(KafkaRecord { value: None, ..hello() }, r#""value":"SGVsbG8=""#, r#""value":null"#);
}

#[test]
fn an_empty_key_and_an_empty_value_are_empty_strings() {
    check(KafkaRecord { key: Some(b""), ..hello() }, r#""key":"YWJj""#, r#""key":"""#);
    check(KafkaRecord { value: Some(b""), ..hello() }, r#""value":"SGVsbG8=""#, r#""value":"""#);
}

#[test]
fn headers_are_a_list_of_maps_of_one_entry_with_signed_bytes() {
    let from = r#"[{"headerKey":[104,101,97,100,101,114]}]"#;
    let of = |headers| KafkaRecord { headers, ..hello() };
    check(of(Vec::new()), from, "[]");
    check(of(vec![header("h", "Ã".as_bytes())]), from, r#"[{"h":[-61,-125]}]"#);
    check(of(vec![header("h", &[0, 127, 128, 255])]), from, r#"[{"h":[0,127,-128,-1]}]"#);
    let twice = vec![header("h", b"a"), header("g", b""), header("h", b"b")];
    check(of(twice), from, r#"[{"h":[97]},{"g":[]},{"h":[98]}]"#);
    check(of(vec![header("\"\n\\", b"a")]), from, r#"[{"\"\n\\":[97]}]"#);
}

#[test]
fn a_header_whose_value_is_null_has_no_bytes_as_readers_in_use_refuse_null() {
    let headers = vec![KafkaHeader { key: "h", value: None }];
    check(KafkaRecord { headers, ..hello() }, r#"{"headerKey":[104,101,97,100,101,114]}"#, r#"{"h":[]}"#);
}

#[test]
fn with_a_schema_registry_key_and_value_say_which_schema_they_were_validated_against() {
    let schema = |schema_id| Some(KafkaSchema { data_format: "AVRO", schema_id });
    let key = r#""key":"YWJj","#;
    check(
        KafkaRecord { key_schema: schema("7"), ..hello() },
        key,
        &format!(r#"{key}"keySchemaMetadata":{{"dataFormat":"AVRO","schemaId":"7"}},"#),
    );
    let value = r#""value":"SGVsbG8=","#;
    let record = KafkaRecord { value_schema: schema("\""), ..hello() };
    check(
        record.clone(),
        value,
        &format!(r#"{value}"valueSchemaMetadata":{{"dataFormat":"AVRO","schemaId":"\""}},"#),
    );
    assert!(!filtered(&json!({"valueSchemaMetadata": {"dataFormat": ["AVRO"]}}), record.clone()));
    assert!(filtered(&json!({"keySchemaMetadata": {"dataFormat": ["AVRO"]}}), record));
}

#[test]
fn both_types_of_timestamp_are_milliseconds_and_the_arrival_of_the_record() {
    let moment = Timestamp::from_millis(1_545_084_650_987);
    let append = KafkaRecord { timestamp: KafkaTimestamp::LogAppendTime(moment), ..hello() };
    check(append.clone(), "CREATE_TIME", "LOG_APPEND_TIME");
    assert_eq!(encoded(vec![append])[0].arrival(), moment);
    assert_eq!(encoded(vec![hello()])[0].arrival(), moment);
}

#[test]
fn a_record_without_a_timestamp_says_so_and_ages_from_when_it_was_read() {
    let read_at = Timestamp::from_millis(7);
    let record = KafkaRecord { timestamp: KafkaTimestamp::Missing { read_at }, ..hello() };
    let from = r#"1545084650987,"timestampType":"CREATE_TIME""#;
    check(record.clone(), from, r#"7,"timestampType":"NO_TIMESTAMP_TYPE""#);
    assert_eq!(encoded(vec![record])[0].arrival(), read_at);
}

#[test]
fn the_position_is_the_offset_in_decimal_digits() {
    let of = |offset| KafkaRecord { offset, ..hello() };
    let records = encoded(vec![of(0), of(15), of(i64::MAX)]);
    let positions: Vec<&str> = records.iter().map(|record| record.position().as_str()).collect();
    assert_eq!(positions, ["0", "15", "9223372036854775807"]);
}

#[test]
fn order_is_kept_per_record_key_and_a_record_without_one_has_its_offset_hashed() {
    let of = |offset, key| KafkaRecord { offset, key, ..hello() };
    let keyed = |records| {
        let page = KafkaEncoder::new(origin()).with_keys(true).encode(records, 0);
        page.into_records(Bytes::from).iter().map(Record::key).collect::<Vec<_>>()
    };
    let keys =
        keyed(vec![of(1, Some(&b"a"[..])), of(2, Some(b"b")), of(3, Some(b"a")), of(4, None), of(5, None)]);
    assert_eq!(keys[0], stable_hash(b"a"), "it never changes");
    assert_eq!(keys[0], keys[2], "the same key");
    assert!(keys[0] != keys[1] && keys[3] != keys[4] && keys[3] != keys[0]);
    let tombstone = KafkaRecord { value: None, ..of(6, Some(b"a")) };
    assert_eq!(keyed(vec![tombstone]), [keys[0]], "what deletes a key stays behind what wrote it");
    assert_eq!(keyed(vec![of(4, None), of(7, Some(b""))])[1], stable_hash(b""), "an empty key is one");
}

#[test]
fn names_of_the_outside_cannot_break_the_event() {
    for name in ["", "topic\"", "a\\\"b", "a-b", "-1"] {
        let origin = KafkaOrigin { topic: name.into(), partition: 7 };
        let cluster = KafkaCluster { event_source_arn: Some(name.into()), bootstrap_servers: name.into() };
        let page = KafkaEncoder::new(origin.clone()).encode([hello()], 0);
        let batch = Batch::new(page.into_records(Bytes::from), cluster.envelope(&origin));
        let event: Value = serde_json::from_slice(&batch.body().concat()).unwrap();
        assert_eq!(event["records"][format!("{name}-7")][0]["topic"], name);
        assert_eq!((&event["eventSourceArn"], &event["bootstrapServers"]), (&json!(name), &json!(name)));
    }
}

#[test]
fn the_key_of_an_encoded_record_is_found_again() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    for key in [None, Some(&b""[..]), Some(b"abc"), Some(&all)] {
        let records = encoded(vec![KafkaRecord { key, ..hello() }]);
        assert_eq!(key_of(&records[0].encoded()).as_deref(), key);
    }
}

fn filtered(pattern: &Value, record: KafkaRecord<'_>) -> bool {
    let filters = Filters::compile(Source::Kafka, &[pattern.to_string()]).unwrap().unwrap();
    let encoder = KafkaEncoder::new(origin()).with_filters(Some(Arc::new(filters)));
    encoder.encode([record], 0).into_records(Bytes::from)[0].is_filtered()
}

#[test]
fn a_filter_sees_what_the_event_says_of_a_record() {
    let event: Value = serde_json::from_str(GOLDEN).unwrap();
    let record = event["records"]["mytopic-0"][0].as_object().unwrap();
    let mut names = 0;
    for (name, value) in record {
        if ["key", "value", "headers"].contains(&name.as_str()) {
            continue;
        }
        names += 1;
        assert!(!filtered(&json!({name: [value]}), hello()), "{name}");
        assert!(filtered(&json!({name: [{"anything-but": [value]}]}), hello()), "{name}");
    }
    assert_eq!(names, 5);
    assert!(!filtered(&json!({"headers": {"headerKey": [104]}}), hello()));
    assert!(filtered(&json!({"headers": {"headerKey": [5]}}), hello()));
    assert!(filtered(&json!({"headers": {"other": [104]}}), hello()));
}

#[test]
fn the_memory_of_a_page_is_taken_once_and_little_more_than_it_needs() {
    let in_text = [b'x'; 10_000];
    for record in [
        KafkaRecord { value: Some(&[0; 10_000]), ..hello() },
        KafkaRecord { headers: vec![header("h", &in_text)], ..hello() },
        KafkaRecord { key: None, value: None, headers: Vec::new(), ..hello() },
    ] {
        let payload_len = 100 * record.payload_len();
        let page: EncodedPage = KafkaEncoder::new(origin()).encode(vec![record; 100], payload_len);
        let expected = KafkaFormat::new(origin()).page_len(100, payload_len);
        assert_eq!(page.capacity(), expected, "it did not grow");
        assert!(page.len() * 4 > expected * 3, "{} of {expected} bytes are used", page.len());
    }
}
