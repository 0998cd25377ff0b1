//! One lane by tables: what is cut, when it is due, what becomes of it.

mod age;
mod bisect;
mod cut;
mod expiry;
mod gathering;
mod listed;
mod partial;
mod retry;
mod windows;

use super::*;
use crate::invocation::Outcome;
use crate::retry::Backoff;
use crate::testing::{at, letters, millis, no_backoff, numbered, policy, reason_text, window_text};
use bytes::Bytes;

/// How a step ends.
#[derive(Clone, Debug)]
enum On {
    Succeeds,
    /// The function answers with this.
    Says(Bytes),
    Fails,
    Throttled,
    Unreachable,
    /// The delivery is accepted.
    Delivered,
    DeliveryFails,
}
use On::*;

fn says(response: impl Into<String>) -> On {
    Says(Bytes::from(response.into()))
}

/// A response that names these records as failed.
fn reports(letters: &str) -> On {
    let items: Vec<String> =
        letters.chars().map(|letter| format!(r#"{{"itemIdentifier":"{letter}"}}"#)).collect();
    says(format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(",")))
}

/// The same in a response about the partition `t-0`, whose records have offsets of one digit.
fn lists(offsets: &str) -> On {
    let items: Vec<String> = offsets
        .chars()
        .map(|offset| format!(r#"{{"itemIdentifier":{{"partition":"t-0","offset":{offset}}}}}"#))
        .collect();
    says(format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(",")))
}

impl On {
    fn outcome(self) -> Outcome {
        match self {
            Succeeds => Outcome::Succeeded { payload: Bytes::new() },
            Says(payload) => Outcome::Succeeded { payload },
            Fails => Outcome::FunctionFailed { error_type: "Unhandled".to_owned(), message: String::new() },
            Throttled => Outcome::Throttled,
            Unreachable => Outcome::NotInvoked { reason: String::new() },
            Delivered | DeliveryFails => panic!("no end of an invocation: {self:?}"),
        }
    }
}

/// A lane of records, each group of which arrived at its time. The shard has ended with them.
struct Story {
    policy: Policy,
    lane: Lane,
    random: fastrand::Rng,
    next_id: u64,
}

const ENDED: ReadSoFar = ReadSoFar { has_ended: true, caught_up_at: None, last_arrival: None };

impl Story {
    fn of(policy: &Policy, waiting: &[(&str, u64)]) -> Self {
        let lane = Lane::new(None, policy, at(0));
        let mut story =
            Self { policy: policy.clone(), lane, random: fastrand::Rng::with_seed(0), next_id: 0 };
        waiting.iter().for_each(|(letters, arrival)| story.push(letters, *arrival));
        story
    }

    fn push(&mut self, letters: &str, arrival: u64) {
        numbered(letters, at(arrival)).into_iter().for_each(|record| self.lane.push(record));
    }

    /// When the next step is due, in milliseconds; 0: at once.
    fn due(&self) -> u64 {
        let due = self.lane.due(&self.policy, true, ENDED).expect("there is something to do");
        u64::try_from(due.since(at(0)).as_millis()).expect("a table is short")
    }

    /// What the lane does at `millis`: `abc #1` invokes with these records for the first time, `a expired after 2` gives up,
    /// `ab #1 @3 {}` is of the window that begins 3 s after the beginning and has this state.
    fn step(&mut self, millis: u64) -> String {
        let due = self.lane.due(&self.policy, true, ENDED).expect("there is something to do");
        assert!(due <= at(millis), "nothing is due at {millis}, but at {due}");
        self.next_id += 1;
        let (id, failure_id) = (InvocationId(self.next_id), FailureId(self.next_id));
        match self.lane.start(id, failure_id, &self.policy, ENDED, at(millis)) {
            Step::Invoke { batch, attempt, .. } => {
                assert!(batch.event_len() <= self.policy.event_bytes_max, "I4");
                let event: usize = batch.body().iter().map(Bytes::len).sum();
                assert_eq!(batch.event_len(), event, "the length is exact");
                format!("{} #{attempt}{}", letters(batch.records()), window_text(&batch)).trim().to_owned()
            }
            Step::SendFailure(Failure { batch, reason, attempts, .. }) => {
                let whose =
                    if batch.records().is_empty() { "final".into() } else { letters(batch.records()) };
                format!("{whose} {} after {attempts}", reason_text(reason))
            }
        }
    }

    /// What is in flight ends so at `millis`: the records that are settled by that.
    fn answer(&mut self, on: On, millis: u64) -> String {
        let (policy, random) = (&self.policy, &mut self.random);
        match self.lane.state {
            State::InFlight(id) => {
                let reply = on.outcome().into();
                let ended = self.lane.invoked(id, reply, policy, at(millis), random);
                letters(ended.settled_and_left().0)
            }
            State::SendingFailure(id) => {
                let is_accepted = matches!(on, Delivered);
                assert!(is_accepted || matches!(on, DeliveryFails), "no end of a delivery: {on:?}");
                match self.lane.failure_sent(id, is_accepted, policy, at(millis), random) {
                    super::Delivered::HandedOver(given_up) | super::Delivered::Abandoned(given_up) => {
                        letters(given_up.batch.records())
                    }
                    super::Delivered::Again => String::new(),
                }
            }
            State::Idle | State::Waiting { .. } => panic!("nothing is in flight"),
        }
    }

    /// The lane does these steps, each at its time, and each ends like this.
    fn goes(&mut self, lines: &[(u64, &str, On)]) {
        for (millis, step, on) in lines {
            assert_eq!(self.step(*millis), *step, "at {millis}");
            self.answer(on.clone(), *millis);
        }
    }

    /// All is settled.
    fn is_over(&self) {
        assert_eq!(self.lane.held(), (0, 0), "records are left");
        assert_eq!(self.lane.due(&self.policy, true, ENDED), None, "something is left to do");
    }
}

/// A lane of these records, each group of which arrived at its time, does exactly these steps, and then nothing is left.
#[track_caller]
fn check(policy: &Policy, waiting: &[(&str, u64)], lines: &[(u64, &str, On)]) {
    let mut story = Story::of(policy, waiting);
    story.goes(lines);
    story.is_over();
}
