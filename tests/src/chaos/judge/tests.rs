//! The judge sees what is wrong, and nothing else. Each line is a journal: `life step from..to`.

use super::super::books::{End, Entry, Life, ShardContent, Step, StreamContent, StreamRecord};
use super::super::verdict::{Verdict, Violation, Wrong};
use super::{Tumbling, judge};
use Step::{Began, Ended, Failed, Reported};
use std::ops::Range;

fn record(shard: &str, number: usize) -> StreamRecord {
    StreamRecord { sequence_number: format!("{shard}-{number}"), data: format!("k {number}") }
}

fn content(shard: &str, numbers: Range<usize>, parents: &[&str]) -> (String, ShardContent) {
    let records = numbers.map(|number| record(shard, number)).collect();
    (shard.to_owned(), ShardContent { parents: parents.iter().map(|&id| id.to_owned()).collect(), records })
}

/// A shard `a` with the records 0 to 9, and its child `b` with 10 to 14.
fn stream() -> StreamContent {
    let shards = [content("a", 0..10, &[]), content("b", 10..15, &["a"])].into();
    StreamContent { shards, names_parents: true }
}

fn entry(shard: &str, step: Step, numbers: Range<usize>) -> Entry {
    let records = numbers.map(|number| record(shard, number)).collect();
    Entry { step, shard: shard.to_owned(), records, window: None }
}

