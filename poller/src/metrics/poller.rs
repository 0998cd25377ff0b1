//! The metrics of the process as a whole.

use super::family::{Sample, gauge};
use crate::control::StatusSnapshot;
use crate::control::snapshot::FunctionStatus;
use pelton_core::Timestamp;
use prometheus::proto::MetricFamily;

/// Every metric of the process.
pub(super) fn families(snapshot: &StatusSnapshot) -> impl Iterator<Item = Option<MetricFamily>> {
    let metrics = [info, start_time, read_ahead, read_ahead_max, function_processes];
    metrics.into_iter().map(move |metric| metric(snapshot))
}

fn info(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let sample = Sample::count(&[("version", &snapshot.version)], 1);
    gauge("pelton_info", "1, under Pelton's version.", [sample].into_iter())
}

fn start_time(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let sample = Sample::seconds(&[], snapshot.started_at.since(Timestamp::default()));
    gauge("pelton_start_time_seconds", "When the poller started, in Unix time.", [sample].into_iter())
}

fn read_ahead(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let sample = Sample::count(&[], snapshot.read_ahead.bytes as u64);
    let help = "Bytes of records that are held, or reserved by reads in progress.";
    gauge("pelton_read_ahead_bytes", help, [sample].into_iter())
}

fn read_ahead_max(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let sample = Sample::count(&[], snapshot.read_ahead.bytes_max as u64);
    let help = "The limit of these bytes: nothing further is read at the limit.";
    gauge("pelton_read_ahead_bytes_max", help, [sample].into_iter())
}

fn function_processes(snapshot: &StatusSnapshot) -> Option<MetricFamily> {
    let help = "Handler processes of the function (ConcurrentExecutions, and those that are idle).";
    let processes =
        |function: &FunctionStatus| Sample::count(&[("function", &function.name)], function.processes as u64);
    gauge("pelton_function_processes", help, snapshot.functions.iter().map(processes))
}
