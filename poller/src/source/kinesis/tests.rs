//! The adapter against a server that answers as each test says, through the real SDK.

use super::*;
use crate::ports::{Answer, ShardReader as _};
use crate::source::aws::AwsOptions;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::ShardStart;
use pelton_core::{Position, Timestamp};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Mutex;

/// Answers requests in order, and remembers them.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<Played>>);

#[derive(Default)]
struct Played {
    answers: VecDeque<(u16, Value)>,
    requests: Vec<(String, Value)>,
}

impl Script {
    pub(super) fn answer(self, answer: Value) -> Self {
        self.0.lock().unwrap().answers.push_back((200, answer));
        self
    }

    pub(super) fn refuse(self, status: u16, code: &str) -> Self {
        let answer = json!({ "__type": code, "message": "no" });
        self.0.lock().unwrap().answers.push_back((status, answer));
        self
    }

    pub(super) fn iterator(self, iterator: &str) -> Self {
        self.answer(json!({ "ShardIterator": iterator }))
    }

    /// Operation and body of each request so far.
    pub(super) fn requests(&self) -> Vec<(String, Value)> {
        self.0.lock().unwrap().requests.clone()
    }

    /// What the n-th request for an iterator asked for.
    pub(super) fn asked_for(&self, n: usize) -> Value {
        let mut asked: Vec<Value> =
            self.requests().into_iter().filter(|r| r.0 == "GetShardIterator").map(|r| r.1).collect();
        let mut asked = asked.swap_remove(n);
        let asked = asked.as_object_mut().unwrap();
        asked.retain(|name, _| name != "StreamName" && name != "ShardId");
        Value::Object(asked.clone())
    }

    pub(super) async fn source(&self) -> KinesisSource {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(play).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        source_at(&endpoint).await
    }
}

async fn play(
    State(script): State<Script>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, String) {
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.rsplit('.').next().unwrap().to_owned();
    let mut script = script.0.lock().unwrap();
    script.requests.push((operation.clone(), serde_json::from_slice(&body).unwrap()));
    let (status, answer) =
        script.answers.pop_front().unwrap_or_else(|| panic!("{operation} is not in the script"));
    let content_type = ("content-type".parse().unwrap(), "application/x-amz-json-1.1".parse().unwrap());
    (StatusCode::from_u16(status).unwrap(), HeaderMap::from_iter([content_type]), answer.to_string())
}

async fn source_at(endpoint: &str) -> KinesisSource {
    source_with(endpoint, ByteBudget::default()).await
}

pub(super) async fn source_with(endpoint: &str, budget: ByteBudget) -> KinesisSource {
    let options =
        AwsOptions { endpoint_url: Some(endpoint.to_owned()), region: Some("us-east-1".to_owned()) };
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders".parse().unwrap();
    let client = KinesisClient::connect(&options).await.unwrap();
    let role = "arn:aws:iam::000000000000:role/r".to_owned();
    KinesisSource::new(client, Clock::start(), budget, arn, role)
}

pub(super) fn shard() -> ShardId {
    ShardId::new("shardId-000000000000")
}

/// Records with these sequence numbers, arrived at these seconds; more to come.
pub(super) fn page(records: &[(&str, f64)]) -> Value {
    let record = |(sequence_number, arrival): &(&str, f64)| json!({"SequenceNumber": sequence_number, "ApproximateArrivalTimestamp": arrival, "PartitionKey": "k", "Data": "YQ=="});
    let records: Vec<Value> = records.iter().map(record).collect();
    json!({ "Records": records, "NextShardIterator": "next", "MillisBehindLatest": 0 })
}

pub(super) fn with(mut page: Value, name: &str, value: Value) -> Value {
    page[name] = value;
    page
}

pub(super) fn positions(page: &Answer) -> Vec<&str> {
    page.records.iter().map(|record| record.position().as_str()).collect()
}

#[tokio::test]
async fn an_expired_iterator_is_taken_anew_after_the_last_read_record() {
    let script = Script::default()
        .iterator("a")
        .answer(page(&[("1", 10.0), ("2", 10.0)]))
        .answer(page(&[]))
        .refuse(400, "ExpiredIteratorException")
        .iterator("b")
        .answer(page(&[("3", 11.0)]))
        .answer(page(&[]));
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = script.source().await.open(&shard(), from).await.unwrap().reader;
    assert_eq!(positions(&reader.next(100).await.unwrap()), ["1", "2"]);
    assert_eq!(positions(&reader.next(100).await.unwrap()), ["3"]);
    assert_eq!(script.asked_for(0), json!({"ShardIteratorType": "TRIM_HORIZON"}));
    let after = json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": "2"});
    assert_eq!(script.asked_for(1), after);
}

