//! Drain: what is in flight finishes, nothing new starts, what is settled is kept.

use super::*;

/// The last line, and no earlier one, finishes the drain; up to `checkpoint` everything is kept.
fn check_drained(policy: Policy, lines: &[(u64, On, &str)], checkpoint: Option<&str>) {
    let before_the_last = check(policy.clone(), &lines[..lines.len() - 1]);
    assert_eq!(before_the_last.finished(), None);
    let shard = check(policy, lines);
    assert_eq!(shard.finished(), Some(Finished::Drained));
    assert_eq!((shard.next_wakeup(), shard.view().records_held, shard.view().bytes_held), (None, 0, 0));
    assert_eq!(shard.view().checkpoint.position.as_ref().map(crate::Position::as_str), checkpoint);
}

#[test]
fn a_shard_with_nothing_in_flight_is_drained_at_once() {
    let lines = [(0, Begin, "fetch 10"), (5, Page("", CaughtUp), ""), (6, Drain, "")];
    check_drained(policy(), &lines, None);
}

#[test]
fn an_invocation_in_flight_finishes_and_is_kept() {
    check_drained(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "invoke abc #1"),
            (6, Drain, ""),
            (7, Succeeds, "save c"),
            (8, Saved, ""),
        ],
        Some("c"),
    );
}

#[test]
fn an_invocation_that_fails_while_draining_is_not_tried_again() {
    for outcome in [Fails, Throttled, Unreachable] {
        let lines = [
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "invoke abc #1"),
            (6, Drain, ""),
            (7, outcome, ""),
        ];
        check_drained(policy(), &lines, None);
    }
}

#[test]
fn drain_interrupts_a_backoff() {
    let slow = crate::Backoff { base: millis(60_000), factor: 2, cap: millis(60_000) };
    let lines =
        [(0, Begin, "fetch 10"), (5, Page("a", CaughtUp), "invoke a #1"), (6, Fails, ""), (7, Drain, "")];
    check_drained(Policy { backoff: slow, ..policy() }, &lines, None);
}

#[test]
fn drain_interrupts_a_window() {
    let window = Policy { batching_window: millis(60_000), ..policy() };
    check_drained(window, &[(0, Begin, "fetch 10"), (5, Page("a", CaughtUp), ""), (6, Drain, "")], None);
}

#[test]
fn a_page_that_arrives_while_draining_is_not_accepted() {
    check_drained(policy(), &[(0, Begin, "fetch 10"), (5, Drain, ""), (6, Page("ab", More), "")], None);
}

#[test]
fn an_end_that_arrives_while_draining_is_not_accepted() {
    check_drained(policy(), &[(0, Begin, "fetch 10"), (5, Drain, ""), (6, Page("", ShardEnd), "")], None);
}

#[test]
fn a_read_that_is_taken_back_for_draining_is_no_error() {
    let lines = [(0, Begin, "fetch 10"), (5, Drain, ""), (6, FetchFails(FetchError::Cancelled), "")];
    check_drained(policy(), &lines, None);
    assert_eq!(check(policy(), &lines).view().counts.fetch_errors, 0);
}

#[test]
fn what_is_settled_is_saved_while_draining_until_it_is_kept() {
    check_drained(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke ab #1"),
            (6, Succeeds, "save b"),
            (7, Drain, ""),
            (8, SaveFails, "save b"),
            (9, Saved, ""),
        ],
        Some("b"),
    );
}

#[test]
fn a_failure_in_flight_is_delivered_and_kept_though_the_rest_of_its_batch_is_let_go() {
    check_drained(
        Policy {
            batching_window: millis(210),
            retention: millis(1_000),
            poll_interval: millis(9_999),
            ..policy()
        },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), ""),
            (200, Nothing, "fetch 9"),
            (210, Page("bc", CaughtUp), "invoke abc #1"),
            (1_005, Fails, "expired a"),
            (1_006, Drain, ""),
            (1_007, FailureSent, "save a"),
            (1_008, Saved, ""),
        ],
        Some("a"),
    );
}

#[test]
fn a_hint_and_a_second_drain_change_nothing_while_draining() {
    check_drained(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke ab #1"),
            (6, Drain, ""),
            (7, Arrived, ""),
            (8, Drain, ""),
            (2_000, Nothing, ""),
            (2_001, Fails, ""),
        ],
        None,
    );
}

#[test]
fn a_shard_that_was_read_to_its_end_is_only_drained_while_records_are_left() {
    check_drained(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", ShardEnd), "invoke abc #1"),
            (6, Drain, ""),
            (7, Succeeds, "save c"),
            (8, Saved, ""),
        ],
        Some("c"),
    );
}

#[test]
fn a_shard_whose_last_batch_succeeds_while_draining_has_ended() {
    let shard = check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abc", ShardEnd), "invoke abc #1"),
            (6, Drain, ""),
            (7, Succeeds, "save c end"),
            (8, Saved, ""),
        ],
    );
    assert_eq!(shard.finished(), Some(Finished::ShardEnd));
}

/// How many records of `lines` are left for the next start by a drain.
#[track_caller]
fn check_left(policy: Policy, lines: &[(u64, On, &str)], left: usize) {
    assert_eq!(check(policy, lines).view().records_left, left);
}

#[test]
fn records_of_a_batch_that_failed_are_said_to_be_left() {
    let slow = crate::Backoff { base: millis(60_000), factor: 2, cap: millis(60_000) };
    let failing = Policy { backoff: slow, ..policy() };
    let begin = [(0, Begin, "fetch 10"), (5, Page("abcd", CaughtUp), "invoke abc #1")];
    check_left(failing.clone(), &[&begin[..], &[(6, Fails, ""), (7, Drain, "")]].concat(), 3);
    check_left(failing.clone(), &[&begin[..], &[(6, Drain, ""), (7, Fails, "")]].concat(), 3);
    let halves = Policy { bisects: true, ..failing };
    check_left(halves, &[&begin[..], &[(6, Fails, ""), (7, Drain, ""), (8, Drain, "")]].concat(), 3);
}

#[test]
fn records_that_were_never_in_a_batch_or_are_settled_are_not_said_to_be_left() {
    let begin = [(0, Begin, "fetch 10"), (5, Page("abcd", CaughtUp), "invoke abc #1")];
    let lines = [&begin[..], &[(6, Drain, ""), (7, Succeeds, "save c"), (8, Saved, "")]].concat();
    check_left(policy(), &lines, 0);
}
