//! Carries out, for one function, what the exchange decides.
//!
//! In: invocations, calls of processes to their Runtime API, ends of processes, time. Out: events handed to processes,
//! outcomes handed to callers, processes started and killed. It decides nothing itself.
//!
//! The state is behind one lock, not in a task: an invocation of a warm process then costs two wake-ups, the process's
//! and the caller's. The lock is held for the length of one input, never across an `.await`, and nothing that could
//! take long happens under it: lines are written and processes killed afterwards.

use super::code::Code;
use super::function_log::{FunctionLog, Report, end_line, init_report_line, start_line};
use super::output::Output;
use super::process;
use super::process_state::{DueReport, ProcessState};
use super::profile::Profile;
use super::spawner::Spawner;
use crate::clock::Clock;
use bytes::Bytes;
use pelton_core::exchange::{
    AttemptId, Command, Exchange, Exit, FunctionError, Input, ProcessId, Refusal, RequestId, Ticket,
};
use pelton_core::{Batch, Outcome, Timestamp};
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};

/// The callers, the processes and the exchange of one function.
pub(super) struct Dispatcher {
    pub(super) profile: Profile,
    pub(super) clock: Clock,
    pub(super) spawner: Spawner,
    pub(super) log: Arc<dyn FunctionLog>,
    runtime: Handle,
    state: Mutex<State>,
    timer_moved: Notify,
    is_finished: watch::Sender<bool>,
}

struct State {
    exchange: Exchange,
    code: Option<Arc<Code>>,
    requests: BTreeMap<RequestId, Caller>,
    processes: BTreeMap<ProcessId, ProcessState>,
    /// When the timekeeper will look again.
    timer: Option<Timestamp>,
}

/// Whoever waits for an invocation.
struct Caller {
    batch: Arc<Batch>,
    answer: oneshot::Sender<Outcome>,
}

/// An invocation on its way to a process.
pub(super) struct Delivery {
    pub(super) ticket: Ticket,
    pub(super) deadline: Timestamp,
    pub(super) batch: Arc<Batch>,
}

/// What is to be done once the lock is released, in this order.
#[derive(Default)]
struct Aftermath {
    reports: Vec<DueReport>,
    kills: Vec<oneshot::Sender<()>>,
}

impl Dispatcher {
    /// A dispatcher without processes, and the task that keeps its time; the task ends when the dispatcher was told to
    /// stop and the last process is gone.
    pub(super) fn start(
        profile: Profile,
        code: Option<Code>,
        clock: Clock,
        spawner: Spawner,
        log: Arc<dyn FunctionLog>,
    ) -> Arc<Self> {
        let state = State {
            exchange: Exchange::new(profile.limits),
            code: code.map(Arc::new),
            requests: BTreeMap::new(),
            processes: BTreeMap::new(),
            timer: None,
        };
        let dispatcher = Arc::new(Self {
            profile,
            clock,
            spawner,
            log,
            runtime: Handle::current(),
            state: Mutex::new(state),
            timer_moved: Notify::new(),
            is_finished: watch::Sender::new(false),
        });
        dispatcher.runtime.spawn(Arc::clone(&dispatcher).keep_time());
        dispatcher
    }

    /// Requests an invocation; its outcome comes through `answer`.
    pub(super) fn request(
        self: &Arc<Self>,
        ticket: Ticket,
        batch: Arc<Batch>,
        answer: oneshot::Sender<Outcome>,
    ) {
        let mut state = self.lock();
        state.requests.insert(ticket.request, Caller { batch, answer });
        self.handle_in(state, Input::Requested(ticket)).unwrap_or_else(only_processes_are_refused);
    }

    /// Nobody waits for this invocation any more.
    pub(super) fn cancel(self: &Arc<Self>, request: RequestId) {
        let mut state = self.lock();
        state.requests.remove(&request);
        self.handle_in(state, Input::Cancelled(request)).unwrap_or_else(only_processes_are_refused);
    }

    /// A process asks for its next invocation. Gives the number of the call, for [`Dispatcher::withdraw`], and what the
    /// invocation comes through; that ends without one if the process asks again or is given up.
    pub(super) fn ask(
        self: &Arc<Self>,
        id: ProcessId,
    ) -> Result<(u64, oneshot::Receiver<Delivery>), Refusal> {
        let mut state = self.lock();
        let now = self.clock.elapsed();
        let Some(process) = state.processes.get_mut(&id) else { return Err(Refusal::GivenUp) };
        if !process.has_asked {
            process.has_asked = true;
            process.init_duration = Some(now.saturating_sub(process.started_at));
        }
        let (pending, delivery) = oneshot::channel();
        process.calls += 1;
        process.pending = Some(pending);
        let call = process.calls;
        self.handle_in(state, Input::Asked(id))?;
        Ok((call, delivery))
    }

