//! How far a shard is settled, and what of it is kept.
//!
//! In: ordinals and positions of settled records, in any order. Out: the position up to which everything is settled.
//! Never passes an unsettled record, never goes back (I3).

use super::again::KeptBatch;
use crate::event::window::OpenWindow;
use crate::record::{Ordinal, Position, Record};
use std::collections::{BTreeMap, VecDeque};
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
    /// The batches above `position` that failed, where attempts are kept ([`Policy::keeps_attempts`](crate::Policy)).
    pub failing: Arc<[KeptBatch]>,
}

/// Tracks which records are settled. Memory grows with the records between the first that is not and the last that is.
#[derive(Debug)]
pub(crate) struct Progress {
    position: Option<Position>,
    ended: bool,
    window: Option<OpenWindow>,
    /// Every ordinal below is settled.
    settled_below: Ordinal,
    /// What is known of the ordinals from there on, as far as any of them is settled.
    above: VecDeque<Slot>,
    /// What an earlier life settled above its position.
    earlier: Earlier,
    /// Changes whenever the checkpoint does.
    version: Version,
}

/// Counts the changes of a checkpoint.
pub(crate) type Version = u64;

/// What is known of one record above the position.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    Unsettled,
    /// Settled, and must not come again: the fingerprint is kept.
    Settled {
        position: Position,
        fingerprint: u64,
    },
    /// Settled, and may come again without harm: it matches no filter.
    PassedOver {
        position: Position,
    },
}

/// Fingerprints of records that an earlier life settled, in the order in which they come again.
#[derive(Debug)]
struct Earlier {
    fingerprints: Arc<[u64]>,
    /// The place of each.
    places: BTreeMap<u64, usize>,
    /// Those before have come, or will not come any more.
    passed: usize,
}

impl Earlier {
    fn new(fingerprints: Arc<[u64]>) -> Self {
        let places =
            fingerprints.iter().enumerate().map(|(place, fingerprint)| (*fingerprint, place)).collect();
        Self { fingerprints, places, passed: 0 }
    }

    /// Whether the record was settled before. Then those ahead of it in the list are behind it in the shard.
    fn takes(&mut self, position: &Position) -> bool {
        if self.left().is_empty() {
            return false;
        }
        let place = self.places.get(&position.fingerprint()).filter(|place| **place >= self.passed);
        let Some(place) = place else { return false };
        self.passed = place + 1;
        if self.left().is_empty() {
            *self = Self::new(Arc::default());
        }
        true
    }

    fn left(&self) -> &[u64] {
        &self.fingerprints[self.passed..]
    }
}

impl Progress {
    pub(crate) fn starting_from(kept: Checkpoint) -> Self {
        let Checkpoint { position, ended, ahead, window, failing: _ } = kept;
        let earlier = Earlier::new(ahead);
        Self { position, ended, window, settled_below: 0, above: VecDeque::new(), earlier, version: 0 }
    }

    /// What is to be kept now, with these batches that failed.
    pub(crate) fn checkpoint(&self, failing: Arc<[KeptBatch]>) -> Checkpoint {
        let settled = self.above.iter().filter_map(|slot| match slot {
            Slot::Settled { fingerprint, .. } => Some(*fingerprint),
            Slot::Unsettled | Slot::PassedOver { .. } => None,
        });
        Checkpoint {
            position: self.position.clone(),
            ended: self.ended,
            ahead: settled.chain(self.earlier.left().iter().copied()).collect(),
            window: self.window.clone(),
            failing,
        }
    }

    /// A batch failed, which is to be kept.
    pub(crate) fn has_failing(&mut self) {
        self.version += 1;
    }

    /// Which checkpoint [`Progress::checkpoint`] is.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// Whether the shard has ended and everything in it is settled.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The window that is open.
    pub(crate) fn window(&self) -> Option<&OpenWindow> {
        self.window.as_ref()
    }

