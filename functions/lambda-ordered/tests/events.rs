//! Events to the letter as AWS documents and sends them: each is taken.

use lambda_ordered::testing::{Answer, Kit, TestSource};
use lambda_ordered::{Decode, DynamoDb, Error, Handler, Kafka, Kinesis, OnFailure, OnUndecodable, Record};
use serde_json::json;
use std::marker::PhantomData;

const KINESIS: &str = r#"{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1",
   "sequenceNumber":"49590338271490256608559692538361571095921575989136588898",
   "data":"SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==","approximateArrivalTimestamp":1545084650.987},
  "eventSource":"aws:kinesis","eventVersion":"1.0",
  "eventID":"shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
  "eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/lambda-role",
  "awsRegion":"us-east-2","eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"}]}"#;

const WINDOW: &str = r#"{"Records":[],"window":{"start":"2026-01-09T07:04:00Z","end":"2026-01-09T07:06:00Z"},
 "state":{"1":282,"2":715},"shardId":"shardId-000000000006",
 "eventSourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream",
 "isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false}"#;

const DYNAMODB: &str = r#"{"Records":[{"eventID":"f07f8ca4b0b26cb9c4e5e77e69f274ee","eventName":"INSERT","eventVersion":"1.1",
  "eventSource":"aws:dynamodb","awsRegion":"us-east-1",
  "dynamodb":{"ApproximateCreationDateTime":1480642020,"Keys":{"id":{"S":"k1"}},
    "NewImage":{"id":{"S":"k1"},"bin":{"B":"Zm9vYmFy"},"n":{"N":"42"}},
    "SequenceNumber":"1405400000000002063282832","SizeBytes":54,"StreamViewType":"NEW_AND_OLD_IMAGES"},
  "eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-12-01T00:00:00.000"}]}"#;

const KAFKA: &str = r#"{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:us-east-1:123456789012:cluster/c/uuid-2",
 "bootstrapServers":"b-2:9092,b-1:9092",
 "records":{"mytopic-0":[{"topic":"mytopic","partition":0,"offset":15,"timestamp":1545084650987,"timestampType":"CREATE_TIME",
   "key":"YWJj","value":"SGVsbG8=","headers":[{"headerKey":[104,101,97,100,-61]}]}]}}"#;

/// Keeps the places of records.
struct Places<S>(Vec<String>, PhantomData<S>);

impl<S: TestSource> Handler for Places<S>
where
    (): Decode<S>,
{
    type Source = S;
    type Payload = ();
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn handle(&mut self, (): (), record: &Record<'_, S>) -> Result<(), Error> {
        let key = record.key.as_deref().unwrap_or("-");
        self.0.push(format!("{} {} {} {key}", record.stream, record.shard, record.sequence_number));
        Ok(())
    }
}

/// Hands over the event, which is answered with success, and compares the places of its records.
async fn check<S: TestSource>(event: &str, places: &[&str]) -> Answer {
    let mut kit = Kit::new(Places::<S>(Vec::new(), PhantomData), OnFailure::ReportRecord);
    let event = serde_json::from_str(event).expect("the event is JSON");
    let answer = kit.invoke(&event).await.expect("the event is taken");
    assert_eq!(answer.failures, [""; 0]);
    assert_eq!(kit.handler().0, places);
    answer
}

#[tokio::test]
async fn an_event_of_kinesis_is_taken() {
    let stream = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream";
    let number = "49590338271490256608559692538361571095921575989136588898";
    let place = format!("{stream} shardId-000000000006 {number}");
    let answer = check::<Kinesis>(KINESIS, &[&format!("{place} 1")]).await;
    assert_eq!(answer.state, None, "no window, no state");
    let without_key = KINESIS.replace(r#""partitionKey":"1","#, "");
    check::<Kinesis>(&without_key, &[&format!("{place} -")]).await;
}

#[tokio::test]
async fn an_event_of_a_window_is_taken_and_its_state_answered_with_its_numbers() {
    let answer = check::<Kinesis>(WINDOW, &[]).await;
    assert_eq!(answer.state, Some(json!({ "1": 282, "2": 715 })));
    let answer = check::<DynamoDb>(WINDOW, &[]).await;
    assert_eq!(answer.state, Some(json!({ "1": 282, "2": 715 })));
}

#[tokio::test]
async fn an_event_of_dynamodb_is_taken_also_one_of_an_item_that_expired() {
    let stream = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-12-01T00:00:00.000";
    let place = format!(r#"{stream}  1405400000000002063282832 {{"id":{{"S":"k1"}}}}"#);
    check::<DynamoDb>(DYNAMODB, &[&place]).await;
    let expired = DYNAMODB.replace("INSERT", "REMOVE").replace("NewImage", "OldImage").replace(
        r#""awsRegion""#,
        r#""userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},"awsRegion""#,
    );
    check::<DynamoDb>(&expired, &[&place]).await;
}

#[tokio::test]
async fn an_event_of_kafka_is_taken_also_of_a_cluster_of_ones_own() {
    check::<Kafka>(KAFKA, &["arn:aws:kafka:us-east-1:123456789012:cluster/c/uuid-2 mytopic-0 15 YWJj"]).await;
    let own = KAFKA
        .replace("aws:kafka\"", "SelfManagedKafka\"")
        .replace(r#""eventSourceArn":"arn:aws:kafka:us-east-1:123456789012:cluster/c/uuid-2","#, "");
    check::<Kafka>(&own, &["b-2:9092,b-1:9092 mytopic-0 15 YWJj"]).await;
}
