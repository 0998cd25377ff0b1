//! One run of a function: what it is given, and how it ends.

use crate::batch::Batch;
use bytes::Bytes;
use std::sync::Arc;

/// Names one invocation of one shard; never reused by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvocationId(pub u64);

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