/// A line of a journal: shard, step, records.
type Line = (&'static str, Step, Range<usize>);

/// What the judge says of these lines in lives that end like this.
fn verdict(lives: &[(End, &[Line])]) -> Verdict {
    let mut entries = Vec::new();
    let mut ranges = Vec::new();
    for (end, batches) in lives {
        let from = entries.len();
        entries.extend(batches.iter().map(|(shard, step, numbers)| entry(shard, *step, numbers.clone())));
        ranges.push(Life { entries: from..entries.len(), given_up: 0..0, end: *end });
    }
    judge(&stream(), &entries, &ranges, Tumbling::No)
}

/// What is wrong with these lines; what is missing after them does not count.
#[track_caller]
fn check(lives: &[(End, &[Line])], expected: &[Wrong]) {
    let verdict = verdict(lives);
    let is_about_an_entry = |violation: &&Violation| violation.entry.is_some();
    let found: Vec<_> =
        verdict.violations.iter().filter(is_about_an_entry).map(|v| v.wrong.clone()).collect();
    assert_eq!(found, expected);
}

fn elsewhere(batch: Range<usize>, before: Range<usize>, allowed: &[usize]) -> Wrong {
    Wrong::BeganElsewhere { batch, before, allowed: allowed.to_vec() }
}

use End::{Killed, Stopped};

#[test]
fn everything_once_and_in_order_is_right() {
    let verdict = verdict(&[(
        Stopped,
        &[
            ("a", Began, 0..6),
            ("a", Ended, 0..6),
            ("a", Began, 6..10),
            ("a", Ended, 6..10),
            ("b", Began, 10..15),
            ("b", Ended, 10..15),
        ],
    )]);
    assert_eq!(verdict, Verdict { records: 15, batches: 3, ..Verdict::default() });
}

#[test]
fn what_was_not_handled_is_missed() {
    let verdict = verdict(&[(Stopped, &[("a", Began, 0..6), ("a", Ended, 0..6), ("a", Began, 6..10)])]);
    let missing: Vec<_> = verdict.violations.iter().map(|violation| violation.wrong.clone()).collect();
    assert_eq!(missing, [Wrong::NotHandled(6..10), Wrong::NotHandled(0..5)]);
}

#[test]
fn a_batch_that_began_comes_again_after_a_kill() {
    check(&[(Killed, &[("a", Began, 0..6)]), (Killed, &[("a", Began, 0..3)])], &[]);
    let skipped = elsewhere(6..8, 0..6, &[0]);
    check(&[(Killed, &[("a", Began, 0..6)]), (Killed, &[("a", Began, 6..8)])], &[skipped]);
}

#[test]
fn only_the_last_batch_may_be_repeated_after_a_kill() {
    let life: &[_] = &[("a", Began, 0..3), ("a", Ended, 0..3), ("a", Began, 3..6), ("a", Ended, 3..6)];
    check(&[(Killed, life), (Killed, &[("a", Began, 3..7)])], &[]);
    check(&[(Killed, life), (Killed, &[("a", Began, 6..7)])], &[]);
    check(&[(Killed, life), (Killed, &[("a", Began, 0..3)])], &[elsewhere(0..3, 3..6, &[3, 6])]);
    check(&[(Killed, life), (Killed, &[("a", Began, 7..8)])], &[elsewhere(7..8, 3..6, &[3, 6])]);
    let verdict = verdict(&[(Killed, life), (Killed, &[("a", Began, 3..7)])]);
    assert_eq!((verdict.repeated, verdict.retried), (3, 0));
}

#[test]
fn nothing_is_repeated_after_a_stop() {
    let life: &[_] = &[("a", Began, 0..3), ("a", Ended, 0..3)];
    check(&[(Stopped, life), (Killed, &[("a", Began, 3..6)])], &[]);
    check(&[(Stopped, life), (Killed, &[("a", Began, 0..3)])], &[elsewhere(0..3, 0..3, &[3])]);
}

#[test]
fn a_life_without_a_batch_of_the_shard_keeps_nothing() {
    let life: &[_] = &[("a", Began, 0..3), ("a", Ended, 0..3)];
    check(&[(Killed, life), (Stopped, &[]), (Killed, &[("a", Began, 0..3)])], &[]);
}

#[test]
fn a_failed_batch_is_retried_whole_within_a_life() {
    let failed: &[_] = &[("a", Began, 0..3), ("a", Failed, 0..3), ("a", Began, 0..3), ("a", Ended, 0..3)];
    check(&[(Killed, failed)], &[]);
    assert_eq!(verdict(&[(Killed, failed)]).retried, 3);
    let other = Wrong::OtherRetry { batch: 0..4, before: 0..3 };
    check(&[(Killed, &[("a", Began, 0..3), ("a", Failed, 0..3), ("a", Began, 0..4)])], &[other]);
    check(&[(Stopped, &[("a", Began, 0..3), ("a", Failed, 0..3)]), (Killed, &[("a", Began, 0..4)])], &[]);
}

#[test]
fn the_rest_of_a_batch_that_was_partly_reported_is_retried() {
    let reported: &[Line] = &[("a", Began, 0..6), ("a", Reported(2), 0..6)];
    let then = |batch| [reported, &[("a", Began, batch)]].concat();
    check(&[(Killed, &then(2..6))], &[]);
    check(&[(Killed, &then(2..5))], &[Wrong::OtherRetry { batch: 2..5, before: 2..6 }]);
    check(&[(Killed, reported), (Killed, &[("a", Began, 0..3)])], &[]);
    check(&[(Killed, reported), (Killed, &[("a", Began, 2..3)])], &[]);
    check(&[(Stopped, reported), (Killed, &[("a", Began, 0..3)])], &[elsewhere(0..3, 0..6, &[2])]);
    assert_eq!(verdict(&[(Stopped, reported)]).violations[0].wrong, Wrong::NotHandled(2..10));
}

#[test]
fn two_invocations_of_a_shard_at_once_are_seen() {
    check(&[(Killed, &[("a", Began, 0..3), ("a", Began, 3..6)])], &[Wrong::Overlap(3..6)]);
    check(&[(Killed, &[("a", Began, 0..3), ("a", Began, 0..3)])], &[Wrong::Overlap(0..3)]);
    check(
        &[(Killed, &[("a", Began, 0..3)]), (Killed, &[("a", Ended, 0..3)])],
        &[Wrong::EndedElsewhere(0..3)],
    );
}

#[test]
fn a_gap_is_seen_within_a_life_and_at_the_beginning() {
    let life: &[_] = &[("a", Began, 0..3), ("a", Ended, 0..3), ("a", Began, 4..6)];
    check(&[(Killed, life)], &[elsewhere(4..6, 0..3, &[3])]);
    check(&[(Killed, &[("a", Began, 1..3)])], &[elsewhere(1..3, 0..0, &[0])]);
}

#[test]
fn a_child_begins_when_its_parent_is_done() {
    let early: &[_] = &[("a", Began, 0..9), ("a", Ended, 0..9), ("b", Began, 10..12)];
    let verdict = verdict(&[(Killed, early)]);
    assert_eq!(verdict.violations[0].wrong, Wrong::BeforeParent("a".to_owned()));
}

#[test]
fn a_parent_is_not_worked_on_after_its_child_began() {
    let done: &[_] = &[("a", Began, 0..10), ("a", Ended, 0..10), ("b", Began, 10..12)];
    let after = Wrong::AfterChild("b".to_owned());
    check(&[(Killed, done), (Killed, &[("a", Began, 0..10)])], &[after]);
}

#[test]
fn what_does_not_stand_in_the_stream_is_seen() {
    check(&[(Killed, &[("a", Began, 0..11)])], &[Wrong::NotInStream]);
    check(&[(Killed, &[("c", Began, 0..1)])], &[Wrong::NotInStream]);
    check(&[(Killed, &[("a", Began, 0..0)])], &[Wrong::NotInStream]);
}

#[test]
fn the_order_of_a_key_is_judged_across_shards_where_there_is_one() {
    let records = |shard: &str| content(shard, 0..1, &[]);
    let later = ("z".to_owned(), ShardContent { parents: Vec::new(), records: vec![record("z", 7)] });
    let mut stream = StreamContent { shards: [records("a"), later].into(), names_parents: true };
    let entries: Vec<_> = [("z", Began, 7..8), ("z", Ended, 7..8), ("a", Began, 0..1), ("a", Ended, 0..1)]
        .map(|(shard, step, numbers)| entry(shard, step, numbers))
        .into();
    let lives = [Life { entries: 0..4, given_up: 0..0, end: Stopped }];
    let wrong = Wrong::KeyOrder { key: "k".to_owned(), number: 0, after: 7 };
    assert_eq!(judge(&stream, &entries, &lives, Tumbling::No).violations[0].wrong, wrong);
    stream.names_parents = false;
    assert!(judge(&stream, &entries, &lives, Tumbling::No).violations.is_empty());
}