#[tokio::test]
async fn a_latest_iterator_that_expires_before_the_first_record_goes_on_from_the_frozen_moment() {
    let script = Script::default()
        .iterator("a")
        .answer(page(&[]))
        .refuse(400, "ExpiredIteratorException")
        .iterator("b")
        .answer(page(&[("1", 99.0), ("2", 100.0), ("3", 101.0)]))
        .answer(page(&[]));
    let from = ReadFrom::Latest { frozen: Timestamp::from_millis(100_700) };
    let mut reader = script.source().await.open(&shard(), from).await.unwrap().reader;
    assert_eq!(
        reader.next(100).await.unwrap(),
        Answer { records: Vec::new(), follows: Follows::CaughtUp, lost_after: None }
    );
    assert_eq!(positions(&reader.next(100).await.unwrap()), ["2", "3"]);
    assert_eq!(script.asked_for(0), json!({"ShardIteratorType": "LATEST"}));
    assert_eq!(script.asked_for(1), json!({"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 100}));
}

#[tokio::test]
async fn a_trimmed_position_goes_on_at_the_oldest_record_and_is_told_with_it() {
    let script = Script::default()
        .refuse(400, "InvalidArgumentException")
        .refuse(400, "InvalidArgumentException")
        .iterator("a")
        .answer(page(&[]))
        .answer(page(&[("9", 10.0)]))
        .answer(page(&[]))
        .answer(page(&[]));
    let source = script.source().await;
    let mut reader = source.open(&shard(), ReadFrom::After(Position::new("2"))).await.unwrap().reader;
    assert_eq!(reader.next(100).await.unwrap().lost_after, None, "nothing tells yet how much was lost");
    let first = reader.next(100).await.unwrap();
    assert_eq!(positions(&first), ["9"]);
    assert_eq!(first.lost_after, Some(Position::new("2")));
    assert_eq!(script.asked_for(2), json!({"ShardIteratorType": "TRIM_HORIZON"}));
    assert_eq!(reader.next(100).await.unwrap().lost_after, None);
}

#[tokio::test]
async fn the_first_page_is_made_of_a_few_reads_that_ask_for_more_each_time() {
    let script = Script::default()
        .iterator("a")
        .answer(page(&[("1", 10.0)]))
        .answer(page(&[("2", 10.0), ("3", 10.0)]))
        .answer(page(&[("4", 10.0)]))
        .answer(page(&[("5", 10.0)]))
        .refuse(500, "InternalFailure")
        .answer(page(&[]));
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = script.source().await.open(&shard(), from).await.unwrap().reader;
    assert_eq!(positions(&reader.next(100).await.unwrap()), ["1", "2", "3", "4"]);
    let limits: Vec<i64> =
        script.requests()[1..].iter().map(|(_, body)| body["Limit"].as_i64().unwrap()).collect();
    assert_eq!(limits[0], 1, "nothing is known of the records");
    assert!(limits.is_sorted_by(|a, b| a < b), "{limits:?}");
    assert_eq!(positions(&reader.next(100).await.unwrap()), ["5"], "an error is left for the next call");
}

#[tokio::test]
async fn what_follows_a_page_is_what_the_stream_says_or_may_have_left_unsaid() {
    let behind = with(page(&[]), "MillisBehindLatest", json!(1));
    let script =
        Script::default().iterator("a").answer(behind).answer(page(&[("1", 10.0); 64])).answer(page(&[]));
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = script.source().await.open(&shard(), from).await.unwrap().reader;
    assert_eq!(reader.next(100).await.unwrap().follows, Follows::More, "an empty page in mid-stream");
    assert_eq!(
        reader.next(100).await.unwrap().follows,
        Follows::More,
        "a server that may never say that it is behind"
    );
    assert_eq!(reader.next(100).await.unwrap().follows, Follows::CaughtUp);
}

#[tokio::test]
async fn a_refusal_is_named_by_what_can_be_done_and_the_reader_goes_on_where_it_was() {
    let script = Script::default()
        .iterator("a")
        .refuse(400, "ProvisionedThroughputExceededException")
        .refuse(400, "ExpiredTokenException")
        .refuse(400, "ResourceNotFoundException")
        .refuse(500, "InternalFailure")
        .answer(page(&[("1", 10.0)]))
        .answer(page(&[]));
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = script.source().await.open(&shard(), from).await.unwrap().reader;
    assert!(matches!(reader.next(100).await, Err(SourceError::Throttled { operation: "GetRecords", .. })));
    assert!(matches!(reader.next(100).await, Err(SourceError::Denied { .. })));
    assert!(matches!(reader.next(100).await, Err(SourceError::NotFound { .. })));
    assert!(matches!(reader.next(100).await, Err(SourceError::Unavailable { .. })));
    assert_eq!(positions(&reader.next(100).await.unwrap()), ["1"]);
    let iterators: Vec<Value> =
        script.requests()[1..6].iter().map(|(_, body)| body["ShardIterator"].clone()).collect();
    assert_eq!(iterators, ["a"; 5]);
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_unavailable_and_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = source_at(&format!("http://{address}")).await.describe().await.unwrap_err();
    assert_eq!(error.to_string(), format!("DescribeStreamSummary got no answer from http://{address}"));
}

#[tokio::test]
async fn a_call_that_was_cancelled_is_made_again_at_the_same_place() {
    let (asked, mut was_asked) = tokio::sync::mpsc::channel::<String>(10);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(async move |body: String| {
        if !body.contains("ShardIterator\":\"") {
            return json!({ "ShardIterator": "a" }).to_string();
        }
        asked.send(body).await.unwrap();
        std::future::pending().await
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let source = source_at(&endpoint).await;
    let mut reader = source.open(&shard(), ReadFrom::Start(ShardStart::TrimHorizon)).await.unwrap().reader;
    let mut bodies = Vec::new();
    for _ in 0..2 {
        tokio::select! {
            _ = reader.next(100) => panic!("there is no answer"),
            body = was_asked.recv() => bodies.push(body.unwrap()),
        }
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn shards_are_listed_page_by_page_with_their_parents() {
    let shard = |id: &str, more: Value| {
        let mut shard = json!({"ShardId": id, "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "9"},
            "SequenceNumberRange": {"StartingSequenceNumber": "1"}});
        shard.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        shard
    };
    let closed = json!({"SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": "5"}});
    let merged = json!({"ParentShardId": "shard-0", "AdjacentParentShardId": "shard-1"});
    let script = Script::default()
        .answer(
            json!({"Shards": [shard("shard-0", closed.clone()), shard("shard-1", closed)], "NextToken": "t"}),
        )
        .answer(json!({"Shards": [shard("shard-2", merged)]}));
    let shards = script.source().await.list_shards().await.unwrap();
    let id = ShardId::new;
    let listed = |name, parents: &[&str], is_open| ListedShard {
        id: id(name),
        parents: parents.iter().map(|name| id(name)).collect(),
        is_open,
    };
    let expected = [
        listed("shard-0", &[], false),
        listed("shard-1", &[], false),
        listed("shard-2", &["shard-0", "shard-1"], true),
    ];
    assert_eq!(shards, expected);
    assert_eq!(script.requests()[1].1["ExclusiveStartShardId"], "shard-1");
}

#[tokio::test]
async fn a_page_counts_against_the_budget_until_its_last_record_is_gone() {
    let script = Script::default().iterator("a").answer(page(&[("1", 10.0), ("2", 10.0)]));
    let source = script.source().await;
    let budget = source.stream.budget.clone();
    let mut reader = source.open(&shard(), ReadFrom::Start(ShardStart::TrimHorizon)).await.unwrap().reader;
    let mut records = reader.next(100).await.unwrap().records;
    let held = budget.held();
    assert!(held > records.iter().map(|record| record.encoded_len()).sum::<usize>(), "{held}");
    records.pop();
    assert_eq!(budget.held(), held);
    drop(records);
    assert_eq!(budget.held(), 0);
}

#[tokio::test]
async fn a_shard_that_waits_is_small() {
    let script = Script::default().iterator("a");
    let source = script.source().await;
    let mut reader = IteratorReader::new(
        Arc::clone(&source.stream),
        shard(),
        KinesisEncoder::new(KinesisOrigin {
            shard_id: "shardId-000000000000".into(),
            event_source_arn: "arn".into(),
            region: "us-east-1".into(),
            invoke_identity_arn: "role".into(),
        }),
        ReadFrom::Start(ShardStart::TrimHorizon),
    );
    let idle = size_of_val(&reader);
    let waiting_for_its_turn = size_of_val(&*reader.next(100));
    assert!(idle < 1_000, "{idle} bytes");
    assert!(waiting_for_its_turn < 10_000, "{waiting_for_its_turn} bytes");
}

#[tokio::test]
async fn the_region_of_an_event_is_that_of_the_streams_arn() {
    let source = Script::default().source().await;
    let described = "arn:aws:kinesis:eu-central-1:000000000000:stream/orders";
    source.stream.described_arn.set(described.to_owned()).unwrap();
    assert_eq!(source.stream.event_source(), (described.to_owned(), "eu-central-1".to_owned()));
}
