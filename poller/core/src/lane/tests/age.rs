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
