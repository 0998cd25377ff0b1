//! What goes into an [`Exchange`](super::Exchange) and what comes out.

use super::function_error::{Exit, FunctionError};
use crate::invocation::Outcome;
use crate::time::Timestamp;
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// `Lambda-Runtime-Aws-Request-Id`: names one invocation. Shown as a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u128);

/// `Lambda-Runtime-Invocation-Id`: names one attempt at an invocation, never reused. Shown as a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u128);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_uuid(self.0, f)
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_uuid(self.0, f)
    }
}

fn write_uuid(id: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let part = |shift: u32, mask: u128| (id >> shift) & mask;
    write!(
        f,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        part(96, 0xffff_ffff),
        part(80, 0xffff),
        part(64, 0xffff),
        part(48, 0xffff),
        part(0, 0xffff_ffff_ffff),
    )
}

/// The two names of an invocation. The shell chooses them; no two tickets of an exchange share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Names the invocation.
    pub request: RequestId,
    /// Names this attempt at it.
    pub attempt: AttemptId,
}

/// Names one handler process of an exchange; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u64);

/// What a function may take. Every wait of the exchange ends by one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most processes at a time: ReservedConcurrentExecutions. 0 throttles every invocation.
    pub processes_max: usize,
    /// How long one invocation may take: Timeout.
    pub timeout: Duration,
    /// How long a process may take until it asks for its first invocation without that counting against `timeout`.
    pub init_max: Duration,
    /// How long a process may be idle before it is ended.
    pub idle_max: Duration,
    /// How long a process may take from its answer until it asks again before another one is started in its place.
    pub return_max: Duration,
    /// Most invocations that wait for a process; the next one is throttled at once.
    pub waiting_max: usize,
    /// How long an invocation waits for a process before it is throttled.
    pub wait_max: Duration,
}

impl Limits {
    /// Processes of a function without ReservedConcurrentExecutions: the concurrency of a new AWS account.
    pub const PROCESSES_MAX: usize = 1_000;
    /// The init phase of an on-demand function (specification 8.2).
    pub const INIT_MAX: Duration = Duration::from_secs(10);
    /// AWS keeps its environments for some minutes and documents no number.
    pub const IDLE_MAX: Duration = Duration::from_secs(300);
    /// A process asks again at once, unless it does something of its own after its answer. A start takes about as long.
    pub const RETURN_MAX: Duration = Duration::from_millis(50);
    /// One per lane; more than this never helped anybody.
    pub const WAITING_MAX: usize = 10_000;
    /// The longest backoff of a throttled batch: waiting here is as good, and fair.
    pub const WAIT_MAX: Duration = Duration::from_secs(60);

    /// The limits of a function with the given Timeout and ReservedConcurrentExecutions.
    #[must_use]
    pub fn new(timeout: Duration, reserved_concurrency: Option<u32>) -> Self {
        let reserved = reserved_concurrency.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        Self {
            processes_max: reserved.unwrap_or(Self::PROCESSES_MAX),
            timeout,
            init_max: Self::INIT_MAX,
            idle_max: Self::IDLE_MAX,
            return_max: Self::RETURN_MAX,
            waiting_max: Self::WAITING_MAX,
            wait_max: Self::WAIT_MAX,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Somebody wants the function to run. Answer: [`Command::Answer`], exactly once, unless cancelled.
    Requested(Ticket),
    /// Nobody waits for this invocation any more. It will not be answered.
    Cancelled(RequestId),
    /// A process asks for its next invocation (`/runtime/invocation/next`).
    Asked(ProcessId),
    /// A process that had asked is no longer there to be told; what was handed to it meanwhile did not reach it.
    Withdrew(ProcessId),
    /// A process answered (`/runtime/invocation/{id}/response` or `/error`).
    Answered {
        /// Who.
        process: ProcessId,
        /// The invocation that it says it answers.
        request: RequestId,
        /// `Lambda-Runtime-Invocation-Id`, which older runtimes do not send.
        attempt: Option<AttemptId>,
        /// The response, or the function's error.
        answer: Result<Bytes, FunctionError>,
    },
    /// A process says that it cannot work (`/runtime/init/error`).
    InitFailed(ProcessId, FunctionError),
    /// A process could not be started. Answers [`Command::Start`]; the process does not exist.
    StartFailed(ProcessId, String),
    /// A process is gone, with its whole group.
    Exited(ProcessId, Exit),
    /// The function has new code: every process of the old one ends as soon as it is idle.
    CodeReplaced,
    /// From now on there may be so many processes at a time, at least one. Those above that are not ended for it.
    ProcessesMax(usize),
    /// End everything and take no more.
    Stop,
    /// Nothing happened but the time given with this input.
    TimePassed,
}

/// What the shell is to do next, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start a process. Answer: at some time [`Input::Exited`], or [`Input::StartFailed`].
    Start(ProcessId),
    /// Answer the process's pending call for its next invocation with this one.
    Hand {
        /// Who.
        process: ProcessId,
        /// Which.
        ticket: Ticket,
        /// When it must be done (`Lambda-Runtime-Deadline-Ms`).
        deadline: Timestamp,
    },
    /// Tell whoever requested the invocation how it ended.
    Answer(RequestId, Outcome),
    /// Kill the process and its whole group. Answer: [`Input::Exited`].
    Kill(ProcessId),
}

/// Why an input of a process is not accepted; tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not run this request: 400 `InvalidRequestID`.
    UnknownRequest,
    /// It runs this request, but not this attempt at it: 400 `InvalidInvocationId`.
    UnknownAttempt,
    /// Not now, such as a second `next` without an answer: 403 `InvalidStateTransition`.
    OutOfTurn,
    /// The process was given up, such as after a timeout; it is being killed: 410.
    GivenUp,
}
