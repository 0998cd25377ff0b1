//! One lane of a shard: its records in order, at most one batch in flight.
//!
//! In: records as they are read, and how invocations and deliveries ended. Out: the next invocation, or records to give
//! up. A later record is first invoked only when every earlier one of the lane is settled (I1).

mod answered;
mod cutting;
mod rest;
mod windowed;
mod work;

use crate::batch::Batch;
use crate::event::window::OpenWindow;
use crate::event::window::WindowInvocation;
use crate::giving_up::{Failure, FailureId, GiveUp};
use crate::invocation::InvocationId;
use crate::record::Record;
use crate::shard::again::{Again, KeptBatch};
use crate::shard::checkpoint::Version;
use crate::shard::failing::{FailingBatch, attempts_max};
use crate::shard::policy::Policy;
use crate::shard::window::ReadSoFar;
use crate::time::Timestamp;
pub use answered::DELIVERY_ATTEMPTS_MAX;
pub(crate) use answered::{Delivered, EndedAs, GivenUp};
use std::collections::VecDeque;
use std::sync::Arc;
use windowed::Windowed;
use work::{Aged, Task, Work};

/// The records of one lane, and what is being done with them.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Read, not yet in a batch.
    waiting: VecDeque<Record>,
    /// Their bytes inside an event.
    waiting_bytes: usize,
    /// Batches that failed in an earlier life, in order: before what waits.
    again: VecDeque<Again>,
    /// Batches at hand, in order. More than one after a batch was split.
    work: VecDeque<Work>,
    /// Batches that failed and were let go: whoever goes on with the shard has them.
    left: Vec<KeptBatch>,
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

impl Lane {
    pub(crate) fn new(window: Option<OpenWindow>, policy: &Policy, now: Timestamp) -> Self {
        let window =
            policy.tumbling.as_ref().zip(window).map(|(tumbling, open)| Windowed::begun(open, tumbling));
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            again: VecDeque::new(),
            work: VecDeque::new(),
            left: Vec::new(),
            state: State::Idle,
            failures: 0,
            shortened_at: None,
            gathering_since: now,
            window,
            settled_in: 0,
        }
    }

    /// The lane takes over a batch that failed in an earlier life. Its records are about to come.
    pub(crate) fn claim(&mut self, batch: Again) {
        self.again.push_back(batch);
    }

    /// Whether the record is one of a batch that failed in an earlier life.
    pub(crate) fn awaits(&self, record: &Record) -> bool {
        self.again.iter().any(|batch| batch.takes(record))
    }

    /// Everything that there is was read.
    pub(crate) fn read_all(&mut self) {
        self.again.iter_mut().for_each(Again::read_all);
    }

    pub(crate) fn push(&mut self, record: Record) {
        if let Some(batch) = self.again.iter_mut().find(|batch| batch.takes(&record)) {
            return batch.push(record);
        }
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
            State::Idle if let Some(batch) = self.again.front() => {
                (nothing_to_add || batch.is_whole()).then_some(Timestamp::default())
            }
            State::Idle if self.waiting.is_empty() => None,
            State::Idle if nothing_to_add || self.is_full(policy) => Some(Timestamp::default()),
            State::Idle => Some(self.gathering_since.after(policy.batching_window)),
        }
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
            let work = match self.again.pop_front() {
                Some(batch) => self.cut_again(batch, policy),
                None if self.is_window_over(read) => self.last_of_window(),
                None => self.cut(policy.batch_size, policy),
            };
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

    /// Takes the records that are too old out of the batch at hand: all of them older than MaximumRecordAgeInSeconds, or
    /// else all that the stream no longer keeps.
    ///
    /// The stream's retention does not end a record that was never tried: the stream just handed it out, so if it looks
    /// expired, a clock is wrong.
    fn give_up_old(&mut self, policy: &Policy, now: Timestamp) {
        let Some(work) = self.work.pop_front_if(|work| work.given_up().is_none()) else { return };
        let is_too_old =
            |aged: Aged<'_>| policy.record_age_max.is_some_and(|max| now.since(aged.begun()) >= max);
        let was_tried = work.task == Task::TryAgain;
        let is_kept =
            |aged: Aged<'_>| now.since(aged.begun()) < policy.retention && !aged.is_below(policy.log_start);
        let is_expired = |aged: Aged<'_>| was_tried && !is_kept(aged);
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
        self.left.extend(self.again.drain(..).map(|batch| batch.kept().clone()));
        let left = self.work.split_off(self.work.len().min(usize::from(self.is_in_flight())));
        if !self.is_in_flight() {
            self.state = State::Idle;
        }
        self.left.extend(left.iter().filter_map(Work::kept));
        left.iter().map(|work| work.batch.records().len()).sum()
    }

    /// What is to be kept of batches that failed.
    pub(crate) fn kept_batches(&self) -> impl Iterator<Item = KeptBatch> {
        let at_hand = self.work.iter().filter_map(Work::kept);
        let again = self.again.iter().map(|batch| batch.kept().clone());
        at_hand.chain(again).chain(self.left.iter().cloned())
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
        let again = self.again.iter().flat_map(Again::records);
        let at_hand = self.work.iter().flat_map(|work| work.batch.records()).chain(again);
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
        let again = self.again.iter().flat_map(Again::records);
        let at_hand = self.work.iter().flat_map(|work| work.batch.records()).chain(again).next();
        at_hand.or_else(|| self.waiting.front())
    }
}

#[cfg(test)]
mod tests;
