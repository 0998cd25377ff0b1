//! One lane by tables: what is cut, when it is due, what becomes of it.

use super::*;
use crate::batch::Envelope;
use crate::retry::Backoff;
use crate::testing::{LARGE, SMALL, at, letters, millis, no_backoff, numbered, policy, reason_text};
use bytes::Bytes;

fn lane_of(waiting: &str) -> Lane {
    let mut lane = Lane::new(None, &policy(), at(0));
    numbered(waiting, at(0)).into_iter().for_each(|record| lane.push(record));
    lane
}

/// What a step does: `abc #1` invokes with these records for the first time, `a expired` and `A too large` give up.
fn show(step: &Step) -> String {
    match step {
        Step::Invoke { batch, attempt, .. } => format!("{} #{attempt}", letters(batch.records())),
        Step::SendFailure(Failure { batch, reason, .. }) => {
            format!("{} {}", letters(batch.records()), reason_text(*reason))
        }
    }
}

fn start(lane: &mut Lane, id: u64, policy: &Policy, now: Timestamp) -> Step {
    lane.start(InvocationId(id), FailureId(id), policy, ReadSoFar::default(), now)
}

/// The batch in flight ends like this. Returns it if it is settled whole.
fn end(
    lane: &mut Lane,
    outcome: &Outcome,
    policy: &Policy,
    now: Timestamp,
    random: &mut fastrand::Rng,
) -> Option<Arc<Batch>> {
    let State::InFlight(id) = lane.state else { panic!("an invocation is in flight") };
    let ended = lane.invoked(id, outcome.clone().into(), policy, now, random);
    (ended.settled == ended.batch.records().len()).then_some(ended.batch)
}

/// The delivery in flight is accepted.
fn deliver(lane: &mut Lane) -> Arc<Batch> {
    let State::SendingFailure(id) = lane.state else { panic!("a delivery is in flight") };
    let mut random = fastrand::Rng::with_seed(0);
    match lane.failure_sent(id, true, &policy(), at(0), &mut random) {
        Delivered::HandedOver(given_up) => given_up.batch,
        other => panic!("{other:?}"),
    }
}

fn succeeded() -> Outcome {
    Outcome::Succeeded { payload: Bytes::new() }
}

fn failed() -> Outcome {
    Outcome::FunctionFailed { error_type: "Unhandled".to_owned(), message: String::new() }
}

fn unreachable() -> Outcome {
    Outcome::NotInvoked { reason: String::new() }
}

mod cut {
    use super::*;

    /// Of the records that wait, these are cut; and whether the batch was full, so that no window is waited for.
    fn check(waiting: &str, policy: &Policy, step: &str, is_full: bool) {
        let mut lane = lane_of(waiting);
        assert_eq!(lane.is_full(policy), is_full);
        assert_eq!(show(&start(&mut lane, 0, policy, at(0))), step);
        let batch = &lane.at_hand().batch;
        assert!(batch.event_len() <= policy.event_bytes_max || lane.work[0].give_up.is_some());
        let all = numbered(waiting, at(0));
        assert_eq!(lane.held(), (all.len(), all.iter().map(Record::encoded_len).sum()));
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
        check("A", &up_to_bytes(event_of(0, 1) - 1), "A too large", true);
        check("Abc", &up_to_bytes(event_of(0, 1) - 1), "A too large", true);
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
        let one_too_many = |bytes: usize| {
            let page = Bytes::from(vec![b'1'; bytes]);
            let mut lane = Lane::new(None, &policy(), at(0));
            lane.push(Record::new(crate::Position::new("a"), at(0), page, 0..bytes));
            matches!(start(&mut lane, 0, &kinesis, at(0)), Step::SendFailure(_))
        };
        assert!(!one_too_many(6 * 1024 * 1024 - 2));
        assert!(one_too_many(6 * 1024 * 1024 - 1));
    }
}

mod expiry {
    use super::*;

