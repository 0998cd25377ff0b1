//! What the dispatcher knows of one process, from its start to its end.

use super::dispatcher::Delivery;
use super::function_log::{Failed, Report};
use super::memory;
use super::output::Output;
use pelton_core::Outcome;
use pelton_core::exchange::{FunctionError, ProcessId, RequestId};
use rustix::process::Pid;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A process.
pub(super) struct ProcessState {
    /// Dropped to have it killed.
    pub(super) kill: Option<oneshot::Sender<()>>,
    /// `None` before it exists and once it is gone.
    pub(super) pid: Option<Pid>,
    pub(super) started_at: Duration,
    /// What it writes; `None` before it exists.
    pub(super) output: Option<Arc<Output>>,
    /// When it first asked for an invocation; `Some` is taken by the report of that invocation.
    pub(super) init_duration: Option<Duration>,
    pub(super) has_asked: bool,
    /// The type of the error that it gave as the reason why it cannot work.
    pub(super) init_error: Option<String>,
    /// Counts its calls for an invocation; the last one may be pending.
    pub(super) calls: u64,
    pub(super) pending: Option<oneshot::Sender<Delivery>>,
    pub(super) running: Option<(RequestId, Duration)>,
    /// Of the invocation that it is killed for; logged once it is gone.
    pub(super) last_report: Option<Report>,
}

impl ProcessState {
    /// A process that is being started, killed when the other end of `kill` sees this one gone.
    pub(super) fn new(kill: oneshot::Sender<()>, started_at: Duration) -> Self {
        Self {
            kill: Some(kill),
            pid: None,
            started_at,
            output: None,
            init_duration: None,
            has_asked: false,
            init_error: None,
            calls: 0,
            pending: None,
            running: None,
            last_report: None,
        }
    }

    /// Whether it was handed this invocation and has not answered it.
    pub(super) fn runs(&self, request: RequestId) -> bool {
        self.running.is_some_and(|(running, _)| running == request)
    }

    /// The invocation that it runs ends: what is to be reported of it.
    pub(super) fn end(
        &mut self,
        id: ProcessId,
        outcome: &Outcome,
        memory_size_mb: u32,
        now: Duration,
    ) -> Option<DueReport> {
        let (request, handed_at) = self.running.take()?;
        let failure = match outcome {
            Outcome::Succeeded { .. } => None,
            Outcome::FunctionFailed { error_type, .. } if error_type == FunctionError::TIMED_OUT => {
                Some(Failed::Timeout)
            }
            Outcome::FunctionFailed { error_type, .. } => Some(Failed::Error(Some(error_type.clone()))),
            Outcome::Throttled | Outcome::NotInvoked { .. } => Some(Failed::Error(None)),
        };
        let report = Report {
            request,
            duration: now.saturating_sub(handed_at),
            memory_size_mb,
            memory_used_max_mb: None,
            init_duration: self.init_duration.take(),
            failure,
        };
        Some(DueReport { report, process: id, pid: self.pid, output: self.output.clone() })
    }

    /// How the init phase failed of a process that is gone now; `None` if it did not, or was cut short by us.
    pub(super) fn init_failure(&self, is_overdue: bool) -> Option<Failed> {
        let was_killed = self.kill.is_none();
        match &self.init_error {
            _ if self.has_asked => None,
            Some(error_type) => Some(Failed::Error(Some(error_type.clone()))),
            None if !was_killed => Some(Failed::Error(Some(FunctionError::EXITED.to_owned()))),
            None => is_overdue.then_some(Failed::Timeout),
        }
    }
}

/// The report of an invocation that has ended. It comes after what its process wrote.
pub(super) struct DueReport {
    report: Report,
    pub(super) process: ProcessId,
    pid: Option<Pid>,
    pub(super) output: Option<Arc<Output>>,
}

impl DueReport {
    /// The report, with the memory that the process used; to be called while there is one.
    pub(super) fn complete(self) -> Report {
        Report { memory_used_max_mb: self.pid.and_then(memory::peak_mb), ..self.report }
    }
}
