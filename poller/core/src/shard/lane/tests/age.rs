//! MaximumRecordAgeInSeconds: how old a record may be at each attempt (specification 4.2).

use super::*;

/// Records may be up to 1,000 ms old.
fn young(batch_size: usize) -> Policy {
    Policy { record_age_max: Some(millis(1_000)), batch_size, ..policy() }
}

#[test]
fn a_record_is_invoked_until_it_reaches_the_maximum_age_and_then_not_any_more() {
    check(&young(3), &[("ab", 0)], &[(999, "ab #1", Succeeds)]);
    check(&young(3), &[("ab", 0)], &[(1_000, "ab too old after 0", Delivered)]);
}

#[test]
fn a_record_that_is_already_too_old_when_first_read_is_not_sent_to_the_function() {
    check(
        &young(6),
        &[("a", 0), ("bcdef", 900)],
        &[(1_500, "a too old after 0", Delivered), (1_500, "bcdef #1", Succeeds)],
    );
}

#[test]
fn age_is_measured_before_each_attempt() {
    check(
        &young(3),
        &[("ab", 0)],
        &[
            (100, "ab #1", Fails),
            (500, "ab #2", Throttled),
            (999, "ab #2", Fails),
            (1_000, "ab too old after 2", Delivered),
        ],
    );
}

#[test]
fn age_is_measured_per_record_not_per_batch() {
    check(
        &young(3),
        &[("a", 0), ("b", 300), ("c", 600)],
        &[
            (900, "abc #1", Fails),
            (1_000, "a too old after 1", Delivered),
            (1_000, "bc #2", Fails),
            (1_300, "b too old after 2", Delivered),
            (1_300, "c #3", Succeeds),
        ],
    );
}

#[test]
fn only_the_records_that_are_too_old_are_reported_wherever_they_stand() {
    check(
        &young(4),
        &[("a", 500), ("b", 0), ("c", 500), ("d", 100)],
        &[(1_200, "bd too old after 0", Delivered), (1_200, "ac #1", Succeeds)],
    );
}

#[test]
fn a_throttled_batch_is_kept_until_the_maximum_age() {
    check(
        &Policy { retry_attempts_max: Some(0), ..young(3) },
        &[("a", 0)],
        &[(0, "a #1", Throttled), (999, "a #1", Throttled), (1_000, "a too old after 0", Delivered)],
    );
}

#[test]
fn unable_to_invoke_keeps_retrying_until_the_maximum_age_and_the_retry_quota_is_untouched() {
    check(
        &Policy { retry_attempts_max: Some(1), ..young(3) },
        &[("ab", 0)],
        &[
            (0, "ab #1", Unreachable),
            (1, "ab #1", Fails),
            (999, "ab #2", Unreachable),
            (1_000, "ab too old after 1", Delivered),
        ],
    );
}

#[test]
fn an_old_batch_is_given_up_though_retries_remain() {
    check(
        &Policy { retry_attempts_max: Some(10_000), ..young(3) },
        &[("a", 0)],
        &[(0, "a #1", Fails), (1_000, "a too old after 1", Delivered)],
    );
}

#[test]
fn a_batch_that_used_up_its_retries_is_given_up_as_that_though_it_is_old_by_then() {
    check(
        &Policy { retry_attempts_max: Some(0), ..young(3) },
        &[("a", 0)],
        &[(999, "a #1", Fails), (5_000, "a retried enough after 1", Delivered)],
    );
}

#[test]
fn what_is_too_old_and_has_expired_is_reported_as_too_old() {
    check(
        &Policy { retention: millis(1_000), ..young(3) },
        &[("a", 0)],
        &[(0, "a #1", Fails), (1_000, "a too old after 1", Delivered)],
    );
}

#[test]
fn without_a_maximum_no_age_is_too_old() {
    let policy = Policy { record_age_max: None, ..policy() };
    check(&policy, &[("a", 0)], &[(604_800_000, "a #1", Succeeds)]);
}

#[test]
fn what_is_left_when_others_were_too_old_keeps_its_attempts() {
    check(
        &Policy { retry_attempts_max: Some(1), ..young(3) },
        &[("a", 0), ("b", 500)],
        &[
            (900, "ab #1", Fails),
            (1_100, "a too old after 1", Delivered),
            (1_100, "b #2", Fails),
            (1_100, "b retried enough after 2", Delivered),
        ],
    );
}

/// Records may be up to a minute old, and every rest is as long as it can be: it would outlast that.
fn patient(batch_size: usize) -> Policy {
    let backoff = Backoff { base: MINUTE * 1_000, factor: 1, cap: MINUTE * 1_000 };
    Policy { backoff, record_age_max: Some(MINUTE), batch_size, event_bytes_max: 10_000, ..policy() }
}

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

#[test]
fn a_rest_does_not_outlast_the_age_limit_of_the_next_record_and_the_others_are_tried_at_once() {
    let mut story = Story::of(&patient(3), &[("a", 0), ("bc", 30_000)]);
    story.goes(&[(30_000, "abc #1", Fails)]);
    assert_eq!(story.due(), 60_000);
    story.goes(&[(60_000, "a too old after 1", Delivered), (60_000, "bc #2", Succeeds)]);
    story.is_over();
}

