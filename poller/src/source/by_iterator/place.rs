//! Where a reader stands in its shard, and how to get back there when the iterator is lost.
//!
//! In: where to begin, and what was read since. Out: what to ask GetShardIterator for. Never goes back to where the
//! mapping is configured to start once anything was read, and never jumps forward (specification 2.3, 3.4).

use crate::ports::ReadFrom;
use pelton_core::starting_position::ShardStart;
use pelton_core::{Position, Timestamp};

/// A reader's place.
#[derive(Debug)]
pub(in crate::source) struct Place {
    /// Where to begin while nothing was read.
    from: ReadFrom,
    /// The last record that the stream handed out, whether it was passed on or came before the start.
    last_read: Option<Position>,
    /// Records that arrived before this come before the start, up to the first that does not. A time of arrival in whole
    /// seconds may stand for any moment of its second.
    starts_at: Option<Timestamp>,
    /// Where the stream stopped keeping records that were not read yet, until the next record shows how far.
    trimmed_at: Option<Position>,
    iterator: Option<String>,
}

/// What an iterator is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source) enum Anchor {
    /// TRIM_HORIZON
    TrimHorizon,
    /// LATEST
    Latest,
    /// AT_TIMESTAMP, a whole second: servers in use know the arrival of a record by the second only.
    AtTimestamp(Timestamp),
    /// AFTER_SEQUENCE_NUMBER
    After(Position),
}

impl Place {
    pub(in crate::source) fn new(from: ReadFrom) -> Self {
        Self { from, last_read: None, starts_at: None, trimmed_at: None, iterator: None }
    }

    /// The iterator at this place, if there is one.
    pub(in crate::source) fn iterator(&self) -> Option<&str> {
        self.iterator.as_deref()
    }

    /// The iterator is of no use any more.
    pub(in crate::source) fn lose_iterator(&mut self) {
        self.iterator = None;
    }

    /// What to ask a new iterator for.
    pub(in crate::source) fn anchor(&self) -> Anchor {
        if let Some(position) = &self.last_read {
            return Anchor::After(position.clone());
        }
        match &self.from {
            ReadFrom::Latest { .. } => Anchor::Latest,
            ReadFrom::Start(ShardStart::TrimHorizon) => Anchor::TrimHorizon,
            ReadFrom::Start(ShardStart::AtTimestamp(start) | ShardStart::AfterLatest(start)) => {
                Anchor::AtTimestamp(whole_second(*start))
            }
            ReadFrom::After(position) => Anchor::After(position.clone()),
        }
    }

    /// An iterator as asked for by `anchor` was handed out.
    pub(in crate::source) fn found(&mut self, anchor: &Anchor, iterator: String) {
        self.iterator = Some(iterator);
        if matches!(anchor, Anchor::AtTimestamp(_)) {
            self.starts_at = self.starting_moment();
        }
        // From here on LATEST is another place: whoever loses it goes on from the moment that was frozen.
        if let ReadFrom::Latest { frozen } = self.from {
            self.from = ReadFrom::Start(ShardStart::AfterLatest(frozen));
        }
    }

    /// The stream refused `anchor` as a bad argument, twice. Goes to the oldest record instead, which skips nothing: a moment
    /// that is still to come for the stream's clock, or a position that it no longer keeps.
    pub(in crate::source) fn fall_back(&mut self, anchor: Anchor) {
        match anchor {
            Anchor::AtTimestamp(_) => self.starts_at = self.starting_moment(),
            Anchor::After(position) => self.trimmed_at = Some(position),
            Anchor::TrimHorizon | Anchor::Latest => {}
        }
        self.last_read = None;
        self.from = ReadFrom::Start(ShardStart::TrimHorizon);
    }

    /// The moment that reading starts from, if it starts from one. That of a frozen LATEST was read from this machine's
    /// clock, which may be a little ahead of the stream's: the whole second counts.
    fn starting_moment(&self) -> Option<Timestamp> {
        match self.from {
            ReadFrom::Start(ShardStart::AtTimestamp(start)) => Some(start),
            ReadFrom::Start(ShardStart::AfterLatest(start)) => Some(whole_second(start)),
            ReadFrom::Start(ShardStart::TrimHorizon) | ReadFrom::Latest { .. } | ReadFrom::After(_) => None,
        }
    }

    /// Whether a record that arrived at `arrival` is to be passed on. Asked once for each record, in order.
    pub(in crate::source) fn admits(&mut self, arrival: Timestamp) -> bool {
        let is_whole_second = arrival == whole_second(arrival);
        let is_before = |start| arrival < if is_whole_second { whole_second(start) } else { start };
        if self.starts_at.is_some_and(is_before) {
            return false;
        }
        self.starts_at = None;
        true
    }

    /// A page was read: its last record, if it has any, and the iterator of the next one. Without one, the next is to be
    /// taken behind the last record.
    pub(in crate::source) fn advance(&mut self, last_read: Option<Position>, iterator: Option<String>) {
        if last_read.is_some() {
            self.last_read = last_read;
        }
        self.iterator = iterator.filter(|iterator| !iterator.is_empty());
    }

