use super::*;
use bytes::Bytes;
use pelton_core::{AttemptError, Batch, Envelope, Record};
use serde_json::json;
use std::sync::Arc;

fn record(number: &str) -> Record {
    Record::new(Position::new(number), Timestamp::default(), Bytes::from_static(b"{}"), 0..2)
}

fn view(phase: Phase) -> ShardView {
    ShardView {
        phase,
        checkpoint: pelton_core::Checkpoint { position: Some(Position::new("4959")), ..Default::default() },
        records_held: 3,
        bytes_held: 900,
        records_left: 0,
        failing: vec![FailingBatch {
            attempts: 3,
            attempts_max: Some(4),
            batch: Arc::new(Batch::new(["4960", "4962"].map(record).to_vec(), Envelope::new("[", "]"))),
            first_failed_at: Timestamp::from_millis(1_763_697_600_000),
            next_attempt_at: Some(Timestamp::from_millis(1_763_697_644_123)),
            is_given_up: false,
            error: Arc::new(AttemptError::FunctionFailed {
                error_type: "Sandbox.Timedout".into(),
                message: "no answer".into(),
            }),
            request_id: Some("8b1d".into()),
        }],
        oldest_arrival: Some(Timestamp::from_millis(1_500)),
        iterator_age: Some(Duration::from_millis(42)),
        checkpoint_saved_at: None,
        counts: Counts { polled: 10, succeeded: 7, expired: 1, function_errors: 2, ..Counts::default() },
    }
}

#[test]
fn a_shard_is_told_in_stable_json() {
    let phase = Phase::Retrying { attempts: 3, at: Timestamp::from_millis(1_763_697_644_123) };
    let status = ShardStatus {
        unread_since: Some(Timestamp::from_millis(7_000)),
        last_error: Some("timed out".into()),
        ..ShardStatus::new(&ShardId::new("shardId-0"), &view(phase))
    };
    let expected = json!({
        "shard": "shardId-0",
        "phase": "retrying",
        "attempts": 3,
        "next_attempt_at": "2025-11-21T04:00:44.123Z",
        "checkpoint": "4959",
        "checkpoint_saved_at": null,
        "records_held": 3,
        "bytes_held": 900,
        "batch_arrived_at": "1970-01-01T00:00:01.500Z",
        "iterator_age_ms": 42,
        "unread_since": "1970-01-01T00:00:07.000Z",
        "last_error": "timed out",
        "failing": [{
            "attempts": 3,
            "attempt_limit": 4,
            "records": 2,
            "first_sequence_number": "4960",
            "last_sequence_number": "4962",
            "first_failed_at": "2025-11-21T04:00:00.000Z",
            "next_attempt_at": "2025-11-21T04:00:44.123Z",
            "given_up": false,
            "error_type": "Sandbox.Timedout",
            "error_message": "no answer",
            "request_id": "8b1d"
        }],
        "counts": {
            "polled": 10, "invoked": 0, "failed": 0, "succeeded": 7, "positions_trimmed": 0, "expired": 1, "too_large": 0,
            "too_old": 0, "retries_exhausted": 0, "filtered": 0, "not_json": 0, "dropped": 0, "delivered": 0,
            "delivery_failures": 0, "partial_failures": 0, "ignored_failures": 0, "ignored_content": 0,
            "invocations": 0, "retries": 0, "function_errors": 2, "throttles": 0, "not_invoked": 0,
            "fetch_errors": 0, "save_errors": 0
        }
    });
    assert_eq!(serde_json::to_value(&status).unwrap(), expected);
    assert_eq!(serde_json::from_value::<ShardStatus>(expected).unwrap(), status);
}

#[test]
fn every_phase_has_its_word() {
    let check = |phase, word| {
        assert_eq!(serde_json::to_value(ShardPhase::from(phase)).unwrap()["phase"], word);
    };
    check(Phase::Polling, "polling");
    check(Phase::Gathering, "gathering");
    check(Phase::Invoking, "invoking");
    check(Phase::Stalled, "stalled");
    check(Phase::Draining, "draining");
    check(Phase::Finished(Finished::Drained), "drained");
    check(Phase::Finished(Finished::ShardEnd), "ended");
}

#[test]
fn a_shard_that_nobody_reads_is_told_too() {
    let status = ShardStatus::unread(&ShardId::new("shardId-1"), ShardPhase::Waiting, None);
    let told = serde_json::to_value(&status).unwrap();
    assert_eq!(
        (&told["phase"], &told["checkpoint"], &told["counts"]["polled"]),
        (&json!("waiting"), &json!(null), &json!(0))
    );
}

