//! Responses: whatever the function answers, the shard neither panics nor hangs, every record is settled once, and every event is
//! JSON, also where it carries a state that the function returned.
//!
//! In: one byte for the settings of the mapping, and the responses of one invocation after the other, parted by zero bytes. After
//! the last one, the function answers with it again.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pelton_core::event::window::WindowEnvelope;
use pelton_core::{
    Command, Envelope, Finished, Input, Outcome, Page, Policy, Position, Record, Shard, Then, Timestamp,
    Tumbling,
};
use serde::de::IgnoredAny;
use std::time::Duration;

/// The records of the shard: the number of each is its position.
const RECORDS: usize = 6;

/// More than a shard may need to settle them, whatever it is answered: each record alone, each try, each window.
const INVOCATIONS_MAX: usize = 200;

fuzz_target!(|input: &[u8]| {
    let Some((settings, responses)) = input.split_first() else { return };
    let mut responses = responses.split(|byte| *byte == 0);
    let mut response = Bytes::new();
    let mut now = Timestamp::from_millis(1_000_000);
    let mut shard = Shard::new(policy(*settings), None, 7, now);
    let mut invocations = 0;
    while shard.finished().is_none() {
        let Some(command) = shard.next_command() else {
            now = shard.next_wakeup().expect("a shard that is not finished has something to do");
            shard.handle(Input::TimePassed, now);
            continue;
        };
        let answer = match command {
            Command::Fetch { .. } => {
                Input::Fetched(Ok(Page { records: records(), then: Then::ShardEnd, lost_after: None }))
            }
            Command::SaveCheckpoint(_) => Input::CheckpointSaved(Ok(())),
            Command::SendFailure(failure) => Input::FailureSent(failure.id, Ok(())),
            Command::Invoke(invocation) => {
                invocations += 1;
                assert!(invocations <= INVOCATIONS_MAX, "the shard goes on for ever");
                let event = invocation.batch.body().concat();
                serde_json::from_slice::<IgnoredAny>(&event).expect("an event is JSON");
                response = responses.next().map_or(response, Bytes::copy_from_slice);
                let outcome = Outcome::Succeeded { payload: response.clone() };
                Input::Invoked(invocation.id, outcome.into())
            }
        };
        shard.handle(answer, now);
    }
    assert_eq!(shard.finished(), Some(Finished::ShardEnd));
    let counts = shard.view().counts;
    let settled = counts.succeeded + counts.retries_exhausted + counts.too_large;
    assert_eq!(settled, RECORDS as u64, "each record is settled once: {counts:?}");
});

fn policy(settings: u8) -> Policy {
    let is_set = |bit: u8| settings & (1 << bit) != 0;
    let tumbling = Tumbling { length: Duration::from_secs(1), envelope: WindowEnvelope::new("shard", "arn") };
    let parallelization_factor = if is_set(0) { 1 } else { 3 };
    Policy {
        batch_size: if is_set(1) { 2 } else { 4 },
        parallelization_factor,
        tumbling: (is_set(0) && is_set(2)).then_some(tumbling),
        reports_item_failures: is_set(3),
        bisects: is_set(4),
        retry_attempts_max: Some(if is_set(5) { 0 } else { 2 }),
        has_destination: is_set(6),
        event_bytes_max: if is_set(7) { 400 } else { 6_000_000 },
        ..Policy::kinesis(Envelope::new(r#"{"Records":["#, "]}"))
    }
}

/// Three windows with two records each.
fn records() -> Vec<Record> {
    let page = Bytes::from_static(br#"{"a":1},{"a":2},{"a":3},{"a":4},{"a":5},{"a":6}"#);
    let record = |number: usize| {
        let arrival = Timestamp::from_millis(999_000 + number as u64 / 2 * 1_000);
        let start = number * 8;
        Record::new(Position::new((number + 1).to_string()), arrival, page.clone(), start..start + 7)
            .with_key(number as u64 % 3)
    };
    (0..RECORDS).map(record).collect()
}
