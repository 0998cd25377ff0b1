//! Where a mapping begins to read a stream of several shards (specification 3.4).

use super::world::{FROM_THE_OLDEST, Mapping, World, assert_numbers, stop, until_ended};
use pelton::clock::Clock;
use pelton_tests::{Signal, kinesis};
use std::time::Duration;

/// Some in each of three shards.
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

#[tokio::test]
async fn trim_horizon_begins_with_the_oldest_record_of_each_shard() {
    let world = World::with_shards(3).await;
    world.put_numbers(&KEYS, 0..10).await;
    let site = world.site(&[FROM_THE_OLDEST]);
    let mut running = world.start(&site).await;
    until_ended(&running, &site.journal(), 60).await;
    world.put_numbers(&KEYS, 10..20).await;
    until_ended(&running, &site.journal(), 120).await;
    stop(&mut running, Signal::TERM).await;
    assert_numbers(&site.journal().ended(), &KEYS, 0..20);
    world.delete_stream().await;
}

#[tokio::test]
async fn latest_begins_with_what_arrives_after_the_start_and_a_restart_passes_over_nothing() {
    let world = World::with_shards(3).await;
    world.put_numbers(&KEYS, 0..5).await;
    next_second().await;
    let site = world.site(&[Mapping { starting_position: "LATEST", ..FROM_THE_OLDEST }]);
    let mut running = world.start(&site).await;
    running.signal(Signal::KILL);
    running.wait_for_exit().await;
    // Nothing was read yet: what arrives from now on came after the start all the same.
    world.put_numbers(&KEYS, 5..10).await;
    let mut running = world.start(&site).await;
    world.put_numbers(&KEYS, 10..15).await;
    until_ended(&running, &site.journal(), 60).await;
    stop(&mut running, Signal::TERM).await;
    assert_numbers(&site.journal().ended(), &KEYS, 5..15);
    world.delete_stream().await;
}

#[tokio::test]
async fn latest_begins_exactly_when_the_poller_says_that_it_polls() {
    let world = World::with_shards(3).await;
    world.put_numbers(&KEYS, 0..5).await;
    let site = world.site(&[Mapping { starting_position: "LATEST", ..FROM_THE_OLDEST }]);
    let mut running = world.start(&site).await;
    world.put_numbers(&KEYS, 5..10).await;
    until_ended(&running, &site.journal(), 30).await;
    stop(&mut running, Signal::TERM).await;
    assert_numbers(&site.journal().ended(), &KEYS, 5..10);
    world.delete_stream().await;
}

#[tokio::test]
async fn at_timestamp_begins_with_what_arrived_at_or_after_that_moment() {
    let world = World::with_shards(3).await;
    world.put_numbers(&KEYS, 0..5).await;
    let start = next_second().await;
    world.put_numbers(&KEYS, 5..15).await;
    let position = format!("AT_TIMESTAMP\n            StartingPositionTimestamp: {start}");
    let site = world.site(&[Mapping { starting_position: &position, ..FROM_THE_OLDEST }]);
    let mut running = world.start(&site).await;
    until_ended(&running, &site.journal(), 60).await;
    stop(&mut running, Signal::TERM).await;
    assert_numbers(&site.journal().ended(), &KEYS, 5..15);
    world.delete_stream().await;
}

#[tokio::test]
async fn an_on_demand_stream_needs_nothing_else() {
    let world = World::without_stream().await;
    let mode =
        aws_sdk_kinesis::types::StreamModeDetails::builder().stream_mode("ON_DEMAND".into()).build().unwrap();
    let call = world.client.create_stream().stream_name(&world.stream).stream_mode_details(mode);
    call.send().await.expect("CreateStream succeeds");
    kinesis::wait_until_active(&world.client, &world.stream).await;
    world.put_numbers(&KEYS, 0..10).await;
    let site = world.site(&[FROM_THE_OLDEST]);
    let mut running = world.start(&site).await;
    until_ended(&running, &site.journal(), 60).await;
    stop(&mut running, Signal::TERM).await;
    assert_numbers(&site.journal().ended(), &KEYS, 0..10);
    world.delete_stream().await;
}

/// Waits until another second has begun, and tells it, since 1970: moments in a template have whole seconds.
async fn next_second() -> u64 {
    let clock = Clock::start();
    let next = clock.now().as_millis() / 1000 + 1;
    while clock.now().as_millis() / 1000 < next {
        clock.sleep(Duration::from_millis(10)).await;
    }
    next
}
