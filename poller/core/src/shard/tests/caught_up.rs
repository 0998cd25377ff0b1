//! `until_caught_up`: what was in the shard at the start is worked off, and what came later is left.

use super::*;

fn until_caught_up() -> Policy {
    Policy { until_caught_up: true, ..policy() }
}

#[track_caller]
fn check_finished(policy: Policy, lines: &[(u64, On, &str)], checkpoint: Option<&str>) {
    let before_the_last = check(policy.clone(), &lines[..lines.len() - 1]);
    assert_eq!(before_the_last.finished(), None);
    let shard = check(policy, lines);
    assert_eq!(shard.finished(), Some(Finished::CaughtUp));
    assert_eq!((shard.next_wakeup(), shard.view().records_held), (None, 0));
    assert_eq!(shard.view().checkpoint.position.as_ref().map(Position::as_str), checkpoint);
    assert!(!shard.view().checkpoint.ended);
}

#[test]
fn an_empty_shard_is_caught_up_at_once() {
    check_finished(until_caught_up(), &[(0, Begin, "fetch 10"), (5, Page("", CaughtUp), "")], None);
}

#[test]
fn everything_that_was_there_is_settled_and_kept_first() {
    check_finished(
        until_caught_up(),
        &[
            (0, Begin, "fetch 10"),
            (5, Mixed(&[("abcd", 0)], CaughtUp), "invoke abc #1"),
            (6, Succeeds, "save c"),
            (7, Saved, "invoke d #1"),
            (8, Succeeds, "save d"),
            (9, Saved, ""),
        ],
        Some("d"),
    );
}

#[test]
fn reading_goes_on_until_nothing_more_is_there() {
    check_finished(
        until_caught_up(),
        &[
            (0, Begin, "fetch 10"),
            (5, Mixed(&[("a", 0)], More), "invoke a #1"),
            (6, Succeeds, "save a"),
            (7, Saved, ""),
            (200, Nothing, "fetch 10"),
            (205, Page("", More), ""),
            (400, Nothing, "fetch 10"),
            (405, Page("", CaughtUp), ""),
        ],
        Some("a"),
    );
}

#[test]
fn what_arrived_later_is_left_though_it_never_stops() {
    check_finished(
        Policy { batch_size: 10, ..until_caught_up() },
        &[
            (0, Begin, "fetch 10"),
            (5, Mixed(&[("a", 0)], More), "invoke a #1"),
            (6, Succeeds, "save a"),
            (7, Saved, ""),
            (8_000, Nothing, "fetch 10"),
            (8_005, Mixed(&[("b", 4_999)], More), "invoke b #1"),
            (8_006, Succeeds, "save b"),
            (8_007, Saved, ""),
            (8_200, Nothing, "fetch 10"),
            (8_205, Mixed(&[("c", 5_000)], More), "invoke c #1"),
            (8_206, Succeeds, "save c"),
            (8_207, Saved, ""),
        ],
        Some("c"),
    );
}

#[test]
fn no_batching_window_is_waited_for() {
    check_finished(
        Policy { batching_window: Duration::from_secs(300), ..until_caught_up() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (6, Succeeds, "save a"),
            (7, Saved, ""),
        ],
        Some("a"),
    );
}

#[test]
fn a_batch_that_fails_keeps_it_unfinished() {
    let shard = check(
        until_caught_up(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (6, Fails, "invoke a #2"),
            (7, Throttled, "invoke a #2"),
            (90_000, Fails, "invoke a #3"),
        ],
    );
    assert_eq!(shard.finished(), None);
}

#[test]
fn what_was_given_up_is_settled_too() {
    check_finished(
        Policy { retry_attempts_max: Some(0), ..until_caught_up() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (6, Fails, "retried enough a"),
            (7, FailureSent, "save a"),
            (8, Saved, ""),
        ],
        Some("a"),
    );
}

