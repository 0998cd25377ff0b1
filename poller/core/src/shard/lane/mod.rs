//! One lane of a shard: its records in order, at most one batch in flight.
//!
//! In: records as they are read, and how invocations and deliveries ended. Out: the next invocation, or records to give
//! up. A later record is first invoked only when every earlier one of the lane is settled (I1).

mod rest;
mod windowed;
mod work;

use crate::batch::{Batch, Envelope};
use crate::event::window::OpenWindow;
use crate::event::window::WindowInvocation;
use crate::giving_up::{Failure, FailureId, GiveUp};
use crate::invocation::{HowFailed, InvocationId, Outcome, Reached, Reply};
use crate::record::Record;
use crate::response::Ignored;
use crate::response::{Rules, Verdict, judge};
use crate::shard::checkpoint::Version;
use crate::shard::failing::{AttemptError, FailingBatch, attempts_max};
use crate::shard::policy::Policy;
use crate::shard::window::ReadSoFar;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use windowed::Windowed;
use work::{Task, Work};

/// How often records that were given up are handed over at most before they are dropped.
pub const DELIVERY_ATTEMPTS_MAX: u32 = 5;

/// The records of one lane, and what is being done with them.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Read, not yet in a batch.
    waiting: VecDeque<Record>,
    /// Their bytes inside an event.
    waiting_bytes: usize,
    /// Batches at hand, in order. More than one after a batch was split.
    work: VecDeque<Work>,
    state: State,
    /// Invocations in a row that did not succeed, for whatever reason: the basis of the backoff.
    failures: u32,
    /// When a rest last ended, or will end, at an age limit.
    shortened_at: Option<Timestamp>,
    /// When the batching window began: the end of the previous invocation.
    gathering_since: Timestamp,
    /// The tumbling window that is open.
    window: Option<Windowed>,
    /// Nothing is started before this version of the checkpoint is kept: it holds all that this lane has settled.
    settled_in: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    InFlight(InvocationId),
    SendingFailure(FailureId),
    /// The batch at hand waits for its next attempt, or for its next delivery.
    Waiting {
        until: Timestamp,
    },
}

/// What a lane wants done.
#[derive(Debug)]
pub(crate) enum Step {
    Invoke {
        batch: Arc<Batch>,
        attempt: u32,
        is_retry: bool,
        /// Size of the state with which a window ends before its time, when that is first tried.
        ends_early: Option<usize>,
    },
    SendFailure(Failure),
}

/// How an invocation ended for its batch.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) batch: Arc<Batch>,
    /// So many of its records, from the first on, are settled.
    pub(crate) settled: usize,
    /// Which attempt it was.
    pub(crate) attempt: u32,
    /// Why it did not succeed.
    pub(crate) error: Option<Arc<AttemptError>>,
    pub(crate) result: EndedAs,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EndedAs {
    /// What of the response is ignored, if it says that some failed.
    Succeeded(Option<Ignored>),
    /// The records that are not settled were reported, or came after one that was.
    PartlyFailed,
    FunctionFailed,
    ResponseRefused,
    Throttled,
    NotInvoked,
}

/// Records that were given up and are settled.
#[derive(Debug)]
pub(crate) struct GivenUp {
    pub(crate) batch: Arc<Batch>,
    pub(crate) reason: GiveUp,
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) enum Delivered {
    /// The records are settled.
    HandedOver(GivenUp),
    /// The records are settled, though nobody has them.
    Abandoned(GivenUp),
    /// It will be tried again.
    Again,
}

