//! Until caught up: a mapping works off what was in its stream when it started, and is finished.

use crate::world::{GRACE, World, activity, numbers};
use pelton::supervisor::{MappingActivity, Stopped, Supervisor};
use pelton_core::starting_position::StartingPosition;
use std::time::Duration;

/// Longer than any of these mappings takes that does finish.
const LONG: Duration = Duration::from_secs(3600);

/// Whether the mapping finishes within an hour.
async fn finishes(world: &World, supervisor: &Supervisor) -> bool {
    tokio::select! {
        () = supervisor.finished() => true,
        () = world.clock.sleep(LONG) => false,
    }
}

/// Runs the mapping as a cron job would, to its end.
async fn catch_up(world: &World) {
    let supervisor = world.start().await;
    assert!(finishes(world, &supervisor).await, "{:?}", activity(&supervisor));
    assert_eq!(activity(&supervisor), MappingActivity::CaughtUp);
    world.stop(supervisor).await;
}

fn world(shards: &[&str]) -> World {
    World::new(shards).until_caught_up()
}

#[tokio::test(start_paused = true)]
async fn it_finishes_once_what_was_in_the_stream_is_settled_and_the_next_run_goes_on_there() {
    let world = world(&["a", "b"]);
    world.function.takes(Duration::from_secs(3));
    world.stream.put("a", 0..95);
    catch_up(&world).await;
    assert_eq!(world.function.handled(), numbers(0..95));

    world.stream.put("a", 95..100);
    catch_up(&world).await;
    assert_eq!(world.function.handled(), numbers(0..100), "nothing skipped, nothing repeated");
}

#[tokio::test(start_paused = true)]
async fn an_empty_stream_is_finished_at_once_and_so_is_one_that_was_read_before() {
    let world = world(&["a"]);
    for _ in 0..2 {
        let before = world.clock.now();
        catch_up(&world).await;
        assert!(world.clock.now().since(before) < Duration::from_secs(1));
    }
    assert!(world.function.runs().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_batching_window_is_not_waited_for_when_nothing_more_will_be_read() {
    let mut world = world(&["a"]);
    world.mapping.batching_window = Duration::from_secs(300);
    world.stream.put("a", 0..5);
    let before = world.clock.now();
    catch_up(&world).await;
    assert!(world.clock.now().since(before) < Duration::from_secs(1));
    assert_eq!(world.function.handled(), numbers(0..5));
}

#[tokio::test(start_paused = true)]
async fn it_finishes_though_records_keep_coming() {
    let world = world(&["a"]);
    world.function.takes(Duration::from_millis(700));
    world.stream.put("a", 0..50);
    let producing = async {
        for number in 50.. {
            world.stream.put("a", [number]);
            world.clock.sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = catch_up(&world) => {}
        () = producing => {}
    }
    let handled = world.function.handled();
    assert!(handled.len() >= 50);
    assert_eq!(handled, numbers(0..handled.len()));
}

#[tokio::test(start_paused = true)]
async fn while_a_batch_is_failing_it_is_not_finished() {
    let world = world(&["bad", "good"]);
    world.function.does(|records| {
        let outcome = match records[0].starts_with("bad") {
            true => pelton_core::Outcome::FunctionFailed { error_type: "E".into(), message: "bad".into() },
            false => pelton_core::Outcome::Succeeded { payload: "null".into() },
        };
        (Duration::ZERO, outcome)
    });
    world.stream.put("bad", ["bad"]);
    world.stream.put("good", 0..25);
    let supervisor = world.start().await;
    assert!(!finishes(&world, &supervisor).await);
    assert_eq!(activity(&supervisor), MappingActivity::Polling);
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..25), "the other shard is done");

    world.function.recovers();
    catch_up(&world).await;
    assert_eq!(world.function.handled()[25..], ["bad"], "and is not repeated");
}

#[tokio::test(start_paused = true)]
async fn while_a_checkpoint_cannot_be_kept_it_is_not_finished() {
    let world = world(&["a"]);
    world.function.takes(Duration::from_secs(1));
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.store.fill_up();
    assert!(!finishes(&world, &supervisor).await);
    world.store.make_room();
    assert!(finishes(&world, &supervisor).await);
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..5));
}

#[tokio::test(start_paused = true)]
async fn children_of_closed_shards_are_read_too() {
    let world = world(&["parent"]);
    world.stream.put("parent", ["parent"]);
    world.stream.reshard(&["parent"], &["left", "right"]);
    world.stream.put("left", ["left"]);
    world.stream.reshard(&["left", "right"], &["merged"]);
    world.stream.put("merged", ["merged"]);
    catch_up(&world).await;
    assert_eq!(world.function.handled(), ["parent", "left", "merged"]);
}

