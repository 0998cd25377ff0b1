//! ParallelizationFactor: several batches of one shard at a time (specification 3.1, 3.2).

use super::*;

fn factor(parallelization_factor: usize) -> Policy {
    Policy { parallelization_factor, poll_interval: millis(9_999), ..policy() }
}

#[test]
fn one_batch_at_a_time_for_each_slot_and_no_more() {
    check(
        factor(2),
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1 c1 d1", CaughtUp), "invoke a1c1 #1, invoke b1d1 #1"),
            (6, Nothing, ""),
        ],
    );
    check(
        factor(10),
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1 c1", CaughtUp), "invoke a1 #1, invoke b1 #1, invoke c1 #1"),
        ],
    );
    let lines = [(0, Begin, "fetch 10"), (5, Keyed("a1 b1 c1 d1", CaughtUp), "invoke a1b1c1 #1")];
    check(factor(1), &lines);
}

#[test]
fn the_same_key_is_never_in_two_concurrent_batches() {
    check(
        factor(3),
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 a2 b1", More), "invoke a1a2 #1, invoke b1 #1"),
            (200, Nothing, "fetch 7"),
            (205, Keyed("a3 c1", CaughtUp), "invoke c1 #1"),
            (206, SucceedsWith("a1 a2"), "save a2"),
            (207, Saved, "invoke a3 #1"),
        ],
    );
}

#[test]
fn order_is_kept_per_partition_key() {
    check(
        Policy { batch_size: 1, ..factor(2) },
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1 a2 b2", CaughtUp), "invoke a1 #1, invoke b1 #1"),
            (6, FailsWith("a1"), "invoke a1 #2"),
            (7, SucceedsWith("b1"), "save - +1"),
            (8, Saved, "invoke b2 #1"),
            (9, FailsWith("a1"), "invoke a1 #3"),
            (10, SucceedsWith("a1"), "save b1"),
            (11, Saved, "invoke a2 #1"),
        ],
    );
}

#[test]
fn a_key_whose_records_are_kept_as_settled_may_go_to_another_slot() {
    check(
        factor(2),
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1", More), "invoke a1 #1"),
            (6, SucceedsWith("a1"), "save a1"),
            (7, Saved, ""),
            (200, Nothing, "fetch 10"),
            (205, Keyed("b1 a2", CaughtUp), "invoke b1 #1, invoke a2 #1"),
        ],
    );
}

#[test]
fn while_a_batch_fails_its_slot_stops_and_the_others_go_on() {
    let shard = check(
        factor(2),
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1", More), "invoke a1 #1, invoke b1 #1"),
            (6, FailsWith("a1"), "invoke a1 #2"),
            (7, SucceedsWith("b1"), "save - +1"),
            (8, Saved, ""),
            (200, Nothing, "fetch 8"),
            (205, Keyed("a2 b2", CaughtUp), "invoke b2 #1"),
            (206, FailsWith("a1"), "invoke a1 #3"),
            (207, SucceedsWith("b2"), "save - +2"),
            (208, Saved, ""),
            (209, SucceedsWith("a1"), "save b1 +1"),
            (210, Saved, "invoke a2 #1"),
            (211, SucceedsWith("a2"), "save b2"),
            (212, Saved, ""),
        ],
    );
    assert_eq!((shard.view().records_held, shard.view().bytes_held), (0, 0));
}

#[test]
fn each_slot_has_its_own_retry_counter_and_bisect_stack() {
    check(
        Policy { bisects: true, retry_attempts_max: Some(1), ..factor(2) },
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 a2 b1 b2", CaughtUp), "invoke a1a2 #1, invoke b1b2 #1"),
            (6, FailsWith("a1 a2"), "invoke a1 #1"),
            (7, FailsWith("b1 b2"), "invoke b1 #1"),
            (8, FailsWith("a1"), "invoke a1 #2"),
            (9, SucceedsWith("b1"), "save - +1"),
            (10, Saved, "invoke b2 #1"),
            (11, FailsWith("a1"), "retried enough a1"),
            (12, FailureSent, "save a1 +1"),
            (13, Saved, "invoke a2 #1"),
        ],
    );
}

