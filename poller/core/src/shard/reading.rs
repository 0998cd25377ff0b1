//! When to read a shard next.
//!
//! In: how the last read ended, hints that something arrived. Out: the time of the next read. One read at a time.

use super::contract::{FetchError, Then};
use super::policy::Policy;
use super::window::ReadSoFar;
use crate::retry::Backoff;
use crate::time::Timestamp;
use std::time::Duration;

/// Least wait after the source throttled a read (specification 2.3).
const THROTTLE_WAIT_MIN: Duration = Duration::from_secs(1);

/// Longest wait after a read without an answer: every shard of a stream fails while its endpoint is away, and each is to be
/// back soon after it is.
const UNAVAILABLE_WAIT_MAX: Duration = Duration::from_secs(10);

/// How far the clock of a stream may be ahead of ours: only what arrived this long after the beginning certainly was not in
/// the stream then.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5);

/// The reading side of a shard.
#[derive(Debug)]
pub(crate) struct Reading {
    state: State,
    /// When the read in flight, or the last one, began.
    started_at: Timestamp,
    /// Failed reads in a row.
    failures: u32,
    /// Records arrived while a read was in flight, which may have missed them.
    missed_arrival: bool,
    /// When the shard began to be read.
    began_at: Timestamp,
    /// When the last read began, if nothing is left to read after it.
    caught_up_at: Option<Timestamp>,
    /// When the last record that was read arrived.
    last_arrival: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next read is due at this time.
    Due(Timestamp),
    InFlight,
    /// The shard was read to its end.
    Ended,
    /// What was in the shard at the beginning was read, and no more is wanted.
    CaughtUp,
}

impl Reading {
    pub(crate) fn starting(now: Timestamp) -> Self {
        Self {
            state: State::Due(Timestamp::default()),
            started_at: Timestamp::default(),
            failures: 0,
            missed_arrival: false,
            began_at: now,
            caught_up_at: None,
            last_arrival: None,
        }
    }

