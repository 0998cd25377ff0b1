//! Specification 4.2, 4.5: what becomes of records that are given up. What is given up, and when, is the core's.

use crate::world::{GRACE, World, numbers};
use pelton::shard_worker::WorkerView;
use pelton::supervisor::{Stopped, Supervisor};
use pelton_core::{Counts, GiveUp, Outcome};
use std::time::Duration;

/// How long the stream keeps a record: a record that still fails then is given up.
const RETENTION: Duration = Duration::from_secs(600);

/// A mapping of a stream that keeps nothing for long, and a function that fails with whatever begins with `bad`.
fn world(shards: &[&str]) -> World {
    let world = World::new(shards);
    world.stream.keep_for(RETENTION);
    world.function.does(|records| {
        let is_bad = records.iter().any(|record| record.starts_with("bad"));
        (Duration::ZERO, if is_bad { failed() } else { succeeded() })
    });
    world
}

fn succeeded() -> Outcome {
    Outcome::Succeeded { payload: "null".into() }
}

fn failed() -> Outcome {
    Outcome::FunctionFailed { error_type: "Exception".into(), message: "told to".into() }
}

/// What is wrong with the only shard, as it shows.
fn problem(supervisor: &Supervisor) -> Option<String> {
    view(supervisor).problem
}

fn counts(supervisor: &Supervisor) -> Counts {
    view(supervisor).shard.counts
}

fn view(supervisor: &Supervisor) -> WorkerView {
    let mapping = supervisor.mappings()[0].view.clone().expect("the mapping is enabled");
    let shard = mapping.borrow().shards.values().next().expect("the shard is being read").clone();
    WorkerView::clone(&shard.borrow())
}

