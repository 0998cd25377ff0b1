//! A handler in a process of its own, against a Runtime API of a few lines: what it answers, and what it writes.

#![expect(clippy::unwrap_used, reason = "a test: what fails here fails it")]

use lambda_ordered::{Error, Handler, Json, Kinesis, OnUndecodable, Record, Window, WindowHandler};
use lambda_runtime::tracing;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// In the environment of a test that is to be a handler: which one.
const HANDLER_VARIABLE: &str = "ORDERED_TEST_HANDLER";

/// How long an answer is waited for. Only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A number, then something that is none, then a number that fails.
const EVENT: &str = r#"{"Records":[RECORD_1,RECORD_2,RECORD_3]WINDOW}"#;
const PAYLOADS: [&str; 3] = ["MQ==", "bm8=", "LTE="];
const WINDOW: &str = r#","window":{"start":"2026-01-09T07:04:00Z","end":"2026-01-09T07:05:00Z"},"state":{},
    "shardId":"shardId-000000000006","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false"#;

/// Fails on negative numbers, and skips what is no number.
struct Positive;

impl Handler for Positive {
    type Source = Kinesis;
    type Payload = Json<i64>;
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Skip;

    async fn handle(&mut self, Json(number): Json<i64>, _: &Record<'_, Kinesis>) -> Result<(), Error> {
        if number < 0 { Err("no debts".into()) } else { Ok(()) }
    }
}

impl WindowHandler for Positive {
    type Source = Kinesis;
    type Payload = Json<i64>;
    type State = BTreeMap<String, i64>;
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Skip;

    async fn handle(
        &mut self,
        _: &mut BTreeMap<String, i64>,
        Json(number): Json<i64>,
        _: &Record<'_, Kinesis>,
    ) -> Result<(), Error> {
        if number < 0 { Err("no debts".into()) } else { Ok(()) }
    }

    async fn finish(&mut self, _: &Window, _: BTreeMap<String, i64>) -> Result<(), Error> {
        Ok(())
    }
}

/// What a handler did with one event.
struct Seen {
    /// `response` or `error`, and what it posted.
    call: String,
    body: String,
    stderr: Vec<String>,
}

/// Becomes a handler if this process was started to be one. It is killed once it has answered.
fn be_a_handler() -> bool {
    let Ok(handler) = std::env::var(HANDLER_VARIABLE) else { return false };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(async {
        match handler.as_str() {
            "run" => lambda_ordered::run(Positive).await,
            "run reporting" => lambda_ordered::run(Positive).reporting_item_failures().await,
            "run logging" => {
                tracing::init_default_subscriber();
                lambda_ordered::run(Positive).reporting_item_failures().await
            }
            "windows" => lambda_ordered::run_windows(Positive).await,
            "windows reporting" => lambda_ordered::run_windows(Positive).reporting_item_failures().await,
            other => panic!("there is no handler {other}"),
        }
    });
    panic!("a handler ends only when it is killed: {ended:?}");
}

/// Has `handler` handle the event, in a process that is this test again.
fn handled_by(test: &str, handler: &str) -> Seen {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(HANDLER_VARIABLE, handler)
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "positive")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env_remove("RUST_LOG")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let event = event(handler.starts_with("windows"));
    let (posted, answers) = mpsc::channel();
    let is_given = Arc::new(AtomicBool::new(false));
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (event, posted, is_given) = (event.clone(), posted.clone(), Arc::clone(&is_given));
            std::thread::spawn(move || serve(connection.unwrap(), &event, &is_given, &posted));
        }
    });
    let answer = answers.recv_timeout(PATIENCE);
    process.kill().unwrap();
    let output = process.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let (call, body) = answer.unwrap_or_else(|error| panic!("it does not answer, {error}: {stderr}"));
    Seen { call, body, stderr: stderr.lines().map(str::to_owned).collect() }
}

fn event(has_window: bool) -> String {
    let mut event = EVENT.replace("WINDOW", if has_window { WINDOW } else { "" });
    for (number, payload) in (1..).zip(PAYLOADS) {
        let record = format!(
            r#"{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"k","sequenceNumber":"{number}","data":"{payload}",
            "approximateArrivalTimestamp":1545084650.987}},"eventSource":"aws:kinesis","eventVersion":"1.0",
            "eventID":"shardId-000000000006:{number}","eventName":"aws:kinesis:record","awsRegion":"us-east-2",
            "invokeIdentityArn":"arn:aws:iam::123456789012:role/r",
            "eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/numbers"}}"#
        );
        event = event.replace(&format!("RECORD_{number}"), &record);
    }
    event
}

/// The Runtime API on one connection, until it ends. It gives the event once, and then has none.
fn serve(connection: TcpStream, event: &str, is_given: &AtomicBool, posted: &mpsc::Sender<(String, String)>) {
    let mut reader = BufReader::new(connection);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let Some((name, value)) = header.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = if line.starts_with("GET ") {
            while is_given.swap(true, Ordering::SeqCst) {
                std::thread::park();
            }
            let head = "Lambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                        Lambda-Runtime-Invoked-Function-Arn: arn\r\nLambda-Runtime-Trace-Id: t";
            format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{event}", event.len())
        } else {
            let call = path.rsplit('/').next().unwrap().to_owned();
            // The test may have seen enough.
            posted.send((call, String::from_utf8(body).unwrap())).ok();
            "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_owned()
        };
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn a_batch_with_a_failed_record_fails_unless_the_author_says_that_the_mapping_takes_reports() {
    if be_a_handler() {
        return;
    }
    let this = "a_batch_with_a_failed_record_fails_unless_the_author_says_that_the_mapping_takes_reports";
    for handler in ["run", "windows"] {
        let seen = handled_by(this, handler);
        assert_eq!(seen.call, "error", "{}", seen.body);
        assert!(seen.body.contains("RecordFailed") && seen.body.contains("no debts"), "{}", seen.body);
        let seen = handled_by(this, &format!("{handler} reporting"));
        assert_eq!(seen.call, "response", "{}", seen.body);
        assert!(seen.body.contains(r#""batchItemFailures":[{"itemIdentifier":"3"}]"#), "{}", seen.body);
    }
}

#[test]
fn a_record_that_is_skipped_or_reported_is_logged_also_without_a_subscriber() {
    if be_a_handler() {
        return;
    }
    let this = "a_record_that_is_skipped_or_reported_is_logged_also_without_a_subscriber";
    let seen = handled_by(this, "run reporting");
    let line = |part: &str| seen.stderr.iter().filter(|line| line.contains(part)).collect::<Vec<_>>();
    let (skipped, failed) = (line("a record was skipped"), line("a record failed"));
    assert_eq!((skipped.len(), failed.len()), (1, 1), "{:?}", seen.stderr);
    assert!(skipped[0].starts_with("WARN ") && skipped[0].contains("sequence_number=2"), "{:?}", seen.stderr);
    assert!(failed[0].contains("sequence_number=3") && failed[0].contains("no debts"), "{:?}", seen.stderr);
    let logged = handled_by(this, "run logging");
    assert!(!logged.stderr.iter().any(|line| line.contains("a record ")), "{:?}", logged.stderr);
}
