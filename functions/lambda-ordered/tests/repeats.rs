//! At least once: repeats are told, and the kit makes them.

use lambda_ordered::testing::{Delivery, Kit, TestRecord, TestSource};
use lambda_ordered::{Applied, DynamoDb, Error, Handler, Kinesis, OnFailure, OnUndecodable, Record};
use std::marker::PhantomData;

/// Keeps each payload once, and fails on `bad` as often as told.
struct Once<S> {
    applied: Applied,
    kept: Vec<String>,
    failures_left: usize,
    _of: PhantomData<S>,
}

impl<S: TestSource> Handler for Once<S> {
    type Source = S;
    type Payload = ();
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn handle(&mut self, (): (), record: &Record<'_, S>) -> Result<(), Error> {
        if self.applied.is_repeat(record) {
            return Ok(());
        }
        if record.key.as_deref() == Some("bad") && self.failures_left > 0 {
            self.failures_left -= 1;
            return Err("not yet".into());
        }
        self.kept.push(record.sequence_number.to_string());
        self.applied.mark(record);
        Ok(())
    }
}

fn once<S: TestSource>(applied: Applied) -> Kit<lambda_ordered::Plain<Once<S>>> {
    let once = Once { applied, kept: Vec::new(), failures_left: 2, _of: PhantomData };
    Kit::new(once, OnFailure::ReportRecord)
}

/// Delivers each record in an invocation of its own and compares which ones were applied.
async fn check<S: TestSource>(applied: Applied, records: &[TestRecord], expected: &[&str]) {
    let mut kit = once::<S>(applied);
    for record in records {
        kit.deliver(std::slice::from_ref(record)).await.expect("the batch is not failed as a whole");
    }
    assert_eq!(kit.handler().kept, expected);
}

#[tokio::test]
async fn a_record_is_a_repeat_if_it_or_a_later_one_of_its_shard_was_applied_by_number_not_by_text() {
    let records = [8, 9, 10, 9, 8, 10, 11].map(|number| TestRecord::new(number, ""));
    check::<Kinesis>(Applied::per_shard(), &records, &["8", "9", "10", "11"]).await;
}

#[tokio::test]
async fn each_shard_has_its_own_sequence_numbers() {
    let records = [TestRecord::new(9, ""), TestRecord::new(3, "").in_shard("shardId-000000000001")];
    check::<Kinesis>(Applied::per_shard(), &records, &["9", "3"]).await;
}

#[tokio::test]
async fn per_key_another_key_may_be_behind_as_it_is_with_a_parallelization_factor() {
    let record = |number, key: &str| TestRecord::new(number, "").with_key(key);
    let records = [record(9, "a"), record(3, "b"), record(9, "a"), record(3, "b"), record(4, "b")];
    check::<Kinesis>(Applied::per_key(), &records, &["9", "3", "4"]).await;
    let without_key = [TestRecord::new(9, ""), TestRecord::new(3, ""), TestRecord::new(9, "")];
    check::<Kinesis>(Applied::per_key(), &without_key, &["9", "3"]).await;
}

#[tokio::test]
async fn records_of_dynamodb_whose_shard_is_not_named_are_told_apart_by_their_items() {
    let record = |number, key: &str| TestRecord::new(number, "").with_key(key);
    let records = [record(9, "a"), record(3, "b"), record(9, "a"), record(3, "b")];
    check::<DynamoDb>(Applied::per_shard(), &records, &["9", "3"]).await;
}

#[test]
fn what_was_applied_can_be_kept_as_json() {
    let applied = Applied::per_key();
    let json = serde_json::to_string(&applied).unwrap();
    assert_eq!(serde_json::from_str::<Applied>(&json).unwrap(), applied);
}

fn numbers(deliveries: &[Delivery]) -> Vec<Vec<&str>> {
    deliveries.iter().map(|delivery| delivery.records.iter().map(String::as_str).collect()).collect()
}

#[tokio::test]
async fn the_kit_delivers_again_from_the_failed_record_on() {
    let mut kit = once::<Kinesis>(Applied::per_shard());
    let mut records: Vec<_> = (1..=5).map(|number| TestRecord::new(number, "")).collect();
    records[1].key = "bad".to_owned();
    let deliveries = kit.drain(&records, 3, 10).await;
    assert_eq!(numbers(&deliveries), [&["1", "2", "3"][..], &["2", "3"], &["2", "3"], &["4", "5"]]);
    assert_eq!(kit.handler().kept, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn the_kit_delivers_a_batch_whose_answer_was_lost_again() {
    let mut kit = once::<Kinesis>(Applied::per_shard());
    kit.lose_answers(1);
    let records: Vec<_> = (1..=3).map(|number| TestRecord::new(number, "")).collect();
    let deliveries = kit.drain(&records, 2, 10).await;
    assert_eq!(numbers(&deliveries), [&["1", "2"][..], &["1", "2"], &["3"]]);
    assert_eq!(deliveries[0].outcome, Err("the answer was lost".to_owned()));
    assert_eq!(kit.handler().kept, ["1", "2", "3"]);
}

#[tokio::test]
async fn the_kit_gives_up_after_so_many_invocations() {
    let mut kit = once::<Kinesis>(Applied::per_shard());
    let records = [TestRecord::new(1, "").with_key("bad")];
    assert_eq!(kit.drain(&records, 1, 2).await.len(), 2);
}
