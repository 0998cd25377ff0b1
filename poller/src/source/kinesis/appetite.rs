//! How much one GetRecords asks for.
//!
//! In: what the last pages were like. Out: a number of records, and the bytes that they will probably be. AWS limits a
//! page by 10,000 records and 10 MB; this keeps pages smaller, so that many shards fit into the process's budget.

use super::super::budget::{PoolName, Wanted};
use pelton_core::Then;

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

/// A record of about a kilobyte, inside an event, until records of the shard were seen.
const RECORD_BYTES_GUESS: usize = 2 * 1024;

/// How much the past counts against the latest page in the running mean: three to one.
const MEAN_WEIGHT: usize = 3;

/// What a shard's pages are like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appetite {
    record_bytes: Option<usize>,
    expects: Expects,
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
        Self { record_bytes: None, expects: Expects::Anything }
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
        (page_bytes / self.record_bytes()).clamp(1, records_max.clamp(1, RECORDS_MAX))
    }

    /// A page of `records` came, `bytes` in sum.
    pub(super) fn learn(&mut self, records: usize, bytes: usize, then: Then) {
        if let Some(latest) = bytes.checked_div(records) {
            let mean =
                self.record_bytes.map_or(latest, |mean| (MEAN_WEIGHT * mean + latest) / (MEAN_WEIGHT + 1));
            self.record_bytes = Some(mean.max(1));
        }
        self.expects = match then {
            Then::More => Expects::Backlog,
            Then::CaughtUp | Then::ShardEnd => Expects::Little,
        };
    }

    fn record_bytes(&self) -> usize {
        self.record_bytes.unwrap_or(RECORD_BYTES_GUESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(records: usize, bytes: usize, then: Then) -> Appetite {
        let mut appetite = Appetite::new();
        appetite.learn(records, bytes, then);
        appetite
    }

    #[test]
    fn never_more_records_than_asked_for_or_than_the_api_hands_out() {
        let tiny = after(1000, 1000, Then::More);
        assert_eq!(tiny.records(100, PoolName::Shared, 0), 100);
        assert_eq!(tiny.records(1_000_000, PoolName::Shared, 0), RECORDS_MAX);
    }

    #[test]
    fn large_records_are_read_a_few_at_a_time_but_at_least_one() {
        let large = after(4, 4 * PAGE_BYTES, Then::More);
        assert_eq!(large.records(100, PoolName::Shared, 0), 1);
        assert_eq!(large.wanted(100, 0).page, 3 * PAGE_BYTES);
        let medium = after(10, 10 * 400_000, Then::More);
        assert_eq!(medium.records(10_000, PoolName::Shared, 0), 10);
    }

    #[test]
    fn a_quiet_shard_reserves_little_and_still_asks_for_a_second_of_records() {
        let quiet = after(10, 10 * 1024, Then::CaughtUp);
        assert_eq!(quiet.wanted(10_000, 0).page, 3 * QUIET_RESERVATION_BYTES);
        assert_eq!(quiet.records(10_000, PoolName::Shared, 0), 1024);
    }

    #[test]
    fn while_the_budget_is_used_up_a_first_page_is_a_fair_share_within_bounds() {
        let backlog = after(10, 10 * 1024, Then::More);
        let first_page = |fair_share| backlog.records(10_000, PoolName::FirstPages, fair_share);
        assert_eq!(first_page(0), 16);
        assert_eq!(first_page(1024 * 1024), 1024);
        assert_eq!(first_page(usize::MAX), 4096);
        assert_eq!(backlog.wanted(10_000, 1024 * 1024).first_page, 3 * 1024 * 1024);
    }

    #[test]
    fn an_empty_page_in_mid_stream_leaves_the_mean_alone() {
        let mut appetite = after(10, 10 * 1024, Then::More);
        appetite.learn(0, 0, Then::More);
        assert_eq!(appetite.records(10_000, PoolName::Shared, 0), 4096);
    }
}
