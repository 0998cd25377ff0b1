//! Batches and their retries (specification 2.1, 2.2, 4.1, 4.2).

use super::*;

#[test]
fn without_a_window_a_batch_goes_out_as_soon_as_a_read_brought_a_record() {
    check(policy(), &[(0, Begin, "fetch 10"), (5, Page("a", CaughtUp), "invoke a #1")]);
}

#[test]
fn one_batch_at_a_time_and_the_next_when_its_checkpoint_is_kept() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcde", CaughtUp), "invoke abc #1"),
            (9, Succeeds, "save c"),
            (11, Saved, "invoke de #1"),
            (12, Succeeds, "save e"),
            (13, Saved, ""),
        ],
    );
}

#[test]
fn records_that_come_during_an_invocation_wait_for_the_next_batch() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), "invoke a #1"),
            (200, Nothing, "fetch 9"),
            (210, Page("bc", CaughtUp), ""),
            (300, Succeeds, "save a"),
            (301, Saved, "invoke bc #1"),
        ],
    );
}

#[test]
fn with_a_window_a_batch_waits_for_its_end() {
    check(
        Policy { batching_window: millis(300), ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), ""),
            (200, Nothing, "fetch 9"),
            (210, Page("b", CaughtUp), ""),
            (299, Nothing, ""),
            (300, Nothing, "invoke ab #1"),
        ],
    );
}

#[test]
fn a_full_batch_does_not_wait_for_the_window() {
    check(
        Policy { batching_window: millis(300), ..policy() },
        &[(0, Begin, "fetch 10"), (5, Page("abc", CaughtUp), "invoke abc #1")],
    );
}

#[test]
fn a_batch_that_the_next_record_would_make_too_large_does_not_wait_for_the_window() {
    let policy = || Policy { batching_window: millis(300_000), event_bytes_max: 40, ..policy() };
    check(policy(), &[(0, Begin, "fetch 10"), (5, Page("aB", CaughtUp), "")]);
    check(policy(), &[(0, Begin, "fetch 10"), (5, Page("BA", CaughtUp), "invoke B #1")]);
}

#[test]
fn the_longest_window_is_waited_for_to_the_millisecond() {
    check(
        Policy {
            batching_window: Duration::from_secs(300),
            poll_interval: Duration::from_secs(600),
            ..policy()
        },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), ""),
            (299_999, Nothing, ""),
            (300_000, Nothing, "invoke a #1"),
        ],
    );
}

#[test]
fn the_window_starts_when_the_previous_invocation_ended() {
    check(
        Policy { batching_window: millis(300), ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "invoke abc #1"),
            (100, Succeeds, "save c"),
            (101, Saved, ""),
            (399, Nothing, ""),
            (400, Nothing, "invoke d #1"),
        ],
    );
}

#[test]
fn after_idling_longer_than_the_window_a_record_goes_out_at_once() {
    check(
        Policy { batching_window: millis(300), ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abc", CaughtUp), "invoke abc #1"),
            (100, Succeeds, "save c"),
            (101, Saved, ""),
            (1_000, Nothing, "fetch 10"),
            (1_001, Page("d", CaughtUp), "invoke d #1"),
        ],
    );
}

#[test]
fn the_byte_limit_cuts_a_batch() {
    check(
        Policy { event_bytes_max: 40, ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("aBCd", CaughtUp), "invoke aB #1"),
            (6, Succeeds, "save B"),
            (7, Saved, "invoke Cd #1"),
        ],
    );
}

#[test]
fn a_single_record_that_is_too_large_is_given_up_and_the_shard_goes_on() {
    let shard = check(
        Policy { event_bytes_max: 20, ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("aBc", CaughtUp), "invoke a #1"),
            (6, Succeeds, "save a"),
            (7, Saved, "too large B"),
            (8, FailureSent, "save B"),
            (9, Saved, "invoke c #1"),
            (10, Succeeds, "save c"),
            (11, Saved, ""),
        ],
    );
    assert_eq!((shard.view().counts.too_large, shard.view().counts.succeeded), (1, 2));
}

#[test]
fn a_failing_batch_is_retried_with_the_same_records_until_it_succeeds() {
    let shard = check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", More), "invoke ab #1"),
            (200, Nothing, "fetch 8"),
            (201, Page("c", CaughtUp), ""),
            (300, Fails, "invoke ab #2"),
            (400, Fails, "invoke ab #3"),
            (500, Succeeds, "save b"),
            (501, Saved, "invoke c #1"),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.invocations, counts.function_errors, counts.invoked), (4, 2, 7));
    assert_eq!((counts.failed, counts.succeeded, counts.polled), (4, 2, 3));
    assert_eq!(counts.retries, 2);
}

