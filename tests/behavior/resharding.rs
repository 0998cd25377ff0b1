//! Specification 3.3, 3.4: parents before children, children from their start.

use crate::world::{World, numbers};
use pelton::supervisor::Supervisor;
use pelton_core::Counts;
use pelton_core::starting_position::StartingPosition;
use pelton_core::stream::ShardId;
use std::time::Duration;

/// The shards that wait for their parents, as the mapping shows them.
fn waiting(supervisor: &Supervisor) -> Vec<String> {
    let view = supervisor.mappings()[0].view.as_ref().expect("the mapping is enabled").borrow().clone();
    view.waiting.keys().map(ShardId::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn children_start_when_the_last_batch_of_their_parent_is_settled() {
    let world = World::new(&["parent"]);
    world.function.fails();
    world.stream.put("parent", 0..25);
    world.stream.reshard(&["parent"], &["left", "right"]);
    world.stream.put("left", ["left"]);
    world.stream.put("right", ["right"]);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(120)).await;
    assert!(world.function.runs().iter().all(|run| run.records == numbers(0..10)), "children wait");
    assert_eq!(waiting(&supervisor), ["left", "right"]);
    world.function.recovers();
    world.until_handled(27).await;
    assert_eq!(waiting(&supervisor), Vec::<String>::new());
    world.stop(supervisor).await;
    assert_eq!(world.function.handled()[..25], numbers(0..25));
}

#[tokio::test(start_paused = true)]
async fn a_merged_shard_waits_for_both_parents() {
    let world = World::new(&["slow", "quick"]);
    world.function.does(|records| {
        let is_slow = records[0] == "slow";
        (
            Duration::from_secs(if is_slow { 60 } else { 0 }),
            pelton_core::Outcome::Succeeded { payload: "null".into() },
        )
    });
    world.stream.put("slow", ["slow"]);
    world.stream.put("quick", ["quick"]);
    world.stream.reshard(&["slow", "quick"], &["merged"]);
    world.stream.put("merged", ["merged"]);
    let supervisor = world.start().await;
    world.until_handled(3).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["quick", "slow", "merged"]);
}

#[tokio::test(start_paused = true)]
async fn children_are_read_from_their_start_also_under_latest() {
    let world = World::new(&["parent"]).from(StartingPosition::Latest);
    world.stream.put("parent", ["before"]);
    let supervisor = world.start().await;
    world.stream.put("parent", ["last of parent"]);
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["first of child"]);
    world.until_handled(2).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["last of parent", "first of child"]);
}

#[tokio::test(start_paused = true)]
async fn reshards_while_nobody_polls_are_followed_at_the_next_start() {
    let world = World::new(&["g0"]);
    world.stream.put("g0", ["g0"]);
    let supervisor = world.start().await;
    world.until_handled(1).await;
    world.stop(supervisor).await;
    for (parent, child) in [("g0", "g1"), ("g1", "g2"), ("g2", "g3")] {
        world.stream.reshard(&[parent], &[child]);
        world.stream.put(child, [child]);
    }
    let supervisor = world.start().await;
    world.until_handled(4).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["g0", "g1", "g2", "g3"]);
}

#[tokio::test(start_paused = true)]
async fn a_parent_that_left_the_retention_counts_as_finished() {
    let world = World::new(&["parent"]);
    let supervisor = world.start().await;
    world.stop(supervisor).await;
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["child"]);
    world.stream.forget("parent");
    let supervisor = world.start().await;
    world.until_handled(1).await;
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_ended_is_not_read_again_after_a_restart() {
    let world = World::new(&["parent"]);
    world.stream.put("parent", ["parent"]);
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["child"]);
    let supervisor = world.start().await;
    world.until_handled(2).await;
    world.stop(supervisor).await;
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(90)).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["parent", "child"]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_leaves_the_retention_while_its_batch_is_in_flight_is_settled_before_its_children_start()
{
    let world = World::new(&["parent"]);
    world.function.takes(Duration::from_secs(200));
    world.stream.put("parent", ["parent"]);
    let supervisor = world.start().await;
    world.until(|world| world.function.runs().len() == 1).await;
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["child"]);
    world.stream.forget("parent");
    world.until_handled(2).await;
    world.stop(supervisor).await;
    let runs = world.function.runs();
    assert_eq!(world.function.handled(), ["parent", "child"]);
    assert!(runs[0].ended.unwrap() <= runs[1].began, "{runs:?}");
    assert!(world.store.kept("mapping").unwrap().shards.keys().all(|shard| shard.as_str() == "child"));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_appeared_while_nobody_polled_is_read_as_soon_as_polling_starts() {
    let world = World::new(&["parent"]);
    world.stream.put("parent", ["parent"]);
    world.stream.reshard(&["parent"], &[]);
    let supervisor = world.start().await;
    let has_ended = |world: &World| {
        world.store.kept("mapping").unwrap().shards.values().all(|shard| shard.checkpoint.ended)
    };
    world.until(has_ended).await;
    world.stop(supervisor).await;
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["child"]);
    let started_at = world.clock.now();
    let supervisor = world.start().await;
    world.until_handled(2).await;
    assert!(world.clock.now().since(started_at) < Duration::from_secs(1));
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_one_look_overlooks_is_not_forgotten() {
    let world = World::new(&["a", "b"]);
    world.stream.put("a", 0..20);
    let supervisor = world.start().await;
    world.until_handled(20).await;
    world.clock.sleep(Duration::from_secs(50)).await;
    world.stream.overlook("a", true);
    world.clock.sleep(Duration::from_secs(12)).await;
    world.stream.overlook("a", false);
    world.clock.sleep(Duration::from_secs(120)).await;
    world.stream.put("a", 20..30);
    world.until_handled(30).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..30), "nothing lost, nothing repeated");
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_was_drained_and_comes_back_goes_on_where_it_was() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..20);
    let supervisor = world.start().await;
    world.until_handled(20).await;
    world.function.takes(Duration::from_secs(100));
    world.stream.put("a", ["slow"]);
    world.until(|world| world.function.runs().last().unwrap().records == ["slow"]).await;
    world.stream.overlook("a", true);
    world.until_handled(21).await;
    world.stream.overlook("a", false);
    world.stream.put("a", ["after"]);
    world.until_handled(22).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled()[20..], ["slow", "after"], "nothing lost, nothing repeated");
}

#[tokio::test(start_paused = true)]
async fn what_happened_in_shards_that_ended_stays_in_the_totals_of_the_mapping() {
    let world = World::new(&["parent"]);
    world.stream.put("parent", 0..25);
    let supervisor = world.start().await;
    world.until_handled(25).await;
    let before = totals(&supervisor);
    world.stream.reshard(&["parent"], &["left", "right"]);
    world.stream.put("left", ["left"]);
    world.stream.put("right", ["right"]);
    world
        .until(|world| {
            let now = totals(&supervisor);
            assert!(now.succeeded >= before.succeeded && now.polled >= before.polled, "{now:?}");
            world.function.handled().len() == 27
        })
        .await;
    let view = supervisor.mappings()[0].view.clone().unwrap();
    world.stop(supervisor).await;
    assert!(!view.borrow().shards.contains_key(&ShardId::new("parent")));
    assert_eq!((view.borrow().totals().polled, view.borrow().totals().succeeded), (27, 27));
}

fn totals(supervisor: &Supervisor) -> Counts {
    supervisor.mappings()[0].view.as_ref().unwrap().borrow().totals()
}