#[tokio::test(start_paused = true)]
async fn a_closed_shard_is_read_to_its_end_though_the_source_says_that_nothing_more_is_there() {
    let world = world(&["parent"]);
    world.stream.put("parent", ["parent"]);
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["child"]);
    world.stream.tells_the_end_late(3);
    catch_up(&world).await;
    assert_eq!(world.function.handled(), ["parent", "child"]);
}

#[tokio::test(start_paused = true)]
async fn children_that_the_stream_did_not_list_at_first_are_read_too() {
    let world = world(&["parent"]);
    world.stream.put("parent", ["parent"]);
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["child"]);
    world.stream.overlook("child", true);
    let supervisor = world.start().await;
    world.stream.overlook("child", false);
    assert!(finishes(&world, &supervisor).await);
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["parent", "child"]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_was_overlooked_is_read_before_it_is_finished() {
    let world = world(&["a", "b"]);
    catch_up(&world).await;
    world.stream.put("a", ["a"]);
    world.stream.overlook("a", true);
    let supervisor = world.start().await;
    world.stream.overlook("a", false);
    assert!(finishes(&world, &supervisor).await);
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_of_a_parent_that_left_the_retention_unfinished_is_read() {
    let world = world(&["parent"]);
    catch_up(&world).await;
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["child"]);
    world.stream.forget("parent");
    catch_up(&world).await;
    assert_eq!(world.function.handled(), ["child"]);
}

#[tokio::test(start_paused = true)]
async fn a_reshard_after_a_shard_has_caught_up_is_for_the_next_run() {
    let world = world(&["quick", "slow"]);
    world.function.takes(Duration::from_secs(600));
    world.stream.put("slow", ["slow"]);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(5)).await;
    world.stream.put("quick", ["later"]);
    world.stream.reshard(&["quick"], &["child"]);
    world.stream.put("child", ["child"]);
    assert!(finishes(&world, &supervisor).await);
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["slow"]);

    catch_up(&world).await;
    assert_eq!(world.function.handled(), ["slow", "later", "child"]);
}

#[tokio::test(start_paused = true)]
async fn latest_has_nothing_to_do_at_the_first_run_and_the_next_one_goes_on_from_there() {
    let world = world(&["a"]).from(StartingPosition::Latest);
    world.stream.put("a", ["before"]);
    world.clock.sleep(Duration::from_secs(1)).await;
    catch_up(&world).await;
    assert!(world.function.runs().is_empty());
    world.stream.put("a", ["between"]);
    world.clock.sleep(Duration::from_secs(60)).await;
    catch_up(&world).await;
    assert_eq!(world.function.handled(), ["between"]);
}

#[tokio::test(start_paused = true)]
async fn while_a_stream_cannot_be_read_it_is_not_finished() {
    let world = world(&["a"]);
    world.stream.set_openable(false);
    let supervisor = world.try_start_unopened().await.unwrap();
    assert!(!finishes(&world, &supervisor).await);
    world.stream.set_openable(true);
    assert!(finishes(&world, &supervisor).await);
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_made_again_meanwhile_is_read_until_caught_up() {
    let world = world(&["quick", "slow"]);
    world.function.takes(Duration::from_secs(600));
    world.stream.put("slow", ["slow"]);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(5)).await;
    world.stream.make_again(&["quick"]);
    world.stream.put("quick", ["new"]);
    assert!(finishes(&world, &supervisor).await);
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["slow", "new"]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_was_missing_from_the_former_stream_is_not_waited_for_in_the_one_that_was_made_again() {
    let world = world(&["a", "b"]);
    catch_up(&world).await;
    world.stream.overlook("a", true);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(1)).await;
    world.stream.make_again(&["b"]);
    world.stream.put("b", ["new"]);
    assert!(finishes(&world, &supervisor).await);
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_it_is_finished_drains_as_ever() {
    let world = world(&["a"]);
    world.function.takes(Duration::from_secs(5));
    world.stream.put("a", 0..30);
    let supervisor = world.start().await;
    world.until(|world| world.function.runs().len() == 1).await;
    assert_eq!(supervisor.stop(GRACE, &world.clock).await, Stopped::Clean);
    assert_eq!(world.function.handled(), numbers(0..10));
    catch_up(&world).await;
    assert_eq!(world.function.handled(), numbers(0..30));
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_goes_on_is_never_finished() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    assert!(!finishes(&world, &supervisor).await);
    world.stop(supervisor).await;
}