#[test]
fn a_function_that_was_not_reached_gets_the_batch_again_as_the_same_attempt() {
    let shard = check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke ab #1"),
            (6, Throttled, "invoke ab #1"),
            (7, Unreachable, "invoke ab #1"),
            (8, Fails, "invoke ab #2"),
            (9, Throttled, "invoke ab #2"),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.throttles, counts.not_invoked, counts.function_errors, counts.failed), (2, 1, 1, 2));
    // The attempt after a failure counts as a retry, again while it does not get through.
    assert_eq!((counts.invocations, counts.retries), (5, 2));
}

#[test]
fn a_failed_batch_waits_for_its_backoff() {
    let backoff = crate::Backoff { base: millis(500), factor: 2, cap: millis(60_000) };
    let shard = check(
        Policy { backoff, ..policy() },
        &[(0, Begin, "fetch 10"), (5, Page("ab", CaughtUp), "invoke ab #1"), (6, Fails, "")],
    );
    let Phase::Retrying { attempts: 1, at: next } = shard.view().phase else { panic!("{:?}", shard.view()) };
    assert_eq!(shard.next_wakeup(), Some(next));
    assert!(next > at(6) && next <= at(506), "with this seed");
}

#[test]
fn of_a_mixed_batch_the_expired_records_are_given_up_and_the_rest_is_tried_again() {
    let shard = check(
        Policy {
            batching_window: millis(250),
            retention: millis(1_000),
            poll_interval: millis(9_999),
            ..policy()
        },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", More), ""),
            (200, Nothing, "fetch 8"),
            (250, Page("c", CaughtUp), "invoke abc #1"),
            (1_005, Fails, "expired ab"),
            (1_006, FailureSent, "save b"),
            (1_007, Saved, "invoke c #2"),
            (1_249, Fails, "invoke c #3"),
            (1_250, Fails, "expired c"),
            (1_260, FailureSent, "save c"),
            (1_261, Saved, ""),
        ],
    );
    assert_eq!((shard.view().counts.expired, shard.view().records_held), (3, 0));
}

#[test]
fn a_record_that_was_never_tried_is_not_given_up() {
    check(
        Policy { retention: millis(1_000), poll_interval: millis(99_999), ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "invoke abc #1"),
            (90_000, Succeeds, "save c"),
            (90_001, Saved, "invoke d #1"),
            (90_002, Throttled, "expired d"),
        ],
    );
}

#[test]
fn the_retention_is_that_of_the_stream_at_the_moment_of_the_retry() {
    check(
        Policy { retention: millis(1_000), poll_interval: millis(9_999), ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke ab #1"),
            (900, Retention(3_000), ""),
            (2_000, Fails, "invoke ab #2"),
            (2_001, Retention(1_500), ""),
            (2_002, Fails, "expired ab"),
        ],
    );
}

#[test]
fn the_iterator_age_is_that_of_the_last_record_when_it_was_sent() {
    let shard = check(
        Policy { batching_window: millis(300), poll_interval: millis(9_999), ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), ""),
            (200, Nothing, "fetch 9"),
            (210, Page("b", CaughtUp), ""),
            (300, Nothing, "invoke ab #1"),
        ],
    );
    let view = shard.view();
    assert_eq!((view.iterator_age, view.oldest_arrival), (Some(millis(90)), Some(at(5))));
    assert_eq!((view.phase, view.records_held, view.bytes_held), (Phase::Invoking, 2, 6));
}

#[test]
fn a_shard_that_gathers_a_batch_is_told_from_one_that_has_nothing() {
    let gathering = Policy { batching_window: millis(60_000), ..policy() };
    let empty = check(gathering.clone(), &[(0, Begin, "fetch 10")]);
    assert_eq!(empty.view().phase, Phase::Polling);
    let shard = check(gathering, &[(0, Begin, "fetch 10"), (5, Page("a", CaughtUp), "")]);
    assert_eq!(shard.view().phase, Phase::Gathering);
}

/// Batches that failed wait for ten minutes.
fn patient() -> Policy {
    let pause = millis(600_000);
    Policy { backoff: crate::Backoff { base: pause, factor: 1, cap: pause }, ..policy() }
}

#[test]
fn a_batch_that_waits_is_tried_at_once_when_the_function_has_other_code_and_its_attempts_stay_counted() {
    check(
        Policy { retry_attempts_max: Some(2), ..patient() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (10, Fails, ""),
            (11, Changed, "invoke a #2"),
            (12, Changed, ""),
            (13, Fails, ""),
            (14, Changed, "invoke a #3"),
            (15, Fails, "retried enough a"),
        ],
    );
}

#[test]
fn a_shard_that_drains_starts_nothing_when_the_function_has_other_code() {
    check(
        patient(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (10, Fails, ""),
            (11, Drain, ""),
            (12, Changed, ""),
        ],
    );
}
