//! Each way to fail, its error as AWS tells it, and that the next invocation works.

use super::bench::{Bench, eventually, function, function_with_init, hasty_function};
use pelton_core::Outcome;
use pelton_model::Function;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

#[tokio::test]
async fn a_handler_that_takes_too_long_is_killed_and_the_next_one_is_fresh() {
    let bench = Bench::of(hasty_function());
    let before = bench.pid().await;
    let outcome = bench.invoke(json!({"do": "hang"})).await;
    let message = "RequestId: {id} Error: Task timed out after 0.50 seconds";
    Bench::check_failure(&outcome, "Sandbox.Timedout", message);
    assert_ne!(bench.pid().await, before);
    bench.function.shutdown().await;
}

#[tokio::test]
async fn a_handler_that_exits_in_mid_invocation_fails_it() {
    let bench = Bench::of(function());
    let exited = |reason: &str| format!("RequestId: {{id}} Error: Runtime exited {reason}");
    for (order, message) in [
        (json!({"do": "exit"}), exited("without providing a reason")),
        (json!({"do": "exit", "status": 127}), exited("with error: exit status 127")),
        (json!({"do": "abort"}), exited("with error: signal: aborted")),
    ] {
        Bench::check_failure(&bench.invoke(order).await, "Runtime.ExitError", &message);
        bench.pid().await;
    }
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_error_of_the_handler_is_passed_on_and_the_process_stays() {
    let bench = Bench::of(function());
    let before = bench.pid().await;
    Bench::check_failure(&bench.invoke(json!({"do": "error"})).await, "Exception", "Handler fails");
    assert_eq!(bench.pid().await, before);
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_init_error_fails_the_invocation_that_it_was_for() {
    let bench = Bench::of(function_with_init("error"));
    for _ in 0..2 {
        Bench::check_failure(&bench.invoke(json!({})).await, "Init.Broken", "no database");
    }
    eventually("init is reported", || {
        bench.lines.all().iter().any(|line| {
            line.starts_with("INIT_REPORT Init Duration: ")
                && line.ends_with("\tPhase: init\tStatus: error\tError Type: Init.Broken")
        })
    })
    .await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_exit_during_init_fails_the_invocation_that_it_was_for() {
    let bench = Bench::of(function_with_init("exit"));
    let message = "RequestId: {id} Error: Runtime exited with error: exit status 7";
    for _ in 0..2 {
        Bench::check_failure(&bench.invoke(json!({})).await, "Runtime.ExitError", message);
    }
    bench.function.shutdown().await;
}

#[tokio::test]
async fn a_handler_that_never_asks_for_an_invocation_is_killed_after_init_and_timeout() {
    let bench = Bench::of(function_with_init("hang"));
    let outcome = bench.invoke(json!({})).await;
    let message = "RequestId: {id} Error: Task timed out after 0.50 seconds";
    Bench::check_failure(&outcome, "Sandbox.Timedout", message);
    eventually("init is reported", || {
        bench.lines.all().iter().any(|line| line.ends_with("\tPhase: init\tStatus: timeout"))
    })
    .await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_answer_of_7_mb_is_refused_and_the_process_stays() {
    let bench = Bench::of(function());
    let before = bench.pid().await;
    let outcome = bench.invoke(json!({"do": "answer_too_large"})).await;
    let message = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    Bench::check_failure(&outcome, "Function.ResponseSizeTooLarge", message);
    assert_eq!(bench.pid().await, before);
    eventually("the handler reads the refusal", || bench.lines.has("status 413")).await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn of_an_error_of_20_mb_the_type_and_the_beginning_count() {
    let bench = Bench::of(function());
    let outcome = bench.invoke(json!({"do": "error_too_large"})).await;
    let Outcome::FunctionFailed { error_type, message } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error_type, "Verbose");
    assert!(message.starts_with(r#"{"errorMessage":"xxx"#), "{message}");
    assert!(message.len() < 10_000, "{} bytes", message.len());
    eventually("the handler reads the refusal", || bench.lines.has("status 413")).await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn connections_too_many_are_refused_and_those_before_go_on() {
    let bench = Bench::of(function());
    let refused = bench.answer(json!({"do": "connect_often"})).await;
    assert_eq!(refused["status"], 503);
    assert_eq!(bench.function.processes(), 1);
    bench.pid().await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_answer_for_another_request_is_refused_and_the_right_one_still_counts() {
    let bench = Bench::of(function());
    let seen = bench.answer(json!({"do": "answer_for_another"})).await;
    assert_eq!(seen["status"], 400);
    assert_eq!(seen["body"]["errorType"], "InvalidRequestID");
    bench.function.shutdown().await;
}

#[tokio::test]
async fn an_answer_of_another_attempt_is_refused_and_the_right_one_still_counts() {
    let bench = Bench::of(function());
    let seen = bench.answer(json!({"do": "answer_another_attempt"})).await;
    assert_eq!(seen["status"], 400);
    assert_eq!(seen["body"]["errorType"], "InvalidInvocationId");
    assert_eq!(bench.answer(json!({"do": "echo_the_attempt"})).await, "echoed");
    bench.function.shutdown().await;
}

#[tokio::test]
async fn asking_for_the_next_invocation_without_having_answered_fails_this_one() {
    let bench = Bench::of(function());
    let before = bench.pid().await;
    let outcome = bench.invoke(json!({"do": "ask_twice"})).await;
    let message =
        "RequestId: {id} Error: Runtime asked for the next invocation without having answered this one";
    Bench::check_failure(&outcome, "Runtime.InvalidStateTransition", message);
    assert_ne!(bench.pid().await, before);
    bench.function.shutdown().await;
}

#[tokio::test]
async fn a_response_that_breaks_off_fails_the_invocation() {
    let bench = Bench::of(function());
    let before = bench.pid().await;
    let outcome = bench.invoke(json!({"do": "break_off"})).await;
    Bench::check_failure(&outcome, "Runtime.TruncatedResponse", "Response payload broke off before its end.");
    assert_eq!(bench.pid().await, before);
    bench.function.shutdown().await;
}

#[tokio::test]
async fn a_streaming_response_that_ends_with_an_error_is_that_error() {
    let bench = Bench::of(function());
    let outcome = bench.invoke(json!({"do": "stream_an_error"})).await;
    Bench::check_failure(&outcome, "Midstream", "out of ink");
    bench.function.shutdown().await;
}

#[tokio::test]
async fn code_that_cannot_run_is_no_failure_of_the_function() {
    let folder = tempfile::tempdir().unwrap();
    let bootstrap = folder.path().join("bootstrap");
    let path = bootstrap.display().to_string();
    let bench = Bench::with_bootstrap(function(), &bootstrap);
    let check = async |reason: String| {
        assert_eq!(bench.invoke(json!({})).await, Outcome::NotInvoked { reason });
    };
    check(format!("there is no {path}: build the function")).await;

    std::fs::write(&bootstrap, "neither a program nor a script").unwrap();
    check(format!("{path} is not executable: `chmod +x` it, or build the function")).await;

    std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755)).unwrap();
    let defect = "it is neither a program of this system nor a script that begins with `#!`";
    check(format!("{path} cannot be executed: {defect}")).await;

    std::fs::write(&bootstrap, "#!/no/such/interpreter\n").unwrap();
    let defect = "the program that its first line names does not exist";
    check(format!("{path} cannot be executed: {defect}")).await;

    // Its interpreter is there, but is none.
    std::fs::write(&bootstrap, "#!/etc/passwd\n").unwrap();
    check(format!("{path} cannot be executed: the system refuses; its output says why")).await;
    eventually("its output says why", || {
        bench.lines.has(&format!("{path} cannot be executed: Permission denied (os error 13)"))
    })
    .await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn what_is_no_program_is_never_handed_to_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let (bootstrap, proof) = (folder.path().join("bootstrap"), folder.path().join("proof"));
    let script = format!("touch {}\n", proof.display());
    let foreign = b"\x7fELF\x02\x01\x01\n\n\n\n\n\n\n\n\n\x02\x00\xff\xff\n";
    let no_machine = b"\x7fELF\n";
    let bench = Bench::with_bootstrap(function(), &bootstrap);
    for header in [b"".as_slice(), foreign, no_machine] {
        std::fs::write(&bootstrap, [header, script.as_bytes()].concat()).unwrap();
        std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(0o755)).unwrap();
        let outcome = bench.invoke(json!({})).await;
        assert!(
            matches!(&outcome, Outcome::NotInvoked { reason } if reason.contains("cannot be executed")),
            "{outcome:?}"
        );
        assert!(!proof.exists(), "a shell ran it: {header:?}");
    }
    bench.function.shutdown().await;
}

/// Every order, and how it ends: `None` is success.
const ORDERS: [(&str, Option<&str>); 7] = [
    ("tell_pid", None),
    ("print", None),
    ("answer_and_exit", None),
    ("error", Some("Exception")),
    ("exit", Some("Runtime.ExitError")),
    ("abort", Some("Runtime.ExitError")),
    ("ask_twice", Some("Runtime.InvalidStateTransition")),
];

#[tokio::test(flavor = "multi_thread")]
async fn in_a_crowd_of_failures_each_invocation_has_its_own_outcome() {
    const LANES: usize = 6;
    const ROUNDS: usize = 40;
    let bench = Arc::new(Bench::of(Function { reserved_concurrency: Some(4), ..function() }));
    let lanes = (0..LANES).map(|lane| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let (order, error) = ORDERS[(lane * 5 + round * 3) % ORDERS.len()];
                let failed = match bench.invoke(json!({"do": order})).await {
                    Outcome::Succeeded { .. } => None,
                    Outcome::FunctionFailed { error_type, .. } => Some(error_type),
                    Outcome::Throttled | Outcome::NotInvoked { .. } => Some("not invoked".to_owned()),
                };
                assert_eq!(failed.as_deref(), error, "{order}");
                assert!(bench.function.processes() <= 4);
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        lane.await.unwrap();
    }
    bench.function.shutdown().await;
    assert_eq!(bench.function.processes(), 0);
}
