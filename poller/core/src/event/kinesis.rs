//! Kinesis records inside an event (specification 7.1).
//!
//! In: the records of one read. Out: one page of bytes that holds them as JSON objects, separated by commas.
//! Exactly AWS's keys and nesting; the arrival time has at most three fraction digits, because readers in use refuse more.

use super::json_string;
use crate::batch::Envelope;
use crate::filter::{Filters, KinesisOrigin, KinesisView, Verdict, is_json_in_base64};
use crate::record::{Position, Record, stable_hash};
use crate::time::Timestamp;
use base64_simd::STANDARD;
use bytes::Bytes;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;

/// What a record takes, beside its data and what all of its shard have in common: twice its sequence number, its key, and
/// what never changes. Only a guess for the memory to take at once.
const RECORD_LEN_BESIDE_DATA: usize = 320;

/// What every record of one shard has in common.
#[derive(Clone, Debug)]
pub struct KinesisEncoder {
    shard_id: String,
    /// Everything after the arrival time and before the sequence number of `eventID`.
    middle: String,
    /// Everything after `eventID`.
    tail: String,
    /// Whether records get a key to keep their order by.
    has_keys: bool,
    filtering: Option<Filtering>,
}

/// The mapping's filters, and what they may be about beside the record itself.
#[derive(Clone, Debug)]
struct Filtering {
    filters: Arc<Filters>,
    event_source_arn: String,
    region: String,
    invoke_identity_arn: String,
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
    records: Vec<Encoded>,
    /// About what the records that match no filter would have taken.
    filtered_len: usize,
    first_not_json: Option<NotJson>,
}

/// A record that is dropped because its payload is not the JSON object that a filter needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotJson {
    /// Its sequence number.
    pub position: Position,
    /// Whether the payload is the base64 text of such an object.
    pub is_json_in_base64: bool,
}

/// One record of a page.
#[derive(Debug)]
struct Encoded {
    position: Position,
    arrival: Timestamp,
    key: u64,
    place: Placed,
}

/// Where a record stands in its page.
#[derive(Debug)]
enum Placed {
    At(Range<usize>),
    /// It matches no filter.
    Filtered,
    /// The same, as its payload is not a JSON object.
    NotJson,
}

impl EncodedPage {
    /// Size of the page in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Size of the page if every record were in it, those too that match no filter: about what was read.
    #[must_use]
    pub fn unfiltered_len(&self) -> usize {
        self.bytes.len() + self.filtered_len
    }

    /// The first record of the page that is dropped because it is not JSON.
    #[must_use]
    pub fn first_not_json(&self) -> Option<&NotJson> {
        self.first_not_json.as_ref()
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

    fn add_dropped(&mut self, record: &KinesisRecord<'_>, place: Placed) {
        let position = Position::new(record.sequence_number);
        if matches!(place, Placed::NotJson) && self.first_not_json.is_none() {
            let is_json_in_base64 = is_json_in_base64(record.data);
            self.first_not_json = Some(NotJson { position: position.clone(), is_json_in_base64 });
        }
        self.records.push(Encoded { position, arrival: record.arrival, key: 0, place });
    }

    /// The records. `share` turns the page into what all of them share; whatever it owns beside the bytes lives as
    /// long as any of the records (a share of a memory budget, for example).
    #[must_use]
    pub fn into_records(self, share: impl FnOnce(Vec<u8>) -> Bytes) -> Vec<Record> {
        let page = share(self.bytes);
        self.records
            .into_iter()
            .map(|Encoded { position, arrival, key, place }| match place {
                Placed::At(range) => Record::new(position, arrival, page.clone(), range).with_key(key),
                Placed::Filtered => Record::filtered(position, arrival),
                Placed::NotJson => Record::not_json(position, arrival),
            })
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
            r#"}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":{}"#,
            json_string(&format!("{shard_id}:")).trim_end_matches('"')
        );
        let tail = format!(
            r#"","eventName":"aws:kinesis:record","invokeIdentityArn":{},"awsRegion":{},"eventSourceARN":{}}}"#,
            json_string(invoke_identity_arn),
            json_string(region),
            json_string(event_source_arn)
        );
        Self { shard_id: shard_id.to_owned(), middle, tail, has_keys: false, filtering: None }
    }

    /// The same, for a mapping that has filters: records that match none stand in their page without bytes. The arguments are those
    /// of [`KinesisEncoder::new`].
    #[must_use]
    pub fn with_filters(
        self,
        filters: Arc<Filters>,
        event_source_arn: &str,
        region: &str,
        invoke_identity_arn: &str,
    ) -> Self {
        let filtering = Filtering {
            filters,
            event_source_arn: event_source_arn.to_owned(),
            region: region.to_owned(),
            invoke_identity_arn: invoke_identity_arn.to_owned(),
        };
        Self { filtering: Some(filtering), ..self }
    }