    /// A call for an invocation broke off before it was answered.
    pub(super) fn withdraw(self: &Arc<Self>, id: ProcessId, call: u64) {
        let mut state = self.lock();
        let Some(process) = state.processes.get_mut(&id) else { return };
        if process.calls == call {
            process.pending = None;
            process.running = None;
            self.handle_in(state, Input::Withdrew(id)).unwrap_or_else(only_processes_are_refused);
        }
    }

    /// A process answered.
    pub(super) fn answer(
        self: &Arc<Self>,
        process: ProcessId,
        request: RequestId,
        attempt: Option<AttemptId>,
        answer: Result<Bytes, FunctionError>,
    ) -> Result<(), Refusal> {
        self.handle_in(self.lock(), Input::Answered { process, request, attempt, answer })
    }

    /// A process says that it cannot work.
    pub(super) fn init_failed(self: &Arc<Self>, id: ProcessId, error: FunctionError) -> Result<(), Refusal> {
        let mut state = self.lock();
        if let Some(process) = state.processes.get_mut(&id) {
            process.init_error = Some(error.error_type.clone());
        }
        self.handle_in(state, Input::InitFailed(id, error))
    }

    /// What a process writes comes out here.
    pub(super) fn listen(&self, id: ProcessId, output: Arc<Output>) {
        if let Some(process) = self.lock().processes.get_mut(&id) {
            process.output = Some(output);
        }
    }

    /// A process is about to be told of an invocation. What it wrote before belongs to none, or to the one before.
    pub(super) fn log_start(&self, id: ProcessId, request: RequestId) {
        if !self.log.shows_platform() {
            return;
        }
        let output = self.lock().processes.get(&id).and_then(|process| process.output.clone());
        if let Some(output) = output {
            output.catch_up();
        }
        self.log.platform(&self.profile.name, &start_line(request));
    }

    /// A process exists.
    pub(super) fn started(&self, id: ProcessId, pid: Pid) {
        if let Some(process) = self.lock().processes.get_mut(&id) {
            process.pid = Some(pid);
        }
    }

    /// A process could not be started.
    pub(super) fn start_failed(self: &Arc<Self>, id: ProcessId, reason: String) {
        let mut state = self.lock();
        state.processes.remove(&id);
        self.handle_in(state, Input::StartFailed(id, reason)).unwrap_or_else(only_processes_are_refused);
    }

    /// A process is gone, with its whole group, and everything that it wrote is shown.
    pub(super) fn exited(self: &Arc<Self>, id: ProcessId, exit: Exit) {
        let mut state = self.lock();
        let (mut init_report, mut last_report) = (None, None);
        if let Some(process) = state.processes.get_mut(&id) {
            process.pid = None;
            let duration = self.clock.elapsed().saturating_sub(process.started_at);
            let failed = process.init_failure(duration >= self.profile.limits.init_max);
            init_report = failed.map(|failed| init_report_line(duration, &failed));
            last_report = process.last_report.take();
        }
        drop(state);
        if let Some(report) = last_report {
            self.log_end(&report);
        }
        let exited = Input::Exited(id, exit);
        self.handle_in(self.lock(), exited).unwrap_or_else(only_processes_are_refused);
        self.lock().processes.remove(&id);
        if let Some(line) = init_report
            && self.log.shows_platform()
        {
            self.log.platform(&self.profile.name, &line);
        }
    }

    /// The function has new code.
    pub(super) fn replace_code(self: &Arc<Self>, code: Code) {
        let mut state = self.lock();
        state.code = Some(Arc::new(code));
        self.handle_in(state, Input::CodeReplaced).unwrap_or_else(only_processes_are_refused);
    }

    /// From now on there may be so many processes at a time.
    pub(super) fn limit_processes(self: &Arc<Self>, max: usize) {
        self.handle_in(self.lock(), Input::ProcessesMax(max)).unwrap_or_else(only_processes_are_refused);
    }

    /// The code that runs next.
    pub(super) fn code(&self) -> Option<Code> {
        self.lock().code.as_deref().cloned()
    }

    /// Ends everything, and takes no more.
    pub(super) fn stop(self: &Arc<Self>) {
        self.handle_in(self.lock(), Input::Stop).unwrap_or_else(only_processes_are_refused);
    }

