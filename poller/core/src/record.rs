//! One record of a stream, encoded once.
//!
//! When a record is read, `event/` turns it into the bytes that it has inside the invocation event. From then on
//! nothing looks inside: sizes are sums, and a retry reuses the same bytes.

use crate::time::Timestamp;
use bytes::Bytes;
use siphasher::sip::SipHasher24;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Where a record stands in its shard. Opaque: order is order of arrival, positions are only compared for equality.
///
/// Kinesis: the sequence number (up to 56 and more digits). Kafka: the offset.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Position(Arc<str>);

impl Position {
    /// A position as the source writes it.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The position as the source writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number for this position that stays the same for ever: it is kept. An offset of Kafka is its own. Two sequence numbers of one
    /// shard share theirs with a chance of 1 in 2⁶⁴.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.offset().unwrap_or_else(|| stable_hash(self.0.as_bytes()))
    }

    /// The offset that the position is, if it is one: as Kafka writes them, and shorter than any sequence number.
    #[must_use]
    pub fn offset(&self) -> Option<u64> {
        let is_plain = self.0.len() < 20 && number_text(&self.0) == &*self.0;
        self.0.parse().ok().filter(|_| is_plain)
    }
}

/// `text` without the zeros that a number may begin with: two texts of one number are equal. Anything but a number stays as
/// it is.
pub(crate) fn number_text(text: &str) -> &str {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let zeros = text.len() - text.trim_start_matches('0').len();
    if is_number { &text[zeros.min(text.len() - 1)..] } else { text }
}

/// A hash that never changes, from one version of Pelton to the next: SipHash-2-4 with a key of zeros.
#[must_use]
pub fn stable_hash(bytes: &[u8]) -> u64 {
    SipHasher24::new().hash(bytes)
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The place of a record in the order in which its shard handed it out: 0, 1, 2, … since this [`crate::Shard`] began.
pub type Ordinal = u64;

/// A record as the core holds it: where it stands, when it arrived, and its bytes inside the invocation event.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    pub(crate) ordinal: Ordinal,
    position: Position,
    arrival: Timestamp,
    /// Records with the same key stay in order, also where batches run side by side.
    key: u64,
    is_filtered: bool,
    is_not_json: bool,
    page: Bytes,
    start: u32,
    end: u32,
}

impl Record {
    /// A record whose event bytes are `page[range]`.
    ///
    /// All records of one read share one `page`, separated by a single comma, so that neighbours in a batch are one
    /// slice. The page lives as long as any of its records.
    ///
    /// # Panics
    ///
    /// If `range` does not lie within `page`, or the page is larger than `u32::MAX` bytes.
    #[must_use]
    pub fn new(position: Position, arrival: Timestamp, page: Bytes, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= page.len(), "a record lies within its page");
        let narrow = |offset: usize| u32::try_from(offset).expect("a page is smaller than 4 GiB");
        let (start, end) = (narrow(range.start), narrow(range.end));
        Self {
            ordinal: 0,
            position,
            arrival,
            key: 0,
            is_filtered: false,
            is_not_json: false,
            page,
            start,
            end,
        }
    }

    /// A record that matches no filter: it is never delivered, and holds no bytes.
    #[must_use]
    pub fn filtered(position: Position, arrival: Timestamp) -> Self {
        Self { is_filtered: true, ..Self::new(position, arrival, Bytes::new(), 0..0) }
    }

    /// The same, as its payload is not the JSON object that a filter needs.
    #[must_use]
    pub fn not_json(position: Position, arrival: Timestamp) -> Self {
        Self { is_not_json: true, ..Self::filtered(position, arrival) }
    }

    /// The same record with a key: a stable hash of whatever its source keeps order by.
    #[must_use]
    pub fn with_key(self, key: u64) -> Self {
        Self { key, ..self }
    }

    /// Where the record stands in its shard.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// When the stream accepted the record (approximateArrivalTimestamp).
    #[must_use]
    pub fn arrival(&self) -> Timestamp {
        self.arrival
    }

    /// What the record keeps its order by, hashed; zero where nobody gave it one.
    #[must_use]
    pub fn key(&self) -> u64 {
        self.key
    }

    /// Whether the record matches no filter.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.is_filtered
    }

    /// Whether the record matches no filter because its payload is not a JSON object.
    #[must_use]
    pub fn is_not_json(&self) -> bool {
        self.is_not_json
    }

    /// The record's bytes inside the invocation event: one JSON object.
    #[must_use]
    pub fn encoded(&self) -> Bytes {
        self.page.slice(self.start as usize..self.end as usize)
    }

    /// Length of [`Record::encoded`] in bytes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether `next` follows in the same page with only the separator between, so that both are one slice.
    pub(crate) fn is_joined_to(&self, next: &Record) -> bool {
        self.page.as_ptr() == next.page.as_ptr() && self.end + 1 == next.start
    }

    /// The bytes from the start of this record to the end of `last`, which must be of the same page.
    pub(crate) fn slice_through(&self, last: &Record) -> Bytes {
        self.page.slice(self.start as usize..last.end as usize)
    }

    /// The same with the separator that follows, if one does: the page then goes on.
    pub(crate) fn slice_through_separator(&self, last: &Record) -> Option<Bytes> {
        let end = last.end as usize;
        (end < self.page.len()).then(|| self.page.slice(self.start as usize..=end))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} ({} bytes)", self.position, self.arrival, self.encoded_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_number_are_equal_and_those_of_two_are_not() {
        for (text, expected) in
            [("120", "120"), ("220", "220"), ("00120", "120"), ("0", "0"), ("000", "0"), ("", "")]
        {
            assert_eq!(number_text(text), expected);
        }
    }

    #[test]
    fn what_is_no_number_stays_as_it_is() {
        for text in ["00a", "0 ", "-0", "٠١"] {
            assert_eq!(number_text(text), text);
        }
    }

    #[test]
    fn a_record_is_shown_by_its_position_arrival_and_size() {
        let arrival = Timestamp::from_millis(5);
        let record = Record::new(Position::new("7"), arrival, Bytes::from_static(b"{}"), 0..2);
        assert_eq!(format!("{record:?}"), format!("7@{arrival} (2 bytes)"));
    }
}