#[test]
fn the_checkpoint_is_the_highest_position_below_which_every_record_is_done_in_all_slots() {
    check(
        Policy { batch_size: 1, ..factor(4) },
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1 c1 d1", CaughtUp), "invoke a1 #1, invoke b1 #1, invoke c1 #1, invoke d1 #1"),
            (6, SucceedsWith("b1"), "save - +1"),
            (7, Saved, ""),
            (8, SucceedsWith("d1"), "save - +2"),
            (9, Saved, ""),
            (10, SucceedsWith("a1"), "save b1 +1"),
            (11, Saved, ""),
            (12, SucceedsWith("c1"), "save d1"),
            (13, Saved, ""),
        ],
    );
}

#[test]
fn discarded_records_count_as_done_for_the_checkpoint() {
    check(
        Policy { retry_attempts_max: Some(0), ..factor(2) },
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1", CaughtUp), "invoke a1 #1, invoke b1 #1"),
            (6, FailsWith("b1"), "retried enough b1"),
            (7, FailureSent, "save - +1"),
            (8, Saved, ""),
            (9, SucceedsWith("a1"), "save b1"),
        ],
    );
}

#[test]
fn filtered_records_count_as_done_for_the_checkpoint_and_are_not_remembered_one_by_one() {
    let shard = check(
        factor(2),
        &[
            (0, Begin, "fetch 10"),
            (5, Mixed(&[("a", 0), ("~bc", 0)], CaughtUp), "invoke a #1"),
            (6, Succeeds, "save c"),
            (7, Saved, ""),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.polled, counts.filtered, counts.succeeded), (3, 2, 1));
}

#[test]
fn how_far_slots_run_ahead_of_a_stuck_one_is_bounded() {
    check(
        Policy { read_ahead_records_max: 4, ..factor(2) },
        &[
            (0, Begin, "fetch 4"),
            (5, Keyed("a1 b1 b2 b3", More), "invoke a1 #1, invoke b1b2b3 #1"),
            (6, SucceedsWith("b1 b2 b3"), "save - +3"),
            (7, Saved, ""),
            (8, FailsWith("a1"), "invoke a1 #2"),
            (90_000, Nothing, ""),
            (90_001, Arrived, ""),
            (90_002, SucceedsWith("a1"), "save b3, fetch 4"),
        ],
    );
}

#[test]
fn nobody_waits_for_a_batching_window_while_nothing_can_be_read_ahead() {
    check(
        Policy { read_ahead_records_max: 4, batching_window: Duration::from_secs(300), ..factor(2) },
        &[
            (0, Begin, "fetch 4"),
            (5, Keyed("a1 a2 a3", More), "invoke a1a2a3 #1"),
            (200, Nothing, "fetch 1"),
            (205, Keyed("b1", More), "invoke b1 #1"),
        ],
    );
}

#[test]
fn after_a_restart_what_was_done_above_the_checkpoint_is_not_delivered_again() {
    let fingerprint = |name: &str| Position::new(name).fingerprint();
    let kept = Checkpoint { ahead: [fingerprint("b1"), fingerprint("c1")].into(), ..up_to("z9") };
    for parallelization_factor in [1, 2] {
        let shard = check_from(
            factor(parallelization_factor),
            kept.clone(),
            &[
                (0, Begin, "fetch 10"),
                (5, Keyed("a1 b1", More), "invoke a1 #1"),
                (200, Nothing, "fetch 8"),
                (205, Keyed("c1", CaughtUp), ""),
                (206, SucceedsWith("a1"), "save c1"),
                (207, Saved, ""),
            ],
        );
        assert_eq!((shard.view().counts.polled, shard.view().counts.succeeded), (3, 1));
    }
}

#[test]
fn what_was_done_above_the_checkpoint_stays_kept_until_it_was_read_again() {
    let ahead = [Position::new("c1").fingerprint()].into();
    check_from(
        factor(2),
        Checkpoint { ahead, ..up_to("z9") },
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1", More), "invoke a1 #1, invoke b1 #1"),
            (6, SucceedsWith("b1"), "save z9 +2"),
            (7, Saved, ""),
            (8, SucceedsWith("a1"), "save b1 +1"),
            (9, Saved, ""),
        ],
    );
}

#[test]
fn several_slots_hand_over_what_they_gave_up_at_once() {
    let shard = check(
        Policy { retry_attempts_max: Some(0), has_destination: true, ..factor(2) },
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1", CaughtUp), "invoke a1 #1, invoke b1 #1"),
            (6, FailsWith("a1"), "retried enough a1"),
            (7, FailsWith("b1"), "retried enough b1"),
            (8, FailureSentOf("b1"), "save - +1"),
            (9, FailureSentOf("a1"), ""),
            (10, Saved, "save b1"),
            (11, Saved, ""),
        ],
    );
    assert_eq!((shard.view().counts.retries_exhausted, shard.view().counts.delivered), (2, 2));
}

