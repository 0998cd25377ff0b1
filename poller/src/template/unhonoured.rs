//! Settings of a mapping that AWS honours and Pelton does not yet: they are checked, and refused unless they say what
//! is the case anyway.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node};
use std::ops::RangeInclusive;

/// What AWS takes, and what Pelton does in any case.
enum Rule {
    /// A whole number, and the only one that is honoured.
    Integer(RangeInclusive<i64>, i64),
    /// MaximumRecordAgeInSeconds: -1, which alone is honoured, or 60 to 604,800.
    RecordAge,
    /// Only `false` is honoured.
    Boolean,
    /// Only an empty list is honoured; the items are among these words.
    Words(&'static [&'static str]),
    /// Only an empty list under this key is honoured.
    ListUnder(&'static str),
    /// Only a destination that is empty is honoured.
    Destination,
    /// Only an empty text is honoured.
    Text,
    /// Not for Kinesis: AWS takes it only with other event sources.
    OtherSources,
}

const RECORD_AGE_FOREVER: i64 = -1;
const RECORD_AGE_SECONDS: RangeInclusive<i64> = 60..=604_800;

static RULES: [(&str, Rule); 24] = [
    ("ParallelizationFactor", Rule::Integer(1..=10, 1)),
    ("MaximumRetryAttempts", Rule::Integer(-1..=10_000, -1)),
    ("MaximumRecordAgeInSeconds", Rule::RecordAge),
    ("BisectBatchOnFunctionError", Rule::Boolean),
    ("TumblingWindowInSeconds", Rule::Integer(0..=900, 0)),
    ("FunctionResponseTypes", Rule::Words(&["ReportBatchItemFailures"])),
    ("FilterCriteria", Rule::ListUnder("Filters")),
    ("DestinationConfig", Rule::Destination),
    ("KmsKeyArn", Rule::Text),
    ("MetricsConfig", Rule::ListUnder("Metrics")),
    ("Topics", Rule::OtherSources),
    ("Queues", Rule::OtherSources),
    ("SourceAccessConfigurations", Rule::OtherSources),
    ("SelfManagedEventSource", Rule::OtherSources),
    ("AmazonManagedKafkaEventSourceConfig", Rule::OtherSources),
    ("SelfManagedKafkaEventSourceConfig", Rule::OtherSources),
    ("DocumentDBEventSourceConfig", Rule::OtherSources),
    ("ScalingConfig", Rule::OtherSources),
    ("ProvisionedPollerConfig", Rule::OtherSources),
    ("SchemaRegistryConfig", Rule::OtherSources),
    ("LoggingConfig", Rule::OtherSources),
    ("ConsumerGroupId", Rule::OtherSources),
    ("KafkaBootstrapServers", Rule::OtherSources),
    ("SecretsManagerKmsKeyId", Rule::OtherSources),
];

/// Whether AWS knows a setting of this name that is not honoured.
pub(super) fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// The settings that are not honoured.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(name, _)| *name)
}

