//! The DynamoDB that `infra/up dynamodb` starts has tables whose streams can be read.

use pelton_tests::dynamodb::{ask, endpoint};
use serde_json::{Value, json};

/// A table of its own, in a DynamoDB that may have others.
struct World {
    endpoint: String,
    table: String,
    arn: String,
}

impl World {
    async fn new() -> Self {
        let endpoint = endpoint().await;
        let table = format!("users-{}", uuid::Uuid::new_v4().simple());
        let asked = json!({
            "TableName": table,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        });
        let made = ask(&endpoint, "DynamoDB_20120810.CreateTable", &asked).await.unwrap();
        let arn = made["TableDescription"]["LatestStreamArn"].as_str().unwrap().to_owned();
        Self { endpoint, table, arn }
    }

    async fn table(&self, operation: &str, mut asked: Value) {
        asked["TableName"] = self.table.clone().into();
        ask(&self.endpoint, &format!("DynamoDB_20120810.{operation}"), &asked).await.unwrap();
    }

    async fn stream(&self, operation: &str, asked: Value) -> Value {
        ask(&self.endpoint, &format!("DynamoDBStreams_20120810.{operation}"), &asked).await.unwrap()
    }
}

#[tokio::test]
async fn the_stream_of_a_table_tells_each_change_of_its_items_in_order() {
    let world = World::new().await;
    let item = |number: &str| json!({"Item": {"id": {"S": "a"}, "number": {"N": number}}});
    world.table("PutItem", item("1")).await;
    world.table("PutItem", item("2")).await;
    world.table("DeleteItem", json!({"Key": {"id": {"S": "a"}}})).await;

    let listed = world.stream("ListStreams", json!({"TableName": world.table})).await;
    assert_eq!(listed["Streams"][0]["StreamArn"], world.arn);
    let described = world.stream("DescribeStream", json!({"StreamArn": world.arn})).await;
    let description = &described["StreamDescription"];
    assert_eq!(description["StreamStatus"], "ENABLED");
    let shards = description["Shards"].as_array().unwrap();
    assert_eq!(shards.len(), 1, "{description}");

    let place = json!({
        "StreamArn": world.arn,
        "ShardId": shards[0]["ShardId"],
        "ShardIteratorType": "TRIM_HORIZON",
    });
    let iterator = world.stream("GetShardIterator", place).await["ShardIterator"].take();
    let page = world.stream("GetRecords", json!({"ShardIterator": iterator})).await;
    let records = page["Records"].as_array().unwrap();
    let changes: Vec<_> = records
        .iter()
        .map(|record| {
            let number = |image: &str| record["dynamodb"][image]["number"]["N"].as_str();
            (record["eventName"].as_str().unwrap(), number("OldImage"), number("NewImage"))
        })
        .collect();
    let expected =
        [("INSERT", None, Some("1")), ("MODIFY", Some("1"), Some("2")), ("REMOVE", Some("2"), None)];
    assert_eq!(changes, expected);
    let next = page["NextShardIterator"].as_str().expect("the shard is open");
    let behind = world.stream("GetRecords", json!({"ShardIterator": next})).await;
    assert_eq!(behind["Records"], json!([]), "each change once");
}
