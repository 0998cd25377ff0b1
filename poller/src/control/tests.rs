//! The API over real HTTP.

use super::server::is_of_this_machine;
use super::snapshot::{MappingState, MappingStatus, ReadAhead, ShardPhase, ShardStatus, StatusSnapshot};
use super::{AskError, ControlServer, ListenError, StuckBatch, Views, ask_status};
use crate::clock::Clock;
use bytes::Bytes;
use pelton_core::stream::ShardId;
use pelton_core::{
    AttemptError, Batch, Counts, Envelope, FailingBatch, Policy, Position, Record, Shard, ShardView,
    Timestamp,
};
use pelton_model::MappingConfiguration;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// When every snapshot was taken.
const TAKEN_AT: u64 = 20_000;

struct OneMapping;

impl Views for OneMapping {
    fn stuck(&self, mapping: &str) -> Option<Vec<StuckBatch>> {
        (mapping == "OrderLedgerOrders").then(|| vec![stuck()])
    }

    fn snapshot(&self) -> StatusSnapshot {
        snapshot(MappingState::Polling, vec![])
    }
}

/// What is shown is what it holds.
struct Shown(StatusSnapshot);

impl Views for Shown {
    fn stuck(&self, _mapping: &str) -> Option<Vec<StuckBatch>> {
        None
    }

    fn snapshot(&self) -> StatusSnapshot {
        self.0.clone()
    }
}