#[test]
fn a_rest_that_is_shorter_than_the_age_limits_stays_as_it_is() {
    let policy = Policy { backoff: no_backoff(), ..patient(3) };
    let mut story = Story::of(&policy, &[("ab", 0)]);
    story.goes(&[(100, "ab #1", Fails)]);
    assert_eq!(story.due(), 100);
}

#[test]
fn the_record_that_is_too_old_next_may_stand_anywhere() {
    let mut story = Story::of(&patient(3), &[("a", 30_000), ("b", 0), ("c", 20_000)]);
    story.goes(&[(30_000, "abc #1", Throttled)]);
    assert_eq!(story.due(), 60_000);
    story.goes(&[(60_000, "b too old after 0", Delivered), (60_000, "ac #1", Unreachable)]);
    assert_eq!(story.due(), 80_000);
}

#[test]
fn what_became_too_old_during_its_invocation_does_not_rest() {
    let mut story = Story::of(&patient(3), &[("a", 0), ("b", 30_000)]);
    assert_eq!(story.step(50_000), "ab #1");
    story.answer(Fails, 70_000);
    assert_eq!(story.due(), 70_000);
    story.goes(&[(70_000, "a too old after 1", Delivered), (70_000, "b #2", Succeeds)]);
}

#[test]
fn a_half_of_a_batch_rests_no_longer_than_its_own_records_may() {
    let policy = Policy { bisects: true, ..patient(4) };
    let mut story = Story::of(&policy, &[("c", 0), ("ab", 20_000), ("d", 10_000)]);
    story.goes(&[(30_000, "cabd #1", Fails)]);
    assert_eq!(story.due(), 60_000);
    story.goes(&[(60_000, "c too old after 0", Delivered), (60_000, "a #1", Fails)]);
    assert_eq!(story.due(), 80_000);
}

#[test]
fn an_attempt_that_comes_for_an_age_limit_uses_up_a_retry_as_any_other() {
    let policy = Policy { retry_attempts_max: Some(1), ..patient(3) };
    check(
        &policy,
        &[("a", 0), ("bc", 30_000)],
        &[
            (30_000, "abc #1", Fails),
            (60_000, "a too old after 1", Delivered),
            (60_000, "bc #2", Fails),
            (60_000, "bc retried enough after 2", Delivered),
        ],
    );
}

/// A lane that always fails, with `count` records, each `apart` ms younger than the one before: how often it invokes once the
/// first is too old, and with how many records at the last time.
fn storm(count: u64, apart: u64) -> (usize, usize) {
    let mut story = Story::of(&patient(usize::try_from(count).unwrap()), &[]);
    for number in 0..count {
        let mut record = numbered("a", at(number * apart)).remove(0);
        record.ordinal = number;
        story.lane.push(record);
    }
    let (mut invocations, mut last) = (0, 0);
    while story.lane.held().0 > 0 {
        let due = story.due().max(count * apart);
        if story.step(due).contains('#') {
            (invocations, last) = (invocations + 1, story.lane.work[0].batch.records().len());
            story.answer(Fails, due);
        } else {
            story.answer(Delivered, due);
        }
    }
    (invocations - 1, last)
}

#[test]
fn records_whose_ages_differ_by_a_millisecond_each_do_not_bring_an_invocation_each() {
    let (invocations, last) = storm(1_000, 1);
    assert!((2..=11).contains(&invocations), "the binary logarithm, and one in the second: {invocations}");
    assert_eq!(last, 1, "the youngest is tried without the others all the same");
}

#[test]
fn an_age_limit_of_a_few_records_brings_an_invocation_in_a_second_at_most() {
    // Ten records become too old in each of 20 seconds.
    let (invocations, _) = storm(200, 100);
    assert!((15..=30).contains(&invocations), "{invocations}");
}

#[test]
fn records_that_become_too_old_seconds_apart_are_each_tried_without_those_before() {
    let (invocations, last) = storm(10, 2_000);
    assert_eq!((invocations, last), (9, 1));
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_a_rest_from_ending_at_an_age_limit() {
    let mut story = Story::of(&patient(2), &[("a", 60_000), ("bc", 90_000), ("d", 100_000)]);
    story.goes(&[(100_000, "ab #1", Fails), (120_000, "a too old after 1", Delivered)]);
    story.goes(&[(120_000, "b #2", Succeeds), (20_000, "cd #1", Fails)]);
    assert_eq!(story.due(), 150_000, "though the last one ended at 120,000");
}

#[test]
fn the_final_invocation_of_a_window_rests_no_longer_than_it_may_itself() {
    let tumbling = crate::testing::in_windows().tumbling;
    let mut story = Story::of(&Policy { tumbling, ..patient(3) }, &[("a", 0), ("b", 30_000)]);
    story.goes(&[(0, "a #1 @0 {}", says(r#"{"state":1}"#)), (500, "#1 final @0 1", Fails)]);
    assert_eq!(story.due(), 61_000, "a minute after the window ended");
    story.goes(&[
        (61_000, "final too old after 1", Delivered),
        (61_000, "b #1 @30 {}", says(r#"{"state":1}"#)),
    ]);
}
