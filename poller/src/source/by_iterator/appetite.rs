//! How much one GetRecords asks for.
//!
//! In: what the last pages were like. Out: a number of records, and the bytes that they will probably be. AWS limits a
//! page by 10,000 records and 10 MB; this keeps pages smaller, so that many shards fit into the process's budget.

use crate::source::budget::{PoolName, Wanted};
use pelton_core::shard_end::Follows;

/// Most records that GetRecords hands out at once (Kinesis API, GetRecords, Limit).
const RECORDS_MAX: usize = 10_000;

/// What a page may probably be while there is a backlog.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// What a page may probably be otherwise: what a shard takes in within a second.
const QUIET_PAGE_BYTES: usize = 1024 * 1024;

/// What is reserved for a shard that was caught up a moment ago: most often its page is empty.
const QUIET_RESERVATION_BYTES: usize = 64 * 1024;

/// What a first page may probably be at the least while the budget is used up.
const FIRST_PAGE_BYTES_MIN: usize = 16 * 1024;

/// How many times its own size a page takes while it is read: the answer as it came, its records, and the page itself.
const READING_FACTOR: usize = 3;

/// The largest record that a stream takes unless configured otherwise, inside an event: 1 MiB in base64, and what stands
/// around it.
const RECORD_BYTES_MAX: usize = 1024 * 1024 / 3 * 4 + 1024;

/// How much more a record that was seen counts than the one of the largest size that is part of every estimate.
const SEEN_WEIGHT: usize = 4;

/// Fewer records than these say little about the next ones.
const LEARNING_RECORDS: usize = 64;

/// How many records are remembered: the older ones count half, a quarter, and so on.
const SEEN_RECORDS_MAX: usize = 4096;

/// How often a page is halved at most: then it is one record.
const HALVINGS_MAX: u32 = PAGE_BYTES.ilog2();

/// What a shard's pages are like.
///
/// A shard whose records were never seen is asked for a single one, then for as many as fit if they are alike: however
/// large records turn out to be, and however many shards are read for the first time, little more comes than was reserved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appetite {
    seen_records: usize,
    seen_bytes: usize,
    expects: Expects,
    /// How often to halve a page: once for each read that brought no answer, as pages may be too large for the time of a call.
    halvings: u32,
}

#[derive(Clone, Copy, Debug)]
enum Expects {
    /// Nothing was read yet.
    Anything,
    /// More is waiting.
    Backlog,
    /// There was nothing more.
    Little,
}

impl Appetite {
    pub(super) fn new() -> Self {
        Self { seen_records: 0, seen_bytes: 0, expects: Expects::Anything, halvings: 0 }
    }

    /// What to reserve while at most `records_max` records are read, when `fair_share` bytes are there for a first page.
    pub(super) fn wanted(&self, records_max: usize, fair_share: usize) -> Wanted {
        let page = self.records(records_max, PoolName::Shared, fair_share) * self.record_bytes();
        let page = match self.expects {
            Expects::Anything | Expects::Backlog => page,
            Expects::Little => page.min(QUIET_RESERVATION_BYTES),
        };
        let first_page = self.records(records_max, PoolName::FirstPages, fair_share) * self.record_bytes();
        Wanted { page: page * READING_FACTOR, first_page: first_page * READING_FACTOR }
    }

    /// How many records to ask for, once it is known which page was admitted. At least one.
    pub(super) fn records(&self, records_max: usize, pool: PoolName, fair_share: usize) -> usize {
        let page_bytes = match (pool, self.expects) {
            (PoolName::FirstPages, _) => fair_share.clamp(FIRST_PAGE_BYTES_MIN, PAGE_BYTES),
            (PoolName::Shared, Expects::Backlog) => PAGE_BYTES,
            (PoolName::Shared, Expects::Anything | Expects::Little) => QUIET_PAGE_BYTES,
        };
        ((page_bytes >> self.halvings) / self.record_bytes()).clamp(1, records_max.clamp(1, RECORDS_MAX))
    }

    /// Whether too few records were seen to ask for many.
    pub(super) fn is_learning(&self) -> bool {
        self.seen_records < LEARNING_RECORDS
    }

    /// A page of `records` came, `bytes` in sum, and whether more is waiting.
    pub(super) fn learn(&mut self, records: usize, bytes: usize, follows: Follows) {
        if bytes > records * self.record_bytes() {
            // Larger than all before: what was seen before says nothing.
            (self.seen_records, self.seen_bytes) = (0, 0);
        }
        self.seen_records += records;
        self.seen_bytes += bytes;
        while self.seen_records > SEEN_RECORDS_MAX {
            self.seen_records /= 2;
            self.seen_bytes /= 2;
        }
        self.halvings = self.halvings.saturating_sub(1);
        self.expects = match follows {
            Follows::More => Expects::Backlog,
            Follows::CaughtUp | Follows::NoPlace { .. } => Expects::Little,
        };
    }

