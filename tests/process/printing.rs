//! What goes to standard output, what to standard error, and how it looks to programs.

use pelton_tests::site::{Site, StreamServer, assert_refused, pelton, template, until};
use pelton_tests::{Printed, Signal};
use serde_json::Value;

/// Every line of standard error is a JSON object. Returns them.
#[track_caller]
fn objects(printed: &Printed) -> Vec<Value> {
    let parse = |line: &&str| match serde_json::from_str::<Value>(line) {
        Ok(object) if object.is_object() => object,
        Ok(_) | Err(_) => panic!("not a JSON object: {line}\n{printed}"),
    };
    let objects: Vec<Value> = printed.stderr().iter().map(parse).collect();
    assert!(!objects.is_empty());
    objects
}

#[tokio::test]
async fn validate_shows_what_would_run_on_standard_output() {
    let site = Site::new(&template("", "BatchSize: 7"));
    let exit = pelton(["validate"]).run(&site.folder).await;
    let row = exit.assert_code(0).assert_printed("KeeperOrders").to_owned();
    for part in ["orders", "Keeper", "TRIM_HORIZON", "7"] {
        assert!(row.contains(part), "{part}: {row}");
    }
    assert!(exit.printed.stdout().contains(&row.as_str()));
    assert_eq!(exit.printed.stderr(), [""; 0]);
    assert!(!site.data_dir().exists(), "it starts nothing");
}

#[tokio::test]
async fn validate_shows_every_problem_on_standard_error() {
    let site = Site::new(&template("Timeout: 0", "BatchSize: 0"));
    let exit = pelton(["validate"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["template.yaml:9:", "Timeout", "template.yaml:16:", "BatchSize"]);
    assert!(!site.data_dir().exists(), "it starts nothing");
}

#[tokio::test]
async fn validate_json_is_one_object_with_the_names_of_aws() {
    let site = Site::new(&template("", "BatchSize: 7"));
    let exit = pelton(["validate", "--json"]).run(&site.folder).await;
    let shown: Value = serde_json::from_str(&exit.assert_code(0).printed.stdout().join("\n")).unwrap();
    assert_eq!(shown["EventSourceMappings"][0]["LogicalId"], "KeeperOrders");
    assert_eq!(shown["EventSourceMappings"][0]["BatchSize"], 7);
    assert_eq!(shown["Functions"][0]["Runtime"], "provided.al2023");
    assert_eq!(shown["Streams"], serde_json::json!([]));
    assert_eq!(shown["Problems"], serde_json::json!([]));
}

#[tokio::test]
async fn validate_json_has_every_problem_and_nothing_else_if_there_is_an_error() {
    let site = Site::new(&template("Timeout: 0", "BatchSize: 0"));
    let exit = pelton(["validate", "--json"]).run(&site.folder).await;
    let shown: Value = serde_json::from_str(&exit.assert_code(2).printed.stdout().join("\n")).unwrap();
    assert_eq!(shown.as_object().unwrap().keys().collect::<Vec<_>>(), ["Problems"]);
    let problems = shown["Problems"].as_array().unwrap();
    let lines: Vec<&Value> = problems.iter().map(|problem| &problem["Line"]).collect();
    assert_eq!(lines, [9, 16]);
    assert!(problems.iter().all(|problem| problem["Severity"] == "error"), "{problems:?}");
    exit.assert_printed("template.yaml:9:");
}

#[tokio::test]
async fn with_log_format_json_every_line_is_an_object() {
    let site = Site::new(&template("", ""));
    site.behave("error");
    let server = StreamServer::start(&["orders"]).await;
    let mut running = site.start_with(&server, &["--log-format", "json"]).await;
    server.put_numbers("a", 0..1).await;
    running.wait_for_line(r#""attempt":1"#).await;
    site.behave("succeed");
    let journal = site.journal();
    until(&running, "the record is done with", || journal.records_ended() == 1).await;
    running.signal(Signal::TERM);
    let exit = running.wait_for_exit().await;
    for object in objects(&exit.assert_code(0).printed) {
        for field in ["time", "level", "target", "message"] {
            assert!(object[field].is_string(), "{field}: {object}");
        }
    }
    assert_eq!(exit.printed.stdout(), [""; 0]);
}

#[tokio::test]
async fn with_log_format_json_a_refusal_is_an_object_too() {
    let site = Site::new(&template("Timeout: 0", ""));
    let nobody = ["--endpoint-url", "http://127.0.0.1:1", "--log-format", "json"];
    for (arguments, said) in [
        (["run", "--listen", "127.0.0.1:0"].as_slice(), "template.yaml:9:"),
        (&["run", "--listen", "127.0.0.1:0", "--template", "other.yaml"], "other.yaml"),
        (&["put", "orders", "1"], "does not answer"),
    ] {
        let exit = pelton(arguments).args(nobody).run(&site.folder).await;
        assert_refused(&site, &exit, &[said]);
        let objects = objects(&exit.printed);
        assert!(objects.iter().all(|object| object["level"] == "ERROR"), "{objects:?}");
    }
}

#[tokio::test]
async fn what_a_handler_prints_does_not_move_the_cursor() {
    let site = Site::new(&template("", ""));
    site.behave("print_what_moves_the_cursor");
    let server = StreamServer::start(&["orders"]).await;
    let running = site.start(&server).await;
    server.put_numbers("a", 0..1).await;
    let line = running.wait_for_line("whole").await;
    assert_eq!(line, r"Keeper | half\rwhole \u{1b}[2J\u{1b}[1;1Hred\u{8}\u{9b}2J end");
}

const LARGER_RECORDS: &str = "
  Large: {Type: AWS::Kinesis::Stream, Properties: {Name: large, ShardCount: 1, MaxRecordSizeInKiB: 2048}}
";

#[tokio::test]
async fn a_stream_of_larger_records_is_no_matter_of_run_and_the_embedded_stream_says_what_it_takes() {
    let site = Site::new(&(template("", "") + LARGER_RECORDS));
    let server = StreamServer::start(&["orders"]).await;
    let mut poller = site.start(&server).await;
    poller.signal(Signal::TERM);
    poller.wait_for_exit().await.assert_code(0);

    let mut stream = pelton(["stream", "--stream-listen", "127.0.0.1:0"]).start(&site.folder);
    let line = stream.wait_for_line("MaxRecordSizeInKiB").await;
    assert!(line.contains("large") && line.contains("1024"), "{line}");
    stream.signal(Signal::TERM);
    stream.wait_for_exit().await.assert_code(0);
}
