//! What a handler with `lambda-ordered` answers about a partition of Kafka is what the core understands (specification 4.3): it lists
//! every record that it did not handle, and exactly those come again.

use bytes::Bytes;
use lambda_ordered::{Error, Function, Handler, Kafka, OnFailure, OnUndecodable, Plain, Record};
use pelton_core::event::kafka::{KafkaCluster, KafkaEncoder, KafkaOrigin, KafkaRecord, KafkaTimestamp};
use pelton_core::{
    Batch, Checkpoint, Command, Finished, Input, Outcome, Page, PartialFailures, Policy, Shard, Then,
    Timestamp,
};
use std::collections::BTreeMap;

/// Fails so often at these offsets, and notes what it handled.
struct Flaky {
    failures_left: BTreeMap<i64, u32>,
    handled: Vec<i64>,
}

impl Handler for Flaky {
    type Source = Kafka;
    type Payload = ();
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn handle(&mut self, (): (), record: &Record<'_, Kafka>) -> Result<(), Error> {
        let offset = record.raw.offset;
        if let Some(left) = self.failures_left.get_mut(&offset).filter(|left| **left > 0) {
            *left -= 1;
            return Err("as told".into());
        }
        self.handled.push(offset);
        Ok(())
    }
}

/// What became of the records of one partition.
#[derive(Debug, Default, PartialEq, Eq)]
struct Story {
    invoked: Vec<Vec<i64>>,
    handled: Vec<i64>,
    given_up: Vec<Vec<i64>>,
    /// The checkpoints: up to which offset everything was settled.
    saved: Vec<i64>,
}

const FIRST: i64 = 10;

fn origin() -> KafkaOrigin {
    KafkaOrigin { topic: "clicks-eu".into(), partition: 7 }
}

fn policy() -> Policy {
    let cluster = KafkaCluster { event_source_arn: None, bootstrap_servers: "127.0.0.1:9092".into() };
    Policy {
        batch_size: 6,
        reports_item_failures: true,
        partial_failures: PartialFailures::Listed { partition: origin().name().into() },
        ..Policy::kinesis(cluster.envelope(&origin()))
    }
}

fn offsets(batch: &Batch) -> Vec<i64> {
    batch.records().iter().map(|record| record.position().as_str().parse().unwrap()).collect()
}

/// The records with the offsets 10 to 16 go to a handler that fails as told.
async fn run(policy: Policy, failures: &[(i64, u32)]) -> Story {
    let mut now = Timestamp::from_millis(1_545_084_650_987);
    let of = |offset| KafkaRecord {
        offset,
        timestamp: KafkaTimestamp::CreateTime(now),
        key: Some(b"visitor"),
        key_schema: None,
        value: Some(b"{}"),
        value_schema: None,
        headers: Vec::new(),
    };
    let records = KafkaEncoder::new(origin()).encode((FIRST..=16).map(of), 0).into_records(Bytes::from);
    let handler = Flaky { failures_left: failures.iter().copied().collect(), handled: Vec::new() };
    let mut function = Plain { handler, on_failure: OnFailure::ReportRecord };
    let mut shard = Shard::new(policy, None, 1, now);
    let mut story = Story::default();
    while shard.finished().is_none() {
        let Some(command) = shard.next_command() else {
            now = shard.next_wakeup().expect("a shard that is not finished has something to do");
            shard.handle(Input::TimePassed, now);
            continue;
        };
        let answer = match command {
            Command::Fetch { .. } => {
                Input::Fetched(Ok(Page { records: records.clone(), then: Then::ShardEnd, lost_after: None }))
            }
            Command::SaveCheckpoint(Checkpoint { position, .. }) => {
                story.saved.extend(position.map(|position| position.as_str().parse::<i64>().unwrap()));
                Input::CheckpointSaved(Ok(()))
            }
            Command::SendFailure(failure) => {
                story.given_up.push(offsets(&failure.batch));
                Input::FailureSent(failure.id, Ok(()))
            }
            Command::Invoke(invocation) => {
                story.invoked.push(offsets(&invocation.batch));
                let event = serde_json::from_slice(&invocation.batch.body().concat()).unwrap();
                let response = function.answer(event).await.unwrap();
                let payload = Bytes::from(serde_json::to_vec(&response).unwrap());
                Input::Invoked(invocation.id, Outcome::Succeeded { payload }.into())
            }
        };
        shard.handle(answer, now);
    }
    assert_eq!(shard.finished(), Some(Finished::ShardEnd));
    story.handled = function.handler.handled;
    story
}

#[tokio::test]
async fn a_record_that_fails_comes_again_with_those_behind_it_and_each_is_handled_once_in_order() {
    let story = run(policy(), &[(12, 2)]).await;
    assert_eq!(
        story.invoked,
        [vec![10, 11, 12, 13, 14, 15], vec![12, 13, 14, 15], vec![12, 13, 14, 15], vec![16]],
        "the next batch waits"
    );
    assert_eq!(story.handled, [10, 11, 12, 13, 14, 15, 16]);
    assert_eq!(story.saved[0], 11, "what succeeded before it is checkpointed");
    assert_eq!((story.given_up.len(), story.saved.last()), (0, Some(&16)));
}

#[tokio::test]
async fn a_poison_record_is_found_by_bisecting_and_given_up_alone() {
    let story =
        run(Policy { bisects: true, retry_attempts_max: Some(0), ..policy() }, &[(12, u32::MAX)]).await;
    assert_eq!(story.given_up, [[12]]);
    assert_eq!(story.handled, [10, 11, 13, 14, 15, 16]);
    assert_eq!(
        story.invoked,
        [
            vec![10, 11, 12, 13, 14, 15],
            vec![12, 13, 14, 15],
            vec![12, 13],
            vec![12],
            vec![13],
            vec![14, 15],
            vec![16]
        ]
    );
}
