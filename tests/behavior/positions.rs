//! Specification 3.4: starting positions, and going on from what was kept.

use crate::world::{World, numbers};
use pelton_core::starting_position::StartingPosition;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn trim_horizon_begins_with_the_oldest_record() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..3);
    let supervisor = world.start().await;
    world.until_handled(3).await;
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn latest_begins_with_what_arrives_after_the_start() {
    let world = World::new(&["a"]).from(StartingPosition::Latest);
    world.stream.put("a", ["before"]);
    let supervisor = world.start().await;
    world.stream.put("a", ["after"]);
    world.until_handled(1).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["after"]);
}

#[tokio::test(start_paused = true)]
async fn at_timestamp_begins_with_the_first_record_at_or_after_it() {
    let world = World::new(&["a"]);
    world.stream.put("a", ["before"]);
    world.clock.sleep(Duration::from_secs(5)).await;
    let from = world.clock.now();
    world.stream.put("a", ["at"]);
    let world = world.from(StartingPosition::AtTimestamp(from));
    let supervisor = world.start().await;
    world.until_handled(1).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["at"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_first_record_skips_nothing_under_latest() {
    let world = World::new(&["a"]).from(StartingPosition::Latest);
    world.stream.put("a", ["before"]);
    world.clock.sleep(Duration::from_secs(1)).await;
    drop(world.start().await);
    world.clock.sleep(Duration::from_secs(60)).await;
    world.stream.put("a", ["while away"]);
    let supervisor = world.start().await;
    world.until_handled(1).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["while away"]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_cannot_be_opened_at_first_skips_nothing_under_latest() {
    let world = World::new(&["a"]).from(StartingPosition::Latest);
    world.stream.put("a", ["before"]);
    world.clock.sleep(Duration::from_secs(1)).await;
    world.stream.set_openable(false);
    let meanwhile = async {
        world.clock.sleep(Duration::from_secs(60)).await;
        world.stream.put("a", ["meanwhile"]);
        world.stream.set_openable(true);
    };
    let (supervisor, ()) = tokio::join!(world.start(), meanwhile);
    world.until_handled(1).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["meanwhile"]);
}

#[tokio::test(start_paused = true)]
async fn a_stored_checkpoint_beats_the_starting_position() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..30);
    let supervisor = world.start().await;
    world.until_handled(30).await;
    world.stop(supervisor).await;
    world.stream.put("a", 30..40);
    let world = world.from(StartingPosition::Latest);
    let supervisor = world.start().await;
    world.until_handled(40).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..40), "nothing skipped, nothing repeated");
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_loses_nothing_and_repeats_at_most_the_batch_in_flight() {
    let world = World::new(&["a"]);
    world.function.takes(Duration::from_millis(7));
    world.stream.put("a", 0..500);
    let mut crashes = 0;
    while world.function.handled().len() < 500 + crashes * 10 && crashes < 200 {
        let supervisor = world.start().await;
        world.clock.sleep(Duration::from_millis(40 + crashes as u64 % 13)).await;
        drop(supervisor);
        tokio::task::yield_now().await;
        crashes += 1;
        if world.function.handled().last().map(String::as_str) == Some("499") {
            break;
        }
    }
    let mut expected = 0;
    for run in world.function.runs().iter().filter(|run| run.succeeded) {
        let first: usize = run.records[0].parse().unwrap();
        assert!(first <= expected && expected - first <= 10, "{first} comes after {expected}");
        expected = run.records.last().unwrap().parse::<usize>().unwrap() + 1;
    }
    assert_eq!(expected, 500);
    assert!(crashes > 5, "the test crashed it often: {crashes}");
}
