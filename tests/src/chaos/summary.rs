//! What came of a run, in numbers.

use super::Source;
use super::books::StreamContent;
use super::producer::Accepted;
use super::verdict::Verdict;
use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What was counted, of all functions together.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Records that were put.
    pub(super) put: Arc<AtomicU64>,
    /// Splits, merges and changes of the number of shards.
    pub(super) reshards: Arc<AtomicU64>,
    /// Lives that ended by `kill -9`.
    pub kills: u64,
    /// Lives that ended because they were told to.
    pub stops: u64,
    /// Lives that did not begin, because the stream could not be reached.
    pub refused_starts: u64,
    /// Records that a table's stream no longer kept, after they were handled.
    pub trimmed: u64,
    /// Shards of a table's stream that vanished, after their records were handled.
    pub vanished: u64,
    /// Records that stand in the streams.
    pub records: usize,
    /// Shards that there were.
    pub shards: usize,
    /// Batches that the functions were handed.
    pub batches: usize,
    /// Records that came again though the function had been done with them.
    pub repeated: usize,
    /// Records that came again because the function had failed or had been killed.
    pub retried: usize,
    /// Batches of which a function reported records.
    pub reported: usize,
    /// Deliveries to the on-failure destination.
    pub given_up: usize,
    /// Records that match no filter.
    pub filtered: usize,
    /// Tumbling windows that ended.
    pub windows: usize,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Its seed.
    pub seed: u64,
    /// How long it took.
    pub took: Duration,
    /// Calls of the stream's API by the poller.
    pub calls: u64,
    /// How many of them met with a fault.
    pub faults: u64,
    /// How many of those were answered with a lie.
    pub lies: u64,
    /// What was counted.
    pub counts: Counts,
}

/// A run that went wrong.
#[derive(Clone, Debug)]
pub struct Failed {
    /// What came of it all the same.
    pub summary: Summary,
    /// What is not as it should be.
    pub wrongs: Vec<String>,
    /// A folder with the journals of the functions, the checkpoints, what the poller printed in each life, and what stands in
    /// the streams.
    pub evidence: PathBuf,
}

impl Counts {
    pub(super) fn add(&mut self, verdict: &Verdict, shards: usize) {
        self.records += verdict.records;
        self.shards += shards;
        self.batches += verdict.batches;
        self.repeated += verdict.repeated;
        self.retried += verdict.retried;
        self.reported += verdict.reported;
        self.given_up += verdict.given_up;
        self.filtered += verdict.filtered;
        self.windows += verdict.windows;
    }

    /// Records that were put.
    #[must_use]
    pub fn put(&self) -> u64 {
        self.put.load(Ordering::Relaxed)
    }

    /// Splits, merges and changes of the number of shards.
    #[must_use]
    pub fn reshards(&self) -> u64 {
        self.reshards.load(Ordering::Relaxed)
    }
}

impl Counts {
    /// The kinds of trouble that there were none of: about those the run proves nothing. A run of a minute on a busy machine may have
    /// had no time for all of them.
    #[must_use]
    pub fn not_met(&self, source: Source) -> Vec<&'static str> {
        let of_tables = source == Source::Dynamodb;
        let kinds = [
            ("kills", self.kills > 0),
            ("reshards", self.reshards() > 0),
            ("batches partly reported", self.reported > 0),
            ("records given up", self.given_up > 0),
            ("records filtered out", self.filtered > 0),
            ("windows that ended", self.windows > 0),
            ("records trimmed", self.trimmed > 0 || !of_tables),
            ("shards that vanished", self.vanished > 0 || !of_tables),
        ];
        kinds.into_iter().filter(|(_, was_met)| !was_met).map(|(kind, _)| kind).collect()
    }
}

impl Summary {
    /// One line, while it goes on.
    #[must_use]
    pub fn progress(&self) -> String {
        let Self { took, calls, faults, lies, counts, .. } = self;
        format!(
            "{:4} s: {} records put; {} kills, {} stops, {} refused starts; {} reshards; {faults} of {calls} calls met with a fault, {lies} with a lie",
            took.as_secs(),
            counts.put(),
            counts.kills,
            counts.stops,
            counts.refused_starts,
            counts.reshards(),
        )
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { records, shards, batches, repeated, retried, .. } = self.counts;
        let Counts { reported, given_up, filtered, windows, .. } = self.counts;
        writeln!(f, "{}", self.progress())?;
        if self.counts.trimmed + self.counts.vanished > 0 {
            writeln!(
                f,
                "{} records were trimmed, and {} shards vanished;",
                self.counts.trimmed, self.counts.vanished
            )?;
        }
        writeln!(f, "{records} records in {shards} shards, handed over in {batches} batches:")?;
        writeln!(
            f,
            "{reported} batches partly reported, {windows} windows ended, {given_up} records given up, {filtered} filtered out;"
        )?;
        write!(
            f,
            "{repeated} records repeated after they were handled, {retried} retried; seed {}",
            self.seed
        )
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary)?;
        for wrong in &self.wrongs {
            writeln!(f, "WRONG: {wrong}")?;
        }
        write!(f, "evidence: {}", self.evidence.display())
    }
}

/// The records that were accepted and do not stand in the stream.
pub(super) fn missing(content: &StreamContent, accepted: &Accepted) -> Vec<String> {
    let records = content.shards.values().flat_map(|shard| &shard.records);
    let there: HashSet<&str> = records.map(|record| record.data.as_str()).collect();
    let expected = accepted.iter().flat_map(|(key, count)| (0..*count).map(move |n| format!("{key} {n}")));
    expected.filter(|data| !there.contains(data.as_str())).collect()
}
