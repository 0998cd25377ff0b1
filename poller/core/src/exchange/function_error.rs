//! How functions fail, in AWS's words (specification 8.3).

use super::vocabulary::RequestId;
use crate::invocation::Outcome;
use std::time::Duration;

/// The largest response of a function, in bytes: 6 MiB and a little (specification 8.2).
pub const RESPONSE_BYTES_MAX: usize = 6_291_556;

/// How a function failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// Such as `Sandbox.Timedout`, or the function's own.
    pub error_type: String,
    /// For people.
    pub message: String,
}

impl From<FunctionError> for Outcome {
    fn from(error: FunctionError) -> Self {
        Self::FunctionFailed { error_type: error.error_type, message: error.message }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this status, 0 to 255.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl FunctionError {
    /// `errorType` of an invocation that took too long.
    pub const TIMED_OUT: &str = "Sandbox.Timedout";
    /// `errorType` of an invocation whose process ended.
    pub const EXITED: &str = "Runtime.ExitError";

    /// A response larger than [`RESPONSE_BYTES_MAX`].
    #[must_use]
    pub fn response_too_large() -> Self {
        let message = format!(
            "Response payload size exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."
        );
        Self { error_type: "Function.ResponseSizeTooLarge".to_owned(), message }
    }

    /// A response that broke off.
    #[must_use]
    pub fn response_truncated() -> Self {
        let message = "Response payload broke off before its end.".to_owned();
        Self { error_type: "Runtime.TruncatedResponse".to_owned(), message }
    }

    pub(super) fn timed_out(request: RequestId, timeout: Duration) -> Self {
        let reason = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
        Self::of(request, Self::TIMED_OUT, &reason)
    }

    pub(super) fn exited(request: RequestId, exit: Exit) -> Self {
        let reason = match exit {
            Exit::Code(0) => "Runtime exited without providing a reason".to_owned(),
            Exit::Code(status) => format!("Runtime exited with error: exit status {status}"),
            Exit::Signal(number) => format!("Runtime exited with error: signal: {}", signal_name(number)),
        };
        Self::of(request, Self::EXITED, &reason)
    }

    /// AWS names no error for this; it says `InvalidStateTransition` to the runtime.
    pub(super) fn out_of_turn(request: RequestId) -> Self {
        let reason = "Runtime asked for the next invocation without having answered this one";
        Self::of(request, "Runtime.InvalidStateTransition", reason)
    }

    fn of(request: RequestId, error_type: &str, reason: &str) -> Self {
        let message = format!("RequestId: {request} Error: {reason}");
        Self { error_type: error_type.to_owned(), message }
    }
}

/// The words of AWS's init process for the signals that end handlers; the numbers are those of Linux.
fn signal_name(number: i32) -> String {
    match number {
        4 => "illegal instruction".to_owned(),
        6 => "aborted".to_owned(),
        7 => "bus error".to_owned(),
        8 => "floating point exception".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        13 => "broken pipe".to_owned(),
        15 => "terminated".to_owned(),
        other => format!("signal {other}"),
    }
}
