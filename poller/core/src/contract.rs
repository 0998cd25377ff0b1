//! The vocabulary between the core and its shell: what goes in, what comes out.
//!
//! Every [`Command`] is answered by exactly one [`Input`] (I7).

use crate::batch::Batch;
use crate::checkpoint::Checkpoint;
use crate::counts::Counts;
use crate::failing::{FailedAttempt, FailingBatch};
use crate::record::{Position, Record};
use crate::time::Timestamp;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// Names one invocation of one shard; never reused by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvocationId(pub u64);

/// Names one delivery of records that were given up; never reused by its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FailureId(pub u64);

/// What the shell is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read at most `records_max` further records. Answer: [`Input::Fetched`].
    Fetch {
        /// Most records that the answer may hold.
        records_max: usize,
    },
    /// Run the function once. Answer: [`Input::Invoked`] with the same id.
    Invoke(Invocation),
    /// Keep this checkpoint. Answer: [`Input::CheckpointSaved`].
    SaveCheckpoint(Checkpoint),
    /// Hand records that were given up to whoever asked for them. Answer: [`Input::FailureSent`].
    SendFailure(Failure),
}

/// One run of the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Names this run in its answer.
    pub id: InvocationId,
    /// The records, in order.
    pub batch: Arc<Batch>,
    /// 1 for the first attempt at this batch, 2 for the first retry, …
    pub attempt: u32,
}

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

/// An invocation that reached the function and did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its request id, if the shell knows it.
    pub request_id: Option<Arc<str>>,
    /// How it failed.
    pub how: HowFailed,
}

/// How an invocation that reached the function failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowFailed {
    /// The function itself failed.
    FunctionError,
    /// It answered, and its response says that the batch failed.
    Reported,
}

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

/// What the shell tells the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The answer to [`Command::Fetch`].
    Fetched(Result<Page, FetchError>),
    /// The answer to [`Command::Invoke`].
    Invoked(InvocationId, Reply),
    /// The answer to [`Command::SaveCheckpoint`].
    CheckpointSaved(Result<(), SaveError>),
    /// The answer to [`Command::SendFailure`].
    FailureSent(FailureId, Result<(), SendError>),
    /// A hint that there is something to read: the next fetch need not wait for the poll interval.
    RecordsArrived,
    /// The function has other code now: a batch that failed need not wait for the rest of its pause.
    FunctionChanged,
    /// The stream now keeps its records for this long.
    RetentionChanged(Duration),
    /// Stop: finish what is in flight, start nothing new, save, end.
    Drain,
    /// Nothing happened but the time given with this input.
    TimePassed,
}

/// What one read of a shard brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The records, in order; may be empty.
    pub records: Vec<Record>,
    /// What the source says about what comes after them.
    pub then: Then,
    /// The position after which records were lost: the stream no longer kept it when it was read on from. What was lost stood
    /// between there and the first record of this page.
    pub lost_after: Option<Position>,
}

/// What follows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// More is waiting to be read now.
    More,
    /// Nothing more at this moment.
    CaughtUp,
    /// Nothing more, ever: the shard is closed and was read to its end.
    ShardEnd,
}

/// Why a read brought nothing. The position is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// The source could not be reached or did not answer properly: try again later.
    Unavailable,
    /// The source was asked too often, or for too much: try again later, and not soon.
    Throttled,
    /// The shell took the read back because of [`Input::Drain`].
    Cancelled,
}

/// A checkpoint could not be kept. What was kept before still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveError;

/// Records that were given up could not be handed over. The same delivery may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError;

/// How an invocation ended, and the id under which the function saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How it ended.
    pub outcome: Outcome,
    /// Its request id, if it has one.
    pub request_id: Option<Arc<str>>,
}

impl From<Outcome> for Reply {
    /// A reply without a request id.
    fn from(outcome: Outcome) -> Self {
        Self { outcome, request_id: None }
    }
}

/// What happened that people want to read of: the core itself says nothing. Take them after each [`crate::Shard::handle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An attempt at a batch did not succeed.
    AttemptFailed(FailedAttempt),
    /// A response counts as a success, though the function may have meant something else.
    ResponseIgnored(Ignored),
    /// Records were lost to the stream's retention before they were read.
    RecordsLost {
        /// The last position before them.
        after: Position,
        /// The first one behind them; `None` if the shard has ended with them.
        before: Option<Position>,
    },
    /// A window ended before its time.
    WindowEndedEarly {
        /// Size of its state in bytes.
        state_bytes: usize,
    },
    /// A window that was open is none of the mapping any more: its state is dropped.
    WindowDropped,
    /// Records were given up, and could not be handed over: they are dropped.
    DeliveryAbandoned {
        /// How many.
        records: usize,
    },
}

/// What of a response is ignored, as AWS does (specification 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It reports records that failed in `batchItemFailures`, and the mapping has no ReportBatchItemFailures: these records count
    /// as settled, and all behind them.
    Failures,
    /// The mapping has ReportBatchItemFailures, and the response says something, but has no `batchItemFailures`.
    Content,
}

/// How an invocation ended (specification 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function answered. Its response counts as success as a whole.
    Succeeded {
        /// The response, as the function sent it.
        payload: Bytes,
    },
    /// The function was reached and failed: error, timeout, crash, failed init, oversized response.
    FunctionFailed {
        /// AWS's error type, such as `Sandbox.Timedout`, `Runtime.ExitError`, or the function's own.
        error_type: String,
        /// For people.
        message: String,
    },
    /// No free concurrency: the function was not reached. Never counts as a failure of the batch.
    Throttled,
    /// The function could not be invoked at all. Never counts as a failure of the batch.
    NotInvoked {
        /// For people.
        reason: String,
    },
}

/// A copy of what dashboard, command line and metrics show of one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardView {
    /// What the shard is doing.
    pub phase: Phase,
    /// What was kept last.
    pub checkpoint: Checkpoint,
    /// Records held: read, not yet settled.
    pub records_held: usize,
    /// Their bytes inside invocation events.
    pub bytes_held: usize,
    /// Records of batches that were tried and not settled, which a drain left for whoever goes on from the checkpoint.
    pub records_left: usize,
    /// The batches that failed and are not settled, that of the oldest record first. One at most without a ParallelizationFactor.
    pub failing: Vec<FailingBatch>,
    /// When the first record held arrived; `None` while nothing is held.
    pub oldest_arrival: Option<Timestamp>,
    /// Age of the last record of the batch that was last sent, when it was sent (AWS's IteratorAge).
    pub iterator_age: Option<Duration>,
    /// When a checkpoint was last kept.
    pub checkpoint_saved_at: Option<Timestamp>,
    /// What happened since the shard began.
    pub counts: Counts,
}

/// What a shard is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing to do but to read.
    Polling,
    /// Gathering records for a batch.
    Gathering,
    /// The function runs.
    Invoking,
    /// A batch failed and waits for its next attempt.
    Retrying {
        /// Attempts so far.
        attempts: u32,
        /// When the next one starts.
        at: Timestamp,
    },
    /// Checkpoints cannot be kept: nothing new starts until they can.
    Stalled,
    /// Told to stop: what is in flight finishes.
    Draining,
    /// Nothing is owed and nothing held; nothing more will come.
    Finished(Finished),
}

/// Why a shard is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// Drained: records remain to be read by whoever goes on from the checkpoint.
    Drained,
    /// The shard ended and everything in it is settled.
    ShardEnd,
    /// Everything that was in the shard at the start is settled (`until_caught_up`).
    CaughtUp,
}