/// Puts a record that fails, and waits until it is too old and was given up.
async fn give_one_up(world: &World, name: &str) {
    world.stream.put("a", [name]);
    world.clock.sleep(RETENTION + Duration::from_secs(120)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_handed_to_the_on_failure_destination_and_the_shard_goes_on() {
    let (world, destination) = world(&["a"]).with_destination();
    let supervisor = world.start().await;
    world.stream.put("a", ["bad-1", "bad-2"]);
    world.clock.sleep(RETENTION + Duration::from_secs(120)).await;
    world.stream.put("a", 0..5);
    world.until_handled(5).await;
    let counts = counts(&supervisor);
    world.stop(supervisor).await;

    let taken = destination.taken();
    let (reasons, records): (Vec<GiveUp>, Vec<Vec<String>>) =
        taken.iter().map(|taken| (taken.reason, taken.records.clone())).unzip();
    assert_eq!(records.concat(), ["bad-1", "bad-2"]);
    assert!(reasons.iter().all(|reason| *reason == GiveUp::Expired) && taken[0].attempts > 1, "{taken:?}");
    assert_eq!(taken[0].shard, "a");
    assert_eq!((counts.delivered, counts.dropped, counts.delivery_failures), (2, 0, 0));
    assert_eq!(world.function.handled(), numbers(0..5));
}

#[tokio::test(start_paused = true)]
async fn discarded_means_skipped_even_without_a_destination_the_shard_goes_on() {
    let world = world(&["a"]);
    let supervisor = world.start().await;
    give_one_up(&world, "bad").await;
    world.stream.put("a", 0..5);
    world.until_handled(5).await;
    let counts = counts(&supervisor);
    world.stop(supervisor).await;
    assert_eq!((counts.delivered, counts.dropped, counts.delivery_failures), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_does_not_work_shows_until_it_takes_something() {
    let (world, destination) = world(&["a"]).with_destination();
    destination.set_away(true);
    let supervisor = world.start().await;
    give_one_up(&world, "bad-1").await;
    world.stream.put("a", 0..5);
    world.until_handled(5).await;
    assert!(destination.tried() > 1, "a delivery is tried again");
    let counts_while_away = counts(&supervisor);
    assert_eq!((counts_while_away.dropped, counts_while_away.delivery_failures), (1, 1));
    let shown = problem(&supervisor).expect("the destination does not work");
    assert_eq!(shown, "cannot deliver records to memory: told to be away");

    destination.set_away(false);
    give_one_up(&world, "bad-2").await;
    world.stream.put("a", 5..10);
    world.until_handled(10).await;
    assert_eq!(problem(&supervisor), None);
    world.stop(supervisor).await;
    assert_eq!(
        destination.taken().into_iter().flat_map(|taken| taken.records).collect::<Vec<_>>(),
        ["bad-2"]
    );
}

#[tokio::test(start_paused = true)]
async fn while_one_batch_fails_its_error_shows_whatever_succeeds_beside_it() {
    let world = world(&["a"]).batch_size(1).shards(|shards| shards.parallelization_factor = 2);
    let supervisor = world.start().await;
    world.stream.put("a", ["bad"]);
    world.clock.sleep(Duration::from_secs(120)).await;
    let failing = problem(&supervisor).expect("the batch fails");
    assert_eq!(failing, "told to (Exception)");
    // It goes to the lane that holds nothing.
    world.stream.put("a", ["good"]);
    world.until_handled(1).await;
    assert_eq!(view(&supervisor).shard.failing.len(), 1);
    assert_eq!(problem(&supervisor), Some(failing));
    world.function.recovers();
    world.until_handled(2).await;
    world.clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(problem(&supervisor), None);
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_takes_its_time_holds_no_other_shard_back() {
    let (world, destination) = world(&["a", "b"]).with_destination();
    destination.takes(Duration::from_secs(600));
    let supervisor = world.start().await;
    world.stream.put("a", ["bad"]);
    world.clock.sleep(RETENTION).await;
    world.until(|_| destination.tried() == 1).await;
    world.stream.put("b", 0..5);
    world.until_handled(5).await;
    assert!(destination.taken().is_empty(), "it is still on its way");
    world.until(|_| destination.taken().len() == 1).await;
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_a_delivery_as_for_a_batch_and_keeps_that_it_is_settled() {
    let (world, destination) = world(&["a"]).with_destination();
    destination.takes(Duration::from_secs(10));
    let supervisor = world.start().await;
    world.stream.put("a", ["bad"]);
    world.clock.sleep(RETENTION).await;
    world.until(|_| destination.tried() == 1).await;
    world.stop(supervisor).await;
    assert_eq!(destination.taken().len(), 1);

    let supervisor = world.start().await;
    world.stream.put("a", 0..5);
    world.until_handled(5).await;
    world.stop(supervisor).await;
    assert_eq!(destination.tried(), 1, "it is not handed over again");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_outlasts_the_grace_time_is_made_again_at_the_next_start() {
    let (world, destination) = world(&["a"]).with_destination();
    destination.takes(Duration::from_secs(900));
    let supervisor = world.start().await;
    world.stream.put("a", ["bad"]);
    world.clock.sleep(RETENTION).await;
    world.until(|_| destination.tried() == 1).await;
    let stopped = supervisor.stop(GRACE, &world.clock).await;
    assert_eq!(stopped, Stopped::Abandoned);
    assert!(destination.taken().is_empty());

    destination.takes(Duration::ZERO);
    let supervisor = world.start().await;
    world.until(|_| destination.taken().len() == 1).await;
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn the_state_of_a_window_whose_last_invocation_is_given_up_is_lost_and_the_shard_goes_on() {
    let (world, destination) = world(&["a"]).with_destination();
    let length = Duration::from_secs(60);
    let world = world.shards(|shards| {
        shards.tumbling_window = Some(length);
        shards.maximum_retry_attempts = Some(1);
    });
    world.function.does(|records| {
        let payload = r#"{"state":{"sum":1}}"#.into();
        (Duration::ZERO, if records.is_empty() { failed() } else { Outcome::Succeeded { payload } })
    });
    let supervisor = world.start().await;
    world.stream.put("a", ["of the first window"]);
    world.until_handled(1).await;
    world.clock.sleep(length * 2).await;
    world.stream.put("a", ["of a later window"]);
    world.until_handled(2).await;
    world.stop(supervisor).await;
    let last = world.function.runs().into_iter().filter(|run| run.records.is_empty());
    assert_eq!(last.count(), 2, "N + 1 invocations");
    assert_eq!(destination.tried(), 0, "AWS knows no record of a failure without records");
}