    /// Where reading broke off, once, when records are read again after some were lost to retention.
    pub(in crate::source) fn take_trimmed_at(&mut self) -> Option<Position> {
        self.trimmed_at.take()
    }
}

fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis() / 1000 * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROZEN: Timestamp = Timestamp::from_millis(5_700);
    const WHOLE: Timestamp = Timestamp::from_millis(5_000);

    fn at(text: &str) -> Position {
        Position::new(text)
    }

    fn opened(from: ReadFrom) -> Place {
        let mut place = Place::new(from);
        let anchor = place.anchor();
        place.found(&anchor, "iterator".to_owned());
        place
    }

    #[track_caller]
    fn check(from: ReadFrom, first: Anchor, while_nothing_was_read: Anchor) {
        let place = Place::new(from.clone());
        assert_eq!(place.anchor(), first, "at first");
        let mut place = opened(from);
        place.advance(None, Some("next".to_owned()));
        place.lose_iterator();
        assert_eq!(place.anchor(), while_nothing_was_read, "while nothing was read");
        place.advance(Some(at("7")), Some("next".to_owned()));
        place.advance(None, Some("next".to_owned()));
        place.lose_iterator();
        assert_eq!(place.anchor(), Anchor::After(at("7")), "after a record");
    }

    #[test]
    fn a_lost_iterator_is_taken_anew_after_the_last_read_record_or_at_the_start_as_frozen() {
        let latest = ReadFrom::Latest { frozen: FROZEN };
        check(latest, Anchor::Latest, Anchor::AtTimestamp(WHOLE));
        let start = ReadFrom::Start(ShardStart::AfterLatest(FROZEN));
        check(start, Anchor::AtTimestamp(WHOLE), Anchor::AtTimestamp(WHOLE));
        let start = ReadFrom::Start(ShardStart::AtTimestamp(FROZEN));
        check(start, Anchor::AtTimestamp(WHOLE), Anchor::AtTimestamp(WHOLE));
        check(ReadFrom::Start(ShardStart::TrimHorizon), Anchor::TrimHorizon, Anchor::TrimHorizon);
        check(ReadFrom::After(at("3")), Anchor::After(at("3")), Anchor::After(at("3")));
    }

    #[test]
    fn only_records_before_the_start_are_dropped_and_none_after_the_first_that_is_not() {
        let mut place = opened(ReadFrom::Start(ShardStart::AtTimestamp(FROZEN)));
        assert!(!place.admits(Timestamp::from_millis(4_999)));
        assert!(!place.admits(Timestamp::from_millis(5_699)));
        assert!(place.admits(Timestamp::from_millis(5_700)));
        assert!(place.admits(Timestamp::from_millis(4_999)), "clocks of servers differ");
    }

    #[test]
    fn an_arrival_in_whole_seconds_may_be_any_moment_of_its_second() {
        let mut place = opened(ReadFrom::Start(ShardStart::AtTimestamp(FROZEN)));
        assert!(!place.admits(Timestamp::from_millis(4_000)));
        assert!(place.admits(Timestamp::from_millis(5_000)));
    }

    #[test]
    fn a_frozen_latest_counts_from_its_whole_second_whatever_the_clocks() {
        let mut place = opened(ReadFrom::Start(ShardStart::AfterLatest(FROZEN)));
        assert!(!place.admits(Timestamp::from_millis(4_999)));
        assert!(place.admits(Timestamp::from_millis(5_001)));
    }

    #[test]
    fn nothing_is_dropped_without_a_start_in_time() {
        for from in [ReadFrom::Start(ShardStart::TrimHorizon), ReadFrom::After(at("3"))] {
            assert!(opened(from).admits(Timestamp::from_millis(0)));
        }
        assert!(opened(ReadFrom::Latest { frozen: FROZEN }).admits(Timestamp::from_millis(0)));
    }

    #[test]
    fn a_trimmed_position_is_followed_by_the_oldest_record_and_remembered_until_then() {
        let mut place = opened(ReadFrom::After(at("3")));
        place.lose_iterator();
        let refused = place.anchor();
        place.fall_back(refused);
        assert_eq!(place.anchor(), Anchor::TrimHorizon);
        assert!(place.admits(Timestamp::from_millis(0)));
        assert_eq!(place.take_trimmed_at(), Some(at("3")));
        assert_eq!(place.take_trimmed_at(), None);
    }

    #[test]
    fn a_start_that_is_still_to_come_for_the_stream_still_drops_what_came_before_it() {
        let mut place = Place::new(ReadFrom::Start(ShardStart::AtTimestamp(FROZEN)));
        let refused = place.anchor();
        place.fall_back(refused);
        assert_eq!(place.anchor(), Anchor::TrimHorizon);
        assert!(!place.admits(Timestamp::from_millis(4_999)));
        assert!(place.admits(WHOLE));
        assert_eq!(place.take_trimmed_at(), None);
    }
}
