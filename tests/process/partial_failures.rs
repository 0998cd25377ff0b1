//! ReportBatchItemFailures: which records come again, how often, and when the mapping asks for none of it (specification 4.3).

use pelton_tests::journal::{Batch, data};
use pelton_tests::site::{Site, StreamServer, TO_A_FILE, template, until};
use pelton_tests::{http, wait};
use serde_json::Value;

/// A mapping whose function says which records failed, and whose tries are counted.
fn site(batch_size: usize) -> Site {
    let site = Site::new(&template(
        "",
        &format!(
            "BatchSize: {batch_size}
            FunctionResponseTypes: [ReportBatchItemFailures]
            MaximumRetryAttempts: 3
            {TO_A_FILE}"
        ),
    ));
    site.behave("obey");
    site
}

fn batches(began: &[Batch]) -> Vec<Vec<&str>> {
    began.iter().map(Batch::data).collect()
}

#[tokio::test]
async fn a_record_that_is_always_reported_comes_once_in_its_batch_and_four_times_alone() {
    let site = site(3);
    let server = StreamServer::start(&["orders"]).await;
    let places = server.put_texts("a", ["1", "2", "3", "4", "5", "6 report", "7", "8", "9"]).await;
    let running = site.start(&server).await;
    let journal = site.journal();
    until(&running, "what comes after is done with", || journal.records_ended() >= 6).await;

    let alone = || vec!["6 report"];
    let expected = [
        vec!["1", "2", "3"],
        vec!["4", "5", "6 report"],
        alone(),
        alone(),
        alone(),
        alone(),
        vec!["7", "8", "9"],
    ];
    assert_eq!(batches(&journal.began()), expected);
    let [failure] = &site.given_up()[..] else { panic!("{:?}", site.given_up()) };
    assert_eq!(failure["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(failure["requestContext"]["approximateInvokeCount"], 4);
    assert_eq!(failure["KinesisBatchInfo"]["batchSize"], 1);
    assert_eq!(failure["KinesisBatchInfo"]["startSequenceNumber"], places[5].sequence_number);
    assert_eq!(failure["responseContext"]["functionError"], serde_json::Value::Null);
    assert_eq!(failure["responseContext"]["statusCode"], 200);
    let printed = running.printed();
    let count = |part: &str| printed.lines_with(part).len();
    assert_eq!(count("they will be tried again"), 4, "not after the last attempt: {printed}");
    assert_eq!(count("they are given up"), 1, "{printed}");
}

#[tokio::test]
async fn of_several_records_the_lowest_sequence_number_wins_and_what_succeeded_behind_it_comes_again() {
    let site = site(5);
    let server = StreamServer::start(&["orders"]).await;
    server.put_texts("a", ["1", "2 report", "3", "4 report", "5"]).await;
    let running = site.start(&server).await;
    let journal = site.journal();
    until(&running, "a second try", || journal.began().len() >= 2).await;
    let expected = [vec!["1", "2 report", "3", "4 report", "5"], vec!["2 report", "3", "4 report", "5"]];
    assert_eq!(batches(&journal.began()[..2]), expected);
}

#[tokio::test]
async fn what_the_function_reports_is_ignored_completely_when_the_mapping_does_not_ask() {
    let site = Site::new(&template("", "BatchSize: 3"));
    site.behave("obey");
    let server = StreamServer::start(&["orders"]).await;
    server.put_texts("a", ["1", "2 report", "3", "4", "5", "6"]).await;
    let running = site.start(&server).await;
    let journal = site.journal();
    until(&running, "the second batch is done with", || journal.records_ended() >= 3).await;
    assert_eq!(data(&journal.began()), ["1", "2 report", "3", "4", "5", "6"]);
    let warned = running.wait_for_line("the mapping ignores the report").await;
    assert!(warned.contains("ReportBatchItemFailures"), "{warned}");
}

/// Answers of a function that AWS takes for successes: what is warned of, how often, and what `status` counts.
async fn check_ignored(mapping: &str, behavior: &str, warning: &str, count: &str) {
    let site = Site::new(&template("", &format!("BatchSize: 1\n            {mapping}")));
    site.behave(behavior);
    let server = StreamServer::start(&["orders:2"]).await;
    let running = site.start(&server).await;
    for key in ["a", "b", "c", "d"] {
        server.put_texts(key, ["1 report", "2 report"]).await;
    }
    let address = wait::for_file(&site.data_dir().join("address")).await;
    let counts = wait::until("all records are done with", async || {
        let answer = http::get(&address, "/status").await.ok()?;
        let snapshot: Value = serde_json::from_slice(answer.body()).ok()?;
        let counts = snapshot["mappings"][0]["totals"].clone();
        (counts["succeeded"] == 8).then_some(counts)
    })
    .await;
    assert_eq!(counts[count], 8);
    let printed = running.printed();
    let warned = printed.lines_with(warning);
    assert_eq!(warned.len(), 1, "once for all shards and batches: {printed}");
    for field in ["function=", "mapping="] {
        assert!(warned[0].contains(field), "{field} {warned:?}");
    }
}

#[tokio::test]
async fn failures_reported_to_a_mapping_that_does_not_ask_are_warned_of_once_and_counted() {
    check_ignored("MaximumRetryAttempts: 0", "obey", "the mapping ignores the report", "ignored_failures")
        .await;
}

#[tokio::test]
async fn an_answer_with_content_but_without_failures_is_warned_of_once_and_counted() {
    let mapping = "FunctionResponseTypes: [ReportBatchItemFailures]";
    check_ignored(mapping, "a number", "no `batchItemFailures`", "ignored_content").await;
}
