//! What is an attempt, how many there are, and how long it is waited for the next (specification 4.1, 4.2, 4.4).

use super::*;
use crate::invocation::{HowFailed, Reached, Reply};
use std::time::Duration;

fn retries(max: u32) -> Policy {
    Policy { retry_attempts_max: Some(max), ..policy() }
}

/// After these ends of one batch, the next attempt is this one.
#[track_caller]
fn check(ends: &[On], attempt: u32) {
    let mut story = Story::of(&policy(), &[("ab", 0)]);
    for on in ends {
        story.step(0);
        assert_eq!(story.answer(on.clone(), 0), "");
    }
    assert_eq!(story.step(0), format!("ab #{attempt}"));
}

#[test]
fn an_attempt_is_an_invocation_that_reached_the_function() {
    check(&[], 1);
    check(&[Fails], 2);
    check(&[Fails, Fails, Fails], 4);
}

#[test]
fn neither_a_throttle_nor_an_unreachable_function_raises_the_attempt() {
    check(&[Throttled], 1);
    check(&[Unreachable, Throttled], 1);
    check(&[Fails, Throttled, Fails, Unreachable], 3);
}

#[test]
fn with_n_retries_the_batch_is_invoked_n_plus_one_times_which_is_its_approximate_invoke_count() {
    for (max, given_up) in [(0, "ab retried enough after 1"), (1, "ab retried enough after 2")]
        .into_iter()
        .chain([(2, "ab retried enough after 3"), (3, "ab retried enough after 4")])
    {
        let mut story = Story::of(&retries(max), &[("ab", 0)]);
        for attempt in 1..=max + 1 {
            story.goes(&[(0, &format!("ab #{attempt}"), Fails)]);
        }
        story.goes(&[(0, given_up, Delivered)]);
        story.is_over();
    }
}

#[test]
fn a_batch_that_succeeds_at_its_last_attempt_is_not_given_up() {
    super::check(
        &retries(2),
        &[("ab", 0)],
        &[(0, "ab #1", Fails), (0, "ab #2", Fails), (0, "ab #3", Succeeds)],
    );
}

#[test]
fn function_error_consumes_attempts() {
    super::check(&retries(0), &[("a", 0)], &[(0, "a #1", Fails), (0, "a retried enough after 1", Delivered)]);
}

#[test]
fn throttle_consumes_no_attempts_however_often() {
    let mut story = Story::of(&retries(0), &[("ab", 0)]);
    (0..20_000).for_each(|_| story.goes(&[(0, "ab #1", Throttled)]));
    story.goes(&[(0, "ab #1", Succeeds)]);
    story.is_over();
}

#[test]
fn could_not_invoke_consumes_no_attempts_however_often() {
    let mut story = Story::of(&retries(0), &[("ab", 0)]);
    (0..20_000).for_each(|_| story.goes(&[(0, "ab #1", Unreachable)]));
    story.goes(&[(0, "ab #1", Fails), (0, "ab retried enough after 1", Delivered)]);
    story.is_over();
}

#[test]
fn a_given_up_batch_is_skipped_and_the_next_one_has_all_its_attempts() {
    super::check(
        &Policy { batch_size: 1, ..retries(1) },
        &[("ab", 0)],
        &[
            (0, "a #1", Fails),
            (0, "a #2", Fails),
            (0, "a retried enough after 2", Delivered),
            (0, "b #1", Fails),
            (0, "b #2", Succeeds),
        ],
    );
}

#[test]
fn every_invocation_that_did_not_succeed_is_waited_after_and_success_ends_that() {
    let policy = Policy { backoff: Backoff::default(), batch_size: 1, ..policy() };
    let mut story = Story::of(&policy, &[("ab", 0)]);
    let mut wait = |on: On| {
        story.lane.state = State::Idle;
        story.step(0);
        story.answer(on, 0);
        story.lane.due(&policy, false, ReadSoFar::default()).unwrap().since(at(0))
    };
    let ends = [Fails, Throttled, Unreachable];
    let waits: Vec<_> = (0..9).map(|index| wait(ends[index % 3].clone())).collect();
    for (failures, is) in (1..).zip(&waits) {
        assert!(*is <= policy.backoff.ceiling(failures), "wait {failures} is {is:?}");
    }
    assert!(waits.iter().any(|wait| *wait > millis(10_000)), "with this seed: {waits:?}");
    assert_eq!(wait(Succeeds), millis(0));
    assert!(wait(Fails) <= millis(500));
}

