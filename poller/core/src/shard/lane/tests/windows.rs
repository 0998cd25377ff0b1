//! Tumbling windows: which records go together, with which state, and how a window ends (specification 5).

use super::*;
use crate::testing::in_windows;

fn state(state: &str) -> On {
    says(format!(r#"{{"state":{state}}}"#))
}

#[test]
fn records_of_two_windows_are_never_mixed_in_one_batch() {
    check(
        &in_windows(),
        &[("a", 0), ("b", 999), ("c", 1_000)],
        &[
            (0, "ab #1 @0 {}", state("{}")),
            (0, "#1 final @0 {}", Succeeds),
            (0, "c #1 @1 {}", state("{}")),
            (0, "#1 final @1 {}", Succeeds),
        ],
    );
}

#[test]
fn a_window_takes_any_number_of_invocations_and_each_has_the_state_of_the_one_before() {
    check(
        &Policy { batch_size: 1, ..in_windows() },
        &[("abc", 0)],
        &[
            (0, "a #1 @0 {}", state(r#"{"n":1}"#)),
            (0, r#"b #1 @0 {"n":1}"#, state(r#"{ "n" : 2 }"#)),
            (0, r#"c #1 @0 { "n" : 2 }"#, state("3")),
            (0, "#1 final @0 3", says("")),
        ],
    );
}

#[test]
fn every_window_begins_with_a_fresh_state() {
    check(
        &in_windows(),
        &[("a", 0), ("b", 5_000)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (0, "#1 final @0 1", state("2")),
            (0, "b #1 @5 {}", state("3")),
            (0, "#1 final @5 3", Succeeds),
        ],
    );
}

#[test]
fn a_response_without_state_counts_as_a_failed_invocation_and_consumes_attempts() {
    check(
        &Policy { retry_attempts_max: Some(1), ..in_windows() },
        &[("a", 0)],
        &[
            (0, "a #1 @0 {}", says("{}")),
            (0, "a #2 @0 {}", says("")),
            (0, "a retried enough after 2", Delivered),
        ],
    );
}

#[test]
fn a_response_without_state_bisects() {
    check(
        &Policy { bisects: true, ..in_windows() },
        &[("ab", 0)],
        &[
            (0, "ab #1 @0 {}", says("{}")),
            (0, "a #1 @0 {}", state("1")),
            (0, "b #1 @0 1", state("2")),
            (0, "#1 final @0 2", Succeeds),
        ],
    );
}

#[test]
fn retries_inside_a_window_have_the_state_from_before() {
    check(
        &Policy { batch_size: 1, ..in_windows() },
        &[("ab", 0)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (0, "b #1 @0 1", Fails),
            (0, "b #2 @0 1", Throttled),
            (0, "b #2 @0 1", state("2")),
            (0, "#1 final @0 2", Succeeds),
        ],
    );
}

#[test]
fn a_discarded_batch_keeps_the_state_from_before_it_and_the_window_goes_on() {
    check(
        &Policy { batch_size: 1, retry_attempts_max: Some(0), ..in_windows() },
        &[("abc", 0)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (0, "b #1 @0 1", Fails),
            (0, "b retried enough after 1", Delivered),
            (0, "c #1 @0 1", state("3")),
            (0, "#1 final @0 3", Succeeds),
        ],
    );
}

#[test]
fn maximum_record_age_applies_inside_a_window_as_usual() {
    check(
        &Policy { record_age_max: Some(millis(1_000)), ..in_windows() },
        &[("a", 0), ("b", 500)],
        &[(1_200, "a too old after 0", Delivered), (1_200, "b #1 @0 {}", state("1"))]
            .into_iter()
            .chain([(1_300, "#1 final @0 1", Succeeds)])
            .collect::<Vec<_>>(),
    );
}

#[test]
fn a_record_older_than_the_open_window_goes_into_the_open_window() {
    check(
        &in_windows(),
        &[("a", 1_000), ("b", 999), ("c", 0)],
        &[(0, "abc #1 @1 {}", state("1")), (0, "#1 final @1 1", Succeeds)],
    );
}

#[test]
fn what_comes_after_a_record_of_a_later_window_is_of_that_window() {
    check(
        &in_windows(),
        &[("a", 0), ("b", 1_000), ("c", 999)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (0, "#1 final @0 1", Succeeds),
            (0, "bc #1 @1 {}", state("2")),
            (0, "#1 final @1 2", Succeeds),
        ],
    );
}

#[test]
fn a_batch_grows_no_more_once_a_record_of_a_later_window_waits() {
    let policy = in_windows();
    let mut story = Story::of(&policy, &[("a", 0)]);
    story.goes(&[(0, "a #1 @0 {}", state("1"))]);
    story.push("b", 999);
    assert!(!story.lane.is_full(&policy));
    story.push("c", 1_000);
    assert!(story.lane.is_full(&policy));
}

#[test]
fn if_the_final_invocation_fails_the_lane_waits_and_retries() {
    check(
        &in_windows(),
        &[("a", 0), ("b", 1_000)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (0, "#1 final @0 1", Fails),
            (0, "#2 final @0 1", Throttled),
            (0, "#2 final @0 1", Unreachable),
            (0, "#2 final @0 1", Succeeds),
            (0, "b #1 @1 {}", state("2")),
            (0, "#1 final @1 2", Succeeds),
        ],
    );
}

#[test]
fn maximum_retry_attempts_apply_to_the_final_invocation_as_usual() {
    check(
        &Policy { retry_attempts_max: Some(1), bisects: true, ..in_windows() },
        &[("a", 0), ("b", 1_000)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (0, "#1 final @0 1", Fails),
            (0, "#2 final @0 1", Fails),
            (0, "final retried enough after 2", Delivered),
            (0, "b #1 @1 {}", state("2")),
            (0, "#1 final @1 2", Succeeds),
        ],
    );
}

#[test]
fn a_final_invocation_that_fails_expires_with_its_window() {
    check(
        &Policy { retention: millis(5_000), ..in_windows() },
        &[("a", 0)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (5_999, "#1 final @0 1", Fails),
            (6_000, "final expired after 1", Delivered),
        ],
    );
}

#[test]
fn a_final_invocation_is_tried_however_late_so_that_its_state_is_not_lost_unseen() {
    check(
        &Policy { record_age_max: Some(millis(2_000)), retention: millis(2_000), ..in_windows() },
        &[("a", 0)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (90_000, "#1 final @0 1", Fails),
            (90_000, "final too old after 1", Delivered),
        ],
    );
}

#[test]
fn a_window_in_which_nothing_succeeded_has_no_final_invocation() {
    check(
        &Policy { retry_attempts_max: Some(0), ..in_windows() },
        &[("a", 0), ("b", 1_000)],
        &[
            (0, "a #1 @0 {}", Fails),
            (0, "a retried enough after 1", Delivered),
            (0, "b #1 @1 {}", state("{}")),
            (0, "#1 final @1 {}", Succeeds),
        ],
    );
}

#[test]
fn the_response_to_the_final_invocation_needs_no_state() {
    for response in [says(""), says("{}"), says("null"), says(r#""done""#), state("7")] {
        check(
            &Policy { reports_item_failures: true, ..in_windows() },
            &[("a", 0)],
            &[(0, "a #1 @0 {}", state("1")), (0, "#1 final @0 1", response)],
        );
    }
}

#[test]
fn a_final_invocation_whose_response_names_a_record_failed() {
    check(
        &Policy { reports_item_failures: true, ..in_windows() },
        &[("a", 0)],
        &[
            (0, "a #1 @0 {}", state("1")),
            (0, "#1 final @0 1", reports("a")),
            (0, "#2 final @0 1", says("{}")),
        ],
    );
}

#[test]
fn a_partial_failure_takes_the_state_of_the_records_before_it() {
    let answer = |letter: &str, state: &str| {
        says(format!(r#"{{"state":{state},"batchItemFailures":[{{"itemIdentifier":"{letter}"}}]}}"#))
    };
    check(
        &Policy { reports_item_failures: true, ..in_windows() },
        &[("abc", 0)],
        &[
            (0, "abc #1 @0 {}", answer("b", "1")),
            (0, "bc #1 @0 1", answer("b", "9")),
            (0, "bc #2 @0 1", state("3")),
            (0, "#1 final @0 3", Succeeds),
        ],
    );
}

mod size {
    use super::*;

    /// Length of an event of one small record with this state.
    fn event_of(policy: &Policy, records: usize, state: &str) -> usize {
        let open = OpenWindow {
            state: Bytes::copy_from_slice(state.as_bytes()),
            ..OpenWindow::of(at(0), millis(1_000))
        };
        let tumbling = policy.tumbling.as_ref().unwrap();
        let bytes = records * crate::testing::SMALL;
        tumbling.around(&open, WindowInvocation::Gathering).event_len(records, bytes)
    }

    fn up_to(event_bytes_max: usize) -> Policy {
        Policy { event_bytes_max, ..in_windows() }
    }

    fn six_mebibytes() -> Policy {
        up_to(crate::EVENT_BYTES_MAX)
    }

    /// A JSON string of so many bytes.
    fn text(bytes: usize) -> String {
        format!("\"{}\"", "x".repeat(bytes - 2))
    }

    #[test]
    fn a_batch_that_cannot_grow_beside_its_window_does_not_wait_for_the_batching_window() {
        let is_full = |event_bytes_max| {
            let policy = up_to(event_bytes_max);
            Story::of(&policy, &[("ab", 0)]).lane.is_full(&policy)
        };
        let two = event_of(&in_windows(), 2, "{}");
        assert!(is_full(two - 1) && !is_full(two));
    }

    #[test]
    fn a_state_of_one_megabyte_is_carried_on() {
        check(
            &Policy { batch_size: 1, ..six_mebibytes() },
            &[("ab", 0)],
            &[
                (0, "a #1 @0 {}", state(&text(1_048_576))),
                (0, "b #1 @0 (1048576 bytes)", state("2")),
                (0, "#1 final @0 2", Succeeds),
            ],
        );
    }

    #[test]
    fn beyond_one_megabyte_the_window_ends_early_and_a_fresh_one_begins() {
        check(
            &Policy { batch_size: 1, ..six_mebibytes() },
            &[("ab", 0)],
            &[
                (0, "a #1 @0 {}", state(&text(1_048_577))),
                (0, "#1 early final @0 (1048577 bytes)", Succeeds),
                (0, "b #1 @0 {}", state("2")),
                (0, "#1 final @0 2", Succeeds),
            ],
        );
    }

    #[test]
    fn what_a_partial_failure_left_goes_on_in_a_fresh_window_with_the_same_borders() {
        let response =
            format!(r#"{{"state":{},"batchItemFailures":[{{"itemIdentifier":"b"}}]}}"#, text(1_048_577));
        check(
            &Policy { reports_item_failures: true, ..six_mebibytes() },
            &[("a", 1_000), ("b", 999)],
            &[
                (0, "ab #1 @1 {}", says(response)),
                (0, "#1 early final @1 (1048577 bytes)", Fails),
                (0, "#2 early final @1 (1048577 bytes)", Succeeds),
                (0, "b #1 @1 {}", state("2")),
                (0, "#1 final @1 2", Succeeds),
            ],
        );
    }

    #[test]
    fn a_batch_that_does_not_fit_beside_the_grown_state_is_made_smaller_and_keeps_its_attempts() {
        let grown = text(20);
        let policy = up_to(event_of(&in_windows(), 1, &grown));
        let answer = says(format!(r#"{{"state":{grown},"batchItemFailures":[{{"itemIdentifier":"b"}}]}}"#));
        let shown = |step: &str| format!("{step} {grown}");
        check(
            &Policy { reports_item_failures: true, retry_attempts_max: Some(1), ..policy },
            &[("abc", 0)],
            &[
                (0, "abc #1 @0 {}", answer),
                (0, &shown("b #1 @0"), Fails),
                (0, &shown("b #2 @0"), state(&grown)),
                (0, &shown("c #1 @0"), state("3")),
                (0, "#1 final @0 3", Succeeds),
            ],
        );
    }

    #[test]
    fn a_record_that_fits_only_without_the_state_ends_the_window_early() {
        let grown = text(20);
        check(
            &Policy { batch_size: 1, ..up_to(event_of(&in_windows(), 1, &grown) - 1) },
            &[("ab", 0)],
            &[
                (0, "a #1 @0 {}", state(&grown)),
                (0, &format!("#1 early final @0 {grown}"), Succeeds),
                (0, "b #1 @0 {}", state("2")),
                (0, "#1 final @0 2", Succeeds),
            ],
        );
    }

    #[test]
    fn a_record_at_hand_that_fits_only_without_the_state_ends_the_window_early() {
        let grown = text(20);
        let answer = says(format!(r#"{{"state":{grown},"batchItemFailures":[{{"itemIdentifier":"b"}}]}}"#));
        check(
            &Policy { reports_item_failures: true, ..up_to(event_of(&in_windows(), 1, &grown) - 1) },
            &[("ab", 0), ("c", 1_000)],
            &[
                (0, "ab #1 @0 {}", answer),
                (0, &format!("#1 early final @0 {grown}"), Succeeds),
                (0, "b #1 @0 {}", state("2")),
                (0, "#1 final @0 2", Succeeds),
                (0, "c #1 @1 {}", state("3")),
                (0, "#1 final @1 3", Succeeds),
            ],
        );
    }

    #[test]
    fn a_record_that_does_not_even_fit_beside_a_fresh_state_is_given_up_and_the_window_goes_on() {
        check(
            &Policy { batch_size: 1, ..up_to(event_of(&in_windows(), 1, "{}")) },
            &[("aBc", 0)],
            &[
                (0, "a #1 @0 {}", state("1")),
                (0, "B too large after 0", Delivered),
                (0, "c #1 @0 1", state("2")),
                (0, "#1 final @0 2", Succeeds),
            ],
        );
    }

    #[test]
    fn a_state_that_leaves_no_room_for_the_final_event_counts_as_a_failed_invocation() {
        let policy = Policy { retry_attempts_max: Some(0), ..six_mebibytes() };
        let largest = policy.event_bytes_max - event_of(&policy, 0, "") + 1;
        check(
            &policy,
            &[("a", 0)],
            &[
                (0, "a #1 @0 {}", state(&text(largest))),
                (0, &format!("#1 early final @0 ({largest} bytes)"), Succeeds),
            ],
        );
        check(
            &policy,
            &[("a", 0)],
            &[(0, "a #1 @0 {}", state(&text(largest + 1))), (0, "a retried enough after 1", Delivered)],
        );
    }
}
