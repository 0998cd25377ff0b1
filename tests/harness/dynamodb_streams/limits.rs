//! Calls that are too many, and the log of all calls.

use super::{World, refused};
use pelton_tests::dynamodb_streams::{Script, Throttle};
use pelton_tests::fault_proxy::Operation;
use serde_json::json;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn reads_of_a_shard_beyond_the_limit_are_throttled_and_those_of_another_shard_are_not() {
    for (throttle, error) in [
        (Throttle::LimitExceeded, "LimitExceededException"),
        (Throttle::ProvisionedThroughputExceeded, "ProvisionedThroughputExceededException"),
    ] {
        let world = World::new(Script::default().shards_at_first(2).reads_per_second(4, throttle)).await;
        let shards = world.ids().await;
        let iterators = [world.oldest(&shards[0]).await, world.oldest(&shards[1]).await];
        // The clock goes on meanwhile: of five calls the fifth comes within the second, unless the machine stood still.
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(world.read(&iterators[0]).await.err());
        }
        assert!(world.read(&iterators[1]).await.is_ok());
        let most = world.fake.busiest_shard(Operation::GetRecords, SECOND);
        assert_eq!(answers.pop().unwrap(), (most == 5).then(|| refused(error)));
        assert_eq!(answers, [None, None, None, None]);
        world.fake.pass(SECOND);
        assert!(world.read(&iterators[0]).await.is_ok());
    }
}

#[tokio::test]
async fn descriptions_beyond_ten_a_second_of_all_streams_are_throttled() {
    let world = World::new(Script::default()).await;
    let describe = || world.ask("DescribeStream", json!({"StreamArn": world.arn}));
    let mut answers = Vec::new();
    for _ in 0..11 {
        answers.push(describe().await.err());
    }
    let most = world.fake.busiest(Operation::DescribeStream, SECOND);
    assert_eq!(answers.pop().unwrap(), (most == 11).then(|| refused("LimitExceededException")));
    assert_eq!(answers, vec![None; 10]);
    world.fake.pass(SECOND);
    assert!(describe().await.is_ok());
}

#[tokio::test]
async fn every_call_is_noted_with_its_time_its_shard_and_its_error() {
    let world = World::new(Script::default()).await;
    let shard = world.put("a", 0).shard;
    let iterator = world.oldest(&shard).await;
    world.read(&iterator).await.unwrap();
    world.fake.pass(16 * 60 * SECOND);
    world.read(&iterator).await.unwrap_err();
    world.ask("ListStreams", json!({})).await.unwrap();
    let calls = world.fake.calls();
    let noted: Vec<_> =
        calls.iter().map(|call| (call.operation, call.shard.as_deref(), call.refused)).collect();
    let expected = [
        (Operation::GetShardIterator, Some(&*shard), None),
        (Operation::GetRecords, Some(&*shard), None),
        (Operation::GetRecords, Some(&*shard), Some("ExpiredIteratorException")),
        (Operation::ListStreams, None, None),
    ];
    assert_eq!(noted, expected);
    assert!(calls[2].at - calls[1].at >= 16 * 60 * SECOND);
    assert!(calls.is_sorted_by_key(|call| call.at));
}

#[tokio::test]
async fn the_busiest_second_is_found_wherever_it_begins_and_counts_each_shard_on_its_own() {
    let world = World::new(Script::default().shards_at_first(2)).await;
    let shards = world.ids().await;
    let iterators = [world.oldest(&shards[0]).await, world.oldest(&shards[1]).await];
    // Reads at 0, 0.6, 1.2 (twice), 1.8 and 30 seconds of one shard, and one at 1.2 of the other.
    for reads in [1, 1, 2, 1] {
        for _ in 0..reads {
            world.read(&iterators[0]).await.unwrap();
        }
        if reads == 2 {
            world.read(&iterators[1]).await.unwrap();
        }
        world.fake.pass(Duration::from_millis(600));
    }
    world.fake.pass(28 * SECOND);
    world.read(&iterators[0]).await.unwrap();
    let busiest = |within| world.fake.busiest_shard(Operation::GetRecords, within);
    assert_eq!((busiest(SECOND), busiest(Duration::from_mins(1))), (3, 6));
    assert_eq!(world.fake.busiest(Operation::GetRecords, Duration::from_mins(1)), 7);
    assert_eq!(world.fake.busiest(Operation::GetShardIterator, SECOND), 2);
}
