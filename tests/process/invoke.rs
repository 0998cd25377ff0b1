//! `pelton invoke`: runs a function once.

use crate::dev::with_cargo;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use pelton_tests::site::{POLLING, Site, StreamServer, pelton, run_to_end, template};
use pelton_tests::{Exit, Program, Signal};
use serde_json::json;

const SUCCESS: &str = r#"[{"do":"print","n":1.0}]"#;

fn site(function: &str) -> Site {
    Site::new(&template(function, ""))
}

fn invoke(arguments: &[&str]) -> Program {
    pelton(["invoke"]).args(arguments)
}

/// With this event on standard input.
async fn invoked(site: &Site, event: &str) -> Exit {
    invoke(&["Keeper", "--event", "-"]).input(event).run(&site.folder).await
}

#[tokio::test]
async fn the_answer_is_printed_on_stdout_and_the_log_and_the_report_on_stderr() {
    let site = site("FunctionName: keeper");
    let exit = invoked(&site, SUCCESS).await;
    assert_eq!(exit.assert_code(0).printed.stdout(), [r#""printed""#]);
    for line in ["START RequestId: ", "to standard output", "to standard error", "REPORT RequestId: "] {
        exit.assert_printed(&format!("keeper | {line}"));
    }
    site.write("event.json", r#"[{"do":"print"}]"#);
    // By its FunctionName, from a file.
    invoke(&["keeper", "--event", "event.json"]).run(&site.folder).await.assert_code(0);
    assert!(!site.data_dir().exists(), "it keeps nothing");
}

#[tokio::test]
async fn a_function_that_fails_is_told_with_type_and_message_and_the_code_is_1() {
    let site = site("Timeout: 1");
    let exit = invoked(&site, r#"[{"do":"error"}]"#).await;
    exit.assert_code(1).assert_printed("error: the function failed: Exception: Handler fails");
    assert_eq!(exit.printed.stdout(), [""; 0]);
    exit.assert_printed("Keeper | REPORT RequestId: ");
    let exit = invoked(&site, r#"[{"do":"hang"}]"#).await;
    exit.assert_code(1).assert_printed("Task timed out after 1.00 seconds");
    invoked(&site, r#"[{"do":"exit"}]"#).await.assert_code(1).assert_printed("Runtime.ExitError");
    site.behave("init error");
    invoked(&site, SUCCESS).await.assert_code(1).assert_printed("Init.Broken: no database");
}

#[tokio::test]
async fn bad_input_is_told_with_2() {
    let site = site("");
    let exit = invoke(&["Keepr", "--event", "-"]).input("{}").run(&site.folder).await;
    exit.assert_code(2).assert_printed("the template has no function Keepr that can run here");
    exit.assert_printed("did you mean `Keeper`?");
    let exit = invoke(&["Keeper", "--event", "nope.json"]).run(&site.folder).await;
    exit.assert_code(2).assert_printed("nope.json cannot be read");
    let exit = invoked(&site, "{\n \"a\": }").await;
    exit.assert_code(2).assert_printed("the standard input is not JSON");
    exit.assert_printed("line 2 column 7");
    assert!(site.journal().began().is_empty(), "nothing was invoked");
}

#[tokio::test]
async fn it_works_beside_a_running_poller_on_the_same_folder() {
    let site = site("");
    let server = StreamServer::start(&["orders"]).await;
    let running = site.start(&server).await;
    let template = site.path().join("template.yaml");
    let beside = invoke(&["Keeper", "--event", "-", "--template"]).args([template]).input(SUCCESS);
    run_to_end(beside).await.assert_code(0);
    assert!(running.printed().find(POLLING).is_some() && site.data_dir().join("address").exists());
}

#[tokio::test]
async fn ctrl_c_ends_the_handler() {
    let site = site("Timeout: 900");
    site.behave("hang");
    site.write("event.json", r#"{"Records":[]}"#);
    let mut running = invoke(&["Keeper", "--event", "event.json"]).start(&site.folder);
    running.wait_for_line("START RequestId").await;
    running.signal(Signal::INT);
    running.wait_for_exit().await.assert_code(1).assert_printed("interrupted");
    running.assert_no_survivors().await;
}

#[tokio::test]
async fn a_function_that_runs_elsewhere_is_invoked_there() {
    let site = Site::without_code(&template("", ""));
    let app = Router::new().route(
        "/2015-03-31/functions/{name}/invocations",
        post(async |body: String| match body == SUCCESS {
            true => (StatusCode::OK, json!({"there": 1}).to_string()),
            false => (StatusCode::OK, json!({"errorType": "E", "errorMessage": "other bytes"}).to_string()),
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let there = invoke(&["Keeper", "--event", "-", "--lambda-endpoint", &url]);
    let exit = there.input(SUCCESS).run(&site.folder).await;
    assert_eq!(exit.assert_code(0).printed.stdout(), [r#"{"there":1}"#]);
    let exit =
        invoke(&["Keeper", "--event", "-", "--lambda-endpoint", &url]).input("[]").run(&site.folder).await;
    exit.assert_code(1).assert_printed("the function failed: E: other bytes");
}

#[tokio::test]
async fn a_rust_function_is_built_first_as_dev_does() {
    let site = crate::dev::site();
    let program = with_cargo(invoke(&["Greeter", "--event", "-"])).input(r#"{"Records":[]}"#);
    let exit = program.run(&site.folder).await;
    exit.assert_code(0).assert_printed("version one was invoked");
}
