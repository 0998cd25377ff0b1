//! The vocabulary between a shard and its shell: what goes in, what comes out.
//!
//! Every [`Command`] is answered by exactly one [`Input`] (I7), unless the shard is [`Finished::Lost`] before.

use super::checkpoint::Checkpoint;
use super::failing::{FailedAttempt, FailingBatch};
use crate::counts::Counts;
use crate::giving_up::{Failure, FailureId, SendError};
use crate::invocation::{Invocation, InvocationId, Reply};
use crate::record::{Position, Record};
use crate::response::Ignored;
use crate::time::Timestamp;
use std::time::Duration;

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
    /// The log begins at this offset: it does not keep the records below any more.
    Trimmed(u64),
    /// Stop: finish what is in flight, start nothing new, save, end.
    Drain {
        /// From this moment on the shard is somebody else's: what is not settled and saved by then is lost to this poller
        /// ([`Finished::Lost`]). `None`: it takes as long as it takes.
        by: Option<Timestamp>,
    },
    /// The shard is somebody else's already: nothing of it is settled or saved any more.
    Lost,
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
    /// The shell took the read back because of a drain ([`Input::Drain`]).
    Cancelled,
}

/// Why a checkpoint was not kept. What was kept before still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// It could not be written: try again later.
    Unwritable,
    /// The shard is somebody else's.
    NotOurs,
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
    /// The shard is somebody else's. Answers to what was in flight are ignored.
    Lost,
}
