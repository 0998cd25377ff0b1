//! BisectBatchOnFunctionError: a batch that fails is split (specification 4.1, 4.2).

use super::*;

fn bisecting(retries: Option<u32>) -> Policy {
    Policy { bisects: true, retry_attempts_max: retries, batch_size: 8, ..policy() }
}

#[test]
fn the_first_half_is_processed_completely_recursively_then_the_second() {
    check(
        &bisecting(None),
        &[("abcdefgh", 0)],
        &[
            (0, "abcdefgh #1", Fails),
            (0, "abcd #1", Fails),
            (0, "ab #1", Succeeds),
            (0, "cd #1", Fails),
            (0, "c #1", Succeeds),
            (0, "d #1", Fails),
            (0, "d #2", Succeeds),
            (0, "efgh #1", Succeeds),
        ],
    );
}

#[test]
fn of_an_odd_number_the_first_half_is_the_smaller() {
    check(
        &bisecting(None),
        &[("abcde", 0)],
        &[(0, "abcde #1", Fails), (0, "ab #1", Succeeds), (0, "cde #1", Fails)]
            .into_iter()
            .chain([(0, "c #1", Succeeds), (0, "de #1", Succeeds)])
            .collect::<Vec<_>>(),
    );
}

#[test]
fn splitting_itself_does_not_count_as_a_retry() {
    check(
        &bisecting(Some(1)),
        &[("abcd", 0)],
        &[
            (0, "abcd #1", Fails),
            (0, "ab #1", Fails),
            (0, "a #1", Fails),
            (0, "a #2", Fails),
            (0, "a retried enough after 2", Delivered),
            (0, "b #1", Succeeds),
            (0, "cd #1", Succeeds),
        ],
    );
}

#[test]
fn without_retries_a_batch_is_split_all_the_same_and_single_records_are_discarded_at_once() {
    check(
        &bisecting(Some(0)),
        &[("abc", 0)],
        &[
            (0, "abc #1", Fails),
            (0, "a #1", Fails),
            (0, "a retried enough after 1", Delivered),
            (0, "bc #1", Fails),
            (0, "b #1", Succeeds),
            (0, "c #1", Fails),
            (0, "c retried enough after 1", Delivered),
        ],
    );
}

#[test]
fn single_records_fall_through_to_the_retry_counter() {
    check(
        &bisecting(Some(2)),
        &[("a", 0)],
        &[
            (0, "a #1", Fails),
            (0, "a #2", Fails),
            (0, "a #3", Fails),
            (0, "a retried enough after 3", Delivered),
        ],
    );
}

#[test]
fn a_batch_is_only_split_where_the_mapping_asks_for_it() {
    check(&policy(), &[("ab", 0)], &[(0, "ab #1", Fails), (0, "ab #2", Succeeds)]);
}

#[test]
fn throttle_does_not_bisect() {
    check(&bisecting(None), &[("ab", 0)], &[(0, "ab #1", Throttled), (0, "ab #1", Succeeds)]);
}

#[test]
fn could_not_invoke_does_not_bisect() {
    check(&bisecting(None), &[("ab", 0)], &[(0, "ab #1", Unreachable), (0, "ab #1", Succeeds)]);
}

#[test]
fn malformed_or_unknown_id_bisects() {
    check(
        &Policy { reports_item_failures: true, ..bisecting(None) },
        &[("ab", 0)],
        &[(0, "ab #1", reports("z")), (0, "a #1", Succeeds), (0, "b #1", Succeeds)],
    );
}

#[test]
fn a_split_batch_waits_before_its_first_half_and_the_second_follows_at_once() {
    let backoff = Backoff { base: millis(1 << 20), factor: 1, cap: millis(1 << 20) };
    let policy = Policy { backoff, ..bisecting(None) };
    let mut story = Story::of(&policy, &[("ab", 0)]);
    story.goes(&[(0, "ab #1", Fails)]);
    let (attempts, next) = story.lane.retrying().unwrap();
    assert!(attempts == 0 && next > at(0), "with this seed");
    let later = 1 << 21;
    story.goes(&[(later, "a #1", Succeeds), (later, "b #1", Succeeds)]);
    story.is_over();
}

#[test]
fn records_that_come_meanwhile_wait_until_both_halves_are_done() {
    let mut story = Story::of(&bisecting(None), &[("ab", 0)]);
    story.goes(&[(0, "ab #1", Fails)]);
    story.push("c", 0);
    story.goes(&[(0, "a #1", Succeeds), (0, "b #1", Succeeds), (0, "c #1", Succeeds)]);
    story.is_over();
}

#[test]
fn each_half_is_held_to_the_age_of_its_own_records() {
    check(
        &Policy { record_age_max: Some(millis(1_000)), ..bisecting(None) },
        &[("ab", 0), ("cd", 500)],
        &[
            (900, "abcd #1", Fails),
            (1_000, "ab too old after 0", Delivered),
            (1_000, "cd #1", Fails),
            (1_499, "c #1", Succeeds),
            (1_500, "d too old after 0", Delivered),
        ],
    );
}
