//! Where reading begins (specification 3.4).

use super::world::{Server, World, first_shard, read_all};
use pelton::ports::{ReadFrom, Source};
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::ShardStart;
use pelton_core::{Position, Timestamp};

on_each_server! {
    trim_horizon_begins_with_the_oldest_record,
    latest_begins_with_what_arrives_after_the_reader_was_opened,
    latest_is_frozen_so_that_a_crash_before_the_first_record_skips_nothing,
    at_timestamp_begins_with_the_first_record_of_that_second,
    at_timestamp_after_the_last_record_begins_with_what_is_still_to_come,
    a_start_in_the_future_passes_over_nothing_that_arrives_from_then_on,
    a_checkpoint_goes_on_after_its_record,
    a_checkpoint_at_the_last_record_brings_nothing_until_something_arrives,
}

async fn positions_from(world: &World, from: ReadFrom) -> Vec<String> {
    let mut reader = world.source().open(&first_shard(), from).await.unwrap().reader;
    read_all(&mut *reader).await.unwrap().0
}

async fn trim_horizon_begins_with_the_oldest_record(server: Server) {
    let world = World::new(server, 1).await;
    let put = [world.put("k", "1").await, world.put("k", "2").await];
    assert_eq!(positions_from(&world, ReadFrom::Start(ShardStart::TrimHorizon)).await, put);
    world.end().await;
}

async fn latest_begins_with_what_arrives_after_the_reader_was_opened(server: Server) {
    let world = World::new(server, 1).await;
    world.put("k", "before").await;
    let from = ReadFrom::Latest { frozen: world.clock.now() };
    let mut reader = world.source().open(&first_shard(), from).await.unwrap().reader;
    let after = world.put("k", "after").await;
    assert_eq!(read_all(&mut *reader).await.unwrap().0, [after]);
    world.end().await;
}

async fn latest_is_frozen_so_that_a_crash_before_the_first_record_skips_nothing(server: Server) {
    let world = World::new(server, 1).await;
    world.put("k", "before").await;
    let frozen = world.next_second().await;
    drop(world.source().open(&first_shard(), ReadFrom::Latest { frozen }).await.unwrap());
    let missed = world.put("k", "while nobody reads").await;
    let from = ReadFrom::Start(ShardStart::AfterLatest(frozen));
    assert_eq!(positions_from(&world, from).await, [missed]);
    world.end().await;
}

async fn at_timestamp_begins_with_the_first_record_of_that_second(server: Server) {
    let world = World::new(server, 1).await;
    world.put("k", "before").await;
    let start = world.next_second().await;
    let put = [world.put("k", "1").await, world.put("k", "2").await];
    assert_eq!(positions_from(&world, ReadFrom::Start(ShardStart::AtTimestamp(start))).await, put);
    world.end().await;
}

async fn at_timestamp_after_the_last_record_begins_with_what_is_still_to_come(server: Server) {
    let world = World::new(server, 1).await;
    world.put("k", "before").await;
    let start = world.next_second().await;
    let from = ReadFrom::Start(ShardStart::AtTimestamp(start));
    let mut reader = world.source().open(&first_shard(), from).await.unwrap().reader;
    assert_eq!(read_all(&mut *reader).await.unwrap().0, [""; 0]);
    let put = world.put("k", "after").await;
    assert_eq!(read_all(&mut *reader).await.unwrap().0, [put]);
    world.end().await;
}

async fn a_start_in_the_future_passes_over_nothing_that_arrives_from_then_on(server: Server) {
    let world = World::new(server, 1).await;
    world.put("k", "before").await;
    let soon = Timestamp::from_millis((world.clock.now().as_millis() / 1000 + 2) * 1000);
    let from = ReadFrom::Start(ShardStart::AtTimestamp(soon));
    let mut reader = world.source().open(&first_shard(), from).await.unwrap().reader;
    world.put("k", "too early").await;
    world.clock.sleep_until(soon).await;
    let put = world.put("k", "in time").await;
    assert_eq!(read_all(&mut *reader).await.unwrap().0, [put]);
    world.end().await;
}

async fn a_checkpoint_goes_on_after_its_record(server: Server) {
    let world = World::new(server, 1).await;
    let put = [world.put("k", "1").await, world.put("k", "2").await, world.put("k", "3").await];
    let from = ReadFrom::After(Position::new(put[0].as_str()));
    assert_eq!(positions_from(&world, from).await, put[1..]);
    world.end().await;
}

async fn a_checkpoint_at_the_last_record_brings_nothing_until_something_arrives(server: Server) {
    let world = World::new(server, 1).await;
    let last = world.put("k", "1").await;
    let from = ReadFrom::After(Position::new(last));
    let mut reader = world.source().open(&first_shard(), from).await.unwrap().reader;
    assert_eq!(read_all(&mut *reader).await.unwrap(), (Vec::new(), Follows::CaughtUp));
    let put = world.put("k", "2").await;
    assert_eq!(read_all(&mut *reader).await.unwrap().0, [put]);
    world.end().await;
}
