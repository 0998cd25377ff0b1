//! When to read a shard next.
//!
//! In: how the last read ended, hints that something arrived. Out: the time of the next read. One read at a time.

use crate::contract::{FetchError, Then};
use crate::policy::Policy;
use crate::time::Timestamp;
use std::time::Duration;

/// Least wait after the source throttled a read (specification 2.3).
const THROTTLE_WAIT_MIN: Duration = Duration::from_secs(1);

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next read is due at this time.
    Due(Timestamp),
    InFlight,
    /// The shard was read to its end.
    Ended,
}

impl Reading {
    pub(crate) fn starting_now() -> Self {
        Self {
            state: State::Due(Timestamp::default()),
            started_at: Timestamp::default(),
            failures: 0,
            missed_arrival: false,
        }
    }

    /// When to read next; `None` while a read is in flight and after the end.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self.state {
            State::Due(at) => Some(at),
            State::InFlight | State::Ended => None,
        }
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.state == State::InFlight
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    pub(crate) fn start(&mut self, now: Timestamp) {
        self.state = State::InFlight;
        self.started_at = now;
        self.missed_arrival = false;
    }

    pub(crate) fn succeeded(&mut self, then: Then, policy: &Policy) {
        assert!(self.is_in_flight(), "an answer belongs to a read in flight (I7)");
        self.failures = 0;
        self.state = match then {
            Then::ShardEnd => State::Ended,
            Then::CaughtUp if !self.missed_arrival => State::Due(self.started_at.after(policy.poll_interval)),
            Then::CaughtUp | Then::More => State::Due(self.started_at.after(policy.fetch_gap_min)),
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
        self.state = match error {
            FetchError::Cancelled => State::Due(self.started_at.after(policy.fetch_gap_min)),
            FetchError::Unavailable | FetchError::Throttled => {
                self.failures = self.failures.saturating_add(1);
                let least = if error == FetchError::Throttled { THROTTLE_WAIT_MIN } else { Duration::ZERO };
                State::Due(now.after(least + policy.backoff.delay(self.failures, random)))
            }
        };
    }

    /// Records arrived: read as soon as the source allows, but never cut a backoff short.
    pub(crate) fn records_arrived(&mut self, policy: &Policy) {
        match self.state {
            State::Due(at) if self.failures == 0 => {
                self.state = State::Due(at.min(self.started_at.after(policy.fetch_gap_min)));
            }
            State::InFlight => self.missed_arrival = true,
            State::Due(_) | State::Ended => {}
        }
    }
}
