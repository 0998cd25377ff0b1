//! Records that are given up: settled without having succeeded.

use crate::batch::Batch;
use crate::invocation::Reached;
use std::sync::Arc;

/// Why records were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// The stream no longer keeps them: older than its retention.
    Expired,
    /// Older than MaximumRecordAgeInSeconds (RecordAgeExceeded).
    TooOld,
    /// MaximumRetryAttempts are used up (RetryAttemptsExhausted).
    RetriesExhausted,
    /// A single record whose event alone is larger than an invocation may be.
    TooLarge,
}

/// Names one delivery of records that were given up; never reused by its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FailureId(pub u64);

/// Records that were given up: settled without having succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Names this delivery in its answer.
    pub id: FailureId,
    /// The records, in order. None, but a tumbling window's state, if the final invocation of a window was given up.
    pub batch: Arc<Batch>,
    /// Why they were given up.
    pub reason: GiveUp,
    /// How often the function was invoked with them.
    pub attempts: u32,
    /// The last invocation that reached the function, if one did.
    pub last_reached: Option<Reached>,
}

/// Records that were given up could not be handed over. The same delivery may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError;
