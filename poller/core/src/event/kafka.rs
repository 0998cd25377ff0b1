//! Records of one partition of a Kafka topic inside an event (specification 7.4), and what of them filters see (6.2): `value`, `key`,
//! and everything else that the event says of them.
//!
//! In: records as a broker hands them out. Out: exactly AWS's keys, nesting and order. One event holds records of one partition: a
//! partition is a shard, with batches and a position of its own.

use super::json_string;
use super::page::{PageEncoder, RecordFormat};
use crate::batch::Envelope;
use crate::filter::{Filters, Metadata, Recordlike, Source, Verdict};
use crate::record::{Position, stable_hash};
use crate::time::Timestamp;
use base64_simd::STANDARD;
use serde::Deserialize;
use std::cell::OnceCell;
use std::io::Write as _;

/// What a record takes beside its key, value and headers, and what all of its partition have in common. Only a guess for the memory
/// to take at once.
const RECORD_LEN_BESIDE_PAYLOAD: usize = 120;

/// Encodes the records of one partition.
pub type KafkaEncoder = PageEncoder<KafkaFormat>;

/// A record as a broker hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaRecord<'a> {
    /// Where it stands in its partition. Offsets grow, with gaps.
    pub offset: i64,
    /// When it was written.
    pub timestamp: KafkaTimestamp,
    /// The key, not yet base64; `None`: it has none.
    pub key: Option<&'a [u8]>,
    /// The schema that the key was validated against, if the mapping has a schema registry for it.
    pub key_schema: Option<KafkaSchema<'a>>,
    /// The value, not yet base64; `None`: a tombstone.
    pub value: Option<&'a [u8]>,
    /// The schema that the value was validated against, likewise.
    pub value_schema: Option<KafkaSchema<'a>>,
    /// In the order of the record. A key may come more than once.
    pub headers: Vec<KafkaHeader<'a>>,
}

/// A header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KafkaHeader<'a> {
    /// headerKey
    pub key: &'a str,
    /// `None`: null.
    pub value: Option<&'a [u8]>,
}

/// A schema of a registry: keySchemaMetadata and valueSchemaMetadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KafkaSchema<'a> {
    /// dataFormat: `AVRO`, `PROTOBUF` or `JSON`.
    pub data_format: &'a str,
    /// schemaId
    pub schema_id: &'a str,
}

/// When a record was written, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaTimestamp {
    /// By the clock of its producer.
    CreateTime(Timestamp),
    /// By the clock of its broker.
    LogAppendTime(Timestamp),
    /// Nobody does: it is of an old message format, or was converted from one.
    Missing {
        /// When it was read, from where its age counts.
        read_at: Timestamp,
    },
}

/// The cluster of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaCluster {
    /// The mapping's EventSourceArn; `None`: the cluster is self-managed.
    pub event_source_arn: Option<String>,
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
}

/// What all records of one partition have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaOrigin {
    /// The name of the topic.
    pub topic: String,
    /// The number of the partition.
    pub partition: i32,
}

/// What the records of one partition look like.
#[derive(Clone, Debug)]
pub struct KafkaFormat {
    origin: KafkaOrigin,
    /// Everything before the offset.
    head: String,
}

