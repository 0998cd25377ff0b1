//! Attempts that are kept: a batch that failed goes on with those that are left, in the next life of the shard or at its next owner.

use super::*;
use crate::shard::KeptBatch;

fn keeping() -> Policy {
    Policy { keeps_attempts: true, retry_attempts_max: Some(2), ..policy() }
}

/// What a shard of `policy` would keep after these lines.
#[track_caller]
fn kept_after(policy: Policy, kept: Checkpoint, lines: &[(u64, On, &str)]) -> Checkpoint {
    check_from(policy, kept, lines).view().checkpoint
}

fn attempts(kept: &Checkpoint) -> Vec<(usize, u32)> {
    kept.failing.iter().map(|batch| (batch.records.len(), batch.attempts)).collect()
}

#[test]
fn an_attempt_that_counts_is_kept_before_the_next_one_and_one_that_does_not_is_not() {
    let kept = kept_after(
        keeping(),
        Checkpoint::default(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcde", CaughtUp), "invoke abc #1"),
            (6, Throttled, "invoke abc #1"),
            (7, Fails, "save - !1"),
            (8, Nothing, ""),
            (9, Saved, "invoke abc #2"),
            (10, Fails, "save - !1"),
            (11, Saved, "invoke abc #3"),
        ],
    );
    assert_eq!(attempts(&kept), [(3, 2)]);
    assert_eq!(kept.failing[0].first_failed_at, at(6));
}

#[test]
fn in_the_next_life_the_same_batch_has_the_attempts_that_are_left() {
    let kept = kept_after(
        keeping(),
        Checkpoint::default(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcde", CaughtUp), "invoke abc #1"),
            (7, Fails, "save - !1"),
            (9, Saved, "invoke abc #2"),
            (10, Fails, "save - !1"),
            (11, Saved, "invoke abc #3"),
        ],
    );
    check_from(
        keeping(),
        kept,
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", More), ""),
            (200, Nothing, "fetch 8"),
            (206, Page("cde", CaughtUp), "invoke abc #3"),
            (207, Fails, "save - !1"),
            (208, Saved, "retried enough abc"),
            (209, FailureSent, "save c"),
            (210, Saved, "invoke de #1"),
        ],
    );
}

#[test]
fn a_batch_without_an_attempt_left_is_given_up_and_not_tried_again() {
    let kept = Checkpoint {
        failing: [KeptBatch { records: fingerprints("ab"), attempts: 3, first_failed_at: at(1) }].into(),
        ..Checkpoint::default()
    };
    check_from(
        keeping(),
        kept,
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcd", CaughtUp), "retried enough ab"),
            (6, FailureSent, "save b"),
            (7, Saved, "invoke cd #1"),
        ],
    );
}

#[test]
fn both_parts_of_a_batch_that_was_split_are_kept() {
    let bisecting = Policy { bisects: true, ..keeping() };
    let kept = kept_after(
        bisecting.clone(),
        Checkpoint::default(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcde", CaughtUp), "invoke abc #1"),
            (6, Fails, "save - !2"),
            (7, Saved, "invoke a #1"),
            (8, Fails, "save - !2"),
            (9, Saved, "invoke a #2"),
        ],
    );
    assert_eq!(attempts(&kept), [(1, 1), (2, 0)]);
    check_from(
        bisecting,
        kept,
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcde", CaughtUp), "invoke a #2"),
            (6, Succeeds, "save a !1"),
            (7, Saved, "invoke bc #1"),
            (8, Succeeds, "save c"),
            (9, Saved, "invoke de #1"),
        ],
    );
}

#[test]
fn a_drain_leaves_the_attempts_to_the_next_owner() {
    let kept = kept_after(
        keeping(),
        Checkpoint::default(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abc", CaughtUp), "invoke abc #1"),
            (6, Drain, ""),
            (7, Fails, "save - !1"),
            (8, Saved, ""),
        ],
    );
    assert_eq!(attempts(&kept), [(3, 1)]);
}

#[test]
fn records_that_do_not_come_again_are_not_waited_for() {
    let kept = Checkpoint {
        failing: [KeptBatch { records: fingerprints("abc"), attempts: 1, first_failed_at: at(1) }].into(),
        ..Checkpoint::default()
    };
    check_from(
        keeping(),
        kept.clone(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", More), ""),
            (200, Nothing, "fetch 8"),
            (206, Page("de", CaughtUp), "invoke ab #2"),
        ],
    );
    check_from(keeping(), kept, &[(0, Begin, "fetch 10"), (5, Page("de", CaughtUp), "invoke de #1")]);
}

#[test]
fn a_batch_that_is_larger_than_batches_are_now_is_cut() {
    let kept = Checkpoint {
        failing: [KeptBatch { records: fingerprints("abcde"), attempts: 1, first_failed_at: at(1) }].into(),
        ..Checkpoint::default()
    };
    check_from(
        keeping(),
        kept,
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abcdef", CaughtUp), "invoke abc #2"),
            (6, Succeeds, "save c"),
            (7, Saved, "invoke def #1"),
        ],
    );
}

#[test]
fn side_by_side_the_records_of_a_batch_meet_again_in_one_lane() {
    let parallel = Policy { parallelization_factor: 2, ..keeping() };
    let batch = |names: &[&str], attempts| KeptBatch {
        records: names.iter().map(|name| Position::new(*name).fingerprint()).collect(),
        attempts,
        first_failed_at: at(1),
    };
    let kept = Checkpoint {
        failing: [batch(&["a1", "b1"], 1), batch(&["c1", "d1"], 2)].into(),
        ..Checkpoint::default()
    };
    check_from(
        parallel,
        kept,
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 c1 b1 d1 a2", CaughtUp), "invoke a1b1 #2, invoke c1d1 #3"),
            (6, SucceedsWith("a1 b1"), "save a1 +1 !1"),
            (7, Saved, "invoke a2 #1"),
        ],
    );
}

#[test]
fn where_attempts_are_not_kept_a_batch_begins_anew() {
    let kept = Checkpoint {
        failing: [KeptBatch { records: fingerprints("abc"), attempts: 2, first_failed_at: at(1) }].into(),
        ..Checkpoint::default()
    };
    let lines =
        [(0, Begin, "fetch 10"), (5, Page("abc", CaughtUp), "invoke abc #1"), (6, Fails, "invoke abc #2")];
    check_from(policy(), kept, &lines);
}

fn fingerprints(letters: &str) -> std::sync::Arc<[u64]> {
    letters.chars().map(|letter| Position::new(letter.to_string()).fingerprint()).collect()
}
