//! Nothing that a handler started outlives it, and nothing outlives Pelton.

use super::bench::{Bench, FAMILY, HANDLER, HOST, function, gone, hasty_function, is_alive};
use pelton_core::Outcome;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

#[tokio::test]
async fn a_timeout_ends_the_children_too() {
    let bench = Bench::of(hasty_function());
    let outcome = bench.invoke(json!({"do": "leave_children_and_hang"})).await;
    assert!(matches!(outcome, Outcome::FunctionFailed { .. }), "{outcome:?}");
    gone(&bench.lines.family().await).await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn children_of_a_handler_that_exits_by_itself_end_with_it() {
    let bench = Bench::of(function());
    let outcome = bench.invoke(json!({"do": "leave_children_and_exit"})).await;
    assert!(matches!(outcome, Outcome::FunctionFailed { .. }), "{outcome:?}");
    gone(&bench.lines.family().await).await;
    bench.function.shutdown().await;
}

#[tokio::test]
async fn children_may_live_as_long_as_the_process_and_a_shutdown_ends_them() {
    let bench = Bench::of(function());
    bench.answer(json!({"do": "leave_children"})).await;
    let pids = bench.lines.family().await;
    bench.pid().await;
    assert!(pids.iter().copied().all(is_alive));
    bench.function.shutdown().await;
    gone(&pids).await;
}

#[tokio::test]
async fn children_of_one_handler_do_not_end_with_another() {
    let bench = Bench::of(function());
    let first = bench.invoke_in_background(json!({"do": "leave_children_and_hang"}));
    let pids = bench.lines.family().await;
    let outcome = bench.invoke(json!({"do": "exit"})).await;
    assert!(matches!(outcome, Outcome::FunctionFailed { .. }), "{outcome:?}");
    assert!(pids.iter().copied().all(is_alive));
    bench.function.shutdown().await;
    gone(&pids).await;
    first.await.unwrap();
}

#[tokio::test]
async fn dropping_a_function_ends_its_processes() {
    let bench = Bench::of(function());
    bench.answer(json!({"do": "leave_children"})).await;
    let pids = bench.lines.family().await;
    drop(bench);
    gone(&pids).await;
}

#[tokio::test]
async fn a_kill_9_of_pelton_leaves_nothing() {
    let (mut pelton, pids) = pelton_with_a_running_handler();
    let keeper = keeper_of(&pelton);
    pelton.kill().unwrap();
    pelton.wait().unwrap();
    gone(&pids).await;
    gone(&[keeper]).await;
}

#[tokio::test]
async fn a_kill_9_of_the_keeper_ends_the_handler_and_its_group() {
    let (mut pelton, pids) = pelton_with_a_running_handler();
    kill(keeper_of(&pelton));
    let [group @ .., daemon] = pids.as_slice() else { panic!("{pids:?}") };
    gone(group).await;
    assert!(!pelton.wait().unwrap().success(), "the invocation is over");
    kill(*daemon);
}

#[tokio::test]
async fn a_handler_dies_also_if_pelton_and_the_keeper_are_killed_at_once() {
    let (mut pelton, pids) = pelton_with_a_running_handler();
    let keeper = keeper_of(&pelton);
    stop(keeper);
    pelton.kill().unwrap();
    pelton.wait().unwrap();
    kill(keeper);
    let [handler, children @ ..] = pids.as_slice() else { panic!("{pids:?}") };
    gone(&[*handler]).await;
    for child in children {
        kill(*child);
    }
    gone(children).await;
}

#[test]
fn a_process_whose_keeper_is_gone_does_not_become_the_handler() {
    let folder = tempfile::tempdir().unwrap();
    let (handler, proof) = (folder.path().join("bootstrap"), folder.path().join("proof"));
    std::fs::write(&handler, format!("#!/bin/sh\ntouch {}\n", proof.display())).unwrap();
    std::fs::set_permissions(&handler, std::fs::Permissions::from_mode(0o755)).unwrap();
    let begin = |keeper: u32| {
        let mut begun = Command::new(HOST);
        begun.args(["__handler", "--parent", &keeper.to_string(), "--"]).arg(&handler);
        assert!(begun.status().unwrap().code().is_some());
        proof.exists()
    };
    assert!(!begin(1), "its parent is another");
    assert!(begin(std::process::id()));
}

/// A process that runs a handler, and the handler's number and those of what it left.
fn pelton_with_a_running_handler() -> (Child, Vec<u32>) {
    let mut pelton = Command::new(HOST).arg(HANDLER).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(pelton.stdout.take().unwrap()).lines().map_while(Result::ok);
    let pids: Vec<u32> =
        lines.filter_map(|line| line.strip_prefix("pid ")?.parse().ok()).take(FAMILY).collect();
    assert!(pids.len() == FAMILY && pids.iter().copied().all(is_alive), "{pids:?}");
    (pelton, pids)
}

/// The only child of Pelton.
fn keeper_of(pelton: &Child) -> u32 {
    let children = children_of(pelton.id());
    assert_eq!(children.len(), 1, "there is one keeper");
    children[0]
}

fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

fn stop(pid: u32) {
    signal(pid, Signal::STOP);
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.unwrap().file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        let its_parent: u32 = fields.split(' ').nth(1)?.parse().ok()?;
        (its_parent == parent).then_some(pid)
    });
    processes.collect()
}
