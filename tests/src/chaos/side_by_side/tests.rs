//! The judge sees what is wrong, and nothing else. A shard holds `k0 m0 k1 x0 m1 k2 k3 m2`; the key `x` matches no filter.

use super::super::books::{End, Entry, GivenUp, Life, ShardContent, Step, StreamContent, StreamRecord};
use super::super::verdict::{Verdict, Wrong};
use super::{CONDITION, Settings, judge};
use End::{Killed, Stopped};
use Step::{Began, Ended, Failed, Reported};

const DATA: [&str; 8] = ["k 0", "m 0", "k 1", "x 0", "m 1", "k 2", "k 3", "m 2"];

fn record(place: usize) -> StreamRecord {
    StreamRecord { sequence_number: place.to_string(), data: DATA[place].to_owned() }
}

/// What the function wrote, and what was given up meanwhile: steps with places, and places.
type Lines<'a> = (&'a [(Step, &'a [usize])], &'a [usize]);

/// What the judge says of these lives, with two lanes and one retry.
fn verdict(lives: &[(End, Lines<'_>)]) -> Verdict {
    let content = ShardContent { parents: Vec::new(), records: (0..DATA.len()).map(record).collect() };
    let stream = StreamContent { shards: [("a".to_owned(), content)].into(), names_parents: true };
    let (mut entries, mut given_up, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
    for (end, (steps, lines)) in lives {
        let (from, lines_from) = (entries.len(), given_up.len());
        entries.extend(steps.iter().map(|(step, places)| Entry {
            step: *step,
            shard: "a".to_owned(),
            records: places.iter().copied().map(record).collect(),
            window: None,
        }));
        given_up.extend(lines.iter().map(|place| GivenUp {
            shard: "a".to_owned(),
            records: vec![record(*place)],
            condition: CONDITION.to_owned(),
            invocations: 2,
        }));
        let (entries, given_up) = (from..entries.len(), lines_from..given_up.len());
        ranges.push(Life { entries, given_up, end: *end });
    }
    let settings = Settings { lanes: 2, retries: 1, filtered_keys: &["x"] };
    judge(&stream, &entries, &given_up, &ranges, settings)
}

/// What is wrong with these lives; what is missing after them does not count.
#[track_caller]
fn check(lives: &[(End, Lines<'_>)], expected: &[Wrong]) {
    let wrongs = verdict(lives).violations.into_iter().map(|violation| violation.wrong);
    let found: Vec<Wrong> = wrongs.filter(|wrong| !matches!(wrong, Wrong::Lost(_))).collect();
    assert_eq!(found, expected);
}

fn elsewhere(key: &str, places: &[usize], next: usize) -> Wrong {
    Wrong::KeyElsewhere { key: key.to_owned(), places: places.to_vec(), next: Some(next) }
}

/// Everything, in two lanes: one of each key.
const ALL: &[(Step, &[usize])] = &[
    (Began, &[0, 2]),
    (Began, &[1, 4]),
    (Ended, &[1, 4]),
    (Began, &[7]),
    (Ended, &[0, 2]),
    (Began, &[5, 6]),
    (Ended, &[5, 6]),
    (Ended, &[7]),
];

#[test]
fn keys_side_by_side_are_right_and_what_matches_no_filter_is_not_missed() {
    let expected = Verdict { records: 8, batches: 4, filtered: 1, ..Verdict::default() };
    assert_eq!(verdict(&[(Stopped, (ALL, &[]))]), expected);
}

#[test]
fn what_neither_succeeded_nor_is_in_the_destination_is_lost() {
    let steps: &[_] = &[(Began, &[0, 2][..]), (Ended, &[0, 2]), (Began, &[1, 4]), (Reported(1), &[1, 4])];
    let verdict = verdict(&[(Stopped, (steps, &[]))]);
    assert_eq!(verdict.violations[0].wrong, Wrong::Lost(vec![4, 5, 6, 7]));
    assert_eq!((verdict.missing, verdict.reported), (4, 1));
}

#[test]
fn a_record_that_matches_no_filter_is_not_handed_over() {
    check(&[(Killed, (&[(Began, &[3])], &[]))], &[Wrong::Filtered(3)]);
}

#[test]
fn a_key_is_in_one_batch_at_a_time_and_a_shard_in_no_more_than_its_lanes() {
    let both: &[_] = &[(Began, &[0][..]), (Began, &[2])];
    check(&[(Killed, (both, &[]))], &[Wrong::KeyInTwoBatches("k".to_owned()), elsewhere("k", &[2], 0)]);
    let three: &[_] = &[(Began, &[0][..]), (Began, &[1]), (Began, &[3])];
    check(&[(Killed, (three, &[]))], &[Wrong::Filtered(3), Wrong::TooManyAtOnce(3)]);
}

#[test]
fn a_key_has_no_gaps_and_does_not_go_back() {
    check(&[(Killed, (&[(Began, &[0, 5])], &[]))], &[elsewhere("k", &[0, 5], 0)]);
    check(&[(Killed, (&[(Began, &[2])], &[]))], &[elsewhere("k", &[2], 0)]);
    let skips: &[_] = &[(Began, &[0][..]), (Ended, &[0]), (Began, &[5])];
    check(&[(Killed, (skips, &[]))], &[elsewhere("k", &[5], 2)]);
    let again: &[_] = &[(Began, &[0][..]), (Ended, &[0]), (Began, &[0])];
    let repeated = Wrong::RepeatedTooMuch { life: 0, repeated: 1 };
    check(&[(Stopped, (again, &[]))], &[elsewhere("k", &[0], 2), repeated]);
    check(&[(Killed, (&[(Began, &[2, 0])], &[]))], &[Wrong::NotInStream]);
}

#[test]
fn a_batch_that_failed_comes_again_in_halves() {
    let failed: &[_] = &[(Began, &[0, 2, 5][..]), (Failed, &[0, 2, 5]), (Began, &[0]), (Ended, &[0])];
    check(&[(Killed, (&[failed, &[(Began, &[2, 5])]].concat(), &[]))], &[]);
    let other = Wrong::OtherRetryOf { batch: vec![2], expected: vec![2, 5] };
    check(&[(Killed, (&[failed, &[(Began, &[2])]].concat(), &[]))], &[other]);
    let whole = Wrong::OtherRetryOf { batch: vec![0, 2], expected: vec![0] };
    let steps: &[_] = &[(Began, &[0, 2][..]), (Reported(0), &[0, 2]), (Began, &[0, 2])];
    check(&[(Killed, (steps, &[]))], &[whole]);
}

#[test]
fn of_a_batch_that_was_partly_reported_the_rest_comes_again_whole() {
    let reported: &[_] = &[(Began, &[0, 2, 5, 6][..]), (Reported(2), &[0, 2, 5, 6])];
    check(&[(Killed, (&[reported, &[(Began, &[5, 6])]].concat(), &[]))], &[]);
    let other = Wrong::OtherRetryOf { batch: vec![5], expected: vec![5, 6] };
    check(&[(Killed, (&[reported, &[(Began, &[5])]].concat(), &[]))], &[other]);
}

/// A record fails as often as it may.
const IN_VAIN: &[(Step, &[usize])] = &[(Began, &[0]), (Failed, &[0]), (Began, &[0]), (Failed, &[0])];

#[test]
fn what_was_given_up_after_all_its_attempts_is_passed_over() {
    let steps = [IN_VAIN, &[(Began, &[2, 5]), (Ended, &[2, 5])]].concat();
    check(&[(Killed, (&steps, &[0]))], &[]);
    check(&[(Killed, (&steps, &[]))], &[elsewhere("k", &[2, 5], 0)]);
}

#[test]
fn what_is_given_up_was_tried_as_often_as_the_mapping_says() {
    let again = [IN_VAIN, &[(Began, &[0])]].concat();
    check(&[(Killed, (&again, &[]))], &[Wrong::TriedTooOften(vec![0])]);
    let condition = CONDITION.to_owned();
    let early = Wrong::GivenUpOddly { places: vec![0], failures: 1, told: 2, condition };
    check(&[(Killed, (&IN_VAIN[..2], &[0]))], &[early]);
}

#[test]
fn attempts_begin_anew_after_a_kill() {
    check(&[(Killed, (&IN_VAIN[..2], &[])), (Killed, (IN_VAIN, &[0]))], &[]);
}

#[test]
fn a_kill_repeats_at_most_one_invocation_or_delivery_of_each_lane() {
    let lanes: &[_] = &[(Began, &[0][..]), (Ended, &[0]), (Began, &[1]), (Ended, &[1])];
    check(&[(Killed, (lanes, &[])), (Killed, (ALL, &[]))], &[]);
    let third = [lanes, &[(Began, &[2]), (Ended, &[2])]].concat();
    let repeated = |life, repeated| Wrong::RepeatedTooMuch { life, repeated };
    check(&[(Killed, (&third, &[])), (Killed, (ALL, &[]))], &[repeated(0, 3)]);
    check(&[(Stopped, (lanes, &[])), (Killed, (ALL, &[]))], &[repeated(0, 2)]);
    check(&[(Killed, (IN_VAIN, &[0])), (Killed, (ALL, &[]))], &[]);
    check(&[(Stopped, (IN_VAIN, &[0])), (Killed, (ALL, &[]))], &[repeated(0, 1)]);
}

#[test]
fn after_a_kill_a_key_goes_on_where_it_was_or_before() {
    let first: &[_] = &[(Began, &[0][..]), (Ended, &[0])];
    check(&[(Killed, (first, &[])), (Killed, (&[(Began, &[2])], &[]))], &[]);
    check(&[(Killed, (first, &[])), (Killed, (&[(Began, &[5])], &[]))], &[elsewhere("k", &[5], 2)]);
    let open: &[_] = &[(Began, &[0][..])];
    check(&[(Killed, (open, &[])), (Killed, (&[(Began, &[2])], &[]))], &[elsewhere("k", &[2], 0)]);
}

#[test]
fn the_end_of_a_batch_that_did_not_begin_is_seen() {
    check(&[(Killed, (&[(Ended, &[0])], &[]))], &[Wrong::EndedUnbegun(vec![0])]);
}