#[test]
fn a_slot_waits_for_what_it_settled_to_be_kept_and_not_for_others() {
    check(
        Policy { batch_size: 1, ..factor(2) },
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1 a2 b2", CaughtUp), "invoke a1 #1, invoke b1 #1"),
            (6, SucceedsWith("a1"), "save a1"),
            (7, FailsWith("b1"), "invoke b1 #2"),
            (8, SucceedsWith("b1"), ""),
            (9, Saved, "save b1, invoke a2 #1"),
            (10, Saved, "invoke b2 #1"),
        ],
    );
}

#[test]
fn draining_waits_for_every_slot_and_keeps_what_is_settled_above_the_checkpoint() {
    let shard = check(
        factor(2),
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1 a2", CaughtUp), "invoke a1a2 #1, invoke b1 #1"),
            (6, Drain, ""),
            (7, SucceedsWith("b1"), "save - +1"),
            (8, Saved, ""),
            (9, FailsWith("a1 a2"), ""),
        ],
    );
    assert_eq!(shard.finished(), Some(Finished::Drained));
    assert_eq!(*shard.view().checkpoint.ahead, [Position::new("b1").fingerprint()]);
}

#[test]
fn a_shard_ends_when_every_slot_is_done() {
    let shard = check(
        factor(2),
        &[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1", ShardEnd), "invoke a1 #1, invoke b1 #1"),
            (6, SucceedsWith("b1"), "save - +1"),
            (7, Saved, ""),
            (8, SucceedsWith("a1"), "save b1 end"),
            (9, Saved, ""),
        ],
    );
    assert_eq!(shard.finished(), Some(Finished::ShardEnd));
}

#[test]
fn a_shard_of_which_one_slot_is_stuck_shows_that() {
    let backoff = crate::Backoff { base: millis(60_000), factor: 2, cap: millis(60_000) };
    let lines = [
        (0, Begin, "fetch 10"),
        (5, Keyed("a1 b1", CaughtUp), "invoke a1 #1, invoke b1 #1"),
        (6, FailsWith("b1"), ""),
    ];
    let view = check(Policy { backoff, ..factor(2) }, &lines).view();
    assert!(matches!(view.phase, Phase::Retrying { attempts: 1, .. }), "{:?}", view.phase);
    assert_eq!((view.records_held, view.oldest_arrival), (2, Some(at(5))));
}

#[test]
fn of_several_stuck_slots_the_one_that_failed_most_often_is_shown() {
    let backoff = crate::Backoff { base: millis(60_000), factor: 2, cap: millis(60_000) };
    for (first, second) in [("a1", "b1"), ("b1", "a1")] {
        let mut table = Table::of(Shard::new(factor(2), None, 0, at(0)));
        let again = format!("invoke {first} #2");
        table.play(&[
            (0, Begin, "fetch 10"),
            (5, Keyed("a1 b1", CaughtUp), "invoke a1 #1, invoke b1 #1"),
            (6, FailsWith(first), &again),
        ]);
        table.shard.policy.backoff = backoff;
        table.play(&[(7, FailsWith(first), ""), (8, FailsWith(second), "")]);
        assert!(
            matches!(table.shard.view().phase, Phase::Retrying { attempts: 2, .. }),
            "{first} failed twice"
        );
    }
}

#[test]
fn the_oldest_record_held_is_that_of_any_slot() {
    let lines = [
        (0, Begin, "fetch 10"),
        (5, Keyed("a1 b1", More), "invoke a1 #1, invoke b1 #1"),
        (200, Nothing, "fetch 8"),
        (205, Keyed("a2", CaughtUp), ""),
        (206, SucceedsWith("a1"), "save a1"),
    ];
    assert_eq!(check(factor(2), &lines).view().oldest_arrival, Some(at(5)));
}

#[test]
#[should_panic(expected = "windows are of a shard, not of its lanes")]
fn tumbling_windows_want_a_factor_of_one() {
    check(Policy { parallelization_factor: 2, ..crate::testing::in_windows() }, &[]);
}
