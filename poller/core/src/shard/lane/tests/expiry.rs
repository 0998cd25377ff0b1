//! What the stream no longer keeps (specification 4.2).

use super::*;
use std::time::Duration;

/// Records `a` and `b` arrived at 0, `c` and `d` at 500, and are kept for 1,000 ms. They are tried at 900, which ends so;
/// then come exactly these steps.
#[track_caller]
fn check(on: On, lines: &[(u64, &str, On)]) {
    let policy = Policy { batch_size: 4, retention: millis(1_000), ..policy() };
    let mut story = Story::of(&policy, &[("ab", 0), ("cd", 500)]);
    story.goes(&[(900, "abcd #1", on)]);
    story.goes(lines);
    story.is_over();
}

#[test]
fn a_record_is_retried_while_the_stream_keeps_it() {
    check(Fails, &[(999, "abcd #2", Succeeds)]);
}

#[test]
fn in_a_mixed_batch_only_the_expired_records_are_given_up() {
    for moment in [1_000, 1_499] {
        check(Fails, &[(moment, "ab expired after 1", Delivered), (moment, "cd #2", Succeeds)]);
    }
}

#[test]
fn a_batch_of_which_every_record_expired_is_given_up_whole() {
    check(Fails, &[(1_500, "abcd expired after 1", Delivered)]);
}

#[test]
fn a_batch_that_never_reached_the_function_expires_all_the_same() {
    check(Unreachable, &[(1_000, "ab expired after 0", Delivered), (1_000, "cd #1", Succeeds)]);
    check(Throttled, &[(1_500, "abcd expired after 0", Delivered)]);
}

#[test]
fn a_record_that_was_never_tried_is_not_given_up_however_old() {
    let policy = Policy { retention: millis(1_000), ..policy() };
    super::check(&policy, &[("ab", 0)], &[(90_000, "ab #1", Succeeds)]);
}

#[test]
fn minus_one_and_minus_one_retry_until_the_record_leaves_the_stream() {
    let policy = Policy { retention: Duration::from_secs(24 * 3_600), ..policy() };
    let mut story = Story::of(&policy, &[("a", 0)]);
    let day = 24 * 3_600 * 1_000;
    for attempt in 1..=20_000 {
        assert_eq!(story.step(day - 1), format!("a #{attempt}"), "more often than any limit allows");
        story.answer(Fails, day - 1);
    }
    story.goes(&[(day, "a expired after 20000", Delivered)]);
    story.is_over();
}

#[test]
fn a_record_that_left_the_log_is_not_retried_and_the_others_are() {
    let policy = Policy { batch_size: 4, log_start: 3, ..policy() };
    let mut story = Story::of(&policy, &[("12", 0), ("34", 500)]);
    story.goes(&[(900, "1234 #1", Fails), (900, "12 expired after 1", Delivered), (900, "34 #2", Succeeds)]);
    story.is_over();
}

#[test]
fn a_failure_says_how_often_the_function_was_invoked() {
    let policy = Policy { retention: millis(1_000), ..policy() };
    let lines = [
        (0, "a #1", Fails),
        (0, "a #2", Throttled),
        (0, "a #2", Fails),
        (0, "a #3", Unreachable),
        (1_000, "a expired after 2", Delivered),
    ];
    super::check(&policy, &[("a", 0)], &lines);
}

#[test]
fn giving_up_a_part_of_a_batch_does_not_shorten_the_backoff_of_the_rest() {
    let curve = Backoff { base: millis(1), factor: 2, cap: millis(1 << 20) };
    let policy = Policy { backoff: curve, retention: millis(1_000), ..policy() };
    let mut story = Story::of(&policy, &[("a", 0), ("b", 5_000)]);
    for attempt in 1..=15 {
        story.lane.state = State::Idle;
        story.goes(&[(500, &format!("ab #{attempt}"), Fails)]);
    }
    story.lane.state = State::Idle;
    story.goes(&[(1_000, "a expired after 15", Delivered), (1_000, "b #16", Fails)]);
    let (_, next) = story.lane.retrying().unwrap();
    assert!(next.since(at(1_000)) > curve.ceiling(1), "with this seed");
}

#[test]
fn a_rest_does_not_outlast_the_retention_of_a_record_and_the_others_are_tried_at_once() {
    let backoff = Backoff { base: Duration::from_secs(600), factor: 1, cap: Duration::from_secs(600) };
    let policy = Policy { backoff, retention: millis(1_000), ..policy() };
    let mut story = Story::of(&policy, &[("a", 0), ("bc", 500)]);
    story.goes(&[(500, "abc #1", Fails)]);
    assert_eq!(story.due(), 1_000);
    story.goes(&[(1_000, "a expired after 1", Delivered), (1_000, "bc #2", Succeeds)]);
    story.is_over();
}

#[test]
fn the_retention_ends_a_rest_also_where_a_higher_maximum_age_is_set() {
    let backoff = Backoff { base: Duration::from_secs(600), factor: 1, cap: Duration::from_secs(600) };
    let policy =
        Policy { backoff, retention: millis(1_000), record_age_max: Some(millis(50_000)), ..policy() };
    let mut story = Story::of(&policy, &[("a", 0), ("bc", 900)]);
    story.goes(&[(900, "abc #1", Fails)]);
    assert_eq!(story.due(), 1_000);
    story.goes(&[(1_000, "a expired after 1", Delivered), (1_000, "bc #2", Succeeds)]);
    story.is_over();
}
