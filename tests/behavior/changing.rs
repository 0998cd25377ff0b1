//! Mappings that are added, changed, paused and removed while others run.

use crate::world::{GRACE, World, numbers};
use pelton::supervisor::{Change, Stopped, Supervisor};
use pelton_model::{Mapping, MappingId};
use pelton_tests::fakes::FakeFunction;
use std::time::Duration;

fn id(name: &str) -> MappingId {
    MappingId(name.to_owned())
}

/// Another mapping of the same stream, with a function of its own.
fn beside(world: &World, name: &str) -> World {
    World {
        clock: world.clock.clone(),
        stream: world.stream.clone(),
        store: world.store.clone(),
        function: FakeFunction::new(&world.clock),
        destination: None,
        mapping: Mapping { id: id(name), ..world.mapping.clone() },
        pace: world.pace,
        goal: world.goal,
    }
}

/// Stops the mappings with these names, then starts that of `started`.
async fn apply(supervisor: &mut Supervisor, stopped: &[&str], started: &World) -> Stopped {
    let stopped = stopped.iter().map(|name| id(name)).collect();
    let change = Change { stopped, started: vec![started.found().await.unwrap()], disabled: vec![] };
    supervisor.apply(change, GRACE, &started.clock).await.unwrap()
}

fn names(supervisor: &Supervisor) -> Vec<String> {
    supervisor.mappings().iter().map(|handle| handle.mapping.id.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_added_runs_and_disturbs_no_other() {
    let world = World::new(&["a"]);
    world.function.takes(Duration::from_secs(60));
    world.stream.put("a", 0..5);
    let mut supervisor = world.start().await;
    world.until(|world| world.function.runs().len() == 1).await;
    let other = beside(&world, "other");
    assert_eq!(apply(&mut supervisor, &[], &other).await, Stopped::Clean);
    other.until_handled(5).await;
    assert_eq!(world.function.handled(), numbers(0..0), "its batch is in flight still");
    world.until_handled(5).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.runs().len(), 1, "and was not sent again");
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_changes_finishes_its_batch_keeps_its_position_and_disturbs_no_other() {
    let world = World::new(&["a"]);
    let other = beside(&world, "other");
    world.stream.put("a", 0..15);
    world.function.takes(Duration::from_secs(5));
    other.function.takes(Duration::from_secs(100));
    let mut supervisor = world.start().await;
    apply(&mut supervisor, &[], &other).await;
    other.until(|other| other.function.runs().len() == 1).await;
    let changed = beside(&world, "mapping").batch_size(2);
    assert_eq!(apply(&mut supervisor, &["mapping"], &changed).await, Stopped::Clean);
    assert_eq!(world.function.handled(), numbers(0..10), "what was in flight has finished");
    assert_eq!(names(&supervisor), ["other", "mapping"]);
    changed.until_handled(5).await;
    assert_eq!(changed.function.handled(), numbers(10..15), "it goes on where it was");
    assert!(changed.function.runs().iter().all(|run| run.records.len() <= 2));
    other.until_handled(15).await;
    world.stop(supervisor).await;
    assert_eq!(other.function.runs().len(), 2, "no batch of the other was sent again");
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_paused_goes_on_later_where_it_was() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..5);
    let mut supervisor = world.start().await;
    world.until_handled(5).await;
    let paused = Mapping { enabled: false, ..world.mapping.clone() };
    let change = Change { stopped: vec![id("mapping")], disabled: vec![paused], started: vec![] };
    assert_eq!(supervisor.apply(change, GRACE, &world.clock).await.unwrap(), Stopped::Clean);
    assert!(supervisor.mappings()[0].view.is_none(), "it is shown, and does not run");
    world.stream.put("a", 5..10);
    world.clock.sleep(Duration::from_secs(600)).await;
    assert_eq!(world.function.handled(), numbers(0..5));
    apply(&mut supervisor, &["mapping"], &world).await;
    world.until_handled(10).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..10));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_outlasts_the_grace_time_of_a_change_is_sent_again_by_the_changed_mapping() {
    let world = World::new(&["a"]);
    world.function.takes(Duration::from_secs(900));
    world.stream.put("a", 0..5);
    let mut supervisor = world.start().await;
    world.until(|world| world.function.runs().len() == 1).await;
    let changed = beside(&world, "mapping");
    let before = world.clock.now();
    assert_eq!(apply(&mut supervisor, &["mapping"], &changed).await, Stopped::Abandoned);
    assert!(world.clock.now().since(before) < GRACE + Duration::from_secs(1));
    changed.until_handled(5).await;
    world.stop(supervisor).await;
    assert_eq!((world.function.handled(), changed.function.handled()), (numbers(0..0), numbers(0..5)));
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_is_removed_is_shown_no_more_and_its_position_stays() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..5);
    let mut supervisor = world.start().await;
    world.until_handled(5).await;
    let change = Change { stopped: vec![id("mapping")], ..Change::default() };
    supervisor.apply(change, GRACE, &world.clock).await.unwrap();
    assert_eq!(names(&supervisor), Vec::<String>::new());
    let position = |world: &World| world.store.kept("mapping").unwrap().shards.into_values().next().unwrap();
    assert!(position(&world).checkpoint.position.is_some());
}
