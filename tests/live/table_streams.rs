//! The adapter of DynamoDB Streams against the fake: no service that starts here rolls shards over.

use pelton::aws::AwsOptions;
use pelton::clock::Clock;
use pelton::ports::{Answer, ReadFrom, ShardReader, Source as _, Stream as _, StreamStatus};
use pelton::source::budget::ByteBudget;
use pelton::source::dynamodb::{DynamoDbSource, DynamoDbStreamsClient};
use pelton_core::Position;
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::ShardStart;
use pelton_core::stream::{ListedShard, ShardId};
use pelton_tests::dynamodb_streams::{DynamoDbStreams, Listed, Script, ViewType};
use pelton_tests::fault_proxy::Operation;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// A little less than a second: what a limit on calls in a second is counted in, whatever the network does.
const NEARLY_A_SECOND: Duration = Duration::from_millis(900);
const TRIM_HORIZON: ReadFrom = ReadFrom::Start(ShardStart::TrimHorizon);

struct World {
    fake: DynamoDbStreams,
    arn: String,
    clock: Clock,
    source: DynamoDbSource,
}

impl World {
    async fn new(script: Script) -> Self {
        let fake = DynamoDbStreams::start(script).await;
        let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
        let clock = Clock::start();
        let options =
            AwsOptions { endpoint_url: Some(fake.endpoint()), region: Some("us-east-1".to_owned()) };
        let client = DynamoDbStreamsClient::connect(&options, clock.clone()).await.unwrap();
        let (budget, region) = (ByteBudget::default(), "us-east-1".to_owned());
        let source = DynamoDbSource::new(client, clock.clone(), budget, arn.clone(), region, None, false);
        Self { fake, arn, clock, source }
    }

    fn put(&self, id: &str, visits: usize) -> String {
        let item = json!({"id": {"S": id}, "visits": {"N": visits.to_string()}});
        self.fake.put("users", &item).expect("it changes the item").sequence_number
    }

    async fn shards(&self) -> Vec<ListedShard> {
        self.source.list_shards().await.unwrap()
    }

    async fn open(&self, shard: &ShardId, from: ReadFrom) -> Box<dyn ShardReader> {
        self.source.open(shard, from).await.unwrap().reader
    }

    async fn open_first(&self, from: ReadFrom) -> Box<dyn ShardReader> {
        let shards = self.shards().await;
        self.open(&shards[0].id, from).await
    }
}

fn numbers(answer: &Answer) -> Vec<String> {
    answer.records.iter().map(|record| record.position().to_string()).collect()
}

/// The next records, so many, and what was lost before them. How many come at once is the adapter's: at first one.
async fn next_records(reader: &mut Box<dyn ShardReader>, count: usize) -> Answer {
    let mut all = Answer { records: Vec::new(), follows: Follows::More, lost_after: None };
    while all.records.len() < count {
        let Answer { records, follows: _, lost_after } = reader.next(1_000).await.unwrap();
        all.records.extend(records);
        all.lost_after = all.lost_after.or(lost_after);
    }
    all
}

#[tokio::test]
async fn what_a_shard_holds_is_read_to_its_end_and_goes_on_in_its_child() {
    let world = World::new(Script::default()).await;
    let before = [world.put("a", 1), world.put("b", 1)];
    let parent = world.shards().await.swap_remove(0);
    let mut reader = world.open(&parent.id, TRIM_HORIZON).await;
    assert_eq!(numbers(&next_records(&mut reader, 2).await), before);
    world.fake.roll_over(&world.arn, parent.id.as_str(), 1);
    let after = world.put("a", 2);
    while reader.next(1_000).await.unwrap().follows != (Follows::NoPlace { names_children: false }) {}
    let shards = world.shards().await;
    let child = shards.iter().find(|shard| shard.parents == [parent.id.clone()]).unwrap();
    assert!(child.is_open && !shards.iter().any(|shard| shard.id == parent.id && shard.is_open));
    let mut reader = world.open(&child.id, TRIM_HORIZON).await;
    assert_eq!(numbers(&next_records(&mut reader, 1).await), [after]);
}

