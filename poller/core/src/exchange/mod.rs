//! Who gets which invocation: the handler processes of one function, and the invocations that wait for them.
//!
//! In: what was requested, and what the processes did. Out: which process to start, feed or kill, and how each
//! invocation ended. Never waits, never starts anything itself.
//!
//! - A request is answered exactly once, unless it was cancelled.
//! - A process runs one invocation at a time, and only one that it asked for.
//! - No process is started beyond [`Limits::processes_max`], which [`Input::ProcessesMax`] changes; one that is being killed counts
//!   until it is gone.
//! - Requests that find no process wait in order of arrival; those that wait too long, or find the queue full, are
//!   throttled, which is no failure of theirs.
//!
//! **Cold starts.** A process is started for one request, and that request waits for it; it fails if the process
//! cannot initialize (specification 8.2). Init may take [`Limits::init_max`]. AWS then repeats it inside the first
//! invocation, under the function's timeout; here it goes on, and from that moment counts against the timeout.

mod function_error;
mod process;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use function_error::{Exit, FunctionError, RESPONSE_BYTES_MAX};
pub use vocabulary::{AttemptId, Command, Input, Limits, ProcessId, Refusal, RequestId, Ticket};

use crate::invocation::Outcome;
use crate::time::Timestamp;
use bytes::Bytes;
use process::{Process, Request, State};
use std::collections::{BTreeMap, VecDeque};

/// The processes of one function, and the invocations that wait for them.
#[derive(Debug)]
pub struct Exchange {
    limits: Limits,
    processes: BTreeMap<ProcessId, Process>,
    waiting: VecDeque<Request>,
    commands: VecDeque<Command>,
    processes_started: u64,
    is_stopped: bool,
}

