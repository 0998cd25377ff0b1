//! The vocabulary between the core and its shell: what goes in, what comes out.
//!
//! Every [`Command`] is answered by exactly one [`Input`] (I7).

use crate::batch::Batch;
use crate::checkpoint::Checkpoint;
use crate::failing::{FailedAttempt, FailingBatch};
use crate::record::Record;
use crate::time::Timestamp;
use bytes::Bytes;
use std::ops::AddAssign;
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

/// What happened in a shard since it began. Records unless the name says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Read from the stream (PolledEventCount).
    pub polled: u64,
    /// Handed to the function, again on each retry (InvokedEventCount).
    pub invoked: u64,
    /// In failed invocations (FailedInvokeEventCount).
    pub failed: u64,
    /// Settled by success.
    pub succeeded: u64,
    /// Given up because the stream no longer keeps them.
    pub expired: u64,
    /// Given up because they are older than MaximumRecordAgeInSeconds.
    pub too_old: u64,
    /// Given up because MaximumRetryAttempts are used up.
    pub retries_exhausted: u64,
    /// Given up because their event is too large.
    pub too_large: u64,
    /// Settled without being delivered, as they match no filter (FilteredOutEventCount).
    pub filtered: u64,
    /// Those of them whose payload is not the JSON object that a filter needs.
    pub not_json: u64,
    /// Given up, and neither handed over (DroppedEventCount).
    pub dropped: u64,
    /// Given up, and handed over to the on-failure destination (OnFailureDestinationDeliveredEventCount).
    pub delivered: u64,
    /// Deliveries that were given up (DestinationDeliveryFailures).
    pub delivery_failures: u64,
    /// Invocations whose response named records that failed, or counted as a failure.
    pub partial_failures: u64,
    /// Invocations whose response reported failures to a mapping without ReportBatchItemFailures.
    pub ignored_failures: u64,
    /// Invocations whose response had content but no `batchItemFailures`, with ReportBatchItemFailures.
    pub ignored_content: u64,
    /// Invocations started.
    pub invocations: u64,
    /// Those of them whose batch the function had failed before.
    pub retries: u64,
    /// Invocations in which the function failed.
    pub function_errors: u64,
    /// Invocations that did not reach the function for lack of concurrency.
    pub throttles: u64,
    /// Invocations that did not reach the function for another reason.
    pub not_invoked: u64,
    /// Reads that failed.
    pub fetch_errors: u64,
    /// Saves that failed.
    pub save_errors: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, others: Self) {
        // Taken apart, so that a count which is new is not forgotten here.
        let Self {
            polled,
            invoked,
            failed,
            succeeded,
            expired,
            too_old,
            retries_exhausted,
            too_large,
            filtered,
            not_json,
            dropped,
            delivered,
            delivery_failures,
            partial_failures,
            ignored_failures,
            ignored_content,
            invocations,
            retries,
            function_errors,
            throttles,
            not_invoked,
            fetch_errors,
            save_errors,
        } = others;
        self.polled += polled;
        self.invoked += invoked;
        self.failed += failed;
        self.succeeded += succeeded;
        self.expired += expired;
        self.too_old += too_old;
        self.retries_exhausted += retries_exhausted;
        self.too_large += too_large;
        self.filtered += filtered;
        self.not_json += not_json;
        self.dropped += dropped;
        self.delivered += delivered;
        self.delivery_failures += delivery_failures;
        self.partial_failures += partial_failures;
        self.ignored_failures += ignored_failures;
        self.ignored_content += ignored_content;
        self.invocations += invocations;
        self.retries += retries;
        self.function_errors += function_errors;
        self.throttles += throttles;
        self.not_invoked += not_invoked;
        self.fetch_errors += fetch_errors;
        self.save_errors += save_errors;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_each_to_its_own() {
        // Each another number, and none that is the same added and multiplied.
        let counts = |times: u64| Counts {
            polled: 3 * times,
            invoked: 4 * times,
            failed: 5 * times,
            succeeded: 6 * times,
            expired: 7 * times,
            too_old: 8 * times,
            retries_exhausted: 9 * times,
            too_large: 10 * times,
            filtered: 11 * times,
            not_json: 25 * times,
            dropped: 12 * times,
            delivered: 13 * times,
            delivery_failures: 14 * times,
            partial_failures: 15 * times,
            invocations: 16 * times,
            retries: 17 * times,
            function_errors: 18 * times,
            throttles: 19 * times,
            not_invoked: 20 * times,
            fetch_errors: 21 * times,
            save_errors: 22 * times,
            ignored_failures: 23 * times,
            ignored_content: 24 * times,
        };
        let mut sum = counts(1);
        sum += counts(10);
        assert_eq!(sum, counts(11));
    }
}
