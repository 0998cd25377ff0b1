//! How the step in flight ended, and what that means for the batch at hand.
//!
//! In: the reply to an invocation, or whether a delivery was accepted. Out: which records are settled; the rest is split, rests
//! before its next attempt, or is given up.

use super::work::Task;
use super::{Lane, State};
use crate::batch::Batch;
use crate::giving_up::{FailureId, GiveUp};
use crate::invocation::{HowFailed, InvocationId, Outcome, Reached, Reply};
use crate::record::Record;
use crate::response::{Ignored, Rules, Verdict, judge};
use crate::shard::failing::AttemptError;
use crate::shard::policy::Policy;
use crate::time::Timestamp;
use std::sync::Arc;

/// How often records that were given up are handed over at most before they are dropped.
pub const DELIVERY_ATTEMPTS_MAX: u32 = 5;

/// How an invocation ended for its batch.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) batch: Arc<Batch>,
    pub(crate) settled: Settled,
    /// Which attempt it was.
    pub(crate) attempt: u32,
    /// Why it did not succeed.
    pub(crate) error: Option<Arc<AttemptError>>,
    pub(crate) result: EndedAs,
}

/// Which records of its batch an invocation settled.
#[derive(Debug)]
pub(crate) enum Settled {
    Nothing,
    Everything,
    /// Those that succeeded, but not those of the batch that is left.
    Part {
        succeeded: Vec<Record>,
        left: Arc<Batch>,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EndedAs {
    /// What of the response is ignored, if it says that some failed.
    Succeeded(Option<Ignored>),
    /// The records that are not settled were reported, or (Kinesis, DynamoDB Streams) came after one that was.
    PartlyFailed,
    FunctionFailed,
    ResponseRefused,
    Throttled,
    NotInvoked,
}

impl EndedAs {
    /// Whether it was an attempt that counts.
    pub(crate) fn is_counted(&self) -> bool {
        match self {
            Self::PartlyFailed | Self::FunctionFailed | Self::ResponseRefused => true,
            Self::Succeeded(_) | Self::Throttled | Self::NotInvoked => false,
        }
    }
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

impl Ended {
    /// The records that are settled, and those that are not. Both in order.
    pub(crate) fn settled_and_left(&self) -> (&[Record], &[Record]) {
        match &self.settled {
            Settled::Nothing => (&[], self.batch.records()),
            Settled::Everything => (self.batch.records(), &[]),
            Settled::Part { succeeded, left } => (succeeded, left.records()),
        }
    }
}

impl Lane {
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
                (Settled::Nothing, EndedAs::Throttled)
            }
            Outcome::NotInvoked { reason } => {
                self.at_hand().failed(AttemptError::NotInvoked { reason: reason.clone() }, None, now);
                (Settled::Nothing, EndedAs::NotInvoked)
            }
            Outcome::FunctionFailed { error_type, message } => {
                let (error_type, message) = (error_type.clone(), message.clone());
                let error = AttemptError::FunctionFailed { error_type, message };
                self.batch_failed(reached(HowFailed::FunctionError), error, policy, now);
                (Settled::Nothing, EndedAs::FunctionFailed)
            }
            Outcome::Succeeded { payload } => match judge(payload, batch.records(), self.rules(policy)) {
                Verdict::Succeeded { state, .. } | Verdict::Failed { state, .. }
                    if !self.has_room_for(state.as_ref(), policy) =>
                {
                    let reason = "the response's `state` is larger than an event may be".to_owned();
                    self.batch_failed(reached(HowFailed::Reported), refused(reason), policy, now);
                    (Settled::Nothing, EndedAs::ResponseRefused)
                }
                Verdict::Succeeded { state, ignored } => {
                    self.set_window_state(state);
                    (Settled::Everything, EndedAs::Succeeded(ignored))
                }
                Verdict::Failed { places, .. } if places.len() == batch.records().len() => {
                    self.batch_failed(reached(HowFailed::Reported), AttemptError::Reported, policy, now);
                    (Settled::Nothing, EndedAs::PartlyFailed)
                }
                Verdict::Failed { places, state } => {
                    self.set_window_state(state);
                    self.failures = 0;
                    let (rest, succeeded) = self.at_hand().rest_of(&places, reached(HowFailed::Reported));
                    *self.at_hand() = rest;
                    self.at_hand().failed(AttemptError::Reported, reply.request_id.clone(), now);
                    let left = Arc::clone(&self.at_hand().batch);
                    (Settled::Part { succeeded, left }, EndedAs::PartlyFailed)
                }
                Verdict::Refused { reason } => {
                    self.batch_failed(reached(HowFailed::Reported), refused(reason), policy, now);
                    (Settled::Nothing, EndedAs::ResponseRefused)
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

    fn rules<'p>(&self, policy: &'p Policy) -> Rules<'p> {
        let is_last_of_window = self.work.front().is_some_and(|work| work.last_of_window.is_some());
        Rules {
            item_failures: policy.reports_item_failures.then_some(&policy.partial_failures),
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
}
