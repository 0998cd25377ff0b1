//! Where the lines of functions go: what handlers write, and what Lambda writes around it.

use crate::logging::{HANDLER_TARGET, PLATFORM_TARGET};
use pelton_core::exchange::RequestId;
use std::time::Duration;

/// Takes the lines of functions, one at a time, without their line breaks.
///
/// Called from the tasks that serve the function: it must not wait.
pub trait FunctionLog: Send + Sync {
    /// A line that the handler wrote, or a note that some were left out. At most [`LINE_BYTES_MAX`] long.
    ///
    /// [`LINE_BYTES_MAX`]: super::LINE_BYTES_MAX
    fn output(&self, function: &str, line: &str);

    /// A line that Lambda writes to the function's log: START, END, REPORT, INIT_REPORT (specification 8.6).
    fn platform(&self, function: &str, line: &str);

    /// Whether anybody sees platform lines: making one costs some microseconds.
    fn shows_platform(&self) -> bool;
}

/// Shows the lines of functions as events of `tracing`: those of handlers under [`HANDLER_TARGET`], Lambda's own under
/// [`PLATFORM_TARGET`]; the field `function` is the function's name, `line` is what it wrote.
#[derive(Clone, Copy, Debug)]
pub struct TracingLog;

impl FunctionLog for TracingLog {
    fn output(&self, function: &str, line: &str) {
        tracing::info!(target: HANDLER_TARGET, function, line, "handler output");
    }

    fn platform(&self, function: &str, line: &str) {
        tracing::info!(target: PLATFORM_TARGET, function, line, "invocation");
    }

    fn shows_platform(&self) -> bool {
        tracing::enabled!(target: PLATFORM_TARGET, tracing::Level::INFO)
    }
}

/// How one invocation went, as its REPORT line tells.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) request: RequestId,
    pub(super) duration: Duration,
    pub(super) memory_size_mb: u32,
    /// Most memory that the process ever had, in MB; `None` if it is gone.
    pub(super) memory_used_max_mb: Option<u64>,
    /// How long init took, if this was the first invocation of the process.
    pub(super) init_duration: Option<Duration>,
    pub(super) failure: Option<Failed>,
}

/// How an invocation or an init phase failed.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// It took too long.
    Timeout,
    /// It failed in another way; `Error Type`, if there is one.
    Error(Option<String>),
}

/// `START RequestId: … Version: $LATEST`
pub(super) fn start_line(request: RequestId) -> String {
    format!("START RequestId: {request} Version: $LATEST")
}

/// `END RequestId: …`
pub(super) fn end_line(request: RequestId) -> String {
    format!("END RequestId: {request}")
}

/// `INIT_REPORT …`, of an init phase that did not end well.
pub(super) fn init_report_line(duration: Duration, failed: &Failed) -> String {
    format!("INIT_REPORT Init Duration: {}\tPhase: init\t{}", millis(duration), failed.fields())
}

impl Report {
    /// `REPORT …`
    pub(super) fn line(&self) -> String {
        let Self { request, duration, memory_size_mb, .. } = self;
        let billed = duration.as_nanos().div_ceil(1_000_000);
        let mut line = format!(
            "REPORT RequestId: {request}\tDuration: {}\tBilled Duration: {billed} ms\t\
             Memory Size: {memory_size_mb} MB\t",
            millis(*duration)
        );
        if let Some(memory) = self.memory_used_max_mb {
            line.push_str(&format!("Max Memory Used: {memory} MB\t"));
        }
        if let Some(init) = self.init_duration {
            line.push_str(&format!("Init Duration: {}\t", millis(init)));
        }
        if let Some(failed) = &self.failure {
            line.push_str(&failed.fields());
        }
        line
    }
}

impl Failed {
    fn fields(&self) -> String {
        match self {
            Self::Timeout => "Status: timeout".to_owned(),
            Self::Error(None) => "Status: error".to_owned(),
            // It is the function's own word: it must not end the line or begin another field.
            Self::Error(Some(error_type)) => {
                format!("Status: error\tError Type: {}", error_type.escape_debug())
            }
        }
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(failure: Option<Failed>) -> Report {
        Report {
            request: RequestId(1),
            duration: Duration::from_micros(1_230),
            memory_size_mb: 128,
            memory_used_max_mb: Some(30),
            init_duration: Some(Duration::from_millis(80)),
            failure,
        }
    }

    #[test]
    fn the_report_of_a_cold_start_reads_as_on_aws() {
        assert_eq!(
            report(None).line(),
            "REPORT RequestId: 00000000-0000-0000-0000-000000000001\tDuration: 1.23 ms\tBilled Duration: 2 ms\t\
             Memory Size: 128 MB\tMax Memory Used: 30 MB\tInit Duration: 80.00 ms\t"
        );
    }

    #[test]
    fn the_report_of_a_failure_says_how_it_failed() {
        assert!(report(Some(Failed::Timeout)).line().ends_with("\tStatus: timeout"));
        let exited = Failed::Error(Some("Runtime.ExitError".to_owned()));
        assert!(report(Some(exited)).line().ends_with("\tStatus: error\tError Type: Runtime.ExitError"));
        let forged = Failed::Error(Some("Mine\n\x1b[2JREPORT\tall is well".to_owned()));
        assert!(report(Some(forged)).line().ends_with("\tError Type: Mine\\n\\u{1b}[2JREPORT\\tall is well"));
    }

    #[test]
    fn an_init_phase_that_failed_is_reported_by_itself() {
        assert_eq!(
            init_report_line(Duration::from_micros(1_236_040), &Failed::Timeout),
            "INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: timeout"
        );
    }
}
