//! The headers of the Runtime API on the wire: as AWS spells them, since runtimes compare them letter by letter.

use super::bench::{Bench, function};
use pelton_core::Outcome;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

/// Every header of an invocation: AWS's own, and those of HTTP.
const OF_AN_INVOCATION: [&str; 8] = [
    "Content-Length",
    "Content-Type",
    "Date",
    "Lambda-Runtime-Aws-Request-Id",
    "Lambda-Runtime-Deadline-Ms",
    "Lambda-Runtime-Invocation-Id",
    "Lambda-Runtime-Invoked-Function-Arn",
    "Lambda-Runtime-Trace-Id",
];

#[tokio::test]
async fn every_header_is_spelled_as_aws_spells_it() {
    let bench = Bench::of(function());
    let mut names = bench.answer(json!({"do": "tell_header_names"})).await;
    for answer in ["invocation", "refusal"] {
        let names = names[answer].as_array_mut().unwrap();
        names.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    }
    assert_eq!(names["invocation"], json!(OF_AN_INVOCATION));
    assert_eq!(names["refusal"], json!(["Content-Length", "Content-Type", "Date"]));
    let refused = bench.answer(json!({"do": "connect_often"})).await;
    assert_eq!(refused["header_names"], json!(["Content-Type", "Connection"]));
    bench.function.shutdown().await;
}

/// A custom runtime as shell scripts have it: curl saves the head of the answer, grep looks for one spelling.
const BASH_RUNTIME: &str = r#"#!/usr/bin/env bash
set -euo pipefail
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
head="$(mktemp)"
trap 'rm -f "$head"' EXIT
header() { grep -F "$1: " "$head" | tr -d '[:space:]' | cut -d: -f2-; }
while true; do
    event="$(curl -sS -D "$head" "$api/next")"
    request="$(header Lambda-Runtime-Aws-Request-Id)"
    deadline="$(header Lambda-Runtime-Deadline-Ms)"
    arn="$(header Lambda-Runtime-Invoked-Function-Arn)"
    trace="$(header Lambda-Runtime-Trace-Id)"
    curl -sS -o /dev/null "$api/$request/response" --data-binary @- <<< "[\"$deadline\",\"$arn\",\"$trace\",$event]"
done
"#;

#[tokio::test]
async fn a_bash_runtime_that_greps_for_the_headers_letter_by_letter_runs() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("bootstrap");
    std::fs::write(&script, BASH_RUNTIME).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bench = Bench::with_bootstrap(function(), &script);
    for number in 0..3 {
        let outcome = bench.invoke(json!({"number": number})).await;
        let Outcome::Succeeded { payload } = &outcome else {
            panic!("{outcome:?}, {:?}", bench.lines.all());
        };
        let answer: serde_json::Value = serde_json::from_slice(payload).unwrap();
        assert!(answer[0].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000_000, "{answer}");
        assert_eq!(answer[1], "arn:aws:lambda:eu-central-1:123456789012:function:orders");
        assert!(answer[2].as_str().unwrap().starts_with("Root=1-"), "{answer}");
        assert_eq!(answer[3], json!([{"number": number}]));
    }
    bench.function.shutdown().await;
}
