//! When the batching window begins (specification 2.1).

use super::*;

/// After an invocation that ended at 100 with `on`, and a batch of which nothing is left, a record that came since is due at
/// `due`.
fn check(on: On, due: u64) {
    let policy = Policy { batching_window: millis(400), retention: millis(50), ..policy() };
    let mut story = Story::of(&policy, &[("a", 0)]);
    assert_eq!(story.step(0), "a #1");
    if story.answer(on, 100).is_empty() {
        story.goes(&[(100, "a expired after 1", Delivered)]);
    }
    story.push("b", 110);
    assert_eq!(story.lane.due(&policy, false, ReadSoFar::default()), Some(at(due)));
    let in_vain = story.lane.due(&policy, true, ReadSoFar::default()).unwrap();
    assert!(in_vain <= at(100), "a window is not waited for in vain");
}

#[test]
fn the_window_starts_when_the_previous_invocation_ended() {
    check(Succeeds, 500);
}

#[test]
fn the_window_starts_when_the_previous_invocation_ended_though_it_failed() {
    check(Fails, 500);
}
