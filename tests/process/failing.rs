//! Functions that fail for a while: their records wait, in order.

use pelton_tests::journal::{Batch, Step, data, data_by_key};
use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::{http, wait};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn a_handler_that_fails_and_then_recovers_gets_the_same_records_in_the_same_order() {
    let site = Site::new(&template("", "BatchSize: 10"));
    site.behave("error");
    let server = StreamServer::start(&["orders:3"]).await;
    let running = site.start(&server).await;
    let mut shards = BTreeSet::new();
    for key in ["a", "b", "c", "d"] {
        shards.insert(server.put_numbers(key, 0..25).await);
    }
    let journal = site.journal();
    until(&running, "each shard has failed three times", || {
        let attempts = attempts(&journal.began());
        attempts.len() == shards.len() && attempts.values().all(|attempts| attempts.len() >= 3)
    })
    .await;
    site.behave("succeed");
    until(&running, "all is done with", || journal.records_ended() >= 100).await;

    assert_eq!(journal.records_ended(), 100, "each once");
    for (shard, attempts) in attempts(&journal.began()) {
        let ended: Vec<_> = journal.ended().into_iter().filter(|batch| batch.shard == shard).collect();
        let failed = attempts.iter().take_while(|attempt| **attempt == attempts[0]).count();
        assert!(failed >= 3, "{shard}: every attempt has the same records: {attempts:?}");
        // The last of the equal attempts is the one that succeeded.
        assert_eq!(attempts[failed - 1..], ended, "{shard}");
    }
    for (key, numbers) in data_by_key(&journal.ended()) {
        assert_eq!(numbers, (0..25).map(|number| number.to_string()).collect::<Vec<_>>(), "{key}");
    }
}

/// Every attempt of each shard, in order, as if it had ended well.
fn attempts(began: &[Batch]) -> BTreeMap<String, Vec<Batch>> {
    let mut shards: BTreeMap<String, Vec<Batch>> = BTreeMap::new();
    for batch in began {
        let attempt = Batch { step: Step::Ended, ..batch.clone() };
        shards.entry(batch.shard.clone()).or_default().push(attempt);
    }
    shards
}

/// A function that behaves like this is retried, says so in a line with `said`, and goes on once it is mended.
async fn check(behavior: &str, said: &str) {
    let site = Site::new(&template("Timeout: 1", "BatchSize: 2"));
    site.behave(behavior);
    let server = StreamServer::start(&["orders"]).await;
    let running = site.start(&server).await;
    server.put_numbers("a", 0..4).await;
    running.wait_for_line(said).await;
    site.behave("succeed");
    let journal = site.journal();
    until(&running, "all is done with", || journal.records_ended() >= 4).await;
    assert_eq!(data(&journal.ended()), ["0", "1", "2", "3"]);
    running.wait_for_line("task=invoke").await;
    let lines = running.printed();
    let went_on = lines.stderr().iter().filter(|line| line.contains("task=invoke")).count();
    assert_eq!(went_on, 1, "said once, and not before:\n{lines}");
}

#[tokio::test]
async fn a_handler_that_times_out_is_retried_and_goes_on_once_it_is_mended() {
    check("hang", "Task timed out after 1.00 seconds").await;
}

#[tokio::test]
async fn a_handler_that_crashes_is_retried_and_goes_on_once_it_is_mended() {
    check("abort", "Runtime.ExitError").await;
}

#[tokio::test]
async fn a_handler_that_exits_is_retried_and_goes_on_once_it_is_mended() {
    check("exit", "Runtime.ExitError").await;
}

#[tokio::test]
async fn a_handler_whose_init_fails_is_retried_and_goes_on_once_it_is_mended() {
    check("init error", "Init.Broken").await;
}

#[tokio::test]
async fn a_handler_that_exits_before_it_asks_for_work_is_retried_and_goes_on_once_it_is_mended() {
    check("init exit", "Runtime.ExitError").await;
}

#[tokio::test]
async fn a_function_without_any_concurrency_is_told_at_start_in_the_log_once_and_in_the_status() {
    let site = Site::new(&template("ReservedConcurrentExecutions: 0", ""));
    let server = StreamServer::start(&["orders"]).await;
    let running = site.start(&server).await;
    let warning = running.wait_for_line("every invocation is throttled").await;
    assert!(warning.contains("Keeper"), "{warning}");
    server.put_numbers("a", 0..1).await;
    let address = wait::for_file(&site.data_dir().join("address")).await;
    let shard = wait::until("the batch was throttled twice", async || {
        let answer = http::get(&address, "/status").await.ok()?;
        let snapshot: Value = serde_json::from_slice(answer.body()).ok()?;
        let shard = snapshot["mappings"][0]["shards"][0].clone();
        (shard["counts"]["throttles"].as_u64()? >= 2).then_some(shard)
    })
    .await;
    assert!(shard["last_error"].as_str().is_some_and(|error| error.contains("throttled")), "{shard}");
    let lines = running.printed();
    let said = lines.stderr().iter().filter(|line| line.contains("the function is throttled")).count();
    assert_eq!(said, 1, "{lines}");
}
