//! Events of a table's stream.

use aws_lambda_events::dynamodb::{Event, EventRecord, StreamViewType};
use bytes::Bytes;
use pelton_core::batch::Batch;
use pelton_core::event::dynamodb::{
    AttributeValue, Change, DynamoDbEncoder, DynamoDbOrigin, DynamoDbRecord, Item, UserIdentity,
};
use pelton_core::event::page::records_envelope;
use pelton_core::time::Timestamp;
use serde_dynamo::AttributeValue as Read;

const STREAM: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-12-01T00:00:00.000";

fn insert() -> Change<'static> {
    Change {
        event_id: "f07f8ca4b0b26cb9c4e5e77e69f274ee",
        event_name: "INSERT",
        event_version: "1.1",
        sequence_number: "1405400000000002063282832",
        created: Timestamp::from_millis(1_480_642_020_000),
        keys: Item::from([("id", AttributeValue::S("k1"))]),
        new_image: None,
        old_image: None,
        size_bytes: 54,
        view_type: "NEW_AND_OLD_IMAGES",
        user_identity: None,
    }
}

fn read(change: &Change<'_>) -> EventRecord {
    let encoder =
        DynamoDbEncoder::new(DynamoDbOrigin { event_source_arn: STREAM.into(), region: "us-east-1".into() });
    let records = encoder.encode([DynamoDbRecord::new(change)], 0).into_records(Bytes::from);
    let event = Batch::new(records, records_envelope()).body().concat();
    let mut event: Event = serde_json::from_slice(&event).expect("aws_lambda_events takes the event");
    assert_eq!(event.records.len(), 1);
    event.records.remove(0)
}

#[test]
fn an_event_of_a_table_is_read_with_all_its_members() {
    let identity = UserIdentity { kind: "Service", principal_id: "dynamodb.amazonaws.com" };
    let record = read(&Change { user_identity: Some(identity), ..insert() });
    assert_eq!((record.event_id.as_str(), record.event_name.as_str()), (insert().event_id, "INSERT"));
    assert_eq!(record.event_source.as_deref(), Some("aws:dynamodb"));
    assert_eq!(record.event_version.as_deref(), Some("1.1"));
    assert_eq!(record.event_source_arn.as_deref(), Some(STREAM));
    assert_eq!(record.aws_region, "us-east-1");
    assert_eq!(record.change.approximate_creation_date_time.timestamp(), 1_480_642_020);
    assert_eq!(record.change.sequence_number.as_deref(), Some("1405400000000002063282832"));
    assert_eq!(record.change.size_bytes, 54);
    assert_eq!(record.change.stream_view_type, Some(StreamViewType::NewAndOldImages));
    let identity = record.user_identity.unwrap();
    assert_eq!(
        (identity.type_.as_str(), identity.principal_id.as_str()),
        ("Service", "dynamodb.amazonaws.com")
    );
}

#[test]
fn every_type_of_attribute_is_read() {
    use AttributeValue::{B, Bool, Bs, L, M, N, Ns, Null, S, Ss};
    let cases = [
        (S(""), Read::S(String::new())),
        (N("1e-130"), Read::N("1e-130".into())),
        (B(b"\xff\xfe"), Read::B(b"\xff\xfe".to_vec())),
        (Bool(true), Read::Bool(true)),
        (Null(true), Read::Null(true)),
        (Ss(vec!["a", "b"]), Read::Ss(vec!["a".into(), "b".into()])),
        (Ns(vec!["1", "2"]), Read::Ns(vec!["1".into(), "2".into()])),
        (Bs(vec![b"\x00", b""]), Read::Bs(vec![vec![0], vec![]])),
        (L(vec![S("x"), L(Vec::new())]), Read::L(vec![Read::S("x".into()), Read::L(vec![])])),
        (M(Item::from([("n", N("1"))])), Read::M([("n".to_owned(), Read::N("1".into()))].into())),
    ];
    for (value, expected) in cases {
        let image = Item::from([("a", value)]);
        let record = read(&Change { new_image: Some(image.clone()), old_image: Some(image), ..insert() });
        for image in [record.change.new_image, record.change.old_image] {
            assert_eq!(image.into_inner()["a"], expected);
        }
    }
}
