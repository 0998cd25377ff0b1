use super::*;
use crate::batch::Batch;
use crate::event::page::records_envelope;
use crate::record::Record;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// The example of specification 7.3, byte for byte as it is sent.
const GOLDEN: &str = concat!(
    r#"{"Records":[{"eventID":"f07f8ca4b0b26cb9c4e5e77e69f274ee","eventName":"INSERT","eventVersion":"1.1","#,
    r#""eventSource":"aws:dynamodb","awsRegion":"us-east-1","#,
    r#""dynamodb":{"ApproximateCreationDateTime":1480642020,"Keys":{"id":{"S":"k1"}},"#,
    r#""NewImage":{"bin":{"B":"Zm9vYmFy"},"id":{"S":"k1"},"n":{"N":"42"}},"#,
    r#""SequenceNumber":"1405400000000002063282832","SizeBytes":54,"StreamViewType":"NEW_AND_OLD_IMAGES"},"#,
    r#""eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-12-01T00:00:00.000"}]}"#
);

fn insert() -> Change<'static> {
    use AttributeValue::{B, N, S};
    Change {
        event_id: "f07f8ca4b0b26cb9c4e5e77e69f274ee",
        event_name: "INSERT",
        event_version: "1.1",
        sequence_number: "1405400000000002063282832",
        created: Timestamp::from_millis(1_480_642_020_999),
        keys: Item::from([("id", S("k1"))]),
        new_image: Some(Item::from([("n", N("42")), ("id", S("k1")), ("bin", B(b"foobar"))])),
        old_image: None,
        size_bytes: 54,
        view_type: "NEW_AND_OLD_IMAGES",
        user_identity: None,
    }
}

fn encoder() -> DynamoDbEncoder {
    DynamoDbEncoder::new(DynamoDbOrigin {
        event_source_arn: "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-12-01T00:00:00.000"
            .into(),
        region: "us-east-1".into(),
    })
}

