//! Settings of a mapping that Pelton does not honour: `KmsKeyArn`, and those of other event sources. They are checked, and
//! refused unless they say what is the case anyway.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::Entry;

/// Encrypts the filters that AWS keeps; Pelton reads them from the template.
const KMS_KEY_ARN: &str = "KmsKeyArn";

/// AWS takes them only with other event sources.
const OTHER_SOURCES: [&str; 14] = [
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "SelfManagedEventSource",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "ScalingConfig",
    "ProvisionedPollerConfig",
    "SchemaRegistryConfig",
    "LoggingConfig",
    "ConsumerGroupId",
    "KafkaBootstrapServers",
    "SecretsManagerKmsKeyId",
];

/// Whether AWS knows a setting of this name that is not honoured.
pub(super) fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// The settings that are not honoured.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    [KMS_KEY_ARN].into_iter().chain(OTHER_SOURCES)
}

/// Reports the setting if it says something that is not honoured.
pub(super) fn check(context: &mut Context<'_>, property: &Entry) -> Result<(), Reported> {
    match property.key.as_str() {
        KMS_KEY_ARN => key(context, property),
        _ => other_sources(context, property),
    }
}

fn key(context: &mut Context<'_>, property: &Entry) -> Result<(), Reported> {
    let text = context.text(property)?.unwrap_or_default();
    if !text.is_empty() {
        let message = format!("`{KMS_KEY_ARN}` is not supported by Pelton yet");
        context.unsupported(property.value.span, message, "only without it");
    }
    Ok(())
}

fn other_sources(context: &mut Context<'_>, property: &Entry) -> Result<(), Reported> {
    if context.evaluate(&property.value) == Ok(None) {
        return Ok(());
    }
    Err(context.report(
        Diagnostic::error(Code::Conflict, format!("a Kinesis stream does not go with `{}`", property.key))
            .at(property.key_span, "AWS takes it only with other event sources")
            .help("remove it"),
    ))
}

#[cfg(test)]
mod tests {
    use crate::template::testing::{check_problem, lines, load, load_with, options, template};
    use crate::template::{LoadOptions, Unsupported};

    #[track_caller]
    fn check(setting: &str, expected: &str) {
        check_problem(&load(&template("", setting, "")), expected);
    }

    #[test]
    fn a_key_that_encrypts_the_filters_is_refused_or_warned_of() {
        check("KmsKeyArn: ''", "");
        let text = template("", "KmsKeyArn: arn:aws:kms:x", "");
        check_problem(&load(&text), "error unsupported: `KmsKeyArn` is not supported by Pelton yet");
        let loaded = load_with(&text, &LoadOptions { unsupported: Unsupported::Warn, ..options() });
        check_problem(&loaded, "warning unsupported: `KmsKeyArn`");
        assert!(loaded.application.is_some());
    }

    #[test]
    fn settings_of_other_sources_are_refused() {
        check("Topics: !Ref AWS::NoValue", "");
        for name in super::OTHER_SOURCES {
            check(&format!("{name}: [x]"), &format!("a Kinesis stream does not go with `{name}`"));
        }
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let event = "BatchSize: 0\n            ParallelizationFactor: 20\n            Topics: [a]";
        let loaded = load(&template("Timeout: 0", event, ""));
        assert_eq!(lines(&loaded.diagnostics).len(), 4);
    }
}
