//! Filters: what `pelton filter` says of records, and what a mapping with filters delivers.

use pelton_tests::site::{Site, StreamServer, pelton, run_to_end, template, until};
use pelton_tests::{Exit, journal, wait};
use serde_json::Value;

const ERRORS: &str = r#"{"data":{"level":["error"]}}"#;

/// Runs `pelton filter` with these arguments and this input.
async fn filter<const N: usize>(arguments: [&str; N], input: &str) -> Exit {
    run_to_end(pelton(["filter"]).args(arguments).input(input)).await
}

/// `{"level":"error"}` as a record of Kinesis, `{"level":"info"}`, and what is no JSON.
const RECORDS: [&str; 3] = [
    r#"{"kinesis":{"partitionKey":"1","data":"eyJsZXZlbCI6ImVycm9yIn0="},"eventSource":"aws:kinesis"}"#,
    r#"{"kinesis":{"partitionKey":"2","data":"eyJsZXZlbCI6ImluZm8ifQ=="},"eventSource":"aws:kinesis"}"#,
    r#"{"kinesis":{"partitionKey":"3","data":"aGVsbG8="},"eventSource":"aws:kinesis"}"#,
];

#[tokio::test]
async fn a_line_a_record_comes_out_pass_or_drop_and_the_clause_that_decided() {
    let expected = [
        "pass",
        r#"drop data.level: ["error"]"#,
        r#"drop data.level: ["error"] (the payload is not a JSON object)"#,
    ];
    let lines = RECORDS.join("\n");
    let exit = filter(["--source", "kinesis", "--pattern", ERRORS], &lines).await;
    assert_eq!(exit.assert_code(0).printed.stdout(), expected);
    let event = format!("{{\n \"Records\": [{}]\n}}\n", RECORDS.join(",\n"));
    let exit = filter(["--source", "kinesis", "--pattern", ERRORS, "-"], &event).await;
    assert_eq!(exit.assert_code(0).printed.stdout(), expected);
    assert_eq!(exit.printed.stderr(), [""; 0]);
}

