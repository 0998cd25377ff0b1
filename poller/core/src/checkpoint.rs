//! How far a shard is settled, and what of it is kept.
//!
//! In: ordinals and positions of settled records, in any order. Out: the position up to which everything is settled.
//! Never passes an unsettled record, never goes back (I3).

use crate::record::{Ordinal, Position, Record};
use crate::time::Timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is kept of a shard: everything up to `position` is settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last record of the settled beginning of the shard; `None`: nothing is settled yet.
    pub position: Option<Position>,
    /// The shard is closed and everything in it is settled.
    pub ended: bool,
    /// Fingerprints of records above `position` that are settled too, where batches run side by side.
    pub ahead: Arc<[u64]>,
    /// The tumbling window that is open at `position`.
    pub window: Option<OpenWindow>,
}

/// A tumbling window that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWindow {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
    /// What the function returned last as `state`, to the byte; `{}` at first.
    pub state: Bytes,
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
        let start_of_neighbour = self
            .settled_above
            .range(..first)
            .next_back()
            .and_then(|(start, (end, _))| (*end == first).then_some(*start));
        let run_after = self.settled_above.remove(&(last.ordinal + 1));
        let run_end = run_after.unwrap_or_else(|| (last.ordinal + 1, last.position().clone()));
        self.settled_above.insert(start_of_neighbour.unwrap_or(first), run_end);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, numbered};

    /// Records `a` to `i` are read; settling them in the given groups, the checkpoint moves as given (`-`: nowhere).
    fn check(groups: &[(&str, &str)]) -> Progress {
        let read = numbered("abcdefghi", at(0));
        let mut progress = Progress::starting_from(Checkpoint::default());
        for (group, expected) in groups {
            let records: Vec<Record> =
                read.iter().filter(|record| group.contains(record.position().as_str())).cloned().collect();
            progress.settle(&records);
            let position = progress.settled().position.as_ref().map_or("-", Position::as_str);
            assert_eq!(position, *expected, "after {group}");
        }
        progress
    }

    #[test]
    fn a_checkpoint_follows_what_is_settled_in_order() {
        check(&[("ab", "b"), ("c", "c"), ("defghi", "i")]);
    }

    #[test]
    fn a_checkpoint_never_passes_an_unsettled_record() {
        check(&[("b", "-"), ("d", "-"), ("a", "b"), ("c", "d")]);
    }

    #[test]
    fn a_group_with_gaps_settles_only_its_own_records() {
        check(&[("ac", "a"), ("eg", "a"), ("b", "c"), ("df", "g")]);
    }

    #[test]
    fn a_checkpoint_never_goes_back() {
        check(&[("bcd", "-"), ("fgh", "-"), ("a", "d"), ("e", "h"), ("i", "i")]);
    }

    #[test]
    fn memory_grows_with_the_number_of_gaps_and_not_of_records() {
        let progress = check(&[("b", "-"), ("d", "-"), ("c", "-"), ("e", "-"), ("h", "-"), ("g", "-")]);
        assert_eq!(progress.settled_above.len(), 2, "bcde and gh");
    }

    #[test]
    #[should_panic(expected = "a record is settled once (I2)")]
    fn a_record_below_the_checkpoint_is_not_settled_again() {
        check(&[("ab", "b"), ("b", "b")]);
    }

    #[test]
    #[should_panic(expected = "a record is settled once (I2)")]
    fn a_record_above_the_checkpoint_is_not_settled_again() {
        check(&[("cd", "-"), ("bc", "-")]);
    }

    #[test]
    #[should_panic(expected = "a record is settled once (I2)")]
    fn a_group_around_a_settled_record_is_not_settled() {
        check(&[("d", "-"), ("cde", "-")]);
    }

    #[test]
    fn a_shard_has_ended_when_its_last_record_is_settled() {
        let mut progress = check(&[("ab", "b")]);
        progress.end_at(3);
        assert!(!progress.settled().ended);
        progress.settle(&numbered("abc", at(0))[2..]);
        progress.end_at(3);
        assert!(progress.settled().ended);
    }

    #[test]
    fn a_shard_without_further_records_ends_where_it_was_left() {
        let kept = Checkpoint { position: Some(Position::new("z")), ended: false };
        let mut progress = Progress::starting_from(kept.clone());
        progress.end_at(0);
        assert_eq!(*progress.settled(), Checkpoint { ended: true, ..kept });
    }
}