#[tokio::test]
async fn the_event_of_a_change_is_what_the_stream_tells_of_it() {
    let world = World::new(Script::default()).await;
    world.put("a", 1);
    world.put("a", 2);
    world.fake.expire("users", &json!({"id": {"S": "a"}})).unwrap();
    let answer = next_records(&mut world.open_first(TRIM_HORIZON).await, 3).await;
    let events: Vec<Value> =
        answer.records.iter().map(|record| serde_json::from_slice(&record.encoded()).unwrap()).collect();
    let kept = world.fake.content(&world.arn).swap_remove(0).records;
    assert_eq!(events.len(), 3);
    for (event, kept) in events.iter().zip(&kept) {
        for name in ["Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType"] {
            assert_eq!(event["dynamodb"].get(name), kept["dynamodb"].get(name), "{name}");
        }
        for name in ["eventID", "eventName", "eventVersion", "awsRegion"] {
            assert_eq!(event[name], kept[name], "{name}");
        }
        assert_eq!(event["eventSourceARN"], json!(world.arn));
    }
    let removed = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
    assert_eq!(
        events.iter().map(|event| event.get("userIdentity")).collect::<Vec<_>>(),
        [None, None, Some(&removed)]
    );
}

#[tokio::test]
async fn the_place_of_latest_survives_an_iterator_that_expires_before_the_first_record() {
    let world = World::new(Script::default().iterators_live(Duration::from_secs(60))).await;
    world.put("old", 1);
    world.fake.pass(Duration::from_secs(5));
    let frozen = world.clock.now().after(Duration::from_secs(5));
    let mut reader = world.open_first(ReadFrom::Latest { frozen }).await;
    world.fake.pass(Duration::from_secs(2));
    let new = world.put("new", 1);
    world.fake.pass(Duration::from_secs(120));
    assert_eq!(numbers(&next_records(&mut reader, 1).await), [new]);
}

#[tokio::test]
async fn trimmed_records_are_passed_over_and_told_with_the_first_one_behind_them() {
    let world = World::new(Script::default()).await;
    let put: Vec<String> = (1..=4).map(|visits| world.put("a", visits)).collect();
    let shard = world.shards().await.swap_remove(0).id;
    world.fake.trim(&world.arn, shard.as_str(), 3);
    let from = Position::new(put[0].as_str());
    let answer = next_records(&mut world.open(&shard, ReadFrom::After(from.clone())).await, 1).await;
    assert_eq!((numbers(&answer), answer.lost_after), (vec![put[3].clone()], Some(from)));
}

#[tokio::test]
async fn a_shard_is_read_four_times_a_second_at_most_also_while_its_iterators_expire() {
    let world = World::new(Script::default().iterators_live(Duration::from_millis(1))).await;
    let mut reader = world.open_first(TRIM_HORIZON).await;
    let end = world.clock.now().after(Duration::from_secs(3));
    while world.clock.now() < end {
        reader.next(1_000).await.ok();
    }
    let busiest = world.fake.busiest_shard(Operation::GetRecords, NEARLY_A_SECOND);
    assert!((2..=4).contains(&busiest), "{busiest} reads in a second");
}

#[tokio::test]
async fn a_stream_is_described_ten_times_a_second_at_most_whoever_asks() {
    let world = Arc::new(World::new(Script::default()).await);
    let mut looks = JoinSet::new();
    for _ in 0..25 {
        let world = Arc::clone(&world);
        looks.spawn(async move { world.source.list_shards().await.unwrap().len() });
    }
    assert_eq!(looks.join_all().await, [1; 25]);
    let busiest = world.fake.busiest(Operation::DescribeStream, NEARLY_A_SECOND);
    assert!((8..=10).contains(&busiest), "{busiest} descriptions in a second");
}

#[tokio::test]
async fn shards_are_listed_page_by_page() {
    let world = World::new(Script::default().shards_at_first(7).shards_per_page(3)).await;
    assert_eq!(world.shards().await.len(), 7);
}

#[tokio::test]
async fn a_child_that_is_listed_late_is_missing_until_then() {
    let script = Script::default().children_listed(Listed::After(Duration::from_secs(8)));
    let world = World::new(script).await;
    let parent = world.shards().await.swap_remove(0).id;
    world.fake.roll_over(&world.arn, parent.as_str(), 1);
    world.put("a", 1);
    assert_eq!(world.shards().await.len(), 1);
    world.fake.pass(Duration::from_secs(8));
    assert_eq!(world.shards().await.len(), 2);
}

#[tokio::test]
async fn a_stream_that_was_disabled_is_there_until_it_is_forgotten() {
    let world = World::new(Script::default()).await;
    let put = world.put("a", 1);
    world.fake.disable_stream("users");
    let described = world.source.describe().await.unwrap();
    assert_eq!((described.status, described.arn), (StreamStatus::Active, world.arn.clone()));
    assert_eq!(numbers(&next_records(&mut world.open_first(TRIM_HORIZON).await, 1).await), [put]);
    world.fake.forget_stream(&world.arn);
    world.source.describe().await.unwrap_err();
}