#[tokio::test]
async fn for_programs_each_line_is_an_object() {
    let patterns = ["--json", "--pattern", ERRORS, "--pattern", r#"{"partitionKey":["3"]}"#];
    let exit = filter(["--source", "kinesis"], "").await;
    exit.assert_code(2).assert_printed("--pattern");
    let exit =
        run_to_end(pelton(["filter", "--source", "kinesis"]).args(patterns).input(RECORDS.join("\n"))).await;
    let clause = r#"pattern 1: data.level: [\"error\"]; pattern 2: partitionKey: [\"3\"]"#;
    let dropped = format!(r#"{{"result":"drop","clause":"{clause}"}}"#);
    let passed = r#"{"result":"pass"}"#;
    assert_eq!(exit.assert_code(0).printed.stdout(), [passed, dropped.as_str(), passed]);
}

#[tokio::test]
async fn every_source_has_its_records_and_a_file_may_hold_them() {
    let site = Site::without_code("");
    for (source, pattern, event) in [
        (
            "dynamodb",
            r#"{"dynamodb":{"NewImage":{"a":{"S":["x"]}}}}"#,
            r#"{"Records":[{"dynamodb":{"NewImage":{"a":{"S":"x"}}}},{"dynamodb":{"NewImage":{"a":{"S":"y"}}}}]}"#,
        ),
        (
            "kafka",
            r#"{"value":["hello"]}"#,
            r#"{"eventSource":"SelfManagedKafka","records":{"t-0":[{"value":"aGVsbG8="}],"t-1":[{"value":"Ynll"}]}}"#,
        ),
        ("sqs", r#"{"body":{"a":[1]}}"#, r#"{"Records":[{"body":"{\"a\":1}"},{"body":"{\"a\":1.5}"}]}"#),
    ] {
        site.write("event.json", event);
        let arguments = ["filter", "--source", source, "--pattern", pattern, "event.json"];
        let exit = pelton(arguments).run(&site.folder).await;
        let printed = exit.assert_code(0).printed.stdout();
        assert_eq!((printed.len(), printed[0]), (2, "pass"), "{source}: {printed:?}");
        assert!(printed[1].starts_with("drop "), "{source}: {printed:?}");
    }
}

#[tokio::test]
async fn raw_matches_plain_documents_against_a_bare_pattern() {
    let exit = filter(["--raw", "--pattern", r#"{"a":["x"]}"#], "{\"a\":\"x\"}\n{\"a\":[1,\"x\"]}\n{}").await;
    assert_eq!(exit.assert_code(0).printed.stdout(), ["pass", "pass", r#"drop a: ["x"]"#]);
}

#[tokio::test]
async fn the_patterns_may_be_those_of_a_mapping_of_a_template() {
    let criteria = format!("FilterCriteria: {{Filters: [{{Pattern: '{ERRORS}'}}]}}");
    let site = Site::without_code(&template("", &criteria));
    site.write("plain.yaml", &template("", ""));
    let (with, without) = (site.path().join("template.yaml"), site.path().join("plain.yaml"));
    let filter = async |template: &std::path::Path, mapping: &str| {
        let program = pelton(["filter", "--json", "--mapping", mapping, "--template"]).args([template]);
        run_to_end(program.input(RECORDS.join("\n"))).await
    };
    let exit = filter(&with, "KeeperOrders").await;
    let parse = |line: &str| serde_json::from_str::<Value>(line).expect("a line is JSON");
    let lines: Vec<Value> = exit.assert_code(0).printed.stdout().into_iter().map(parse).collect();
    let results: Vec<&str> = lines.iter().filter_map(|line| line["result"].as_str()).collect();
    assert_eq!(results, ["pass", "drop", "drop"]);
    assert_eq!((&lines[1]["not_json"], &lines[2]["not_json"]), (&Value::Null, &Value::Bool(true)));
    filter(&with, "KeeperOrder").await.assert_code(2).assert_printed("did you mean `KeeperOrders`?");
    filter(&without, "KeeperOrders").await.assert_code(2).assert_printed("FilterCriteria");
}

#[tokio::test]
async fn a_pattern_that_is_none_is_refused_with_its_place() {
    let pattern = "{\"a\": [\"x\"],\n \"b\": \"y\"}";
    let exit = filter(["--raw", "--pattern", "{\"a\":[1]}", "--pattern", pattern], "{}").await;
    let expected = "error: pattern 2, line 2, column 7: a value stands in an array, such as [\"open\"]";
    exit.assert_code(2).assert_printed(expected);
    let exit = filter(["--source", "kinesis", "--pattern", r#"{"data":["x"]}"#], "").await;
    exit.assert_code(2).assert_printed("column 9: data takes an object of fields, not values");
}

#[tokio::test]
async fn a_line_that_is_no_record_is_named() {
    let exit = filter(["--raw", "--pattern", "{\"a\":[1]}"], "\n{oops}\n").await;
    exit.assert_code(2).assert_printed("error: line 2 of the standard input: it is not JSON");
    let exit = filter(["--raw", "--pattern", "{\"a\":[1]}"], "{\"a\":1}\n[1]\n{\"a\":1}\n").await;
    exit.assert_code(1)
        .assert_printed("line 2 of the standard input: it is not a JSON object (judged 1 before it)");
    assert_eq!(exit.printed.stdout(), ["pass"]);
    let exit = filter(["--raw", "--pattern", "{\"a\":[1]}", "missing.json"], "").await;
    exit.assert_code(2).assert_printed("error: missing.json cannot be read");
}

#[tokio::test]
async fn a_mapping_delivers_what_matches_its_filters_byte_for_byte() {
    let criteria = format!("FilterCriteria: {{Filters: [{{Pattern: '{ERRORS}'}}]}}");
    let site = Site::new(&template("", &criteria));
    let server = StreamServer::start(&["orders:1"]).await;
    let running = site.start(&server).await;
    let levels = ["error", "info"];
    let lines: Vec<String> =
        (0..40).map(|n| format!("{{\"level\" : \"{}\", \"n\":{n}.50}}", levels[n % 2])).collect();
    let put = server.put(["orders", "--key", "a", "--file", "-"]).input(lines.join("\n"));
    run_to_end(put).await.assert_code(0);

    let journal = site.journal();
    until(&running, "20 records are done with", || journal.records_ended() >= 20).await;
    let expected: Vec<&String> = lines.iter().step_by(2).collect();
    assert_eq!(journal::data(&journal.ended()), expected);
}

#[tokio::test]
async fn records_whose_payload_is_no_json_are_counted_and_the_first_of_them_comes_with_a_hint() {
    let criteria = format!("FilterCriteria: {{Filters: [{{Pattern: '{ERRORS}'}}]}}");
    // `{"level":"error"}` in base64, which the SDK encodes once more.
    for (text, in_base64) in [("eyJsZXZlbCI6ImVycm9yIn0=", true), ("level=error", false)] {
        let site = Site::new(&template("", &criteria));
        let server = StreamServer::start(&["orders"]).await;
        let first = server.put_texts("a", [text, text, r#"{"level":"error"}"#]).await.swap_remove(0);
        let running = site.start_with(&server, &["--log-format", "json"]).await;
        let journal = site.journal();
        until(&running, "the last record is done with", || journal.records_ended() == 1).await;
        let printed = running.printed();
        let lines = printed.stderr().into_iter().map(serde_json::from_str::<Value>);
        let lines = lines.map(|line| line.expect("a line is JSON"));
        let hints: Vec<Value> = lines.filter(|line| line.get("json_in_base64").is_some()).collect();
        assert_eq!(hints.len(), 1, "{printed}");
        assert_eq!((&hints[0]["level"], &hints[0]["json_in_base64"]), (&"WARN".into(), &in_base64.into()));
        assert_eq!(hints[0]["sequence_number"], first.sequence_number);
        let data_dir = site.data_dir();
        wait::until("both are counted", async || {
            let exit = run_to_end(pelton(["status", "--json", "--data-dir"]).args([&data_dir])).await;
            let status: Value = serde_json::from_str(&exit.printed.stdout().concat()).ok()?;
            let totals = &status["mappings"][0]["totals"];
            (totals["not_json"] == 2 && totals["filtered"] == 2).then_some(())
        })
        .await;
    }
}
