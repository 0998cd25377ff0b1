//! What the tables beside the code share: records named by letters, a small policy, and moments.

use crate::batch::{Batch, Envelope};
use crate::event::window::WindowEnvelope;
use crate::giving_up::GiveUp;
use crate::record::{Position, Record};
use crate::response::PartialFailures;
use crate::retry::Backoff;
use crate::shard::{Policy, Tumbling};
use crate::stream::{ListedShard, ShardId};
use crate::time::Timestamp;
use bytes::Bytes;
use serde_json::value::RawValue;
use std::time::Duration;

/// Bytes of a record with a small letter inside an event: the letter in quotes.
pub(crate) const SMALL: usize = 3;
/// Bytes of a record with a capital letter.
pub(crate) const LARGE: usize = 30;

/// The moment `millis` after the (arbitrary) beginning of a table.
pub(crate) fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One page with a record for each letter: small ones of [`SMALL`] bytes, capitals of [`LARGE`].
pub(crate) fn records(letters: &str, arrival: Timestamp) -> Vec<Record> {
    let mut page = String::new();
    let mut ranges = Vec::new();
    for letter in letters.chars() {
        if !page.is_empty() {
            page.push(',');
        }
        let start = page.len();
        let repeats = if letter.is_uppercase() { LARGE - 2 } else { SMALL - 2 };
        page.push_str(&format!("\"{}\"", letter.to_string().repeat(repeats)));
        ranges.push((letter, start..page.len()));
    }
    let page = Bytes::from(page);
    ranges
        .into_iter()
        .map(|(letter, range)| Record::new(Position::new(letter.to_string()), arrival, page.clone(), range))
        .collect()
}

/// Like [`records`], with the ordinals that a shard would give them.
pub(crate) fn numbered(letters: &str, arrival: Timestamp) -> Vec<Record> {
    let mut records = records(letters, arrival);
    for (ordinal, record) in (0..).zip(&mut records) {
        record.ordinal = ordinal;
    }
    records
}

/// How tables write why records were given up.
pub(crate) fn reason_text(reason: GiveUp) -> &'static str {
    match reason {
        GiveUp::Expired => "expired",
        GiveUp::TooOld => "too old",
        GiveUp::RetriesExhausted => "retried enough",
        GiveUp::TooLarge => "too large",
    }
}

/// The letters of `records`, in order.
pub(crate) fn letters(records: &[Record]) -> String {
    records.iter().map(|record| record.position().as_str()).collect()
}

/// Batches of three, no window, retries at once, reads every second and at most five a second.
pub(crate) fn policy() -> Policy {
    Policy {
        batch_size: 3,
        batching_window: Duration::ZERO,
        parallelization_factor: 1,
        bisects: false,
        retry_attempts_max: None,
        record_age_max: None,
        reports_item_failures: false,
        partial_failures: PartialFailures::FromLowest,
        tumbling: None,
        has_destination: false,
        keeps_attempts: false,
        until_caught_up: false,
        event_bytes_max: 1_000,
        envelope: Envelope::new("[", "]"),
        retention: Duration::from_secs(3_600),
        log_start: 0,
        backoff: no_backoff(),
        poll_interval: millis(1_000),
        fetch_gap_min: millis(200),
        fetch_records_max: 10,
        read_ahead_records_max: 10,
        read_ahead_bytes_max: 1_000,
    }
}

/// Every wait is zero.
pub(crate) fn no_backoff() -> Backoff {
    Backoff { base: Duration::ZERO, factor: 2, cap: Duration::ZERO }
}

/// Batches as in [`policy`], in tumbling windows of one second.
pub(crate) fn in_windows() -> Policy {
    let tumbling = Tumbling { length: millis(1_000), envelope: WindowEnvelope::new("shard", "arn") };
    Policy { tumbling: Some(tumbling), ..policy() }
}

/// What the event of a window says beside its records, such as ` @3 {}` for the window that begins 3 s after the beginning
/// of the table; ` final @3 {}` and ` early final @3 {}` for its last one. Nothing for an event without a window.
pub(crate) fn window_text(batch: &Batch) -> String {
    let event = batch.body().concat();
    let Ok(event) = serde_json::from_slice::<WindowEvent<'_>>(&event) else { return String::new() };
    let start: jiff::Timestamp = event.window.start.parse().expect("a window begins at a moment");
    let seconds = start.as_second() - i64::try_from(at(0).as_millis() / 1_000).expect("a table is short");
    let which = match (event.is_final, event.is_early) {
        (false, false) => "",
        (true, false) => " final",
        (true, true) => " early final",
        (false, true) => panic!("only the last event of a window says that it ends early"),
    };
    let state = event.state.get();
    let state = if state.len() > 40 { format!("({} bytes)", state.len()) } else { state.to_owned() };
    format!("{which} @{seconds} {state}")
}

#[derive(serde::Deserialize)]
struct WindowEvent<'a> {
    #[serde(borrow)]
    window: Borders<'a>,
    #[serde(borrow)]
    state: &'a RawValue,
    #[serde(rename = "isFinalInvokeForWindow")]
    is_final: bool,
    #[serde(rename = "isWindowTerminatedEarly")]
    is_early: bool,
}

#[derive(serde::Deserialize)]
struct Borders<'a> {
    start: &'a str,
}

/// Shards of a stream, one for each line: `1 <- 0` is the open shard 1 made from 0, `1 <- 0 closed` the same, closed.
pub(crate) fn shards(lines: &[&str]) -> Vec<ListedShard> {
    let parse = |line: &&str| {
        let is_open = !line.ends_with(" closed");
        let line = line.trim_end_matches(" closed");
        let (id, parents) = line.split_once(" <- ").unwrap_or((line, ""));
        let parents = parents.split_whitespace().map(ShardId::new).collect();
        ListedShard { id: ShardId::new(id), parents, is_open }
    };
    lines.iter().map(parse).collect()
}

/// Two shards, one split, one merge of a child with the other: `0` → `2`, `3`; `1` + `3` → `4`.
pub(crate) const RESHARDED: &[&str] = &["0 closed", "1 closed", "2 <- 0", "3 <- 0 closed", "4 <- 1 3"];
