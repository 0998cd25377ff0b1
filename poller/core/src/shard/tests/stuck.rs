//! Which batch holds up the records behind it.

use super::*;

/// After these lines the shard is stuck on the batches that are named, each with its attempts, and when it is tried next.
#[track_caller]
fn stuck(policy: Policy, lines: &[(u64, On, &str)], expected: &[(&str, u32, Option<u64>)]) {
    let found = check(policy, lines).failing();
    let found: Vec<_> = found
        .iter()
        .map(|failing| {
            let next = failing.next_attempt_at.map(Timestamp::as_millis);
            (letters(failing.batch.records()), failing.attempts, next)
        })
        .collect();
    let expected: Vec<_> = expected.iter().map(|(name, n, at)| ((*name).to_owned(), *n, *at)).collect();
    assert_eq!(found, expected);
}

fn slow() -> Policy {
    let backoff = crate::Backoff { base: millis(100), factor: 1, cap: millis(100) };
    Policy { backoff, ..policy() }
}

#[test]
fn a_batch_that_is_tried_for_the_first_time_is_not_stuck() {
    stuck(policy(), &[(0, Begin, "fetch 10"), (5, Page("ab", CaughtUp), "invoke ab #1")], &[]);
}

#[test]
fn a_batch_that_failed_is_stuck_while_it_waits_and_while_it_is_tried_again() {
    let failed = [
        (0, Begin, "fetch 10"),
        (5, Page("abcd", CaughtUp), "invoke abc #1"),
        (10, Fails, ""),
        (110, Nothing, "invoke abc #2"),
    ];
    let until = |lines: usize| check(slow(), &failed[..lines]).failing();
    let waiting = until(3);
    assert_eq!((waiting.len(), waiting[0].attempts), (1, 1));
    assert!(waiting[0].next_attempt_at.is_some_and(|at| at > Timestamp::from_millis(10)));
    stuck(slow(), &failed, &[("abc", 1, None)]);
}

#[test]
fn a_batch_that_succeeded_at_last_is_not_stuck_nor_is_the_one_behind_it() {
    let lines = [
        (0, Begin, "fetch 10"),
        (5, Page("abcd", CaughtUp), "invoke abc #1"),
        (10, Fails, "invoke abc #2"),
        (11, Succeeds, "save c"),
        (12, Saved, "invoke d #1"),
    ];
    stuck(policy(), &lines, &[]);
}

#[test]
fn of_a_batch_that_was_split_the_half_that_comes_next_is_shown() {
    let bisecting = Policy { bisects: true, ..policy() };
    let lines = [
        (0, Begin, "fetch 10"),
        (5, Page("ab", CaughtUp), "invoke ab #1"),
        (10, Fails, "invoke a #1"),
        (11, Succeeds, "save a"),
        (12, Saved, "invoke b #1"),
    ];
    stuck(bisecting.clone(), &lines[..3], &[("a", 0, None)]);
    stuck(bisecting, &lines, &[("b", 0, None)]);
}

#[test]
fn a_batch_that_did_not_reach_its_function_is_stuck_too() {
    let lines =
        [(0, Begin, "fetch 10"), (5, Page("a", CaughtUp), "invoke a #1"), (6, Throttled, "invoke a #1")];
    stuck(policy(), &lines, &[("a", 0, None)]);
}

#[test]
fn of_several_batches_that_of_the_oldest_record_comes_first() {
    let lines = [
        (0, Begin, "fetch 10"),
        (5, Keyed("a1 b1", CaughtUp), "invoke a1 #1, invoke b1 #1"),
        (6, FailsWith("b1"), "invoke b1 #2"),
        (7, FailsWith("a1"), "invoke a1 #2"),
    ];
    let two = Policy { parallelization_factor: 2, poll_interval: millis(9_999), ..policy() };
    stuck(two, &lines, &[("a1", 1, None), ("b1", 1, None)]);
}
