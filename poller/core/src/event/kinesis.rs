//! Kinesis records inside an event (specification 7.1), and what of them filters see (6.2): `data`, and everything else that the
//! event says of them.
//!
//! Exactly AWS's keys and nesting; the arrival time has at most three fraction digits, because readers in use refuse more.

use super::json_string;
use super::page::{PageEncoder, RecordFormat};
use crate::filter::{Filters, Metadata, Recordlike, Source, Verdict};
use crate::record::{Position, stable_hash};
use crate::time::Timestamp;
use base64_simd::STANDARD;
use std::io::Write as _;

/// What a record takes, beside its data and what all of its shard have in common: twice its sequence number, its key, and
/// what never changes. Only a guess for the memory to take at once.
const RECORD_LEN_BESIDE_DATA: usize = 320;

/// Encodes the records of one shard of a Kinesis stream.
pub type KinesisEncoder = PageEncoder<KinesisFormat>;

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

/// What all records of one shard have in common.
#[derive(Clone, Debug)]
pub struct KinesisOrigin {
    /// Such as `shardId-000000000006`.
    pub shard_id: String,
    /// The mapping's EventSourceArn.
    pub event_source_arn: String,
    /// awsRegion
    pub region: String,
    /// invokeIdentityArn: the role that a function on AWS would have.
    pub invoke_identity_arn: String,
}

/// What the records of one shard look like.
#[derive(Clone, Debug)]
pub struct KinesisFormat {
    origin: KinesisOrigin,
    /// Everything after the arrival time and before the sequence number of `eventID`.
    middle: String,
    /// Everything after `eventID`.
    tail: String,
}

impl KinesisEncoder {
    /// An encoder for the records of one shard.
    #[must_use]
    pub fn new(origin: KinesisOrigin) -> Self {
        Self::of(KinesisFormat::new(origin))
    }
}

impl KinesisFormat {
    fn new(origin: KinesisOrigin) -> Self {
        let KinesisOrigin { shard_id, event_source_arn, region, invoke_identity_arn } = &origin;
        let middle = format!(
            r#"}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":{}"#,
            json_string(&format!("{shard_id}:")).trim_end_matches('"')
        );
        let tail = format!(
            r#"","eventName":"aws:kinesis:record","invokeIdentityArn":{},"awsRegion":{},"eventSourceARN":{}}}"#,
            json_string(invoke_identity_arn),
            json_string(region),
            json_string(event_source_arn)
        );
        Self { origin, middle, tail }
    }
}

impl RecordFormat for KinesisFormat {
    type Record<'a> = KinesisRecord<'a>;

    fn position(record: &KinesisRecord<'_>) -> Position {
        Position::new(record.sequence_number)
    }

    fn arrival(record: &KinesisRecord<'_>) -> Timestamp {
        record.arrival
    }

    fn payload<'r>(record: &'r KinesisRecord<'_>) -> &'r [u8] {
        record.data
    }

    /// One without a partition key has no order to keep.
    fn key(record: &KinesisRecord<'_>) -> u64 {
        stable_hash(record.partition_key.unwrap_or(record.sequence_number).as_bytes())
    }

    fn judge(&self, record: &KinesisRecord<'_>, filters: &Filters) -> Verdict {
        filters.judge(&KinesisView { record: *record, origin: &self.origin })
    }

