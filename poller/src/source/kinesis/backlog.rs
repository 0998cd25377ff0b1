//! Many shards with a backlog of large records, against the budget of the process: a test of its own, as it needs a server
//! that counts.

use super::tests::source_with;
use super::*;
use axum::Router;
use axum::extract::State;
use pelton_core::starting_position::ShardStart;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const SHARDS: usize = 60;
const DATA_BYTES: usize = 300_000;
const PAGE_RECORDS_MAX: usize = 30;
const BUDGET: usize = 32 * 1024 * 1024;

/// Bytes of records that it is answering with, now and at most.
#[derive(Clone, Default)]
struct Server(Arc<Answering>);

#[derive(Default)]
struct Answering {
    now: AtomicUsize,
    peak: AtomicUsize,
    records: AtomicUsize,
}

async fn answer(State(server): State<Server>, body: String) -> String {
    let request: Value = serde_json::from_str(&body).unwrap();
    let Some(limit) = request["Limit"].as_u64() else { return json!({ "ShardIterator": "a" }).to_string() };
    let records = usize::try_from(limit).unwrap().min(PAGE_RECORDS_MAX);
    let data = "AAAA".repeat(DATA_BYTES / 3);
    let answering = &server.0;
    let first = answering.records.fetch_add(records, Ordering::SeqCst);
    let record = |number: usize| json!({"SequenceNumber": number.to_string(), "ApproximateArrivalTimestamp": 1, "PartitionKey": "k", "Data": data});
    let now = answering.now.fetch_add(records * data.len(), Ordering::SeqCst) + records * data.len();
    answering.peak.fetch_max(now, Ordering::SeqCst);
    // Long enough for all the others to ask, if they may.
    Clock::start().sleep(Duration::from_millis(50)).await;
    answering.now.fetch_sub(records * data.len(), Ordering::SeqCst);
    let records: Vec<Value> = (first..first + records).map(record).collect();
    json!({ "Records": records, "NextShardIterator": "b", "MillisBehindLatest": 1 }).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_backlogged_shards_of_large_records_bring_at_the_same_time_stays_within_the_budget() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::default();
    let app = Router::new().fallback(answer).with_state(server.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let source = Arc::new(source_with(&endpoint, ByteBudget::new(BUDGET)).await);
    let mut shards = JoinSet::new();
    for _ in 0..SHARDS {
        let source = Arc::clone(&source);
        shards.spawn(async move {
            let from = ReadFrom::Start(ShardStart::TrimHorizon);
            let mut reader = source.open(&ShardId::new("shardId-000000000000"), from).await.unwrap().reader;
            for _ in 0..2 {
                assert!(!reader.next(10_000).await.unwrap().records.is_empty());
            }
        });
    }
    while shards.join_next().await.transpose().unwrap().is_some() {}
    let peak = server.0.peak.load(Ordering::SeqCst);
    assert!(peak > 0 && peak <= BUDGET, "{peak} bytes at once");
}
