//! Logs the attempts at batches that did not succeed, so that one batch can be followed through the log.
//!
//! In: what the core says of an attempt. Out: a log line with the same fields for every kind of failure, and the problem for the
//! status. Decides nothing.

use pelton_core::stream::ShardId;
use pelton_core::{
    AfterFailure, AttemptError, Extent, FailedAttempt, FailingBatch, GiveUp, Timestamp, Waits,
};
use pelton_model::MappingId;
use std::sync::Arc;
use std::time::Duration;
use tracing::field::{debug as debug_value, display};
use tracing::{debug, warn};

/// The shard, and where its records go that are given up.
pub(super) struct FailedAttempts {
    mapping: MappingId,
    shard: ShardId,
    /// `None`: they are dropped.
    destination: Option<Arc<str>>,
}

/// A limit that does not exist.
const NO_LIMIT: &str = "none";

/// Where records go that nobody takes.
const DROPPED: &str = "nowhere: they are dropped";

/// Logs one line, at `warn` or at `debug`, with the same fields whatever the message.
macro_rules! line {
    ($level:ident, $attempts:expr, $fields:expr, $message:expr) => {{
        let (mapping, shard) = (&$attempts.mapping, &$attempts.shard);
        let Fields {
            error, attempt, limit, records, first, last, again_in, waits, first_half, reason, to, error_type, request_id,
        } = $fields;
        $level!(
            %mapping, %shard, error, attempt, limit, records, again_in, waits, first_half, reason, sent_to = to, first, last,
            error_type, request_id, $message
        );
    }};
}

struct Fields<'a> {
    error: &'a str,
    attempt: u32,
    limit: &'a str,
    records: usize,
    first: Option<tracing::field::DisplayValue<&'a pelton_core::Position>>,
    last: Option<tracing::field::DisplayValue<&'a pelton_core::Position>>,
    again_in: Option<tracing::field::DebugValue<Duration>>,
    waits: Option<&'static str>,
    first_half: Option<usize>,
    reason: Option<&'static str>,
    to: Option<&'a str>,
    error_type: Option<&'a str>,
    request_id: Option<&'a str>,
}

/// Whether this kind of failure went on before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    New,
    GoesOn,
}

impl FailedAttempts {
    pub(super) fn new(mapping: MappingId, shard: ShardId, destination: Option<String>) -> Self {
        Self { mapping, shard, destination: destination.map(Into::into) }
    }

    /// Logs an attempt that ended at `now`. A throttled function is a warning once, not at every attempt.
    pub(super) fn say(&self, failed: &FailedAttempt, before: Before, now: Timestamp) {
        let FailedAttempt { attempt, attempts_max, extent, error, request_id, then, waits } = failed;
        let Extent { records, first, last } = extent;
        let limit = attempts_max.map_or_else(|| NO_LIMIT.to_owned(), |max| max.to_string());
        let text = text(error, extent);
        let rest = |at: Timestamp| debug_value(at.since(now));
        let (mut again_in, mut first_half, mut given_up) = (None, None, None);
        match *then {
            AfterFailure::TriedAgain { at } => again_in = Some(rest(at)),
            AfterFailure::Split { at, first_half: half } => {
                (again_in, first_half) = (Some(rest(at)), Some(half))
            }
            AfterFailure::GivenUp { reason: why } => given_up = Some(reason(why)),
            AfterFailure::Left => {}
        }
        let fields = Fields {
            error: &text,
            attempt: *attempt,
            limit: &limit,
            records: *records,
            first: first.as_ref().map(display),
            last: last.as_ref().map(display),
            waits: again_in.is_some().then(|| waits_name(*waits)),
            again_in,
            first_half,
            reason: given_up,
            to: given_up.map(|_| self.destination.as_deref().unwrap_or(DROPPED)),
            error_type: error_type(error),
            request_id: request_id.as_deref(),
        };
        self.log(error, *then, before, fields);
    }

    /// The message is constant for each kind of failure and what becomes of the batch.
    fn log(&self, error: &AttemptError, then: AfterFailure, before: Before, fields: Fields<'_>) {
        use AfterFailure::{GivenUp, Left, Split, TriedAgain};
        match (error, then) {
            (AttemptError::FunctionFailed { .. }, TriedAgain { .. }) => {
                line!(warn, self, fields, "the function failed: its batch is tried again")
            }
            (AttemptError::FunctionFailed { .. }, Split { .. }) => {
                line!(
                    warn,
                    self,
                    fields,
                    "the function failed: its batch is split, and the first half is tried next"
                )
            }
            (AttemptError::FunctionFailed { .. }, GivenUp { .. }) => {
                line!(warn, self, fields, "the function failed: its batch is given up")
            }
            (AttemptError::FunctionFailed { .. }, Left) => {
                line!(warn, self, fields, "the function failed: its batch is left for the next start")
            }
            (AttemptError::Reported, TriedAgain { .. }) => {
                line!(
                    warn,
                    self,
                    fields,
                    "the function reports records that failed: they will be tried again"
                )
            }
            (AttemptError::Reported, Split { .. }) => line!(
                warn,
                self,
                fields,
                "the function reports records that failed: they are split, and the first half is tried next"
            ),
            (AttemptError::Reported, GivenUp { .. }) => {
                line!(warn, self, fields, "the function reports records that failed: they are given up")
            }
            (AttemptError::Reported, Left) => {
                line!(
                    warn,
                    self,
                    fields,
                    "the function reports records that failed: they are left for the next start"
                )
            }
            (AttemptError::ResponseRefused { .. }, _) => {
                line!(warn, self, fields, "the function's response counts as a failure of the whole batch")
            }
            (AttemptError::Throttled, _) if before == Before::GoesOn => {
                line!(debug, self, fields, "throttled: the batch did not reach the function")
            }
            (AttemptError::Throttled, _) => {
                line!(warn, self, fields, "the function is throttled: the batch did not reach it")
            }
            (AttemptError::NotInvoked { .. }, _) => {
                line!(warn, self, fields, "the function could not be invoked: the batch did not reach it")
            }
            (AttemptError::Earlier, _) => unreachable!("an attempt of this poller has an error of its own"),
        }
    }
}

