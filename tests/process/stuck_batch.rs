//! `pelton get --stuck`: shows the batch that a mapping is stuck on, and writes its event, which `pelton invoke` takes.

use axum::Router;
use pelton_tests::site::{Site, StreamServer, pelton, run_to_end, template, until};
use pelton_tests::{Exit, Running, wait};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A poller of this stream whose function fails, once it is shown to be stuck in so many shards.
async fn stuck(site: &Site, server: &StreamServer, shards: usize) -> Running {
    site.behave("error");
    let running = site.start(server).await;
    let all_failed = || {
        let failed: BTreeSet<_> = site.journal().began().into_iter().map(|batch| batch.shard).collect();
        failed.len() >= shards
    };
    until(&running, "each shard has a batch that was tried", all_failed).await;
    // That it failed comes back to the poller a little later.
    wait::until("each of them is stuck", async || {
        let exit = get(site, &["KeeperOrders", "--json"]).await;
        let records =
            exit.printed.stdout().into_iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let stuck: BTreeSet<_> = records.map(|record| record["shard"].to_string()).collect();
        (stuck.len() >= shards).then_some(())
    })
    .await;
    running
}

/// In a folder of its own: what runs in that of the poller would be taken for its own.
async fn get(site: &Site, arguments: &[&str]) -> Exit {
    run_to_end(pelton(["get", "--stuck"]).args(arguments).args([Path::new("--data-dir"), &site.data_dir()]))
        .await
}

/// Where the event goes.
fn event_file(site: &Site) -> String {
    site.path().join("event.json").to_str().expect("the folder has a readable name").to_owned()
}

#[tokio::test]
async fn the_batch_is_shown_its_event_is_written_and_invoked_and_once_mended_the_shard_goes_on() {
    let site = Site::new(&template("", "BatchSize: 2"));
    let server = StreamServer::start(&["orders"]).await;
    let places = server.put_texts("a", ["7", "text", "3"]).await;
    let running = stuck(&site, &server, 1).await;

    let exit = get(&site, &["KeeperOrders", "--event", &event_file(&site)]).await;
    exit.assert_code(0).assert_printed("shardId-000000000000: 2 records, failed");
    let (first, last) = (&places[0].sequence_number, &places[1].sequence_number);
    exit.assert_printed(&format!("  sequence numbers {first} to {last}"));
    exit.assert_printed("  error: Handler fails (Exception)");
    exit.assert_printed(&format!("key a  sequence number {first}"));
    exit.assert_printed("  text");
    assert!(exit.printed.find(&places[2].sequence_number).is_none(), "it waits behind: {}", exit.printed);
    exit.assert_printed("wrote the event of 2 records in shardId-000000000000 to ");

    let event = std::fs::read(site.path().join("event.json")).expect("it was written");
    let exit = get(&site, &["KeeperOrders", "--event", "-"]).await;
    assert_eq!(exit.assert_code(0).printed.stdout().concat().as_bytes(), event, "only the event");
    let records: Value = serde_json::from_slice(&event).expect("an event is JSON");
    let numbers: Vec<_> = records["Records"].as_array().expect("it has records").iter().collect();
    assert_eq!(numbers.len(), 2);
    assert_eq!(numbers[1]["kinesis"]["sequenceNumber"], last.as_str());

    let template = site.path().join("template.yaml");
    let invoke = async || {
        let arguments = ["invoke", "Keeper", "--event", &event_file(&site), "--template"];
        run_to_end(pelton(arguments).args([&template])).await
    };
    invoke().await.assert_code(1).assert_printed("the function failed: Exception: Handler fails");
    site.behave("succeed");
    invoke().await.assert_code(0);
    let journal = site.journal();
    // Twice two: one of the two was by hand.
    until(&running, "the shard goes on", || journal.records_ended() >= 5).await;
    wait::until("nothing is stuck any more", async || {
        get(&site, &["KeeperOrders"]).await.printed.find("KeeperOrders is not stuck on any batch").map(drop)
    })
    .await;
    let exit = get(&site, &["KeeperOrders", "--event", &event_file(&site)]).await;
    exit.assert_code(1).assert_printed("there is no event to write");
    assert_eq!(std::fs::read(site.path().join("event.json")).expect("it is still there"), event);
}

