//! Tumbling windows: state and position are kept together, and every window ends (specification 5.2).

use super::*;
use crate::testing::in_windows;

const ONE: &str = r#"{"state":{"n":1}}"#;
const TWO: &str = r#"{"state":{"n":2}}"#;

/// The window of the first second of the table, with this state.
fn first_window(state: &'static str) -> Option<OpenWindow> {
    Some(OpenWindow { start: at(0), end: at(1_000), state: Bytes::from_static(state.as_bytes()) })
}

#[test]
fn state_and_position_are_in_one_save() {
    check(
        Policy { batch_size: 1, poll_interval: millis(9_999), ..in_windows() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, r#"invoke b #1 @0 {"n":1}"#),
            (8, Says(TWO), r#"save b in {"n":2}"#),
            (9, Saved, ""),
        ],
    );
}

#[test]
fn a_window_is_over_when_a_record_of_a_later_window_is_seen() {
    check(
        Policy { poll_interval: millis(9_999), ..in_windows() },
        &[
            (0, Begin, "fetch 10"),
            (1_005, Mixed(&[("a", 5), ("b", 1_000)], CaughtUp), "invoke a #1 @0 {}"),
            (1_006, Says(ONE), r#"save a in {"n":1}"#),
            (1_007, Saved, r#"invoke #1 final @0 {"n":1}"#),
            (1_008, Succeeds, "save a"),
            (1_009, Saved, "invoke b #1 @1 {}"),
        ],
    );
}

#[test]
fn a_window_is_over_when_nothing_new_arrives() {
    check(
        in_windows(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, ""),
            (1_000, Nothing, "fetch 10"),
            (1_005, Page("", CaughtUp), ""),
            (2_999, Nothing, "fetch 10"),
            (3_005, Page("", CaughtUp), ""),
            (4_000, Nothing, "fetch 10"),
            (4_005, Page("", CaughtUp), r#"invoke #1 final @0 {"n":1}"#),
            (4_006, Succeeds, "save a"),
            (4_007, Saved, ""),
        ],
    );
}

#[test]
fn a_window_stays_open_while_there_is_more_to_read() {
    check(
        in_windows(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, ""),
            (90_000, Nothing, "fetch 10"),
            (90_005, Page("", More), ""),
            (90_200, Nothing, "fetch 10"),
            (90_205, Mixed(&[("b", 999)], More), r#"invoke b #1 @0 {"n":1}"#),
        ],
    );
}

#[test]
fn a_read_that_may_have_missed_a_record_does_not_end_a_window() {
    check(
        in_windows(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, ""),
            (9_000, Nothing, "fetch 10"),
            (9_001, Arrived, ""),
            (9_002, Page("", CaughtUp), ""),
            (9_200, Nothing, "fetch 10"),
            (9_201, Page("", CaughtUp), r#"invoke #1 final @0 {"n":1}"#),
        ],
    );
}

#[test]
fn a_record_that_no_filter_lets_through_is_seen_all_the_same() {
    check(
        in_windows(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, ""),
            (1_100, Nothing, "fetch 10"),
            (1_105, Mixed(&[("~b", 999)], More), r#"save b in {"n":1}"#),
            (1_106, Saved, ""),
            (1_300, Nothing, "fetch 10"),
            (1_305, Mixed(&[("~c", 1_000)], More), r#"save c in {"n":1}, invoke #1 final @0 {"n":1}"#),
            (1_306, Succeeds, ""),
            (1_307, Saved, "save c"),
        ],
    );
}

#[test]
fn shard_end_closes_the_current_window_and_only_then_the_shard_has_ended() {
    let shard = check(
        in_windows(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", ShardEnd), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, r#"invoke #1 final @0 {"n":1}"#),
            (8, Succeeds, "save a end"),
            (9, Saved, ""),
        ],
    );
    assert_eq!(shard.finished(), Some(Finished::ShardEnd));
}

#[test]
fn an_end_that_is_seen_late_closes_the_window() {
    check(
        in_windows(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, ""),
            (200, Nothing, "fetch 10"),
            (205, Page("", ShardEnd), r#"invoke #1 final @0 {"n":1}"#),
            (206, Succeeds, "save a end"),
        ],
    );
}

#[test]
fn if_the_final_invocation_fails_the_shard_waits_and_retries() {
    let shard = check(
        Policy { poll_interval: millis(9_999), ..in_windows() },
        &[
            (0, Begin, "fetch 10"),
            (1_005, Mixed(&[("a", 5), ("b", 1_000)], CaughtUp), "invoke a #1 @0 {}"),
            (1_006, Says(ONE), r#"save a in {"n":1}"#),
            (1_007, Saved, r#"invoke #1 final @0 {"n":1}"#),
            (1_008, Fails, r#"invoke #2 final @0 {"n":1}"#),
            (1_009, Unreachable, r#"invoke #2 final @0 {"n":1}"#),
            (1_010, Succeeds, "save a"),
            (1_011, Saved, "invoke b #1 @1 {}"),
        ],
    );
    assert_eq!(shard.view().counts.function_errors, 1);
}

#[test]
fn a_final_invocation_that_is_given_up_ends_its_window_and_the_shard_goes_on() {
    check(
        Policy { poll_interval: millis(9_999), retry_attempts_max: Some(0), ..in_windows() },
        &[
            (0, Begin, "fetch 10"),
            (1_005, Mixed(&[("a", 5), ("b", 1_000)], CaughtUp), "invoke a #1 @0 {}"),
            (1_006, Says(ONE), r#"save a in {"n":1}"#),
            (1_007, Saved, r#"invoke #1 final @0 {"n":1}"#),
            (1_008, Fails, "retried enough"),
            (1_009, FailureSent, "save a"),
            (1_010, Saved, "invoke b #1 @1 {}"),
        ],
    );
}

#[test]
fn a_restart_from_a_kept_window_goes_on_with_its_state() {
    let kept = Checkpoint { window: first_window(r#"{"n":1}"#), ..up_to("a") };
    check_from(
        in_windows(),
        kept.clone(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("b", CaughtUp), r#"invoke b #1 @0 {"n":1}"#),
            (6, Says(TWO), r#"save b in {"n":2}"#),
        ],
    );
    check_from(
        in_windows(),
        kept,
        &[
            (0, Begin, "fetch 10"),
            (999, Mixed(&[("b", 7_000)], CaughtUp), r#"invoke #1 final @0 {"n":1}"#),
            (7_001, Succeeds, "save a, fetch 9"),
            (7_002, Saved, "invoke b #1 @7 {}"),
        ],
    );
}

#[test]
fn a_restart_from_a_kept_window_for_which_nothing_more_comes_ends_it() {
    let length = Duration::from_millis(1);
    let window = OpenWindow { start: at(0).after(length), ..first_window("7").unwrap() };
    let kept = Checkpoint { window: Some(window), ..up_to("a") };
    check_from(
        in_windows(),
        kept,
        &[
            (0, Begin, "fetch 10"),
            (1, Page("", CaughtUp), ""),
            (60_000, Nothing, "fetch 10"),
            (60_001, Page("", CaughtUp), "invoke #1 final @0 7"),
        ],
    );
}

#[test]
fn a_kept_window_keeps_its_borders_though_the_mapping_has_others_now() {
    let kept = Checkpoint { window: first_window("1"), ..up_to("a") };
    let tumbling = in_windows().tumbling.map(|tumbling| crate::Tumbling { length: millis(200), ..tumbling });
    check_from(
        Policy { tumbling, poll_interval: millis(9_999), ..in_windows() },
        kept,
        &[(0, Begin, "fetch 10"), (999, Page("b", CaughtUp), "invoke b #1 @0 1")],
    );
}

#[test]
fn a_window_is_dropped_when_the_mapping_has_none_any_more_and_that_is_said() {
    let kept = Checkpoint { window: first_window(r#"{"n":1}"#), ..up_to("a") };
    let mut shard = check_from(
        policy(),
        kept,
        &[
            (0, Begin, "save a, fetch 10"),
            (5, Page("b", CaughtUp), "invoke b #1"),
            (6, Succeeds, ""),
            (7, Saved, "save b"),
        ],
    );
    assert_eq!(shard.next_notice(), Some(Notice::WindowDropped));
    assert_eq!(shard.next_notice(), None);
}

#[test]
fn a_window_that_ends_early_is_said_once() {
    let state: &'static str = String::leak(format!(r#"{{"state":"{}"}}"#, "x".repeat(1_048_575)));
    let mut shard = check(
        Policy { event_bytes_max: crate::EVENT_BYTES_MAX, ..in_windows() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1 @0 {}"),
            (6, Says(state), &format!("save a in \"{}\"", "x".repeat(1_048_575))),
            (7, Saved, "invoke #1 early final @0 (1048577 bytes)"),
            (8, Throttled, "invoke #1 early final @0 (1048577 bytes)"),
            (8, Fails, "invoke #2 early final @0 (1048577 bytes)"),
            (9, Succeeds, "save a"),
        ],
    );
    assert_eq!(shard.next_notice(), Some(Notice::WindowEndedEarly { state_bytes: 1_048_577 }));
    let again = |notice: &Notice| matches!(notice, Notice::WindowEndedEarly { .. });
    assert!(!std::iter::from_fn(|| shard.next_notice()).any(|notice| again(&notice)));
}

#[test]
fn a_discarded_batch_is_kept_with_the_state_from_before_it() {
    check(
        Policy { batch_size: 1, retry_attempts_max: Some(0), ..in_windows() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, r#"invoke b #1 @0 {"n":1}"#),
            (8, Fails, "retried enough b"),
            (9, FailureSent, r#"save b in {"n":1}"#),
        ],
    );
}

#[test]
fn draining_keeps_the_window_that_is_open() {
    let shard = check(
        Policy { batch_size: 1, ..in_windows() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke a #1 @0 {}"),
            (6, Drain, ""),
            (7, Says(ONE), r#"save a in {"n":1}"#),
            (8, Saved, ""),
        ],
    );
    assert_eq!(shard.finished(), Some(Finished::Drained));
    assert_eq!(shard.view().checkpoint.window, first_window(r#"{"n":1}"#));
}

#[test]
fn a_final_invocation_in_flight_while_draining_ends_its_window() {
    let lines = |end, command| {
        [
            (0, Begin, "fetch 10"),
            (5, Page("a", ShardEnd), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, r#"invoke #1 final @0 {"n":1}"#),
            (8, Drain, ""),
            (9, end, command),
        ]
    };
    let failed = check(in_windows(), &lines(Fails, ""));
    assert_eq!(failed.finished(), Some(Finished::Drained));
    assert_eq!(failed.view().checkpoint.window, first_window(r#"{"n":1}"#));
    check(in_windows(), &lines(Succeeds, "save a end"));
}

#[test]
fn the_final_invocation_counts_as_an_invocation_of_no_records_and_has_no_iterator_age() {
    let shard = check(
        in_windows(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", ShardEnd), "invoke a #1 @0 {}"),
            (6, Says(ONE), r#"save a in {"n":1}"#),
            (7, Saved, r#"invoke #1 final @0 {"n":1}"#),
        ],
    );
    let view = shard.view();
    assert_eq!((view.counts.invocations, view.counts.invoked, view.counts.retries), (2, 1, 0));
    assert_eq!(view.iterator_age, Some(millis(0)), "that of the batch before");
}

#[test]
fn a_full_window_does_not_wait_for_the_batching_window() {
    check(
        Policy { batching_window: Duration::from_secs(300), batch_size: 100, ..in_windows() },
        &[(0, Begin, "fetch 10"), (5, Mixed(&[("ab", 0), ("c", 1_000)], CaughtUp), "invoke ab #1 @0 {}")],
    );
}
