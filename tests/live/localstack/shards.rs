//! The shards of a stream, and how a test changes them. Each change is over when the function returns.

use super::world::World;
use aws_sdk_kinesis::types::{ScalingType, Shard};
use pelton_tests::kinesis;

/// All shards, in the order of their ids.
pub(super) async fn shards(world: &World) -> Vec<Shard> {
    let answer =
        world.client.list_shards().stream_name(&world.stream).send().await.expect("ListShards succeeds");
    assert!(answer.next_token().is_none(), "all shards are on one page");
    answer.shards.unwrap_or_default()
}

/// Those that take records, in the order of their hash keys.
pub(super) fn open(shards: &[Shard]) -> Vec<Shard> {
    let is_open = |shard: &&Shard| {
        shard.sequence_number_range().is_some_and(|range| range.ending_sequence_number().is_none())
    };
    let mut open: Vec<Shard> = shards.iter().filter(is_open).cloned().collect();
    open.sort_by_key(|shard| hash_keys(shard).0);
    open
}

fn hash_keys(shard: &Shard) -> (u128, u128) {
    let range = shard.hash_key_range().expect("a shard has a range of hash keys");
    let number = |text: &str| text.parse::<u128>().expect("a hash key is a number");
    (number(range.starting_hash_key()), number(range.ending_hash_key()))
}

/// Splits the open shard of this rank in the middle, and waits until that is done.
pub(super) async fn split(world: &World, rank: usize) {
    let shard = &open(&shards(world).await)[rank];
    let (first, last) = hash_keys(shard);
    let middle = first + (last - first) / 2 + 1;
    let call = world.client.split_shard().stream_name(&world.stream).shard_to_split(shard.shard_id());
    call.new_starting_hash_key(middle.to_string()).send().await.expect("SplitShard succeeds");
    kinesis::wait_until_active(&world.client, &world.stream).await;
}

/// Merges the open shard of this rank with the next, and waits until that is done.
pub(super) async fn merge(world: &World, rank: usize) {
    let open = open(&shards(world).await);
    let call = world.client.merge_shards().stream_name(&world.stream).shard_to_merge(open[rank].shard_id());
    let call = call.adjacent_shard_to_merge(open[rank + 1].shard_id());
    call.send().await.expect("MergeShards succeeds");
    kinesis::wait_until_active(&world.client, &world.stream).await;
}

/// Changes the number of shards, and waits until that is done.
pub(super) async fn update_shard_count(world: &World, count: i32) {
    let call = world.client.update_shard_count().stream_name(&world.stream).target_shard_count(count);
    call.scaling_type(ScalingType::UniformScaling).send().await.expect("UpdateShardCount succeeds");
    kinesis::wait_until_active(&world.client, &world.stream).await;
}
