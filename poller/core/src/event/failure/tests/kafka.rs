//! Records of failures of Kafka, to the byte.

use super::*;
use crate::event::kafka::{KafkaEncoder, KafkaOrigin, KafkaRecord, KafkaTimestamp};
use serde_json::Value;

/// The example of specification 4.5, byte for byte as it is sent, but for the size of its payload.
const GOLDEN_KAFKA: &str = concat!(
    r#"{"requestContext":{"requestId":"c9b8fa9f-5a7f-4c3e-af9c-0c604cde93a5","#,
    r#""functionArn":"arn:aws:lambda:us-east-2:123456789012:function:myfunction","#,
    r#""condition":"RetryAttemptsExhausted","approximateInvokeCount":2},"#,
    r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"#,
    r#""version":"1.0","timestamp":"2026-01-14T00:38:06.021Z","#,
    r#""KafkaBatchInfo":{"batchSize":3,"#,
    r#""eventSourceArn":"arn:aws:kafka:us-east-2:123456789012:cluster/c/uuid-2","#,
    r#""bootstrapServers":"b-1:9098,b-2:9098","payloadSize":PAYLOAD_SIZE,"#,
    r#""recordsInfo":{"my-topic-0":{"firstRecordOffset":"49","lastRecordOffset":"86","#,
    r#""firstRecordTimestamp":"2026-01-14T00:38:04.835Z","lastRecordTimestamp":"2026-01-14T00:38:05.580Z"}}}}"#
);

/// The message for a topic of the first record of that batch.
const GOLDEN_MESSAGE: &str = concat!(
    r#"{"requestContext":{"requestId":"c9b8fa9f-5a7f-4c3e-af9c-0c604cde93a5","#,
    r#""functionArn":"arn:aws:lambda:us-east-2:123456789012:function:myfunction","#,
    r#""condition":"RetryAttemptsExhausted","approximateInvokeCount":2},"#,
    r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"#,
    r#""version":"1.0","timestamp":"2026-01-14T00:38:06.021Z","#,
    r#""KafkaBatchInfo":{"batchSize":1,"#,
    r#""eventSourceArn":"arn:aws:kafka:us-east-2:123456789012:cluster/c/uuid-2","#,
    r#""bootstrapServers":"b-1:9098,b-2:9098","payloadSize":314,"#,
    r#""recordInfo":{"offset":"49","timestamp":"2026-01-14T00:38:04.835Z"}},"#,
    r#""payload":{"eventSource":"aws:kafka","#,
    r#""eventSourceArn":"arn:aws:kafka:us-east-2:123456789012:cluster/c/uuid-2","#,
    r#""bootstrapServers":"b-1:9098,b-2:9098","#,
    r#""records":{"my-topic-0":[{"topic":"my-topic","partition":0,"offset":49,"timestamp":1768351084835,"#,
    r#""timestampType":"CREATE_TIME","key":"YWJj","value":"SGVsbG8=","headers":[]}]}}}"#
);

fn cluster() -> KafkaCluster {
    KafkaCluster {
        event_source_arn: Some("arn:aws:kafka:us-east-2:123456789012:cluster/c/uuid-2".into()),
        bootstrap_servers: "b-1:9098,b-2:9098".into(),
    }
}

/// Three records of one partition: with a key, without one, and a tombstone.
fn failure_of_kafka(cluster: &KafkaCluster) -> Failure {
    let of = |offset, millis, key, value| KafkaRecord {
        offset,
        timestamp: KafkaTimestamp::CreateTime(at(millis)),
        key,
        key_schema: None,
        value,
        value_schema: None,
        headers: Vec::new(),
    };
    let records = [
        of(49, 4835, Some(&b"abc"[..]), Some(&b"Hello"[..])),
        of(50, 5000, None, Some(b"\xff")),
        of(86, 5580, Some(b"\x00\xff"), None),
    ];
    let origin = KafkaOrigin { topic: "my-topic".into(), partition: 0 };
    let records = KafkaEncoder::new(origin.clone()).encode(records, 0).into_records(Bytes::from);
    let batch = Arc::new(Batch::new(records, cluster.envelope(&origin)));
    Failure { batch, ..failure() }
}

fn report_of(failure: &Failure) -> Report<'_> {
    Report { shard_id: "my-topic-0", ..report(failure) }
}