#[test]
fn giving_up_the_last_of_a_batch_ends_the_backoff() {
    let curve = Backoff { base: millis(1), factor: 2, cap: millis(1 << 20) };
    let policy = Policy { backoff: curve, batch_size: 1, ..retries(15) };
    let mut story = Story::of(&policy, &[("ab", 0)]);
    for attempt in 1..=16 {
        story.lane.state = State::Idle;
        story.goes(&[(0, &format!("a #{attempt}"), Fails)]);
    }
    story.goes(&[(0, "a retried enough after 16", Delivered), (0, "b #1", Fails)]);
    let (_, next) = story.lane.retrying().unwrap();
    assert!(next.since(at(0)) <= curve.ceiling(1));
}

#[test]
fn a_delivery_that_fails_is_tried_again_a_bounded_number_of_times_then_the_lane_goes_on() {
    let mut story = Story::of(&Policy { batch_size: 1, ..retries(0) }, &[("ab", 0)]);
    story.goes(&[(0, "a #1", Fails)]);
    for _ in 1..DELIVERY_ATTEMPTS_MAX {
        assert_eq!(story.step(0), "a retried enough after 1");
        assert_eq!(story.answer(DeliveryFails, 0), "");
    }
    assert_eq!(story.step(0), "a retried enough after 1");
    assert_eq!(story.answer(DeliveryFails, 0), "a", "settled, though nobody has it");
    story.goes(&[(0, "b #1", Succeeds)]);
    story.is_over();
}

#[test]
fn a_delivery_is_waited_for_longer_after_each_failure() {
    let curve = Backoff { base: millis(1_000), factor: 10, cap: Duration::from_secs(1 << 20) };
    let mut story = Story::of(&Policy { backoff: curve, ..retries(0) }, &[("a", 0)]);
    story.goes(&[(0, "a #1", Fails)]);
    let mut waits = Vec::new();
    for _ in 1..DELIVERY_ATTEMPTS_MAX {
        story.lane.state = State::Idle;
        story.goes(&[(0, "a retried enough after 1", DeliveryFails)]);
        waits.push(story.lane.due(&policy(), true, ENDED).unwrap().since(at(0)));
    }
    for (failures, is) in (1..).zip(&waits) {
        assert!(*is <= curve.ceiling(failures), "wait {failures} is {is:?}");
    }
    assert!(waits[3] > millis(10_000), "with this seed: {waits:?}");
}

#[test]
fn the_failure_names_the_last_invocation_that_reached_the_function() {
    let failure = |ends: &[(Option<&str>, On)]| {
        let mut story = Story::of(&Policy { reports_item_failures: true, ..retries(1) }, &[("a", 0)]);
        for (id, on) in ends {
            story.step(0);
            let State::InFlight(invocation) = story.lane.state else { panic!("an invocation is in flight") };
            let reply = Reply { outcome: on.clone().outcome(), request_id: id.map(Arc::from) };
            let (policy, random) = (&story.policy, &mut story.random);
            drop(story.lane.invoked(invocation, reply, policy, at(0), random));
        }
        story.step(0);
        let work = story.lane.at_hand();
        work.failure(FailureId(0), GiveUp::RetriesExhausted).last_reached
    };
    let reached = |id: Option<&str>, how| Some(Reached { request_id: id.map(Arc::from), how });
    assert_eq!(
        failure(&[(Some("one"), Fails), (Some("two"), Fails)]),
        reached(Some("two"), HowFailed::FunctionError)
    );
    assert_eq!(
        failure(&[(Some("one"), Fails), (Some("no"), Throttled), (Some("two"), reports("a"))]),
        reached(Some("two"), HowFailed::Reported)
    );
    assert_eq!(failure(&[(Some("one"), Fails), (None, Fails)]), reached(None, HowFailed::FunctionError));
}

#[test]
#[should_panic(expected = "an answer belongs to an invocation in flight (I7)")]
fn an_answer_to_another_invocation_is_refused() {
    let mut story = Story::of(&policy(), &[("ab", 0)]);
    story.step(0);
    let reply = Succeeds.outcome().into();
    drop(story.lane.invoked(InvocationId(99), reply, &policy(), at(0), &mut story.random));
}

#[test]
#[should_panic(expected = "an answer belongs to a failure in flight (I7)")]
fn an_answer_to_another_delivery_is_refused() {
    let mut story = Story::of(&retries(0), &[("a", 0)]);
    story.goes(&[(0, "a #1", Fails)]);
    story.step(0);
    drop(story.lane.failure_sent(FailureId(99), true, &policy(), at(0), &mut story.random));
}
