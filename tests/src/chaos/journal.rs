//! The journal that a handler keeps, read while it grows.

use super::books::{Entry, Step, StreamRecord};
use aws_lambda_events::kinesis::{KinesisEvent, KinesisEventRecord};
use serde::Deserialize;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// A journal, as far as it was read.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// Where the first line begins that was not whole when it was last looked at.
    read_to: u64,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Line {
    step: Step,
    event: KinesisEvent,
}

impl Journal {
    /// The journal in this file, which may not be there yet.
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, read_to: 0, entries: Vec::new() }
    }

    /// What was read so far.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Reads what came since. A line that a `kill -9` cut short was never finished, and its batch was never answered: it
    /// is passed over.
    pub(super) fn catch_up(&mut self) {
        let Ok(mut file) = File::open(&self.path) else { return };
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.read_to)).expect("a journal can be read from anywhere");
        file.read_to_end(&mut text).expect("a journal can be read");
        let Some(end) = text.iter().rposition(|byte| *byte == b'\n') else { return };
        self.read_to += end as u64 + 1;
        let lines = text[..end].split(|byte| *byte == b'\n');
        self.entries.extend(lines.filter_map(|line| serde_json::from_slice(line).ok()).map(entry));
    }
}

fn entry(line: Line) -> Entry {
    let mut shards: Vec<&str> = line.event.records.iter().filter_map(shard_of).collect();
    shards.dedup();
    // Records of several shards in one batch are of none.
    Entry {
        step: line.step,
        shard: shards.join("+"),
        records: line.event.records.iter().map(record).collect(),
    }
}

fn shard_of(record: &KinesisEventRecord) -> Option<&str> {
    Some(record.event_id.as_deref()?.split_once(':')?.0)
}

fn record(record: &KinesisEventRecord) -> StreamRecord {
    StreamRecord {
        sequence_number: record.kinesis.sequence_number.clone(),
        data: String::from_utf8_lossy(&record.kinesis.data).into_owned(),
    }
}
