//! What goes wrong around the poller, and what it does about it.

use crate::world::{World, activity, numbers};
use pelton::ports::StreamStatus;
use pelton::starting::StartError;
use pelton::supervisor::{MappingActivity, Supervisor};
use pelton_core::{Outcome, Timestamp};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_reached_while_running_is_waited_for() {
    let world = World::new(&["a"]);
    let supervisor = world.start().await;
    world.stream.set_reachable(false);
    world.clock.sleep(Duration::from_secs(300)).await;
    assert!(matches!(activity(&supervisor), MappingActivity::Waiting { .. }));
    let since = unread_since(&supervisor).expect("no read succeeds");
    assert!(world.clock.now().since(since) > Duration::from_secs(290), "it says since when");
    world.stream.put("a", 0..5);
    world.stream.set_reachable(true);
    world.until_handled(5).await;
    assert_eq!(unread_since(&supervisor), None);
    world.clock.sleep(Duration::from_secs(120)).await;
    assert_eq!(activity(&supervisor), MappingActivity::Polling);
    world.stop(supervisor).await;
}

/// Since when no read of the only shard succeeds.
fn unread_since(supervisor: &Supervisor) -> Option<Timestamp> {
    let view = supervisor.mappings()[0].view.clone().expect("the mapping is enabled");
    let shard = view.borrow().shards.values().next().expect("the shard is being read").clone();
    shard.borrow().unread_since
}

#[tokio::test(start_paused = true)]
async fn what_is_in_flight_is_settled_though_the_stream_went_away() {
    let world = World::new(&["a"]);
    world.function.takes(Duration::from_secs(10));
    world.stream.put("a", 0..10);
    let supervisor = world.start().await;
    world.until(|world| world.function.runs().len() == 1).await;
    world.stream.delete();
    world.until_handled(10).await;
    world.until(|world| world.store.saves() == 1).await;
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_made_again_under_its_name_starts_anew_while_running() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..20);
    let supervisor = world.start().await;
    world.until_handled(20).await;
    world.clock.sleep(Duration::from_secs(1)).await;
    world.stream.make_again(&["a"]);
    world.stream.put("a", ["new"]);
    world.until_handled(21).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled()[20..], ["new"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_gone_and_back_is_noticed_before_the_next_minute() {
    let world = World::new(&["a"]);
    let supervisor = world.start().await;
    world.stream.delete();
    world.until(|_| matches!(activity(&supervisor), MappingActivity::Waiting { .. })).await;
    let deleted_at = world.clock.now();
    world.stream.make_again(&["a"]);
    world.stream.put("a", ["new"]);
    world.until_handled(1).await;
    assert!(world.clock.now().since(deleted_at) < Duration::from_secs(30));
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), ["new"], "and nothing twice");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_found_its_stream_gone_reads_nothing_of_the_next_one_from_its_old_place() {
    for seconds_gone in 1..40 {
        let world = World::new(&["a"]);
        world.stream.put("a", 0..3);
        let supervisor = world.start().await;
        world.until_handled(3).await;
        world.stream.delete();
        // Long enough for a read to find nothing.
        world.clock.sleep(Duration::from_secs(1 + seconds_gone)).await;
        world.stream.make_again(&["a"]);
        world.stream.put("a", 10..15);
        world.until_handled(8).await;
        world.stop(supervisor).await;
        // From its old place, behind three records, the reader would have found 13 and 14 first.
        assert_eq!(world.function.handled()[3..], ["10", "11", "12", "13", "14"], "{seconds_gone}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_another_stream_of_that_name_is_worthless_at_the_next_start() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..20);
    let supervisor = world.start().await;
    world.until_handled(20).await;
    world.stop(supervisor).await;
    world.clock.sleep(Duration::from_secs(1)).await;
    world.stream.make_again(&["a"]);
    world.stream.put("a", ["new"]);
    let supervisor = world.start().await;
    world.until_handled(21).await;
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_polling_and_skips_nothing() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..100);
    let supervisor = world.start().await;
    world.until_handled(10).await;
    world.store.fill_up();
    world.stream.put("a", 100..150);
    world.clock.sleep(Duration::from_secs(5)).await;
    let (handled, reads) = (world.function.handled().len(), world.stream.reads().len());
    world.stream.put("a", 150..200);
    world.clock.sleep(Duration::from_secs(600)).await;
    assert_eq!(world.function.handled().len(), handled, "nothing new is invoked");
    assert_eq!(world.stream.reads().len(), reads, "nothing new is read");
    world.store.make_room();
    world.until_handled(200).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..200));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_batch_waits_and_is_sent_again() {
    let world = World::new(&["a"]);
    world.function.does(|_| (Duration::ZERO, Outcome::Throttled));
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(30)).await;
    world.function.recovers();
    world.until_handled(5).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..5));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_does_not_exist_at_start_is_an_error() {
    let world = World::new(&["a"]);
    world.stream.delete();
    assert!(matches!(world.try_start().await, Err(StartError::Source { .. })));
    assert!(world.store.kept("mapping").is_none(), "nothing is kept of a start that failed");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_away_for_a_moment_at_start_is_asked_again() {
    let world = World::new(&["a"]);
    world.stream.set_reachable(false);
    let (started, ()) = tokio::join!(world.try_start(), async {
        world.clock.sleep(Duration::from_millis(1)).await;
        world.stream.set_reachable(true);
    });
    world.stop(started.unwrap()).await;
    world.stream.set_reachable(false);
    assert!(matches!(world.try_start().await, Err(StartError::Source { .. })), "but not for ever");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_being_deleted_at_start_is_an_error() {
    let world = World::new(&["a"]);
    world.stream.set_status(StreamStatus::Deleting);
    assert!(matches!(world.try_start().await, Err(StartError::NotActive { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_being_created_at_start_is_waited_for() {
    let world = World::new(&["a"]);
    world.stream.set_status(StreamStatus::Creating);
    world.stream.put("a", 0..5);
    let stream = world.stream.clone();
    let clock = world.clock.clone();
    let creation = tokio::spawn(async move {
        clock.sleep(Duration::from_secs(20)).await;
        stream.set_status(StreamStatus::Active);
    });
    let supervisor = world.start().await;
    creation.await.unwrap();
    world.until_handled(5).await;
    world.stop(supervisor).await;
}
