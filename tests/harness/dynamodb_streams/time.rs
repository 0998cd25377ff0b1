//! Records and iterators that are too old.

use super::{World, numbers, refused, text};
use pelton_tests::dynamodb_streams::Script;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_iterator_expires_after_its_time_and_a_new_one_goes_on() {
    let world = World::new(Script::default().iterators_live(2 * SECOND)).await;
    let record = world.put("a", 0);
    let oldest = world.oldest(&record.shard).await;
    let next = text(&world.read(&oldest).await.unwrap()["NextShardIterator"]);
    world.fake.pass(2 * SECOND + Duration::from_millis(1));
    let expired = refused("ExpiredIteratorException");
    assert_eq!(world.read(&oldest).await, Err(expired.clone()));
    assert_eq!(world.read(&next).await, Err(expired), "each iterator has its own time");
    let after = world.put("a", 1);
    let iterator =
        world.iterator(&record.shard, "AFTER_SEQUENCE_NUMBER", Some(&record.sequence_number)).await;
    let page = world.read(&iterator.unwrap()).await.unwrap();
    assert_eq!(
        numbers(page["Records"].as_array().unwrap()),
        [after.sequence_number.parse::<u128>().unwrap()]
    );
}

#[tokio::test]
async fn iterators_live_for_a_quarter_of_an_hour_and_records_for_a_day_unless_the_script_says_otherwise() {
    let world = World::new(Script::default()).await;
    let shard = world.put("a", 0).shard;
    let iterator = world.oldest(&shard).await;
    world.fake.pass(890 * SECOND);
    assert!(world.read(&iterator).await.is_ok());
    world.fake.pass(10 * SECOND);
    assert_eq!(world.read(&iterator).await, Err(refused("ExpiredIteratorException")));
    world.fake.pass(Duration::from_hours(23));
    assert_eq!(world.read_all(&shard).await.len(), 1);
    world.fake.pass(Duration::from_hours(1));
    assert_eq!(world.read_all(&shard).await.len(), 0);
}

#[tokio::test]
async fn a_place_behind_the_trim_horizon_is_refused_and_trim_horizon_works() {
    let world = World::new(Script::default()).await;
    let accepted: Vec<_> = (0..5).map(|number| world.put("a", number)).collect();
    let shard = &accepted[0].shard;
    let first = Some(&*accepted[0].sequence_number);
    let before = world.oldest(shard).await;
    let third =
        world.iterator(shard, "AT_SEQUENCE_NUMBER", Some(&accepted[2].sequence_number)).await.unwrap();
    world.fake.trim(&world.arn, shard, 2);
    let trimmed = refused("TrimmedDataAccessException");
    assert_eq!(world.iterator(shard, "AT_SEQUENCE_NUMBER", first).await, Err(trimmed.clone()));
    assert_eq!(world.iterator(shard, "AFTER_SEQUENCE_NUMBER", first).await, Err(trimmed.clone()));
    assert_eq!(world.read(&before).await, Err(trimmed), "made before, it points to a record that is gone");
    let left = [&accepted[2].record, &accepted[3].record, &accepted[4].record];
    assert_eq!(world.read_all(shard).await.iter().collect::<Vec<_>>(), left);
    assert_eq!(world.read(&third).await.unwrap()["Records"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_reader_that_has_read_everything_loses_nothing_to_trimming() {
    let world = World::new(Script::default().records_trimmed_after(60 * SECOND)).await;
    let shard = world.put("a", 0).shard;
    let iterator = text(&world.read(&world.oldest(&shard).await).await.unwrap()["NextShardIterator"]);
    world.fake.pass(60 * SECOND);
    assert_eq!(world.read_all(&shard).await.len(), 0);
    let after = world.put("a", 1);
    assert_eq!(world.read(&iterator).await.unwrap()["Records"][0], after.record);
}