#[test]
fn what_was_filtered_out_is_settled_too() {
    check_finished(
        until_caught_up(),
        &[(0, Begin, "fetch 10"), (5, Mixed(&[("~ab", 0)], CaughtUp), "save b"), (6, Saved, "")],
        Some("b"),
    );
}

#[test]
fn a_checkpoint_that_cannot_be_kept_keeps_it_unfinished() {
    let shard = check(
        until_caught_up(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (6, Succeeds, "save a"),
            (7, SaveFails, "save a"),
        ],
    );
    assert_eq!(shard.finished(), None);
}

#[test]
fn a_read_that_fails_is_tried_again() {
    check_finished(
        until_caught_up(),
        &[
            (0, Begin, "fetch 10"),
            (5, FetchFails(FetchError::Unavailable), ""),
            (200, Nothing, "fetch 10"),
            (205, Page("", CaughtUp), ""),
        ],
        None,
    );
}

#[test]
fn a_hint_that_more_arrived_changes_nothing_any_more() {
    check_finished(
        until_caught_up(),
        &[
            (0, Begin, "fetch 10"),
            (3, Arrived, ""),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (6, Arrived, ""),
            (7, Succeeds, "save a"),
            (8, Saved, ""),
        ],
        Some("a"),
    );
}

#[test]
fn a_shard_that_ends_has_ended() {
    let shard = check(
        until_caught_up(),
        &[(0, Begin, "fetch 10"), (5, Page("", ShardEnd), "save - end"), (6, Saved, "")],
    );
    assert_eq!(shard.finished(), Some(Finished::ShardEnd));
}

#[test]
fn what_is_in_flight_when_it_is_told_to_stop_may_be_the_last() {
    let lines = |answer, command| {
        [
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke ab #1"),
            (6, Drain, ""),
            (7, answer, command),
            (8, Saved, ""),
        ]
    };
    let all = check(until_caught_up(), &lines(Succeeds, "save b"));
    assert_eq!(all.finished(), Some(Finished::CaughtUp));
    let failed = check(until_caught_up(), &lines(Fails, "")[..4]);
    assert_eq!(failed.finished(), Some(Finished::Drained));
}

#[test]
fn a_window_that_is_over_is_ended_first() {
    let policy = || Policy { until_caught_up: true, ..crate::testing::in_windows() };
    let state = r#"{"state":1}"#;
    check_finished(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("", More), ""),
            (9_000, Nothing, "fetch 10"),
            (9_005, Mixed(&[("a", 100)], CaughtUp), "invoke a #1 @0 {}"),
            (9_006, Says(state), "save a in 1"),
            (9_007, Saved, "invoke #1 final @0 1"),
            (9_008, Succeeds, "save a"),
            (9_009, Saved, ""),
        ],
        Some("a"),
    );
}

#[test]
fn a_window_that_is_over_and_was_not_ended_is_left_to_do() {
    let shard = check(
        Policy { until_caught_up: true, ..crate::testing::in_windows() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("", More), ""),
            (9_000, Nothing, "fetch 10"),
            (9_005, Mixed(&[("a", 100)], CaughtUp), "invoke a #1 @0 {}"),
            (9_006, Drain, ""),
            (9_007, Says(r#"{"state":1}"#), "save a in 1"),
            (9_008, Saved, ""),
        ],
    );
    assert_eq!(shard.finished(), Some(Finished::Drained));
}

#[test]
fn a_window_that_is_not_over_is_kept_for_the_next_time() {
    let policy = Policy { until_caught_up: true, ..crate::testing::in_windows() };
    let lines = [
        (0, Begin, "fetch 10"),
        (5, Page("a", CaughtUp), "invoke a #1 @0 {}"),
        (6, Says(r#"{"state":1}"#), "save a in 1"),
        (7, Saved, ""),
    ];
    check_finished(policy.clone(), &lines, Some("a"));
    assert!(check(policy, &lines).view().checkpoint.window.is_some());
}
