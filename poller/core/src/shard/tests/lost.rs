//! A shard that becomes somebody else's: from then on nothing of it is settled, saved or started.

use super::*;

/// The last line, and no earlier one, makes the shard somebody else's; up to `checkpoint` everything was kept before.
fn check_lost(policy: Policy, lines: &[(u64, On, &str)], checkpoint: Option<&str>) {
    let before_the_last = check(policy.clone(), &lines[..lines.len() - 1]);
    assert_ne!(before_the_last.finished(), Some(Finished::Lost));
    let mut shard = check(policy, lines);
    assert_eq!((shard.finished(), shard.next_wakeup()), (Some(Finished::Lost), None));
    assert_eq!(shard.view().checkpoint.position.as_ref().map(Position::as_str), checkpoint);
    // Whatever else happens, or comes back, is ignored.
    for input in
        [Input::CheckpointSaved(Ok(())), Input::RecordsArrived, Input::Drain { by: None }, Input::TimePassed]
    {
        shard.handle(input, at(1_000_000));
        assert_eq!((shard.next_command(), shard.finished()), (None, Some(Finished::Lost)));
    }
}

#[test]
fn a_shard_that_is_lost_settles_nothing_that_was_in_flight() {
    check_lost(
        policy(),
        &[(0, Begin, "fetch 10"), (5, Page("abcd", CaughtUp), "invoke abc #1"), (6, Lost, "")],
        None,
    );
}

#[test]
fn a_save_that_was_refused_to_another_owner_ends_the_shard() {
    check_lost(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "invoke abc #1"),
            (6, Succeeds, "save c"),
            (7, Saved, "invoke d #1"),
            (8, Succeeds, "save d"),
            (9, NotOurs, ""),
        ],
        Some("c"),
    );
}

#[test]
fn what_a_drain_has_not_saved_in_time_is_somebody_elses() {
    let lines = [
        (0, Begin, "fetch 10"),
        (5, Page("abcd", CaughtUp), "invoke abc #1"),
        (6, DrainBy(100), ""),
        (100, Nothing, ""),
    ];
    check_lost(policy(), &lines, None);
}

#[test]
fn an_answer_that_comes_at_the_end_of_a_drain_is_ignored() {
    let lines = [
        (0, Begin, "fetch 10"),
        (5, Page("abcd", CaughtUp), "invoke abc #1"),
        (6, DrainBy(100), ""),
        (100, Succeeds, ""),
    ];
    check_lost(policy(), &lines, None);
    let saving = [
        (0, Begin, "fetch 10"),
        (5, Page("abcd", CaughtUp), "invoke abc #1"),
        (6, DrainBy(100), ""),
        (99, Succeeds, "save c"),
        (100, Saved, ""),
    ];
    check_lost(policy(), &saving, None);
}

#[test]
fn a_drain_that_is_done_in_time_is_a_drain() {
    let shard = check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "invoke abc #1"),
            (6, DrainBy(100), ""),
            (98, Succeeds, "save c"),
            (99, Saved, ""),
            (200, Nothing, ""),
        ],
    );
    assert_eq!(shard.finished(), Some(Finished::Drained));
    assert_eq!(shard.view().checkpoint.position.as_ref().map(Position::as_str), Some("c"));
}

#[test]
fn a_drain_wakes_up_at_its_end_and_the_earlier_of_two_ends_counts() {
    let begun = [
        (0, Begin, "fetch 10"),
        (5, Page("abcd", CaughtUp), "invoke abc #1"),
        (6, DrainBy(100), ""),
        (7, DrainBy(50), ""),
        (8, DrainBy(70), ""),
        (9, Drain, ""),
    ];
    assert_eq!(check(policy(), &begun).next_wakeup(), Some(at(50)));
}

#[test]
fn a_shard_that_is_finished_cannot_be_lost() {
    let lines = [(0, Begin, "fetch 10"), (5, Page("", CaughtUp), ""), (6, Drain, ""), (7, Lost, "")];
    assert_eq!(check(policy(), &lines).finished(), Some(Finished::Drained));
}
