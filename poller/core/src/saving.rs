//! When to keep a checkpoint.
//!
//! In: how far the shard is settled, and how saves ended. Out: the checkpoint to save now, if any. At most one save in
//! flight (I3); what is settled meanwhile goes into the next one.

use crate::checkpoint::Checkpoint;
use crate::policy::Policy;
use crate::time::Timestamp;

/// The saving side of a shard.
#[derive(Debug)]
pub(crate) struct Saving {
    /// What was kept last.
    kept: Checkpoint,
    /// What is being saved.
    in_flight: Option<Checkpoint>,
    /// Failed saves in a row.
    failures: u32,
    /// Not before this time.
    not_before: Timestamp,
    /// When a save last succeeded.
    saved_at: Option<Timestamp>,
}

impl Saving {
    pub(crate) fn starting_from(kept: Checkpoint) -> Self {
        Self { kept, in_flight: None, failures: 0, not_before: Timestamp::default(), saved_at: None }
    }

    pub(crate) fn kept(&self) -> &Checkpoint {
        &self.kept
    }

    pub(crate) fn saved_at(&self) -> Option<Timestamp> {
        self.saved_at
    }

    /// Whether everything up to `settled` is kept.
    pub(crate) fn is_up_to(&self, settled: &Checkpoint) -> bool {
        self.in_flight.is_none() && self.kept == *settled
    }

    /// Whether the last save failed: nothing new may start.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// When to save `settled`; `None` if it is kept, or a save is in flight.
    pub(crate) fn due(&self, settled: &Checkpoint) -> Option<Timestamp> {
        (self.in_flight.is_none() && self.kept != *settled).then_some(self.not_before)
    }

    pub(crate) fn start(&mut self, settled: Checkpoint) {
        self.in_flight = Some(settled);
    }

    pub(crate) fn succeeded(&mut self, now: Timestamp) {
        self.kept = self.in_flight.take().expect("an answer belongs to a save in flight (I7)");
        self.failures = 0;
        self.saved_at = Some(now);
    }

    pub(crate) fn failed(&mut self, policy: &Policy, now: Timestamp, random: &mut fastrand::Rng) {
        assert!(self.in_flight.take().is_some(), "an answer belongs to a save in flight (I7)");
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.after(policy.backoff.delay(self.failures, random));
    }
}
