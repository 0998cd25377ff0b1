//! Processes from their start to their end, when all goes well.

use super::bench::{Bench, FAMILY, HANDLER, event, eventually, function, gone, hasty_function, is_alive};
use pelton::lambda::Code;
use pelton::ports::Invoker as _;
use pelton_core::{Batch, Envelope, Outcome, Position, Record, Timestamp};
use pelton_model::Function;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

fn pid(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

#[tokio::test]
async fn a_warm_process_is_used_again() {
    let bench = Bench::of(function());
    let first = bench.pid().await;
    for _ in 0..10 {
        assert_eq!(bench.pid().await, first);
    }
    assert_eq!(bench.function.processes(), 1);
    bench.function.shutdown().await;
    assert!(!is_alive(pid(&first)));
}

#[tokio::test]
async fn there_is_one_process_for_each_batch_in_flight() {
    let bench = Bench::of(function());
    for _ in 0..3 {
        bench.invoke_in_background(json!({"do": "leave_children_and_hang"}));
    }
    bench.lines.pids(3 * FAMILY).await;
    assert_eq!(bench.function.processes(), 3);
    bench.function.shutdown().await;
    assert_eq!(bench.function.processes(), 0);
}

#[tokio::test]
async fn at_reserved_concurrency_batches_wait_for_one_another() {
    let bench = Bench::of(Function { reserved_concurrency: Some(2), ..function() });
    let batches: Vec<_> = (0..20).map(|_| bench.invoke_in_background(json!({"do": "tell_pid"}))).collect();
    let mut processes = BTreeSet::new();
    for batch in batches {
        let outcome = batch.await.unwrap();
        let Outcome::Succeeded { payload } = outcome else { panic!("{outcome:?}") };
        processes.insert(payload);
        assert!(bench.function.processes() <= 2);
    }
    assert!(processes.len() <= 2, "{processes:?}");
    bench.function.shutdown().await;
}

#[tokio::test]
async fn reserved_concurrency_zero_throttles() {
    let bench = Bench::of(Function { reserved_concurrency: Some(0), ..function() });
    assert_eq!(bench.invoke(json!({})).await, Outcome::Throttled);
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_invocation_that_is_dropped_ends_its_process() {
    let bench = Bench::of(function());
    let invocation = bench.invoke_in_background(json!({"do": "leave_children_and_hang"}));
    let pids = bench.lines.family().await;
    invocation.abort();
    gone(&pids).await;
    eventually("the process is forgotten", || bench.function.processes() == 0).await;
    bench.pid().await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_exit_after_the_answer_fails_nothing() {
    let bench = Bench::of(function());
    for _ in 0..20 {
        assert_eq!(bench.answer(json!({"do": "answer_and_exit"})).await, "last");
    }
    bench.function.shutdown().await;
}

#[tokio::test]
async fn replaced_code_runs_from_the_next_invocation_on() {
    let bench = Bench::of(function());
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("bootstrap");
    std::fs::copy(HANDLER, &copy).unwrap();
    let before = bench.pid().await;
    bench.function.replace_code(Code { bootstrap: copy, folder: folder.path().canonicalize().unwrap() });
    let environment = bench.answer(json!({"do": "tell_environment"})).await;
    assert_eq!(PathBuf::from(environment["folder"].as_str().unwrap()), folder.path().canonicalize().unwrap());
    gone(&[pid(&before)]).await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn a_streaming_response_is_a_response() {
    let bench = Bench::of(function());
    assert_eq!(bench.answer(json!({"do": "stream"})).await, "one two three");
    eventually("it is accepted", || bench.lines.has("status 202")).await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn there_is_no_snapshot_to_restore() {
    let bench = Bench::of(function());
    assert_eq!(bench.answer(json!({"do": "ask_for_restore"})).await, json!([404, 404, 404]));
    bench.function.shutdown().await;
}

#[tokio::test]
async fn the_handler_gets_every_byte_of_a_batch_of_6_mb() {
    let bench = Bench::of(function());
    let first = r#"{"do":"tell_pid"}"#;
    let page = format!(r#"{first},"{}""#, "x".repeat(6 * 1024 * 1024 - 100)).into_bytes();
    let length = page.len();
    let page = bytes::Bytes::from(page);
    let record = |range| Record::new(Position::new("1"), Timestamp::default(), page.clone(), range);
    let records = vec![record(0..first.len()), record(first.len() + 1..length), record(0..first.len())];
    let batch = Arc::new(Batch::new(records, Envelope::new("[", "]")));
    let outcome = bench.function.invoke(batch).await.outcome;
    assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_invocation_has_the_headers_that_runtimes_need() {
    let bench = Bench::of(hasty_function());
    let headers = bench.answer(json!({"do": "tell_headers"})).await;
    let again = bench.answer(json!({"do": "tell_headers"})).await;
    let text =
        |name: &str| headers[name].as_str().unwrap_or_else(|| panic!("{name} in {headers}")).to_owned();
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:orders";
    assert_eq!(text("lambda-runtime-invoked-function-arn"), arn);
    assert_eq!(text("content-type"), "application/json");
    assert_eq!(text("lambda-runtime-aws-request-id").len(), 36);
    assert_ne!(headers["lambda-runtime-invocation-id"], again["lambda-runtime-invocation-id"]);
    let trace = text("lambda-runtime-trace-id");
    assert!(trace.starts_with("Root=1-") && trace.ends_with(";Sampled=0"), "{trace}");
    let deadline: u64 = text("lambda-runtime-deadline-ms").parse().unwrap();
    let later: u64 = again["lambda-runtime-deadline-ms"].as_str().unwrap().parse().unwrap();
    assert!(deadline > 1_700_000_000_000 && later >= deadline, "{deadline} {later}");
    bench.function.shutdown().await;
}

#[tokio::test]
async fn a_handler_runs_in_its_code_folder_with_the_variables_of_lambda_and_of_the_template() {
    let own = BTreeMap::from([("TABLE".to_owned(), "orders.db".to_owned())]);
    let bench = Bench::of(Function { environment: own, ..function() });
    let seen = bench.answer(json!({"do": "tell_environment"})).await;
    assert_eq!(seen["variables"]["LAMBDA_TASK_ROOT"], seen["folder"]);
    assert_eq!(seen["variables"]["TABLE"], "orders.db");
    assert_eq!(seen["variables"]["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
    assert_eq!(seen["variables"]["CARGO_MANIFEST_DIR"], Value::Null, "nothing else is inherited");
    bench.function.shutdown().await;
}

#[tokio::test]
async fn a_handler_begins_with_the_signals_and_descriptors_that_any_program_expects() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("bootstrap");
    // The shell reads its own mask: while it starts another program, such as grep, it may block every signal.
    let tell = "#!/bin/sh\nulimit -n\nwhile read -r line; do echo \"$line\"; done </proc/$$/status\n";
    std::fs::write(&script, tell).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bench = Bench::with_bootstrap(function(), &script);
    bench.invoke(json!({})).await;
    bench.function.shutdown().await;
    let lines = bench.lines.all();
    let signals = |which: &str| {
        let mask = lines.iter().find_map(|line| Some(line.strip_prefix(which)?.trim()));
        u64::from_str_radix(mask.unwrap_or_else(|| panic!("{which} in {lines:?}")), 16).unwrap()
    };
    assert!(bench.lines.has("1024"), "{lines:?}");
    assert_eq!(signals("SigBlk:"), 0);
    assert_eq!(signals("SigIgn:") & 1 << (Signal::PIPE.as_raw() - 1), 0, "SIGPIPE is not ignored");
}

#[tokio::test]
async fn a_function_that_was_shut_down_takes_no_more_and_answers_what_it_had() {
    let bench = Bench::of(Function { reserved_concurrency: Some(1), ..function() });
    let running = bench.invoke_in_background(json!({"do": "leave_children_and_hang"}));
    bench.lines.family().await;
    let waiting = bench.invoke_in_background(json!({}));
    bench.function.shutdown().await;
    let stopped = Outcome::NotInvoked { reason: "the function was stopped".to_owned() };
    assert_eq!(running.await.unwrap(), stopped);
    assert_eq!(waiting.await.unwrap(), stopped);
    assert_eq!(bench.function.invoke(event(&json!({}))).await.outcome, stopped);
}
