//! Records as `pelton get` shows them.
//!
//! In: what the stream or an invocation event holds of a record. Out: lines for people, or one line that `pelton put` takes
//! back. Never a raw control character.

mod escape;
mod event;
mod json_text;
mod line;
mod payload;

pub(crate) use escape::escaped;
pub(crate) use event::records_of_event;
pub(crate) use line::{MarkedLine, read_marked};

use payload::Payload;
use pelton_core::Timestamp;
use pelton_model::shown_timestamp;
use std::fmt::Write as _;

/// A record of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownRecord {
    pub(crate) shard: String,
    pub(crate) sequence_number: String,
    /// `None` on a stream that distributes records itself, unless the producer gave one.
    pub(crate) partition_key: Option<String>,
    pub(crate) arrival: Timestamp,
    pub(crate) data: Vec<u8>,
}

impl ShownRecord {
    /// For people: a line about the record, and its payload below, indented. Ends with a line break.
    pub(crate) fn lines(&self) -> String {
        let Self { shard, sequence_number, partition_key, arrival, data } = self;
        let payload = Payload::of(data);
        let mut text = format!("{}  {}", shown_timestamp(*arrival), escaped(shard));
        if let Some(key) = partition_key {
            write!(text, "  key {}", escaped(key)).expect("writing to a string does not fail");
        }
        write!(text, "  sequence number {}", escaped(sequence_number))
            .expect("writing to a string does not fail");
        if let Some(kind) = payload.kind() {
            write!(text, "  {kind}, {} bytes", data.len()).expect("writing to a string does not fail");
        }
        text.push('\n');
        for line in payload.text().lines() {
            text.push_str("  ");
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line_about_it_and_its_payload_below() {
        let record = ShownRecord {
            shard: "shardId-000000000000".to_owned(),
            sequence_number: "495".to_owned(),
            partition_key: Some("a\u{1b}[2Jb".to_owned()),
            arrival: Timestamp::from_millis(1_767_225_600_500),
            data: br#"{"n":1}"#.to_vec(),
        };
        assert_eq!(
            record.lines(),
            "2026-01-01T00:00:00.5Z  shardId-000000000000  key a\\u{1b}[2Jb  sequence number 495\n  {\n    \"n\": 1\n  }\n"
        );
        let binary = ShownRecord { data: vec![0, 255], partition_key: None, ..record };
        assert_eq!(
            binary.lines(),
            "2026-01-01T00:00:00.5Z  shardId-000000000000  sequence number 495  binary, 2 bytes\n  00000000  00 ff\n"
        );
    }
}