    /// Records `a` and `b` arrived at 0, `c` and `d` at 500, and are kept for 1,000 ms. They are tried at 900, and the
    /// attempt at `retry_at` does `steps`, one after the other.
    fn check(outcome: &Outcome, retry_at: u64, steps: &[&str]) {
        let policy = Policy { batch_size: 4, retention: millis(1_000), ..policy() };
        let mut lane = Lane::new(None, &policy, at(0));
        let (mut early, late) = (numbered("abcd", at(0)), numbered("abcd", at(500)));
        early.truncate(2);
        early.into_iter().chain(late.into_iter().skip(2)).for_each(|record| lane.push(record));
        let mut random = fastrand::Rng::with_seed(0);
        assert_eq!(show(&start(&mut lane, 0, &policy, at(900))), "abcd #1");
        assert!(end(&mut lane, outcome, &policy, at(900), &mut random).is_none());
        for expected in steps {
            assert!(lane.due(&policy, false, ReadSoFar::default()).unwrap() <= at(retry_at));
            let step = start(&mut lane, 1, &policy, at(retry_at));
            assert_eq!(show(&step), *expected);
            match step {
                Step::Invoke { batch, .. } => {
                    let settled = end(&mut lane, &succeeded(), &policy, at(retry_at), &mut random);
                    assert_eq!(settled, Some(batch));
                }
                Step::SendFailure(failure) => assert_eq!(deliver(&mut lane), failure.batch),
            }
        }
        assert_eq!(lane.due(&policy, true, ReadSoFar::default()), None, "nothing is left");
        assert_eq!(lane.held(), (0, 0));
    }

    #[test]
    fn a_record_is_retried_while_the_stream_keeps_it() {
        check(&failed(), 999, &["abcd #2"]);
    }

    #[test]
    fn in_a_mixed_batch_only_the_expired_records_are_given_up() {
        check(&failed(), 1_000, &["ab expired", "cd #2"]);
        check(&failed(), 1_499, &["ab expired", "cd #2"]);
    }

    #[test]
    fn a_batch_of_which_every_record_expired_is_given_up_whole() {
        check(&failed(), 1_500, &["abcd expired"]);
    }

    #[test]
    fn a_batch_that_never_reached_the_function_expires_all_the_same() {
        check(&unreachable(), 1_000, &["ab expired", "cd #1"]);
        check(&Outcome::Throttled, 1_500, &["abcd expired"]);
    }

    #[test]
    fn a_record_that_was_never_tried_is_not_given_up_however_old() {
        let policy = Policy { retention: millis(1_000), ..policy() };
        assert_eq!(show(&start(&mut lane_of("ab"), 0, &policy, at(90_000))), "ab #1");
    }

    #[test]
    fn a_failure_says_how_often_the_function_was_invoked() {
        let policy = Policy { retention: millis(1_000), ..policy() };
        let mut lane = lane_of("a");
        let mut random = fastrand::Rng::with_seed(0);
        for (id, outcome) in (0..).zip([failed(), Outcome::Throttled, failed(), unreachable()]) {
            drop(start(&mut lane, id, &policy, at(0)));
            drop(end(&mut lane, &outcome, &policy, at(0), &mut random));
        }
        let Step::SendFailure(failure) = start(&mut lane, 9, &policy, at(1_000)) else {
            panic!("the record expired")
        };
        assert_eq!(failure.attempts, 2);
    }

    #[test]
    fn giving_up_a_part_of_a_batch_does_not_shorten_the_backoff_of_the_rest() {
        let curve = Backoff { base: millis(1), factor: 2, cap: millis(1 << 20) };
        let policy = Policy { backoff: curve, retention: millis(1_000), ..policy() };
        let mut lane = Lane::new(None, &policy, at(0));
        lane.push(numbered("ab", at(0))[0].clone());
        lane.push(numbered("ab", at(5_000))[1].clone());
        let mut random = fastrand::Rng::with_seed(0);
        let mut fail = |lane: &mut Lane, id: u64, now: u64, step: &str| {
            assert_eq!(show(&start(lane, id, &policy, at(now))), step);
            drop(end(lane, &failed(), &policy, at(now), &mut random));
        };
        (0..15).for_each(|id| fail(&mut lane, id, 500, &format!("ab #{}", id + 1)));
        assert_eq!(show(&start(&mut lane, 15, &policy, at(1_000))), "a expired");
        drop(deliver(&mut lane));
        fail(&mut lane, 15, 1_000, "b #16");
        let (_, next) = lane.retrying().unwrap();
        assert!(next.since(at(1_000)) > curve.ceiling(1), "with this seed");
    }
}

