//! The fake of DynamoDB Streams, asked over plain HTTP: it behaves as the API is documented, and by its script.

mod limits;
mod listing;
mod proxy;
mod reading;
mod records;
mod rollover;
mod time;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use pelton_tests::dynamodb_streams::{Accepted, DynamoDbStreams, Script, ViewType};
use pelton_tests::http;
use serde_json::{Value, json};

/// A fake with the table `users`, whose key is `id`.
struct World {
    fake: DynamoDbStreams,
    arn: String,
}

/// An error of the API: its status and its whole type.
type Refused = (u16, String);

impl World {
    async fn new(script: Script) -> Self {
        let fake = DynamoDbStreams::start(script).await;
        let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
        Self { fake, arn }
    }

    /// Puts the item `id` with this number.
    fn put(&self, id: &str, number: usize) -> Accepted {
        let item = json!({"id": {"S": id}, "number": {"N": number.to_string()}});
        self.fake.put("users", &item).expect("the stream records it")
    }

    async fn ask(&self, operation: &str, body: Value) -> Result<Value, Refused> {
        ask(&self.fake.endpoint(), operation, body).await
    }

    async fn describe(&self, arguments: Value) -> Value {
        let mut body = arguments;
        body["StreamArn"] = self.arn.clone().into();
        self.ask("DescribeStream", body).await.unwrap()["StreamDescription"].take()
    }

    /// The shards that are listed.
    async fn shards(&self) -> Vec<Value> {
        self.describe(json!({})).await["Shards"].as_array().unwrap().clone()
    }

    /// The ids of the shards that are listed.
    async fn ids(&self) -> Vec<String> {
        self.shards().await.iter().map(|shard| text(&shard["ShardId"])).collect()
    }

    async fn iterator(&self, shard: &str, kind: &str, number: Option<&str>) -> Result<String, Refused> {
        let mut body = json!({"StreamArn": self.arn, "ShardId": shard, "ShardIteratorType": kind});
        if let Some(number) = number {
            body["SequenceNumber"] = number.into();
        }
        Ok(text(&self.ask("GetShardIterator", body).await?["ShardIterator"]))
    }

    async fn oldest(&self, shard: &str) -> String {
        self.iterator(shard, "TRIM_HORIZON", None).await.unwrap()
    }

    async fn read(&self, iterator: &str) -> Result<Value, Refused> {
        self.ask("GetRecords", json!({"ShardIterator": iterator})).await
    }

    /// Everything that stands in a shard now, read from its oldest record on.
    async fn read_all(&self, shard: &str) -> Vec<Value> {
        let mut next = Some(self.oldest(shard).await);
        let mut all = Vec::new();
        while let Some(iterator) = next.take() {
            let page = self.read(&iterator).await.unwrap();
            let records = page["Records"].as_array().unwrap();
            all.extend(records.iter().cloned());
            next = page["NextShardIterator"].as_str().filter(|_| !records.is_empty()).map(str::to_owned);
        }
        all
    }
}

/// One call over a connection of its own.
async fn ask(endpoint: &str, operation: &str, body: Value) -> Result<Value, Refused> {
    let address = endpoint.strip_prefix("http://").unwrap();
    let request = Request::post("/")
        .header("host", address)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("DynamoDBStreams_20120810.{operation}"))
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    let answer = http::ask(address, request).await.unwrap();
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    match answer.status().as_u16() {
        200 => Ok(body),
        status => Err((status, text(&body["__type"]))),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// The error of this name, as DynamoDB's own errors are named.
fn refused(name: &str) -> Refused {
    (400, format!("com.amazonaws.dynamodb.v20120810#{name}"))
}

fn invalid() -> Refused {
    (400, "com.amazon.coral.validate#ValidationException".to_owned())
}

/// The sequence numbers of records.
fn numbers(records: &[Value]) -> Vec<u128> {
    records.iter().map(|record| text(&record["dynamodb"]["SequenceNumber"]).parse().unwrap()).collect()
}

fn is_closed(shard: &Value) -> bool {
    shard["SequenceNumberRange"].get("EndingSequenceNumber").is_some()
}
