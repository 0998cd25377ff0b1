//! What differs between the services: identifiers, places and payloads.

use lambda_ordered::testing::{Kit, TestRecord, TestSource};
use lambda_ordered::{
    Decode, DynamoDb, Error, Handler, Image, Json, Kafka, Kinesis, OnFailure, OnUndecodable, Record,
};
use serde::Deserialize;
use serde_json::json;
use std::marker::PhantomData;

/// Keeps the payloads and their places, and fails as told.
struct Keeper<S, P> {
    seen: Vec<(P, String)>,
    fails: bool,
    _source: PhantomData<S>,
}

impl<S: TestSource, P: Decode<S>> Handler for Keeper<S, P> {
    type Source = S;
    type Payload = P;
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn handle(&mut self, payload: P, record: &Record<'_, S>) -> Result<(), Error> {
        let key = record.key.as_deref().unwrap_or("none");
        self.seen.push((payload, format!("{} {} {key}", record.shard, record.sequence_number)));
        if self.fails { Err("as told".into()) } else { Ok(()) }
    }
}

/// Delivers one record and returns what was seen of it; delivers it again to a handler that fails, and compares how it is
/// reported.
async fn check<S: TestSource, P: Decode<S> + Clone>(
    record: TestRecord,
    identifier: serde_json::Value,
) -> (P, String) {
    let keeper = Keeper { seen: Vec::new(), fails: false, _source: PhantomData::<S> };
    let mut kit = Kit::new(keeper, OnFailure::ReportRecord);
    assert!(
        kit.deliver(std::slice::from_ref(&record))
            .await
            .expect("the batch is not failed as a whole")
            .failures
            .is_empty()
    );
    kit.handler_mut().fails = true;
    let answer = kit.deliver(&[record]).await.expect("the batch is not failed as a whole");
    assert_eq!(answer.failures, [identifier]);
    kit.handler().seen[0].clone()
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Item {
    key: String,
    price: u32,
}

const ITEM: &str = r#"{"key":{"S":"k1"},"price":{"N":"5"}}"#;

#[tokio::test]
async fn a_record_of_kinesis_is_named_by_its_sequence_number() {
    let number = "49590338271490256608559692538361571095921575989136588898";
    let record =
        TestRecord { sequence_number: number.to_owned(), ..TestRecord::new(0, "[1,2]").with_key("k") };
    let seen = check::<Kinesis, Json<Vec<u8>>>(record, number.into()).await;
    assert_eq!(seen, (Json(vec![1, 2]), format!("shardId-000000000000 {number} k")));
}

#[tokio::test]
async fn a_record_of_dynamodb_is_named_by_its_sequence_number_and_its_image_is_decoded() {
    let number = "1405400000000002063282832";
    let record = TestRecord { sequence_number: number.to_owned(), ..TestRecord::new(0, ITEM).with_key("k1") };
    let seen = check::<DynamoDb, Image<Item>>(record, number.into()).await;
    let item = Item { key: "k1".to_owned(), price: 5 };
    assert_eq!(seen, (Image(item), format!(" {number} {}", r#"{"key":{"S":"k1"}}"#)));
}

#[tokio::test]
async fn an_item_that_was_removed_has_no_image() {
    let (image, _) = check::<DynamoDb, Image<Option<Item>>>(TestRecord::new(7, ""), "7".into()).await;
    assert_eq!(image, Image(None));
    let (image, _) = check::<DynamoDb, Image<Option<Item>>>(TestRecord::new(7, ITEM), "7".into()).await;
    assert!(image.0.is_some());
}

#[tokio::test]
async fn a_record_of_kafka_is_named_by_its_partition_and_its_offset() {
    let record = TestRecord::new(100, r#""paid""#).in_shard("my-topic-0").with_key("abc");
    let identifier = json!({ "partition": "my-topic-0", "offset": 100 });
    let seen = check::<Kafka, Json<String>>(record, identifier).await;
    assert_eq!(seen, (Json("paid".to_owned()), "my-topic-0 100 YWJj".to_owned()));
}

#[tokio::test]
async fn a_tombstone_of_kafka_has_no_payload() {
    let record = TestRecord::new(1, "").in_shard("t-0");
    let (payload, place) =
        check::<Kafka, Json<Option<String>>>(record, json!({ "partition": "t-0", "offset": 1 })).await;
    assert_eq!((payload, place), (Json(None), "t-0 1 none".to_owned()));
}

#[tokio::test]
async fn a_handler_may_leave_the_payload_as_it_is() {
    let (payload, _) = check::<Kinesis, ()>(TestRecord::new(3, "\u{0}no json"), "3".into()).await;
    assert_eq!(payload, ());
}
