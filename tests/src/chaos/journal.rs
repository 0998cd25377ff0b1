//! The journal that a handler keeps, and the file that records go to that are given up, read while they grow.

use super::books::{Entry, GivenUp, Step, StreamRecord, Window};
use super::source::{self, NamesShard, Source};
use aws_lambda_events::kinesis::KinesisEvent;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// A file of lines, as far as it was read.
#[derive(Debug)]
pub(super) struct Lines<T> {
    path: PathBuf,
    /// Where the first line begins that was not whole when it was last looked at.
    read_to: u64,
    parse: Parse<T>,
    lines: Vec<T>,
}

/// What a line says; `None`: nothing that was finished.
struct Parse<T>(Reads<T>);

/// What reads a line.
type Reads<T> = Box<dyn Fn(&[u8]) -> Option<T>>;

impl<T> fmt::Debug for Parse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parse")
    }
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
    #[serde(alias = "KinesisBatchInfo", alias = "DDBStreamBatchInfo")]
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
    /// The journal in this file, which may not be there yet. With `shard_of` it is of a table's stream: that names the shard of a
    /// sequence number.
    pub(super) fn of_journal(path: PathBuf, shard_of: Option<NamesShard>) -> Self {
        let parse: Reads<Entry> = match shard_of {
            None => Box::new(|line| entry(line, &kinesis_records)),
            Some(shard_of) => Box::new(move |line| entry(line, &|event| table_records(event, &shard_of))),
        };
        Self { path, read_to: 0, parse: Parse(parse), lines: Vec::new() }
    }
}

impl Lines<GivenUp> {
    /// The on-failure destination in this file, which may not be there yet.
    pub(super) fn of_destination(path: PathBuf, source: Source) -> Self {
        let parse: Reads<GivenUp> = match source {
            Source::Kinesis => Box::new(|line| given_up(line, &kinesis_records)),
            Source::Dynamodb => {
                Box::new(|line| given_up(line, &|event| table_records(event, &|_| String::new())))
            }
        };
        Self { path, read_to: 0, parse: Parse(parse), lines: Vec::new() }
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
        self.lines.extend(text[..end].split(|byte| *byte == b'\n').filter_map(&self.parse.0));
    }
}

/// The records of an event, as far as they are compared.
type Records<'a> = &'a dyn Fn(&str) -> Option<Vec<Received>>;

/// A record, as an event has it.
struct Received {
    record: StreamRecord,
    shard: Option<String>,
    /// To the second, as borders of windows are written.
    arrival: String,
}

fn entry(line: &[u8], records: Records<'_>) -> Option<Entry> {
    let Line { step, event, reported } = serde_json::from_slice(line).ok()?;
    let InWindow { shard_id, window, state, is_final_invoke_for_window: is_final } =
        serde_json::from_str(event.get()).ok()?;
    let received = records(event.get())?;
    let mut shards: Vec<String> = received.iter().filter_map(|received| received.shard.clone()).collect();
    shards.dedup();
    // Records of several shards in one batch are of none. Without records, only the event itself tells the shard.
    let shard = if shards.is_empty() { shard_id.unwrap_or_default() } else { shards.join("+") };
    let succeeded =
        || received.iter().position(|received| reported.contains(&received.record.sequence_number));
    let step = match step {
        LineStep::Began => Step::Began,
        LineStep::Ended => Step::Ended,
        LineStep::Failed => Step::Failed,
        LineStep::Reported => Step::Reported(succeeded()?),
    };
    let window = window.zip(state).map(|(borders, state)| Window {
        state: state.records,
        is_final: is_final == Some(true),
        is_passed: received.iter().any(|received| received.arrival >= borders.end),
    });
    Some(Entry {
        step,
        shard,
        records: received.into_iter().map(|received| received.record).collect(),
        window,
    })
}

fn given_up(line: &[u8], records: Records<'_>) -> Option<GivenUp> {
    let FailureLine { request_context, batch_info, payload } = serde_json::from_slice(line).ok()?;
    Some(GivenUp {
        shard: batch_info.shard_id,
        records: records(&payload)?.into_iter().map(|received| received.record).collect(),
        condition: request_context.condition,
        invocations: request_context.approximate_invoke_count,
    })
}

fn kinesis_records(event: &str) -> Option<Vec<Received>> {
    let event: KinesisEvent = serde_json::from_str(event).ok()?;
    let received = event.records.iter().map(|record| Received {
        shard: record
            .event_id
            .as_deref()
            .and_then(|id| id.split_once(':'))
            .map(|(shard, _)| shard.to_owned()),
        arrival: record.kinesis.approximate_arrival_timestamp.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        record: StreamRecord {
            sequence_number: record.kinesis.sequence_number.clone(),
            data: String::from_utf8_lossy(&record.kinesis.data).into_owned(),
        },
    });
    Some(received.collect())
}

fn table_records(event: &str, shard_of: &dyn Fn(&str) -> String) -> Option<Vec<Received>> {
    let event: Value = serde_json::from_str(event).ok()?;
    let received = event["Records"].as_array()?.iter().map(|received| {
        let record = source::record(received);
        let created = received["dynamodb"]["ApproximateCreationDateTime"].as_f64().unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
        let created = jiff::Timestamp::from_second(created as i64).ok()?;
        let arrival = created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Some(Received { shard: Some(shard_of(&record.sequence_number)), arrival, record })
    });
    received.collect()
}