impl KafkaCluster {
    /// What stands around the records of an event of this partition.
    #[must_use]
    pub fn envelope(&self, origin: &KafkaOrigin) -> Envelope {
        let source = match &self.event_source_arn {
            Some(arn) => format!(r#""aws:kafka","eventSourceArn":{}"#, json_string(arn)),
            None => r#""SelfManagedKafka""#.to_owned(),
        };
        let (servers, partition) = (json_string(&self.bootstrap_servers), json_string(&origin.name()));
        let head =
            format!(r#"{{"eventSource":{source},"bootstrapServers":{servers},"records":{{{partition}:["#);
        Envelope::new(head, &b"]}}"[..])
    }
}

impl KafkaOrigin {
    /// How events, responses and failures name the partition: `mytopic-0`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }
}

impl KafkaTimestamp {
    /// From when the record's age counts.
    fn counts_from(self) -> Timestamp {
        match self {
            Self::CreateTime(moment) | Self::LogAppendTime(moment) | Self::Missing { read_at: moment } => {
                moment
            }
        }
    }

    /// `timestamp`, and the name of `timestampType`, as Kafka's Java client knows both.
    fn written(self) -> (i64, &'static str) {
        let millis = |moment: Timestamp| i64::try_from(moment.as_millis()).unwrap_or(i64::MAX);
        match self {
            Self::CreateTime(moment) => (millis(moment), "CREATE_TIME"),
            Self::LogAppendTime(moment) => (millis(moment), "LOG_APPEND_TIME"),
            // Kafka's own -1 is refused by readers in use.
            Self::Missing { read_at } => (millis(read_at), "NO_TIMESTAMP_TYPE"),
        }
    }
}

impl KafkaRecord<'_> {
    /// About how many bytes its key, value and headers are, if they were all base64 in the event.
    #[must_use]
    pub fn payload_len(&self) -> usize {
        // A byte of a header takes up to five bytes, and four in text; base64 adds a third to what is said here.
        let of_header = |header: &KafkaHeader<'_>| {
            let value = header.value.unwrap_or_default();
            header.key.len() + 3 * value.len() + 8
        };
        let headers: usize = self.headers.iter().map(of_header).sum();
        self.key.unwrap_or_default().len() + self.value.unwrap_or_default().len() + headers
    }
}

impl KafkaEncoder {
    /// An encoder for the records of one partition.
    #[must_use]
    pub fn new(origin: KafkaOrigin) -> Self {
        Self::of(KafkaFormat::new(origin))
    }
}

impl KafkaFormat {
    fn new(origin: KafkaOrigin) -> Self {
        let KafkaOrigin { topic, partition } = &origin;
        let head = format!(r#"{{"topic":{},"partition":{partition},"offset":"#, json_string(topic));
        Self { origin, head }
    }
}

impl RecordFormat for KafkaFormat {
    type Record<'a> = KafkaRecord<'a>;

    fn position(record: &KafkaRecord<'_>) -> Position {
        Position::new(record.offset.to_string())
    }

    fn arrival(record: &KafkaRecord<'_>) -> Timestamp {
        record.timestamp.counts_from()
    }

    fn payload<'r>(record: &'r KafkaRecord<'_>) -> &'r [u8] {
        record.value.unwrap_or_default()
    }

    /// One without a key has no order to keep: it went to this partition by chance.
    fn key(record: &KafkaRecord<'_>) -> u64 {
        record.key.map_or_else(|| stable_hash(&record.offset.to_be_bytes()), stable_hash)
    }

    fn judge(&self, record: &KafkaRecord<'_>, filters: &Filters) -> Verdict {
        filters.judge(&KafkaView::new(record, &self.origin))
    }

