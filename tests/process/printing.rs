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
async fn with_log_format_json_every_line_is_an_object() {
    let site = Site::new(&template("", ""));
    site.behave("error");
    let server = StreamServer::start(&["orders"]).await;
    let mut running = site.start_with(&server, &["--log-format", "json"]).await;
    server.put_numbers("a", 0..1).await;
    running.wait_for_line("the function failed").await;
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
