//! What people are told of a batch that failed: which records, which attempt, why, and what becomes of them.
//!
//! In: what the core knows of the batch. Out: values for logs and status. Decides nothing.

use super::policy::Policy;
use crate::batch::Batch;
use crate::giving_up::GiveUp;
use crate::record::{Position, Record};
use crate::time::Timestamp;
use std::sync::Arc;

/// The records of a batch. Between the first and the last may be others: filtered ones, and those of a Kafka batch that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many.
    pub records: usize,
    /// Position of the first; `None` without records, as at the end of a tumbling window.
    pub first: Option<Position>,
    /// Position of the last.
    pub last: Option<Position>,
}

impl Extent {
    /// That of these records.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let position = |record: &Record| record.position().clone();
        Self {
            records: records.len(),
            first: records.first().map(position),
            last: records.last().map(position),
        }
    }
}

/// Why an attempt at a batch did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptError {
    /// The function failed.
    FunctionFailed {
        /// AWS's error type, or the function's own.
        error_type: String,
        /// For people.
        message: String,
    },
    /// The response names records that failed; the first of them is the first of those that are left.
    Reported,
    /// The response counts as a failure of the whole batch.
    ResponseRefused {
        /// Why, for people.
        reason: String,
    },
    /// No free concurrency: the batch did not reach the function. Not counted as an attempt.
    Throttled,
    /// The function could not be invoked. Not counted as an attempt.
    NotInvoked {
        /// For people.
        reason: String,
    },
    /// It was tried before this poller had the shard. Why it did not succeed is not kept.
    Earlier,
}

/// An attempt at a batch that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// 1 for the first attempt at this batch, 2 for the first retry, …
    pub attempt: u32,
    /// MaximumRetryAttempts and the first attempt; `None`: no limit.
    pub attempts_max: Option<u32>,
    /// The records that are not settled.
    pub extent: Extent,
    /// Why.
    pub error: Arc<AttemptError>,
    /// The id of the invocation, if it has one.
    pub request_id: Option<Arc<str>>,
    /// What becomes of the records.
    pub then: AfterFailure,
    /// What waits until then.
    pub waits: Waits,
}

/// What becomes of records that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// They are tried again.
    TriedAgain {
        /// When.
        at: Timestamp,
    },
    /// The batch is split in two, and its first half is tried next. Both halves have all their attempts before them.
    Split {
        /// When.
        at: Timestamp,
        /// Records of the first half.
        first_half: usize,
    },
    /// They are given up, now or before their next attempt, as they are too old by then.
    GivenUp {
        /// Why.
        reason: GiveUp,
    },
    /// The shard drains: whoever resumes at the checkpoint tries them again.
    Left,
}

/// What waits while a batch fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Every later record of the shard.
    Shard,
    /// Later records with the same keys as those of the batch, and those that share its lane (ParallelizationFactor).
    Keys,
}

impl Waits {
    /// With this policy.
    #[must_use]
    pub fn under(policy: &Policy) -> Self {
        if policy.parallelization_factor > 1 { Self::Keys } else { Self::Shard }
    }
}

/// A batch that failed and is not settled: it holds up what [`Waits`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingBatch {
    /// How often the function failed with these records.
    pub attempts: u32,
    /// MaximumRetryAttempts and the first attempt; `None`: no limit.
    pub attempts_max: Option<u32>,
    /// The batch that is tried next, or is being tried again. It shares the memory of the records that the shard holds.
    pub batch: Arc<Batch>,
    /// When these records first failed, perhaps as part of a larger batch.
    pub first_failed_at: Timestamp,
    /// When the next attempt, or the next delivery to the destination, starts. `None`: it runs, or starts once the checkpoint is
    /// stored.
    pub next_attempt_at: Option<Timestamp>,
    /// Whether it is given up, and only its delivery to the destination is left.
    pub is_given_up: bool,
    /// Why the last attempt failed.
    pub error: Arc<AttemptError>,
    /// The id of the last invocation, if it has one.
    pub request_id: Option<Arc<str>>,
}

impl FailingBatch {
    /// Its records.
    #[must_use]
    pub fn extent(&self) -> Extent {
        Extent::of(self.batch.records())
    }
}

/// How often a batch is tried at most.
pub(crate) fn attempts_max(policy: &Policy) -> Option<u32> {
    policy.retry_attempts_max.map(|retries| retries.saturating_add(1))
}
