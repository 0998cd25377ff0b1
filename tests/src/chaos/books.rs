//! What is compared after chaos: what stands in a stream, what a function was handed, and what was given up.

use std::collections::BTreeMap;
use std::ops::Range;

/// Everything that stands in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamContent {
    /// Its shards, by id.
    pub shards: BTreeMap<String, ShardContent>,
    /// Whether every shard that is not of the beginning names its parents: only then is there an order across shards.
    pub names_parents: bool,
}

/// Everything that stands in a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardContent {
    /// Ids of the shards that it was made of.
    pub parents: Vec<String>,
    /// Its records, in order.
    pub records: Vec<StreamRecord>,
}

/// A record, as it stands in the stream or in the journal of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamRecord {
    /// Its sequence number.
    pub sequence_number: String,
    /// Its data: `KEY NUMBER`.
    pub data: String,
}

/// A line of a function's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub step: Step,
    /// The shard that the batch is of.
    pub shard: String,
    /// Its records.
    pub records: Vec<StreamRecord>,
    /// The tumbling window that the batch is in, if there are windows.
    pub window: Option<Window>,
}

/// What happened to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The function was handed it.
    Began,
    /// The function is done with it, and is about to say so.
    Ended,
    /// The function is about to fail.
    Failed,
    /// The function is about to report records that failed: so many before the first of them succeeded.
    Reported(usize),
}

/// The tumbling window of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Sequence numbers of the records that succeeded in it before, as its state says.
    pub state: Vec<String>,
    /// Whether the batch is the last of the window, and empty.
    pub is_final: bool,
    /// Whether a record of the batch arrived after the window.
    pub is_passed: bool,
}

/// A line of an on-failure destination: records that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Their shard.
    pub shard: String,
    /// The records.
    pub records: Vec<StreamRecord>,
    /// Why.
    pub condition: String,
    /// How often the function was invoked with them.
    pub invocations: u32,
}

/// One run of the poller, from its start to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The entries of the journal that were written in it.
    pub entries: Range<usize>,
    /// The lines of the on-failure destination that were written in it.
    pub given_up: Range<usize>,
    /// How it ended.
    pub end: End,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By `kill -9`.
    Killed,
    /// Told to, with everything in flight settled and kept.
    Stopped,
}

impl StreamRecord {
    /// The key and the number of its data.
    #[must_use]
    pub fn key_and_number(&self) -> Option<(&str, u64)> {
        let (key, number) = self.data.split_once(' ')?;
        Some((key, number.parse().ok()?))
    }
}
