//! `MetricsConfig`: which of its metrics AWS keeps (specification 1.1, 10). Pelton counts all of them.

use crate::testing::{check_problem, load, template};

#[track_caller]
fn check(config: &str, expected: &str) {
    check_problem(&load(&template("", &format!("MetricsConfig: {config}"), "")), expected);
}

#[test]
fn a_kinesis_stream_has_the_metrics_event_count() {
    check("{}", "");
    check("{Metrics: []}", "");
    check("{Metrics: [EventCount]}", "");
    check("{Metrics: [ErrorCount]}", "a Kinesis stream does not support the metrics `ErrorCount`");
    check("{Metrics: [KafkaMetrics]}", "AWS allows them only with Kafka");
    check("{Metrics: [Events]}", "`Metrics` is `Events` | must be a list of `EventCount`");
    check("{Metrics: EventCount}", "`Metrics` is a single value | must be a list");
    check("{Metric: []}", "`MetricsConfig` has no property `Metric`");
}
