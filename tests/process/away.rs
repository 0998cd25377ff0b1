//! Streams that are made again under their old name, and endpoints that go away and come back.

use pelton_tests::journal::data;
use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::{Signal, kinesis, wait};

/// Field of the warning about a stream that is not the one of the checkpoints.
const ANEW: &str = "old_stream=";

#[tokio::test]
async fn a_stream_made_again_between_two_runs_is_started_anew_loudly() {
    let site = Site::new(&template("", ""));
    let server = StreamServer::start(&["orders"]).await;
    let mut first = site.start(&server).await;
    server.put_numbers("a", 0..3).await;
    let journal = site.journal();
    until(&first, "three records are done with", || journal.records_ended() == 3).await;
    first.signal(Signal::TERM);
    first.wait_for_exit().await.assert_code(0);

    make_again(&server).await;
    server.put_numbers("a", 10..13).await;
    let second = site.start(&server).await;
    until(&second, "three more records are done with", || journal.records_ended() == 6).await;
    assert_eq!(data(&journal.ended()), ["0", "1", "2", "10", "11", "12"]);
    second.wait_for_line(ANEW).await;
}

#[tokio::test]
async fn a_stream_made_again_while_it_is_read_is_started_anew_loudly() {
    let site = Site::new(&template("", ""));
    let server = StreamServer::start(&["orders"]).await;
    let running = site.start(&server).await;
    server.put_numbers("a", 0..3).await;
    let journal = site.journal();
    until(&running, "three records are done with", || journal.records_ended() == 3).await;

    server.client.delete_stream().stream_name("orders").send().await.unwrap();
    running.wait_for_line("waiting for the stream").await;
    kinesis::create_stream(&server.client, "orders", 1).await;
    server.put_numbers("a", 10..13).await;
    until(&running, "three more records are done with", || journal.records_ended() == 6).await;
    assert_eq!(data(&journal.ended()), ["0", "1", "2", "10", "11", "12"]);
    running.wait_for_line(ANEW).await;
}

#[tokio::test]
async fn an_endpoint_that_goes_away_is_waited_for_and_a_new_stream_there_is_started_anew() {
    let site = Site::new(&template("", ""));
    let mut server = StreamServer::start(&["orders"]).await;
    let mut running = site.start(&server).await;
    server.put_numbers("a", 0..3).await;
    let journal = site.journal();
    until(&running, "three records are done with", || journal.records_ended() == 3).await;
    server.running.signal(Signal::KILL);
    server.running.wait_for_exit().await;
    running.wait_for_line("the shard cannot be read").await;
    running.wait_for_line("waiting for the stream").await;

    let server = StreamServer::start_at(server.address(), &["orders"]).await;
    server.put_numbers("a", 10..13).await;
    running.wait_for_line(ANEW).await;
    until(&running, "all of the new stream is done with", || data(&journal.ended()).contains(&"12")).await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
    // A stream server may take the place of the old stream for one in the new: what it hands out until the stream is looked
    // at comes again.
    let ended = journal.ended();
    let ended = data(&ended);
    assert!(ended.starts_with(&["0", "1", "2"]) && ended.ends_with(&["10", "11", "12"]), "{ended:?}");
}

/// Deletes the stream and makes one of the same name, which says that it was created at another time.
async fn make_again(server: &StreamServer) {
    let created = created(server).await;
    wait::until("the stream was created at another time", async || {
        server.client.delete_stream().stream_name("orders").send().await.expect("DeleteStream succeeds");
        wait::until("the stream is gone", async || {
            let described = server.client.describe_stream_summary().stream_name("orders").send().await;
            described.is_err().then_some(())
        })
        .await;
        kinesis::create_stream(&server.client, "orders", 1).await;
        (self::created(server).await != created).then_some(())
    })
    .await;
}

async fn created(server: &StreamServer) -> aws_sdk_kinesis::primitives::DateTime {
    let call = server.client.describe_stream_summary().stream_name("orders").send();
    let answer = call.await.expect("DescribeStreamSummary succeeds");
    *answer.stream_description_summary().expect("the answer is a summary").stream_creation_timestamp()
}
