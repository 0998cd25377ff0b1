//! Records of DynamoDB Streams in the core's terms.

use aws_sdk_dynamodbstreams::types::{AttributeValue as ApiValue, Record};
use pelton_core::Timestamp;
use pelton_core::event::dynamodb::{AttributeValue, Change, Item, UserIdentity};
use std::collections::HashMap;

/// The version of events on AWS.
const EVENT_VERSION: &str = "1.1";

/// What is wrong with a record, if anything is.
pub(super) fn flaw_of(record: &Record) -> Option<&'static str> {
    let Some(change) = record.dynamodb() else { return Some("a record says nothing of its change") };
    let images = [change.keys(), change.new_image(), change.old_image()];
    let flaws = [
        (change.keys().is_none_or(HashMap::is_empty), "a record names no key"),
        (record.event_name().is_none(), "a record names no kind of change"),
        (
            images.into_iter().flatten().flat_map(HashMap::values).any(is_unknown),
            "an attribute of a record has a type that this version of Pelton does not know",
        ),
    ];
    flaws.into_iter().find_map(|(is_flawed, flaw)| is_flawed.then_some(flaw))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a later version of the API may know more types")]
fn is_unknown(value: &ApiValue) -> bool {
    use ApiValue::{B, Bool, Bs, L, M, N, Ns, Null, S, Ss};
    match value {
        L(values) => values.iter().any(is_unknown),
        M(item) => item.values().any(is_unknown),
        B(_) | Bool(_) | Bs(_) | N(_) | Ns(_) | Null(_) | S(_) | Ss(_) => false,
        _ => true,
    }
}

/// The sequence number of a record; empty if it has none.
pub(super) fn sequence_number(record: &Record) -> &str {
    record.dynamodb().and_then(|change| change.sequence_number()).unwrap_or_default()
}

/// A record without a flaw.
pub(super) fn change(record: &Record, created: Timestamp) -> Change<'_> {
    let change = record.dynamodb();
    let identity = record.user_identity();
    Change {
        event_id: record.event_id().unwrap_or_default(),
        event_name: record.event_name().map_or("", |name| name.as_str()),
        event_version: record.event_version().unwrap_or(EVENT_VERSION),
        sequence_number: sequence_number(record),
        created,
        keys: change.and_then(|change| change.keys()).map(item).unwrap_or_default(),
        new_image: change.and_then(|change| change.new_image()).map(item),
        old_image: change.and_then(|change| change.old_image()).map(item),
        size_bytes: change.and_then(|change| change.size_bytes()).unwrap_or_default(),
        view_type: change.and_then(|change| change.stream_view_type()).map_or("", |view| view.as_str()),
        user_identity: identity.map(|identity| UserIdentity {
            kind: identity.r#type().unwrap_or_default(),
            principal_id: identity.principal_id().unwrap_or_default(),
        }),
    }
}

fn item(item: &HashMap<String, ApiValue>) -> Item<'_> {
    item.iter().map(|(name, value)| (name.as_str(), value_of(value))).collect()
}

/// # Panics
///
/// If the type is unknown, which makes a record flawed.
#[expect(clippy::wildcard_enum_match_arm, reason = "a later version of the API may know more types")]
fn value_of(value: &ApiValue) -> AttributeValue<'_> {
    match value {
        ApiValue::S(text) => AttributeValue::S(text),
        ApiValue::N(number) => AttributeValue::N(number),
        ApiValue::B(bytes) => AttributeValue::B(bytes.as_ref()),
        ApiValue::Bool(value) => AttributeValue::Bool(*value),
        ApiValue::Null(value) => AttributeValue::Null(*value),
        ApiValue::Ss(texts) => AttributeValue::Ss(texts.iter().map(String::as_str).collect()),
        ApiValue::Ns(numbers) => AttributeValue::Ns(numbers.iter().map(String::as_str).collect()),
        ApiValue::Bs(values) => AttributeValue::Bs(values.iter().map(|bytes| bytes.as_ref()).collect()),
        ApiValue::L(values) => AttributeValue::L(values.iter().map(value_of).collect()),
        ApiValue::M(nested) => AttributeValue::M(item(nested)),
        _ => unreachable!("a record with an attribute of an unknown type is flawed"),
    }
}
