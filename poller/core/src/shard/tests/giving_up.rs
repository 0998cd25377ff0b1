//! Records that are given up: counted, handed over, dropped if nobody takes them; and the shard goes on (specification 4.2).

use super::*;
use crate::{AttemptError, DELIVERY_ATTEMPTS_MAX};

/// No retries, reads rarely.
fn once() -> Policy {
    Policy { retry_attempts_max: Some(0), poll_interval: millis(99_999), ..policy() }
}

fn notices(shard: &mut Shard) -> Vec<Notice> {
    std::iter::from_fn(|| shard.next_notice()).collect()
}

/// What it says of attempts that did not succeed.
fn failed_attempts(shard: &mut Shard) -> Vec<FailedAttempt> {
    let attempt = |notice| if let Notice::AttemptFailed(attempt) = notice { Some(attempt) } else { None };
    notices(shard).into_iter().filter_map(attempt).collect()
}

#[test]
fn a_given_up_batch_is_skipped_and_the_shard_goes_on() {
    let shard = check(
        Policy { has_destination: true, ..once() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "invoke abc #1"),
            (6, Fails, "retried enough abc"),
            (7, FailureSent, "save c"),
            (8, Saved, "invoke d #1"),
            (9, Succeeds, "save d"),
            (10, Saved, ""),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.retries_exhausted, counts.delivered, counts.dropped), (3, 3, 0));
    assert_eq!((counts.succeeded, counts.failed, counts.delivery_failures), (1, 3, 0));
}

#[test]
fn discarded_means_skipped_even_without_a_destination_the_shard_goes_on() {
    let shard = check(
        once(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "invoke abc #1"),
            (6, Fails, "retried enough abc"),
            (7, FailureSent, "save c"),
            (8, Saved, "invoke d #1"),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.retries_exhausted, counts.delivered, counts.dropped), (3, 0, 3));
}

#[test]
fn destination_delivery_fails_records_counted_as_dropped_and_processing_goes_on() {
    let mut lines = vec![
        (0, Begin, "fetch 10"),
        (5, Page("abcd", CaughtUp), "invoke abc #1"),
        (6, Fails, "retried enough abc"),
    ];
    for _ in 1..DELIVERY_ATTEMPTS_MAX {
        lines.push((7, FailureNotSent, "retried enough abc"));
    }
    lines.extend([(8, FailureNotSent, "save c"), (9, Saved, "invoke d #1")]);
    let mut shard = check(Policy { has_destination: true, ..once() }, &lines);
    let counts = shard.view().counts;
    assert_eq!((counts.delivery_failures, counts.dropped, counts.delivered), (1, 3, 0));
    assert_eq!(counts.retries_exhausted, 3, "counted once");
    assert_eq!(notices(&mut shard)[1..], [Notice::DeliveryAbandoned { records: 3 }]);
}

#[test]
fn a_delivery_that_is_tried_again_counts_nothing_before_it_ends() {
    let shard = check(
        Policy { has_destination: true, ..once() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (6, Fails, "retried enough a"),
            (7, FailureNotSent, "retried enough a"),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.retries_exhausted, counts.delivered, counts.dropped), (0, 0, 0));
    assert_eq!(counts.delivery_failures, 0);
}

#[test]
fn a_restart_between_two_deliveries_gives_the_batch_up_again_and_skips_nothing() {
    let backoff = crate::Backoff { base: millis(60_000), factor: 2, cap: millis(60_000) };
    let shard = check(
        Policy { backoff, has_destination: true, ..once() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", CaughtUp), "invoke a #1"),
            (6, Fails, "retried enough a"),
            (7, FailureNotSent, ""),
            (8, Drain, ""),
        ],
    );
    assert_eq!((shard.finished(), shard.view().checkpoint.position), (Some(Finished::Drained), None));
}

#[test]
fn in_a_mixed_batch_only_the_aged_records_are_reported_and_the_rest_is_invoked() {
    let shard = check(
        Policy { record_age_max: Some(millis(1_000)), batch_size: 6, ..once() },
        &[
            (0, Begin, "fetch 10"),
            (1_500, Mixed(&[("a", 0), ("bcdef", 1_000)], CaughtUp), "too old a"),
            (1_501, FailureSent, "save a"),
            (1_502, Saved, "invoke bcdef #1"),
        ],
    );
    assert_eq!((shard.view().counts.too_old, shard.view().counts.invocations), (1, 1));
}

#[test]
fn records_given_up_in_the_middle_of_a_batch_do_not_move_the_checkpoint_past_those_before() {
    check(
        Policy { record_age_max: Some(millis(1_000)), ..once() },
        &[
            (0, Begin, "fetch 10"),
            (1_500, Mixed(&[("a", 1_400), ("b", 0), ("c", 1_400)], CaughtUp), "too old b"),
            (1_501, FailureSent, "save - +1"),
            (1_502, Saved, "invoke ac #1"),
            (1_503, Succeeds, "save c"),
        ],
    );
}

#[test]
fn bisect_isolates_the_record_that_fails_and_settles_the_others() {
    let shard = check(
        Policy { bisects: true, ..once() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abc", CaughtUp), "invoke abc #1"),
            (6, Fails, "invoke a #1"),
            (7, Succeeds, "save a"),
            (8, Saved, "invoke bc #1"),
            (9, Fails, "invoke b #1"),
            (10, Fails, "retried enough b"),
            (11, FailureSent, "save b"),
            (12, Saved, "invoke c #1"),
            (13, Succeeds, "save c"),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.succeeded, counts.retries_exhausted, counts.invocations), (2, 1, 5));
    assert_eq!(counts.retries, 4, "each after the first was of records that had failed");
}