/// A batch of two records that failed three times.
fn stuck() -> StuckBatch {
    let page = Bytes::from_static(br#"{"n":"1"},{"n":"2"}"#);
    let record =
        |number: &str, range| Record::new(Position::new(number), Timestamp::default(), page.clone(), range);
    let batch = Batch::new(vec![record("1", 0..9), record("2", 10..19)], Envelope::new("[", "]"));
    StuckBatch::of_shard(&ShardId::new("shardId-0"), &failing(batch, false)).remove(0)
}

/// A shard with a batch that failed three times.
fn failing(batch: Batch, is_given_up: bool) -> ShardView {
    let error =
        AttemptError::FunctionFailed { error_type: "Unhandled".into(), message: "no such order".into() };
    let failing = FailingBatch {
        attempts: 3,
        attempts_max: None,
        batch: Arc::new(batch),
        first_failed_at: Timestamp::default(),
        next_attempt_at: Some(Timestamp::from_millis(9_000)),
        is_given_up,
        error: Arc::new(error),
        request_id: None,
    };
    let shard = Shard::new(Policy::kinesis(Envelope::new("[", "]")), None, 0, Timestamp::default());
    ShardView { failing: vec![failing], ..shard.view() }
}

fn snapshot(state: MappingState, shards: Vec<ShardStatus>) -> StatusSnapshot {
    StatusSnapshot {
        pid: 4242,
        version: "0.1.0".into(),
        started_at: Timestamp::from_millis(1_000),
        taken_at: Timestamp::from_millis(TAKEN_AT),
        read_ahead: ReadAhead::default(),
        functions: vec![],
        mappings: vec![MappingStatus {
            id: "OrderLedgerOrders".into(),
            function: "order-ledger".into(),
            stream: "arn:aws:kinesis:us-east-1:000000000000:stream/orders".into(),
            state,
            starting_position: "LATEST".into(),
            settings: MappingConfiguration::default(),
            failed_records_to: None,
            positions_trimmed: 0,
            totals: Counts::default(),
            group: None,
            shards,
        }],
    }
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

async fn running() -> Running {
    showing(OneMapping).await
}

async fn showing(views: impl Views + 'static) -> Running {
    let server = ControlServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    let stopped = async move { drop(stopped.await) };
    let served = tokio::spawn(server.serve(Arc::new(views), stopped));
    Running { address, stop, served }
}

/// Sends one request, and gives the status and the body of the answer.
async fn get(address: SocketAddr, path: &str, host: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn health_is_good_while_every_mapping_polls() {
    let Running { address, stop, served } = running().await;
    let (status, body) = get(address, "/health", "localhost").await;
    assert_eq!((status, body.as_str()), (200, r#"{"status":"ok","pid":4242,"version":"0.1.0"}"#));
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    let error = ask_status(address, &Clock::start()).await.unwrap_err();
    assert!(matches!(error, AskError::NobodyListens { .. }), "{error:?}");
}

async fn check_unavailable(state: MappingState, shards: Vec<ShardStatus>, problem: &str) {
    let Running { address, stop: _running, .. } = showing(Shown(snapshot(state, shards))).await;
    let (status, body) = get(address, "/health", "localhost").await;
    let expected = format!(
        r#"{{"status":"unavailable","problems":["OrderLedgerOrders: {problem}"],"pid":4242,"version":"0.1.0"}}"#
    );
    assert_eq!((status, body), (503, expected));
}

#[tokio::test]
async fn health_is_bad_with_the_reason_while_a_mapping_does_not_poll() {
    let waiting = MappingState::Waiting { reason: "the stream does not exist".into() };
    check_unavailable(waiting, vec![], "waiting: the stream does not exist").await;
    let stopped = MappingState::Stopped { reason: "told to stop".into() };
    check_unavailable(stopped, vec![], "stopped: told to stop").await;
}

#[tokio::test]
async fn health_is_bad_with_the_reason_while_checkpoints_cannot_be_kept() {
    let stalled = |id| ShardStatus {
        last_error: Some("disk is full".into()),
        ..ShardStatus::unread(&ShardId::new(id), ShardPhase::Stalled, None)
    };
    let well = ShardStatus::unread(&ShardId::new("a"), ShardPhase::Polling, None);
    let one = "checkpoints of b cannot be stored: disk is full";
    check_unavailable(MappingState::Polling, vec![well.clone(), stalled("b")], one).await;
    let three = "checkpoints of b and 2 more cannot be stored: disk is full";
    let shards = vec![well, stalled("b"), stalled("c"), stalled("d")];
    check_unavailable(MappingState::Polling, shards, three).await;
}

#[tokio::test]
async fn health_is_bad_with_the_reason_once_reads_of_a_shard_have_failed_for_ten_seconds() {
    let unread = |since| ShardStatus {
        unread_since: Some(Timestamp::from_millis(TAKEN_AT - since)),
        last_error: Some("GetRecords was refused".into()),
        ..ShardStatus::unread(&ShardId::new("a"), ShardPhase::Polling, None)
    };
    let said = "a cannot be read: GetRecords was refused";
    check_unavailable(MappingState::Polling, vec![unread(10_000)], said).await;
    let Running { address, stop: _running, .. } =
        showing(Shown(snapshot(MappingState::Polling, vec![unread(9_999)]))).await;
    assert_eq!(get(address, "/health", "localhost").await.0, 200);
}

#[tokio::test]
async fn health_is_good_while_a_function_fails_and_for_a_mapping_that_is_disabled_or_has_caught_up() {
    let retrying = ShardPhase::Retrying { attempts: 3, next_attempt_at: Timestamp::from_millis(9_000) };
    let failing = ShardStatus::unread(&ShardId::new("a"), retrying, None);
    let idle = [MappingState::Disabled, MappingState::CaughtUp].map(|state| (state, vec![]));
    for (state, shards) in [(MappingState::Polling, vec![failing])].into_iter().chain(idle) {
        let Running { address, stop: _running, .. } = showing(Shown(snapshot(state, shards))).await;
        assert_eq!(get(address, "/health", "localhost").await.0, 200);
    }
}

#[tokio::test]
async fn metrics_answers_in_the_text_format_of_prometheus() {
    let Running { address, stop: _running, .. } = running().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert_eq!(body, crate::metrics::render(&OneMapping.snapshot()));
}

#[tokio::test]
async fn status_answers_what_the_views_show() {
    let Running { address, stop: _running, .. } = running().await;
    let answer = ask_status(address, &Clock::start()).await.unwrap();
    assert_eq!(serde_json::from_slice::<StatusSnapshot>(&answer).unwrap(), OneMapping.snapshot());
}

#[tokio::test]
async fn stuck_answers_what_the_batches_are_and_the_event_of_each_byte_for_byte() {
    let Running { address, stop: _running, .. } = running().await;
    let (status, body) = get(address, "/mappings/OrderLedgerOrders/stuck", "localhost").await;
    let expected = concat!(
        r#"{"mapping":"OrderLedgerOrders","batches":[{"shard":"shardId-0","attempts":3,"#,
        r#""next_attempt_at":"1970-01-01T00:00:09.000Z","records":2,"first_sequence_number":"1","#,
        r#""last_sequence_number":"2","event_bytes":21,"error":"no such order (Unhandled)"}]}"#
    );
    assert_eq!((status, body.as_str()), (200, expected));
    let event = get(address, "/mappings/OrderLedgerOrders/stuck/shardId-0/1", "127.0.0.1").await;
    assert_eq!(event, (200, r#"[{"n":"1"},{"n":"2"}]"#.to_owned()));
    for gone in ["OrderLedgerOrders/stuck/shardId-0/2", "OrderLedgerOrders/stuck/shardId-1/1", "Other/stuck"]
    {
        assert_eq!(get(address, &format!("/mappings/{gone}"), "localhost").await.0, 404, "{gone}");
    }
}

#[tokio::test]
async fn an_event_is_shown_on_this_machine_only_also_where_the_api_is_open_to_the_network() {
    let server = ControlServer::bind(([0, 0, 0, 0], 0).into()).await.unwrap();
    let port = server.address().port();
    tokio::spawn(server.serve(Arc::new(OneMapping), std::future::pending()));
    let event = "/mappings/OrderLedgerOrders/stuck/shardId-0/1";
    let here = SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(get(here, event, "0.0.0.0").await.0, 200);
    assert_eq!(get(here, event, "evil.example").await.0, 403, "a page whose name was pointed here");
    assert_eq!(get(here, "/health", "evil.example").await.0, 200, "everything else is open");
    for (peer, is_here) in
        [("127.0.0.1", true), ("::1", true), ("::ffff:127.0.0.1", true), ("192.0.2.1", false)]
    {
        assert_eq!(is_of_this_machine(peer.parse().unwrap(), Some("localhost")), is_here, "{peer}");
    }
    assert!(!is_of_this_machine([127, 0, 0, 1].into(), None));
}

#[tokio::test]
async fn a_host_that_is_not_this_machine_is_refused() {
    let Running { address, stop: _running, .. } = running().await;
    for host in ["localhost:7358", "127.0.0.1", "[::1]:7358", &address.to_string()] {
        assert_eq!(get(address, "/health", host).await.0, 200, "{host}");
    }
    for host in ["evil.example:7358", "10.0.0.1", "localhost.evil.example", ""] {
        assert_eq!(get(address, "/health", host).await.0, 403, "{host}");
    }
}

#[tokio::test]
async fn another_path_says_what_there_is() {
    let Running { address, stop: _running, .. } = running().await;
    let (status, body) = get(address, "/", "localhost").await;
    assert_eq!(
        (status, body.as_str()),
        (
            404,
            r#"{"message":"there is GET /health, GET /metrics, GET /status and GET /mappings/MAPPING/stuck"}"#
        )
    );
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_hold_up_the_stop() {
    let Running { address, stop, served } = running().await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(b"GET /sta").await.unwrap();
    get(address, "/health", "localhost").await;
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_port_in_use_says_what_to_do() {
    let Running { address, stop: _running, .. } = running().await;
    let error = ControlServer::bind(address).await.unwrap_err();
    assert!(matches!(error, ListenError::InUse { .. }));
    let said = format!(
        "{address} is in use: stop the program that listens there, or choose another address with --listen (port 0 picks a free one)"
    );
    assert_eq!(error.to_string(), said);
}

#[tokio::test]
async fn an_address_that_this_machine_does_not_have_is_refused() {
    let error = ControlServer::bind(([192, 0, 2, 1], 0).into()).await.unwrap_err();
    assert!(matches!(error, ListenError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn somebody_else_on_the_port_is_told_from_pelton() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let other = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail ready\r\n").await.unwrap();
    };
    let clock = Clock::start();
    let (answer, ()) = tokio::join!(ask_status(address, &clock), other);
    assert!(matches!(answer, Err(AskError::NotAnswered { .. })), "{answer:?}");
}

#[test]
fn a_batch_that_is_given_up_is_not_stuck_on_the_function() {
    let record = Record::new(Position::new("1"), Timestamp::default(), Bytes::from_static(b"{}"), 0..2);
    let batch = Batch::new(vec![record], Envelope::new("[", "]"));
    let stuck = StuckBatch::of_shard(&ShardId::new("shardId-0"), &failing(batch, true));
    assert!(stuck.is_empty(), "{stuck:?}");
}
