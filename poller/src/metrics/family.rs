//! Puts one metric together, from a name, a help text and samples.

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use std::time::Duration;

/// The name and the value of each label of a sample.
pub(super) type Labels<'a> = [(&'static str, &'a str)];

/// One value under its labels.
pub(super) struct Sample {
    labels: Vec<LabelPair>,
    value: f64,
}

impl Sample {
    pub(super) fn new(labels: &Labels<'_>, value: f64) -> Self {
        Self { labels: labels.iter().map(|(name, value)| label(name, value)).collect(), value }
    }

    /// A number of things. Exact up to 2^53.
    pub(super) fn count(labels: &Labels<'_>, count: u64) -> Self {
        Self::new(labels, count as f64)
    }

    pub(super) fn seconds(labels: &Labels<'_>, duration: Duration) -> Self {
        Self::new(labels, duration.as_secs_f64())
    }
}

/// What only grows while the process lives. `None` without a sample: the format knows no such family.
pub(super) fn counter(name: &str, help: &str, samples: impl Iterator<Item = Sample>) -> Option<MetricFamily> {
    family(MetricType::COUNTER, name, help, samples.map(counted).collect())
}

/// What grows and shrinks. `None` without a sample.
pub(super) fn gauge(name: &str, help: &str, samples: impl Iterator<Item = Sample>) -> Option<MetricFamily> {
    family(MetricType::GAUGE, name, help, samples.map(gauged).collect())
}

fn family(kind: MetricType, name: &str, help: &str, metrics: Vec<Metric>) -> Option<MetricFamily> {
    if metrics.is_empty() {
        return None;
    }
    let mut family = MetricFamily::default();
    family.set_field_type(kind);
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_metric(metrics);
    Some(family)
}

fn counted(sample: Sample) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(sample.value);
    let mut metric = Metric::from_label(sample.labels);
    metric.set_counter(counter);
    metric
}

fn gauged(sample: Sample) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(sample.value);
    let mut metric = Metric::from_label(sample.labels);
    metric.set_gauge(gauge);
    metric
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}