#[tokio::test]
async fn the_event_is_byte_for_byte_what_the_function_is_invoked_with() {
    let site = Site::without_code(&template("", "BatchSize: 3"));
    let seen = Arc::new(Mutex::new(String::new()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let sees = Arc::clone(&seen);
    let app = Router::new().fallback(async move |body: String| {
        *sees.lock().expect("nobody panics while holding it") = body;
        r#"{"errorType":"E","errorMessage":"no"}"#
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let server = StreamServer::start(&["orders"]).await;
    server.put_texts("kéy \"q\"", ["{\"a\":1}", "\u{1b}", "ü"]).await;
    let _running = site.start_with(&server, &["--lambda-endpoint", &url]).await;
    let exit = wait::until("it is stuck", async || {
        let exit = get(&site, &["KeeperOrders", "--event", &event_file(&site)]).await;
        exit.status.success().then_some(exit)
    })
    .await;
    exit.assert_printed("3 records, failed");
    let event = std::fs::read_to_string(site.path().join("event.json")).expect("it was written");
    assert_eq!(event, *seen.lock().expect("nobody panics while holding it"));
}

#[tokio::test]
async fn of_several_stuck_shards_all_are_shown_and_for_an_event_one_is_chosen() {
    let site = Site::new(&template("", "BatchSize: 2"));
    let server = StreamServer::start(&["orders:2"]).await;
    let (a, b) = (server.put_numbers("a", 0..2).await, server.put_numbers("b", 0..2).await);
    assert_ne!(a, b, "the keys are in two shards");
    let _running = stuck(&site, &server, 2).await;
    let exit = get(&site, &["KeeperOrders"]).await;
    for shard in [&a, &b] {
        exit.assert_printed(&format!("{shard}: 2 records, failed"));
    }
    let exit = get(&site, &["KeeperOrders", "--event", &event_file(&site)]).await;
    exit.assert_code(2).assert_printed("KeeperOrders is stuck in several shards");
    exit.assert_printed("choose one with --shard: shardId-000000000000, shardId-000000000001");
    assert!(!site.path().join("event.json").exists());
    let exit = get(&site, &["KeeperOrders", "--shard", &b, "--event", &event_file(&site)]).await;
    exit.assert_code(0).assert_printed(&format!("wrote the event of 2 records in {b} to "));
    let exit = get(&site, &["KeeperOrders", "--shard", "shardId-000000000007"]).await;
    exit.assert_code(2).assert_printed("KeeperOrders is not stuck in shardId-000000000007");
}

#[tokio::test]
async fn without_a_poller_or_such_a_mapping_it_says_what_to_do() {
    let site = Site::new(&template("", ""));
    let exit = get(&site, &["KeeperOrders"]).await;
    exit.assert_code(1).assert_printed("start one with `pelton run` or `pelton dev`");
    let server = StreamServer::start(&["orders"]).await;
    let _running = site.start(&server).await;
    let exit = get(&site, &["KeeperOrder"]).await;
    exit.assert_code(2).assert_printed("has no mapping KeeperOrder");
    exit.assert_printed("did you mean `KeeperOrders`?");
    get(&site, &["KeeperOrders"])
        .await
        .assert_code(0)
        .assert_printed("KeeperOrders is not stuck on any batch");
    let exit = get(&site, &["KeeperOrders", "--json"]).await;
    assert_eq!(exit.assert_code(0).printed.stdout(), [""; 0]);
}

#[tokio::test]
async fn records_of_a_stuck_batch_as_json_can_be_put_again() {
    let site = Site::new(&template("", "BatchSize: 2"));
    let server = StreamServer::start(&["orders", "copy"]).await;
    server.put_texts("a", ["{\"n\":1}", "text"]).await;
    let _running = stuck(&site, &server, 1).await;
    let lines = get(&site, &["KeeperOrders", "--json"]).await.printed.stdout().join("\n");
    let put = server.put(["copy", "--file", "-"]).input(lines);
    run_to_end(put).await.assert_code(0).assert_printed("2 records");
    let iterator = server.client.get_shard_iterator().stream_name("copy").shard_id("shardId-000000000000");
    let iterator = iterator.shard_iterator_type("TRIM_HORIZON".into()).send().await.expect("it is there");
    let page = server.client.get_records().set_shard_iterator(iterator.shard_iterator).send().await;
    let page = page.expect("it can be read").records;
    let copied: Vec<_> = page.iter().map(|record| record.data().as_ref()).collect();
    assert_eq!(copied, [&b"{\"n\":1}"[..], b"text"]);
}
