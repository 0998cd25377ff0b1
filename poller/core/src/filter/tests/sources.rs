//! What is matched per source (specification 6.2).

use super::*;

#[test]
fn kinesis_data_stands_at_the_top_level_of_the_pattern_base64_utf8_json() {
    check_kinesis(&json!({"data": {"level": ["error"]}}), br#"{"level":"error"}"#, true);
    check_kinesis(&json!({"data": {"level": ["error"]}}), br#"{"level":"info"}"#, false);
    check_kinesis(&json!({"data": {"é": ["ü"]}}), r#" {"é":"ü"}"#.as_bytes(), true);
    check_kinesis(&json!({"data": {"a": [1]}}), "\u{feff}{\"a\":1}".as_bytes(), true);
}

#[test]
fn the_partition_key_at_top_level_of_the_pattern_is_matched_as_earlier_docs_show() {
    check_kinesis(&json!({"partitionKey": ["1"], "data": {"a": [1]}}), br#"{"a":1}"#, true);
    check_kinesis(&json!({"partitionKey": ["2"], "data": {"a": [1]}}), br#"{"a":1}"#, false);
}

#[test]
fn the_kinesis_object_is_matched_both_nested_and_flattened_with_the_metadata_of_the_record() {
    check_kinesis(&json!({"kinesis": {"partitionKey": ["1"], "data": {"a": [1]}}}), br#"{"a":1}"#, true);
    check_kinesis(&json!({"kinesis": {"partitionKey": ["1"]}, "partitionKey": ["2"]}), b"{}", false);
    check_kinesis(&json!({"eventID": [{"prefix": "shardId-000000000006:"}]}), b"{}", true);
    check_kinesis(&json!({"approximateArrivalTimestamp": [{"numeric": [">", 1_545_084_650]}]}), b"{}", true);
    check_kinesis(&json!({"awsRegion": [{"anything-but": "us-east-2"}]}), b"{}", false);
}

#[test]
fn a_record_without_a_partition_key_has_none_to_match() {
    let filters = of(Source::Kinesis, &json!({"partitionKey": [{"exists": true}]}));
    let with = view(b"{}");
    let record = KinesisRecord { partition_key: None, ..with.record };
    assert_eq!(filters.judge(&KinesisView { record, ..with }), Verdict::Drop);
    assert_eq!(filters.judge(&view(b"{}")), Verdict::Pass);
}

fn dynamodb(image: &Value) -> Value {
    json!({"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb",
           "dynamodb": {"ApproximateCreationDateTime": 1_664_559_083.0, "NewImage": image}})
}

#[test]
fn dynamodb_is_already_json_attribute_typed() {
    let pattern = json!({"dynamodb": {"NewImage": {"a": {"S": ["x"]}}}});
    check_record(Source::DynamoDb, &pattern, &dynamodb(&json!({"a": {"S": "x"}})), true);
    check_record(Source::DynamoDb, &pattern, &dynamodb(&json!({"a": {"S": "y"}})), false);
}

#[test]
fn real_aws_also_matches_event_name_and_event_source_of_dynamodb() {
    check_record(Source::DynamoDb, &json!({"eventName": ["INSERT"]}), &dynamodb(&json!({})), true);
    check_record(Source::DynamoDb, &json!({"eventName": ["REMOVE"]}), &dynamodb(&json!({})), false);
    check_record(Source::DynamoDb, &json!({"eventSource": ["aws:dynamodb"]}), &dynamodb(&json!({})), true);
}

#[test]
fn all_numbers_of_dynamodb_are_strings_so_numeric_never_matches_attribute_values() {
    let pattern = json!({"dynamodb": {"NewImage": {"n": {"N": [{"numeric": ["=", 42]}]}}}});
    check_record(Source::DynamoDb, &pattern, &dynamodb(&json!({"n": {"N": "42"}})), false);
}

#[test]
fn approximate_creation_date_time_is_a_number_before_filtering_so_numeric_works_on_it() {
    let pattern = json!({"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 1_664_559_000]}]}});
    check_record(Source::DynamoDb, &pattern, &dynamodb(&json!({})), true);
}

#[test]
fn exists_must_address_the_typed_leaf() {
    let typed = json!({"dynamodb": {"NewImage": {"Organizations": {"L": {"S": [{"exists": true}]}}}}});
    let image = json!({"Organizations": {"L": [{"S": "x"}]}});
    check_record(Source::DynamoDb, &typed, &dynamodb(&image), true);
    let untyped = json!({"dynamodb": {"NewImage": {"Organizations": [{"exists": true}]}}});
    check_record(Source::DynamoDb, &untyped, &dynamodb(&image), false);
}

#[test]
fn exists_false_on_the_untyped_attribute_node_matches_every_record() {
    let pattern = json!({"dynamodb": {"NewImage": {"presentKey": [{"exists": false}]}}});
    check_record(Source::DynamoDb, &pattern, &dynamodb(&json!({"presentKey": {"S": "x"}})), true);
    check_record(Source::DynamoDb, &pattern, &dynamodb(&json!({})), true);
}

pub(super) fn kafka(value: &[u8]) -> Value {
    json!({"topic": "t", "partition": 0, "offset": 15, "timestamp": 1_545_084_650_987_u64, "timestampType": "CREATE_TIME",
           "key": STANDARD.encode_to_string(b"k-1"), "value": STANDARD.encode_to_string(value), "headers": []})
}

#[test]
fn kafka_value_is_utf8_json_or_plain_string() {
    check_record(Source::Kafka, &json!({"value": {"a": [1]}}), &kafka(br#"{"a":1}"#), true);
    check_record(Source::Kafka, &json!({"value": {"a": [1]}}), &kafka(br#"{"a":2}"#), false);
    check_record(Source::Kafka, &json!({"value": ["hello"]}), &kafka(b"hello"), true);
    check_record(Source::Kafka, &json!({"value": ["hello"]}), &kafka(b"bye"), false);
    check_record(Source::Kafka, &json!({"topic": ["t"], "offset": [15]}), &kafka(b""), true);
    check_record(Source::Kafka, &json!({"key": ["k-1"]}), &kafka(b""), true);
    check_record(Source::Kafka, &json!({"key": ["k-2"]}), &kafka(b""), false);
}

pub(super) fn sqs(body: &str) -> Value {
    json!({"messageId": "1", "body": body, "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs"})
}

#[test]
fn sqs_body_is_json_or_plain_string_beside_the_metadata_keys_of_the_record() {
    check_record(Source::Sqs, &json!({"body": {"a": [1]}}), &sqs(r#"{"a":1}"#), true);
    check_record(Source::Sqs, &json!({"body": {"a": [1]}}), &sqs(r#"{"a":2}"#), false);
    check_record(Source::Sqs, &json!({"body": ["hello"]}), &sqs("hello"), true);
    check_record(Source::Sqs, &json!({"body": [{"prefix": "b"}]}), &sqs("hello"), false);
    check_record(Source::Sqs, &json!({"attributes": {"ApproximateReceiveCount": ["1"]}}), &sqs("x"), true);
}

#[test]
fn what_is_no_record_is_an_error() {
    let filters = of(Source::Kinesis, &json!({"data": {"a": [1]}}));
    for (record, error) in [
        ("[1]", "it is not a JSON object"),
        ("1", "it is not a JSON object"),
        ("{", "it is not JSON, the text ends too early at byte 2"),
        ("", "it is not JSON, the text ends too early at byte 1"),
        (r#"{"kinesis":{"data":"*"}}"#, "its data is not base64"),
        (r#"{"kinesis":5}"#, "its kinesis is not a JSON object"),
    ] {
        assert_eq!(filters.explain_event_record(record).unwrap_err().to_string(), error, "{record}");
    }
}
