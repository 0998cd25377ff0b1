//! Streams and records for tests, over the Kinesis API.
//!
//! Each call is made once. A call that the endpoint refuses fails the test.

use crate::wait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, StreamStatus};

/// Most records of one PutRecords call.
const PUT_RECORDS_MAX: usize = 500;

/// Where a record came to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Id of its shard.
    pub shard: String,
    /// Its sequence number.
    pub sequence_number: String,
}

/// A client of the endpoint, such as `http://127.0.0.1:4567`, in region us-east-1 with the credentials `test`.
#[must_use]
pub fn client(endpoint: &str) -> Client {
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// Makes a stream and waits until it is active.
///
/// # Panics
/// If the endpoint refuses, or the stream does not become active in time.
pub async fn create_stream(client: &Client, name: &str, shard_count: i32) {
    client
        .create_stream()
        .stream_name(name)
        .shard_count(shard_count)
        .send()
        .await
        .expect("CreateStream succeeds");
    wait_until_active(client, name).await;
}

/// Waits until a stream is active: created, or resharded.
///
/// # Panics
/// If it does not become active in time.
pub async fn wait_until_active(client: &Client, name: &str) {
    wait::until(&format!("stream {name} is active"), async || {
        let answer = client.describe_stream_summary().stream_name(name).send().await.ok()?;
        let summary = answer.stream_description_summary()?;
        (*summary.stream_status() == StreamStatus::Active).then_some(())
    })
    .await;
}

/// Puts one record.
///
/// # Panics
/// If the endpoint refuses.
pub async fn put(client: &Client, stream: &str, partition_key: &str, data: &[u8]) -> Place {
    let request = client.put_record().stream_name(stream).partition_key(partition_key).data(Blob::new(data));
    let answer = request.send().await.expect("PutRecord succeeds");
    Place { shard: answer.shard_id().to_owned(), sequence_number: answer.sequence_number().to_owned() }
}

/// Puts records, each with its partition key, as few calls as it takes. The places are in the same order.
///
/// # Panics
/// If the endpoint refuses one of them.
pub async fn put_all(client: &Client, stream: &str, records: &[(String, Vec<u8>)]) -> Vec<Place> {
    let mut places = Vec::with_capacity(records.len());
    for chunk in records.chunks(PUT_RECORDS_MAX) {
        let entries = chunk.iter().map(|(partition_key, data)| entry(partition_key, data)).collect();
        let request = client.put_records().stream_name(stream).set_records(Some(entries));
        let answer = request.send().await.expect("PutRecords succeeds");
        places.extend(answer.records().iter().map(|record| Place {
            shard: record.shard_id().expect("the record was accepted").to_owned(),
            sequence_number: record.sequence_number().expect("the record was accepted").to_owned(),
        }));
    }
    places
}

/// Deletes a stream, once it is active, and waits until it is gone.
///
/// # Panics
/// If the endpoint refuses, or the stream is not gone in time.
pub async fn delete_stream(client: &Client, name: &str) {
    wait_until_active(client, name).await;
    client.delete_stream().stream_name(name).send().await.expect("DeleteStream succeeds");
    wait::until(&format!("stream {name} is gone"), async || {
        client.describe_stream_summary().stream_name(name).send().await.is_err().then_some(())
    })
    .await;
}

fn entry(partition_key: &str, data: &[u8]) -> PutRecordsRequestEntry {
    let entry = PutRecordsRequestEntry::builder().partition_key(partition_key).data(Blob::new(data));
    entry.build().expect("an entry has a partition key and data")
}