impl Lane {
    pub(crate) fn new(window: Option<OpenWindow>, policy: &Policy, now: Timestamp) -> Self {
        let window =
            policy.tumbling.as_ref().zip(window).map(|(tumbling, open)| Windowed::begun(open, tumbling));
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            work: VecDeque::new(),
            state: State::Idle,
            failures: 0,
            shortened_at: None,
            gathering_since: now,
            window,
            settled_in: 0,
        }
    }

    pub(crate) fn push(&mut self, record: Record) {
        self.waiting_bytes += record.encoded_len();
        self.waiting.push_back(record);
    }

    /// When the lane can start its next step; `None` while one is in flight, or there is nothing to do.
    ///
    /// `nothing_to_add`: no record will be added before this lane moves on, so waiting for one is pointless.
    pub(crate) fn due(&self, policy: &Policy, nothing_to_add: bool, read: ReadSoFar) -> Option<Timestamp> {
        match self.state {
            State::InFlight(_) | State::SendingFailure(_) => None,
            State::Waiting { until } => Some(until),
            State::Idle if !self.work.is_empty() || self.is_window_over(read) => Some(Timestamp::default()),
            State::Idle if self.waiting.is_empty() => None,
            State::Idle if nothing_to_add || self.is_full(policy) => Some(Timestamp::default()),
            State::Idle => Some(self.gathering_since.after(policy.batching_window)),
        }
    }

    /// Whether the next batch cannot grow: BatchSize, the byte limit or the end of the window is reached.
    fn is_full(&self, policy: &Policy) -> bool {
        self.waiting.len() >= policy.batch_size
            || self.waiting_event_len(policy) > policy.event_bytes_max
            || self.is_past_window(policy)
    }

    fn envelope<'a>(&'a self, policy: &'a Policy) -> &'a Envelope {
        self.window.as_ref().map_or(&policy.envelope, Windowed::envelope)
    }

    /// Starts the next step. Call only when it is due.
    pub(crate) fn start(
        &mut self,
        id: InvocationId,
        failure_id: FailureId,
        policy: &Policy,
        read: ReadSoFar,
        now: Timestamp,
    ) -> Step {
        if self.work.is_empty() {
            let work = if self.is_window_over(read) { self.last_of_window() } else { self.cut(policy) };
            self.work.push_back(work);
        }
        self.fit_into_window(policy);
        self.give_up_old(policy, now);
        let ends_early = self.window_ends_early();
        let work = self.work.front_mut().expect("work was just found or cut");
        if let Some(reason) = work.given_up() {
            self.state = State::SendingFailure(failure_id);
            return Step::SendFailure(work.failure(failure_id, reason));
        }
        let is_retry = work.last_reached.is_some();
        work.task = Task::TryAgain;
        self.state = State::InFlight(id);
        Step::Invoke { batch: Arc::clone(&work.batch), attempt: work.attempts + 1, is_retry, ends_early }
    }

    /// Cuts the next batch: up to BatchSize records of one window, and no more bytes than an event may have (I4).
    fn cut(&mut self, policy: &Policy) -> Work {
        self.open_window(policy);
        let envelope = self.envelope(policy);
        let mut count = 0;
        let mut bytes = 0;
        for record in self.waiting.iter().take(policy.batch_size) {
            let is_too_much =
                envelope.event_len(count + 1, bytes + record.encoded_len()) > policy.event_bytes_max;
            if is_too_much || self.window.as_ref().is_some_and(|window| !window.open().takes(record)) {
                break;
            }
            count += 1;
            bytes += record.encoded_len();
        }
        if count == 0 && self.would_fit_into_fresh_window(policy) {
            return self.last_of_window();
        }
        let batch = Batch::new(self.waiting.drain(..count.max(1)).collect(), self.envelope(policy).clone());
        self.waiting_bytes -= batch.records().iter().map(Record::encoded_len).sum::<usize>();
        let task = if count == 0 { Task::hand_over(GiveUp::TooLarge) } else { Task::Try };
        Work { task, ..Work::new(batch) }
    }

    /// Takes the records that are too old out of the batch at hand: all of them older than MaximumRecordAgeInSeconds, or
    /// else all that the stream no longer keeps.
    ///
    /// The stream's retention does not end a record that was never tried: the stream just handed it out, so if it looks
    /// expired, a clock is wrong.
    fn give_up_old(&mut self, policy: &Policy, now: Timestamp) {
        let Some(work) = self.work.pop_front_if(|work| work.given_up().is_none()) else { return };
        let is_too_old = |arrival| policy.record_age_max.is_some_and(|max| now.since(arrival) >= max);
        let was_tried = work.task == Task::TryAgain;
        let is_expired = |arrival| was_tried && now.since(arrival) >= policy.retention;
        let (reason, (old, rest)) = if work.has_old(is_too_old) {
            (GiveUp::TooOld, work.divide(is_too_old))
        } else if work.has_old(is_expired) {
            (GiveUp::Expired, work.divide(is_expired))
        } else {
            return self.work.push_front(work);
        };
        rest.into_iter().for_each(|rest| self.work.push_front(rest));
        self.work.push_front(Work { task: Task::hand_over(reason), ..old });
    }

    /// Takes in how the invocation ended.
    pub(crate) fn invoked(
        &mut self,
        id: InvocationId,
        reply: Reply,
        policy: &Policy,
        now: Timestamp,
        random: &mut fastrand::Rng,
    ) -> Ended {
        assert_eq!(self.state, State::InFlight(id), "an answer belongs to an invocation in flight (I7)");
        self.gathering_since = now;
        let (batch, attempt) = (Arc::clone(&self.at_hand().batch), self.at_hand().attempts.saturating_add(1));
        let reached = |how| Reached { request_id: reply.request_id.clone(), how };
        let refused = |reason| AttemptError::ResponseRefused { reason };
        let (settled, result) = match &reply.outcome {
            Outcome::Throttled => {
                self.at_hand().failed(AttemptError::Throttled, None, now);
                (0, EndedAs::Throttled)
            }
            Outcome::NotInvoked { reason } => {
                self.at_hand().failed(AttemptError::NotInvoked { reason: reason.clone() }, None, now);
                (0, EndedAs::NotInvoked)
            }
            Outcome::FunctionFailed { error_type, message } => {
                let (error_type, message) = (error_type.clone(), message.clone());
                let error = AttemptError::FunctionFailed { error_type, message };
                self.batch_failed(reached(HowFailed::FunctionError), error, policy, now);
                (0, EndedAs::FunctionFailed)
            }
            Outcome::Succeeded { payload } => match judge(payload, batch.records(), self.rules(policy)) {
                Verdict::Succeeded { state, .. } | Verdict::FailedFrom { state, .. }
                    if !self.has_room_for(state.as_ref(), policy) =>
                {
                    let reason = "the response's `state` is larger than an event may be".to_owned();
                    self.batch_failed(reached(HowFailed::Reported), refused(reason), policy, now);
                    (0, EndedAs::ResponseRefused)
                }
                Verdict::Succeeded { state, ignored } => {
                    self.set_window_state(state);
                    (batch.records().len(), EndedAs::Succeeded(ignored))
                }
                Verdict::FailedFrom { first: 0, .. } => {
                    self.batch_failed(reached(HowFailed::Reported), AttemptError::Reported, policy, now);
                    (0, EndedAs::PartlyFailed)
                }
                Verdict::FailedFrom { first, state } => {
                    self.set_window_state(state);
                    self.failures = 0;
                    let rest = self.at_hand().rest_from(first, reached(HowFailed::Reported));
                    *self.at_hand() = rest;
                    self.at_hand().failed(AttemptError::Reported, reply.request_id.clone(), now);
                    (first, EndedAs::PartlyFailed)
                }
                Verdict::Refused { reason } => {
                    self.batch_failed(reached(HowFailed::Reported), refused(reason), policy, now);
                    (0, EndedAs::ResponseRefused)
                }
            },
        };
        let mut error = None;
        if matches!(result, EndedAs::Succeeded(_)) {
            self.failures = 0;
            self.finish_work();
        } else {
            error = self.at_hand().last_failed.as_ref().map(|failed| Arc::clone(&failed.error));
            self.rest_or_give_up(policy, now, random);
        }
        Ended { batch, settled, attempt, error, result }
    }

    fn rules(&self, policy: &Policy) -> Rules {
        let is_last_of_window = self.work.front().is_some_and(|work| work.last_of_window.is_some());
        Rules {
            reports_item_failures: policy.reports_item_failures,
            brings_state: policy.tumbling.is_some() && !is_last_of_window,
        }
    }

    /// The function failed with the whole batch at hand: it is split, or has one attempt less.
    fn batch_failed(&mut self, reached: Reached, error: AttemptError, policy: &Policy, now: Timestamp) {
        let work = self.at_hand();
        work.failed(error, reached.request_id.clone(), now);
        work.last_reached = Some(reached);
        if policy.bisects && work.batch.records().len() > 1 {
            let (first, second) = work.halves();
            *work = first;
            self.work.insert(1, second);
            return;
        }
        work.attempts = work.attempts.saturating_add(1);
        if policy.retry_attempts_max.is_some_and(|max| work.attempts > max) {
            work.task = Task::hand_over(GiveUp::RetriesExhausted);
        }
    }

    /// Takes in how the delivery ended.
    ///
    /// What is left of a batch of which only a part was given up still fails: its backoff goes on.
    pub(crate) fn failure_sent(
        &mut self,
        id: FailureId,
        is_accepted: bool,
        policy: &Policy,
        now: Timestamp,
        random: &mut fastrand::Rng,
    ) -> Delivered {
        assert_eq!(self.state, State::SendingFailure(id), "an answer belongs to a failure in flight (I7)");
        let Task::HandOver { reason, failed } = &mut self.at_hand().task else {
            panic!("what is handed over was given up")
        };
        let reason = *reason;
        if !is_accepted {
            *failed += 1;
            let failed = *failed;
            if failed < DELIVERY_ATTEMPTS_MAX {
                self.state = State::Waiting { until: now.after(policy.backoff.delay(failed, random)) };
                return Delivered::Again;
            }
        }
        let given_up = GivenUp { batch: self.finish_work(), reason };
        if self.work.is_empty() {
            self.failures = 0;
        }
        if is_accepted { Delivered::HandedOver(given_up) } else { Delivered::Abandoned(given_up) }
    }

    fn finish_work(&mut self) -> Arc<Batch> {
        self.state = State::Idle;
        let work = self.work.pop_front().expect("what is in flight is at hand");
        if let Some(last) = work.last_of_window {
            self.close_window(last.invocation);
        }
        work.batch
    }

    fn at_hand(&mut self) -> &mut Work {
        self.work.front_mut().expect("what is in flight is at hand")
    }

    /// Nothing starts before `version` of the checkpoint is kept.
    pub(crate) fn settled_in(&mut self, version: Version) {
        self.settled_in = version;
    }

    /// The version of the checkpoint that holds all that this lane has settled.
    pub(crate) fn waits_for(&self) -> Version {
        self.settled_in
    }

    /// Lets go of every record that is not in flight. How many of them were in a batch.
    pub(crate) fn let_go(&mut self) -> usize {
        self.waiting.clear();
        self.waiting_bytes = 0;
        let left = self.work.split_off(self.work.len().min(usize::from(self.is_in_flight())));
        if !self.is_in_flight() {
            self.state = State::Idle;
        }
        left.iter().map(|work| work.batch.records().len()).sum()
    }

    /// Whether an answer is owed to this lane.
    pub(crate) fn is_in_flight(&self) -> bool {
        matches!(self.state, State::InFlight(_) | State::SendingFailure(_))
    }

    /// Whether this is the lane of that invocation.
    pub(crate) fn has_invocation(&self, id: InvocationId) -> bool {
        self.state == State::InFlight(id)
    }

    /// Whether this is the lane of that delivery.
    pub(crate) fn has_failure(&self, id: FailureId) -> bool {
        self.state == State::SendingFailure(id)
    }

    /// How many records the lane holds, and their bytes inside events.
    pub(crate) fn held(&self) -> (usize, usize) {
        let at_hand = self.work.iter().flat_map(|work| work.batch.records());
        let bytes = at_hand.clone().map(Record::encoded_len).sum::<usize>();
        (self.waiting.len() + at_hand.count(), self.waiting_bytes + bytes)
    }

    /// Attempts and time of the next one, while a batch waits for it.
    pub(crate) fn retrying(&self) -> Option<(u32, Timestamp)> {
        match self.state {
            State::Waiting { until } => self.work.front().map(|work| (work.attempts, until)),
            State::Idle | State::InFlight(_) | State::SendingFailure(_) => None,
        }
    }

    /// The batch at hand, if attempts with it, or with a batch that it was a part of, did not succeed.
    pub(crate) fn failing(&self, policy: &Policy) -> Option<FailingBatch> {
        let work = self.work.front()?;
        let failed = work.last_failed.as_ref()?;
        Some(FailingBatch {
            attempts: work.attempts,
            attempts_max: attempts_max(policy),
            batch: Arc::clone(&work.batch),
            first_failed_at: failed.first_at,
            next_attempt_at: self.waits_until(),
            is_given_up: work.given_up().is_some(),
            error: Arc::clone(&failed.error),
            request_id: failed.request_id.clone(),
        })
    }

    /// When the next attempt of the batch at hand starts, if it waits for it.
    fn waits_until(&self) -> Option<Timestamp> {
        match self.state {
            State::Waiting { until } => Some(until),
            State::Idle | State::InFlight(_) | State::SendingFailure(_) => None,
        }
    }

    /// The first record held.
    pub(crate) fn first(&self) -> Option<&Record> {
        let at_hand = self.work.iter().flat_map(|work| work.batch.records()).next();
        at_hand.or_else(|| self.waiting.front())
    }
}

#[cfg(test)]
mod tests;
