//! Records that a function fails for too often: they go to the mapping's on-failure destination, and the shard goes on.

use pelton_tests::journal::data;
use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::wait;
use serde_json::Value;
use std::path::Path;

const TO_A_FILE: &str = "BatchSize: 2
            MaximumRetryAttempts: 1
            DestinationConfig:
              OnFailure:
                Destination: file:failures/orders.jsonl";

/// The lines of a file of failures, once it has so many.
async fn failures(path: &Path, lines: usize) -> Vec<Value> {
    wait::until("the failures are handed over", async || {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        (text.lines().count() >= lines)
            .then(|| text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect())
    })
    .await
}

#[tokio::test]
async fn what_is_given_up_is_a_line_of_the_file_with_the_event_and_the_shard_goes_on() {
    let site = Site::new(&template("", TO_A_FILE));
    std::fs::create_dir(site.path().join("failures")).unwrap();
    site.behave("error");
    let server = StreamServer::start(&["orders"]).await;
    let shard = server.put_numbers("a", 0..4).await;
    let running = site.start(&server).await;
    let failures = failures(&site.path().join("failures/orders.jsonl"), 2).await;
    site.behave("succeed");
    server.put_numbers("a", 4..8).await;
    let journal = site.journal();
    until(&running, "what comes after is done with", || journal.records_ended() >= 4).await;

    assert_eq!(data(&journal.ended()), ["4", "5", "6", "7"]);
    assert_eq!(data(&journal.began())[..8], ["0", "1", "0", "1", "2", "3", "2", "3"], "N + 1 invocations");
    assert_eq!(failures.len(), 2);
    for failure in &failures {
        let context = &failure["requestContext"];
        assert_eq!(context["condition"], "RetryAttemptsExhausted");
        assert_eq!(context["approximateInvokeCount"], 2);
        assert_eq!(context["functionArn"], "arn:aws:lambda:us-east-1:000000000000:function:Keeper");
        assert_eq!(failure["responseContext"]["functionError"], "Unhandled");
        let batch = &failure["KinesisBatchInfo"];
        assert_eq!((&batch["shardId"], &batch["batchSize"]), (&Value::from(shard.clone()), &Value::from(2)));
        let event: Value = serde_json::from_str(failure["payload"].as_str().unwrap()).unwrap();
        assert_eq!(event["Records"][0]["kinesis"]["sequenceNumber"], batch["startSequenceNumber"]);
        assert_eq!(event["Records"][1]["kinesis"]["sequenceNumber"], batch["endSequenceNumber"]);
        assert_eq!(event["Records"][0]["eventSourceARN"], batch["streamArn"]);
        let id = context["requestId"].as_str().unwrap();
        assert!(running.printed().find(&format!("START RequestId: {id}")).is_some(), "{}", running.printed());
    }
    running.wait_for_line(" attempts=").await;
}

#[tokio::test]
async fn a_destination_that_does_not_work_is_named_at_start_and_what_it_does_not_take_is_dropped_loudly() {
    let site = Site::new(&template("", TO_A_FILE));
    site.behave("error");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..2).await;
    let running = site.start(&server).await;
    let warning = running.wait_for_line("the on-failure destination is not usable").await;
    assert!(warning.contains("its folder does not exist: create it"), "{warning}");
    running.wait_for_line("ERROR").await;
    site.behave("succeed");
    server.put_numbers("a", 2..4).await;
    let journal = site.journal();
    until(&running, "the shard goes on", || journal.records_ended() >= 2).await;
    assert_eq!(data(&journal.ended()), ["2", "3"]);
}
