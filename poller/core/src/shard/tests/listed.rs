//! Responses of Kafka, after which records above the checkpoint are settled (specification 4.3).

use super::*;
use crate::PartialFailures;

/// A partition that is read once.
fn listing() -> Policy {
    Policy {
        reports_item_failures: true,
        partial_failures: PartialFailures::Listed { partition: "t-0".into() },
        poll_interval: millis(99_999),
        ..policy()
    }
}

const SECOND: On = Says(r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":2}}]}"#);

#[test]
fn the_checkpoint_stands_before_the_lowest_listed_record_and_keeps_what_succeeded_above() {
    let shard = check(
        listing(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("1234", CaughtUp), "invoke 123 #1"),
            (6, SECOND, "save 1 +1"),
            (7, Saved, "invoke 2 #1"),
            (8, Fails, "invoke 2 #2"),
            (9, Succeeds, "save 3"),
            (10, Saved, "invoke 4 #1"),
        ],
    );
    let counts = shard.view().counts;
    assert_eq!((counts.succeeded, counts.failed, counts.partial_failures), (3, 2, 1));
}

#[test]
fn what_succeeded_above_a_listed_record_does_not_come_again_after_a_restart() {
    let kept = Checkpoint { ahead: [Position::new("3").fingerprint()].into(), ..up_to("1") };
    check_from(
        listing(),
        kept,
        &[
            (0, Begin, "fetch 10"),
            (5, Page("2345", CaughtUp), "invoke 245 #1"),
            (6, SECOND, "save 1 +3"),
            (7, Saved, "invoke 2 #1"),
            (8, Succeeds, "save 5"),
        ],
    );
}

#[test]
fn a_shard_that_drains_leaves_what_was_listed_and_keeps_what_succeeded() {
    let shard = check(
        listing(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("123", CaughtUp), "invoke 123 #1"),
            (6, Drain, ""),
            (7, SECOND, "save 1 +1"),
            (8, Saved, ""),
        ],
    );
    assert_eq!((shard.finished(), shard.view().records_left), (Some(Finished::Drained), 1));
}

#[test]
fn a_failed_attempt_tells_of_the_listed_records_only() {
    let mut shard = check(
        listing(),
        &[
            (0, Begin, "fetch 10"),
            (5, Page("123", CaughtUp), "invoke 123 #1"),
            (6, SECOND, "save 1 +1"),
            (7, Saved, "invoke 2 #1"),
        ],
    );
    let told: Vec<Notice> = std::iter::from_fn(|| shard.next_notice()).collect();
    let [Notice::AttemptFailed(FailedAttempt { extent, .. })] = &told[..] else { panic!("{told:?}") };
    assert_eq!((extent.records, extent.first.as_ref().map(Position::as_str)), (1, Some("2")));
    assert_eq!(letters(shard.failing()[0].batch.records()), "2");
}
