//! Which records were applied already: delivery is at least once.
//!
//! In: records, in the order of their shards. Out: whether one is a repeat. Keeps one sequence number for each shard, or for
//! each key, and knows nothing of where it is stored: serialize it with the state that it belongs to, so that both
//! change together or not at all. One that only lives in memory knows what its own process did; another may get the next
//! batch.

use crate::record::Record;
use crate::sequence_number::SequenceNumber;
use crate::source::Source;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How far records were applied.
///
/// ```
/// # use lambda_ordered::{Applied, Kinesis, Record};
/// # fn apply(applied: &mut Applied, record: &Record<'_, Kinesis>) {
/// if applied.is_repeat(record) {
///     return;
/// }
/// // … do what the record asks for, then:
/// applied.mark(record);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    scope: Scope,
    last: BTreeMap<String, SequenceNumber>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Shard,
    Key,
}

impl Applied {
    /// One sequence number for each shard. Only for a mapping whose ParallelizationFactor is 1: with more, batches of
    /// other keys come in between that are older, and these would be taken for repeats.
    #[must_use]
    pub fn per_shard() -> Self {
        Self { scope: Scope::Shard, last: BTreeMap::new() }
    }

    /// One sequence number for each key of each shard: right for every ParallelizationFactor, but grows with the
    /// number of keys. A record without a key has nothing to be in order with: it is remembered by itself.
    #[must_use]
    pub fn per_key() -> Self {
        Self { scope: Scope::Key, last: BTreeMap::new() }
    }

    /// Whether this record, or a later one of the same shard or key, was marked.
    #[must_use]
    pub fn is_repeat<S: Source>(&self, record: &Record<'_, S>) -> bool {
        self.last.get(&self.place(record)).is_some_and(|last| record.sequence_number <= *last)
    }

    /// Remembers that this record was applied.
    pub fn mark<S: Source>(&mut self, record: &Record<'_, S>) {
        if !self.is_repeat(record) {
            self.last.insert(self.place(record), record.sequence_number.clone());
        }
    }

    /// A shard that is not named (DynamoDB Streams) may be several, whose sequence numbers have no common order.
    fn place<S: Source>(&self, record: &Record<'_, S>) -> String {
        let Record { stream, shard, .. } = record;
        match self.scope {
            Scope::Shard if !shard.is_empty() => format!("{stream} {shard}"),
            Scope::Shard | Scope::Key => format!("{stream} {shard} {}", record.order_key()),
        }
    }
}