#[test]
fn a_partial_failure_checkpoints_the_record_before_the_first_that_failed() {
    let mut shard = check(
        Policy { reports_item_failures: true, ..once() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abc", CaughtUp), "invoke abc #1"),
            (6, Says(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#), "save a"),
            (7, Saved, "invoke bc #1"),
            (8, Says("{}"), "save c"),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.succeeded, counts.failed, counts.partial_failures), (3, 2, 1));
    assert_eq!((counts.function_errors, counts.retries), (0, 1));
    let told = failed_attempts(&mut shard);
    let [FailedAttempt { extent, error, then, .. }] = &told[..] else { panic!("{told:?}") };
    let ends = [&extent.first, &extent.last].map(|end| end.as_ref().map(Position::as_str));
    assert_eq!((extent.records, ends), (2, [Some("b"), Some("c")]), "those that are not settled");
    assert_eq!((&**error, *then), (&AttemptError::Reported, AfterFailure::TriedAgain { at: at(6) }));
}

#[test]
fn a_response_that_names_no_record_of_the_batch_is_said_and_counted() {
    let mut shard = check(
        Policy { reports_item_failures: true, ..once() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke ab #1"),
            (6, Says(r#"{"batchItemFailures":[{"itemIdentifier":"z"}]}"#), "retried enough ab"),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.failed, counts.partial_failures, counts.function_errors), (2, 1, 0));
    let told = failed_attempts(&mut shard);
    let [FailedAttempt { error, then, .. }] = &told[..] else { panic!("{told:?}") };
    assert!(matches!(&**error, AttemptError::ResponseRefused { reason } if reason.contains('z')), "{told:?}");
    assert_eq!(*then, AfterFailure::GivenUp { reason: GiveUp::RetriesExhausted });
}

#[test]
fn a_success_is_no_notice() {
    let mut shard = check(
        policy(),
        &[(0, Begin, "fetch 10"), (5, Page("ab", CaughtUp), "invoke ab #1"), (6, Succeeds, "save b")],
    );
    assert_eq!(notices(&mut shard), []);
}

/// What a shard of `policy` says becomes of `ab`, read at 5 and reported at 6 from `a` on.
#[track_caller]
fn check_then(policy: Policy, before: &[(u64, On, &str)], commands: &str, then: AfterFailure) {
    let policy = Policy { reports_item_failures: true, ..policy };
    let start = [(0, Begin, "fetch 10"), (5, Page("ab", CaughtUp), "invoke ab #1")];
    let report = (6, Says(r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#), commands);
    let mut shard = check(policy, &[&start, before, &[report]].concat());
    let told: Vec<_> =
        failed_attempts(&mut shard).into_iter().map(|told| (told.extent.records, told.then)).collect();
    assert_eq!(told, [(2, then)]);
}

#[test]
fn a_partial_failure_says_whether_its_records_are_tried_again_given_up_or_left() {
    check_then(policy(), &[], "invoke ab #2", AfterFailure::TriedAgain { at: at(6) });
    let exhausted = AfterFailure::GivenUp { reason: GiveUp::RetriesExhausted };
    check_then(once(), &[], "retried enough ab", exhausted);
    let split = AfterFailure::Split { at: at(6), first_half: 1 };
    check_then(Policy { bisects: true, ..once() }, &[], "invoke a #1", split);
    check_then(policy(), &[(6, Drain, "")], "", AfterFailure::Left);
    check_then(once(), &[(6, Drain, "")], "", AfterFailure::Left);
}

#[test]
fn records_that_are_too_old_by_their_next_attempt_are_not_said_to_be_tried_again() {
    let slow = crate::Backoff { base: millis(600_000), factor: 1, cap: millis(600_000) };
    let old = Policy { backoff: slow, record_age_max: Some(millis(1_000)), ..policy() };
    let too_old = AfterFailure::GivenUp { reason: GiveUp::TooOld };
    check_then(old.clone(), &[], "", too_old);
    check_then(Policy { record_age_max: Some(millis(1)), ..old.clone() }, &[], "too old ab", too_old);
    let short = Policy { record_age_max: None, retention: millis(1_000), ..old };
    check_then(short, &[], "", AfterFailure::GivenUp { reason: GiveUp::Expired });
}

#[test]
fn a_response_that_is_ignored_is_said_and_counted_each_time() {
    let ignored = |reports_item_failures, response| {
        let mut shard = check(
            Policy { reports_item_failures, ..policy() },
            &[
                (0, Begin, "fetch 10"),
                (5, Page("ab", CaughtUp), "invoke ab #1"),
                (6, Says(response), "save b"),
                (7, Saved, ""),
                (1_000, Nothing, "fetch 10"),
                (1_005, Page("c", CaughtUp), "invoke c #1"),
                (1_006, Says(response), "save c"),
            ],
        );
        let Counts { succeeded, ignored_failures, ignored_content, .. } = shard.view().counts;
        assert_eq!(succeeded, 3, "the behaviour is that of AWS");
        (ignored_failures, ignored_content, notices(&mut shard))
    };
    let twice = |ignored| vec![Notice::ResponseIgnored(ignored), Notice::ResponseIgnored(ignored)];
    let report = r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#;
    assert_eq!(ignored(false, report), (2, 0, twice(Ignored::Failures)));
    assert_eq!(ignored(true, r#"{"statusCode":200}"#), (0, 2, twice(Ignored::Content)));
    assert_eq!(ignored(true, r#"{"batchItemFailures":[]}"#), (0, 0, vec![]));
}
