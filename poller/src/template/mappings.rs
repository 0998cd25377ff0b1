//! The settings of an event source mapping, wherever they stand: in an event of a SAM function, or in an
//! `AWS::Lambda::EventSourceMapping` (specification 1.1).
//!
//! In: the properties. Out: a mapping whose settings are all honoured. What AWS would not take is an error; what AWS
//! honours and Pelton does not is refused, unless it says what is the case anyway.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::Entry;
use super::settings::Setting;
use super::source::Span;
use super::{
    event_source, filter_criteria, metrics_config, on_failure, response_types, starting_position, unhonoured,
};
use crate::application::{Mapping, MappingId, OnFailure, StreamArn};
use std::ops::RangeInclusive;
use std::time::Duration;

const BATCH_SIZE: RangeInclusive<i64> = 1..=10_000;
const BATCH_SIZE_DEFAULT: u32 = 100;
const BATCHING_WINDOW_SECONDS: RangeInclusive<i64> = 0..=300;
const PARALLELIZATION_FACTOR: RangeInclusive<i64> = 1..=10;
const PARALLELIZATION_FACTOR_DEFAULT: u32 = 1;
/// What stands for no limit but the stream's retention, of attempts and of age: the default of both.
const FOREVER: i64 = -1;
const RETRY_ATTEMPTS: RangeInclusive<i64> = FOREVER..=10_000;
const RECORD_AGE_SECONDS: RangeInclusive<i64> = 60..=604_800;
const TUMBLING_WINDOW_SECONDS: RangeInclusive<i64> = 0..=900;

/// The properties that make a Kinesis mapping and that Pelton honours.
const HONOURED: [&str; 15] = [
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "ParallelizationFactor",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "TumblingWindowInSeconds",
    "FunctionResponseTypes",
    "FilterCriteria",
    "DestinationConfig",
    "MetricsConfig",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Enabled",
    // About AWS itself.
    "Tags",
];

/// A mapping as the template declares it.
pub(super) struct Declared<'t> {
    /// Its logical id.
    pub(super) id: MappingId,
    /// Its name in the template.
    pub(super) span: Span,
    /// Its properties.
    pub(super) properties: Vec<&'t Entry>,
    /// What it is, for people: `an event of type Kinesis`.
    pub(super) owner: &'static str,
    /// Whether it is an event of a SAM function.
    pub(super) is_sam_event: bool,
    /// The property that names the stream.
    pub(super) source_property: &'static str,
    /// Further properties that it may have, read elsewhere.
    pub(super) other_properties: &'static [&'static str],
}

/// Reads the settings of a mapping that runs `function`. Reports every problem before it gives up.
pub(super) fn read<'t>(
    context: &mut Context<'t>,
    declared: &Declared<'t>,
    function: &str,
) -> Result<Mapping, Reported> {
    let mut settings = Settings::default();
    let mut result = Ok(());
    for property in &declared.properties {
        if let Err(reported) = settings.read(context, declared, property) {
            result = Err(reported);
        }
    }
    let position = settings.starting_position.position(context, declared);
    let windows = settings.check_windows(context);
    let Some(stream) = settings.stream else {
        let has_source = declared.properties.iter().any(|property| property.key == declared.source_property);
        if !has_source {
            let message = format!("the mapping `{}` has no `{}`", declared.id, declared.source_property);
            context.report(
                Diagnostic::error(Code::Missing, message).at(declared.span, "needs the ARN of a stream"),
            );
        }
        return Err(Reported);
    };
    result?;
    windows?;
    let factor = settings.parallelization_factor.map(|(factor, _)| factor);
    Ok(Mapping {
        id: declared.id.clone(),
        function: function.to_owned(),
        stream,
        enabled: settings.enabled.unwrap_or(true),
        starting_position: position?,
        batch_size: settings.batch_size.unwrap_or(BATCH_SIZE_DEFAULT),
        batching_window: settings.batching_window.unwrap_or(Duration::ZERO),
        parallelization_factor: factor.unwrap_or(PARALLELIZATION_FACTOR_DEFAULT),
        bisect_batch_on_function_error: settings.bisect_batch_on_function_error.unwrap_or(false),
        maximum_retry_attempts: settings.maximum_retry_attempts,
        maximum_record_age: settings.maximum_record_age,
        tumbling_window: settings.tumbling_window.map(|(length, _)| length),
        report_batch_item_failures: settings.report_batch_item_failures,
        filter_patterns: settings.filter_patterns,
        on_failure: settings.on_failure,
    })
}