    /// No answer came: the page may have been too large for the time that a call has.
    pub(super) fn shrink(&mut self) {
        self.halvings = (self.halvings + 1).min(HALVINGS_MAX);
    }

    /// What a record probably takes, a little on the large side while few were seen.
    fn record_bytes(&self) -> usize {
        (SEEN_WEIGHT * self.seen_bytes + RECORD_BYTES_MAX) / (SEEN_WEIGHT * self.seen_records + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(records: usize, bytes: usize, follows: Follows) -> Appetite {
        let mut appetite = Appetite::new();
        appetite.learn(records, bytes, follows);
        appetite
    }

    fn asks_for(appetite: &Appetite) -> usize {
        appetite.records(10_000, PoolName::Shared, 0)
    }

    #[test]
    fn never_more_records_than_asked_for_or_than_the_api_hands_out() {
        let tiny = after(4000, 4000, Follows::More);
        assert_eq!(tiny.records(100, PoolName::Shared, 0), 100);
        assert_eq!(tiny.records(1_000_000, PoolName::Shared, 0), RECORDS_MAX);
    }

    #[test]
    fn a_shard_whose_records_were_never_seen_is_asked_for_a_single_one_of_any_size() {
        let mut unknown = Appetite::new();
        assert_eq!(asks_for(&unknown), 1);
        assert_eq!(unknown.wanted(10_000, 0).page, READING_FACTOR * RECORD_BYTES_MAX);
        unknown.learn(0, 0, Follows::CaughtUp);
        assert_eq!(asks_for(&unknown), 1, "still unknown");
    }

    #[test]
    fn pages_grow_to_their_full_size_within_a_few_reads() {
        let mut appetite = Appetite::new();
        let mut asked = Vec::new();
        for _ in 0..4 {
            asked.push(asks_for(&appetite));
            appetite.learn(asks_for(&appetite), asks_for(&appetite) * 1400, Follows::More);
        }
        assert_eq!(asked[0], 1);
        assert!(asked[1] < 16, "{asked:?}");
        assert!(asked[3] > 1_000, "{asked:?}");
    }

    #[test]
    fn large_records_are_read_a_few_at_a_time_but_at_least_one() {
        let large = after(4, 4 * 2 * PAGE_BYTES, Follows::More);
        assert_eq!(large.records(100, PoolName::Shared, 0), 1);
        let medium = after(100, 100 * 400_000, Follows::More);
        assert_eq!(asks_for(&medium), 10);
    }

    #[test]
    fn records_that_grow_large_are_believed_after_one_page() {
        let mut appetite = after(4000, 4000 * 100, Follows::More);
        appetite.learn(10, 10 * RECORD_BYTES_MAX, Follows::More);
        assert_eq!(asks_for(&appetite), 2);
    }

    #[test]
    fn a_quiet_shard_reserves_little_and_still_asks_for_a_second_of_records() {
        let quiet = after(4000, 4000 * 1024, Follows::CaughtUp);
        assert_eq!(quiet.wanted(10_000, 0).page, READING_FACTOR * QUIET_RESERVATION_BYTES);
        assert!((900..=1024).contains(&asks_for(&quiet)), "{}", asks_for(&quiet));
    }

    #[test]
    fn while_the_budget_is_used_up_a_first_page_is_a_fair_share_within_bounds() {
        let backlog = after(4000, 4000 * 1024, Follows::More);
        let bytes = |fair_share| {
            let records = backlog.records(10_000, PoolName::FirstPages, fair_share);
            assert_eq!(
                backlog.wanted(10_000, fair_share).first_page,
                READING_FACTOR * records * backlog.record_bytes()
            );
            (records + 1) * backlog.record_bytes()
        };
        assert!(bytes(0) > FIRST_PAGE_BYTES_MIN);
        assert!(bytes(1024 * 1024) > 1024 * 1024);
        assert!((PAGE_BYTES..PAGE_BYTES + 2048).contains(&bytes(usize::MAX)));
    }

    #[test]
    fn an_empty_page_in_mid_stream_leaves_the_estimate_alone() {
        let mut appetite = after(4000, 4000 * 1024, Follows::More);
        let before = asks_for(&appetite);
        appetite.learn(0, 0, Follows::More);
        assert_eq!(asks_for(&appetite), before);
    }

    #[test]
    fn a_page_halves_with_every_read_without_an_answer_and_grows_again_with_every_answer() {
        let mut appetite = after(4000, 4000 * 1024, Follows::More);
        let full = asks_for(&appetite);
        appetite.shrink();
        assert_eq!(asks_for(&appetite), full / 2);
        for _ in 0..100 {
            appetite.shrink();
        }
        assert_eq!(asks_for(&appetite), 1);
        for _ in 0..HALVINGS_MAX {
            appetite.learn(1, 1024, Follows::More);
        }
        assert!(asks_for(&appetite) >= full);
    }
}
