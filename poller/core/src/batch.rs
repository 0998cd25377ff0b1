//! The records of one invocation, and the exact bytes of its event.
//!
//! In: records in order, and the envelope of the source. Out: the body of the event as slices, and its exact length; where a batch
//! is cut is decided by `shard/lane/cutting.rs`. Never copies a record, never serializes one again.

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

    /// An event without records, in two slices.
    #[must_use]
    pub fn empty_event(&self) -> [Bytes; 2] {
        [self.head.clone(), self.tail.clone()]
    }

    /// Length in bytes of an event that holds `records` records of `encoded_bytes` in sum.
    #[must_use]
    pub fn event_len(&self, records: usize, encoded_bytes: usize) -> usize {
        self.head.len() + self.tail.len() + encoded_bytes + records.saturating_sub(1) * SEPARATOR.len()
    }
}

/// The records of one invocation, in order. Empty only for the final invocation of a tumbling window.
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

    /// A batch without records, for the final invocation of a tumbling window.
    #[must_use]
    pub fn without_records(envelope: Envelope) -> Self {
        let event_len = envelope.event_len(0, 0);
        Self { records: Vec::new(), envelope, event_len }
    }

    /// The same records in another envelope.
    pub(crate) fn in_envelope(&self, envelope: Envelope) -> Self {
        let event_len = self.event_len - self.envelope.event_len(0, 0) + envelope.event_len(0, 0);
        Self { records: self.records.clone(), envelope, event_len }
    }

    /// The records, in order.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn envelope(&self) -> &Envelope {
        &self.envelope
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
        let Some(mut run_start) = self.records.first() else {
            body.push(self.envelope.tail.clone());
            return body;
        };
        let mut run_end = run_start;
        for record in &self.records[1..] {
            if !run_end.is_joined_to(record) {
                match run_start.slice_through_separator(run_end) {
                    Some(run) => body.push(run),
                    None => body.extend([run_start.slice_through(run_end), Bytes::from_static(SEPARATOR)]),
                }
                run_start = record;
            }
            run_end = record;
        }
        body.push(run_start.slice_through(run_end));
        body.push(self.envelope.tail.clone());
        body
    }

    /// Position of the first record; `None` without records.
    #[must_use]
    pub fn first_position(&self) -> Option<&Position> {
        self.records.first().map(Record::position)
    }

    /// Position of the last record; `None` without records.
    #[must_use]
    pub fn last_position(&self) -> Option<&Position> {
        self.records.last().map(Record::position)
    }

    /// When the last record arrived, from where the iterator age counts; `None` without records.
    #[must_use]
    pub fn last_arrival(&self) -> Option<Timestamp> {
        self.records.last().map(Record::arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, letters, records};

    /// A batch of the given pages has this body, in this many slices (envelope and separators included).
    fn check(pages: &[&str], body: &str, slices: usize) {
        let records: Vec<Record> = pages.iter().flat_map(|page| records(page, at(0))).collect();
        let batch = Batch::new(records, Envelope::new(r#"{"Records":["#, "]}"));
        assert_eq!(String::from_utf8(batch.body().concat()).unwrap(), body);
        assert_eq!(batch.body().len(), slices);
        assert_eq!(batch.event_len(), body.len(), "the length is known without building the body");
        let event: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(event["Records"].as_array().unwrap().len(), batch.records().len());
    }

    #[test]
    fn one_record_stands_alone() {
        check(&["a"], r#"{"Records":["a"]}"#, 3);
    }

    #[test]
    fn neighbours_of_one_page_are_one_slice() {
        check(&["abcd"], r#"{"Records":["a","b","c","d"]}"#, 3);
    }

    #[test]
    fn records_of_two_pages_are_two_slices_and_a_separator() {
        check(&["ab", "cd"], r#"{"Records":["a","b","c","d"]}"#, 5);
    }

    #[test]
    fn every_page_may_be_of_one_record() {
        check(&["a", "b", "c"], r#"{"Records":["a","b","c"]}"#, 7);
    }

    #[test]
    fn records_that_are_no_neighbours_are_not_joined() {
        let page = records("abcde", at(0));
        let picked: Vec<Record> = [0, 1, 3, 4].map(|index: usize| page[index].clone()).to_vec();
        let batch = Batch::new(picked, Envelope::new("[", "]"));
        assert_eq!(batch.body().concat(), br#"["a","b","d","e"]"#);
        assert_eq!(batch.body().len(), 4, "the separator comes from the page");
        assert_eq!(batch.event_len(), batch.body().concat().len());
    }

    #[test]
    fn records_of_two_pages_are_not_joined_though_their_places_fit() {
        let picked = vec![records("a", at(0))[0].clone(), records("bc", at(0))[1].clone()];
        let batch = Batch::new(picked, Envelope::new("[", "]"));
        assert_eq!(batch.body().concat(), br#"["a","c"]"#);
    }

    #[test]
    fn a_batch_names_its_ends() {
        let batch = Batch::new(records("abc", at(7)), Envelope::new("[", "]"));
        let ends =
            [batch.first_position(), batch.last_position()].map(|position| position.map(Position::as_str));
        assert_eq!(ends, [Some("a"), Some("c")]);
        assert_eq!((letters(batch.records()), batch.last_arrival()), ("abc".to_owned(), Some(at(7))));
    }

    #[test]
    fn the_final_invocation_of_a_window_has_no_records() {
        let batch = Batch::without_records(Envelope::new(r#"{"Records":["#, r#"],"state":{}}"#));
        let body = batch.body().concat();
        assert_eq!(body, br#"{"Records":[],"state":{}}"#);
        assert_eq!(
            (batch.event_len(), batch.first_position(), batch.last_arrival()),
            (body.len(), None, None)
        );
    }

    #[test]
    fn the_same_records_in_another_envelope_are_an_event_of_the_right_length() {
        let batch = Batch::new(records("abc", at(0)), Envelope::new("[", "]"));
        let other = batch.in_envelope(Envelope::new(r#"{"Records":["#, r#"],"state":{"a":1}}"#));
        assert_eq!(other.body().concat(), br#"{"Records":["a","b","c"],"state":{"a":1}}"#);
        assert_eq!(other.event_len(), other.body().concat().len());
    }

    #[test]
    #[should_panic(expected = "a batch holds at least one record")]
    fn a_function_is_never_invoked_with_an_empty_batch() {
        drop(Batch::new(Vec::new(), Envelope::new("[", "]")));
    }
}
