//! When things may happen at the earliest and must at the latest: cadence, batching window and backoff (I5).

use super::Owed;
use super::ledger::{Follows, Ledger};
use pelton_core::{DELIVERY_ATTEMPTS_MAX, FetchError, Input, Policy, Then, Timestamp};
use std::time::Duration;

/// The waits of one life of a shard.
#[derive(Debug)]
pub(crate) struct Patience {
    policy: Policy,
    fetch_started: Timestamp,
    fetch_failures: u32,
    /// A hint came since the last read started.
    is_hinted: bool,
    /// The next read: not before, and not after.
    fetch_from: Timestamp,
    fetch_until: Timestamp,
    /// The retry and the save are at these times at the latest; zero while they wait for nothing.
    retry_until: Timestamp,
    save_until: Timestamp,
    /// When the batching window is over.
    window_over: Timestamp,
    invocation_failures: u32,
    /// When a rest may last have ended at an age limit.
    shortened_at: Option<Timestamp>,
    save_failures: u32,
}

/// From one rest that ends at the age limit of a few records to the next.
const SHORTENED_GAP: Duration = Duration::from_secs(1);

/// Least rest of a source that throttled a read (specification 2.3).
const THROTTLE_REST: Duration = Duration::from_secs(1);

impl Patience {
    pub(crate) fn new(policy: &Policy, now: Timestamp) -> Self {
        Self {
            policy: policy.clone(),
            fetch_started: Timestamp::default(),
            fetch_failures: 0,
            is_hinted: false,
            fetch_from: Timestamp::default(),
            fetch_until: now,
            window_over: now.after(policy.batching_window),
            invocation_failures: 0,
            shortened_at: None,
            retry_until: Timestamp::default(),
            save_failures: 0,
            save_until: Timestamp::default(),
        }
    }

    pub(crate) fn before(&mut self, input: &Input, now: Timestamp, is_draining: bool) {
        match input {
            Input::Fetched(_) if is_draining => {}
            Input::Fetched(Ok(page)) => self.fetched(page.then),
            Input::Fetched(Err(error)) => self.fetch_failed(*error, now),
            Input::FailureSent(_, Ok(())) => self.retry_until = Timestamp::default(),
            Input::FailureSent(_, Err(_)) => {
                self.retry_until = now.after(self.policy.backoff.ceiling(DELIVERY_ATTEMPTS_MAX));
            }
            Input::CheckpointSaved(Ok(())) => {
                self.save_failures = 0;
                self.save_until = Timestamp::default();
            }
            Input::CheckpointSaved(Err(_)) => {
                self.save_failures += 1;
                self.save_until = now.after(self.policy.backoff.ceiling(self.save_failures));
            }
            Input::RecordsArrived => {
                self.is_hinted = true;
                if self.fetch_failures == 0 {
                    self.fetch_from = self.gap_over();
                    self.fetch_until = self.fetch_until.min(self.gap_over());
                }
            }
            Input::FunctionChanged => self.retry_until = now,
            Input::Invoked(..)
            | Input::RetentionChanged(_)
            | Input::Trimmed(_)
            | Input::Drain { .. }
            | Input::Lost
            | Input::TimePassed => {}
        }
    }

    fn fetched(&mut self, then: Then) {
        self.fetch_failures = 0;
        let is_idle = then == Then::CaughtUp && !self.is_hinted;
        let wait = if is_idle { self.policy.poll_interval } else { Duration::ZERO };
        self.fetch_from = self.fetch_started.after(wait.max(self.policy.fetch_gap_min));
        self.fetch_until = self.fetch_from;
    }

    fn fetch_failed(&mut self, error: FetchError, now: Timestamp) {
        let rest = match error {
            FetchError::Cancelled => Duration::ZERO,
            FetchError::Throttled => THROTTLE_REST,
            FetchError::Unavailable => Duration::ZERO,
        };
        if error != FetchError::Cancelled {
            self.fetch_failures += 1;
        }
        self.fetch_from = now.after(rest).max(self.gap_over());
        let longest = rest + self.policy.backoff.ceiling(self.fetch_failures);
        self.fetch_until = now.after(longest).max(self.gap_over());
    }

    /// `limits`: when the records of a batch that failed become too old, in order.
    pub(crate) fn invoked(&mut self, follows: Follows, limits: &[Timestamp], now: Timestamp) {
        self.window_over = now.after(self.policy.batching_window);
        match follows {
            Follows::Nothing => self.invocation_failures = 0,
            Follows::Wait => self.invocation_failures += 1,
            Follows::WaitAnew => self.invocation_failures = 1,
            Follows::GiveUp => {}
        }
        let waits = matches!(follows, Follows::Wait | Follows::WaitAnew);
        let wait = if waits { self.policy.backoff.ceiling(self.invocation_failures) } else { Duration::ZERO };
        self.retry_until =
            if waits { self.heeding(limits, now.after(wait), now) } else { Timestamp::default() };
    }

    /// A rest does not outlast the next age limit, or that of half of the batch if another ended so just before.
    fn heeding(&mut self, limits: &[Timestamp], rested: Timestamp, now: Timestamp) -> Timestamp {
        let Some(first) = limits.first().map(|first| now.max(*first)).filter(|first| *first < rested) else {
            return rested;
        };
        let is_lone = self.shortened_at.is_none_or(|last| now >= last.after(SHORTENED_GAP));
        let half = limits[(limits.len() - 1) / 2];
        let latest = if is_lone { first } else { first.max(half).min(rested) };
        self.shortened_at = Some(latest);
        latest
    }

    fn gap_over(&self) -> Timestamp {
        self.fetch_started.after(self.policy.fetch_gap_min)
    }

    pub(crate) fn check_fetch(&mut self, now: Timestamp) {
        assert!(now >= self.fetch_from, "the source has its rest until {}, but it is {now}", self.fetch_from);
        self.fetch_started = now;
        self.is_hinted = false;
    }

    /// Called when a batch goes out that could have grown.
    pub(crate) fn check_window(&self, now: Timestamp) {
        assert!(now >= self.window_over, "I4: the window lasts until {}, but it is {now}", self.window_over);
    }

    /// Whatever is next to be done is done in time.
    pub(crate) fn check_wakeup(&self, wakeup: Option<Timestamp>, owed: &Owed, ledger: &Ledger) {
        let is_by = |latest: Timestamp| wakeup.is_some_and(|wakeup| wakeup <= latest);
        if !ledger.is_all_kept() && owed.save.is_none() {
            assert!(is_by(self.save_until), "I5: what is settled is saved by {}", self.save_until);
        }
        if ledger.is_draining || ledger.is_stalled() {
            return;
        }
        let may_start = ledger.is_all_kept() && owed.save.is_none();
        if may_start && ledger.is_plain() && ledger.is_holding() && !owed.is_in_flight() {
            let window_over = if ledger.is_gathering() { self.window_over } else { Timestamp::default() };
            let latest = window_over.max(self.retry_until);
            assert!(is_by(latest), "I5: what is held is invoked by {latest}");
        }
        if ledger.has_room() && owed.fetch.is_none() {
            assert!(is_by(self.fetch_until), "I5: the next read is by {}", self.fetch_until);
        }
    }
}
