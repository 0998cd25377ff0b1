//! BisectBatchOnFunctionError: one poison record is found in its batch, and the rest succeeds (specification 4.2).

use pelton_tests::journal::Batch;
use pelton_tests::site::{Site, StreamServer, TO_A_FILE, template, until};

/// Eight records, one of which makes its whole batch fail.
const RECORDS: [&str; 8] = ["0", "1", "2", "3", "4", "5 error", "6", "7"];

#[tokio::test]
async fn one_poison_record_of_eight_is_found_halves_in_order_and_the_rest_succeeds() {
    let site = Site::new(&template(
        "",
        &format!(
            "BatchSize: 8
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 1
            {TO_A_FILE}"
        ),
    ));
    site.behave("obey");
    let server = StreamServer::start(&["orders"]).await;
    let places = server.put_texts("a", RECORDS).await;
    let running = site.start(&server).await;
    let journal = site.journal();
    until(&running, "all but one are done with", || journal.records_ended() >= 7).await;

    let began = journal.began();
    let batches: Vec<Vec<&str>> = began.iter().map(Batch::data).collect();
    let [all, poison] = [&RECORDS[..], &RECORDS[5..6]];
    let expected =
        [all, &RECORDS[..4], &RECORDS[4..], &RECORDS[4..6], &RECORDS[4..5], poison, poison, &RECORDS[6..]];
    assert_eq!(batches, expected);
    let [failure] = &site.given_up()[..] else { panic!("{:?}", site.given_up()) };
    assert_eq!(failure["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(failure["requestContext"]["approximateInvokeCount"], 2, "splitting does not count as a retry");
    assert_eq!(failure["responseContext"]["functionError"], "Unhandled");
    assert_eq!(failure["KinesisBatchInfo"]["batchSize"], 1);
    assert_eq!(failure["KinesisBatchInfo"]["startSequenceNumber"], places[5].sequence_number);
    assert_eq!(failure["KinesisBatchInfo"]["endSequenceNumber"], places[5].sequence_number);
}