fn records(encoder: &DynamoDbEncoder, changes: &[Change<'_>]) -> Vec<Record> {
    let changes: Vec<DynamoDbRecord<'_>> = changes.iter().map(DynamoDbRecord::new).collect();
    let payload_len = changes.iter().map(DynamoDbRecord::payload_len).sum();
    encoder.encode(changes, payload_len).into_records(Bytes::from)
}

fn event(changes: &[Change<'_>]) -> String {
    let batch = Batch::new(records(&encoder(), changes), records_envelope());
    String::from_utf8(batch.body().concat()).unwrap()
}

/// The first record of the event.
fn record(change: Change<'_>) -> Value {
    let event: Value = serde_json::from_str(&event(&[change])).unwrap();
    event["Records"][0].clone()
}

#[test]
fn an_event_is_that_of_the_specification_to_the_byte() {
    assert_eq!(event(&[insert()]), GOLDEN);
}

#[test]
fn the_time_of_creation_is_a_number_of_whole_seconds() {
    let created = Timestamp::from_millis(1_480_642_020_000);
    for created in [created, created.after(std::time::Duration::from_millis(999))] {
        let record = record(Change { created, ..insert() });
        assert_eq!(record["dynamodb"]["ApproximateCreationDateTime"], json!(1_480_642_020));
    }
}

#[test]
fn every_type_of_attribute_is_written_as_aws_does_also_empty_and_nested() {
    use AttributeValue::{B, Bool, Bs, L, M, N, Ns, Null, S, Ss};
    let cases = [
        (S(""), json!({"S": ""})),
        (S("\"\\\n\u{0}🔑"), json!({"S": "\"\\\n\u{0}🔑"})),
        (N("1e-130"), json!({"N": "1e-130"})),
        (B(b""), json!({"B": ""})),
        (B(b"\xff\xfe"), json!({"B": "//4="})),
        (Bool(false), json!({"BOOL": false})),
        (Null(true), json!({"NULL": true})),
        (Ss(vec!["b", "a"]), json!({"SS": ["b", "a"]})),
        (Ss(Vec::new()), json!({"SS": []})),
        (Ns(vec!["1", "2.50"]), json!({"NS": ["1", "2.50"]})),
        (Ns(Vec::new()), json!({"NS": []})),
        (Bs(vec![b"\xff", b""]), json!({"BS": ["/w==", ""]})),
        (Bs(Vec::new()), json!({"BS": []})),
        (L(Vec::new()), json!({"L": []})),
        (M(Item::new()), json!({"M": {}})),
        (
            L(vec![S("x"), M(Item::from([("a\"", L(vec![Null(true)]))]))]),
            json!({"L": [{"S": "x"}, {"M": {"a\"": {"L": [{"NULL": true}]}}}]}),
        ),
    ];
    for (value, expected) in cases {
        let image = Item::from([("a", value)]);
        let change = Change { new_image: Some(image.clone()), old_image: Some(image), ..insert() };
        let record = record(change);
        for image in ["NewImage", "OldImage"] {
            assert_eq!(record["dynamodb"][image]["a"], expected);
        }
    }
}

#[test]
fn an_image_that_the_view_type_leaves_out_is_absent() {
    let record = record(Change { new_image: None, view_type: "KEYS_ONLY", ..insert() });
    let names: Vec<&String> = record["dynamodb"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["ApproximateCreationDateTime", "Keys", "SequenceNumber", "SizeBytes", "StreamViewType"]
    );
}

#[test]
fn an_item_whose_time_to_live_was_over_was_removed_by_a_service() {
    let by = UserIdentity { kind: "Service", principal_id: "dynamodb.amazonaws.com" };
    let record = record(Change { event_name: "REMOVE", user_identity: Some(by), ..insert() });
    assert_eq!(record["userIdentity"], json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"}));
    assert_eq!(record["eventName"], "REMOVE");
}

#[test]
fn order_is_kept_per_item_key_whatever_the_order_of_its_attributes() {
    use AttributeValue::{N, S};
    let with = |keys: Item<'static>, sequence_number| Change { keys, sequence_number, ..insert() };
    let (one, same, other) = (
        Item::from([("a", S("1")), ("b", N("2"))]),
        Item::from([("b", N("2")), ("a", S("1"))]),
        Item::from([("a", S("1")), ("b", N("3"))]),
    );
    let changes = [with(one, "1"), with(same, "2"), with(other, "3")];
    let keys: Vec<u64> = records(&encoder().with_keys(true), &changes).iter().map(Record::key).collect();
    assert_eq!(keys[0], stable_hash(br#"{"a":{"S":"1"},"b":{"N":"2"}}"#), "it never changes");
    assert!(keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");
}

/// Whether a change passes a pattern, as it is read and as it stands in an event.
#[track_caller]
fn check(pattern: &Value, change: &Change<'_>, expected: bool) {
    let filters = Filters::compile(Source::DynamoDb, &[pattern.to_string()]).unwrap().unwrap();
    let records =
        records(&encoder().with_filters(Some(Arc::new(filters.clone()))), std::slice::from_ref(change));
    assert_eq!(!records[0].is_filtered(), expected, "{pattern}");
    let explanation = filters.explain_event_record(&record(change.clone()).to_string()).unwrap();
    assert_eq!(explanation == crate::filter::Explanation::Pass, expected, "{pattern}");
}

#[test]
fn filters_see_typed_attributes_the_time_of_creation_and_what_the_event_says_beside() {
    let by = UserIdentity { kind: "Service", principal_id: "dynamodb.amazonaws.com" };
    let change = Change { user_identity: Some(by), ..insert() };
    for pattern in [
        json!({"dynamodb": {"NewImage": {"n": {"N": ["42"]}}}}),
        json!({"dynamodb": {"Keys": {"id": {"S": [{"prefix": "k"}]}}}}),
        json!({"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 1_480_642_019]}]}}),
        json!({"dynamodb": {"NewImage": {"n": {"N": [{"exists": true}]}}}}),
        json!({"dynamodb": {"NewImage": {"n": [{"exists": false}]}}}),
        json!({"eventName": ["INSERT", "MODIFY"]}),
        json!({"eventSource": ["aws:dynamodb"]}),
        json!({"userIdentity": {"type": ["Service"]}}),
        json!({"awsRegion": ["us-east-1"], "eventVersion": ["1.1"]}),
    ] {
        check(&pattern, &change, true);
    }
    for pattern in [
        json!({"dynamodb": {"NewImage": {"n": {"N": [{"numeric": ["=", 42]}]}}}}),
        json!({"dynamodb": {"NewImage": {"n": {"N": ["43"]}}}}),
        json!({"dynamodb": {"OldImage": {"n": {"N": [{"exists": true}]}}}}),
        json!({"eventName": ["REMOVE"]}),
        json!({"userIdentity": {"type": ["User"]}}),
    ] {
        check(&pattern, &change, false);
    }
}
