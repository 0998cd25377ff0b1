//! The judge of windows sees what is wrong, and nothing else. Each line is a step, a place, and how many records are in the state.

use super::super::super::books::{End, Entry, Life, ShardContent, Step, StreamContent, StreamRecord, Window};
use super::super::super::verdict::Wrong;
use super::super::{Tumbling, judge};
use End::{Killed, Stopped};
use std::ops::Range;

const SHARD: &str = "a";

fn record(place: usize) -> StreamRecord {
    StreamRecord { sequence_number: place.to_string(), data: format!("k {place}") }
}

/// A batch that began, its records, and those of the state before it. Without records: the last of its window.
type Batch = (Step, Range<usize>, Range<usize>);

/// What is wrong with these lives. A shard holds the records 0 to 9.
#[track_caller]
fn check(lives: &[(End, &[Batch])], expected: &[Wrong]) {
    check_entries(lives, entry, expected);
}

#[track_caller]
fn check_entries(lives: &[(End, &[Batch])], entry: fn(&Batch) -> Entry, expected: &[Wrong]) {
    let records = (0..10).map(record).collect();
    let content = ShardContent { parents: Vec::new(), records };
    let stream = StreamContent { shards: [(SHARD.to_owned(), content)].into(), names_parents: true };
    let (mut entries, mut ranges) = (Vec::new(), Vec::new());
    for (end, batches) in lives {
        let from = entries.len();
        entries.extend(batches.iter().map(entry));
        ranges.push(Life { entries: from..entries.len(), given_up: 0..0, end: *end });
    }
    let verdict = judge(&stream, &entries, &ranges, Tumbling::Yes);
    let wrongs = verdict.violations.into_iter().map(|violation| violation.wrong);
    let found: Vec<Wrong> = wrongs.filter(|wrong| !matches!(wrong, Wrong::NotHandled(_))).collect();
    assert_eq!(found, expected);
}

fn entry((step, places, state): &Batch) -> Entry {
    let state: Vec<String> = state.clone().map(|place| place.to_string()).collect();
    let window = Some(Window { state, is_final: places.is_empty(), is_passed: false });
    Entry { step: *step, shard: SHARD.to_owned(), records: places.clone().map(record).collect(), window }
}

/// A batch that went well.
fn done(places: Range<usize>, state: Range<usize>) -> [Batch; 2] {
    [(Step::Began, places.clone(), state.clone()), (Step::Ended, places, state)]
}

/// The last batch of a window.
fn over(state: Range<usize>) -> [Batch; 2] {
    done(0..0, state)
}

#[test]
fn windows_that_tile_a_shard_are_right() {
    let life = [done(0..3, 0..0), done(3..6, 0..3), over(0..6), done(6..10, 6..6), over(6..10)].concat();
    check(&[(Stopped, &life)], &[]);
}

#[test]
fn a_state_that_lacks_a_record_or_has_one_too_many_is_seen() {
    let lacks = [done(0..3, 0..0), done(3..6, 0..2)].concat();
    check(&[(Killed, &lacks)], &[Wrong::OtherState { at: 3, records: 2 }, Wrong::WindowNotEnded(0..6)]);
    let twice = [done(0..3, 0..0), over(0..3), done(3..6, 0..3), over(3..6)].concat();
    let elsewhere = Wrong::WindowElsewhere { window: 0..3, allowed: vec![3] };
    check(&[(Killed, &twice)], &[elsewhere, Wrong::WindowElsewhere { window: 3..6, allowed: vec![0] }]);
    let forgotten = [done(0..3, 0..0), done(3..6, 3..3), over(3..6)].concat();
    check(&[(Killed, &forgotten)], &[Wrong::WindowElsewhere { window: 3..3, allowed: vec![0] }]);
}

#[test]
fn a_record_of_a_later_window_is_seen() {
    let passed = |batch: &Batch| {
        let entry = entry(batch);
        let window = entry.window.map(|window| Window { is_passed: true, ..window });
        Entry { window, ..entry }
    };
    check_entries(&[(Killed, &[(Step::Began, 0..3, 0..0)])], passed, &[Wrong::AfterWindow]);
}

#[test]
fn a_window_that_never_ends_is_seen() {
    check(&[(Stopped, &done(0..3, 0..0))], &[Wrong::WindowNotEnded(0..3)]);
}

#[test]
fn state_and_position_go_back_together_after_a_kill() {
    let life = [done(0..3, 0..0), done(3..6, 0..3)].concat();
    let rest = |from: usize, state: Range<usize>| [done(from..7, state), over(0..7)].concat();
    check(&[(Killed, &life), (Stopped, &rest(3, 0..3))], &[]);
    check(&[(Killed, &life), (Stopped, &rest(6, 0..6))], &[]);
    check(&[(Killed, &life), (Stopped, &rest(3, 0..6))], &[Wrong::OtherState { at: 3, records: 6 }]);
}

#[test]
fn the_end_of_a_window_comes_again_only_if_it_may_not_have_been_kept() {
    let life = [done(0..3, 0..0), over(0..3)].concat();
    check(&[(Killed, &life), (Stopped, &over(0..3))], &[]);
    let elsewhere = |allowed: &[usize]| Wrong::WindowElsewhere { window: 0..3, allowed: allowed.to_vec() };
    check(&[(Stopped, &life), (Stopped, &over(0..3))], &[elsewhere(&[3])]);
    let more = [&life[..], &done(3..6, 3..3)].concat();
    check(&[(Killed, &more), (Stopped, &done(6..7, 3..6)), (Stopped, &over(3..7))], &[]);
}

#[test]
fn what_was_partly_reported_leaves_what_succeeded_in_the_state_also_if_the_window_ends_early() {
    let reported = [(Step::Began, 0..5, 0..0), (Step::Reported(2), 0..5, 0..0)];
    check(&[(Stopped, &[&reported[..], &done(2..5, 0..2), &over(0..5)].concat())], &[]);
    check(&[(Stopped, &[&reported[..], &over(0..2), &done(2..5, 2..2), &over(2..5)].concat())], &[]);
    let whole = [&reported[..], &done(0..5, 0..0), &over(0..5)].concat();
    let retry = Wrong::OtherRetry { batch: 0..5, before: 2..5 };
    check(&[(Stopped, &whole)], &[retry]);
}
