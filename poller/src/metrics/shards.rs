//! The metrics of each shard that is being read. They go when it ends.

use super::counters::{COUNTERS, Counter};
use super::family::{Labels, Sample, counter, gauge};
use crate::control::StatusSnapshot;
use crate::control::snapshot::ShardStatus;
use pelton_core::Timestamp;
use prometheus::proto::MetricFamily;
use std::time::Duration;

/// Every metric of shards.
pub(super) fn families(snapshot: &StatusSnapshot) -> impl Iterator<Item = Option<MetricFamily>> {
    let gauges = [iterator_age, held_record_age, checkpoint_age, held_records, held_bytes, offset_lag];
    let gauges = gauges.into_iter().map(move |metric| metric(snapshot));
    gauges.chain(COUNTERS.iter().map(move |metric| counted(metric, snapshot)))
}

fn iterator_age(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Age of the last record of the batch that was last sent to the function, when it was sent (IteratorAge).";
    let age = |labels: &Labels<'_>, shard: &ShardStatus| {
        Some(Sample::seconds(labels, Duration::from_millis(shard.iterator_age_ms?)))
    };
    gauge("pelton_shard_iterator_age_seconds", help, each(snapshot, age))
}

/// Unlike the iterator age it grows while a batch fails, and is nothing while there is nothing to do: the one for alerts.
fn held_record_age(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Age of the oldest record that was read and is not settled; 0 while there is none.";
    let age = |labels: &Labels<'_>, shard: &ShardStatus| {
        let age = shard.batch_arrived_at.map(|arrived| snapshot.taken_at.since(arrived));
        Some(Sample::seconds(labels, age.unwrap_or_default()))
    };
    gauge("pelton_shard_held_record_age_seconds", help, each(snapshot, age))
}

fn checkpoint_age(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Time since a checkpoint was last stored; none is stored while nothing is settled.";
    let age = |labels: &Labels<'_>, shard: &ShardStatus| {
        let since = |moment: Timestamp| snapshot.taken_at.since(moment);
        Some(Sample::seconds(labels, shard.checkpoint_saved_at.map(since)?))
    };
    gauge("pelton_shard_checkpoint_age_seconds", help, each(snapshot, age))
}

fn held_records(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Records that were read and are not settled.";
    let held =
        |labels: &Labels<'_>, shard: &ShardStatus| Some(Sample::count(labels, shard.records_held as u64));
    gauge("pelton_shard_held_records", help, each(snapshot, held))
}

fn held_bytes(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Bytes that these records take inside invocation events.";
    let held =
        |labels: &Labels<'_>, shard: &ShardStatus| Some(Sample::count(labels, shard.bytes_held as u64));
    gauge("pelton_shard_held_bytes", help, each(snapshot, held))
}

fn offset_lag(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Records from what is settled to the end of the partition's log (OffsetLag).";
    let lag = |labels: &Labels<'_>, shard: &ShardStatus| Some(Sample::count(labels, shard.offset_lag?));
    gauge("pelton_shard_offset_lag", help, each(snapshot, lag))
}

fn counted(metric: &Counter, snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let samples = each(snapshot, |labels, shard| metric.samples(labels, &shard.counts).collect::<Vec<_>>());
    counter(&format!("pelton_shard_{}", metric.name), metric.help, samples)
}

/// The samples of every shard.
fn each<S: IntoIterator<Item = Sample>>(
    snapshot: &StatusSnapshot,
    samples: impl Fn(&Labels<'_>, &ShardStatus) -> S,
) -> impl Iterator<Item = Sample> {
    let shards = snapshot.mappings.iter().flat_map(|mapping| {
        let id = mapping.id.as_str();
        mapping.shards_read().map(move |shard| (id, shard))
    });
    shards.flat_map(move |(mapping, shard)| samples(&[("mapping", mapping), ("shard", &shard.shard)], shard))
}
