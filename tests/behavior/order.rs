//! Specification 2.1, 2.3, 3.1: batches, cadence, order.

use crate::world::{World, numbers};
use pelton::ports::Pace;
use pelton_core::Timestamp;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn one_batch_per_shard_is_in_flight_at_a_time_in_order() {
    let world = World::new(&["a"]);
    world.function.takes(Duration::from_millis(300));
    world.stream.put("a", 0..95);
    let supervisor = world.start().await;
    world.until_handled(95).await;
    world.stop(supervisor).await;

    assert_eq!(world.function.handled(), numbers(0..95));
    let runs = world.function.runs();
    assert!(runs.iter().all(|run| run.records.len() <= 10));
    assert!(runs.windows(2).all(|pair| pair[0].ended.unwrap() <= pair[1].began));
}

#[tokio::test(start_paused = true)]
async fn shards_are_handled_concurrently() {
    let world = World::new(&["a", "b", "c"]);
    world.function.takes(Duration::from_secs(5));
    for shard in ["a", "b", "c"] {
        world.stream.put(shard, [shard]);
    }
    let supervisor = world.start().await;
    world.until(|world| world.function.runs().len() == 3).await;
    let runs = world.function.runs();
    assert!(runs.iter().all(|run| run.ended.is_none()), "all three run at the same time: {runs:?}");
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_batch_fails_its_shard_stops_and_other_shards_go_on() {
    let world = World::new(&["bad", "good"]);
    world.function.does(|records| match records[0].starts_with("bad") {
        true => (Duration::ZERO, failed()),
        false => (Duration::ZERO, succeeded()),
    });
    world.stream.put("bad", ["bad-0"]);
    let supervisor = world.start().await;
    world.until(|world| world.function.runs().len() >= 3).await;
    world.stream.put("bad", ["bad-1"]);
    world.stream.put("good", 0..50);
    world.until_handled(50).await;
    let bad = |records: &[String]| records.iter().any(|record| record.starts_with("bad"));
    let bad_runs = world.function.runs().into_iter().filter(|run| bad(&run.records));
    assert!(bad_runs.into_iter().all(|run| run.records == ["bad-0"]), "nothing passes the failing batch");
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_function_that_fails_and_recovers_gets_the_same_records_in_the_same_order() {
    let world = World::new(&["a"]);
    world.function.fails();
    world.stream.put("a", 0..25);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(10)).await;
    world.function.recovers();
    world.until_handled(25).await;
    world.stop(supervisor).await;

    let runs = world.function.runs();
    let failed: Vec<_> = runs.iter().filter(|run| !run.succeeded).collect();
    assert!(failed.len() >= 3, "it was retried: {runs:?}");
    assert!(failed.iter().all(|run| run.records == numbers(0..10)), "always the same batch");
    assert_eq!(world.function.handled(), numbers(0..25));
}

#[tokio::test(start_paused = true)]
async fn an_idle_shard_is_read_once_a_second() {
    let world = World::new(&["a"]);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(60)).await;
    world.stop(supervisor).await;
    let reads = world.stream.reads().len();
    assert!((59..=62).contains(&reads), "{reads} reads in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_read_without_the_pause_but_within_five_reads_a_second() {
    let world = World::new(&["a"]).batch_size(10_000);
    world.stream.put("a", 0..100_000);
    let supervisor = world.start().await;
    world.until_handled(100_000).await;
    world.stop(supervisor).await;
    let times: Vec<Timestamp> = world.stream.reads().into_iter().map(|(_, at)| at).collect();
    let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(gaps.iter().all(|gap| *gap >= Duration::from_millis(200)), "{gaps:?}");
    assert!(gaps[0] < Duration::from_millis(250), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_put_into_the_embedded_stream_is_handled_at_once() {
    let world = World::new(&["a"]);
    let world = World { pace: Pace { read_gap_min: Duration::ZERO, ..world.pace }, ..world };
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_millis(1500)).await;
    let put_at = world.clock.now();
    world.stream.put("a", ["now"]);
    world.until_handled(1).await;
    let waited = world.function.runs()[0].began.since(put_at);
    assert!(waited <= Duration::from_millis(2), "{waited:?}");
    world.stop(supervisor).await;
}

fn succeeded() -> pelton_core::Outcome {
    pelton_core::Outcome::Succeeded { payload: "null".into() }
}

fn failed() -> pelton_core::Outcome {
    pelton_core::Outcome::FunctionFailed { error_type: "Exception".into(), message: "bad".into() }
}
