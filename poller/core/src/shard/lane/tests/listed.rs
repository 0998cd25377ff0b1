//! ReportBatchItemFailures of Kafka: the records that a response lists are tried again, and no others (specification 4.3).

use super::*;
use crate::PartialFailures;

/// A shard of the partition `t-0`.
fn listing(retries: Option<u32>) -> Policy {
    let partial_failures = PartialFailures::Listed { partition: "t-0".into() };
    Policy { reports_item_failures: true, partial_failures, retry_attempts_max: retries, ..policy() }
}

/// The function answers so to the records 1 to 5 of six; these are settled by it, and the next step is this.
#[track_caller]
fn check_answer(response: On, settled: &str, next: &str) {
    let mut story = Story::of(&Policy { batch_size: 5, ..listing(None) }, &[("123456", 0)]);
    assert_eq!(story.step(0), "12345 #1");
    assert_eq!(story.answer(response, 0), settled);
    assert_eq!(story.step(0), next);
}

#[test]
fn only_the_listed_records_are_tried_again_before_any_later_one() {
    check_answer(lists("1"), "2345", "1 #1");
    check_answer(lists("3"), "1245", "3 #1");
    check_answer(lists("5"), "1234", "5 #1");
    check_answer(lists("24"), "135", "24 #1");
    check_answer(lists("2345"), "1", "2345 #1");
    check_answer(lists("1234"), "5", "1234 #1");
}

#[test]
fn the_order_of_a_list_and_its_repeats_mean_nothing() {
    check_answer(lists("424224"), "135", "24 #1");
}

#[test]
fn a_list_of_the_whole_batch_settles_nothing_and_consumes_an_attempt() {
    check_answer(lists("12345"), "", "12345 #2");
    check_answer(lists("54321"), "", "12345 #2");
}

#[test]
fn a_list_with_a_record_that_is_not_in_the_batch_settles_nothing_and_consumes_an_attempt() {
    check_answer(lists("6"), "", "12345 #2");
    check_answer(lists("26"), "", "12345 #2");
    check_answer(reports("2"), "", "12345 #2");
}

#[test]
fn what_succeeds_does_not_come_again_and_later_batches_wait_for_what_was_listed() {
    check(
        &Policy { batch_size: 4, ..listing(None) },
        &[("123456", 0)],
        &[
            (0, "1234 #1", lists("13")),
            (0, "13 #1", lists("1")),
            (0, "1 #1", Throttled),
            (0, "1 #1", Fails),
            (0, "1 #2", Succeeds),
            (0, "56 #1", Succeeds),
        ],
    );
}

#[test]
fn listed_records_have_all_their_attempts_before_them_if_others_succeeded() {
    check(
        &listing(Some(1)),
        &[("1234", 0)],
        &[
            (0, "123 #1", Fails),
            (0, "123 #2", lists("13")),
            (0, "13 #1", lists("13")),
            (0, "13 #2", lists("1")),
            (0, "1 #1", Fails),
            (0, "1 #2", lists("1")),
            (0, "1 retried enough after 2", Delivered),
            (0, "4 #1", Succeeds),
        ],
    );
}

#[test]
fn with_bisect_only_a_batch_of_which_nothing_succeeded_is_split() {
    check(
        &Policy { bisects: true, batch_size: 6, ..listing(Some(0)) },
        &[("1234567", 0)],
        &[
            (0, "123456 #1", lists("1356")),
            (0, "1356 #1", lists("1356")),
            (0, "13 #1", lists("1")),
            (0, "1 #1", lists("1")),
            (0, "1 retried enough after 1", Delivered),
            (0, "56 #1", Succeeds),
            (0, "7 #1", Succeeds),
        ],
    );
}

#[test]
fn a_listed_record_that_becomes_too_old_is_given_up_alone() {
    let mut story = Story::of(
        &Policy { record_age_max: Some(millis(1_000)), ..listing(None) },
        &[("1", 0), ("2", 500), ("3", 0)],
    );
    story.goes(&[
        (600, "123 #1", lists("12")),
        (1_000, "1 too old after 0", Delivered),
        (1_000, "2 #1", Succeeds),
    ]);
    story.is_over();
}
