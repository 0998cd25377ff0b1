//! What is seen of a function: its handler's lines, and Lambda's own around them.

use super::bench::{Bench, eventually, function, function_with_init};
use pelton::lambda::LINES_PER_SECOND_MAX;
use pelton_model::Function;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_lines_of_a_handler_are_shown_in_the_order_in_which_it_wrote_them() {
    let bench = Bench::of(function());
    bench.answer(json!({"do": "print"})).await;
    eventually("both lines are shown", || bench.lines.has("to standard error")).await;
    let lines: Vec<String> =
        bench.lines.all().into_iter().filter(|line| line.starts_with("to standard")).collect();
    assert_eq!(lines, ["to standard output", "to standard error"]);
    bench.function.shutdown().await;
}

#[tokio::test]
async fn a_flood_of_output_neither_holds_up_the_handler_nor_is_kept() {
    let bench = Bench::of(function());
    let lines = 500_000;
    assert_eq!(bench.answer(json!({"do": "flood", "lines": lines})).await, "flooded");
    bench.function.shutdown().await;
    let shown = bench.lines.all();
    assert!(shown.len() < lines, "{} lines", shown.len());
    assert!(shown.len() > LINES_PER_SECOND_MAX as usize, "{} lines", shown.len());
    assert!(shown.iter().any(|line| line.contains("bytes left out")));
}

#[tokio::test]
async fn each_invocation_has_its_start_end_and_report() {
    // On a busy machine, also the end of a process takes its time.
    let bench = Bench::of(Function { timeout: Duration::from_secs(3), ..function() });
    bench.pid().await;
    bench.pid().await;
    bench.invoke(json!({"do": "exit", "status": 3})).await;
    bench.pid().await;
    bench.invoke(json!({"do": "hang"})).await;
    bench.function.shutdown().await;
    let lines = bench.lines.all();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(kinds, ["START", "END", "REPORT"].repeat(5));
    let reports: Vec<&String> = lines.iter().filter(|line| line.starts_with("REPORT")).collect();
    let has = |report: usize, field: &str| reports[report].contains(field);
    assert!(has(0, "\tMemory Size: 256 MB\tMax Memory Used: "), "{reports:?}");
    assert!(has(0, "\tInit Duration: ") && !has(1, "Init Duration"), "{reports:?}");
    assert!(has(2, "\tStatus: error\tError Type: Runtime.ExitError"), "{reports:?}");
    assert!(has(3, "\tInit Duration: ") && !has(3, "Status"), "{reports:?}");
    assert!(has(4, "\tStatus: timeout") && has(4, "Max Memory Used"), "{reports:?}");
}

/// The lines between START and END of each invocation are its own, and there are no others.
#[track_caller]
fn check_each_line_is_within_its_invocation(lines: &[String]) {
    let mut running: Option<&str> = None;
    for line in lines {
        let id = line.rsplit(' ').next().unwrap();
        match line.split(' ').next().unwrap() {
            "START" => running = line.split(' ').nth(2),
            "END" => assert_eq!(running.take(), Some(id), "{lines:#?}"),
            "REPORT" => assert_eq!(running, None, "{lines:#?}"),
            _ => assert_eq!(running, Some(id), "{line}: {lines:#?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_writes_stands_between_the_start_and_the_end_of_its_invocation() {
    let bench = Bench::of(function());
    for number in 0..100 {
        bench.answer(json!({"do": "print_its_id", "lines": number % 5})).await;
    }
    bench.function.shutdown().await;
    let lines = bench.lines.all();
    assert_eq!(lines.iter().filter(|line| line.starts_with("the last line of ")).count(), 100);
    check_each_line_is_within_its_invocation(&lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_writes_before_its_first_invocation_stands_before_the_start_of_that() {
    for _ in 0..10 {
        let bench = Bench::of(function_with_init("print"));
        bench.answer(json!({"do": "tell_pid"})).await;
        bench.function.shutdown().await;
        let lines = bench.lines.all();
        assert_eq!(lines[0], "before the first invocation", "{lines:?}");
        assert_eq!(lines.len(), 4, "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_writes_until_it_is_killed_stands_before_the_end_of_its_invocation() {
    let bench = Bench::of(Function { timeout: Duration::from_millis(500), ..function() });
    let outcome = bench.invoke(json!({"do": "print_its_id_for_ever"})).await;
    Bench::check_failure(
        &outcome,
        "Sandbox.Timedout",
        "RequestId: {id} Error: Task timed out after 0.50 seconds",
    );
    bench.function.shutdown().await;
    let lines = bench.lines.all();
    let last = lines.last().unwrap();
    assert!(last.starts_with("REPORT ") && last.ends_with("\tStatus: timeout"), "{last}");
    assert!(last.contains("\tMax Memory Used: "), "{last}");
    assert!(lines[lines.len() - 2].starts_with("END "), "{:?}", &lines[lines.len() - 2..]);
    let printed = lines.iter().filter(|line| line.starts_with("line ")).count();
    assert!(printed > LINES_PER_SECOND_MAX as usize / 2, "{printed}");
}
