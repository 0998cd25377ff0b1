//! The harness itself, driven against small shell programs: what it says of a program is true.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod dynamodb_streams;
mod fault_proxy;

use pelton_tests::{Program, Running, Signal, binary, http, install_handler, wait};
use tempfile::TempDir;

fn shell(script: &str) -> Program {
    Program::new("/bin/sh").args(["-c", script])
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

/// Starts a program that says `ready` when it is.
async fn start_ready(script: &str, folder: &TempDir) -> Running {
    let running = shell(script).start(folder);
    running.wait_for_line("ready").await;
    running
}

#[tokio::test]
async fn a_program_runs_in_its_folder_with_its_environment() {
    let folder = folder();
    let exit = shell("pwd; echo $COLOR >&2; exit 3").env("COLOR", "blue").run(&folder).await;
    exit.assert_code(3).assert_printed("blue");
    assert_eq!(exit.printed.stdout(), [folder.path().canonicalize().unwrap().to_str().unwrap()]);
    assert_eq!(exit.printed.stderr(), ["blue"]);
    let exit = shell("echo ${HOME-none}").without_env("HOME").run(&folder).await;
    assert_eq!(exit.printed.stdout(), ["none"]);
}

#[tokio::test]
async fn a_program_reads_its_input() {
    let exit = Program::new("/bin/cat").input("one\ntwo\n").run(&folder()).await;
    assert_eq!(exit.printed.stdout(), ["one", "two"]);
}

#[tokio::test]
async fn everything_that_was_printed_before_the_end_is_there() {
    let exit = shell("seq 1 20000").run(&folder()).await;
    assert_eq!(exit.printed.stdout().len(), 20_000);
}

#[tokio::test]
async fn a_signal_reaches_the_program() {
    let folder = folder();
    let mut running =
        start_ready("trap 'echo caught; exit 0' TERM; echo ready; while :; do sleep 0.01; done", &folder)
            .await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0).assert_printed("caught");
}

#[tokio::test]
async fn a_program_that_is_killed_has_no_exit_code() {
    let folder = folder();
    let mut running = start_ready("echo ready; exec sleep 600", &folder).await;
    running.signal(Signal::KILL);
    assert_eq!(running.wait_for_exit().await.status.code(), None);
    running.assert_no_survivors().await;
}

#[tokio::test]
async fn a_child_that_outlives_the_program_is_found_by_its_folder_its_mark_or_what_it_was_told() {
    for script in [
        "env -i sleep 600 & echo ready",
        "cd / && exec sleep 600 & echo ready",
        "FILE=$PWD/file; cd / && exec env -i FILE=$FILE sleep 600 & echo ready",
    ] {
        let folder = folder();
        let mut running = start_ready(script, &folder).await;
        running.wait_for_exit().await.assert_code(0);
        wait::until("the child has become `sleep`", async || {
            let survivors = running.survivors();
            (survivors.len() == 1 && survivors[0].command == "sleep 600").then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn dropping_a_program_ends_it_and_its_children() {
    let folder = folder();
    let running = start_ready("sleep 600 & echo ready; wait", &folder).await;
    drop(running);
    // A second program in the same folder sees whoever is left there.
    let mut other = shell("exit 0").start(&folder);
    other.wait_for_exit().await;
    other.assert_no_survivors().await;
}

#[tokio::test]
async fn the_programs_of_the_workspace_are_found() {
    let folder = folder();
    let code = folder.path().join("function");
    install_handler(&binary("order-ledger"), &code);
    assert!(code.join("bootstrap").exists());
    assert!(binary("pelton").exists());
}

#[tokio::test]
async fn a_server_answers_a_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let routes = axum::Router::new().route("/hello", axum::routing::get(async || "hello"));
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let answer = http::get(&address, "/hello").await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"hello"[..]));
    server.abort();
    assert!(server.await.is_err(), "an aborted server has no result");
    assert!(http::get(&address, "/hello").await.is_err());
}
