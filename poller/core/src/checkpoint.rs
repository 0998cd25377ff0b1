//! How far a shard is settled, and what of it is kept.
//!
//! In: ordinals and positions of settled records, in any order. Out: the position up to which everything is settled.
//! Never passes an unsettled record, never goes back (I3).

use crate::record::{Ordinal, Position, Record};
use std::collections::BTreeMap;

/// What is kept of a shard: everything up to `position` is settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last record of the settled beginning of the shard; `None`: nothing is settled yet.
    pub position: Option<Position>,
    /// The shard is closed and everything in it is settled.
    pub ended: bool,
}

/// Tracks which records are settled. Memory grows with the number of gaps, not of records.
#[derive(Debug)]
pub(crate) struct Progress {
    settled: Checkpoint,
    /// Every ordinal below is settled.
    settled_below: Ordinal,
    /// Settled runs above: first ordinal → (ordinal after the last, position of the last).
    settled_above: BTreeMap<Ordinal, (Ordinal, Position)>,
}

impl Progress {
    pub(crate) fn starting_from(kept: Checkpoint) -> Self {
        Self { settled: kept, settled_below: 0, settled_above: BTreeMap::new() }
    }

    /// How far everything is settled.
    pub(crate) fn settled(&self) -> &Checkpoint {
        &self.settled
    }

    /// The shard holds no records but the `records` accepted so far. Once they are settled, so is the shard.
    pub(crate) fn end_at(&mut self, records: Ordinal) {
        self.settled.ended = self.settled_below == records;
    }

    /// Marks `records` as settled. They must be in order and not settled before (I2).
    pub(crate) fn settle(&mut self, records: &[Record]) {
        let mut run_start = 0;
        for index in 0..records.len() {
            let run_ends = match records.get(index + 1) {
                Some(next) => next.ordinal != records[index].ordinal + 1,
                None => true,
            };
            if run_ends {
                self.settle_run(records[run_start].ordinal, &records[index]);
                run_start = index + 1;
            }
        }
        self.advance();
    }

    fn settle_run(&mut self, first: Ordinal, last: &Record) {
        assert!(first >= self.settled_below, "a record is settled once (I2)");
        let overlaps =
            self.settled_above.range(..=last.ordinal).next_back().is_some_and(|(_, (end, _))| *end > first);
        assert!(!overlaps, "a record is settled once (I2)");
        self.settled_above.insert(first, (last.ordinal + 1, last.position().clone()));
    }

    fn advance(&mut self) {
        while let Some(run) = self.settled_above.first_entry() {
            if *run.key() != self.settled_below {
                break;
            }
            let (end, position) = run.remove();
            self.settled_below = end;
            self.settled.position = Some(position);
        }
    }
}