    /// Waits until it was stopped and the last process is gone. Cancelling is safe.
    pub(super) async fn finished(&self) {
        let mut is_finished = self.is_finished.subscribe();
        // An error means that the sender is gone; it is a part of `self`.
        let _is_alive = is_finished.wait_for(|&is_finished| is_finished).await.is_ok();
    }

    /// How many processes there are.
    pub(super) fn processes(&self) -> usize {
        self.lock().exchange.processes()
    }

    async fn keep_time(self: Arc<Self>) {
        loop {
            let wakeup = {
                let mut state = self.lock();
                if state.exchange.is_finished() {
                    return;
                }
                state.timer = state.exchange.next_wakeup();
                state.timer
            };
            let Some(wakeup) = wakeup else {
                self.timer_moved.notified().await;
                continue;
            };
            tokio::select! {
                () = self.clock.sleep_until(wakeup) => {
                    self.handle_in(self.lock(), Input::TimePassed).unwrap_or_else(only_processes_are_refused);
                }
                () = self.timer_moved.notified() => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds a dispatcher's state")
    }

    fn handle_in(self: &Arc<Self>, mut state: MutexGuard<'_, State>, input: Input) -> Result<(), Refusal> {
        let verdict = state.exchange.handle(input, self.clock.now());
        let mut aftermath = Aftermath::default();
        while let Some(command) = state.exchange.next_command() {
            self.carry_out(&mut state, command, &mut aftermath);
        }
        let next_wakeup = state.exchange.next_wakeup();
        let is_earlier = next_wakeup.is_some_and(|next| state.timer.is_none_or(|timer| next < timer));
        let is_finished = state.exchange.is_finished();
        drop(state);
        if is_earlier || is_finished {
            self.timer_moved.notify_one();
        }
        self.report(aftermath.reports);
        drop(aftermath.kills);
        if is_finished {
            self.is_finished.send_replace(true);
        }
        verdict
    }

    fn carry_out(self: &Arc<Self>, state: &mut State, command: Command, aftermath: &mut Aftermath) {
        match command {
            Command::Start(id) => {
                let (kill, killed) = oneshot::channel();
                state.processes.insert(id, ProcessState::new(kill, self.clock.elapsed()));
                self.runtime.spawn(process::run(Arc::clone(self), id, state.code.clone(), killed));
            }
            Command::Hand { process, ticket, deadline } => {
                let Some(caller) = state.requests.get(&ticket.request) else { return };
                let Some(process) = state.processes.get_mut(&process) else { return };
                let delivery = Delivery { ticket, deadline, batch: Arc::clone(&caller.batch) };
                process.running = Some((ticket.request, self.clock.elapsed()));
                if let Some(pending) = process.pending.take() {
                    // If nobody is there to take it, its call was withdrawn, and says so as soon as the lock is free.
                    let _undelivered = pending.send(delivery).err();
                }
            }
            Command::Answer(request, outcome) => {
                if self.log.shows_platform() {
                    aftermath.reports.extend(state.report(request, &outcome, self));
                }
                if let Some(caller) = state.requests.remove(&request) {
                    // If nobody is there to take it, the caller is about to cancel.
                    let _unheard = caller.answer.send(outcome).err();
                }
            }
            Command::Kill(id) => {
                // Its pending call stays unanswered until it is gone.
                if let Some(process) = state.processes.get_mut(&id) {
                    aftermath.kills.extend(process.kill.take());
                    // What it writes until then belongs to the invocation that it is killed for.
                    let of_it = |due: &DueReport| due.process == id;
                    if let Some(due) = aftermath.reports.iter().position(of_it) {
                        process.last_report = Some(aftermath.reports.remove(due).complete());
                    }
                }
            }
        }
    }

    fn report(&self, reports: Vec<DueReport>) {
        for due in reports {
            if let Some(output) = &due.output {
                output.catch_up();
            }
            self.log_end(&due.complete());
        }
    }

    fn log_end(&self, report: &Report) {
        self.log.platform(&self.profile.name, &end_line(report.request));
        self.log.platform(&self.profile.name, &report.line());
    }
}

impl State {
    /// The report of an invocation that ends now, if a process had it.
    fn report(
        &mut self,
        request: RequestId,
        outcome: &Outcome,
        dispatcher: &Dispatcher,
    ) -> Option<DueReport> {
        let mut processes = self.processes.iter_mut();
        let (&id, process) = processes.find(|(_, process)| process.runs(request))?;
        process.end(id, outcome, dispatcher.profile.memory_size_mb, dispatcher.clock.elapsed())
    }
}

fn only_processes_are_refused(refusal: Refusal) {
    unreachable!("the exchange refuses only what processes do: {refusal:?}");
}
