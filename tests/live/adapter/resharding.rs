//! Lineage, and the end of a shard (specification 3.3).

use super::world::{Server, World, first_shard, read_all};
use pelton::ports::{ReadFrom, Source, Stream as _};
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::ShardStart;
use pelton_core::stream::ListedShard;

on_each_server! {
    a_split_shard_is_closed_and_its_children_name_it,
    a_merged_shard_names_both_parents,
    a_closed_shard_hands_out_all_its_records_and_then_ends,
}

/// The middle of the key space: 2^127.
const MIDDLE: &str = "170141183460469231731687303715884105728";

async fn a_split_shard_is_closed_and_its_children_name_it(server: Server) {
    let world = World::new(server, 1).await;
    split(&world).await;
    let shards = world.shards_when(|shards| shards.len() == 3).await;
    assert_eq!(shards.iter().map(|shard| shard.is_open).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(shards[1].parents, [first_shard()]);
    assert_eq!(shards[2].parents, [first_shard()]);
    world.end().await;
}

async fn a_merged_shard_names_both_parents(server: Server) {
    let world = World::new(server, 2).await;
    let before = world.source().list_shards().await.unwrap();
    let call = world.client.sdk().merge_shards().stream_name(&world.stream);
    let call = call.shard_to_merge(before[0].id.as_str()).adjacent_shard_to_merge(before[1].id.as_str());
    call.send().await.unwrap();
    let shards = world.shards_when(|shards| shards.len() == 3).await;
    assert_eq!(shards[2].parents, [before[0].id.clone(), before[1].id.clone()]);
    world.end().await;
}

/// Not of the embedded stream: there, these children do not name their parents.
#[tokio::test]
async fn the_shards_of_a_changed_shard_count_name_their_parents() {
    let world = World::new(Server::LocalStack, 2).await;
    let call = world.client.sdk().update_shard_count().stream_name(&world.stream).target_shard_count(4);
    call.scaling_type("UNIFORM_SCALING".into()).send().await.unwrap();
    let is_done = |shards: &[ListedShard]| shards.iter().filter(|shard| shard.is_open).count() == 4;
    for shard in world.shards_when(is_done).await {
        assert_eq!(shard.parents.is_empty(), !shard.is_open, "{shard:?}");
    }
    world.end().await;
}

async fn a_closed_shard_hands_out_all_its_records_and_then_ends(server: Server) {
    let world = World::new(server, 1).await;
    let put = [world.put("k", "1").await, world.put("k", "2").await];
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = world.source().open(&first_shard(), from).await.unwrap().reader;
    split(&world).await;
    world.shards_when(|shards| shards.len() == 3).await;
    let mut positions = Vec::new();
    let mut has_ended = false;
    // A closed shard of the embedded stream ends after two further, empty pages.
    for _ in 0..4 {
        let (read, follows) = read_all(&mut *reader).await.unwrap();
        positions.extend(read);
        has_ended = matches!(follows, Follows::NoPlace { .. });
        if has_ended {
            break;
        }
    }
    assert_eq!((positions, has_ended), (put.to_vec(), true));
    world.end().await;
}

async fn split(world: &World) {
    let call = world.client.sdk().split_shard().stream_name(&world.stream);
    call.shard_to_split(first_shard().as_str()).new_starting_hash_key(MIDDLE).send().await.unwrap();
}
