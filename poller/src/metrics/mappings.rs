//! The metrics of each event source mapping that is enabled (a disabled one has none on AWS either).

use super::counters::{COUNTERS, Counter};
use super::family::{Sample, counter, gauge};
use crate::control::StatusSnapshot;
use crate::control::snapshot::{MappingState, MappingStatus};
use prometheus::proto::MetricFamily;

/// Every metric of mappings.
pub(super) fn families(snapshot: &StatusSnapshot) -> impl Iterator<Item = Option<MetricFamily>> {
    let metrics = [
        info,
        polling,
        shards,
        trimmed_positions,
        sum_offset_lag,
        max_offset_lag,
        committed_events,
        rebalances,
    ];
    let metrics = metrics.into_iter().map(move |metric| metric(snapshot));
    metrics.chain(COUNTERS.iter().map(move |metric| counted(metric, snapshot)))
}

fn info(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "1, under the names of the mapping's function and stream.";
    let info = |mapping: &MappingStatus| {
        let MappingStatus { id, function, stream, .. } = mapping;
        Sample::count(&[("mapping", id), ("function", function), ("stream", stream)], 1)
    };
    gauge("pelton_mapping_info", help, enabled(snapshot).map(info))
}

fn polling(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "1 while the mapping reads its stream, 0 while it waits for it or stops.";
    let polling = |mapping: &MappingStatus| {
        Sample::count(&[("mapping", &mapping.id)], u64::from(mapping.state == MappingState::Polling))
    };
    gauge("pelton_mapping_polling", help, enabled(snapshot).map(polling))
}

fn shards(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Shards that are being read.";
    let shards = |mapping: &MappingStatus| {
        Sample::count(&[("mapping", &mapping.id)], mapping.shards_read().count() as u64)
    };
    gauge("pelton_mapping_shards", help, enabled(snapshot).map(shards))
}

fn trimmed_positions(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "How often the stream no longer had the position to resume from: each time, records were lost to retention.";
    let trimmed =
        |mapping: &MappingStatus| Sample::count(&[("mapping", &mapping.id)], mapping.positions_trimmed);
    counter("pelton_mapping_trimmed_positions_total", help, enabled(snapshot).map(trimmed))
}

fn sum_offset_lag(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Records from what is settled to the ends of the logs of all partitions that are read (SumOffsetLag).";
    let lag = |mapping: &MappingStatus| {
        mapping.group.as_ref()?;
        Some(Sample::count(&[("mapping", &mapping.id)], mapping.offset_lags().sum()))
    };
    gauge("pelton_mapping_sum_offset_lag", help, enabled(snapshot).filter_map(lag))
}

fn max_offset_lag(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "The largest of these lags of one partition (MaxOffsetLag).";
    let lag = |mapping: &MappingStatus| {
        mapping.group.as_ref()?;
        Some(Sample::count(&[("mapping", &mapping.id)], mapping.offset_lags().max().unwrap_or_default()))
    };
    gauge("pelton_mapping_max_offset_lag", help, enabled(snapshot).filter_map(lag))
}

fn committed_events(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "By how much committed offsets were moved on (CommittedEventCount).";
    let committed = |mapping: &MappingStatus| {
        let group = mapping.group.as_ref()?;
        Some(Sample::count(&[("mapping", &mapping.id), ("group", &group.id)], group.committed_events))
    };
    counter("pelton_mapping_committed_events_total", help, enabled(snapshot).filter_map(committed))
}

fn rebalances(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "How often partitions were assigned, revoked or lost.";
    let rebalances = |mapping: &MappingStatus| {
        let group = mapping.group.as_ref()?;
        Some(Sample::count(&[("mapping", &mapping.id), ("group", &group.id)], group.rebalances))
    };
    counter("pelton_mapping_rebalances_total", help, enabled(snapshot).filter_map(rebalances))
}

fn counted(metric: &Counter, snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let samples = enabled(snapshot)
        .flat_map(|mapping| metric.samples(&[("mapping", &mapping.id)], &mapping.totals).collect::<Vec<_>>());
    counter(&format!("pelton_mapping_{}", metric.name), metric.help, samples)
}

fn enabled(snapshot: &StatusSnapshot) -> impl Iterator<Item = &MappingStatus> {
    snapshot.mappings.iter().filter(|mapping| mapping.state != MappingState::Disabled)
}