/// What the properties say.
#[derive(Default)]
struct Settings<'t> {
    stream: Option<StreamArn>,
    enabled: Option<bool>,
    starting_position: starting_position::Declaration<'t>,
    batch_size: Option<u32>,
    batching_window: Option<Duration>,
    parallelization_factor: Option<(u32, &'t Entry)>,
    bisect_batch_on_function_error: Option<bool>,
    maximum_retry_attempts: Option<u32>,
    maximum_record_age: Option<Duration>,
    tumbling_window: Option<(Duration, &'t Entry)>,
    report_batch_item_failures: bool,
    filter_patterns: Vec<String>,
    on_failure: Option<OnFailure>,
}

impl<'t> Settings<'t> {
    fn read(
        &mut self,
        context: &mut Context<'t>,
        declared: &Declared<'t>,
        property: &'t Entry,
    ) -> Result<(), Reported> {
        match property.key.as_str() {
            name if name == declared.source_property => {
                self.stream = Some(event_source::read(context, property)?);
            }
            "Enabled" => self.enabled = context.boolean(property)?,
            "StartingPosition" => self.starting_position.read_position(context, property)?,
            "StartingPositionTimestamp" => self.starting_position.read_timestamp(context, property)?,
            "BatchSize" => self.batch_size = count(context, property, BATCH_SIZE)?,
            "MaximumBatchingWindowInSeconds" => {
                self.batching_window = seconds(context, property, BATCHING_WINDOW_SECONDS)?;
            }
            "ParallelizationFactor" => {
                let factor = count(context, property, PARALLELIZATION_FACTOR)?;
                self.parallelization_factor = factor.map(|factor| (factor, property));
            }
            "BisectBatchOnFunctionError" => {
                self.bisect_batch_on_function_error = context.boolean(property)?
            }
            "MaximumRetryAttempts" => self.maximum_retry_attempts = retry_attempts(context, property)?,
            "MaximumRecordAgeInSeconds" => self.maximum_record_age = record_age(context, property)?,
            "TumblingWindowInSeconds" => {
                let length = seconds(context, property, TUMBLING_WINDOW_SECONDS)?;
                let length = length.filter(|length| !length.is_zero());
                self.tumbling_window = length.map(|length| (length, property));
            }
            "FunctionResponseTypes" => {
                self.report_batch_item_failures = response_types::read(context, property)?
            }
            "FilterCriteria" => self.filter_patterns = filter_criteria::read(context, property)?,
            "DestinationConfig" => {
                self.on_failure = on_failure::read(context, property, declared.is_sam_event)?;
            }
            "MetricsConfig" => metrics_config::check(context, property)?,
            name if HONOURED.contains(&name) || declared.other_properties.contains(&name) => {}
            name if unhonoured::is_known(name) => unhonoured::check(context, property)?,
            _ => {
                let mut known = vec![declared.source_property];
                known.extend(HONOURED);
                known.extend(declared.other_properties);
                known.extend(unhonoured::names());
                return Err(context.unknown_property(property, declared.owner, &known));
            }
        }
        Ok(())
    }

    /// A window has one state: batches that run side by side would each need one.
    fn check_windows(&self, context: &mut Context<'t>) -> Result<(), Reported> {
        let (Some((_, window)), Some((factor, parallel))) =
            (self.tumbling_window, self.parallelization_factor)
        else {
            return Ok(());
        };
        if factor <= 1 {
            return Ok(());
        }
        let message = "tumbling windows do not go with a `ParallelizationFactor` greater than 1";
        Err(context.report(
            Diagnostic::error(Code::Conflict, message)
                .at(parallel.value.span, "must be 1, as there are windows")
                .related(window.value.span, "must be 0, as batches run in parallel")
                .help("remove one of them"),
        ))
    }
}

fn count(context: &mut Context<'_>, property: &Entry, range: RangeInclusive<i64>) -> Setting<u32> {
    let count = context.integer(property, range)?;
    Ok(count.map(|count| u32::try_from(count).expect("the range was checked")))
}

fn seconds(context: &mut Context<'_>, property: &Entry, range: RangeInclusive<i64>) -> Setting<Duration> {
    let seconds = context.integer(property, range)?;
    Ok(seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs())))
}

