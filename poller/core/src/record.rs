//! One record of a stream, encoded once.
//!
//! When a record is read, `event/` turns it into the bytes that it has inside the invocation event. From then on
//! nothing looks inside: sizes are sums, and a retry reuses the same bytes.

use crate::time::Timestamp;
use bytes::Bytes;
use std::fmt;
use std::ops::Range;

/// Where a record stands in its shard. Opaque: order is order of arrival, positions are only compared for equality.
///
/// Kinesis: the sequence number (up to 56 and more digits). Kafka: the offset.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Position(Box<str>);

impl Position {
    /// A position as the source writes it.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The position as the source writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
        Self { ordinal: 0, position, arrival, start: narrow(range.start), end: narrow(range.end), page }
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
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{} ({} bytes)", self.position, self.arrival, self.encoded_len())
    }
}