    fn encode(&self, record: &KinesisRecord<'_>, into: &mut Vec<u8>) {
        into.extend_from_slice(br#"{"kinesis":{"kinesisSchemaVersion":"1.0","#);
        if let Some(partition_key) = record.partition_key {
            into.extend_from_slice(br#""partitionKey":"#);
            into.extend_from_slice(json_string(partition_key).as_bytes());
            into.push(b',');
        }
        into.extend_from_slice(br#""sequenceNumber":""#);
        into.extend_from_slice(record.sequence_number.as_bytes());
        into.extend_from_slice(br#"","data":""#);
        STANDARD.encode_append(record.data, into);
        into.extend_from_slice(br#"","approximateArrivalTimestamp":"#);
        write!(into, "{}", record.arrival).expect("writing to a Vec cannot fail");
        into.extend_from_slice(self.middle.as_bytes());
        into.extend_from_slice(record.sequence_number.as_bytes());
        into.extend_from_slice(self.tail.as_bytes());
    }

    fn page_len(&self, records: usize, payload_len: usize) -> usize {
        payload_len.div_ceil(3) * 4 + records * (self.middle.len() + self.tail.len() + RECORD_LEN_BESIDE_DATA)
    }
}

/// A record of Kinesis as filters see it.
#[derive(Clone, Copy, Debug)]
pub struct KinesisView<'a> {
    /// The record as it was read.
    pub record: KinesisRecord<'a>,
    /// What all records of its shard have in common.
    pub origin: &'a KinesisOrigin,
}

impl Recordlike for KinesisView<'_> {
    const SOURCE: Source = Source::Kinesis;

    fn payloads(&self) -> impl Iterator<Item = Option<&[u8]>> {
        std::iter::once(Some(self.record.data))
    }

    /// As in the event, where half of it stands under `kinesis`: patterns may name it with or without that.
    fn describe<'v>(&'v self, metadata: &mut Metadata<'_, 'v>) {
        let KinesisRecord { sequence_number, partition_key, arrival, data: _ } = self.record;
        let KinesisOrigin { shard_id, event_source_arn, region, invoke_identity_arn } = self.origin;
        if let Some(partition_key) = partition_key {
            metadata.add_text("partitionKey", partition_key);
        }
        metadata.add_text("kinesisSchemaVersion", "1.0");
        metadata.add_text("sequenceNumber", sequence_number);
        metadata.add_json("approximateArrivalTimestamp", || arrival.to_string());
        metadata.add_text("eventSource", "aws:kinesis");
        metadata.add_text("eventVersion", "1.0");
        metadata.add_json("eventID", || format!("\"{shard_id}:{sequence_number}\""));
        metadata.add_text("eventName", "aws:kinesis:record");
        metadata.add_text("invokeIdentityArn", invoke_identity_arn);
        metadata.add_text("awsRegion", region);
        metadata.add_text("eventSourceARN", event_source_arn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::event::page::records_envelope;
    use crate::record::Record;
    use bytes::Bytes;
    use serde_json::{Value, json};
    use std::sync::Arc;

    /// The example of specification 7.1, byte for byte as it is sent.
    const GOLDEN: &str = concat!(
        r#"{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1","#,
        r#""sequenceNumber":"49590338271490256608559692538361571095921575989136588898","#,
        r#""data":"SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==","approximateArrivalTimestamp":1545084650.987},"#,
        r#""eventSource":"aws:kinesis","eventVersion":"1.0","#,
        r#""eventID":"shardId-000000000006:49590338271490256608559692538361571095921575989136588898","#,
        r#""eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/lambda-role","#,
        r#""awsRegion":"us-east-2","#,
        r#""eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"}]}"#
    );

    fn origin() -> KinesisOrigin {
        KinesisOrigin {
            shard_id: "shardId-000000000006".into(),
            event_source_arn: "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream".into(),
            region: "us-east-2".into(),
            invoke_identity_arn: "arn:aws:iam::123456789012:role/lambda-role".into(),
        }
    }

    fn encoder() -> KinesisEncoder {
        KinesisEncoder::new(origin())
    }

    fn hello() -> KinesisRecord<'static> {
        KinesisRecord {
            sequence_number: "49590338271490256608559692538361571095921575989136588898",
            partition_key: Some("1"),
            data: b"Hello, this is a test.",
            arrival: Timestamp::from_millis(1_545_084_650_987),
        }
    }

    fn event(records: &[KinesisRecord<'_>]) -> String {
        let records = encoder().encode(records.iter().copied(), 0).into_records(Bytes::from);
        let batch = Batch::new(records, records_envelope());
        assert_eq!(batch.body().len(), 3, "the records of one read are one slice");
        assert_eq!(batch.event_len(), batch.body().concat().len());
        String::from_utf8(batch.body().concat()).unwrap()
    }

    /// Encoded alone, `record` has `expected` at `pointer` (RFC 6901) inside its event, and nothing else changed.
    fn check(record: KinesisRecord<'_>, pointer: &str, expected: Option<Value>) {
        let event: Value = serde_json::from_str(&event(&[record])).unwrap();
        assert_eq!(event.pointer(&format!("/Records/0{pointer}")), expected.as_ref());
        let golden: Value = serde_json::from_str(GOLDEN).unwrap();
        let keys = |event: &Value, of: &str| {
            let object = event.pointer(of).unwrap().as_object().unwrap();
            object.keys().filter(|key| *key != "partitionKey").cloned().collect::<Vec<_>>()
        };
        for object in ["", "/Records/0", "/Records/0/kinesis"] {
            assert_eq!(keys(&event, object), keys(&golden, object));
        }
    }

    #[test]
    fn an_event_is_that_of_the_specification_to_the_byte() {
        assert_eq!(event(&[hello()]), GOLDEN);
    }

    #[test]
    fn records_of_one_read_follow_each_other_in_order() {
        let second = KinesisRecord { sequence_number: "5", data: b"", ..hello() };
        let event: Value = serde_json::from_str(&event(&[hello(), second, hello()])).unwrap();
        let ids: Vec<&Value> =
            event["Records"].as_array().unwrap().iter().map(|record| &record["eventID"]).collect();
        let id = format!("shardId-000000000006:{}", hello().sequence_number);
        assert_eq!(ids, [&json!(id), &json!("shardId-000000000006:5"), &json!(id)]);
    }

    #[test]
    fn a_record_without_a_partition_key_has_none_in_its_event() {
        check(KinesisRecord { partition_key: None, ..hello() }, "/kinesis/partitionKey", None);
    }

    #[test]
    fn quotes_backslashes_and_control_characters_of_a_partition_key_are_escaped() {
        let key = "\"\\\n\t\u{0}\u{1f}/";
        check(
            KinesisRecord { partition_key: Some(key), ..hello() },
            "/kinesis/partitionKey",
            Some(json!(key)),
        );
    }

    #[test]
    fn a_partition_key_may_be_any_unicode() {
        let key = "ключ 🔑 \u{2028} ÿ";
        check(
            KinesisRecord { partition_key: Some(key), ..hello() },
            "/kinesis/partitionKey",
            Some(json!(key)),
        );
    }

    #[test]
    fn empty_data_is_an_empty_string() {
        check(KinesisRecord { data: b"", ..hello() }, "/kinesis/data", Some(json!("")));
    }

    #[test]
    fn data_is_standard_base64_with_two_one_or_no_padding_characters() {
        check(KinesisRecord { data: b"\xff", ..hello() }, "/kinesis/data", Some(json!("/w==")));
        check(KinesisRecord { data: b"\xff\xfe", ..hello() }, "/kinesis/data", Some(json!("//4=")));
        check(KinesisRecord { data: b"\xff\xfe\xfb", ..hello() }, "/kinesis/data", Some(json!("//77")));
    }

    #[test]
    fn the_arrival_time_is_in_seconds_with_exactly_three_fraction_digits() {
        let arrival_of = |millis| {
            let event = event(&[KinesisRecord { arrival: Timestamp::from_millis(millis), ..hello() }]);
            let (_, rest) = event.split_once(r#""approximateArrivalTimestamp":"#).unwrap();
            rest.split_once('}').unwrap().0.to_owned()
        };
        assert_eq!(arrival_of(1_545_084_650_987), "1545084650.987");
        assert_eq!(arrival_of(1_545_084_650_980), "1545084650.980");
        assert_eq!(arrival_of(1_545_084_650_005), "1545084650.005");
        assert_eq!(arrival_of(1_545_084_650_000), "1545084650.000");
        assert_eq!(arrival_of(7), "0.007");
    }

    #[test]
    fn names_of_the_outside_cannot_break_the_event() {
        for shard_id in ["", "shard\"", "a\\\"b"] {
            let encoder = KinesisEncoder::new(KinesisOrigin {
                shard_id: shard_id.into(),
                event_source_arn: "arn\"".into(),
                region: "\\".into(),
                invoke_identity_arn: "\"".into(),
            });
            let records = encoder.encode([hello()], 0).into_records(Bytes::from);
            let event: Value = serde_json::from_slice(&records[0].encoded()).unwrap();
            assert_eq!(event["eventID"], json!(format!("{shard_id}:{}", hello().sequence_number)));
        }
    }

    #[test]
    fn order_is_kept_per_partition_key_and_a_record_without_one_has_its_sequence_number_hashed() {
        let keys = |records: &[KinesisRecord<'_>]| {
            let page = encoder().with_keys(true).encode(records.iter().copied(), 0);
            page.into_records(Bytes::from).iter().map(Record::key).collect::<Vec<_>>()
        };
        let other = KinesisRecord { partition_key: Some("2"), ..hello() };
        let none = KinesisRecord { partition_key: None, ..hello() };
        let next = KinesisRecord { sequence_number: "5", ..hello() };
        let keys = keys(&[hello(), other, none, next]);
        assert_eq!(keys[0], keys[3], "the same partition key");
        assert_eq!(keys[0], stable_hash(b"1"), "it never changes");
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    }

    fn filtering(pattern: &str) -> KinesisEncoder {
        let filters = Filters::compile(Source::Kinesis, &[pattern.to_owned()]).unwrap().unwrap();
        encoder().with_filters(Some(Arc::new(filters)))
    }

    #[test]
    fn a_record_that_passes_is_byte_for_byte_what_it_is_without_filters() {
        let data = [br#"{"a" : 3.0e2, "a":"\u00e9"}"#.as_slice(), b"{\"a\":1}", b"\xff", b""];
        let records = data.map(|data| KinesisRecord { data, ..hello() });
        for record in records {
            let with = filtering(r#"{"partitionKey":["1"]}"#).encode([record], 0).into_records(Bytes::from);
            let without = encoder().encode([record], 0).into_records(Bytes::from);
            assert_eq!(with[0].encoded(), without[0].encoded());
            assert_eq!(with, without);
        }
    }

    #[test]
    fn a_record_that_matches_no_filter_stands_in_its_page_without_bytes() {
        let dropped = KinesisRecord { data: br#"{"level":"info"}"#, sequence_number: "5", ..hello() };
        let passed = KinesisRecord { data: br#"{"level":"error"}"#, ..hello() };
        let page = filtering(r#"{"data":{"level":["error"]}}"#)
            .encode([dropped, passed, dropped, passed, dropped], 0);
        let whole = encoder().encode([passed, passed], 0);
        assert_eq!((page.len(), page.records_len()), (whole.len(), 5));
        assert!(page.unfiltered_len() > page.len());
        assert_eq!(whole.unfiltered_len(), whole.len());
        let records = page.into_records(Bytes::from);
        let filtered: Vec<bool> = records.iter().map(Record::is_filtered).collect();
        assert_eq!(filtered, [true, false, true, false, true]);
        assert_eq!((records[0].position().as_str(), records[0].arrival()), ("5", hello().arrival));
        let passed: Vec<Record> = records.into_iter().filter(|record| !record.is_filtered()).collect();
        let batch = Batch::new(passed, records_envelope());
        assert_eq!(batch.body().len(), 3, "what was filtered between two records does not part them");
        serde_json::from_slice::<Value>(&batch.body().concat()).unwrap();
    }

    #[test]
    fn a_filter_sees_what_the_event_says_of_a_record() {
        let event: Value = serde_json::from_str(GOLDEN).unwrap();
        let mut names = 0;
        let record = event["Records"][0].as_object().unwrap();
        for (name, value) in record.iter().chain(record["kinesis"].as_object().unwrap()) {
            if name == "data" || name == "kinesis" {
                continue;
            }
            names += 1;
            for pattern in [json!({name: [value]}), json!({"kinesis": {name: [value]}})] {
                let records = filtering(&pattern.to_string()).encode([hello()], 0).into_records(Bytes::from);
                assert!(!records[0].is_filtered(), "{pattern}");
            }
            let other = json!({name: [{"anything-but": [value]}]});
            let records = filtering(&other.to_string()).encode([hello()], 0).into_records(Bytes::from);
            assert!(records[0].is_filtered(), "{other}");
        }
        assert_eq!(names, 11);
    }

    #[test]
    fn the_memory_of_a_page_is_taken_once_and_little_more_than_it_needs() {
        for data in [&[0; 10_000][..], b""] {
            let record = KinesisRecord { data, ..hello() };
            let page = encoder().encode([record; 100], 100 * data.len());
            let expected = KinesisFormat::new(origin()).page_len(100, 100 * data.len());
            assert_eq!(page.capacity(), expected, "it did not grow");
            assert!(page.len() * 4 > expected * 3, "{} of {expected} bytes are used", page.len());
        }
    }

    #[test]
    fn a_page_without_records_is_empty() {
        let page = encoder().encode([], 0);
        assert!(page.is_empty());
        assert_eq!(page.len(), 0);
        assert!(!encoder().encode([hello()], 0).is_empty());
    }

    #[test]
    fn a_record_keeps_its_sequence_number_and_arrival_beside_its_bytes() {
        let page = encoder().encode([hello()], 0);
        let len = page.len();
        let records = page.into_records(Bytes::from);
        assert_eq!(records[0].position().as_str(), hello().sequence_number);
        assert_eq!((records[0].arrival(), records[0].encoded_len()), (hello().arrival, len));
    }
}