    /// From now on this window is open, with this state.
    pub(crate) fn set_window(&mut self, window: Option<OpenWindow>) {
        if self.window != window {
            self.window = window;
            self.version += 1;
        }
    }

    /// How many of the `records` read so far lie at or above the first that is not settled.
    pub(crate) fn span(&self, records: Ordinal) -> usize {
        usize::try_from(records - self.settled_below).unwrap_or(usize::MAX)
    }

    /// The shard holds no records but the `records` accepted so far. Once they are settled and no window is open, so is the
    /// shard.
    pub(crate) fn end_at(&mut self, records: Ordinal) {
        if !self.ended && self.settled_below == records && self.window.is_none() {
            self.ended = true;
            self.version += 1;
        }
    }

    /// Whether the record, which was just read, is settled as it is: by an earlier life, or because it matches no filter.
    pub(crate) fn settles_at_once(&mut self, record: &Record) -> bool {
        let position = || record.position().clone();
        let slot = if self.earlier.takes(record.position()) {
            Slot::Settled { position: position(), fingerprint: record.position().fingerprint() }
        } else if record.is_filtered() {
            Slot::PassedOver { position: position() }
        } else {
            return false;
        };
        self.put(record.ordinal, slot);
        self.advance();
        true
    }

    /// Marks `records` as settled. They must be in order and not settled before (I2).
    pub(crate) fn settle(&mut self, records: &[Record]) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        let is_run = last.ordinal - first.ordinal + 1 == records.len() as u64;
        if is_run && first.ordinal == self.settled_below {
            self.settle_beginning(records);
        } else {
            for record in records {
                let position = record.position().clone();
                let fingerprint = position.fingerprint();
                self.put(record.ordinal, Slot::Settled { position, fingerprint });
            }
        }
        self.version += 1;
        self.advance();
    }

    /// The common case: everything is settled in order, and nothing need be remembered but the last position.
    fn settle_beginning(&mut self, records: &[Record]) {
        let known = self.above.len().min(records.len());
        let is_new = self.above.drain(..known).all(|slot| slot == Slot::Unsettled);
        assert!(is_new, "a record is settled once (I2)");
        self.settled_below += records.len() as u64;
        self.position = records.last().map(|last| last.position().clone());
    }

    fn put(&mut self, ordinal: Ordinal, slot: Slot) {
        assert!(ordinal >= self.settled_below, "a record is settled once (I2)");
        let place = self.span(ordinal);
        if place >= self.above.len() {
            self.above.resize(place + 1, Slot::Unsettled);
        }
        let before = std::mem::replace(&mut self.above[place], slot);
        assert!(before == Slot::Unsettled, "a record is settled once (I2)");
    }

    fn advance(&mut self) {
        while let Some(Slot::Settled { .. } | Slot::PassedOver { .. }) = self.above.front() {
            if let Some(Slot::Settled { position, .. } | Slot::PassedOver { position }) =
                self.above.pop_front()
            {
                self.settled_below += 1;
                self.position = Some(position);
                self.version += 1;
            }
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
            let position = progress.checkpoint(Arc::default()).position;
            assert_eq!(position.as_ref().map_or("-", Position::as_str), *expected, "after {group}");
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
    fn what_is_settled_in_order_takes_no_memory() {
        let progress = check(&[("ab", "b"), ("cdef", "f")]);
        assert_eq!(progress.above.len(), 0);
    }

    #[test]
    fn every_change_of_the_checkpoint_is_another_version() {
        let mut progress = check(&[]);
        let versions: Vec<Version> = ["b", "a", "d"]
            .iter()
            .map(|letter| {
                let all = numbered("abcd", at(0));
                let one: Vec<Record> =
                    all.into_iter().filter(|record| record.position().as_str() == *letter).collect();
                progress.settle(&one);
                progress.version()
            })
            .collect();
        assert!(versions.is_sorted_by(|one, next| one < next) && versions[0] > 0, "{versions:?}");
    }

    #[test]
    fn records_settled_above_the_checkpoint_are_remembered_across_a_restart() {
        let kept = check(&[("b", "-"), ("d", "-"), ("a", "b")]).checkpoint(Arc::default());
        assert_eq!(kept.position, Some(Position::new("b")));
        assert_eq!(*kept.ahead, [Position::new("d").fingerprint()]);

        let mut progress = Progress::starting_from(kept.clone());
        assert_eq!(progress.checkpoint(Arc::default()), kept, "also before it is read again");
        let read = numbered("cdef", at(0));
        let again: Vec<bool> = read.iter().map(|record| progress.settles_at_once(record)).collect();
        assert_eq!(again, [false, true, false, false]);
        assert_eq!(progress.checkpoint(Arc::default()), kept, "and after");
        progress.settle(&read[..1]);
        assert_eq!(progress.checkpoint(Arc::default()).position, Some(Position::new("d")));
        assert!(progress.checkpoint(Arc::default()).ahead.is_empty());
    }

    #[test]
    fn what_was_settled_and_is_gone_from_the_stream_is_forgotten() {
        let kept = check(&[("c", "-"), ("e", "-"), ("g", "-")]).checkpoint(Arc::default());
        let mut progress = Progress::starting_from(kept);
        assert!(progress.settles_at_once(&numbered("e", at(0))[0]), "a to d expired");
        assert_eq!(*progress.checkpoint(Arc::default()).ahead, [Position::new("g").fingerprint()]);
        assert!(!progress.settles_at_once(&numbered("abc", at(0))[2]), "nothing comes twice");
        let read = numbered("efg", at(0));
        assert!(!progress.settles_at_once(&read[1]) && progress.settles_at_once(&read[2]));
        assert_eq!(progress.earlier.places.len(), 0, "what is over takes no memory");
    }

    #[test]
    fn a_filtered_record_after_a_still_failing_one_must_not_advance_the_checkpoint_past_the_failing_one() {
        let mut progress = Progress::starting_from(Checkpoint::default());
        let read = numbered("ab", at(0));
        let mut filtered = Record::filtered(Position::new("b"), at(0));
        filtered.ordinal = 1;
        assert!(progress.settles_at_once(&filtered));
        assert_eq!(progress.checkpoint(Arc::default()), Checkpoint::default());
        progress.settle(&read[..1]);
        assert_eq!(progress.checkpoint(Arc::default()).position, Some(Position::new("b")));
    }

    #[test]
    fn when_everything_read_is_filtered_out_the_checkpoint_advances() {
        let mut progress = Progress::starting_from(Checkpoint::default());
        assert!(progress.settles_at_once(&Record::filtered(Position::new("a"), at(0))));
        assert_eq!(progress.checkpoint(Arc::default()).position, Some(Position::new("a")));
        assert_eq!(progress.version(), 1);
    }

    #[test]
    fn a_shard_has_not_ended_while_a_window_is_open() {
        let mut progress = Progress::starting_from(Checkpoint::default());
        progress.set_window(Some(OpenWindow::of(at(0), std::time::Duration::from_secs(1))));
        progress.end_at(0);
        assert!(!progress.has_ended());
        progress.set_window(None);
        progress.end_at(0);
        assert!(progress.has_ended());
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
        assert!(!progress.has_ended());
        progress.settle(&numbered("abc", at(0))[2..]);
        progress.end_at(3);
        assert!(progress.has_ended());
    }

    #[test]
    fn a_shard_without_further_records_ends_where_it_was_left() {
        let kept = Checkpoint { position: Some(Position::new("z")), ..Checkpoint::default() };
        let mut progress = Progress::starting_from(kept.clone());
        progress.end_at(0);
        assert_eq!(progress.checkpoint(Arc::default()), Checkpoint { ended: true, ..kept });
    }
}
