//! The end of a shard: everything in it is settled and kept, and only then is it finished (I7).

use super::*;

fn check_ended(policy: Policy, lines: &[(u64, On, &str)]) {
    let shard = check(policy, lines);
    assert_eq!(shard.finished(), Some(Finished::ShardEnd));
    assert_eq!(shard.view().phase, Phase::Finished(Finished::ShardEnd));
    assert_eq!((shard.next_wakeup(), shard.view().records_held), (None, 0));
}

#[test]
fn an_empty_shard_ends_with_its_first_page() {
    check_ended(policy(), &[(0, Begin, "fetch 10"), (5, Page("", ShardEnd), "save - end"), (6, Saved, "")]);
}

#[test]
fn a_shard_without_further_records_ends_where_it_was_left() {
    let lines = [(0, Begin, "fetch 10"), (5, Page("", ShardEnd), "save m end"), (6, Saved, "")];
    let shard = check_from(policy(), up_to("m"), &lines);
    assert_eq!(shard.finished(), Some(Finished::ShardEnd));
}

#[test]
fn the_end_is_kept_with_the_last_record() {
    check_ended(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", ShardEnd), "invoke abc #1"),
            (6, Succeeds, "save c"),
            (7, Saved, "invoke d #1"),
            (8, Succeeds, "save d end"),
            (9, Saved, ""),
        ],
    );
}

#[test]
fn an_end_that_is_seen_late_is_kept_on_its_own() {
    check_ended(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", More), "invoke ab #1"),
            (6, Succeeds, "save b"),
            (200, Nothing, "fetch 10"),
            (201, Page("", ShardEnd), ""),
            (202, Saved, "save b end"),
            (203, Saved, ""),
        ],
    );
}

#[test]
fn the_end_of_a_shard_ends_the_window() {
    check_ended(
        Policy { batching_window: Duration::from_secs(300), ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", More), ""),
            (200, Nothing, "fetch 9"),
            (201, Page("", ShardEnd), "invoke a #1"),
            (202, Succeeds, "save a end"),
            (203, Saved, ""),
        ],
    );
}

#[test]
fn a_shard_whose_last_batch_fails_has_not_ended() {
    let shard = check(
        policy(),
        &[(0, Begin, "fetch 10"), (5, Page("a", ShardEnd), "invoke a #1"), (6, Fails, "invoke a #2")],
    );
    assert_eq!(shard.finished(), None);
}

#[test]
fn a_shard_whose_last_record_expires_ends() {
    check_ended(
        Policy { retention: millis(1_000), ..policy() },
        &[
            (0, Begin, "fetch 10"),
            (5, Page("a", ShardEnd), "invoke a #1"),
            (1_005, Fails, "expired a"),
            (1_006, FailureSent, "save a end"),
            (1_007, Saved, ""),
        ],
    );
}

#[test]
fn an_end_that_could_not_be_kept_is_not_the_end() {
    let shard = check(
        policy(),
        &[(0, Begin, "fetch 10"), (5, Page("", ShardEnd), "save - end"), (6, SaveFails, "save - end")],
    );
    assert_eq!((shard.finished(), shard.view().phase), (None, Phase::Stalled));
}

#[test]
#[should_panic(expected = "a shard that has ended is not started again")]
fn a_shard_that_has_ended_is_not_started_again() {
    drop(Shard::new(policy(), Some(Checkpoint { ended: true, ..Checkpoint::default() }), 0, at(0)));
}