/// `None`, too, for no limit.
fn retry_attempts(context: &mut Context<'_>, property: &Entry) -> Setting<u32> {
    let attempts = context.integer(property, RETRY_ATTEMPTS)?;
    Ok(attempts.and_then(|attempts| u32::try_from(attempts).ok()))
}

/// `None`, too, for no limit.
fn record_age(context: &mut Context<'_>, property: &Entry) -> Setting<Duration> {
    let allowed = "-1 (forever), or a whole number from 60 to 604800";
    let is_allowed = |age| age == FOREVER || RECORD_AGE_SECONDS.contains(&age);
    let age = context.number(property, allowed, is_allowed)?;
    Ok(age.and_then(|age| u64::try_from(age).ok()).map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::testing::{check_problem, load, template};

    #[track_caller]
    fn check(settings: &str, is_expected: impl FnOnce(&Mapping) -> bool) {
        let loaded = load(&template("", settings, ""));
        check_problem(&loaded, "");
        let application = loaded.application.expect("there is no problem");
        assert!(is_expected(&application.mappings[0]), "{:#?}", application.mappings);
    }

    #[track_caller]
    fn check_refused(settings: &str, expected: &str) {
        check_problem(&load(&template("", settings, "")), expected);
    }

    #[test]
    fn settings_have_the_defaults_of_aws() {
        check("", |mapping| {
            mapping.id.0 == "LedgerOrders"
                && mapping.function == "Ledger"
                && mapping.stream.to_string() == "arn:aws:kinesis:eu-west-1:123456789012:stream/Orders"
                && mapping.enabled
                && mapping.batch_size == 100
                && mapping.batching_window == Duration::ZERO
                && mapping.parallelization_factor == 1
                && !mapping.bisect_batch_on_function_error
                && mapping.maximum_retry_attempts.is_none()
                && mapping.maximum_record_age.is_none()
                && mapping.tumbling_window.is_none()
                && !mapping.report_batch_item_failures
                && mapping.filter_patterns.is_empty()
                && mapping.on_failure.is_none()
        });
    }

    #[test]
    fn settings_are_read_however_they_are_written() {
        check("BatchSize: 10000", |mapping| mapping.batch_size == 10_000);
        check("BatchSize: '1'", |mapping| mapping.batch_size == 1);
        check("MaximumBatchingWindowInSeconds: 300", |mapping| {
            mapping.batching_window == Duration::from_secs(300)
        });
        check("Enabled: false", |mapping| !mapping.enabled);
        check("Enabled: 'True'", |mapping| mapping.enabled);
        check("Enabled: off", |mapping| !mapping.enabled);
        check("BatchSize: !Ref AWS::NoValue", |mapping| mapping.batch_size == 100);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        check_refused("BatchSize: 0", "`BatchSize` is `0` | must be a whole number from 1 to 10000");
        check_refused("BatchSize: 10001", "`BatchSize` is `10001`");
        check_refused("BatchSize: 1.5", "`BatchSize` is `1.5`");
        check_refused("BatchSize: [1]", "`BatchSize` is a list");
        check_refused("BatchSize:", "`BatchSize` is empty");
        check_refused("MaximumBatchingWindowInSeconds: 301", "whole number from 0 to 300");
        check_refused("MaximumBatchingWindowInSeconds: -1", "whole number from 0 to 300");
        check_refused("Enabled: perhaps", "must be `true` or `false`");
    }

    #[test]
    fn the_parallelization_factor_is_1_to_10() {
        for factor in [1, 2, 10] {
            check(&format!("ParallelizationFactor: {factor}"), |mapping| {
                mapping.parallelization_factor == factor
            });
        }
        check_refused(
            "ParallelizationFactor: 0",
            "`ParallelizationFactor` is `0` | must be a whole number from 1 to 10",
        );
        check_refused("ParallelizationFactor: 11", "whole number from 1 to 10");
        check_refused("ParallelizationFactor: many", "whole number from 1 to 10");
    }

    #[test]
    fn bisect_batch_on_function_error_is_a_boolean() {
        check("BisectBatchOnFunctionError: true", |mapping| mapping.bisect_batch_on_function_error);
        check("BisectBatchOnFunctionError: false", |mapping| !mapping.bisect_batch_on_function_error);
        check_refused("BisectBatchOnFunctionError: maybe", "must be `true` or `false`");
        check_refused("BisectBatchOnFunctionError: 1", "must be `true` or `false`");
    }

    #[test]
    fn maximum_retry_attempts_is_minus_1_to_10000_and_minus_1_means_until_expiry() {
        for (attempts, expected) in [(-1, None), (0, Some(0)), (1, Some(1)), (10_000, Some(10_000))] {
            check(&format!("MaximumRetryAttempts: {attempts}"), |mapping| {
                mapping.maximum_retry_attempts == expected
            });
        }
        check_refused(
            "MaximumRetryAttempts: -2",
            "`MaximumRetryAttempts` is `-2` | must be a whole number from -1 to 10000",
        );
        check_refused("MaximumRetryAttempts: 10001", "whole number from -1 to 10000");
        check_refused("MaximumRetryAttempts: forever", "whole number from -1 to 10000");
    }

    #[test]
    fn maximum_record_age_in_seconds_is_either_minus_1_for_forever_or_between_60_and_604800_inclusive() {
        for (age, expected) in [(-1, None), (60, Some(60)), (604_800, Some(604_800))] {
            let expected = expected.map(Duration::from_secs);
            check(&format!("MaximumRecordAgeInSeconds: {age}"), |mapping| {
                mapping.maximum_record_age == expected
            });
        }
        let allowed = "must be -1 (forever), or a whole number from 60 to 604800";
        for age in ["-2", "0", "1", "59", "604801", "60.5", "1h"] {
            let expected = format!("`MaximumRecordAgeInSeconds` is `{age}` | {allowed}");
            check_refused(&format!("MaximumRecordAgeInSeconds: {age}"), &expected);
        }
    }

    #[test]
    fn tumbling_window_in_seconds_is_0_to_900_and_0_is_off() {
        for (length, expected) in [(0, None), (1, Some(1)), (900, Some(900))] {
            let expected = expected.map(Duration::from_secs);
            check(&format!("TumblingWindowInSeconds: {length}"), |mapping| {
                mapping.tumbling_window == expected
            });
        }
        check_refused("TumblingWindowInSeconds: -1", "whole number from 0 to 900");
        check_refused(
            "TumblingWindowInSeconds: 901",
            "`TumblingWindowInSeconds` is `901` | must be a whole number from 0 to 900",
        );
    }

    #[test]
    fn a_tumbling_window_with_a_parallelization_factor_greater_than_1_is_not_allowed() {
        let both = |window: u32, factor: u32| {
            format!("TumblingWindowInSeconds: {window}\n            ParallelizationFactor: {factor}")
        };
        check(&both(30, 1), |mapping| mapping.tumbling_window.is_some());
        check(&both(0, 10), |mapping| mapping.parallelization_factor == 10);
        check_refused(
            &both(30, 2),
            "tumbling windows do not go with a `ParallelizationFactor` greater than 1 | must be 1",
        );
    }

    #[test]
    fn a_mapping_has_its_settings_not_its_function_nor_the_globals() {
        for name in ["ParallelizationFactor", "FilterCriteria"] {
            let globals = format!("Globals: {{Function: {{{name}: 2}}}}");
            check_problem(&load(&template("", "", &globals)), &format!("`{name}`"));
            check_problem(&load(&template(&format!("{name}: 2"), "", "")), &format!("`{name}`"));
        }
    }

    #[test]
    fn an_unknown_setting_is_refused_with_the_nearest_name() {
        check_refused(
            "BatchSise: 5",
            "an event of type Kinesis has no property `BatchSise` | unknown property | did you mean `BatchSize`?",
        );
        check_refused("FunctionName: x", "has no property `FunctionName`");
    }
}