mod retry {
    use super::*;

    /// After these outcomes of one batch, the next attempt is this one.
    fn check(outcomes: &[Outcome], attempt: u32) {
        let mut lane = lane_of("ab");
        let mut random = fastrand::Rng::with_seed(0);
        for (id, outcome) in (0..).zip(outcomes) {
            drop(start(&mut lane, id, &policy(), at(0)));
            drop(end(&mut lane, outcome, &policy(), at(0), &mut random));
        }
        assert_eq!(show(&start(&mut lane, 9, &policy(), at(0))), format!("ab #{attempt}"));
    }

    #[test]
    fn an_attempt_is_an_invocation_that_reached_the_function() {
        check(&[], 1);
        check(&[failed()], 2);
        check(&[failed(), failed(), failed()], 4);
    }

    #[test]
    fn neither_a_throttle_nor_an_unreachable_function_raises_the_attempt() {
        check(&[Outcome::Throttled], 1);
        check(&[unreachable(), Outcome::Throttled], 1);
        check(&[failed(), Outcome::Throttled, failed(), unreachable()], 3);
    }

    #[test]
    fn every_invocation_that_did_not_succeed_is_waited_after_and_success_ends_that() {
        let policy = Policy { backoff: Backoff::default(), batch_size: 1, ..policy() };
        let mut lane = lane_of("ab");
        let mut random = fastrand::Rng::with_seed(0);
        let mut wait = |lane: &mut Lane, outcome: &Outcome| {
            drop(start(lane, 0, &policy, at(0)));
            drop(end(lane, outcome, &policy, at(0), &mut random));
            lane.due(&policy, false, ReadSoFar::default()).unwrap().since(at(0))
        };
        let outcomes = [failed(), Outcome::Throttled, unreachable()];
        let waits: Vec<_> = (0..9).map(|index| wait(&mut lane, &outcomes[index % 3])).collect();
        for (failures, is) in (1..).zip(&waits) {
            assert!(*is <= policy.backoff.ceiling(failures), "wait {failures} is {is:?}");
        }
        assert!(waits.iter().any(|wait| *wait > millis(10_000)), "with this seed: {waits:?}");
        assert_eq!(wait(&mut lane, &succeeded()), millis(0));
        assert!(wait(&mut lane, &failed()) <= millis(500));
    }

    #[test]
    #[should_panic(expected = "an answer belongs to an invocation in flight (I7)")]
    fn an_answer_to_another_invocation_is_refused() {
        let mut lane = lane_of("ab");
        drop(start(&mut lane, 3, &policy(), at(0)));
        let mut random = fastrand::Rng::with_seed(0);
        drop(lane.invoked(InvocationId(2), succeeded().into(), &policy(), at(0), &mut random));
    }
}

mod window {
    use super::*;

    /// After an invocation that ended at 100 with `outcome`, and a batch of which nothing is left, a record that came
    /// since is due at `due`.
    fn check(outcome: &Outcome, due: u64) {
        let policy = Policy { batching_window: millis(400), retention: millis(50), ..policy() };
        assert_eq!(policy.backoff, no_backoff());
        let mut lane = lane_of("a");
        let mut random = fastrand::Rng::with_seed(0);
        drop(start(&mut lane, 0, &policy, at(0)));
        if end(&mut lane, outcome, &policy, at(100), &mut random).is_none() {
            assert_eq!(show(&start(&mut lane, 1, &policy, at(100))), "a expired");
            drop(deliver(&mut lane));
        }
        numbered("b", at(110)).into_iter().for_each(|record| lane.push(record));
        assert_eq!(lane.due(&policy, false, ReadSoFar::default()), Some(at(due)));
        assert!(
            lane.due(&policy, true, ReadSoFar::default()).unwrap() <= at(100),
            "a window is not waited for in vain"
        );
    }

    #[test]
    fn the_window_starts_when_the_previous_invocation_ended() {
        check(&succeeded(), 500);
    }

    #[test]
    fn the_window_starts_when_the_previous_invocation_ended_though_it_failed() {
        check(&failed(), 500);
    }
}
