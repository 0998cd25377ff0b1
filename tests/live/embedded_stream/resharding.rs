//! Lineage, and the end of a shard (specification 3.3).

use super::world::{World, first_shard, read_all};
use pelton::ports::{ReadFrom, Source};
use pelton_core::Then;
use pelton_core::plan::ShardStart;

/// The middle of the key space: 2^127.
const MIDDLE: &str = "170141183460469231731687303715884105728";

#[tokio::test]
async fn a_split_shard_is_closed_and_its_children_name_it() {
    let world = World::with_shards(1).await;
    split(&world).await;
    let shards = world.shards_when(|shards| shards.len() == 3).await;
    assert_eq!(shards.iter().map(|shard| shard.is_open).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(shards[1].parents, [first_shard()]);
    assert_eq!(shards[2].parents, [first_shard()]);
}

#[tokio::test]
async fn a_merged_shard_names_both_parents() {
    let world = World::with_shards(2).await;
    let before = world.source().list_shards().await.unwrap();
    let call = world.client.sdk().merge_shards().stream_name("orders");
    let call = call.shard_to_merge(before[0].id.as_str()).adjacent_shard_to_merge(before[1].id.as_str());
    call.send().await.unwrap();
    let shards = world.shards_when(|shards| shards.len() == 3).await;
    assert_eq!(shards[2].parents, [before[0].id.clone(), before[1].id.clone()]);
}

#[tokio::test]
async fn a_closed_shard_hands_out_all_its_records_and_then_ends() {
    let world = World::with_shards(1).await;
    let put = [world.put("k", "1").await, world.put("k", "2").await];
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = world.source().open(&first_shard(), from).await.unwrap();
    split(&world).await;
    world.shards_when(|shards| shards.len() == 3).await;
    let mut positions = Vec::new();
    let mut then = Then::More;
    // A closed shard of the embedded stream ends after two further, empty pages.
    for _ in 0..4 {
        let (read, follows) = read_all(&mut *reader).await.unwrap();
        positions.extend(read);
        then = follows;
        if then == Then::ShardEnd {
            break;
        }
    }
    assert_eq!((positions, then), (put.to_vec(), Then::ShardEnd));
}

async fn split(world: &World) {
    let call = world.client.sdk().split_shard().stream_name("orders");
    call.shard_to_split(first_shard().as_str()).new_starting_hash_key(MIDDLE).send().await.unwrap();
}
