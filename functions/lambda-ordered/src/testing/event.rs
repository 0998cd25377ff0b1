//! Events in the shape in which AWS sends them.

use crate::source::{DynamoDb, Kafka, Kinesis, Source};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// What differs from record to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRecord {
    /// Id of the shard; of Kafka the topic and the partition: `orders-0`.
    pub shard: String,
    /// Decimal digits.
    pub sequence_number: String,
    /// Partition key; empty for none. Of DynamoDB the attribute `key` of the item.
    pub key: String,
    /// The payload, not yet base64. Of DynamoDB an image as JSON, such as `{"price":{"N":"5"}}`; empty for none.
    pub data: Vec<u8>,
    /// Of DynamoDB the image before the change, as JSON; empty for none. Other sources have no such thing.
    pub old_image: Vec<u8>,
}

/// A source whose events can be made.
pub trait TestSource: Source {
    /// The event that delivers these records.
    fn event(records: &[TestRecord]) -> Value;
}

impl TestRecord {
    /// A record of one shard, without a key.
    #[must_use]
    pub fn new(sequence_number: u64, data: &str) -> Self {
        Self {
            shard: "shardId-000000000000".to_owned(),
            sequence_number: sequence_number.to_string(),
            key: String::new(),
            data: data.as_bytes().to_vec(),
            old_image: Vec::new(),
        }
    }

    /// Records of one shard that follow one another, with gaps, and from one to two digits: 8, 11, 14, …
    #[must_use]
    pub fn all<'a>(data: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        (8..).step_by(3).zip(data).map(|(number, data)| Self::new(number, data)).collect()
    }

    /// The same in another shard.
    #[must_use]
    pub fn in_shard(self, shard: &str) -> Self {
        Self { shard: shard.to_owned(), ..self }
    }

    /// The same with a key.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self }
    }

    /// The same with an image before the change.
    #[must_use]
    pub fn with_old_image(self, image: &str) -> Self {
        Self { old_image: image.as_bytes().to_vec(), ..self }
    }

    /// How an answer names it: by its sequence number; of Kafka see [`offset`](Self::offset).
    #[must_use]
    pub fn identifier(&self) -> Value {
        self.sequence_number.as_str().into()
    }

    /// How an answer to a Kafka event names it.
    #[must_use]
    pub fn offset(&self) -> Value {
        json!({ "partition": self.shard, "offset": number(&self.sequence_number) })
    }
}

impl TestSource for Kinesis {
    fn event(records: &[TestRecord]) -> Value {
        json!({ "Records": records.iter().map(kinesis_record).collect::<Vec<_>>() })
    }
}

impl TestSource for DynamoDb {
    /// # Panics
    /// If an image of a record is no JSON.
    fn event(records: &[TestRecord]) -> Value {
        json!({ "Records": records.iter().map(dynamodb_record).collect::<Vec<_>>() })
    }
}

impl TestSource for Kafka {
    /// # Panics
    /// If a shard is no topic and partition, or a sequence number no offset.
    fn event(records: &[TestRecord]) -> Value {
        let mut partitions = Map::new();
        for record in records {
            let partition = partitions.entry(record.shard.clone()).or_insert_with(|| json!([]));
            partition.as_array_mut().expect("each partition is a list").push(kafka_record(record));
        }
        json!({
            "eventSource": "aws:kafka",
            "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/sample/1",
            "bootstrapServers": "b-2:9092,b-1:9092",
            "records": partitions
        })
    }
}

fn kinesis_record(record: &TestRecord) -> Value {
    let mut value = json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "sequenceNumber": record.sequence_number,
            "data": STANDARD.encode(&record.data),
            "approximateArrivalTimestamp": 1_545_084_650.987
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("{}:{}", record.shard, record.sequence_number),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/sample",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/sample"
    });
    if !record.key.is_empty() {
        value["kinesis"]["partitionKey"] = record.key.as_str().into();
    }
    value
}

fn dynamodb_record(record: &TestRecord) -> Value {
    let name = match (record.old_image.is_empty(), record.data.is_empty()) {
        (_, true) => "REMOVE",
        (true, false) => "INSERT",
        (false, false) => "MODIFY",
    };
    let mut value = json!({
        "eventID": "f07f8ca4b0b26cb9c4e5e77e69f274ee",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_480_642_020,
            "Keys": { "key": { "S": record.key } },
            "SequenceNumber": record.sequence_number,
            "SizeBytes": record.data.len(),
            "StreamViewType": "NEW_AND_OLD_IMAGES"
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/sample/stream/2026-12-01T00:00:00.000"
    });
    for (name, image) in [("NewImage", &record.data), ("OldImage", &record.old_image)] {
        if !image.is_empty() {
            value["dynamodb"][name] = serde_json::from_slice(image).expect("the image is JSON");
        }
    }
    value
}

/// Data that are empty are a tombstone.
fn kafka_record(record: &TestRecord) -> Value {
    let (topic, partition) = record.shard.rsplit_once('-').expect("the shard is a topic and a partition");
    let base64 = |bytes: &[u8]| (!bytes.is_empty()).then(|| STANDARD.encode(bytes));
    json!({
        "topic": topic,
        "partition": number(partition),
        "offset": number(&record.sequence_number),
        "timestamp": 1_545_084_650_987_u64,
        "timestampType": "CREATE_TIME",
        "key": base64(record.key.as_bytes()),
        "value": base64(&record.data),
        "headers": []
    })
}

fn number(digits: &str) -> u64 {
    digits.parse().expect("it is a number")
}
