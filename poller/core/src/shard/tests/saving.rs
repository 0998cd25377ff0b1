//! Saving: what is settled is kept before anything else is invoked (I3, I8).

use super::*;

#[test]
fn nothing_is_invoked_before_what_is_settled_is_kept() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcde", CaughtUp), "invoke abc #1"),
            (6, Succeeds, "save c"),
            (900, Nothing, ""),
            (901, Saved, "invoke de #1"),
        ],
    );
}

#[test]
fn reading_goes_on_during_a_save() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abc", CaughtUp), "invoke abc #1"),
            (6, Succeeds, "save c"),
            (1_000, Nothing, "fetch 10"),
            (1_001, Page("d", CaughtUp), ""),
            (1_002, Saved, "invoke d #1"),
        ],
    );
}

#[test]
fn a_failing_save_stops_reading_and_invoking_until_it_succeeds() {
    let backoff = crate::Backoff { base: millis(60_000), factor: 2, cap: millis(60_000) };
    let mut lines = vec![
        (0, Begin, "fetch 10"),
        (5, Page("abcd", CaughtUp), "invoke abc #1"),
        (6, Succeeds, "save c"),
        (7, SaveFails, ""),
    ];
    let stalled = check(Policy { backoff, ..policy() }, &lines);
    let retry = stalled.next_wakeup().unwrap();
    assert_eq!((stalled.view().phase, stalled.view().checkpoint.position), (Phase::Stalled, None));
    assert!(retry > at(5_000) && retry <= at(60_007), "with this seed: {retry}");
    let retry = u64::try_from(retry.since(at(0)).as_millis()).unwrap();
    lines.extend([
        (1_000, Nothing, ""),
        (1_001, Arrived, ""),
        (retry - 1, Nothing, ""),
        (retry, Nothing, "save c"),
        (retry + 1, Nothing, ""),
        (retry + 2, Saved, "invoke d #1, fetch 9"),
    ]);
    let view = check(Policy { backoff, ..policy() }, &lines).view();
    assert_eq!((view.counts.save_errors, view.checkpoint_saved_at), (1, Some(at(retry + 2))));
    assert_eq!(view.checkpoint.position.unwrap().as_str(), "c");
}

#[test]
fn a_page_that_was_asked_for_before_the_save_failed_is_kept() {
    check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), "invoke a #1"),
            (200, Nothing, "fetch 9"),
            (201, Succeeds, "save a"),
            (202, SaveFails, "save a"),
            (203, Page("b", CaughtUp), ""),
            (204, Saved, "invoke b #1"),
        ],
    );
}

#[test]
fn a_shard_goes_on_from_what_was_kept() {
    let shard = check_from(
        policy(),
        up_to("m"),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("no", CaughtUp), "invoke no #1"),
            (6, Fails, "invoke no #2"),
            (7, Drain, ""),
            (8, Fails, ""),
        ],
    );
    assert_eq!(shard.view().checkpoint.position.unwrap().as_str(), "m");
    assert_eq!(shard.finished(), Some(Finished::Drained));
}

#[test]
fn records_given_up_are_kept_like_others() {
    check(
        Policy { event_bytes_max: 20, ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("Aa", CaughtUp), "too large A"),
            (6, FailureSent, "save A"),
            (7, SaveFails, "save A"),
            (8, Saved, "invoke a #1"),
        ],
    );
}
