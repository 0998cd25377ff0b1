//! The metrics of each event source mapping that is enabled (a disabled one has none on AWS either).

use super::counters::{COUNTERS, Counter};
use super::family::{Sample, counter, gauge};
use crate::control::StatusSnapshot;
use crate::control::snapshot::{MappingState, MappingStatus};
use prometheus::proto::MetricFamily;

/// Every metric of mappings.
pub(super) fn families(snapshot: &StatusSnapshot) -> impl Iterator<Item = Option<MetricFamily>> {
    let metrics = [info, polling, shards, trimmed_positions];
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

fn counted(metric: &Counter, snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let samples = enabled(snapshot)
        .flat_map(|mapping| metric.samples(&[("mapping", &mapping.id)], &mapping.totals).collect::<Vec<_>>());
    counter(&format!("pelton_mapping_{}", metric.name), metric.help, samples)
}

fn enabled(snapshot: &StatusSnapshot) -> impl Iterator<Item = &MappingStatus> {
    snapshot.mappings.iter().filter(|mapping| mapping.state != MappingState::Disabled)
}
