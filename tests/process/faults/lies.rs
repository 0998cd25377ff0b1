//! The service answers, and its answer is wrong: nothing is lost for it, repeated, or brought out of order.

use super::world::{GOING_ON, SHARDS, TROUBLE, World, reads};
use pelton_tests::fault_proxy::{Fault, LIES, Lie, Operation, Rule, Weather};
use pelton_tests::kinesis;

/// The middle of the first shard of two.
const QUARTER: &str = "85070591730234615865843651857942052864";

/// Every fourth call of the operation is answered with each of the lies in turn.
fn lies(operation: Operation) -> Weather {
    (0..1_000).fold(Weather::calm(), |weather, number: u64| {
        let lie = LIES[usize::try_from(number).expect("a small number") % LIES.len()];
        let call = 4 * number + 1;
        weather.rule(Rule::new(operation, Fault::Lie(lie)).calls(call..call + 1))
    })
}

#[tokio::test]
async fn a_shard_that_once_claims_its_end_is_read_on_also_by_the_next_poller() {
    for lie in [Lie::Void, Lie::Missing, Lie::Null, Lie::Empty] {
        let mut world = World::new().await;
        world.put(5).await;
        world.until_all_is_done().await;
        let fault = Fault::Lie(lie);
        world.proxy.change(reads(&fault));
        world.until_each_shard_met(&fault, 1).await;
        world.proxy.change(Weather::calm());
        world.put(5).await;
        world.until_all_is_done().await;
        world = world.start_again().await;
        world.put(5).await;
        world.until_all_is_done().await;
        world.finish().await;
    }
}

#[tokio::test]
async fn a_shard_that_claims_its_end_again_and_again_is_one_that_cannot_be_read() {
    let mut world = World::new().await;
    world.put(5).await;
    world.until_all_is_done().await;
    let claim = Fault::Lie(Lie::Void);
    world.proxy.change(reads(&claim));
    world.put(5).await;
    world.until_each_shard_met(&claim, 3).await;
    world.running.wait_for_line(TROUBLE).await;
    world.running.wait_for_line("the shard is not listed as closed").await;
    world.proxy.change(Weather::calm());
    world.until_all_is_done().await;
    world.running.wait_for_line(GOING_ON).await;
    assert_eq!(world.lines_with("has ended"), 0, "{}", world.running.printed());
    world.finish().await;
}

/// While every fourth call of the operation is answered with a lie, records come and a shard is split.
async fn check(operation: Operation, first_shard_is_split: bool) {
    check_in(lies(operation), operation, first_shard_is_split).await;
}

/// In this weather, which is about the operation, records come and a shard is split.
async fn check_in(weather: Weather, operation: Operation, first_shard_is_split: bool) {
    let mut world = World::new().await;
    world.put(10).await;
    world.until_all_is_done().await;
    world.proxy.change(weather);
    for round in 0..8 {
        world.put(10).await;
        world.until_all_is_done().await;
        if operation != Operation::GetRecords {
            // A poller that starts asks for everything.
            world = world.start_again().await;
        }
        if round == 2 && first_shard_is_split {
            let split = world.server.client.split_shard().stream_name("orders");
            split
                .shard_to_split(SHARDS[0])
                .new_starting_hash_key(QUARTER)
                .send()
                .await
                .expect("the shard can be split");
            kinesis::wait_until_active(&world.server.client, "orders").await;
        }
    }
    world.proxy.change(Weather::calm());
    world.put(10).await;
    world.until_all_is_done().await;
    assert!(world.proxy.lies() > 0, "nothing was lied about");
    world.finish().await;
}

#[tokio::test]
async fn records_are_read_once_and_in_order_whatever_reads_are_answered() {
    check(Operation::GetRecords, false).await;
}

#[tokio::test]
async fn a_closed_shard_is_read_to_its_end_before_its_children_whatever_reads_are_answered() {
    check(Operation::GetRecords, true).await;
}

#[tokio::test]
async fn a_closed_shard_is_read_to_its_end_though_two_of_three_reads_claim_that_it_has_ended() {
    let claim = Rule::new(Operation::GetRecords, Fault::Lie(Lie::Void));
    let weather = (0..1_000).fold(Weather::calm(), |weather, number: u64| {
        weather.rule(claim.clone().calls(3 * number..3 * number + 2))
    });
    check_in(weather, Operation::GetRecords, true).await;
}

#[tokio::test]
async fn children_are_found_whatever_listings_say() {
    check(Operation::ListShards, true).await;
}

#[tokio::test]
async fn the_stream_stays_the_same_whatever_its_descriptions_say() {
    check(Operation::DescribeStreamSummary, true).await;
}

#[tokio::test]
async fn a_poller_finds_its_place_whatever_iterators_it_is_given() {
    let mut world = World::new().await;
    world.put(10).await;
    world.until_all_is_done().await;
    // Every second read names no iterator, so that a new one has to be asked for.
    let without_iterator = Rule::new(Operation::GetRecords, Fault::Lie(Lie::Part));
    let weather = (0..1_000).fold(lies(Operation::GetShardIterator), |weather, number| {
        weather.rule(without_iterator.clone().calls(2 * number..2 * number + 1))
    });
    world.proxy.change(weather);
    for _ in 0..4 {
        world.put(10).await;
        world.until_all_is_done().await;
    }
    assert!(world.proxy.lies() > 0, "nothing was lied about");
    world.proxy.change(Weather::calm());
    world.finish().await;
}
