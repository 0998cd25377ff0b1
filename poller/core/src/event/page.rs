//! The records of one read, encoded for events, whatever their source.
//!
//! In: records as their source hands them out, and the mapping's filters. Out: one page of bytes that holds them as JSON objects,
//! separated by commas. A record that matches no filter stands in its page without bytes.

use crate::batch::Envelope;
use crate::filter::{Filters, Verdict, is_json_in_base64};
use crate::record::{Position, Record};
use crate::time::Timestamp;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// What stands around the records of an event of every source but Kafka.
#[must_use]
pub fn records_envelope() -> Envelope {
    Envelope::new(&br#"{"Records":["#[..], &b"]}"[..])
}

/// What the records of one shard look like inside events, and to filters.
pub trait RecordFormat {
    /// A record as its source hands it out.
    type Record<'a>;

    /// Where the record stands in its shard.
    fn position(record: &Self::Record<'_>) -> Position;

    /// When it arrived.
    fn arrival(record: &Self::Record<'_>) -> Timestamp;

    /// What its producer wrote.
    fn payload<'r>(record: &'r Self::Record<'_>) -> &'r [u8];

    /// What the record keeps its order by, hashed.
    fn key(record: &Self::Record<'_>) -> u64;

    /// Whether the function is to see the record.
    fn judge(&self, record: &Self::Record<'_>, filters: &Filters) -> Verdict;

    /// Appends the JSON object that the record is inside an event.
    fn encode(&self, record: &Self::Record<'_>, into: &mut Vec<u8>);

    /// About what `records` take in sum, with payloads of `payload_len` bytes: memory that is taken at once.
    fn page_len(&self, records: usize, payload_len: usize) -> usize;
}

/// Encodes the records of one shard.
#[derive(Clone, Debug)]
pub struct PageEncoder<F> {
    format: F,
    /// Whether records get a key to keep their order by.
    has_keys: bool,
    filters: Option<Arc<Filters>>,
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
    /// Where it stands in its shard.
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

impl<F: RecordFormat> PageEncoder<F> {
    /// An encoder for records of that format, all of which the function is to see.
    #[must_use]
    pub fn of(format: F) -> Self {
        Self { format, has_keys: false, filters: None }
    }

    /// The same, for a mapping that may have filters.
    #[must_use]
    pub fn with_filters(self, filters: Option<Arc<Filters>>) -> Self {
        Self { filters, ..self }
    }

    /// The same, for a shard whose batches run side by side if `has_keys`: records get a key, by which they keep their order.
    #[must_use]
    pub fn with_keys(self, has_keys: bool) -> Self {
        Self { has_keys, ..self }
    }

    /// Encodes the records of one read, in order. `payload_len` is how many bytes their payloads are in sum: the memory of the
    /// page is taken once, instead of grown and copied again and again.
    pub fn encode<'a>(
        &self,
        records: impl IntoIterator<Item = F::Record<'a>>,
        payload_len: usize,
    ) -> EncodedPage {
        let records = records.into_iter();
        let count = records.size_hint().1.unwrap_or_default();
        let mut page = EncodedPage {
            bytes: Vec::with_capacity(self.format.page_len(count, payload_len)),
            records: Vec::with_capacity(count),
            filtered_len: 0,
            first_not_json: None,
        };
        for record in records {
            let place = match self.judge(&record) {
                Verdict::Pass => Placed::At(page.append(&self.format, &record)),
                Verdict::Drop => Placed::Filtered,
                Verdict::DropNotJson => Placed::NotJson,
            };
            if !matches!(place, Placed::At(_)) {
                page.filtered_len += self.format.page_len(1, F::payload(&record).len());
            }
            page.add::<F>(&record, if self.has_keys { F::key(&record) } else { 0 }, place);
        }
        page
    }

    fn judge(&self, record: &F::Record<'_>) -> Verdict {
        self.filters.as_ref().map_or(Verdict::Pass, |filters| self.format.judge(record, filters))
    }
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

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    fn append<F: RecordFormat>(&mut self, format: &F, record: &F::Record<'_>) -> Range<usize> {
        if !self.bytes.is_empty() {
            self.bytes.push(b',');
        }
        let start = self.bytes.len();
        format.encode(record, &mut self.bytes);
        start..self.bytes.len()
    }

    fn add<F: RecordFormat>(&mut self, record: &F::Record<'_>, key: u64, place: Placed) {
        let position = F::position(record);
        if matches!(place, Placed::NotJson) && self.first_not_json.is_none() {
            let is_json_in_base64 = is_json_in_base64(F::payload(record));
            self.first_not_json = Some(NotJson { position: position.clone(), is_json_in_base64 });
        }
        self.records.push(Encoded { position, arrival: F::arrival(record), key, place });
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
