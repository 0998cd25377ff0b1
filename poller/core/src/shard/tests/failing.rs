//! What a shard tells of a batch that fails: each attempt in turn, and what it is stuck on now.

use super::*;
use crate::{AttemptError, FailingBatch};

/// A rest is up to this long.
fn rests() -> crate::Backoff {
    crate::Backoff { base: millis(500), factor: 1, cap: millis(500) }
}

/// The attempts that did not succeed: which of how many, the records, and what becomes of them.
fn told(shard: &mut Shard) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(notice) = shard.next_notice() {
        let Notice::AttemptFailed(failed) = notice else { continue };
        let limit = failed.attempts_max.map_or("none".to_owned(), |max| max.to_string());
        let then = match failed.then {
            AfterFailure::TriedAgain { .. } => "again".to_owned(),
            AfterFailure::Split { first_half, .. } => format!("split at {first_half}"),
            AfterFailure::GivenUp { reason } => reason_text(reason).to_owned(),
            AfterFailure::Left => "left".to_owned(),
        };
        told.push(format!("{} #{}/{limit} {then}", range(&failed.extent), failed.attempt));
    }
    told
}

/// `3: a to c`
fn range(Extent { records, first, last }: &Extent) -> String {
    let name = |end: &Option<Position>| end.as_ref().map_or("-".to_owned(), Position::to_string);
    format!("{records}: {} to {}", name(first), name(last))
}

#[test]
fn each_failed_attempt_tells_which_of_how_many_it_was_and_what_becomes_of_its_records() {
    let policy = Policy { retry_attempts_max: Some(2), ..policy() };
    let mut shard = check(
        policy,
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abc", CaughtUp), "invoke abc #1"),
            (6, Fails, "invoke abc #2"),
            (7, Throttled, "invoke abc #2"),
            (8, Unreachable, "invoke abc #2"),
            (9, Fails, "invoke abc #3"),
            (10, Fails, "retried enough abc"),
        ],
    );
    let expected = [
        "3: a to c #1/3 again",
        "3: a to c #2/3 again",
        "3: a to c #2/3 again",
        "3: a to c #2/3 again",
        "3: a to c #3/3 retried enough",
    ];
    assert_eq!(told(&mut shard), expected);
}

#[test]
fn one_batch_can_be_followed_through_its_halves() {
    let policy = Policy { retry_attempts_max: Some(0), bisects: true, ..policy() };
    let mut shard = check(
        policy,
        &[
            (0, Begin, "fetch 10"),
            (5, Page("abc", CaughtUp), "invoke abc #1"),
            (6, Fails, "invoke a #1"),
            (7, Fails, "retried enough a"),
            (8, FailureSent, "save a"),
            (9, Saved, "invoke bc #1"),
            (10, Fails, "invoke b #1"),
            (11, Drain, ""),
            (12, Fails, ""),
        ],
    );
    let expected = [
        "3: a to c #1/1 split at 1",
        "1: a to a #1/1 retried enough",
        "2: b to c #1/1 split at 1",
        "1: b to b #1/1 left",
    ];
    assert_eq!(told(&mut shard), expected);
}

#[test]
fn filtered_records_in_between_are_not_counted_as_records_of_the_batch() {
    let mut shard = check(
        policy(),
        &[
            (0, Begin, "fetch 10"),
            (5, Mixed(&[("a", 1), ("~bcd", 2), ("e", 3)], CaughtUp), "invoke ae #1"),
            (6, Fails, "invoke ae #2"),
        ],
    );
    assert_eq!(told(&mut shard), ["2: a to e #1/none again"]);
}

#[test]
fn the_view_shows_the_batch_that_a_shard_is_stuck_on_from_its_first_failure_to_its_success() {
    let policy = Policy { backoff: rests(), retry_attempts_max: Some(9), ..policy() };
    let mut table = Table::of(Shard::new(policy, None, 0, at(0)));
    table.play(&[(0, Begin, "fetch 10"), (5, Page("ab", CaughtUp), "invoke ab #1")]);
    assert_eq!(table.shard.view().failing, []);
    table.play(&[(6, Fails, "")]);
    let view = table.shard.view();
    let [failing @ FailingBatch { attempts: 1, attempts_max: Some(10), next_attempt_at: Some(next), .. }] =
        &view.failing[..]
    else {
        panic!("{view:?}")
    };
    assert_eq!(
        (range(&failing.extent()), view.phase),
        ("2: a to b".to_owned(), Phase::Retrying { attempts: 1, at: *next })
    );
    let next = next.as_millis() - at(0).as_millis();
    table.play(&[(next, Nothing, "invoke ab #2")]);
    let view = table.shard.view();
    let failing = &view.failing[0];
    assert_eq!(failing.next_attempt_at, None, "it runs");
    assert_eq!((failing.first_failed_at, failing.is_given_up), (at(6), false));
    let error = AttemptError::FunctionFailed { error_type: "Unhandled".into(), message: String::new() };
    assert_eq!(*failing.error, error);
    table.play(&[(next + 1, Succeeds, "save b")]);
    assert_eq!(table.shard.view().failing, []);
}

#[test]
fn what_first_failed_with_others_has_failed_since_then() {
    let policy = Policy { bisects: true, ..policy() };
    let shard = check(
        policy,
        &[
            (0, Begin, "fetch 10"),
            (5, Page("ab", CaughtUp), "invoke ab #1"),
            (6, Fails, "invoke a #1"),
            (7, Succeeds, "save a"),
            (8, Saved, "invoke b #1"),
        ],
    );
    let failing = &shard.view().failing[0];
    assert_eq!((range(&failing.extent()), failing.attempts), ("1: b to b".to_owned(), 0));
    assert_eq!(failing.first_failed_at, at(6));
}

#[test]
fn a_batch_whose_delivery_is_left_is_shown_as_given_up() {
    let policy = Policy { retry_attempts_max: Some(0), has_destination: true, ..policy() };
    let shard = check(
        policy,
        &[(0, Begin, "fetch 10"), (5, Page("a", CaughtUp), "invoke a #1"), (6, Fails, "retried enough a")],
    );
    let view = shard.view();
    assert!(matches!(view.failing[..], [FailingBatch { is_given_up: true, next_attempt_at: None, .. }]));
}

#[test]
fn each_batch_that_fails_beside_others_is_shown_that_of_the_oldest_record_first() {
    let policy = Policy { parallelization_factor: 3, batch_size: 2, ..policy() };
    let mut table = Table::of(Shard::new(policy, None, 0, at(0)));
    let page = Keyed("a1 b1 c1", CaughtUp);
    table.play(&[(0, Begin, "fetch 10"), (5, page, "invoke a1 #1, invoke b1 #1, invoke c1 #1")]);
    table.play(&[(6, FailsWith("c1"), "invoke c1 #2"), (7, FailsWith("a1"), "invoke a1 #2")]);
    let view = table.shard.view();
    let shown: Vec<String> = view.failing.iter().map(|batch| range(&batch.extent())).collect();
    assert_eq!(shown, ["1: a1 to a1", "1: c1 to c1"]);
    let Some(Notice::AttemptFailed(failed)) = table.shard.next_notice() else { panic!("{view:?}") };
    assert_eq!(failed.waits, Waits::Keys);
}
