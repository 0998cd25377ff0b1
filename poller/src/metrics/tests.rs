//! The text, to the letter: others build dashboards and alerts on it.

use super::render;
use crate::control::StatusSnapshot;
use crate::control::snapshot::{
    FunctionStatus, GroupStatus, MappingState, MappingStatus, ReadAhead, ShardPhase, ShardStatus,
};
use pelton_core::stream::ShardId;
use pelton_core::{Counts, Timestamp};
use pelton_model::MappingConfiguration;
use serde_json::json;

/// What [`snapshot`] looks like. `PELTON_UPDATE_EXPECTED=1` writes it anew.
const EVERY_METRIC: &str = "src/metrics/every_metric.txt";

fn mapping(id: &str, state: MappingState, totals: Counts, shards: Vec<ShardStatus>) -> MappingStatus {
    MappingStatus {
        id: id.into(),
        function: "order-ledger".into(),
        stream: "arn:aws:kinesis:us-east-1:000000000000:stream/orders".into(),
        state,
        starting_position: "LATEST".into(),
        settings: MappingConfiguration::default(),
        failed_records_to: None,
        positions_trimmed: totals.positions_trimmed,
        totals,
        group: None,
        shards,
    }
}

/// A shard that fails, one that did nothing yet, one that ended, a mapping that waits, and one that is disabled.
fn snapshot() -> StatusSnapshot {
    let now = 1_795_000_000_000;
    let counts = Counts {
        polled: 120,
        invoked: 150,
        failed: 30,
        succeeded: 100,
        positions_trimmed: 2,
        expired: 3,
        too_large: 1,
        too_old: 11,
        retries_exhausted: 12,
        filtered: 13,
        not_json: 20,
        dropped: 14,
        delivered: 15,
        delivery_failures: 16,
        partial_failures: 17,
        ignored_failures: 18,
        ignored_content: 19,
        invocations: 9,
        retries: 3,
        function_errors: 4,
        throttles: 2,
        not_invoked: 5,
        fetch_errors: 6,
        save_errors: 7,
    };
    let idle = ShardStatus::unread(&ShardId::new("shardId-1"), ShardPhase::Polling, None);
    let busy = ShardStatus {
        checkpoint_saved_at: Some(Timestamp::from_millis(now - 1_500)),
        records_held: 16,
        bytes_held: 4_096,
        batch_arrived_at: Some(Timestamp::from_millis(now - 90_250)),
        iterator_age_ms: Some(42),
        offset_lag: Some(23),
        counts,
        ..ShardStatus::unread(&ShardId::new("shardId-0"), ShardPhase::Invoking, None)
    };
    let child = ShardStatus::unread(&ShardId::new("shardId-2"), ShardPhase::Waiting, None);
    let totals = Counts { polled: 1_120, succeeded: 1_100, ..counts };
    let group = GroupStatus { id: "ledger".into(), rebalances: 21, committed_events: 22 };
    let waiting = MappingState::Waiting { reason: "the stream does not exist".into() };
    StatusSnapshot {
        pid: 1,
        version: "0.1.0".into(),
        started_at: Timestamp::from_millis(now - 60_000),
        taken_at: Timestamp::from_millis(now),
        read_ahead: ReadAhead { bytes: 5_000, bytes_max: 268_435_456 },
        functions: vec![FunctionStatus { name: "a \"quoted\" back\\slash\nand line".into(), processes: 2 }],
        mappings: vec![
            MappingStatus {
                group: Some(group),
                ..mapping("OrderLedgerOrders", MappingState::Polling, totals, vec![busy, idle, child])
            },
            mapping("Waits", waiting, Counts::default(), vec![]),
            mapping("Disabled", MappingState::Disabled, Counts::default(), vec![]),
        ],
    }
}

#[test]
fn the_text_is_what_it_always_was() {
    let text = render(&snapshot());
    if std::env::var_os("PELTON_UPDATE_EXPECTED").is_some() {
        std::fs::write(EVERY_METRIC, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(EVERY_METRIC).unwrap());
}

#[test]
fn without_mappings_there_are_only_the_metrics_of_the_process() {
    let text = render(&StatusSnapshot { mappings: vec![], functions: vec![], ..snapshot() });
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let expected = [
        "pelton_info{version=\"0.1.0\"} 1",
        "pelton_start_time_seconds 1794999940",
        "pelton_read_ahead_bytes 5000",
        "pelton_read_ahead_bytes_max 268435456",
    ];
    assert_eq!(samples, expected);
}

#[test]
fn every_metric_says_what_it_is() {
    let text = render(&snapshot());
    let heads = |kind: &str| -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix(kind)?.split(' ').next()).collect()
    };
    let helps = heads("# HELP ");
    assert_eq!(helps, heads("# TYPE "));
    for name in &helps {
        assert!(name.starts_with("pelton_"), "{name}");
        assert_eq!(helps.iter().filter(|other| *other == name).count(), 1, "{name} is there once");
    }
}

#[test]
fn the_documentation_names_every_metric() {
    let page = std::fs::read_to_string("../docs/operations.md").unwrap();
    let text = render(&snapshot());
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()) {
        let in_table = name.trim_start_matches("pelton_mapping_").trim_start_matches("pelton_shard_");
        let is_named = [name, in_table].iter().any(|name| page.contains(&format!("`{name}`")));
        assert!(is_named, "{name}");
    }
}

#[test]
fn whatever_is_counted_has_a_metric() {
    let with = |name: &str, number: u64| {
        let counts: Counts = serde_json::from_value(json!({ name: number })).unwrap();
        let mappings = vec![mapping("M", MappingState::Polling, counts, vec![])];
        render(&StatusSnapshot { mappings, ..snapshot() })
    };
    for (name, _) in Counts::default().named() {
        assert_ne!(with(name, 1), with(name, 2), "{name}");
    }
}
