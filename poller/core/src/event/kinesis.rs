//! Kinesis records inside an event (specification 7.1).
//!
//! In: the records of one read. Out: one page of bytes that holds them as JSON objects, separated by commas.
//! Exactly AWS's keys and nesting; the arrival time has at most three fraction digits, because readers in use refuse more.

use crate::batch::Envelope;
use crate::record::{Position, Record};
use crate::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::io::Write as _;
use std::ops::Range;

/// What every record of one shard has in common.
#[derive(Clone, Debug)]
pub struct KinesisEncoder {
    shard_id: String,
    /// Everything after the arrival time and before the sequence number of `eventID`.
    middle: String,
    /// Everything after `eventID`.
    tail: String,
}

/// A record as Kinesis hands it out.
#[derive(Clone, Copy, Debug)]
pub struct KinesisRecord<'a> {
    /// Decimal digits.
    pub sequence_number: &'a str,
    /// Absent on streams that distribute records themselves unless the producer gave one.
    pub partition_key: Option<&'a str>,
    /// The payload, not yet base64.
    pub data: &'a [u8],
    /// approximateArrivalTimestamp
    pub arrival: Timestamp,
}

/// Records of one read, encoded: `bytes` holds them one after the other, separated by one comma.
#[derive(Debug, Default)]
pub struct EncodedPage {
    bytes: Vec<u8>,
    records: Vec<(Position, Timestamp, Range<usize>)>,
}

impl EncodedPage {
    /// Size of the page in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Number of records in the page.
    #[must_use]
    pub fn records_len(&self) -> usize {
        self.records.len()
    }

    /// Whether the page holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records. `share` turns the page into what all of them share; whatever it owns beside the bytes lives as
    /// long as any of the records (a share of a memory budget, for example).
    #[must_use]
    pub fn into_records(self, share: impl FnOnce(Vec<u8>) -> Bytes) -> Vec<Record> {
        let page = share(self.bytes);
        self.records
            .into_iter()
            .map(|(position, arrival, range)| Record::new(position, arrival, page.clone(), range))
            .collect()
    }
}

impl KinesisEncoder {
    /// An encoder for the records of one shard.
    ///
    /// `event_source_arn` is the mapping's EventSourceArn, `invoke_identity_arn` the role that a function on AWS would
    /// have.
    #[must_use]
    pub fn new(shard_id: &str, event_source_arn: &str, region: &str, invoke_identity_arn: &str) -> Self {
        let middle = format!(
            r#"}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":{}:"#,
            json_string(shard_id).trim_end_matches('"')
        );
        let tail = format!(
            r#"","eventName":"aws:kinesis:record","invokeIdentityArn":{},"awsRegion":{},"eventSourceARN":{}}}"#,
            json_string(invoke_identity_arn),
            json_string(region),
            json_string(event_source_arn)
        );
        Self { shard_id: shard_id.to_owned(), middle, tail }
    }

    /// What stands around the records of an event.
    #[must_use]
    pub fn envelope() -> Envelope {
        Envelope::new(&br#"{"Records":["#[..], &b"]}"[..])
    }

    /// The shard whose records this encodes.
    #[must_use]
    pub fn shard_id(&self) -> &str {
        &self.shard_id
    }

    /// Encodes the records of one read, in order.
    pub fn encode<'a>(&self, records: impl IntoIterator<Item = KinesisRecord<'a>>) -> EncodedPage {
        let mut page = EncodedPage::default();
        for record in records {
            if !page.bytes.is_empty() {
                page.bytes.push(b',');
            }
            let start = page.bytes.len();
            self.encode_one(&record, &mut page.bytes);
            page.records.push((
                Position::new(record.sequence_number),
                record.arrival,
                start..page.bytes.len(),
            ));
        }
        page
    }

    fn encode_one(&self, record: &KinesisRecord<'_>, into: &mut Vec<u8>) {
        let base64_len = record.data.len().div_ceil(3) * 4;
        into.reserve(
            base64_len + self.middle.len() + self.tail.len() + 2 * record.sequence_number.len() + 256,
        );
        into.extend_from_slice(br#"{"kinesis":{"kinesisSchemaVersion":"1.0","#);
        if let Some(partition_key) = record.partition_key {
            into.extend_from_slice(br#""partitionKey":"#);
            into.extend_from_slice(json_string(partition_key).as_bytes());
            into.push(b',');
        }
        into.extend_from_slice(br#""sequenceNumber":""#);
        into.extend_from_slice(record.sequence_number.as_bytes());
        into.extend_from_slice(br#"","data":""#);
        append_base64(record.data, into);
        into.extend_from_slice(br#"","approximateArrivalTimestamp":"#);
        append_seconds(record.arrival, into);
        into.extend_from_slice(self.middle.as_bytes());
        into.extend_from_slice(record.sequence_number.as_bytes());
        into.extend_from_slice(self.tail.as_bytes());
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn append_base64(data: &[u8], into: &mut Vec<u8>) {
    let start = into.len();
    into.resize(start + data.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(data, &mut into[start..]).expect("the space is exactly large enough");
    debug_assert_eq!(start + written, into.len(), "padded base64 has a known length");
}

/// Epoch seconds with three fraction digits: `1545084650.987`.
fn append_seconds(moment: Timestamp, into: &mut Vec<u8>) {
    write!(into, "{}.{:03}", moment.as_millis() / 1000, moment.as_millis() % 1000)
        .expect("writing to a Vec cannot fail");
}
