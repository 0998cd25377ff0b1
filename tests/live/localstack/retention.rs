//! Shards that have left the stream's retention count as finished (specification 3.3).

use super::forgetful::Forgetful;
use super::shards::{shards, split};
use super::world::{FROM_THE_OLDEST, World, stop, until_ended};
use pelton_tests::Signal;
use pelton_tests::journal::data;

#[tokio::test]
async fn the_children_of_a_shard_that_left_the_retention_unfinished_are_read_and_that_is_said() {
    let world = World::with_shards(1).await;
    let parent = shards(&world).await.remove(0);
    let listing = Forgetful::before(&world.endpoint).await;
    let site = world.site(&[FROM_THE_OLDEST]);
    site.behave("error");
    world.put_numbers(&["a"], 0..3).await;
    let mut running = world.start_at(&listing.endpoint, &site).await;
    running.wait_for_line("the function failed").await;
    split(&world, 0).await;
    world.put_numbers(&["a", "b", "c", "d"], 3..6).await;
    stop(&mut running, Signal::TERM).await;

    listing.forget(parent.shard_id());
    site.behave("succeed");
    let journal = site.journal();
    let mut running = world.start_at(&listing.endpoint, &site).await;
    until_ended(&running, &journal, 12).await;
    running.wait_for_line("the stream no longer lists the shard").await;
    stop(&mut running, Signal::TERM).await;
    let ended = journal.ended();
    assert!(
        ended.iter().all(|batch| batch.shard != parent.shard_id()),
        "nothing of the parent: {:?}",
        data(&ended)
    );
    assert_eq!(journal.records_ended(), 12, "each once");
    world.delete_stream().await;
}
