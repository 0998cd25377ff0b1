//! When the stream is checked, and what a check that began at some moment tells of what happened before.

use crate::retry::Backoff;
use crate::time::Timestamp;
use std::time::Duration;

/// From one check to the next (KCL's shard sync).
const INTERVAL: Duration = Duration::from_secs(60);
/// The same while the last listing leaves something open: a known shard was missing, for which others may wait, or a closed shard has no
/// child yet, which a table's stream may list long after.
const INTERVAL_OPEN_QUESTION: Duration = Duration::from_secs(5);
/// From one check to the next at the least, however many shards end.
pub const CHECK_GAP_MIN: Duration = Duration::from_secs(1);

/// Counts what only a check that begins later can settle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted {
    /// Shards that have ended: their children may not be listed yet.
    ends: u64,
    /// Readers that found their stream gone.
    required: u64,
}

/// The checks of one stream.
#[derive(Debug)]
pub(super) struct Checks {
    random: fastrand::Rng,
    last: Timestamp,
    due: Timestamp,
    failures: u32,
    /// What happened by now; when the check in progress began; when the last one began that succeeded.
    counted: Counted,
    seen: Counted,
    settled: Counted,
    /// One was asked for since the last one began.
    is_wanted: bool,
}

impl Checks {
    /// The stream was found at `now`.
    pub(super) fn new(seed: u64, now: Timestamp) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            last: now,
            due: now.after(INTERVAL),
            failures: 0,
            counted: Counted::default(),
            seen: Counted::default(),
            settled: Counted::default(),
            is_wanted: false,
        }
    }

    pub(super) fn due(&self) -> Timestamp {
        let soon = self.last.after(CHECK_GAP_MIN);
        // One that failed is repeated after its backoff, whoever asks.
        if self.is_wanted && self.failures == 0 { self.due.min(soon) } else { self.due }
    }

    /// `required`: how many readers in sum found their stream gone.
    pub(super) fn wanted(&mut self, required: u64) {
        self.counted.required = self.counted.required.max(required);
        self.is_wanted = true;
    }

    pub(super) fn shard_ended(&mut self) {
        self.counted.ends += 1;
        self.is_wanted = true;
    }

    pub(super) fn begin(&mut self, now: Timestamp) {
        self.last = now;
        self.seen = self.counted;
        self.is_wanted = false;
    }

    /// Whether the one before had failed.
    pub(super) fn succeeded(&mut self, is_a_question_open: bool, now: Timestamp) -> bool {
        let had_failed = self.failures > 0;
        self.failures = 0;
        self.settled = self.seen;
        self.last = now;
        self.due = now.after(if is_a_question_open { INTERVAL_OPEN_QUESTION } else { INTERVAL });
        had_failed
    }

    /// When the next one is.
    pub(super) fn failed(&mut self, now: Timestamp) -> Timestamp {
        self.failures = self.failures.saturating_add(1);
        self.last = now;
        self.due = now.after(CHECK_GAP_MIN + Backoff::default().delay(self.failures, &mut self.random));
        self.due
    }

    /// Whether a reader waits for a check that no successful one has settled.
    pub(super) fn is_required(&self) -> bool {
        self.settled.required < self.counted.required
    }

    /// Readers up to this one may read on, if any waits.
    pub(super) fn passed(&self) -> Option<u64> {
        (self.settled.required > 0).then_some(self.settled.required)
    }

    /// A shard has ended since the last successful check began.
    pub(super) fn may_bring_children(&self) -> bool {
        self.settled.ends < self.counted.ends
    }
}