impl Exchange {
    /// An exchange without processes.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            processes: BTreeMap::new(),
            waiting: VecDeque::new(),
            commands: VecDeque::new(),
            processes_started: 0,
            is_stopped: false,
        }
    }

    /// The only way in. Afterwards drain [`Exchange::next_command`].
    ///
    /// # Errors
    ///
    /// If a process may not do what it did; it is to be told. Inputs that come from no process are always accepted.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Result<(), Refusal> {
        // What ended by itself does not expire as well; whatever comes too late does, whether or not a timer said so.
        let is_end = matches!(input, Input::Cancelled(_) | Input::StartFailed(_, _) | Input::Exited(_, _));
        if !is_end {
            self.expire(now);
        }
        let verdict = match input {
            Input::Requested(ticket) => self.requested(ticket, now),
            Input::Cancelled(request) => self.cancelled(request),
            Input::Asked(process) => self.asked(process, now),
            Input::Withdrew(process) => self.withdrew(process, now),
            Input::Answered { process, request, attempt, answer } => {
                self.answered(process, request, attempt, answer, now)
            }
            Input::InitFailed(process, error) => self.init_failed(process, error),
            Input::StartFailed(process, reason) => self.gone(process, |_| Outcome::NotInvoked { reason }),
            Input::Exited(process, exit) => {
                self.gone(process, |request| FunctionError::exited(request, exit).into())
            }
            Input::CodeReplaced => self.code_replaced(),
            Input::ProcessesMax(max) => {
                self.limits.processes_max = max;
                Ok(())
            }
            Input::Stop => self.stop(),
            Input::TimePassed => Ok(()),
        };
        if is_end {
            self.expire(now);
        }
        self.distribute(now);
        verdict
    }

    /// The only way out: what to do next, in this order.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to hand in [`Input::TimePassed`] if nothing else happens. May change with every [`Exchange::handle`].
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        let processes = self.processes.values().filter_map(|process| process.state.expiry(&self.limits));
        let throttle = self.waiting.front().map(|request| request.requested_at.after(self.limits.wait_max));
        processes.chain(throttle).min()
    }

    /// How many processes there are, those that are being killed included.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.processes.len()
    }

    /// How many requests wait for a process to be free.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether it was stopped and the last process is gone.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.is_stopped && self.processes.is_empty()
    }

    fn requested(&mut self, ticket: Ticket, now: Timestamp) -> Result<(), Refusal> {
        if self.is_stopped {
            self.answer(ticket.request, stopped());
        } else if self.limits.processes_max == 0 {
            self.answer(ticket.request, Outcome::Throttled);
        } else {
            self.waiting.push_back(Request { ticket, requested_at: now });
        }
        Ok(())
    }

    fn cancelled(&mut self, request: RequestId) -> Result<(), Refusal> {
        self.waiting.retain(|waiting| waiting.ticket.request != request);
        let holder = self.processes.iter().find(|(_, process)| process.state.request() == Some(request));
        let Some((&holder, process)) = holder else { return Ok(()) };
        match process.state {
            // The function was not reached: the process may finish its start and serve somebody else.
            State::Starting { since, bound: _ } => self.set(holder, State::Starting { since, bound: None }),
            State::Running { .. } | State::Idle { .. } | State::Returning { .. } | State::Ending => {
                self.end(holder);
            }
        }
        Ok(())
    }

    fn asked(&mut self, id: ProcessId, now: Timestamp) -> Result<(), Refusal> {
        let Some(process) = self.processes.get(&id) else { return Err(Refusal::GivenUp) };
        match process.state {
            State::Starting { since, bound: Some(request) } => {
                let begun = now.min(since.after(self.limits.init_max));
                self.hand(id, request, begun.after(self.limits.timeout));
                Ok(())
            }
            State::Starting { bound: None, .. } | State::Idle { .. } | State::Returning { .. } => {
                if process.is_stale {
                    self.end(id);
                    return Err(Refusal::GivenUp);
                }
                self.set(id, State::Idle { since: now });
                Ok(())
            }
            State::Running { request, .. } => {
                self.answer(
                    request.ticket.request,
                    FunctionError::out_of_turn(request.ticket.request).into(),
                );
                self.end(id);
                Err(Refusal::OutOfTurn)
            }
            State::Ending => Err(Refusal::GivenUp),
        }
    }

    fn withdrew(&mut self, id: ProcessId, now: Timestamp) -> Result<(), Refusal> {
        let Some(process) = self.processes.get(&id) else { return Ok(()) };
        match process.state {
            State::Idle { .. } => self.set(id, State::Returning { since: now, is_expected: false }),
            State::Running { request, .. } => {
                self.waiting.push_front(request);
                self.set(id, State::Returning { since: now, is_expected: false });
            }
            State::Starting { .. } | State::Returning { .. } | State::Ending => {}
        }
        Ok(())
    }

    fn answered(
        &mut self,
        id: ProcessId,
        request: RequestId,
        attempt: Option<AttemptId>,
        answer: Result<Bytes, FunctionError>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(process) = self.processes.get(&id) else { return Err(Refusal::GivenUp) };
        let is_expected = !process.is_stale;
        let running = match process.state {
            State::Running { request, .. } => request.ticket,
            State::Ending => return Err(Refusal::GivenUp),
            State::Starting { .. } | State::Idle { .. } | State::Returning { .. } => {
                return Err(Refusal::UnknownRequest);
            }
        };
        if running.request != request {
            return Err(Refusal::UnknownRequest);
        }
        if attempt.is_some_and(|attempt| attempt != running.attempt) {
            return Err(Refusal::UnknownAttempt);
        }
        self.set(id, State::Returning { since: now, is_expected });
        let outcome = answer.map_or_else(Outcome::from, |payload| Outcome::Succeeded { payload });
        self.answer(request, outcome);
        Ok(())
    }

    fn init_failed(&mut self, id: ProcessId, error: FunctionError) -> Result<(), Refusal> {
        match self.processes.get(&id).map(|process| &process.state) {
            Some(&State::Starting { bound, .. }) => {
                if let Some(request) = bound {
                    self.answer(request.ticket.request, error.into());
                }
                self.end(id);
                Ok(())
            }
            Some(State::Idle { .. } | State::Running { .. } | State::Returning { .. }) => {
                Err(Refusal::OutOfTurn)
            }
            Some(State::Ending) | None => Err(Refusal::GivenUp),
        }
    }

    fn gone(&mut self, id: ProcessId, outcome: impl FnOnce(RequestId) -> Outcome) -> Result<(), Refusal> {
        if let Some(process) = self.processes.remove(&id)
            && let Some(request) = process.state.request()
        {
            self.answer(request, outcome(request));
        }
        Ok(())
    }

    fn code_replaced(&mut self) -> Result<(), Refusal> {
        let ids: Vec<ProcessId> = self.processes.keys().copied().collect();
        for id in ids {
            let Some(process) = self.processes.get_mut(&id) else { continue };
            process.is_stale = true;
            match &mut process.state {
                State::Idle { .. } => self.end(id),
                State::Returning { is_expected, .. } => *is_expected = false,
                State::Starting { .. } | State::Running { .. } | State::Ending => {}
            }
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<(), Refusal> {
        self.is_stopped = true;
        for request in std::mem::take(&mut self.waiting) {
            self.answer(request.ticket.request, stopped());
        }
        let ids: Vec<ProcessId> = self.processes.keys().copied().collect();
        for id in ids {
            if let Some(request) = self.processes.get(&id).and_then(|process| process.state.request()) {
                self.answer(request, stopped());
            }
            self.end(id);
        }
        Ok(())
    }

    /// Whatever took too long ends now.
    fn expire(&mut self, now: Timestamp) {
        for process in self.processes.values_mut() {
            if let State::Returning { since, is_expected } = &mut process.state {
                *is_expected &= now < since.after(self.limits.return_max);
            }
        }
        let is_due =
            |process: &Process| process.state.expiry(&self.limits).is_some_and(|moment| moment <= now);
        let due: Vec<ProcessId> =
            self.processes.iter().filter(|(_, process)| is_due(process)).map(|(&id, _)| id).collect();
        for id in due {
            if let Some(request) = self.processes.get(&id).and_then(|process| process.state.request()) {
                self.answer(request, FunctionError::timed_out(request, self.limits.timeout).into());
            }
            self.end(id);
        }
        while let Some(first) = self.waiting.front()
            && first.requested_at.after(self.limits.wait_max) <= now
        {
            self.answer(first.ticket.request, Outcome::Throttled);
            self.waiting.pop_front();
        }
    }

    /// Gives those who wait to idle processes, and starts processes for those who cannot count on one.
    fn distribute(&mut self, now: Timestamp) {
        while let Some(&request) = self.waiting.front()
            && let Some(process) = self.warmest()
        {
            self.waiting.pop_front();
            self.hand(process, request, now.after(self.limits.timeout));
        }
        let expected = self.expected();
        while self.processes.len() < self.limits.processes_max
            && let Some(request) = self.waiting.remove(expected)
        {
            self.start(request, now);
        }
        while self.waiting.len() > self.limits.waiting_max
            && let Some(last) = self.waiting.pop_back()
        {
            self.answer(last.ticket.request, Outcome::Throttled);
        }
    }

    /// How many processes will ask in a moment.
    fn expected(&self) -> usize {
        let is_expected =
            |process: &&Process| matches!(process.state, State::Returning { is_expected: true, .. });
        self.processes.values().filter(is_expected).count()
    }

    /// The process that became idle last, so that those which are not needed stay idle, and end.
    fn warmest(&self) -> Option<ProcessId> {
        let idle = self.processes.iter().filter_map(|(&id, process)| match process.state {
            State::Idle { since } => Some((since, id)),
            State::Starting { .. } | State::Running { .. } | State::Returning { .. } | State::Ending => None,
        });
        idle.max().map(|(_, id)| id)
    }

    fn start(&mut self, request: Request, now: Timestamp) {
        self.processes_started += 1;
        let id = ProcessId(self.processes_started);
        let state = State::Starting { since: now, bound: Some(request) };
        self.processes.insert(id, Process { state, is_stale: false });
        self.commands.push_back(Command::Start(id));
    }

    fn hand(&mut self, process: ProcessId, request: Request, deadline: Timestamp) {
        self.set(process, State::Running { request, deadline });
        self.commands.push_back(Command::Hand { process, ticket: request.ticket, deadline });
    }

    fn answer(&mut self, request: RequestId, outcome: Outcome) {
        self.commands.push_back(Command::Answer(request, outcome));
    }

    /// Kills a process. Whatever it holds has been answered, or nobody waits for it.
    fn end(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        if !matches!(process.state, State::Ending) {
            process.state = State::Ending;
            self.commands.push_back(Command::Kill(id));
        }
    }

    fn set(&mut self, id: ProcessId, state: State) {
        if let Some(process) = self.processes.get_mut(&id) {
            process.state = state;
        }
    }
}

fn stopped() -> Outcome {
    Outcome::NotInvoked { reason: "the function was stopped".to_owned() }
}
