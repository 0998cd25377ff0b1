//! SIGTERM and Ctrl-C: what is in flight finishes, and nothing is left.

use pelton_tests::journal::data;
use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::{Running, Signal, http, wait};
use serde_json::Value;
use tokio::net::TcpListener;

/// Field of what a poller logs when it is told to stop.
const STOPPING: &str = " grace=";

/// A poller whose function holds the batch `0` in its hands.
async fn with_a_batch_in_flight(arguments: &[&str]) -> (Site, StreamServer, Running) {
    let site = Site::new(&template("Timeout: 60", "BatchSize: 1"));
    site.behave("hold");
    let server = StreamServer::start(&["orders"]).await;
    let running = site.start_with(&server, arguments).await;
    server.put_numbers("a", 0..2).await;
    let journal = site.journal();
    until(&running, "a batch is in flight", || journal.began().len() == 1).await;
    (site, server, running)
}

/// Waits until the word to stop has come to the shard: what is in flight may end then, and nothing follows it.
async fn shard_is_draining(site: &Site) {
    let address = wait::for_file(&site.data_dir().join("address")).await;
    wait::until("the shard is draining", async || {
        let answer = http::get(&address, "/status").await.ok()?;
        let snapshot: Value = serde_json::from_slice(answer.body()).ok()?;
        (snapshot["mappings"][0]["shards"][0]["phase"] == "draining").then_some(())
    })
    .await;
}

/// What a poller that is started now does until the record `1` is done with.
async fn after_the_next_start(site: &Site, server: &StreamServer) -> Vec<String> {
    site.behave("succeed");
    let running = site.start(server).await;
    let journal = site.journal();
    until(&running, "the second record is done with", || data(&journal.ended()).contains(&"1")).await;
    data(&journal.began()).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn told_to_stop_it_lets_the_batch_in_flight_finish_and_the_next_start_repeats_nothing() {
    for signal in [Signal::TERM, Signal::INT] {
        let (site, server, mut running) = with_a_batch_in_flight(&[]).await;
        running.signal(signal);
        running.wait_for_line(STOPPING).await;
        shard_is_draining(&site).await;
        site.behave("succeed");
        running.wait_for_exit().await.assert_code(0).assert_printed("everything in flight is settled");
        running.assert_no_survivors().await;
        assert_eq!(data(&site.journal().ended()), ["0"], "nothing new was started");
        assert_eq!(after_the_next_start(&site, &server).await, ["0", "1"]);
    }
}

#[tokio::test]
async fn a_second_ctrl_c_ends_it_at_once_and_the_next_start_sends_the_batch_again() {
    let (site, server, mut running) = with_a_batch_in_flight(&[]).await;
    running.signal(Signal::INT);
    running.wait_for_line(STOPPING).await;
    wait::until("the second one counts", async || {
        running.signal(Signal::INT);
        running.printed().find("stopping at once").map(|_| ())
    })
    .await;
    running.wait_for_exit().await.assert_code(0).assert_printed("are sent again");
    running.assert_no_survivors().await;
    assert_eq!(after_the_next_start(&site, &server).await, ["0", "0", "1"]);
}

#[tokio::test]
async fn two_signals_at_once_are_one_wish_and_leave_the_batch_in_flight_its_grace_time() {
    let (site, _server, mut running) = with_a_batch_in_flight(&[]).await;
    running.signal(Signal::TERM);
    running.wait_for_line(STOPPING).await;
    running.signal(Signal::TERM);
    running.wait_for_line("not within a second").await;
    shard_is_draining(&site).await;
    site.behave("succeed");
    running.wait_for_exit().await.assert_code(0).assert_printed("everything in flight is settled");
    assert_eq!(data(&site.journal().ended()), ["0"]);
}

#[tokio::test]
async fn when_the_grace_time_is_over_it_stops_all_the_same() {
    let (site, server, mut running) = with_a_batch_in_flight(&["--grace", "0.2"]).await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0).assert_printed("are sent again");
    running.assert_no_survivors().await;
    assert_eq!(after_the_next_start(&site, &server).await, ["0", "0", "1"]);
}

#[tokio::test]
async fn a_batch_between_two_attempts_does_not_hold_up_a_stop() {
    let (site, server, mut running) = with_a_batch_in_flight(&[]).await;
    site.behave("error");
    running.wait_for_line(" attempt=1 ").await;
    running.signal(Signal::TERM);
    let exit = running.wait_for_exit().await;
    exit.assert_code(0).assert_printed("are retried at the next start");
    assert!(running.printed().find("everything in flight is settled").is_none(), "{}", running.printed());
    running.assert_no_survivors().await;
    let began = after_the_next_start(&site, &server).await;
    assert_eq!(began.last().map(String::as_str), Some("1"));
    assert!(began[..began.len() - 1].iter().all(|data| data == "0"), "{began:?}");
}

#[tokio::test]
async fn ctrl_c_while_it_starts_leaves_nothing() {
    let site = Site::new(&template("", ""));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut running = site.run(&endpoint).start(&site.folder);
    let _held = silent.accept().await.unwrap();
    running.signal(Signal::INT);
    running.wait_for_exit().await.assert_code(0);
    running.assert_no_survivors().await;
    assert!(!site.data_dir().join("checkpoints.db").exists());
}

#[tokio::test]
async fn a_stream_server_stops_when_told_to_also_with_a_client_connected() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = StreamServer::start(&["orders"]).await;
        server.put_numbers("a", 0..1).await;
        server.running.signal(signal);
        server.running.wait_for_exit().await.assert_code(0);
        server.running.assert_no_survivors().await;
    }
}
