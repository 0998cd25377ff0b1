//! Messages about records that were given up, in a topic of librdkafka's own stand-in for brokers.

use super::*;
use crate::errors::chain;
use crate::kafka_producer::tests::{brokers_with, messages_of};
use bytes::Bytes;
use pelton_core::event::kafka::{KafkaCluster, KafkaEncoder, KafkaOrigin, KafkaRecord, KafkaTimestamp};
use pelton_core::stream::ShardId;
use pelton_core::{Batch, Failure, FailureId, GiveUp, Timestamp};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

fn cluster() -> KafkaCluster {
    KafkaCluster { event_source_arn: None, bootstrap_servers: "broker:9092".to_owned() }
}

fn record(offset: i64, key: Option<&str>) -> KafkaRecord<'_> {
    KafkaRecord {
        offset,
        timestamp: KafkaTimestamp::CreateTime(Timestamp::default()),
        key: key.map(str::as_bytes),
        key_schema: None,
        value: Some(b"value"),
        value_schema: None,
        headers: Vec::new(),
    }
}

/// Records of these offsets and keys.
fn given_up(records: &[(i64, Option<&str>)]) -> GivenUp {
    let origin = KafkaOrigin { topic: "clicks".to_owned(), partition: 0 };
    let records: Vec<_> = records.iter().map(|(offset, key)| record(*offset, *key)).collect();
    let page = KafkaEncoder::new(origin.clone()).encode(records, 0);
    let batch = Arc::new(Batch::new(page.into_records(Bytes::from), cluster().envelope(&origin)));
    let failure = Failure {
        id: FailureId(0),
        batch,
        reason: GiveUp::RetriesExhausted,
        attempts: 3,
        last_reached: None,
    };
    GivenUp { failure, shard: ShardId::new("clicks-0"), at: Timestamp::default() }
}

fn topic(name: &str, brokers: &Brokers) -> Topic {
    let origin = Origin::kafka(Uuid::nil(), cluster(), "arn:function");
    Topic::new(name, brokers.clone(), origin, Turns::default())
}

#[tokio::test]
async fn a_topic_gets_one_message_for_each_record_with_its_key_and_an_event_of_it_alone() {
    let (_mock, brokers) = brokers_with("failed");
    let topic = topic("failed", &brokers);
    topic.check().await.unwrap();
    topic.send(&given_up(&[(7, Some("anna")), (9, None)])).await.unwrap();
    topic.send(&given_up(&[(12, Some("ben"))])).await.unwrap();
    let messages = messages_of(&brokers, "failed", 3);
    let seen: Vec<_> = messages
        .iter()
        .map(|message| {
            let document: Value = serde_json::from_slice(&message.value).unwrap();
            let records = document["payload"]["records"]["clicks-0"].as_array().unwrap();
            assert_eq!(records.len(), 1, "{document}");
            assert_eq!(document["requestContext"]["condition"], "RetryAttemptsExhausted");
            (message.key.clone(), records[0]["offset"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(seen, [(Some(b"anna".to_vec()), 7), (None, 9), (Some(b"ben".to_vec()), 12)]);
}

#[tokio::test]
async fn a_topic_that_is_missing_is_said_by_a_look_and_by_a_delivery() {
    let (_mock, brokers) = brokers_with("failed");
    let topic = topic("fail", &brokers);
    for refused in [topic.check().await, topic.send(&given_up(&[(1, None)])).await] {
        let text = chain(&refused.unwrap_err());
        assert!(
            text.starts_with("cannot deliver records to kafka://fail: there is no topic fail at "),
            "{text}"
        );
    }
}
