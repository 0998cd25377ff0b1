//! A stream that is deleted and made again under its old name is another stream.

use super::world::{FROM_THE_OLDEST, Mapping, World, stop, until_ended};
use pelton_tests::journal::data;
use pelton_tests::site::Site;
use pelton_tests::{Running, Signal, kinesis};

/// Field of the warning about a stream that is not the one of the checkpoints.
const ANEW: &str = "old_stream=";

/// A poller that has done with the numbers 0 to 2, from LATEST or not.
async fn with_three_records_done(starting_position: &str) -> (World, Site, Running) {
    let world = World::with_shards(1).await;
    let site = world.site(&[Mapping { starting_position, ..FROM_THE_OLDEST }]);
    world.put_numbers(&["a"], 0..3).await;
    let running = world.start(&site).await;
    until_ended(&running, &site.journal(), 3).await;
    (world, site, running)
}

#[tokio::test]
async fn a_stream_made_again_between_two_runs_is_started_anew_loudly() {
    let (world, site, mut running) = with_three_records_done("TRIM_HORIZON").await;
    stop(&mut running, Signal::TERM).await;
    world.delete_stream().await;
    kinesis::create_stream(&world.client, &world.stream, 2).await;
    world.put_numbers(&["a"], 10..13).await;
    let mut running = world.start(&site).await;
    until_ended(&running, &site.journal(), 6).await;
    running.wait_for_line(ANEW).await;
    stop(&mut running, Signal::TERM).await;
    assert_eq!(data(&site.journal().ended()), ["0", "1", "2", "10", "11", "12"]);
    world.delete_stream().await;
}

#[tokio::test]
async fn a_stream_made_again_while_it_is_read_is_started_anew_loudly() {
    let (world, site, mut running) = with_three_records_done("TRIM_HORIZON").await;
    world.delete_stream().await;
    running.wait_for_line("waiting for the stream").await;
    kinesis::create_stream(&world.client, &world.stream, 2).await;
    world.put_numbers(&["a"], 10..13).await;
    until_ended(&running, &site.journal(), 6).await;
    running.wait_for_line(ANEW).await;
    stop(&mut running, Signal::TERM).await;
    assert_eq!(data(&site.journal().ended()), ["0", "1", "2", "10", "11", "12"]);
    world.delete_stream().await;
}
