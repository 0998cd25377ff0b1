//! What is cut: BatchSize, the byte limit, and when there is no point in waiting for more (specification 2.1, 2.2).

use super::*;
use crate::batch::Envelope;
use crate::testing::{LARGE, SMALL};

/// Of the records that wait, these are cut; and whether the batch was full, so that no window is waited for.
fn check(waiting: &str, policy: &Policy, step: &str, is_full: bool) {
    let mut story = Story::of(policy, &[(waiting, 0)]);
    assert_eq!(story.lane.is_full(policy), is_full);
    assert_eq!(story.step(0), step);
    let all = numbered(waiting, at(0));
    assert_eq!(story.lane.held(), (all.len(), all.iter().map(Record::encoded_len).sum()));
}

fn up_to_bytes(event_bytes_max: usize) -> Policy {
    Policy { batch_size: 10, event_bytes_max, ..policy() }
}

/// Bytes of the event `["a",…]`.
fn event_of(small: usize, large: usize) -> usize {
    2 + small * SMALL + large * LARGE + (small + large - 1)
}

#[test]
fn a_batch_takes_whatever_is_there() {
    check("ab", &policy(), "ab #1", false);
}

#[test]
fn a_batch_takes_no_more_than_batch_size() {
    check("abc", &policy(), "abc #1", true);
    check("abcd", &policy(), "abc #1", true);
    check("ab", &Policy { batch_size: 1, ..policy() }, "a #1", true);
}

#[test]
fn an_event_may_be_exactly_as_large_as_the_limit() {
    check("abcd", &up_to_bytes(event_of(4, 0)), "abcd #1", false);
}

#[test]
fn one_byte_above_the_limit_is_one_record_less() {
    check("abcd", &up_to_bytes(event_of(4, 0) - 1), "abc #1", true);
}

#[test]
fn the_record_that_would_exceed_the_limit_opens_the_next_batch() {
    check("abCd", &up_to_bytes(event_of(2, 1) - 1), "ab #1", true);
    check("Cd", &up_to_bytes(event_of(1, 1)), "Cd #1", false);
}

#[test]
fn a_single_record_may_be_exactly_as_large_as_the_limit() {
    check("A", &up_to_bytes(event_of(0, 1)), "A #1", false);
}

#[test]
fn a_single_record_larger_than_an_event_is_given_up_alone() {
    check("A", &up_to_bytes(event_of(0, 1) - 1), "A too large after 0", true);
    check("Abc", &up_to_bytes(event_of(0, 1) - 1), "A too large after 0", true);
}

#[test]
fn records_before_one_that_is_too_large_go_first() {
    check("abC", &up_to_bytes(event_of(0, 1) - 1), "ab #1", true);
}

#[test]
fn the_envelope_counts() {
    let roomy = Envelope::new(r#"{"Records":["#, "]}");
    let policy = Policy { envelope: roomy, ..up_to_bytes(event_of(4, 0)) };
    check("abcd", &policy, "a #1", true);
}

#[test]
fn the_limit_of_an_invocation_is_six_mebibytes_to_the_byte() {
    let kinesis = Policy::kinesis(Envelope::new("[", "]"));
    let first_step = |bytes: usize| {
        let mut story = Story::of(&kinesis, &[]);
        let page = Bytes::from(vec![b'1'; bytes]);
        story.lane.push(Record::new(crate::Position::new("a"), at(0), page, 0..bytes));
        story.step(0)
    };
    assert_eq!(first_step(6 * 1024 * 1024 - 2), "a #1");
    assert_eq!(first_step(6 * 1024 * 1024 - 1), "a too large after 0");
}
