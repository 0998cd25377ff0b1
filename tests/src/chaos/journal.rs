//! The journal that a handler keeps, and the file that records go to that are given up, read while they grow.

use super::books::{Entry, GivenUp, Step, StreamRecord, Window};
use aws_lambda_events::kinesis::{KinesisEvent, KinesisEventRecord};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// A file of lines, as far as it was read.
#[derive(Debug)]
pub(super) struct Lines<T> {
    path: PathBuf,
    /// Where the first line begins that was not whole when it was last looked at.
    read_to: u64,
    parse: fn(&[u8]) -> Option<T>,
    lines: Vec<T>,
}

#[derive(Deserialize)]
struct Line<'a> {
    step: LineStep,
    #[serde(borrow)]
    event: &'a RawValue,
    #[serde(default)]
    reported: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum LineStep {
    Began,
    Ended,
    Failed,
    Reported,
}

/// What an event has beside its records where windows tumble.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InWindow {
    shard_id: Option<String>,
    window: Option<Borders>,
    state: Option<State>,
    is_final_invoke_for_window: Option<bool>,
}

/// Whole seconds, as `2026-01-09T07:06:00Z`.
#[derive(Deserialize)]
struct Borders {
    end: String,
}

/// What the function returns as state.
#[derive(Deserialize)]
struct State {
    #[serde(default)]
    records: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailureLine {
    request_context: RequestContext,
    #[serde(rename = "KinesisBatchInfo")]
    batch_info: BatchInfo,
    payload: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    condition: String,
    approximate_invoke_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchInfo {
    shard_id: String,
}

impl Lines<Entry> {
    /// The journal in this file, which may not be there yet.
    pub(super) fn of_journal(path: PathBuf) -> Self {
        Self { path, read_to: 0, parse: entry, lines: Vec::new() }
    }
}

impl Lines<GivenUp> {
    /// The on-failure destination in this file, which may not be there yet.
    pub(super) fn of_destination(path: PathBuf) -> Self {
        Self { path, read_to: 0, parse: given_up, lines: Vec::new() }
    }
}

impl<T> Lines<T> {
    /// What was read so far.
    pub(super) fn so_far(&self) -> &[T] {
        &self.lines
    }

    /// Reads what came since. A line that a `kill -9` cut short was never finished, and its batch was never answered: it
    /// is passed over.
    pub(super) fn catch_up(&mut self) {
        let Ok(mut file) = File::open(&self.path) else { return };
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.read_to)).expect("a file can be read from anywhere");
        file.read_to_end(&mut text).expect("a file can be read");
        let Some(end) = text.iter().rposition(|byte| *byte == b'\n') else { return };
        self.read_to += end as u64 + 1;
        self.lines.extend(text[..end].split(|byte| *byte == b'\n').filter_map(self.parse));
    }
}

fn entry(line: &[u8]) -> Option<Entry> {
    let Line { step, event, reported } = serde_json::from_slice(line).ok()?;
    let InWindow { shard_id, window, state, is_final_invoke_for_window: is_final } =
        serde_json::from_str(event.get()).ok()?;
    let event: KinesisEvent = serde_json::from_str(event.get()).ok()?;
    let records: Vec<StreamRecord> = event.records.iter().map(record).collect();
    let mut shards: Vec<&str> = event.records.iter().filter_map(shard_of).collect();
    shards.dedup();
    // Records of several shards in one batch are of none. Without records, only the event itself tells the shard.
    let shard = if shards.is_empty() { shard_id.unwrap_or_default() } else { shards.join("+") };
    let succeeded = || records.iter().position(|record| reported.contains(&record.sequence_number));
    let step = match step {
        LineStep::Began => Step::Began,
        LineStep::Ended => Step::Ended,
        LineStep::Failed => Step::Failed,
        LineStep::Reported => Step::Reported(succeeded()?),
    };
    let window = window.zip(state).map(|(borders, state)| Window {
        state: state.records,
        is_final: is_final == Some(true),
        is_passed: event.records.iter().any(|record| arrival(record) >= borders.end),
    });
    Some(Entry { step, shard, records, window })
}

fn given_up(line: &[u8]) -> Option<GivenUp> {
    let FailureLine { request_context, batch_info, payload } = serde_json::from_slice(line).ok()?;
    let event: KinesisEvent = serde_json::from_str(&payload).ok()?;
    Some(GivenUp {
        shard: batch_info.shard_id,
        records: event.records.iter().map(record).collect(),
        condition: request_context.condition,
        invocations: request_context.approximate_invoke_count,
    })
}

fn shard_of(record: &KinesisEventRecord) -> Option<&str> {
    Some(record.event_id.as_deref()?.split_once(':')?.0)
}

/// To the second, as borders of windows are written.
fn arrival(record: &KinesisEventRecord) -> String {
    record.kinesis.approximate_arrival_timestamp.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn record(record: &KinesisEventRecord) -> StreamRecord {
    StreamRecord {
        sequence_number: record.kinesis.sequence_number.clone(),
        data: String::from_utf8_lossy(&record.kinesis.data).into_owned(),
    }
}
