//! ReportBatchItemFailures: what becomes of a batch of which a part failed (specification 4.1, 4.2, 4.3).

use super::*;

fn reporting(retries: Option<u32>) -> Policy {
    Policy { reports_item_failures: true, retry_attempts_max: retries, ..policy() }
}

/// The function answers so to `abc`; these records are settled by it, and the next step is this.
#[track_caller]
fn check_answer(policy: &Policy, response: On, settled: &str, next: &str) {
    let mut story = Story::of(policy, &[("abcd", 0)]);
    assert_eq!(story.step(0), "abc #1");
    assert_eq!(story.answer(response, 0), settled);
    assert_eq!(story.step(0), next);
}

#[test]
fn success_settles_the_batch() {
    check_answer(&reporting(None), says("{}"), "abc", "d #1");
}

#[test]
fn everything_from_the_lowest_failed_id_on_is_retried_also_records_that_succeeded() {
    check_answer(&reporting(None), reports("b"), "a", "bc #1");
    check_answer(&reporting(None), reports("c"), "ab", "c #1");
    check_answer(&reporting(None), reports("cb"), "a", "bc #1");
}

#[test]
fn a_failed_id_is_ignored_where_the_mapping_does_not_ask_for_it() {
    check_answer(&policy(), reports("b"), "abc", "d #1");
    check_answer(&policy(), says("{"), "abc", "d #1");
}

#[test]
fn whole_batch_failure_settles_nothing_and_consumes_an_attempt() {
    for response in [reports("z"), reports("bz"), says(r#"{"batchItemFailures":[{"itemIdentifier":123}]}"#)] {
        check_answer(&reporting(None), response, "", "abc #2");
    }
}

#[test]
fn function_error_with_any_payload_whole_batch_failure() {
    check_answer(&reporting(None), Fails, "", "abc #2");
}

#[test]
fn the_observed_counters_six_records_the_last_of_which_always_fails() {
    check(
        &reporting(Some(3)),
        &[("abcdef", 0)],
        &[
            (0, "abc #1", says("{}")),
            (0, "def #1", reports("f")),
            (0, "f #1", reports("f")),
            (0, "f #2", reports("f")),
            (0, "f #3", reports("f")),
            (0, "f #4", reports("f")),
            (0, "f retried enough after 4", Delivered),
        ],
    );
}

#[test]
fn the_tail_left_by_a_partial_success_starts_a_new_retry_budget() {
    check(
        &reporting(Some(1)),
        &[("abc", 0)],
        &[
            (0, "abc #1", Fails),
            (0, "abc #2", reports("b")),
            (0, "bc #1", Fails),
            (0, "bc #2", reports("c")),
            (0, "c #1", Fails),
            (0, "c #2", Succeeds),
        ],
    );
}

#[test]
fn a_failure_of_the_first_record_is_no_progress_and_the_counter_is_not_reset() {
    check(
        &reporting(Some(2)),
        &[("abc", 0)],
        &[
            (0, "abc #1", reports("a")),
            (0, "abc #2", reports("abc")),
            (0, "abc #3", reports("ca")),
            (0, "abc retried enough after 3", Delivered),
        ],
    );
}

#[test]
fn with_bisect_a_batch_is_cut_exactly_at_the_failed_record_and_only_the_tail_is_retried() {
    check(
        &Policy { bisects: true, batch_size: 6, ..reporting(None) },
        &[("abcdef", 0)],
        &[(0, "abcdef #1", reports("c")), (0, "cdef #1", Succeeds)],
    );
}

#[test]
fn with_bisect_a_failure_of_the_first_record_splits_in_halves() {
    check(
        &Policy { bisects: true, batch_size: 4, ..reporting(None) },
        &[("abcd", 0)],
        &[
            (0, "abcd #1", reports("a")),
            (0, "ab #1", reports("b")),
            (0, "b #1", Succeeds),
            (0, "cd #1", Succeeds),
        ],
    );
}

#[test]
fn a_partial_failure_inside_a_half_leaves_the_other_half_alone() {
    check(
        &Policy { bisects: true, batch_size: 6, ..reporting(Some(0)) },
        &[("abcdef", 0)],
        &[
            (0, "abcdef #1", Fails),
            (0, "abc #1", reports("b")),
            (0, "bc #1", reports("c")),
            (0, "c #1", reports("c")),
            (0, "c retried enough after 1", Delivered),
            (0, "def #1", says("")),
        ],
    );
}

#[test]
fn a_partial_failure_is_waited_after_as_after_a_first_failure() {
    let backoff = Backoff { base: millis(500), factor: 1_000, cap: millis(1 << 30) };
    let mut story = Story::of(&Policy { backoff, ..reporting(None) }, &[("abc", 0)]);
    for _ in 0..5 {
        story.lane.state = State::Idle;
        story.step(0);
        story.answer(Fails, 0);
    }
    story.lane.state = State::Idle;
    assert_eq!(story.step(0), "abc #6");
    assert_eq!(story.answer(reports("b"), 0), "a");
    let (attempts, next) = story.lane.retrying().unwrap();
    assert!(attempts == 0 && next > at(0) && next <= at(500), "with this seed: {next}");
}

#[test]
fn what_a_part_of_a_batch_left_expires_like_any_record_that_was_tried() {
    check(
        &Policy { retention: millis(1_000), ..reporting(None) },
        &[("ab", 0)],
        &[(0, "ab #1", reports("b")), (1_000, "b expired after 0", Delivered)],
    );
}
