//! `MetricsConfig` of a mapping: which of its metrics AWS keeps (specification 1.1, 10).
//!
//! Pelton always counts all that `EventCount` stands for: there is nothing to remember, only to check.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::Entry;

/// Reports what AWS would not take for a Kinesis stream.
pub(super) fn check(context: &mut Context<'_>, property: &Entry) -> Result<(), Reported> {
    let entries = context.head(&property.value, "a map with `Metrics`")?.unwrap_or_default();
    context.each(entries, |context, entry| match entry.key.as_str() {
        "Metrics" => check_groups(context, entry),
        _ => Err(context.unknown_setting(entry, "`MetricsConfig`", &["Metrics"])),
    })?;
    Ok(())
}

fn check_groups(context: &mut Context<'_>, property: &Entry) -> Result<(), Reported> {
    let groups = context.texts(property)?.unwrap_or_default();
    context.each(&groups, |context, group| match group.as_str() {
        "EventCount" => Ok(()),
        "ErrorCount" | "KafkaMetrics" => {
            let message = format!("a Kinesis stream does not go with the metrics `{group}`");
            Err(context.report(
                Diagnostic::error(Code::Conflict, message)
                    .at(property.value.span, "AWS takes them only with Kafka")
                    .help("remove it"),
            ))
        }
        _ => Err(context.not_allowed(property, group, "a list of `EventCount`")),
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::template::testing::{check_problem, load, template};

    #[track_caller]
    fn check(config: &str, expected: &str) {
        check_problem(&load(&template("", &format!("MetricsConfig: {config}"), "")), expected);
    }

    #[test]
    fn a_kinesis_stream_has_the_metrics_event_count() {
        check("{}", "");
        check("{Metrics: []}", "");
        check("{Metrics: [EventCount]}", "");
        check("{Metrics: [ErrorCount]}", "a Kinesis stream does not go with the metrics `ErrorCount`");
        check("{Metrics: [KafkaMetrics]}", "AWS takes them only with Kafka");
        check("{Metrics: [Events]}", "`Metrics` is `Events` | must be a list of `EventCount`");
        check("{Metrics: EventCount}", "`Metrics` is a single value | must be a list");
        check("{Metric: []}", "`MetricsConfig` has no property `Metric`");
    }
}