/// Reports the setting if it is wrong, or says something that is not honoured.
pub(super) fn check(context: &mut Context<'_>, property: &Entry) -> Result<(), Reported> {
    let Some((_, rule)) = RULES.iter().find(|(name, _)| *name == property.key) else { return Ok(()) };
    let refused = match rule {
        Rule::Integer(range, honoured) => {
            let value = context.integer(property, range.clone())?;
            value.is_some_and(|value| value != *honoured).then(|| format!("only {honoured} is honoured"))
        }
        Rule::RecordAge => {
            let allowed = "-1 (forever), or a whole number from 60 to 604800";
            let is_allowed = |age| age == RECORD_AGE_FOREVER || RECORD_AGE_SECONDS.contains(&age);
            let age = context.number(property, allowed, is_allowed)?;
            age.is_some_and(|age| age != RECORD_AGE_FOREVER).then(|| "only -1 is honoured".to_owned())
        }
        Rule::Boolean => {
            let value = context.boolean(property)?;
            (value == Some(true)).then(|| "only `false` is honoured".to_owned())
        }
        Rule::Words(words) => {
            let items = context.texts(property)?.unwrap_or_default();
            let allowed = format!("a list of `{}`", words.join("`, `"));
            context.each(&items, |context, item| match words.contains(&item.as_str()) {
                true => Ok(()),
                false => Err(context.not_allowed(property, item, &allowed)),
            })?;
            if items.len() > words.len() {
                return Err(context.not_allowed(property, &items.join(", "), "a list without repetitions"));
            }
            (!items.is_empty()).then(|| "only an empty list is honoured".to_owned())
        }
        Rule::ListUnder(key) => list_under(context, property, key)?,
        Rule::Destination => destination(context, property)?,
        Rule::Text => {
            let text = context.text(property)?.unwrap_or_default();
            (!text.is_empty()).then(|| "only without it".to_owned())
        }
        Rule::OtherSources => return other_sources(context, property),
    };
    if let Some(label) = refused {
        let message = format!("`{}` is not supported by Pelton yet", property.key);
        let is_one_line = property.value.as_scalar().is_some() || property.value.as_intrinsic().is_some();
        let place = if is_one_line { property.value.span } else { property.key_span };
        context.unsupported(place, message, label);
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

/// `{Filters: […]}`, `{Metrics: […]}`.
fn list_under(context: &mut Context<'_>, property: &Entry, key: &str) -> Result<Option<String>, Reported> {
    let wanted = format!("a map with `{key}`");
    let Some(entries) = context.head(&property.value, &wanted)? else { return Ok(None) };
    let owner = format!("`{}`", property.key);
    let lists = context.each(entries, |context, entry| match entry.key == key {
        true => context.evaluate(&entry.value),
        false => Err(context.unknown_property(entry, &owner, &[key])),
    })?;
    let is_empty = |list: &Node| list.as_sequence().is_some_and(<[Node]>::is_empty);
    let is_set = lists.iter().flatten().any(|list| !is_empty(list));
    Ok(is_set.then(|| format!("only without {}", key.to_lowercase())))
}

/// `{OnFailure: {Destination: ARN}}`. Which destination does not matter: it need not be a value that Pelton knows.
fn destination(context: &mut Context<'_>, property: &Entry) -> Result<Option<String>, Reported> {
    let entries = context.head(&property.value, "a map with `OnFailure`")?.unwrap_or_default();
    let are_set = context.each(entries, |context, entry| match entry.key.as_str() {
        "OnFailure" => on_failure(context, entry),
        _ => Err(context.unknown_property(entry, "`DestinationConfig` of a stream", &["OnFailure"])),
    })?;
    Ok(are_set.contains(&true).then(|| "only without a destination".to_owned()))
}

/// Whether it names a destination. `Type` is SAM's: which policy the function gets.
fn on_failure(context: &mut Context<'_>, on_failure: &Entry) -> Result<bool, Reported> {
    let entries = context.head(&on_failure.value, "a map with `Destination`")?.unwrap_or_default();
    let are_set = context.each(entries, |context, entry| match entry.key.as_str() {
        "Destination" => {
            let value = context.quietly(|context| context.evaluate(&entry.value));
            Ok(value.map_or(true, |value| value.is_some_and(|value| value.as_scalar() != Some(""))))
        }
        "Type" => Ok(false),
        _ => Err(context.unknown_property(entry, "`OnFailure`", &["Destination", "Type"])),
    })?;
    Ok(are_set.contains(&true))
}

#[cfg(test)]
mod tests {
    use crate::template::testing::{check_problem, lines, load, load_with, options, template};
    use crate::template::{LoadOptions, Unsupported};

    #[track_caller]
    fn check_honoured(setting: &str) {
        check_problem(&load(&template("", setting, "")), "");
    }

    #[track_caller]
    fn check_refused(setting: &str, expected: &str) {
        let text = template("", setting, "");
        check_problem(&load(&text), expected);
    }

    /// Refused with its line, and only a warning if that is allowed.
    #[track_caller]
    fn check_unhonoured(setting: &str, name: &str) {
        let text = template("", setting, "");
        check_problem(&load(&text), &format!("error unsupported: `{name}` is not supported by Pelton yet"));
        let loaded = load_with(&text, &LoadOptions { unsupported: Unsupported::Warn, ..options() });
        check_problem(&loaded, &format!("warning unsupported: `{name}`"));
        assert!(loaded.application.is_some());
    }

    #[test]
    fn what_says_the_default_is_honoured() {
        check_honoured("ParallelizationFactor: 1");
        check_honoured("MaximumRetryAttempts: -1");
        check_honoured("MaximumRecordAgeInSeconds: -1");
        check_honoured("BisectBatchOnFunctionError: false");
        check_honoured("TumblingWindowInSeconds: 0");
        check_honoured("FunctionResponseTypes: []");
        check_honoured("FilterCriteria: {}");
        check_honoured("FilterCriteria: {Filters: []}");
        check_honoured("DestinationConfig: {OnFailure: {Destination: ''}}");
        check_honoured("DestinationConfig: !Ref AWS::NoValue");
        check_honoured("KmsKeyArn: ''");
        check_honoured("MetricsConfig: {Metrics: []}");
        check_honoured("Topics: !Ref AWS::NoValue");
    }

    #[test]
    fn what_changes_the_behaviour_is_refused_or_warned_of() {
        check_unhonoured("ParallelizationFactor: 10", "ParallelizationFactor");
        check_unhonoured("MaximumRetryAttempts: 0", "MaximumRetryAttempts");
        check_unhonoured("MaximumRecordAgeInSeconds: 60", "MaximumRecordAgeInSeconds");
        check_unhonoured("BisectBatchOnFunctionError: true", "BisectBatchOnFunctionError");
        check_unhonoured("TumblingWindowInSeconds: 30", "TumblingWindowInSeconds");
        check_unhonoured("FunctionResponseTypes: [ReportBatchItemFailures]", "FunctionResponseTypes");
        check_unhonoured("FilterCriteria: {Filters: [{Pattern: '{}'}]}", "FilterCriteria");
        check_unhonoured(
            "DestinationConfig: {OnFailure: {Type: SQS, Destination: arn}}",
            "DestinationConfig",
        );
        check_unhonoured(
            "DestinationConfig: {OnFailure: {Destination: !ImportValue x}}",
            "DestinationConfig",
        );
        check_unhonoured("KmsKeyArn: arn:aws:kms:x", "KmsKeyArn");
        check_unhonoured("MetricsConfig: {Metrics: [EventCount]}", "MetricsConfig");
    }

    #[test]
    fn what_aws_would_not_take_is_refused_in_any_case() {
        check_refused("ParallelizationFactor: 0", "whole number from 1 to 10");
        check_refused("ParallelizationFactor: 11", "whole number from 1 to 10");
        check_refused("MaximumRetryAttempts: -2", "whole number from -1 to 10000");
        check_refused("MaximumRetryAttempts: 10001", "whole number from -1 to 10000");
        check_refused(
            "MaximumRecordAgeInSeconds: 59",
            "must be -1 (forever), or a whole number from 60 to 604800",
        );
        check_refused("MaximumRecordAgeInSeconds: 604801", "-1 (forever)");
        check_refused("BisectBatchOnFunctionError: maybe", "must be `true` or `false`");
        check_refused("TumblingWindowInSeconds: 901", "whole number from 0 to 900");
        check_refused("FunctionResponseTypes: [ReportItems]", "must be a list of `ReportBatchItemFailures`");
        check_refused("FunctionResponseTypes: ReportBatchItemFailures", "must be a list of single values");
        check_refused("FilterCriteria: {Filter: []}", "has no property `Filter`");
        check_refused("DestinationConfig: {OnSuccess: {Destination: x}}", "has no property `OnSuccess`");
        check_refused("Topics: [t]", "a Kinesis stream does not go with `Topics`");
        check_refused("ScalingConfig: {MaximumConcurrency: 2}", "does not go with `ScalingConfig`");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let event = "BatchSize: 0\n            ParallelizationFactor: 2\n            Topics: [a]";
        let loaded = load(&template("Timeout: 0", event, ""));
        assert_eq!(lines(&loaded.diagnostics).len(), 4);
    }
}
