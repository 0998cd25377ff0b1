//! A Kinesis endpoint whose stream has as many shards as one likes and no records.
//!
//! In: the calls that a poller makes. Out: answers that are always the same; and how often, and since when, it was asked
//! for records. The iterators are as long as AWS's.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use pelton_tests::measure::now_ns;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use tokio::net::TcpListener;

/// Length of a shard iterator of AWS.
const ITERATOR_LEN: usize = 200;

/// Shards of one answer of ListShards at most.
const SHARDS_PER_ANSWER: usize = 1_000;

/// An endpoint, serving.
pub(crate) struct Stub {
    pub(crate) endpoint: String,
    reads: Arc<Reads>,
}

/// What it was asked for.
#[derive(Debug)]
struct Reads {
    stream: String,
    /// When a shard was first asked for records; zero before.
    first_ns: AtomicU64,
    of_shard: Vec<AtomicU32>,
}

#[derive(Deserialize)]
struct ListShards {
    #[serde(rename = "MaxResults")]
    max_results: Option<usize>,
    #[serde(rename = "ExclusiveStartShardId")]
    after: Option<String>,
    #[serde(rename = "NextToken")]
    token: Option<String>,
}

#[derive(Deserialize)]
struct GetShardIterator {
    #[serde(rename = "ShardId")]
    shard: String,
}

#[derive(Deserialize)]
struct GetRecords {
    #[serde(rename = "ShardIterator")]
    iterator: String,
}

impl Stub {
    /// Serves a stream of this many shards.
    pub(crate) async fn start(stream: &str, shards: usize) -> Self {
        let of_shard = (0..shards).map(|_| AtomicU32::new(0)).collect();
        let reads = Arc::new(Reads { stream: stream.to_owned(), first_ns: AtomicU64::new(0), of_shard });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let app = Router::new().fallback(answer).with_state(Arc::clone(&reads));
        tokio::spawn(async move { axum::serve(listener, app).await.expect("the stub serves") });
        Self { endpoint: format!("http://{address}"), reads }
    }

    /// When a shard was first asked for records.
    pub(crate) fn first_read_ns(&self) -> Option<u64> {
        Some(self.reads.first_ns.load(Ordering::Relaxed)).filter(|first| *first > 0)
    }

    /// How often the least read shard was read.
    pub(crate) fn reads_min(&self) -> u32 {
        self.counts().min().unwrap_or_default()
    }

    /// How often shards were read in sum.
    pub(crate) fn reads(&self) -> u64 {
        self.counts().map(u64::from).sum()
    }

    fn counts(&self) -> impl Iterator<Item = u32> {
        self.reads.of_shard.iter().map(|count| count.load(Ordering::Relaxed))
    }
}

async fn answer(State(reads): State<Arc<Reads>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let answer = match operation {
        "DescribeStreamSummary" => Some(reads.summary()),
        "ListShards" => serde_json::from_slice(&body).ok().map(|call| reads.list(&call)),
        "GetShardIterator" => serde_json::from_slice(&body).ok().map(|call: GetShardIterator| {
            format!(r#"{{"ShardIterator":"{}"}}"#, iterator(number(&call.shard)))
        }),
        "GetRecords" => serde_json::from_slice(&body).ok().map(|call| reads.read(&call)),
        _ => None,
    };
    match answer {
        Some(answer) => {
            ([(header::CONTENT_TYPE, "application/x-amz-json-1.1")], Body::from(answer)).into_response()
        }
        None => (StatusCode::BAD_REQUEST, r#"{"__type":"InvalidArgumentException"}"#).into_response(),
    }
}

impl Reads {
    fn summary(&self) -> String {
        let Self { stream, .. } = self;
        let summary = json!({
            "StreamName": stream, "StreamARN": format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"),
            "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24, "StreamCreationTimestamp": 1_700_000_000,
            "EnhancedMonitoring": [], "OpenShardCount": self.of_shard.len(),
        });
        json!({ "StreamDescriptionSummary": summary }).to_string()
    }

    fn list(&self, call: &ListShards) -> String {
        let first = call.token.as_ref().or(call.after.as_ref()).map_or(0, |last| number(last) + 1);
        let end = (first + call.max_results.unwrap_or(SHARDS_PER_ANSWER).min(SHARDS_PER_ANSWER))
            .min(self.of_shard.len());
        let shards: Vec<_> = (first..end)
            .map(|number| {
                json!({
                    "ShardId": name(number),
                    "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
                    "SequenceNumberRange": { "StartingSequenceNumber": "1" },
                })
            })
            .collect();
        let token = (end < self.of_shard.len()).then(|| name(end - 1));
        json!({ "Shards": shards, "NextToken": token }).to_string()
    }

    fn read(&self, call: &GetRecords) -> String {
        let shard = number(&call.iterator);
        self.of_shard[shard].fetch_add(1, Ordering::Relaxed);
        if self.first_ns.load(Ordering::Relaxed) == 0 {
            self.first_ns.store(now_ns(), Ordering::Relaxed);
        }
        format!(r#"{{"MillisBehindLatest":0,"NextShardIterator":"{}","Records":[]}}"#, iterator(shard))
    }
}

fn name(number: usize) -> String {
    format!("shardId-{number:012}")
}

fn iterator(number: usize) -> String {
    format!("{}-{number:012}", "A".repeat(ITERATOR_LEN - 13))
}

/// The number at the end of a shard's name, or of an iterator; the first shard's if there is none.
fn number(text: &str) -> usize {
    text.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
