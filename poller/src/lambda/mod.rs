//! Functions that run here: handler processes that Pelton starts, and the Lambda Runtime API that they speak.
//!
//! In: batches. Out: outcomes. Which process gets which batch is decided by [`pelton_core::exchange`]; here it is
//! carried out. A function's processes are started when a batch needs one, and end when they are idle for long.
//!
//! ```text
//! LocalFunction ──► dispatcher ──► runtime_api ──► handler process
//!   (a batch)       (exchange)     (one port           ▲
//!                       │           per process)       │ hidden mode: handler_exec
//!                       └──► process ──► spawner ──► keeper
//! ```
//!
//! What a handler started ends with it, and a handler with Pelton, also after a `kill -9`: each has a keeper, a process of its
//! own that outlives both for as long as it takes (`keeper`). Only a `kill -9` of the keeper itself leaves something: what
//! left the handler's process group by `setsid`. Keeper and handler begin as hidden modes of Pelton's own program: whoever
//! uses this calls [`hidden_mode()`] first thing in `main`. Needs Linux (child subreapers, parent-death signals, process
//! descriptors).

mod answer;
mod archive;
mod cargo_lambda;
mod code;
mod descendants;
mod dispatcher;
mod environment;
mod event_body;
mod executable;
mod function_log;
mod handler_exec;
mod hidden_mode;
mod keeper;
mod keeper_handle;
mod memory;
#[cfg(any(test, not(feature = "aws")))]
#[cfg_attr(feature = "aws", allow(dead_code, unreachable_pub, reason = "here only its tests use it"))]
mod no_remote;
mod output;
mod process;
mod process_state;
mod profile;
#[cfg(feature = "aws")]
mod remote;
mod runtime_api;
mod sam_build;
mod spawner;

pub use archive::ArchiveError;
pub use code::{Code, CodeError, CodePlaces};
pub(crate) use event_body::EventBody;
pub use function_log::{FunctionLog, TracingLog};
pub use hidden_mode::hidden_mode;
#[cfg(not(feature = "aws"))]
pub use no_remote::{RemoteError, RemoteFunction, RemoteLambda};
pub use output::{BYTES_PER_SECOND_MAX, LINE_BYTES_MAX, LINES_PER_SECOND_MAX};
#[cfg(feature = "aws")]
pub use remote::{RemoteError, RemoteFunction, RemoteLambda};
pub use spawner::Spawner;

use crate::clock::Clock;
use crate::ports::Invoker;
use async_trait::async_trait;
use dispatcher::Dispatcher;
use pelton_core::exchange::{AttemptId, RequestId, Ticket};
use pelton_core::{Batch, Reply};
use pelton_model::Function;
use profile::Profile;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

/// How long [`LocalFunction::shutdown`] waits for processes that were killed.
const SHUTDOWN_MAX: Duration = Duration::from_secs(5);

/// A function whose handler runs in processes of this machine.
///
/// It starts as many processes as there are batches at a time, up to ReservedConcurrentExecutions; then batches wait
/// for one another. Dropping it kills all of them; [`LocalFunction::shutdown`] waits for that too.
pub struct LocalFunction {
    dispatcher: Arc<Dispatcher>,
    code_changes: watch::Sender<u64>,
    /// Most processes that it may have as far as its own settings go.
    wanted_max: usize,
}

impl LocalFunction {
    /// The function, with no process yet. While it has no `code`, its invocations are
    /// [`NotInvoked`](pelton_core::Outcome::NotInvoked). Must be called inside a tokio runtime.
    #[must_use]
    pub fn new(
        function: &Function,
        code: impl Into<Option<Code>>,
        region: &str,
        clock: Clock,
        spawner: Spawner,
        log: Arc<dyn FunctionLog>,
    ) -> Self {
        let mut profile = Profile::new(function, region);
        let wanted_max = profile.limits.processes_max;
        profile.limits.processes_max = wanted_max.min(spawner.handlers_max());
        let dispatcher = Dispatcher::start(profile, code.into(), clock, spawner, log);
        Self { dispatcher, code_changes: watch::Sender::new(0), wanted_max }
    }

    /// From the next invocation on this code runs. Processes of the old code end as soon as they are idle.
    pub fn replace_code(&self, code: Code) {
        self.dispatcher.replace_code(code);
        self.code_changes.send_modify(|changes| *changes += 1);
    }

    /// The code that runs from the next invocation on.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.dispatcher.code()
    }

    /// From now on it has at most so many processes at a time. None is ended for it.
    pub fn limit_handlers(&self, handlers_max: usize) {
        self.dispatcher.limit_processes(self.wanted_max.min(handlers_max));
    }

    /// How many processes the function has.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.dispatcher.processes()
    }

    /// Kills all processes, with everything that they started, and waits until they are gone. Invocations that are
    /// running or waiting, and later ones, are [`NotInvoked`](pelton_core::Outcome::NotInvoked). Cancelling cancels only the wait.
    pub async fn shutdown(&self) {
        self.dispatcher.stop();
        tokio::select! {
            () = self.dispatcher.finished() => {}
            () = self.dispatcher.clock.sleep(SHUTDOWN_MAX) => {
                tracing::warn!(function = self.dispatcher.profile.name, "killed handler processes do not end");
            }
        }
    }
}

impl Drop for LocalFunction {
    fn drop(&mut self) {
        self.dispatcher.stop();
    }
}

#[async_trait]
impl Invoker for LocalFunction {
    async fn invoke(&self, batch: Arc<Batch>) -> Reply {
        let request_id = Uuid::new_v4();
        let ticket =
            Ticket { request: RequestId(request_id.as_u128()), attempt: AttemptId(Uuid::new_v4().as_u128()) };
        let (answer, answered) = oneshot::channel();
        self.dispatcher.request(ticket, batch, answer);
        let mut waiting = Waiting { dispatcher: &self.dispatcher, request: ticket.request, is_over: false };
        let outcome = answered.await.expect("every request that is not cancelled is answered");
        waiting.is_over = true;
        Reply { outcome, request_id: Some(request_id.to_string().into()) }
    }

    fn code_changes(&self) -> Option<watch::Receiver<u64>> {
        Some(self.code_changes.subscribe())
    }
}

/// An invocation that is not answered yet; dropping it cancels the invocation.
struct Waiting<'a> {
    dispatcher: &'a Arc<Dispatcher>,
    request: RequestId,
    is_over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.dispatcher.cancel(self.request);
        }
    }
}
