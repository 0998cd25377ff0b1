//! One lane of a shard: its records in order, at most one batch in flight.
//!
//! In: records as they are read, and how invocations ended. Out: the next invocation, or records to give up. A later
//! record is first invoked only when every earlier one of the lane is settled (I1).

use crate::batch::Batch;
use crate::contract::{Failure, FailureId, GiveUp, InvocationId, Outcome};
use crate::policy::Policy;
use crate::record::Record;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

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
    /// When the batching window began: the end of the previous invocation.
    gathering_since: Timestamp,
}

/// A batch at hand.
#[derive(Debug)]
struct Work {
    batch: Arc<Batch>,
    /// How often the function failed with it.
    attempts: u32,
    /// Whether an invocation with it was tried at all, though it may not have reached the function.
    was_tried: bool,
    /// Not to be invoked, but to be given up.
    give_up: Option<GiveUp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    InFlight(InvocationId),
    SendingFailure,
    /// The batch at hand waits for its next attempt.
    Waiting {
        until: Timestamp,
    },
}

/// What a lane wants done.
#[derive(Debug)]
pub(crate) enum Step {
    Invoke { batch: Arc<Batch>, attempt: u32 },
    SendFailure(Failure),
}

impl Lane {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            work: VecDeque::new(),
            state: State::Idle,
            failures: 0,
            gathering_since: now,
        }
    }

    pub(crate) fn push(&mut self, record: Record) {
        self.waiting_bytes += record.encoded_len();
        self.waiting.push_back(record);
    }

    /// When the lane can start its next step; `None` while one is in flight, or there is nothing to do.
    ///
    /// `nothing_to_add`: no record will be added before this lane moves on, so waiting for one is pointless.
    pub(crate) fn due(&self, policy: &Policy, nothing_to_add: bool) -> Option<Timestamp> {
        match self.state {
            State::InFlight(_) | State::SendingFailure => None,
            State::Waiting { until } => Some(until),
            State::Idle if !self.work.is_empty() => Some(Timestamp::default()),
            State::Idle if self.waiting.is_empty() => None,
            State::Idle if nothing_to_add || self.is_full(policy) => Some(Timestamp::default()),
            State::Idle => Some(self.gathering_since.after(policy.batching_window)),
        }
    }

    /// Whether BatchSize or the byte limit is reached.
    fn is_full(&self, policy: &Policy) -> bool {
        self.waiting.len() >= policy.batch_size
            || policy.envelope.event_len(self.waiting.len(), self.waiting_bytes) > policy.event_bytes_max
    }

    /// Starts the next step. Call only when it is due.
    pub(crate) fn start(&mut self, id: InvocationId, policy: &Policy, now: Timestamp) -> Step {
        if self.work.is_empty() {
            let work = self.cut(policy);
            self.work.push_back(work);
        }
        self.give_up_expired(policy, now);
        let work = self.work.front_mut().expect("work was just found or cut");
        let batch = Arc::clone(&work.batch);
        if let Some(reason) = work.give_up {
            self.state = State::SendingFailure;
            return Step::SendFailure(Failure {
                id: FailureId(id.0),
                batch,
                reason,
                attempts: work.attempts,
                last_reached: None,
            });
        }
        work.was_tried = true;
        self.state = State::InFlight(id);
        Step::Invoke { batch, attempt: work.attempts + 1 }
    }

    /// Cuts the next batch: up to BatchSize records, and no more bytes than an event may have (I4).
    fn cut(&mut self, policy: &Policy) -> Work {
        let mut count = 0;
        let mut bytes = 0;
        for record in self.waiting.iter().take(policy.batch_size) {
            if policy.envelope.event_len(count + 1, bytes + record.encoded_len()) > policy.event_bytes_max {
                break;
            }
            count += 1;
            bytes += record.encoded_len();
        }
        let is_too_large = count == 0;
        let records: Vec<Record> = self.waiting.drain(..count.max(1)).collect();
        self.waiting_bytes -= records.iter().map(Record::encoded_len).sum::<usize>();
        Work {
            batch: Arc::new(Batch::new(records, policy.envelope.clone())),
            attempts: 0,
            was_tried: false,
            give_up: is_too_large.then_some(GiveUp::TooLarge),
        }
    }

    /// Takes the records that the stream no longer keeps out of a batch that is to be tried again.
    ///
    /// A record that was never tried is not given up, however old: the stream just handed it out, so if it looks
    /// expired, a clock is wrong.
    fn give_up_expired(&mut self, policy: &Policy, now: Timestamp) {
        let is_expired = |record: &Record| now.since(record.arrival()) >= policy.retention;
        let work = self.work.front().expect("there is work at hand");
        if !work.was_tried || work.give_up.is_some() || !work.batch.records().iter().any(is_expired) {
            return;
        }
        let work = self.work.pop_front().expect("there is work at hand");
        let (expired, live): (Vec<Record>, Vec<Record>) =
            work.batch.records().iter().cloned().partition(is_expired);
        let part = |records: Vec<Record>, give_up| Work {
            batch: Arc::new(Batch::new(records, policy.envelope.clone())),
            give_up,
            ..work
        };
        if !live.is_empty() {
            self.work.push_front(part(live, None));
        }
        self.work.push_front(part(expired, Some(GiveUp::Expired)));
    }

    /// Takes in how the invocation ended. Returns the batch if it is settled.
    pub(crate) fn invoked(
        &mut self,
        id: InvocationId,
        outcome: &Outcome,
        policy: &Policy,
        now: Timestamp,
        random: &mut fastrand::Rng,
    ) -> Option<Arc<Batch>> {
        assert_eq!(self.state, State::InFlight(id), "an answer belongs to an invocation in flight (I7)");
        self.gathering_since = now;
        match outcome {
            Outcome::Succeeded { .. } => {
                self.failures = 0;
                return Some(self.finish_work());
            }
            Outcome::FunctionFailed { .. } => self.at_hand().attempts += 1,
            Outcome::Throttled | Outcome::NotInvoked { .. } => {}
        }
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting { until: now.after(policy.backoff.delay(self.failures, random)) };
        None
    }

    /// The failure at hand was accepted. Returns the batch, which is now settled.
    ///
    /// What is left of a batch of which only a part was given up still fails: its backoff goes on.
    pub(crate) fn failure_sent(&mut self) -> Arc<Batch> {
        assert_eq!(self.state, State::SendingFailure, "an answer belongs to a failure in flight (I7)");
        let given_up = self.finish_work();
        if self.work.is_empty() {
            self.failures = 0;
        }
        given_up
    }

    fn finish_work(&mut self) -> Arc<Batch> {
        self.state = State::Idle;
        self.work.pop_front().expect("what is in flight is at hand").batch
    }

    fn at_hand(&mut self) -> &mut Work {
        self.work.front_mut().expect("what is in flight is at hand")
    }

    /// Lets go of every record that is not in flight.
    pub(crate) fn let_go(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.work.truncate(usize::from(self.is_in_flight()));
        if !self.is_in_flight() {
            self.state = State::Idle;
        }
    }

    /// Whether an answer is owed to this lane.
    pub(crate) fn is_in_flight(&self) -> bool {
        matches!(self.state, State::InFlight(_) | State::SendingFailure)
    }

    /// How many records are in flight.
    pub(crate) fn in_flight_records(&self) -> u64 {
        let at_hand = self.work.front().filter(|_| self.is_in_flight());
        at_hand.map_or(0, |work| work.batch.records().len() as u64)
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
            State::Idle | State::InFlight(_) | State::SendingFailure => None,
        }
    }

    /// The first record held.
    pub(crate) fn first(&self) -> Option<&Record> {
        self.work.front().map(|work| work.batch.first()).or_else(|| self.waiting.front())
    }
}

#[cfg(test)]
mod tests;
