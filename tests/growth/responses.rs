//! Responses of up to 6 MB, about batches of up to 10,000 records.

use super::check;
use bytes::Bytes;
use pelton_core::event::window::WindowEnvelope;
use pelton_core::{
    Command, Envelope, Input, Outcome, Page, Policy, Position, Record, Shard, Then, Timestamp, Tumbling,
};
use std::time::Duration;

/// A shard of one batch, and what the function answers to it.
struct World {
    policy: Policy,
    records: Vec<Record>,
    response: Bytes,
}

impl World {
    /// With so many records, which are numbered.
    fn new(records: usize, response: String) -> Self {
        let tumbling = Tumbling { length: Duration::from_secs(900), envelope: WindowEnvelope::new("s", "a") };
        let policy = Policy {
            batch_size: 10_000,
            reports_item_failures: true,
            retry_attempts_max: Some(1),
            tumbling: Some(tumbling),
            ..Policy::kinesis(Envelope::new(r#"{"Records":["#, "]}"))
        };
        let page = Bytes::from(vec!["{}"; records].join(","));
        let record = |number: usize| {
            let position = Position::new(number.to_string());
            Record::new(position, Timestamp::default(), page.clone(), number * 3..number * 3 + 2)
        };
        Self { records: (0..records).map(record).collect(), policy, response: response.into() }
    }

    /// The shard takes the same answer to each of its first three invocations.
    fn run(&self) {
        let now = Timestamp::from_millis(1_000_000);
        let mut shard = Shard::new(self.policy.clone(), None, 1, now);
        let mut invocations = 0;
        while let Some(command) = shard.next_command().filter(|_| invocations < 3) {
            let answer = match command {
                Command::Fetch { .. } => Input::Fetched(Ok(Page {
                    records: self.records.clone(),
                    then: Then::ShardEnd,
                    lost_after: None,
                })),
                Command::SaveCheckpoint(_) => Input::CheckpointSaved(Ok(())),
                Command::SendFailure(failure) => Input::FailureSent(failure.id, Ok(())),
                Command::Invoke(invocation) => {
                    invocations += 1;
                    let outcome = Outcome::Succeeded { payload: self.response.clone() };
                    Input::Invoked(invocation.id, outcome.into())
                }
            };
            let now = shard.next_wakeup().unwrap_or(now).max(now);
            shard.handle(answer, now);
            let now = shard.next_wakeup().unwrap_or(now).max(now);
            shard.handle(Input::TimePassed, now);
        }
        assert!(invocations > 0, "the function was asked");
    }
}

#[track_caller]
fn check_response(size: usize, world: impl Fn(usize) -> World) {
    check(size, world, World::run);
}

fn failures(numbers: impl Iterator<Item = usize>) -> String {
    let item = |number: usize| format!(r#"{{"itemIdentifier": "{number}"}}"#);
    let items: Vec<String> = numbers.map(item).collect();
    format!(r#"{{"state": {{}}, "batchItemFailures": [{}]}}"#, items.join(","))
}

#[test]
fn responses_that_report_every_record_of_a_large_batch() {
    check_response(2_500, |size| World::new(size, failures((0..size).rev())));
}

#[test]
fn responses_that_report_one_record_again_and_again() {
    check_response(10_000, |size| World::new(100, failures(std::iter::repeat_n(99, size))));
}

#[test]
fn responses_with_a_long_identifier() {
    check_response(100_000, |size| {
        let item = format!(r#"{{"itemIdentifier": "{}"}}"#, "0".repeat(size));
        World::new(10, format!(r#"{{"state": {{}}, "batchItemFailures": [{item}]}}"#))
    });
}

#[test]
fn responses_with_many_members_that_nobody_knows() {
    check_response(10_000, |size| {
        let members: String = (0..size).map(|number| format!(r#""{number}": [null],"#)).collect();
        World::new(10, format!(r#"{{{members} "state": {{}}}}"#))
    });
}

#[test]
fn responses_with_a_large_state() {
    check_response(200_000, |size| World::new(10, format!(r#"{{"state": "{}"}}"#, "x".repeat(size))));
}

#[test]
fn responses_with_a_state_of_many_members() {
    check_response(10_000, |size| {
        let members: String = (0..size).map(|number| format!(r#""{number}": 1,"#)).collect();
        World::new(10, format!(r#"{{"state": {{{members} "x": 1}}}}"#))
    });
}

#[test]
fn responses_of_nothing_but_brackets() {
    check_response(50_000, |size| World::new(10, format!(r#"{{"state": {}"#, "[".repeat(size))));
}

#[test]
fn responses_of_nothing_but_blanks() {
    check_response(100_000, |size| World::new(10, " ".repeat(size)));
}
