//! Specification 4.2: MaximumRecordAgeInSeconds, whose least value is too long to wait for in real time.

use crate::world::{World, numbers};
use pelton_core::{GiveUp, Outcome, Timestamp};
use pelton_tests::fakes::FakeDestination;
use std::time::Duration;

const AGE_MAX: Duration = Duration::from_secs(60);

/// A mapping that gives up what is older than a minute, and a function that fails with whatever begins with `bad`.
fn world() -> (World, FakeDestination) {
    let (mut world, destination) = World::new(&["a"]).with_destination();
    world = world.shards(|shards| shards.maximum_record_age = Some(AGE_MAX));
    world.function.does(|records| {
        let is_bad = records.iter().any(|record| record.starts_with("bad"));
        let failed = Outcome::FunctionFailed { error_type: "Exception".into(), message: "told to".into() };
        (Duration::ZERO, if is_bad { failed } else { Outcome::Succeeded { payload: "null".into() } })
    });
    (world, destination)
}

/// What was given up: its records, why, and how often the function was invoked with them.
fn given_up(destination: &FakeDestination) -> Vec<(Vec<String>, GiveUp, u32)> {
    let taken = destination.taken().into_iter();
    taken.map(|taken| (taken.records, taken.reason, taken.attempts)).collect()
}

/// When the function was invoked with this record.
fn invoked_with(world: &World, record: &str) -> Vec<Timestamp> {
    let runs = world.function.runs().into_iter();
    runs.filter(|run| run.records.iter().any(|own| own == record)).map(|run| run.began).collect()
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_already_too_old_when_first_read_is_not_sent_to_the_function() {
    let (world, destination) = world();
    world.stream.put("a", ["old"]);
    world.clock.sleep(AGE_MAX).await;
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.until_handled(5).await;
    world.stop(supervisor).await;
    assert_eq!(
        world.function.runs()[0].records,
        numbers(0..5),
        "the handler saw only the 5 fresh records of 6"
    );
    assert_eq!(given_up(&destination), [(vec!["old".to_owned()], GiveUp::TooOld, 0)]);
}

#[tokio::test(start_paused = true)]
async fn age_is_measured_before_each_attempt_per_record_not_per_batch() {
    let (world, destination) = world();
    let put_at = world.clock.now();
    world.stream.put("a", ["bad"]);
    world.clock.sleep(AGE_MAX / 2).await;
    world.stream.put("a", 0..3);
    let supervisor = world.start().await;
    world.until_handled(3).await;
    world.stop(supervisor).await;

    let tries = invoked_with(&world, "bad");
    assert!(tries.len() > 1 && tries.iter().all(|at| at.since(put_at) < AGE_MAX), "{tries:?}");
    let attempts = u32::try_from(tries.len()).unwrap();
    assert_eq!(given_up(&destination), [(vec!["bad".to_owned()], GiveUp::TooOld, attempts)]);
    assert_eq!(world.function.handled(), numbers(0..3), "the rest is invoked normally");
    assert_eq!(invoked_with(&world, "0").len(), tries.len() + 1, "it was in the same batch");
}

#[tokio::test(start_paused = true)]
async fn unable_to_invoke_keeps_retrying_until_maximum_record_age_and_the_retry_quota_is_untouched() {
    for outcome in [Outcome::Throttled, Outcome::NotInvoked { reason: "nobody there".into() }] {
        let (mut world, destination) = world();
        world = world.shards(|shards| shards.maximum_retry_attempts = Some(0));
        world.function.does(move |_| (Duration::ZERO, outcome.clone()));
        world.stream.put("a", ["waits"]);
        let supervisor = world.start().await;
        world.clock.sleep(AGE_MAX / 2).await;
        assert!(destination.taken().is_empty() && invoked_with(&world, "waits").len() > 1);
        world.until(|_| !destination.taken().is_empty()).await;
        world.stop(supervisor).await;
        assert_eq!(given_up(&destination), [(vec!["waits".to_owned()], GiveUp::TooOld, 0)]);
    }
}