    fn encode(&self, record: &KafkaRecord<'_>, into: &mut Vec<u8>) {
        into.extend_from_slice(self.head.as_bytes());
        let (timestamp, kind) = record.timestamp.written();
        write!(into, r#"{},"timestamp":{timestamp},"timestampType":"{kind}","key":"#, record.offset)
            .expect("writing to a Vec cannot fail");
        write_base64(record.key, into);
        write_schema("keySchemaMetadata", record.key_schema, into);
        into.extend_from_slice(br#","value":"#);
        write_base64(record.value, into);
        write_schema("valueSchemaMetadata", record.value_schema, into);
        into.extend_from_slice(br#","headers":"#);
        write_headers(&record.headers, into);
        into.push(b'}');
    }

    fn page_len(&self, records: usize, payload_len: usize) -> usize {
        payload_len.div_ceil(3) * 4 + records * (self.head.len() + RECORD_LEN_BESIDE_PAYLOAD)
    }
}

fn write_base64(bytes: Option<&[u8]>, into: &mut Vec<u8>) {
    match bytes {
        Some(bytes) => {
            into.push(b'"');
            STANDARD.encode_append(bytes, into);
            into.push(b'"');
        }
        None => into.extend_from_slice(b"null"),
    }
}

fn write_schema(name: &str, schema: Option<KafkaSchema<'_>>, into: &mut Vec<u8>) {
    let Some(KafkaSchema { data_format, schema_id }) = schema else { return };
    let (data_format, schema_id) = (json_string(data_format), json_string(schema_id));
    write!(into, r#","{name}":{{"dataFormat":{data_format},"schemaId":{schema_id}}}"#)
        .expect("writing to a Vec cannot fail");
}

/// A list of maps of one entry each, as a key may come more than once. Bytes are signed, as Java has them. A value that is null is
/// written as an empty one, because readers in use refuse null.
fn write_headers(headers: &[KafkaHeader<'_>], into: &mut Vec<u8>) {
    into.push(b'[');
    for (number, header) in headers.iter().enumerate() {
        into.extend_from_slice(if number > 0 { b",{" } else { b"{" });
        into.extend_from_slice(json_string(header.key).as_bytes());
        into.extend_from_slice(b":[");
        for (number, byte) in header.value.unwrap_or_default().iter().enumerate() {
            let separator = if number > 0 { "," } else { "" };
            write!(into, "{separator}{}", byte.cast_signed()).expect("writing to a Vec cannot fail");
        }
        into.extend_from_slice(b"]}");
    }
    into.push(b']');
}

/// A record that was encoded here, as far as its key.
#[derive(Deserialize)]
struct Keyed<'a> {
    key: Option<&'a str>,
}

/// The key of a record that this module encoded; `None`: it has none.
pub(super) fn key_of(encoded: &[u8]) -> Option<Vec<u8>> {
    let record: Keyed<'_> = serde_json::from_slice(encoded).expect("a record of Kafka was encoded here");
    record.key.map(|key| STANDARD.decode_to_vec(key).expect("a key of Kafka was encoded here"))
}

/// A record of Kafka as filters see it.
#[derive(Clone, Debug)]
pub struct KafkaView<'a> {
    record: &'a KafkaRecord<'a>,
    origin: &'a KafkaOrigin,
    /// As the event has them, once a pattern asked for them.
    headers: OnceCell<String>,
}

impl<'a> KafkaView<'a> {
    /// A record as it was read, of this partition.
    #[must_use]
    pub fn new(record: &'a KafkaRecord<'a>, origin: &'a KafkaOrigin) -> Self {
        Self { record, origin, headers: OnceCell::new() }
    }

    fn headers(&self) -> &str {
        self.headers.get_or_init(|| {
            let mut headers = Vec::new();
            write_headers(&self.record.headers, &mut headers);
            String::from_utf8(headers).expect("keys of headers are text, and their bytes are numbers")
        })
    }
}

impl Recordlike for KafkaView<'_> {
    const SOURCE: Source = Source::Kafka;

    fn payloads(&self) -> impl Iterator<Item = Option<&[u8]>> {
        [self.record.value, self.record.key].into_iter()
    }

    fn describe<'v>(&'v self, metadata: &mut Metadata<'_, 'v>) {
        let (timestamp, kind) = self.record.timestamp.written();
        metadata.add_text("topic", &self.origin.topic);
        metadata.add_json("partition", || self.origin.partition.to_string());
        metadata.add_json("offset", || self.record.offset.to_string());
        metadata.add_json("timestamp", || timestamp.to_string());
        metadata.add_text("timestampType", kind);
        for (name, schema) in
            [("keySchemaMetadata", self.record.key_schema), ("valueSchemaMetadata", self.record.value_schema)]
        {
            if let Some(KafkaSchema { data_format, schema_id }) = schema {
                metadata.add_text(&format!("{name}.dataFormat"), data_format);
                metadata.add_text(&format!("{name}.schemaId"), schema_id);
            }
        }
        metadata.add_document("headers", self.headers());
    }
}

#[cfg(test)]
mod tests;