fn messages(cluster: KafkaCluster, failure: &Failure) -> Vec<TopicMessage> {
    FailureEncoder::kafka(cluster, FUNCTION).topic_messages(&report_of(failure)).collect()
}

#[test]
fn a_record_of_kafka_has_its_own_block_with_offsets_as_strings_and_the_size_of_the_payload() {
    let failure = failure_of_kafka(&cluster());
    let event = failure.batch.body().concat();
    let expected = GOLDEN_KAFKA.replace("PAYLOAD_SIZE", &event.len().to_string());
    let encoder = FailureEncoder::kafka(cluster(), FUNCTION);
    assert_eq!(encoder.metadata(&report_of(&failure)), expected);
    let with_payload: Value = serde_json::from_str(&encoder.with_payload(&report_of(&failure))).unwrap();
    assert_eq!(with_payload["payload"].as_str().unwrap().as_bytes(), event, "an escaped JSON string");
}

#[test]
fn a_self_managed_cluster_has_no_event_source_arn() {
    let self_managed = KafkaCluster { event_source_arn: None, ..cluster() };
    let failure = failure_of_kafka(&self_managed);
    let arn = r#""eventSourceArn":"arn:aws:kafka:us-east-2:123456789012:cluster/c/uuid-2","#;
    let expected =
        GOLDEN_KAFKA.replace(arn, "").replace("PAYLOAD_SIZE", &failure.batch.event_len().to_string());
    let encoder = FailureEncoder::kafka(self_managed.clone(), FUNCTION);
    assert_eq!(encoder.metadata(&report_of(&failure)), expected);
    let message: Value = serde_json::from_str(&messages(self_managed, &failure)[0].value).unwrap();
    assert_eq!(message["payload"]["eventSource"], "SelfManagedKafka");
    assert_eq!(message["KafkaBatchInfo"].get("eventSourceArn"), None);
}

#[test]
fn a_topic_gets_a_message_for_each_record_with_the_record_as_payload() {
    let failure = failure_of_kafka(&cluster());
    let messages = messages(cluster(), &failure);
    assert_eq!(messages[0].value, GOLDEN_MESSAGE);
    let of = |message: &TopicMessage| {
        let message: Value = serde_json::from_str(&message.value).unwrap();
        let records = &message["payload"]["records"]["my-topic-0"];
        assert_eq!(records.as_array().unwrap().len(), 1, "one message a record");
        assert_eq!(message["KafkaBatchInfo"]["batchSize"], 1);
        let offset = message["KafkaBatchInfo"]["recordInfo"]["offset"].clone();
        assert_eq!(offset, records[0]["offset"].to_string());
        assert_eq!(
            message["KafkaBatchInfo"]["payloadSize"],
            message["payload"].to_string().len(),
            "serde_json writes the payload as it was, in another order"
        );
        offset
    };
    assert_eq!(messages.iter().map(of).collect::<Vec<_>>(), ["49", "50", "86"]);
}

#[test]
fn the_key_of_a_message_is_that_of_the_record_to_the_byte_and_none_if_it_had_none() {
    let failure = failure_of_kafka(&cluster());
    let keys: Vec<Option<Vec<u8>>> =
        messages(cluster(), &failure).into_iter().map(|message| message.key).collect();
    assert_eq!(keys, [Some(b"abc".to_vec()), None, Some(b"\x00\xff".to_vec())]);
}

#[test]
fn a_message_says_why_its_record_was_given_up() {
    let too_large =
        Failure { reason: GiveUp::TooLarge, attempts: 0, last_reached: None, ..failure_of_kafka(&cluster()) };
    let too_old = Failure { reason: GiveUp::TooOld, ..too_large.clone() };
    let read = |failure: &Failure| -> Value {
        serde_json::from_str(&messages(cluster(), failure)[0].value).unwrap()
    };
    let large = read(&too_large);
    assert_eq!(large["requestContext"]["condition"], "MaximumPayloadSizeExceeded");
    assert_eq!(large.get("responseContext"), Some(&Value::Null));
    assert_eq!(large["requestContext"]["approximateInvokeCount"], 1);
    let old = read(&too_old);
    assert_eq!(old["requestContext"]["condition"], "RecordAgeExceeded");
    assert_eq!(old.get("responseContext"), None);
}
