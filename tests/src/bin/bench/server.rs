//! The embedded stream in a process of its own, and records to fill it.

use crate::site::{pelton, stop};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use pelton_tests::{Running, kinesis};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Most records of one PutRecords.
const PUT_RECORDS_MAX: usize = 500;

/// Calls of PutRecords at a time while the stream is filled.
const PUTS_AT_ONCE: usize = 4;

/// The line of a stream server that serves.
const SERVING: &str = "the streams are ready";

/// `pelton stream`.
pub(crate) struct Server {
    running: Running,
    pub(crate) endpoint: String,
    pub(crate) client: Client,
    _folder: TempDir,
}

impl Server {
    /// A server with one stream.
    pub(crate) async fn start(stream: &str, shards: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let fixed = ["stream", "--stream-listen", "127.0.0.1:0", "--log-format", "json", "--stream"];
        let running = pelton(&fixed).args([format!("{stream}:{shards}")]).start(&folder);
        let endpoint = logged(&running.wait_for_line(SERVING).await, "endpoint");
        let client = kinesis::client(&endpoint);
        Self { running, endpoint, client, _folder: folder }
    }

    /// Puts `count` records of `bytes` each, spread over so many keys, and with them over all shards.
    pub(crate) async fn fill(&self, stream: &str, count: usize, bytes: usize, keys: usize) {
        let mut puts = JoinSet::new();
        for first in (0..count).step_by(PUT_RECORDS_MAX) {
            while puts.len() >= PUTS_AT_ONCE {
                puts.join_next().await.transpose().expect("a put succeeds");
            }
            let (client, stream) = (self.client.clone(), stream.to_owned());
            let numbers = first..count.min(first + PUT_RECORDS_MAX);
            puts.spawn(async move {
                let records = numbers.map(|number| entry(number, bytes, number % keys)).collect();
                let call = client.put_records().stream_name(stream).set_records(Some(records));
                let answer = call.send().await.expect("PutRecords succeeds");
                assert_eq!(answer.failed_record_count(), Some(0), "the stream takes every record");
            });
        }
        puts.join_all().await;
    }

    pub(crate) async fn stop(self) {
        stop(self.running).await;
    }
}

/// A field of a line that a program logged as JSON.
pub(crate) fn logged(line: &str, field: &str) -> String {
    let line: Value = serde_json::from_str(line).expect("a line of the log is JSON");
    line[field].as_str().expect("the line has the field").to_owned()
}

fn entry(number: usize, bytes: usize, key: usize) -> PutRecordsRequestEntry {
    let mut data = format!("{{\"order\":{number},\"filler\":\"").into_bytes();
    data.resize(bytes - 2, b'a' + u8::try_from(number % 26).expect("a letter"));
    data.extend_from_slice(b"\"}");
    let entry = PutRecordsRequestEntry::builder().partition_key(format!("order-{key}")).data(Blob::new(data));
    entry.build().expect("an entry has a partition key and data")
}
