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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use serde_json::{Value, json};

    const SEQUENCE_NUMBER: &str = "49590338271490256608559692538361571095921575989136588898";

    fn encoder() -> KinesisEncoder {
        KinesisEncoder::new(
            "shardId-000000000006",
            "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            "us-east-2",
            "arn:aws:iam::123456789012:role/lambda-role",
        )
    }

    fn record<'a>(partition_key: Option<&'a str>, data: &'a [u8], arrival: u64) -> KinesisRecord<'a> {
        let arrival = Timestamp::from_millis(arrival);
        KinesisRecord { sequence_number: SEQUENCE_NUMBER, partition_key, data, arrival }
    }

    /// The event of one read, as text.
    fn event<'a>(records: impl IntoIterator<Item = KinesisRecord<'a>>) -> String {
        let records = encoder().encode(records).into_records(Bytes::from);
        let batch = Batch::new(records, KinesisEncoder::envelope());
        let event = String::from_utf8(batch.body().concat()).unwrap();
        assert_eq!(event.len(), batch.event_len());
        event
    }

    /// What stands under `kinesis` in the event of one record.
    fn kinesis_of(record: KinesisRecord<'_>) -> Value {
        let mut event: Value = serde_json::from_str(&event([record])).unwrap();
        event["Records"][0]["kinesis"].take()
    }

    #[test]
    fn an_event_has_exactly_the_keys_and_the_nesting_of_aws() {
        let text = event([record(Some("1"), b"Hello, this is a test.", 1_545_084_650_987)]);
        let expected = json!({"Records": [{
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "1",
                "sequenceNumber": SEQUENCE_NUMBER,
                "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
                "approximateArrivalTimestamp": 1_545_084_650.987,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-000000000006:{SEQUENCE_NUMBER}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
            "awsRegion": "us-east-2",
            "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
        }]});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn the_time_of_arrival_has_exactly_three_fraction_digits() {
        for (millis, expected) in [(1_000, "1.000"), (1_050, "1.050"), (1_545_084_650_009, "1545084650.009")]
        {
            let text = event([record(Some("1"), b"", millis)]);
            assert!(text.contains(&format!(r#""approximateArrivalTimestamp":{expected}}}"#)), "{text}");
        }
    }

    #[test]
    fn a_record_without_partition_key_has_none_in_the_event() {
        assert_eq!(kinesis_of(record(None, b"a", 1_000)).get("partitionKey"), None);
    }

    #[test]
    fn any_partition_key_and_any_data_arrive_as_they_were() {
        let all_bytes: Vec<u8> = (0..=255).collect();
        for key in ["k\u{e9}y \u{1F600}", "\"quoted\" \\ \n\t\u{1}", ""] {
            for data in [&b""[..], &b"a"[..], &b"ab"[..], &b"abc"[..], &all_bytes] {
                let kinesis = kinesis_of(record(Some(key), data, 1_000));
                assert_eq!(kinesis["partitionKey"], key);
                assert_eq!(STANDARD.decode(kinesis["data"].as_str().unwrap()).unwrap(), data);
            }
        }
    }

    #[test]
    fn records_of_one_read_share_one_page_and_are_separated_by_a_comma() {
        let records = [record(Some("1"), b"a", 1_000), record(Some("2"), b"b", 2_000)];
        let one = encoder().encode([records[0]]).len();
        let page = encoder().encode(records);
        assert_eq!((page.records_len(), page.len()), (2, 2 * one + 1));
        let event: Value = serde_json::from_str(&event(records)).unwrap();
        assert_eq!(event["Records"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn a_read_without_records_is_an_empty_page() {
        let page = encoder().encode([]);
        assert!(page.is_empty());
        assert!(page.into_records(Bytes::from).is_empty());
    }
}
