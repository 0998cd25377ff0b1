//! Changes of a DynamoDB table inside an event (specification 7.3), and what of them filters see (6.2): `dynamodb`, and everything
//! else that the event says of them.
//!
//! In: a change as DynamoDB Streams hands it out. Out: AWS's keys and nesting; attributes are in the order of their names, as their
//! order means nothing.

use super::json_string;
use super::page::{PageEncoder, RecordFormat};
use crate::filter::{Filters, Metadata, Recordlike, Source, Verdict};
use crate::record::{Position, stable_hash};
use crate::time::Timestamp;
use base64_simd::STANDARD;
use std::collections::BTreeMap;

/// What a record takes beside its payload and what all of its stream have in common. Only a guess for the memory to take at once.
const RECORD_LEN_BESIDE_PAYLOAD: usize = 160;

/// Encodes the records of a table's stream.
pub type DynamoDbEncoder = PageEncoder<DynamoDbFormat>;

/// Attributes by name.
pub type Item<'a> = BTreeMap<&'a str, AttributeValue<'a>>;

/// The value of an attribute, by DynamoDB's types.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// A text.
    S(&'a str),
    /// A number, as DynamoDB spells it.
    N(&'a str),
    /// Bytes, not base64.
    B(&'a [u8]),
    /// A boolean.
    Bool(bool),
    /// Nothing; DynamoDB always says `true`.
    Null(bool),
    /// A set of texts.
    Ss(Vec<&'a str>),
    /// A set of numbers.
    Ns(Vec<&'a str>),
    /// A set of bytes.
    Bs(Vec<&'a [u8]>),
    /// A list.
    L(Vec<AttributeValue<'a>>),
    /// A map.
    M(Item<'a>),
}

/// A change of one item, as DynamoDB Streams hands it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
    /// 32 hex digits on AWS.
    pub event_id: &'a str,
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: &'a str,
    /// `1.1` on AWS.
    pub event_version: &'a str,
    /// Decimal digits.
    pub sequence_number: &'a str,
    /// ApproximateCreationDateTime
    pub created: Timestamp,
    /// The item's key.
    pub keys: Item<'a>,
    /// The item after the change, if the stream's view type has it.
    pub new_image: Option<Item<'a>>,
    /// The item before the change, likewise.
    pub old_image: Option<Item<'a>>,
    /// SizeBytes
    pub size_bytes: i64,
    /// `KEYS_ONLY`, `NEW_IMAGE`, `OLD_IMAGE` or `NEW_AND_OLD_IMAGES`.
    pub view_type: &'a str,
    /// Who made the change, if it was a service: an item whose time to live was over.
    pub user_identity: Option<UserIdentity<'a>>,
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserIdentity<'a> {
    /// `Service`
    pub kind: &'a str,
    /// `dynamodb.amazonaws.com`
    pub principal_id: &'a str,
}

/// A change whose `dynamodb` object was written.
#[derive(Clone, Debug)]
pub struct DynamoDbRecord<'a> {
    event_id: &'a str,
    event_name: &'a str,
    event_version: &'a str,
    sequence_number: &'a str,
    created: Timestamp,
    user_identity: Option<UserIdentity<'a>>,
    key: u64,
    payload: String,
}

/// What all records of a stream have in common.
#[derive(Clone, Debug)]
pub struct DynamoDbOrigin {
    /// The stream's ARN.
    pub event_source_arn: String,
    /// awsRegion
    pub region: String,
}

/// What the records of a table's stream look like.
#[derive(Clone, Debug)]
pub struct DynamoDbFormat {
    origin: DynamoDbOrigin,
    /// Everything between the version of the event and its `dynamodb` object.
    middle: String,
    /// Everything after that object and the identity.
    tail: String,
}

impl<'a> DynamoDbRecord<'a> {
    /// Writes the `dynamodb` object of a change.
    #[must_use]
    pub fn new(change: &Change<'a>) -> Self {
        let Change { event_id, event_name, event_version, sequence_number, created, .. } = *change;
        let keys = written(&change.keys);
        // AWS gives whole seconds.
        let mut payload = format!(r#"{{"ApproximateCreationDateTime":{}"#, created.as_millis() / 1000);
        payload.push_str(r#","Keys":"#);
        payload.push_str(&keys);
        for (name, image) in [("NewImage", &change.new_image), ("OldImage", &change.old_image)] {
            if let Some(image) = image {
                payload.push_str(&format!(r#","{name}":"#));
                write_item(image, &mut payload);
            }
        }
        payload.push_str(&format!(
            r#","SequenceNumber":{},"SizeBytes":{},"StreamViewType":{}}}"#,
            json_string(sequence_number),
            change.size_bytes,
            json_string(change.view_type)
        ));
        let (user_identity, key) = (change.user_identity, stable_hash(keys.as_bytes()));
        Self { event_id, event_name, event_version, sequence_number, created, user_identity, key, payload }
    }

    /// Size of its `dynamodb` object in bytes.
    #[must_use]
    pub fn payload_len(&self) -> usize {
        self.payload.len()
    }
}

fn written(item: &Item<'_>) -> String {
    let mut text = String::new();
    write_item(item, &mut text);
    text
}

fn write_item(item: &Item<'_>, into: &mut String) {
    write_all(item, ['{', '}'], into, |(name, value), into| {
        into.push_str(&json_string(name));
        into.push(':');
        write_value(value, into);
    });
}

fn write_value(value: &AttributeValue<'_>, into: &mut String) {
    let text = |text: &&str, into: &mut String| into.push_str(&json_string(text));
    let bytes = |bytes: &&[u8], into: &mut String| {
        into.push('"');
        STANDARD.encode_append(bytes, into);
        into.push('"');
    };
    into.push_str(match value {
        AttributeValue::S(_) => r#"{"S":"#,
        AttributeValue::N(_) => r#"{"N":"#,
        AttributeValue::B(_) => r#"{"B":"#,
        AttributeValue::Bool(_) => r#"{"BOOL":"#,
        AttributeValue::Null(_) => r#"{"NULL":"#,
        AttributeValue::Ss(_) => r#"{"SS":"#,
        AttributeValue::Ns(_) => r#"{"NS":"#,
        AttributeValue::Bs(_) => r#"{"BS":"#,
        AttributeValue::L(_) => r#"{"L":"#,
        AttributeValue::M(_) => r#"{"M":"#,
    });
    match value {
        AttributeValue::S(value) | AttributeValue::N(value) => text(value, into),
        AttributeValue::B(value) => bytes(value, into),
        AttributeValue::Bool(value) | AttributeValue::Null(value) => into.push_str(&value.to_string()),
        AttributeValue::Ss(values) | AttributeValue::Ns(values) => write_all(values, ['[', ']'], into, text),
        AttributeValue::Bs(values) => write_all(values, ['[', ']'], into, bytes),
        AttributeValue::L(values) => write_all(values, ['[', ']'], into, write_value),
        AttributeValue::M(item) => write_item(item, into),
    }
    into.push('}');
}

fn write_all<T>(
    items: impl IntoIterator<Item = T>,
    [open, close]: [char; 2],
    into: &mut String,
    write: impl Fn(T, &mut String),
) {
    into.push(open);
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            into.push(',');
        }
        write(item, into);
    }
    into.push(close);
}

impl DynamoDbEncoder {
    /// An encoder for the records of a stream.
    #[must_use]
    pub fn new(origin: DynamoDbOrigin) -> Self {
        let DynamoDbOrigin { event_source_arn, region } = &origin;
        let middle =
            format!(r#","eventSource":"aws:dynamodb","awsRegion":{},"dynamodb":"#, json_string(region));
        let tail = format!(r#","eventSourceARN":{}}}"#, json_string(event_source_arn));
        Self::of(DynamoDbFormat { origin, middle, tail })
    }
}

impl RecordFormat for DynamoDbFormat {
    type Record<'a> = DynamoDbRecord<'a>;

    fn position(record: &DynamoDbRecord<'_>) -> Position {
        Position::new(record.sequence_number)
    }

    fn arrival(record: &DynamoDbRecord<'_>) -> Timestamp {
        record.created
    }

    fn payload<'r>(record: &'r DynamoDbRecord<'_>) -> &'r [u8] {
        record.payload.as_bytes()
    }

    /// Changes of one item stay in order.
    fn key(record: &DynamoDbRecord<'_>) -> u64 {
        record.key
    }

    fn judge(&self, record: &DynamoDbRecord<'_>, filters: &Filters) -> Verdict {
        filters.judge(&DynamoDbView { record, origin: &self.origin })
    }

    fn encode(&self, record: &DynamoDbRecord<'_>, into: &mut Vec<u8>) {
        let mut write = |text: &str| into.extend_from_slice(text.as_bytes());
        for (before, text) in [
            (r#"{"eventID":"#, record.event_id),
            (r#","eventName":"#, record.event_name),
            (r#","eventVersion":"#, record.event_version),
        ] {
            write(before);
            write(&json_string(text));
        }
        write(&self.middle);
        write(&record.payload);
        if let Some(UserIdentity { kind, principal_id }) = record.user_identity {
            let (kind, principal_id) = (json_string(kind), json_string(principal_id));
            write(&format!(r#","userIdentity":{{"type":{kind},"principalId":{principal_id}}}"#));
        }
        write(&self.tail);
    }

    fn page_len(&self, records: usize, payload_len: usize) -> usize {
        payload_len + records * (self.middle.len() + self.tail.len() + RECORD_LEN_BESIDE_PAYLOAD)
    }
}

/// A change as filters see it.
#[derive(Clone, Copy, Debug)]
pub struct DynamoDbView<'a> {
    /// The change as it was read.
    pub record: &'a DynamoDbRecord<'a>,
    /// What all records of its stream have in common.
    pub origin: &'a DynamoDbOrigin,
}

impl Recordlike for DynamoDbView<'_> {
    const SOURCE: Source = Source::DynamoDb;

    fn payloads(&self) -> impl Iterator<Item = Option<&[u8]>> {
        std::iter::once(Some(self.record.payload.as_bytes()))
    }

    fn describe<'v>(&'v self, metadata: &mut Metadata<'_, 'v>) {
        let DynamoDbRecord { event_id, event_name, event_version, user_identity, .. } = self.record;
        metadata.add_text("eventID", event_id);
        metadata.add_text("eventName", event_name);
        metadata.add_text("eventVersion", event_version);
        metadata.add_text("eventSource", "aws:dynamodb");
        metadata.add_text("awsRegion", &self.origin.region);
        if let Some(UserIdentity { kind, principal_id }) = user_identity {
            metadata.add_text("userIdentity.type", kind);
            metadata.add_text("userIdentity.principalId", principal_id);
        }
        metadata.add_text("eventSourceARN", &self.origin.event_source_arn);
    }
}

#[cfg(test)]
mod tests;
