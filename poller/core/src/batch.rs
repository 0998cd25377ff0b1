//! The records of one invocation, and the exact bytes of its event.
//!
//! In: records in order, and the envelope of the source. Out: a batch within the byte limit, and its body as slices.
//! Never copies a record, never serializes one again.

use crate::record::{Position, Record};
use crate::time::Timestamp;
use bytes::Bytes;

/// The largest event of a synchronous invocation, in bytes: 6 MiB (AWS Lambda quotas, "Invocation payload").
pub const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;

const SEPARATOR: &[u8] = b",";

/// What stands around the records of an event: `{"Records":[` and `]}` for Kinesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    head: Bytes,
    tail: Bytes,
}

impl Envelope {
    /// An envelope of the two given pieces of JSON.
    #[must_use]
    pub fn new(head: impl Into<Bytes>, tail: impl Into<Bytes>) -> Self {
        Self { head: head.into(), tail: tail.into() }
    }

    /// Length in bytes of an event that holds `records` records of `encoded_bytes` in sum.
    #[must_use]
    pub fn event_len(&self, records: usize, encoded_bytes: usize) -> usize {
        self.head.len() + self.tail.len() + encoded_bytes + records.saturating_sub(1) * SEPARATOR.len()
    }
}

/// The records of one invocation, in order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    records: Vec<Record>,
    envelope: Envelope,
    event_len: usize,
}

impl Batch {
    /// A batch of `records`.
    ///
    /// # Panics
    ///
    /// If there are no records: a function is never invoked with an empty batch.
    #[must_use]
    pub fn new(records: Vec<Record>, envelope: Envelope) -> Self {
        assert!(!records.is_empty(), "a batch holds at least one record");
        let encoded_bytes = records.iter().map(Record::encoded_len).sum();
        let event_len = envelope.event_len(records.len(), encoded_bytes);
        Self { records, envelope, event_len }
    }

    /// The records, in order.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Length of the event in bytes, exactly.
    #[must_use]
    pub fn event_len(&self) -> usize {
        self.event_len
    }

    /// The event as a list of slices of what was encoded when the records were read.
    ///
    /// Neighbours from one read are one slice, so the list is short.
    #[must_use]
    pub fn body(&self) -> Vec<Bytes> {
        let mut body = vec![self.envelope.head.clone()];
        let mut run_start = self.first();
        let mut run_end = run_start;
        for record in &self.records[1..] {
            if !run_end.is_joined_to(record) {
                body.push(run_start.slice_through(run_end));
                body.push(Bytes::from_static(SEPARATOR));
                run_start = record;
            }
            run_end = record;
        }
        body.push(run_start.slice_through(run_end));
        body.push(self.envelope.tail.clone());
        body
    }

    /// Position of the first record.
    #[must_use]
    pub fn first_position(&self) -> &Position {
        self.first().position()
    }

    /// Position of the last record.
    #[must_use]
    pub fn last_position(&self) -> &Position {
        self.last().position()
    }

    /// When the last record arrived; the iterator age counts from here.
    #[must_use]
    pub fn last_arrival(&self) -> Timestamp {
        self.last().arrival()
    }

    pub(crate) fn first(&self) -> &Record {
        &self.records[0]
    }

    pub(crate) fn last(&self) -> &Record {
        &self.records[self.records.len() - 1]
    }
}
