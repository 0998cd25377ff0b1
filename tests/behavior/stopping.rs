//! Stopping: in-flight batches finish within the grace time, nothing new starts.

use crate::world::{GRACE, World, numbers};
use pelton::supervisor::Stopped;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_stop_lets_the_batch_in_flight_finish_and_keeps_its_checkpoint() {
    let world = World::new(&["a"]);
    world.function.takes(Duration::from_secs(5));
    world.stream.put("a", 0..30);
    let supervisor = world.start().await;
    world.until(|world| world.function.runs().len() == 1).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..10), "finished, and nothing new started");

    world.function.recovers();
    let supervisor = world.start().await;
    world.until_handled(30).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..30), "nothing repeated");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_a_batch_between_two_attempts() {
    let world = World::new(&["a"]);
    world.function.fails();
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(600)).await;
    let before = world.clock.now();
    world.stop(supervisor).await;
    assert!(world.clock.now().since(before) < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_outlasts_the_grace_time_is_repeated_at_the_next_start() {
    let world = World::new(&["a"]);
    world.function.takes(Duration::from_secs(900));
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.until(|world| world.function.runs().len() == 1).await;
    assert_eq!(supervisor.stop(GRACE, &world.clock).await, Stopped::Abandoned);

    world.function.recovers();
    let supervisor = world.start().await;
    world.until_handled(5).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..5));
}
