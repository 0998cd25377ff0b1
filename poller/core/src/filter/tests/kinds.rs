//! What happens if data and pattern are of different kinds (specification 6.3), line by line.

use super::sources::{kafka, sqs};
use super::*;

fn metadata() -> Value {
    json!({"eventSource": ["aws:kinesis"]})
}

#[test]
fn kinesis_data_json_and_pattern_json_object_filter() {
    check_kinesis(&json!({"data": {"a": [1]}}), br#"{"a":1}"#, true);
    check_kinesis(&json!({"data": {"a": [1]}}), br#"{"a":2}"#, false);
}

#[test]
fn kinesis_data_json_or_not_and_no_data_pattern_filter_on_metadata_only() {
    for data in [br#"{"a":1}"#.as_slice(), b"plain", b"\xff", b""] {
        check_kinesis(&metadata(), data, true);
        check_kinesis(&json!({"eventSource": ["aws:sqs"]}), data, false);
    }
}

#[test]
fn kinesis_data_not_json_and_pattern_json_record_dropped() {
    for data in [
        b"plain".as_slice(),
        b"\xff",
        b"",
        b"[1]",
        b"1",
        b"{\"a\":1",
        b"{\"a\":1}}",
        b"{'a':1}",
        b"{\"a\":\xff}",
    ] {
        for pattern in [json!({"data": {"a": [1]}}), json!({"data": {"a": [{"exists": false}]}})] {
            check_kinesis(&pattern, data, false);
        }
    }
    let filters = of(Source::Kinesis, &json!({"data": {"a": [1]}}));
    let explanation = filters.explain(&view(b"plain"));
    assert_eq!(explanation.clause().unwrap(), "data.a: [1] (the payload is not a JSON object)");
}

/// Whether a record of Kinesis with these data is dropped because they are no JSON object, and whether they are the base64 of one.
#[track_caller]
fn check_not_json(patterns: &[Value], data: &[u8], expected: Option<bool>) {
    let patterns: Vec<String> = patterns.iter().map(Value::to_string).collect();
    let filters = Filters::compile(Source::Kinesis, &patterns).unwrap().unwrap();
    let verdict = filters.judge(&view(data));
    assert_eq!(verdict == Verdict::DropNotJson, expected.is_some(), "{patterns:?}: {verdict:?}");
    let record = kinesis_record(data).to_string();
    for explanation in [filters.explain(&view(data)), filters.explain_event_record(&record).unwrap()] {
        let in_base64 = match explanation {
            Explanation::DropNotJson { is_json_in_base64, .. } => Some(is_json_in_base64),
            Explanation::Pass | Explanation::Drop(_) => None,
        };
        assert_eq!(in_base64, expected, "{patterns:?}");
    }
}

#[test]
fn a_record_that_is_dropped_because_it_is_no_json_object_is_told_apart() {
    let of_data = || json!({"data": {"a": [1]}});
    check_not_json(&[of_data()], b"plain", Some(false));
    check_not_json(&[of_data()], b"\xff\x00", Some(false));
    check_not_json(&[of_data()], b"[1]", Some(false));
    check_not_json(&[of_data()], br#"{"a":2}"#, None);
    check_not_json(&[of_data()], br#"{"a":1}"#, None);
    // No filter needs the data.
    check_not_json(&[json!({"partitionKey": ["2"]})], b"plain", None);
    // One of two does, and might have let it pass.
    check_not_json(&[json!({"partitionKey": ["2"]}), of_data()], b"plain", Some(false));
}

#[test]
fn the_base64_of_a_json_object_is_recognized() {
    let of_data = json!({"data": {"a": [1]}});
    let encoded = |data: &[u8]| STANDARD.encode_to_string(data).into_bytes();
    check_not_json(std::slice::from_ref(&of_data), &encoded(br#"{"a":1}"#), Some(true));
    check_not_json(std::slice::from_ref(&of_data), &encoded(b"hello"), Some(false));
    check_not_json(std::slice::from_ref(&of_data), &encoded(br#"{"a":1"#), Some(false));
    let with_line_ends = [encoded(br#" {"a": {"b": [1, 2]}} "#), b"\n".to_vec()].concat();
    check_not_json(&[of_data], &with_line_ends, Some(true));
}

#[test]
fn a_filter_without_data_lets_a_record_pass_beside_one_whose_data_pattern_does_not() {
    let patterns = [json!({"data": {"a": [1]}}).to_string(), metadata().to_string()];
    let filters = Filters::compile(Source::Kinesis, &patterns).unwrap().unwrap();
    assert_eq!(filters.judge(&view(b"plain")), Verdict::Pass);
    check_kinesis(&json!({"$or": [{"data": {"a": [1]}}, {"partitionKey": ["1"]}]}), b"plain", true);
}

#[test]
fn a_data_pattern_that_is_not_json_is_refused_for_kinesis_and_dynamodb() {
    for (source, pattern, field) in [
        (Source::Kinesis, r#"{"data":["x"]}"#, "data"),
        (Source::Kinesis, r#"{"kinesis":{"data":["x"]}}"#, "data"),
        (Source::Kinesis, r#"{"$or":[{"data":[{"exists":true}]},{"a":[1]}]}"#, "data"),
        (Source::DynamoDb, r#"{"dynamodb":["x"]}"#, "dynamodb"),
    ] {
        let error = Filters::compile(source, &[pattern.to_owned()]).unwrap_err();
        assert_eq!(error.message, format!("{field} takes an object of fields, not values"), "{pattern}");
    }
    assert!(Filters::compile(Source::DynamoDb, &[r#"{"data":["x"]}"#.to_owned()]).is_ok());
}

#[test]
fn dynamodb_that_is_no_object_is_dropped_by_a_pattern_about_it() {
    let pattern = json!({"dynamodb": {"Keys": {"a": {"S": [{"exists": false}]}}}});
    check_record(Source::DynamoDb, &pattern, &json!({"dynamodb": "x"}), false);
    check_record(Source::DynamoDb, &pattern, &json!({"dynamodb": {}}), true);
}

#[test]
fn kafka_data_and_pattern_of_the_same_kind_filter() {
    check_record(Source::Kafka, &json!({"value": ["x"]}), &kafka(b"y"), false);
    check_record(Source::Kafka, &json!({"value": {"a": ["x"]}}), &kafka(br#"{"a":"y"}"#), false);
}

#[test]
fn kafka_data_and_pattern_of_different_kinds_metadata_filters_only_so_the_record_passes() {
    for (value, pattern) in
        [(b"plain".as_slice(), json!({"a": [1]})), (br#"{"a":1}"#, json!(["x"])), (b"[1]", json!({"a": [1]}))]
    {
        check_record(Source::Kafka, &json!({"value": pattern}), &kafka(value), true);
        check_record(Source::Kafka, &json!({"value": pattern, "topic": ["t"]}), &kafka(value), true);
        check_record(Source::Kafka, &json!({"value": pattern, "topic": ["other"]}), &kafka(value), false);
    }
}

#[test]
fn kafka_data_not_utf8_metadata_filters_only() {
    let mut tombstone = kafka(b"");
    tombstone["value"] = Value::Null;
    for record in [kafka(b"\xff\xfe"), tombstone] {
        for pattern in [json!({"a": [1]}), json!(["x"])] {
            check_record(Source::Kafka, &json!({"value": pattern}), &record, true);
            check_record(Source::Kafka, &json!({"value": pattern, "topic": ["other"]}), &record, false);
        }
    }
}

#[test]
fn sqs_body_and_pattern_of_different_kinds_drops_the_message() {
    check_record(Source::Sqs, &json!({"body": {"a": [1]}}), &sqs("plain"), false);
    check_record(Source::Sqs, &json!({"body": {"a": [{"exists": false}]}}), &sqs("plain"), false);
    check_record(Source::Sqs, &json!({"body": [{"exists": true}]}), &sqs(r#"{"a":1}"#), false);
    check_record(Source::Sqs, &json!({"messageId": ["1"]}), &sqs("plain"), true);
}

#[test]
fn a_field_whose_name_only_begins_like_that_of_the_payload_is_metadata() {
    for value in [&b"plain"[..], br#"{"a":1}"#] {
        check_record(Source::Kafka, &json!({"valuest": ["x"]}), &kafka(value), false);
        check_record(Source::Kafka, &json!({"keyword": {"a": ["x"]}}), &kafka(value), false);
    }
}

#[test]
fn what_only_looks_like_json_is_none() {
    let pattern = json!({"data": {"a": [{"exists": true}]}});
    for text in ["x", "x y", r"\n", r"\u00e4", r"\ud83d\ude00", ""] {
        check_kinesis(&pattern, format!(r#"{{"a":"{text}"}}"#).as_bytes(), true);
    }
    for text in ["\n", "x\ty", "\u{1f} ", r"\x", r"\u12", r"\u12g4", r"\"] {
        check_kinesis(&pattern, format!(r#"{{"a":"{text}"}}"#).as_bytes(), false);
    }
}