    /// When to read next; `None` while a read is in flight and after the end.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self.state {
            State::Due(at) => Some(at),
            State::InFlight | State::Ended | State::CaughtUp => None,
        }
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.state == State::InFlight
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether what was in the shard at the beginning was read, and no more is wanted.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.state == State::CaughtUp
    }

    /// Whether nothing more will be read.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Ended | State::CaughtUp)
    }

    /// How far the shard is read, as far as it matters to windows.
    pub(crate) fn so_far(&self) -> ReadSoFar {
        let (caught_up_at, last_arrival) = (self.caught_up_at, self.last_arrival);
        ReadSoFar { has_ended: self.has_ended(), caught_up_at, last_arrival }
    }

    pub(crate) fn start(&mut self, now: Timestamp) {
        self.state = State::InFlight;
        self.started_at = now;
        self.missed_arrival = false;
    }

    /// A page came; `last_arrival` is that of its last record, if it has any.
    pub(crate) fn succeeded(&mut self, then: Then, last_arrival: Option<Timestamp>, policy: &Policy) {
        assert!(self.is_in_flight(), "an answer belongs to a read in flight (I7)");
        self.failures = 0;
        let has_found_all = then == Then::CaughtUp && !self.missed_arrival;
        self.caught_up_at = has_found_all.then_some(self.started_at);
        self.last_arrival = last_arrival.or(self.last_arrival);
        let is_new = |arrival| arrival >= self.began_at.after(CLOCK_SKEW_MAX);
        let is_past_beginning = then == Then::CaughtUp || last_arrival.is_some_and(is_new);
        self.state = match then {
            Then::ShardEnd => State::Ended,
            Then::CaughtUp | Then::More if policy.until_caught_up && is_past_beginning => State::CaughtUp,
            Then::CaughtUp if !self.missed_arrival => {
                State::Due(self.started_at.after(policy.poll_interval.max(policy.fetch_gap_min)))
            }
            Then::CaughtUp | Then::More => State::Due(self.gap_after_start(policy)),
        };
    }

    pub(crate) fn failed(
        &mut self,
        error: FetchError,
        policy: &Policy,
        now: Timestamp,
        random: &mut fastrand::Rng,
    ) {
        assert!(self.is_in_flight(), "an answer belongs to a read in flight (I7)");
        let gap_over = self.gap_after_start(policy);
        let (least, cap) = match error {
            FetchError::Cancelled => return self.state = State::Due(gap_over),
            FetchError::Throttled => (THROTTLE_WAIT_MIN, policy.backoff.cap),
            FetchError::Unavailable => (Duration::ZERO, policy.backoff.cap.min(UNAVAILABLE_WAIT_MAX)),
        };
        self.failures = self.failures.saturating_add(1);
        let backoff = Backoff { cap, ..policy.backoff };
        let rested = now.after(least + backoff.delay(self.failures, random));
        self.state = State::Due(rested.max(gap_over));
    }

    /// Records arrived: read as soon as the source allows, but never cut a backoff short.
    pub(crate) fn records_arrived(&mut self, policy: &Policy) {
        match self.state {
            State::Due(at) if self.failures == 0 => {
                self.state = State::Due(at.min(self.gap_after_start(policy)));
            }
            State::InFlight => self.missed_arrival = true,
            State::Due(_) | State::Ended | State::CaughtUp => {}
        }
    }

    /// The earliest that the source allows another read.
    fn gap_after_start(&self, policy: &Policy) -> Timestamp {
        self.started_at.after(policy.fetch_gap_min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, millis, policy};

    #[derive(Clone, Copy)]
    enum On {
        /// The read starts.
        Start,
        Page(Then),
        Failed(FetchError),
        Arrived,
    }
    use FetchError::{Cancelled, Throttled, Unavailable};
    use On::{Arrived, Failed, Page, Start};
    use Then::{CaughtUp, More, ShardEnd};

    /// After these events, each at its time, the next read is due at `due` (`None`: not at all).
    fn check(policy: &Policy, events: &[(u64, On)], due: Option<u64>) {
        let mut reading = Reading::starting(at(0));
        let mut random = fastrand::Rng::with_seed(0);
        for (millis, event) in events {
            match event {
                Start => reading.start(at(*millis)),
                Page(then) => reading.succeeded(*then, None, policy),
                Failed(error) => reading.failed(*error, policy, at(*millis), &mut random),
                Arrived => reading.records_arrived(policy),
            }
        }
        assert_eq!(reading.due(), due.map(at));
    }

    #[test]
    fn an_idle_shard_is_read_once_a_poll_interval_from_start_to_start() {
        check(&policy(), &[(0, Start), (700, Page(CaughtUp))], Some(1_000));
    }

    #[test]
    fn a_backlog_is_read_on_at_once_but_not_more_than_five_times_a_second() {
        check(&policy(), &[(0, Start), (50, Page(More))], Some(200));
        check(&policy(), &[(0, Start), (900, Page(More))], Some(200));
    }

    #[test]
    fn records_that_arrive_cut_the_poll_interval_short() {
        check(&policy(), &[(0, Start), (50, Page(CaughtUp)), (300, Arrived)], Some(200));
    }

    #[test]
    fn records_that_arrive_never_delay_a_read() {
        check(&policy(), &[(0, Start), (50, Page(More)), (60, Arrived)], Some(200));
    }

    #[test]
    fn records_that_arrive_during_a_read_may_have_been_missed_by_it() {
        check(&policy(), &[(0, Start), (10, Arrived), (50, Page(CaughtUp))], Some(200));
    }

    #[test]
    fn records_that_arrived_before_a_read_started_are_not_missed_by_it() {
        let events = [(0, Start), (10, Arrived), (50, Page(CaughtUp)), (200, Start), (250, Page(CaughtUp))];
        check(&policy(), &events, Some(1_200));
    }

    #[test]
    fn records_that_arrive_never_cut_a_backoff_short() {
        check(&policy(), &[(0, Start), (50, Failed(Throttled)), (60, Arrived)], Some(1_050));
    }

    #[test]
    fn after_a_throttled_read_the_source_has_a_second_of_rest_at_the_least() {
        check(&policy(), &[(0, Start), (50, Failed(Throttled))], Some(1_050));
    }

    #[test]
    fn a_source_that_is_back_is_read_within_ten_seconds_however_long_it_was_away() {
        let policy = Policy { backoff: Backoff::default(), ..policy() };
        let mut random = fastrand::Rng::with_seed(0);
        let mut wait = |error| {
            let mut reading = Reading::starting(at(0));
            for _ in 0..20 {
                reading.start(at(0));
                reading.failed(error, &policy, at(0), &mut random);
            }
            reading.due().unwrap().since(at(0))
        };
        assert!((0..100).all(|_| wait(Unavailable) <= UNAVAILABLE_WAIT_MAX));
        assert!((0..100).any(|_| wait(Throttled) > UNAVAILABLE_WAIT_MAX), "one that throttles has more rest");
    }

    #[test]
    fn after_a_failed_read_the_source_has_its_gap_between_reads() {
        check(&policy(), &[(0, Start), (50, Failed(Unavailable))], Some(200));
        check(&policy(), &[(0, Start), (500, Failed(Unavailable))], Some(500));
    }

    #[test]
    fn the_gap_between_reads_holds_though_the_poll_interval_is_shorter() {
        let hasty = Policy { poll_interval: millis(20), ..policy() };
        check(&hasty, &[(0, Start), (5, Page(CaughtUp))], Some(200));
    }

    #[test]
    fn the_gap_between_reads_holds_though_it_is_longer_than_the_rest_of_a_throttled_source() {
        let slow = Policy { fetch_gap_min: millis(5_000), ..policy() };
        check(&slow, &[(0, Start), (50, Failed(Throttled))], Some(5_000));
    }

    #[test]
    fn a_read_that_was_taken_back_is_no_failure() {
        check(&policy(), &[(0, Start), (50, Failed(Cancelled))], Some(200));
    }

    #[test]
    fn a_shard_that_was_read_to_its_end_is_not_read_again() {
        check(&policy(), &[(0, Start), (50, Page(ShardEnd))], None);
        check(&policy(), &[(0, Start), (50, Page(ShardEnd)), (60, Arrived)], None);
    }

    #[test]
    fn one_read_at_a_time() {
        check(&policy(), &[(0, Start)], None);
        check(&policy(), &[(0, Start), (10, Arrived)], None);
    }

    #[test]
    fn failed_reads_back_off_further_and_further_and_a_page_ends_that() {
        let policy = Policy { fetch_gap_min: millis(0), backoff: Backoff::default(), ..policy() };
        let mut reading = Reading::starting(at(0));
        let mut random = fastrand::Rng::with_seed(0);
        for failures in 1..=8 {
            reading.start(at(0));
            reading.failed(Unavailable, &policy, at(0), &mut random);
            let wait = reading.due().unwrap().since(at(0));
            assert!(wait <= policy.backoff.ceiling(failures), "{failures} failures, {wait:?}");
        }
        assert!(reading.due().unwrap() > at(1_000), "with this seed");
        reading.start(at(0));
        reading.succeeded(CaughtUp, None, &policy);
        reading.start(at(0));
        reading.failed(Unavailable, &policy, at(0), &mut random);
        assert!(reading.due().unwrap() <= at(500));
    }

    #[test]
    #[should_panic(expected = "an answer belongs to a read in flight (I7)")]
    fn a_second_answer_to_one_read_is_refused() {
        check(&policy(), &[(0, Start), (1, Page(CaughtUp)), (2, Page(CaughtUp))], None);
    }
}
