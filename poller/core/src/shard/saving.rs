//! When to keep a checkpoint.
//!
//! In: the version of what is settled, and how saves ended. Out: when to save, and which version is kept. At most one save
//! in flight (I3); what is settled meanwhile goes into the next one.

use super::checkpoint::{Checkpoint, Version};
use super::policy::Policy;
use crate::time::Timestamp;

/// The saving side of a shard.
#[derive(Debug)]
pub(crate) struct Saving {
    /// What was kept last.
    kept: Checkpoint,
    kept_version: Version,
    /// What is being saved.
    in_flight: Option<(Checkpoint, Version)>,
    /// Failed saves in a row.
    failures: u32,
    /// Not before this time.
    not_before: Timestamp,
    /// When a save last succeeded.
    saved_at: Option<Timestamp>,
}

impl Saving {
    pub(crate) fn starting_from(kept: Checkpoint) -> Self {
        let not_before = Timestamp::default();
        Self { kept, kept_version: 0, in_flight: None, failures: 0, not_before, saved_at: None }
    }

    pub(crate) fn kept(&self) -> &Checkpoint {
        &self.kept
    }

    /// Which version of the checkpoint was kept last.
    pub(crate) fn kept_version(&self) -> Version {
        self.kept_version
    }

    pub(crate) fn saved_at(&self) -> Option<Timestamp> {
        self.saved_at
    }

    /// Whether what is kept is `version`, and no save in flight.
    pub(crate) fn is_up_to(&self, version: Version) -> bool {
        self.in_flight.is_none() && self.kept_version == version
    }

    /// Whether `version` is kept, or a later one.
    pub(crate) fn has_kept(&self, version: Version) -> bool {
        self.kept_version >= version
    }

    /// Whether the last save failed: nothing new may start.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// When to save `version`; `None` if it is kept, or a save is in flight.
    pub(crate) fn due(&self, version: Version) -> Option<Timestamp> {
        (self.in_flight.is_none() && self.kept_version != version).then_some(self.not_before)
    }

    pub(crate) fn start(&mut self, settled: Checkpoint, version: Version) {
        self.in_flight = Some((settled, version));
    }

    pub(crate) fn succeeded(&mut self, now: Timestamp) {
        (self.kept, self.kept_version) =
            self.in_flight.take().expect("an answer belongs to a save in flight (I7)");
        self.failures = 0;
        self.not_before = Timestamp::default();
        self.saved_at = Some(now);
    }

    pub(crate) fn failed(&mut self, policy: &Policy, now: Timestamp, random: &mut fastrand::Rng) {
        assert!(self.in_flight.take().is_some(), "an answer belongs to a save in flight (I7)");
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.after(policy.backoff.delay(self.failures, random));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Position;
    use crate::testing::{at, policy};

    fn up_to(version: Version) -> Checkpoint {
        Checkpoint { position: Some(Position::new(version.to_string())), ..Checkpoint::default() }
    }

    #[derive(Clone, Copy)]
    enum On {
        /// A save of this version starts.
        Start(Version),
        Saved,
        Failed,
    }
    use On::{Failed, Saved, Start};

    /// Version 0 is kept and version 2 is settled. After these events, each at its time, a save of version 2 is due at `due`.
    fn check(events: &[(u64, On)], due: Option<Timestamp>) -> Saving {
        let mut saving = Saving::starting_from(up_to(0));
        let mut random = fastrand::Rng::with_seed(0);
        for (millis, event) in events {
            match event {
                Start(version) => saving.start(up_to(*version), *version),
                Saved => saving.succeeded(at(*millis)),
                Failed => saving.failed(&policy(), at(*millis), &mut random),
            }
        }
        assert_eq!(saving.due(2), due);
        saving
    }

    #[test]
    fn what_is_settled_and_not_kept_is_saved_at_once() {
        let saving = check(&[], Some(Timestamp::default()));
        assert!(!saving.is_up_to(2) && saving.is_up_to(0));
    }

    #[test]
    fn what_is_kept_is_not_saved_again() {
        let saving = check(&[(0, Start(2)), (5, Saved)], None);
        assert!(saving.is_up_to(2) && *saving.kept() == up_to(2));
        assert_eq!(saving.saved_at(), Some(at(5)));
    }

    #[test]
    fn one_save_at_a_time() {
        let saving = check(&[(0, Start(1))], None);
        assert!(!saving.is_up_to(0), "nobody knows what is kept while a save is in flight");
        assert!(saving.has_kept(0) && !saving.has_kept(1), "but no less than before");
    }

    #[test]
    fn what_was_settled_during_a_save_goes_into_the_next() {
        check(&[(0, Start(1)), (5, Saved)], Some(Timestamp::default()));
    }

    #[test]
    fn after_a_failed_save_what_was_kept_before_still_stands() {
        let saving = check(&[(0, Start(2)), (5, Failed)], Some(at(5)));
        assert!(saving.is_failing() && *saving.kept() == up_to(0) && saving.saved_at().is_none());
    }

    #[test]
    fn a_save_that_is_tried_again_is_failing_until_it_succeeds() {
        assert!(check(&[(0, Start(2)), (5, Failed), (9, Start(2))], None).is_failing());
        assert!(!check(&[(0, Start(2)), (5, Failed), (9, Start(2)), (9, Saved)], None).is_failing());
    }

    #[test]
    fn a_save_that_succeeded_ends_the_backoff_though_the_clock_goes_back() {
        let events = [(5_000, Start(1)), (5_000, Failed), (7_000, Start(1)), (0, Saved)];
        check(&events, Some(Timestamp::default()));
    }

    #[test]
    #[should_panic(expected = "an answer belongs to a save in flight (I7)")]
    fn a_second_answer_to_one_save_is_refused() {
        check(&[(0, Start(2)), (1, Saved), (2, Saved)], None);
    }
}
