//! Events of a partition of Kafka.

use aws_lambda_events::kafka::{KafkaEvent, KafkaRecord as Read};
use bytes::Bytes;
use pelton_core::batch::Batch;
use pelton_core::event::kafka::{
    KafkaCluster, KafkaEncoder, KafkaHeader, KafkaOrigin, KafkaRecord, KafkaTimestamp,
};
use pelton_core::time::Timestamp;

fn self_managed() -> KafkaCluster {
    KafkaCluster { event_source_arn: None, bootstrap_servers: "b-2:9092,b-1:9092".into() }
}

fn hello() -> KafkaRecord<'static> {
    KafkaRecord {
        offset: 15,
        timestamp: KafkaTimestamp::CreateTime(Timestamp::from_millis(1_545_084_650_987)),
        key: Some(b"abc"),
        key_schema: None,
        value: Some(b"Hello"),
        value_schema: None,
        headers: Vec::new(),
    }
}

fn read_event(cluster: &KafkaCluster, records: Vec<KafkaRecord<'_>>) -> KafkaEvent {
    let origin = KafkaOrigin { topic: "my-topic".into(), partition: 7 };
    let records = KafkaEncoder::new(origin.clone()).encode(records, 0).into_records(Bytes::from);
    let event = Batch::new(records, cluster.envelope(&origin)).body().concat();
    serde_json::from_slice(&event).expect("aws_lambda_events takes the event")
}

fn read(record: KafkaRecord<'_>) -> Read {
    let mut event = read_event(&self_managed(), vec![record]);
    let mut records = event.records.remove("my-topic-7").expect("the records stand under their partition");
    assert_eq!((event.records.len(), records.len()), (0, 1));
    records.remove(0)
}

#[test]
fn an_event_of_a_partition_is_read_with_all_its_members() {
    let record = read(hello());
    assert_eq!((record.topic.as_deref(), record.partition, record.offset), (Some("my-topic"), 7, 15));
    // The crate reads milliseconds as a floating number of seconds, which may lose one.
    assert!((1_545_084_650_986..=1_545_084_650_987).contains(&record.timestamp.timestamp_millis()));
    assert_eq!(record.timestamp_type.as_deref(), Some("CREATE_TIME"));
    assert_eq!((record.key.as_deref(), record.value.as_deref()), (Some("YWJj"), Some("SGVsbG8=")));
    assert_eq!(record.headers, []);
}

#[test]
fn the_event_of_a_managed_cluster_has_its_arn_and_that_of_a_self_managed_one_has_none() {
    let arn = "arn:aws:kafka:us-east-1:123456789012:cluster/c/uuid-2".to_owned();
    let managed = KafkaCluster { event_source_arn: Some(arn.clone()), ..self_managed() };
    let event = read_event(&managed, vec![hello()]);
    assert_eq!((event.event_source.as_deref(), event.event_source_arn), (Some("aws:kafka"), Some(arn)));
    assert_eq!(event.bootstrap_servers.as_deref(), Some("b-2:9092,b-1:9092"));
    let event = read_event(&self_managed(), vec![hello()]);
    assert_eq!((event.event_source.as_deref(), event.event_source_arn), (Some("SelfManagedKafka"), None));
    assert_eq!(event.bootstrap_servers.as_deref(), Some("b-2:9092,b-1:9092"));
}

#[test]
fn several_records_are_read_in_order() {
    let of = |offset| KafkaRecord { offset, ..hello() };
    let event = read_event(&self_managed(), vec![of(9), of(10), of(i64::MAX)]);
    let offsets: Vec<i64> = event.records["my-topic-7"].iter().map(|record| record.offset).collect();
    assert_eq!(offsets, [9, 10, i64::MAX]);
}

#[test]
fn a_null_key_and_a_tombstone_are_read_as_none() {
    let record = read(KafkaRecord { key: None, value: None, ..hello() });
    assert_eq!((record.key, record.value), (None, None));
}

#[test]
fn every_byte_of_a_header_is_read_with_its_sign() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let of = |key, value| KafkaHeader { key, value };
    let headers =
        vec![of("h", Some(&all[..])), of("empty", Some(b"")), of("null", None), of("h", Some(b"a"))];
    let record = read(KafkaRecord { headers, ..hello() });
    let read: Vec<(&str, &[i8])> = record
        .headers
        .iter()
        .flat_map(|header| header.iter().map(|(key, bytes)| (key.as_str(), bytes.as_slice())))
        .collect();
    let signed: Vec<i8> = all.iter().map(|byte| byte.cast_signed()).collect();
    assert_eq!(read, [("h", &signed[..]), ("empty", &[]), ("null", &[]), ("h", &[97])]);
}

#[test]
fn a_record_without_a_timestamp_is_read() {
    let timestamp = KafkaTimestamp::Missing { read_at: Timestamp::from_millis(1_545_084_650_987) };
    let record = read(KafkaRecord { timestamp, ..hello() });
    assert_eq!(record.timestamp_type.as_deref(), Some("NO_TIMESTAMP_TYPE"));
}
