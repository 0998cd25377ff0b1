//! Tumbling windows: the state goes from invocation to invocation, and into the final one (specification 5).
//!
//! The function's state names each record that it has seen. So the states of the final invocations tell every record, and
//! each once, also where batches were repeated.

use pelton_tests::Signal;
use pelton_tests::journal::Window;
use pelton_tests::site::{Site, StreamServer, template, until};

/// A function that obeys, with one record an invocation.
fn site(window_seconds: usize) -> Site {
    let site = Site::new(&template(
        "",
        &format!("BatchSize: 1\n            TumblingWindowInSeconds: {window_seconds}"),
    ));
    site.behave("obey");
    site
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// All records that the windows have seen, in order.
fn seen(windows: &[Window]) -> Vec<&str> {
    windows.iter().flat_map(|window| &window.seen).map(String::as_str).collect()
}

#[tokio::test]
async fn states_add_up_and_the_final_invocation_comes_also_when_nothing_new_arrives() {
    let site = site(1);
    let server = StreamServer::start(&["orders"]).await;
    let running = site.start(&server).await;
    let journal = site.journal();
    server.put_numbers("a", 0..10).await;
    until(&running, "the first windows are over", || seen(&journal.windows()).len() >= 10).await;
    server.put_numbers("a", 10..20).await;
    until(&running, "all windows are over", || seen(&journal.windows()).len() >= 20).await;

    let windows = journal.windows();
    assert_eq!(seen(&windows), numbers(0..20));
    assert!(windows.windows(2).all(|pair| pair[0].start < pair[1].start), "each ends once: {windows:?}");
    assert!(windows.iter().all(|window| !window.seen.is_empty()), "none without a record: {windows:?}");
}

#[tokio::test]
async fn a_kill_9_in_the_middle_of_a_window_neither_loses_nor_repeats_anything_in_its_state() {
    // Long enough that all of it happens in one window or two.
    let site = site(5);
    let server = StreamServer::start(&["orders"]).await;
    let journal = site.journal();
    server.put_numbers("a", 0..30).await;
    for kills in 1..=3 {
        let mut running = site.start(&server).await;
        until(&running, "some records are in the state", || journal.records_ended() >= kills * 5).await;
        running.signal(Signal::KILL);
        running.wait_for_exit().await;
        running.assert_no_survivors().await;
    }
    let running = site.start(&server).await;
    until(&running, "the windows are over", || seen(&journal.windows()).len() >= 30).await;
    assert_eq!(seen(&journal.windows()), numbers(0..30));
}

#[tokio::test]
async fn what_a_batch_inside_a_window_reports_is_in_no_state_before_it_succeeds() {
    let mapping = "BatchSize: 10
            TumblingWindowInSeconds: 2
            MaximumRetryAttempts: 1
            FunctionResponseTypes: [ReportBatchItemFailures]";
    let site = Site::new(&template("", mapping));
    site.behave("obey");
    let server = StreamServer::start(&["orders"]).await;
    server.put_texts("a", ["0", "1", "2 report", "3", "4"]).await;
    let running = site.start(&server).await;
    let journal = site.journal();
    until(&running, "the window is over", || !journal.windows().is_empty()).await;
    assert_eq!(seen(&journal.windows()), ["0", "1"], "what was given up left the state as it was");
}
