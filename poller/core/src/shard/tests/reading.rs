//! When a shard is read, and how far ahead (specification 2.3; I4).

use super::*;

#[test]
fn an_idle_shard_is_read_once_a_poll_interval() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("", CaughtUp), ""),
            (999, Nothing, ""),
            (1_000, Nothing, "fetch 10"),
            (1_005, Page("", CaughtUp), ""),
            (2_000, Nothing, "fetch 10"),
        ],
    );
}

#[test]
fn an_empty_page_in_mid_stream_is_read_over_without_the_pause() {
    check(policy(), &[(0, Begin, "fetch 10"), (5, Page("", More), ""), (200, Nothing, "fetch 10")]);
}

#[test]
fn a_backlog_is_read_on_during_an_invocation() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", More), "invoke abc #1"),
            (200, Nothing, "fetch 6"),
            (205, Page("efg", More), ""),
            (400, Nothing, "fetch 3"),
        ],
    );
}

#[test]
fn a_hint_wakes_a_shard_that_is_idle() {
    check(policy(), &[(0, Begin, "fetch 10"), (5, Page("", CaughtUp), ""), (300, Arrived, "fetch 10")]);
}

#[test]
fn a_hint_is_remembered_until_the_source_allows_the_next_read() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("", CaughtUp), ""),
            (6, Arrived, ""),
            (199, Nothing, ""),
            (200, Nothing, "fetch 10"),
        ],
    );
}

#[test]
fn a_hint_during_a_read_leads_to_another_read() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (3, Arrived, ""),
            (5, Page("", CaughtUp), ""),
            (200, Nothing, "fetch 10"),
            (205, Page("", CaughtUp), ""),
            (1_199, Nothing, ""),
        ],
    );
}

#[test]
fn a_throttled_source_is_left_alone_for_a_second() {
    let shard = check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, FetchFails(FetchError::Throttled), ""),
            (6, Arrived, ""),
            (1_004, Nothing, ""),
            (1_005, Nothing, "fetch 10"),
            (1_006, FetchFails(FetchError::Unavailable), ""),
            (1_205, Nothing, "fetch 10"),
        ],
    );
    assert_eq!(shard.view().counts.fetch_errors, 2);
}

#[test]
fn nothing_is_read_ahead_beyond_the_bound_on_records() {
    check(
        Policy { read_ahead_records_max: 5, ..policy() },
        &[
            (0, Begin, "fetch 5"),
            (5, Page("abcde", More), "invoke abc #1"),
            (1_000, Nothing, ""),
            (1_001, Succeeds, "save c, fetch 3"),
            (1_002, Saved, "invoke de #1"),
        ],
    );
}

#[test]
fn nothing_is_read_ahead_beyond_the_bound_on_bytes() {
    check(
        Policy { read_ahead_bytes_max: 12, ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", More), "invoke abc #1"),
            (1_000, Nothing, ""),
            (1_001, Succeeds, "save c, fetch 9"),
        ],
    );
    check(
        Policy { read_ahead_bytes_max: 13, ..policy() },
        &[(0, Begin, "fetch 10"), (5, Page("abcd", More), "invoke abc #1"), (200, Nothing, "fetch 6")],
    );
}

#[test]
fn one_read_brings_no_more_than_the_source_hands_out() {
    check(Policy { fetch_records_max: 4, ..policy() }, &[(0, Begin, "fetch 4")]);
}

#[test]
fn a_read_ahead_smaller_than_a_batch_does_not_wait_for_what_cannot_come() {
    let policy = Policy { batching_window: Duration::from_secs(300), batch_size: 100, ..policy() };
    check(
        Policy { read_ahead_records_max: 2, ..policy.clone() },
        &[
            (0, Begin, "fetch 2"),
            (5, Page("ab", More), "invoke ab #1"),
            (6, Succeeds, "save b"),
            (200, Saved, "fetch 2"),
        ],
    );
    check(
        Policy { read_ahead_bytes_max: 6, ..policy },
        &[(0, Begin, "fetch 10"), (5, Page("ab", More), "invoke ab #1")],
    );
}

#[test]
#[should_panic(expected = "a batch, a read and the read-ahead hold at least one record")]
fn a_batch_size_of_zero_is_no_policy() {
    check(Policy { batch_size: 0, ..policy() }, &[]);
}

#[test]
#[should_panic(expected = "a batch, a read and the read-ahead hold at least one record")]
fn a_read_ahead_of_zero_is_no_policy() {
    check(Policy { read_ahead_bytes_max: 0, ..policy() }, &[]);
}