#[test]
fn a_mapping_that_waits_says_for_what() {
    let mapping = MappingStatus {
        id: "OrderLedgerOrders".into(),
        function: "order-ledger".into(),
        stream: "arn:aws:kinesis:us-east-1:000000000000:stream/orders".into(),
        state: MappingState::Waiting { reason: "the stream does not exist".into() },
        starting_position: starting_position_name(StartingPosition::Latest).into(),
        settings: MappingConfiguration::default(),
        failed_records_to: Some("file:/app/.pelton/failed/M.jsonl".into()),
        positions_trimmed: 0,
        totals: Counts { polled: 7, succeeded: 7, ..Counts::default() },
        group: None,
        shards: vec![],
    };
    let expected = json!({
        "id": "OrderLedgerOrders",
        "function": "order-ledger",
        "stream": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
        "state": "waiting",
        "reason": "the stream does not exist",
        "starting_position": "LATEST",
        "settings": {
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 0,
            "ParallelizationFactor": 1,
            "BisectBatchOnFunctionError": false,
            "MaximumRetryAttempts": -1,
            "MaximumRecordAgeInSeconds": -1,
            "TumblingWindowInSeconds": 0,
            "FunctionResponseTypes": [],
            "DestinationConfig": { "OnFailure": {} }
        },
        "failed_records_to": "file:/app/.pelton/failed/M.jsonl",
        "positions_trimmed": 0,
        "totals": {
            "polled": 7, "invoked": 0, "failed": 0, "succeeded": 7, "positions_trimmed": 0, "expired": 0, "too_large": 0,
            "too_old": 0, "retries_exhausted": 0, "filtered": 0, "not_json": 0, "dropped": 0, "delivered": 0,
            "delivery_failures": 0, "partial_failures": 0, "ignored_failures": 0, "ignored_content": 0,
            "invocations": 0, "retries": 0, "function_errors": 0, "throttles": 0, "not_invoked": 0,
            "fetch_errors": 0, "save_errors": 0
        },
        "shards": []
    });
    assert_eq!(serde_json::to_value(&mapping).unwrap(), expected);
    assert_eq!(serde_json::from_value::<MappingStatus>(expected).unwrap(), mapping);
}

/// What a poller answered before it told of batches that fail.
const OLDER: &str = include_str!("../older_answer.json");

#[test]
fn the_answer_of_an_older_poller_is_understood() {
    let snapshot: StatusSnapshot = serde_json::from_str(OLDER).unwrap();
    let shard = &snapshot.mappings[0].shards[0];
    assert!(matches!(shard.phase, ShardPhase::Retrying { attempts: 3, .. }), "{shard:?}");
    assert_eq!((&shard.failing[..], snapshot.mappings[0].failed_records_to.as_deref()), (&[][..], None));
    assert_eq!(shard.last_error.as_deref(), Some("Unhandled: boom"));
}

#[test]
fn what_may_be_missing_is_only_what_was_added_since_the_first_version() {
    let mut told: serde_json::Value = serde_json::from_str(OLDER).unwrap();
    told.as_object_mut().unwrap().retain(|name, _| !["read_ahead", "functions"].contains(&name.as_str()));
    let mapping = told["mappings"][0].as_object_mut().unwrap();
    mapping.retain(|name, _| !["settings", "totals", "positions_trimmed"].contains(&name.as_str()));
    let shard = told["mappings"][0]["shards"][0].as_object_mut().unwrap();
    shard.retain(|name, _| !["unread_since", "counts", "checkpoint_saved_at"].contains(&name.as_str()));
    serde_json::from_value::<StatusSnapshot>(told).unwrap();
}

#[test]
fn an_older_status_understands_what_is_added_here_as_fields_that_it_does_not_know_are_ignored() {
    let mut told: serde_json::Value = serde_json::from_str(OLDER).unwrap();
    told["of_tomorrow"] = json!(1);
    told["mappings"][0]["of_tomorrow"] = json!([{}]);
    told["mappings"][0]["settings"]["OfTomorrow"] = json!("x");
    told["mappings"][0]["shards"][0]["of_tomorrow"] = json!({ "a": null });
    told["mappings"][0]["shards"][0]["counts"]["of_tomorrow"] = json!(7);
    let older: StatusSnapshot = serde_json::from_str(OLDER).unwrap();
    assert_eq!(serde_json::from_value::<StatusSnapshot>(told).unwrap(), older);
}