/// What a shard shows while its function is throttled.
const THROTTLED: &str = "throttled: the function has no free concurrency (ReservedConcurrentExecutions)";

/// What a shard shows of a batch that it has not tried itself yet.
const EARLIER: &str = "it failed before this poller had the shard";

/// Why the attempt failed, for people. The type of the error is not part of it, unless nothing else is known.
pub(crate) fn text(error: &AttemptError, extent: &Extent) -> String {
    match error {
        AttemptError::FunctionFailed { error_type, message } if message.trim().is_empty() => {
            error_type.clone()
        }
        AttemptError::FunctionFailed { message, .. } => message.clone(),
        AttemptError::Reported => {
            let (records, first) = (extent.records, extent.first.as_ref().map(ToString::to_string));
            format!(
                "the function reports that {records} records failed, from {} on",
                first.unwrap_or_default()
            )
        }
        AttemptError::ResponseRefused { reason } => format!("the function's response is refused: {reason}"),
        AttemptError::Throttled => THROTTLED.to_owned(),
        AttemptError::NotInvoked { reason } => reason.clone(),
        AttemptError::Earlier => EARLIER.to_owned(),
    }
}

/// The type of the error, if the function or Lambda named one.
pub(crate) fn error_type(error: &AttemptError) -> Option<&str> {
    match error {
        AttemptError::FunctionFailed { error_type, .. } => Some(error_type),
        AttemptError::Reported
        | AttemptError::ResponseRefused { .. }
        | AttemptError::Throttled
        | AttemptError::NotInvoked { .. }
        | AttemptError::Earlier => None,
    }
}

/// The text, and then the type of the error.
pub(super) fn problem(failed: &FailedAttempt) -> String {
    described(&failed.error, &failed.extent)
}

/// The same for a batch whose last attempt failed.
pub(crate) fn problem_of(failing: &FailingBatch) -> String {
    described(&failing.error, &failing.extent())
}

fn described(error: &AttemptError, extent: &Extent) -> String {
    let text = text(error, extent);
    match error_type(error) {
        Some(error_type) if error_type != text => format!("{text} ({error_type})"),
        Some(_) | None => text,
    }
}

fn waits_name(waits: Waits) -> &'static str {
    match waits {
        Waits::Shard => "the shard",
        Waits::Keys => "the keys of the batch",
    }
}

/// Why records were given up.
pub(super) fn reason(reason: GiveUp) -> &'static str {
    match reason {
        GiveUp::Expired => "older than the stream's retention",
        GiveUp::TooOld => "older than MaximumRecordAgeInSeconds",
        GiveUp::RetriesExhausted => "MaximumRetryAttempts are used up",
        GiveUp::TooLarge => "larger than an invocation may be",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::Position;

    fn failed(error: AttemptError) -> FailedAttempt {
        let extent = Extent { records: 2, first: Some(Position::new("7")), last: Some(Position::new("9")) };
        let then = AfterFailure::Left;
        let (error, request_id, waits) = (Arc::new(error), None, Waits::Shard);
        FailedAttempt { attempt: 1, attempts_max: None, extent, error, request_id, then, waits }
    }

    #[track_caller]
    fn check(error: AttemptError, expected: &str) {
        assert_eq!(problem(&failed(error)), expected);
    }

    #[test]
    fn the_text_of_an_error_comes_before_its_type() {
        let function = |error_type: &str, message: &str| AttemptError::FunctionFailed {
            error_type: error_type.into(),
            message: message.into(),
        };
        check(function("lambda_runtime::Panic", "no amount"), "no amount (lambda_runtime::Panic)");
        check(function("Runtime.ExitError", " "), "Runtime.ExitError");
        check(AttemptError::Reported, "the function reports that 2 records failed, from 7 on");
        let refused = AttemptError::ResponseRefused { reason: "no JSON".into() };
        check(refused, "the function's response is refused: no JSON");
        check(AttemptError::NotInvoked { reason: "no code".into() }, "no code");
    }
}