    /// The same, for a shard whose batches run side by side: records get a key, by which they keep their order.
    #[must_use]
    pub fn with_keys(self) -> Self {
        Self { has_keys: true, ..self }
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

    /// Encodes the records of one read, in order. `data_len` is how many bytes their data are in sum: the memory of the page
    /// is taken once, instead of grown and copied again and again.
    pub fn encode<'a>(
        &self,
        records: impl IntoIterator<Item = KinesisRecord<'a>>,
        data_len: usize,
    ) -> EncodedPage {
        let records = records.into_iter();
        let count = records.size_hint().1.unwrap_or_default();
        let mut page = EncodedPage {
            bytes: Vec::with_capacity(self.page_len(count, data_len)),
            records: Vec::with_capacity(count),
            filtered_len: 0,
            first_not_json: None,
        };
        for record in records {
            let dropped = match self.judge(&record) {
                Verdict::Pass => None,
                Verdict::Drop => Some(Placed::Filtered),
                Verdict::DropNotJson => Some(Placed::NotJson),
            };
            if let Some(place) = dropped {
                page.add_dropped(&record, place);
                page.filtered_len += self.page_len(1, record.data.len());
                continue;
            }
            if !page.bytes.is_empty() {
                page.bytes.push(b',');
            }
            let start = page.bytes.len();
            self.encode_one(&record, &mut page.bytes);
            page.records.push(Encoded {
                position: Position::new(record.sequence_number),
                arrival: record.arrival,
                key: self.key_of(&record),
                place: Placed::At(start..page.bytes.len()),
            });
        }
        page
    }

    /// What the record keeps its order by. One without a partition key has no order to keep.
    fn key_of(&self, record: &KinesisRecord<'_>) -> u64 {
        match self.has_keys {
            true => stable_hash(record.partition_key.unwrap_or(record.sequence_number).as_bytes()),
            false => 0,
        }
    }

    fn judge(&self, record: &KinesisRecord<'_>) -> Verdict {
        let Some(Filtering { filters, event_source_arn, region, invoke_identity_arn }) = &self.filtering
        else {
            return Verdict::Pass;
        };
        let KinesisRecord { sequence_number, partition_key, data, arrival } = *record;
        let origin =
            KinesisOrigin { shard_id: &self.shard_id, event_source_arn, region, invoke_identity_arn };
        let view = KinesisView { data, partition_key, sequence_number, arrival, origin };
        filters.judge_kinesis(&view)
    }

    /// About what a page takes, in bytes.
    fn page_len(&self, records: usize, data_len: usize) -> usize {
        data_len.div_ceil(3) * 4 + records * (self.middle.len() + self.tail.len() + RECORD_LEN_BESIDE_DATA)
    }

    fn encode_one(&self, record: &KinesisRecord<'_>, into: &mut Vec<u8>) {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::filter::Source;
    use serde_json::{Value, json};

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

    fn encoder() -> KinesisEncoder {
        KinesisEncoder::new(
            "shardId-000000000006",
            "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            "us-east-2",
            "arn:aws:iam::123456789012:role/lambda-role",
        )
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
        let batch = Batch::new(records, KinesisEncoder::envelope());
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
            let encoder = KinesisEncoder::new(shard_id, "arn\"", "\\", "\"");
            let records = encoder.encode([hello()], 0).into_records(Bytes::from);
            let event: Value = serde_json::from_slice(&records[0].encoded()).unwrap();
            assert_eq!(event["eventID"], json!(format!("{shard_id}:{}", hello().sequence_number)));
            assert_eq!(encoder.shard_id(), shard_id);
        }
    }

    #[test]
    fn order_is_kept_per_partition_key_and_a_record_without_one_has_its_sequence_number_hashed() {
        let keys = |records: &[KinesisRecord<'_>]| {
            let page = encoder().with_keys().encode(records.iter().copied(), 0);
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
        let (arn, region, role) = (
            "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            "us-east-2",
            "arn:aws:iam::123456789012:role/lambda-role",
        );
        encoder().with_filters(Arc::new(filters), arn, region, role)
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
        let batch = Batch::new(passed, KinesisEncoder::envelope());
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
            let expected = encoder().page_len(100, 100 * data.len());
            assert_eq!(page.bytes.capacity(), expected, "it did not grow");
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
