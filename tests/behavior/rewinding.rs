//! Rewinding: a mapping that does not run is moved, and the next start goes on from there.

use crate::world::{World, numbers};
use pelton::ports::CheckpointStore as _;
use pelton::starting::find_stream;
use pelton::supervisor::{RewindError, RewindTo, Rewound, rewind};
use pelton_core::starting_position::StartingPosition::{AtTimestamp, Latest, TrimHorizon};
use pelton_core::starting_position::{ShardStart, StartingPosition};
use pelton_core::stream::ShardId;
use pelton_core::{Checkpoint, OpenWindow, Position, Timestamp};
use pelton_model::MappingId;
use std::time::Duration;

async fn try_move_to(world: &World, to: RewindTo) -> Result<Rewound, RewindError> {
    let found = find_stream(&world.mapping, &world.stream, &world.clock).await.unwrap();
    rewind(&world.mapping.id, &to, &found, &world.store, world.clock.now()).await
}

async fn move_to(world: &World, to: StartingPosition) -> Rewound {
    try_move_to(world, RewindTo::Start(to)).await.unwrap()
}

fn checkpoint_of(other: &str) -> RewindTo {
    RewindTo::CheckpointOf(MappingId(other.to_owned()))
}

/// Runs the mapping until it has caught up.
async fn run(world: &World) {
    let supervisor = world.start().await;
    supervisor.finished().await;
    world.stop(supervisor).await;
}

/// A mapping that has handled `0` to `4`, five seconds after each other.
async fn world() -> World {
    let world = World::new(&["a"]).until_caught_up();
    for number in 0..5 {
        world.stream.put("a", [number]);
        world.clock.sleep(Duration::from_secs(5)).await;
    }
    run(&world).await;
    assert_eq!(world.function.handled(), numbers(0..5));
    world
}

#[tokio::test(start_paused = true)]
async fn to_trim_horizon_brings_everything_again() {
    let world = world().await;
    let rewound = move_to(&world, TrimHorizon).await;
    let before = &rewound.before.unwrap().shards[&ShardId::new("a")];
    assert_eq!(before.checkpoint.position, Some(Position::new("4")));
    run(&world).await;
    assert_eq!(world.function.handled()[5..], numbers(0..5));
}

#[tokio::test(start_paused = true)]
async fn to_a_time_brings_what_arrived_then_or_later() {
    let world = world().await;
    let ago = world.clock.now().as_millis() - 12_000;
    move_to(&world, AtTimestamp(Timestamp::from_millis(ago))).await;
    run(&world).await;
    assert_eq!(world.function.handled()[5..], ["3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn to_latest_brings_only_what_arrives_after_the_rewind_also_long_before_the_next_start() {
    let world = world().await;
    move_to(&world, TrimHorizon).await;
    move_to(&world, Latest).await;
    world.stream.put("a", ["after"]);
    world.clock.sleep(Duration::from_secs(3600)).await;
    run(&world).await;
    assert_eq!(world.function.handled()[5..], ["after"]);
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_never_ran_starts_where_it_was_moved_to() {
    let world = World::new(&["a"]).from(Latest).until_caught_up();
    world.stream.put("a", 0..3);
    let rewound = move_to(&world, TrimHorizon).await;
    assert_eq!(rewound.before, None);
    run(&world).await;
    assert_eq!(world.function.handled(), numbers(0..3));
}

#[tokio::test(start_paused = true)]
async fn to_trim_horizon_reads_closed_shards_again_parents_first() {
    let world = World::new(&["parent"]).until_caught_up();
    world.stream.put("parent", ["parent"]);
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", ["child"]);
    run(&world).await;
    move_to(&world, TrimHorizon).await;
    run(&world).await;
    assert_eq!(world.function.handled(), ["parent", "child", "parent", "child"]);
}

#[tokio::test(start_paused = true)]
async fn the_checkpoint_of_another_mapping_is_taken_over_with_what_is_settled_ahead_and_without_its_window() {
    let world = world().await;
    let other = MappingId("other".into());
    let mut theirs = world.store.kept("mapping").unwrap();
    let window =
        OpenWindow { start: Timestamp::default(), end: Timestamp::from_millis(1), state: "{}".into() };
    let at_one = Checkpoint {
        position: Some(Position::new("1")),
        ended: false,
        ahead: [7, 9].into(),
        window: Some(window),
        ..Checkpoint::default()
    };
    theirs.shards.get_mut(&ShardId::new("a")).unwrap().checkpoint = at_one.clone();
    world.store.replace(&other, &theirs).await.unwrap();

    let rewound = try_move_to(&world, checkpoint_of("other")).await.unwrap();
    let taken = &rewound.after.shards[&ShardId::new("a")];
    assert_eq!(taken.checkpoint, Checkpoint { window: None, ..at_one });
    assert_eq!(taken.start, Some(ShardStart::TrimHorizon));
    assert_eq!(world.store.kept("mapping"), Some(rewound.after));
    assert_eq!(world.store.kept("other"), Some(theirs), "the other is not touched");
}

#[tokio::test(start_paused = true)]
async fn after_taking_over_a_checkpoint_it_goes_on_where_the_other_was() {
    let world = world().await;
    let mut theirs = world.store.kept("mapping").unwrap();
    theirs.shards.get_mut(&ShardId::new("a")).unwrap().checkpoint.position = Some(Position::new("2"));
    world.store.replace(&MappingId("other".into()), &theirs).await.unwrap();
    try_move_to(&world, checkpoint_of("other")).await.unwrap();
    run(&world).await;
    assert_eq!(world.function.handled()[5..], ["3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_does_not_exist_or_is_of_another_stream_is_refused_and_nothing_changes() {
    let world = world().await;
    let kept = world.store.kept("mapping").unwrap();
    let refused = try_move_to(&world, checkpoint_of("other")).await.unwrap_err();
    assert_eq!(refused.to_string(), "other has never run: it has no checkpoint");

    let mut theirs = kept.clone();
    theirs.stream.arn.push_str("-2");
    world.store.replace(&MappingId("other".into()), &theirs).await.unwrap();
    let refused = try_move_to(&world, checkpoint_of("other")).await.unwrap_err();
    assert!(matches!(refused, RewindError::AnotherStream { .. }), "{refused}");

    let mut theirs = kept.clone();
    theirs.stream.created = Timestamp::from_millis(1);
    world.store.replace(&MappingId("other".into()), &theirs).await.unwrap();
    let refused = try_move_to(&world, checkpoint_of("other")).await.unwrap_err();
    assert!(matches!(refused, RewindError::StreamMadeAgain { .. }), "{refused}");
    assert_eq!(world.store.kept("mapping"), Some(kept));
}

#[tokio::test(start_paused = true)]
async fn a_rewind_that_cannot_be_kept_changes_nothing() {
    let world = world().await;
    let kept = world.store.kept("mapping");
    world.store.fill_up();
    let refused = try_move_to(&world, RewindTo::Start(TrimHorizon)).await.unwrap_err();
    assert!(matches!(refused, RewindError::Store { .. }), "{refused}");
    assert_eq!(world.store.kept("mapping"), kept);
}
