//! What became of the records in all lives of all shards, and how a life looks in the log.

use crate::common::{Watched, number_of};
use pelton_core::stream::ShardId;
use pelton_core::{Batch, Checkpoint, Failure, Invocation, Record};
use std::collections::{BTreeMap, BTreeSet};

/// What became of the records in all lives of all shards.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) settled: BTreeSet<u64>,
    /// Settled, but not kept when the life ended.
    may_repeat: BTreeSet<u64>,
    invoked: BTreeSet<u64>,
    /// The highest record that was ever invoked, of each key of each shard.
    invoked_up_to: BTreeMap<(ShardId, u64), u64>,
}

impl Books {
    pub(crate) fn note_invoked(&mut self, id: &ShardId, record: &Record) {
        let number = number_of(record.position());
        if self.invoked.insert(number) {
            let before = self.invoked_up_to.insert((id.clone(), record.key()), number);
            assert!(
                before.is_none_or(|before| before < number),
                "I1: first invocations are in order, over all lives"
            );
        }
    }

    pub(crate) fn end_life(
        &mut self,
        settled: impl Iterator<Item = u64>,
        repeated: impl Iterator<Item = u64>,
    ) {
        for number in settled {
            let is_new = self.settled.insert(number);
            assert!(is_new || self.may_repeat.contains(&number), "I8: {number} was kept, and came again");
        }
        self.may_repeat.extend(repeated);
    }
}

fn numbers(batch: &Batch) -> String {
    let numbers: Vec<&str> = batch.records().iter().map(|record| record.position().as_str()).collect();
    format!("[{}]", numbers.join(" "))
}

/// What is owed to a shard, and when it wakes up, for the log.
pub(crate) fn show(watched: &Watched) -> String {
    let owed = &watched.owed;
    let mut text = String::new();
    if let Some(records_max) = owed.fetch {
        text += &format!(" · fetch {records_max}");
    }
    for Invocation { batch, attempt, .. } in owed.invocations.values() {
        text += &format!(" · invoke {} #{attempt}", numbers(batch));
        if batch.records().is_empty() {
            text += &format!(" {}", String::from_utf8_lossy(&batch.body().concat()));
        }
    }
    for Failure { batch, reason, .. } in owed.failures.values() {
        text += &format!(" · {} given up: {reason:?}", numbers(batch));
    }
    if let Some(Checkpoint { position, ended, ahead, window, failing: _ }) = &owed.save {
        let end = if *ended { " end" } else { "" };
        text += &format!(" · save {position:?}{end} + {} ahead, {window:?}", ahead.len());
    }
    if let Some(wakeup) = watched.wakeup() {
        text += &format!(" · wakes at {wakeup}");
    }
    if let Some(finished) = watched.finished() {
        text += &format!(" · finished: {finished:?}");
    }
    text
}
