//! The settings of an event source mapping, wherever they stand: in an event of a SAM function, or in an
//! `AWS::Lambda::EventSourceMapping` (specification 1.1).
//!
//! In: the properties. Out: a mapping whose settings are all honoured. What AWS would not take is an error; what AWS
//! honours and Pelton does not is refused, unless it says what is the case anyway.

use super::context::{Context, Reported, Without};
use super::diagnostics::{Code, Diagnostic};
use super::event_source::EventSource;
use super::event_source_kind::settings_of_others;
use super::node::Entry;
use super::settings::Setting;
use super::source::Span;
use super::{
    event_source, filter_criteria, metrics_config, on_failure, response_types, starting_position, unhonoured,
};
use crate::application::{Mapping, MappingId, OnFailure};
use std::ops::RangeInclusive;
use std::time::Duration;

const BATCH_SIZE: RangeInclusive<i64> = 1..=10_000;
const BATCHING_WINDOW_SECONDS: RangeInclusive<i64> = 0..=300;
const PARALLELIZATION_FACTOR: RangeInclusive<i64> = 1..=10;
/// What stands for no limit but the stream's retention, of attempts and of age: the default of both.
const FOREVER: i64 = -1;
const RETRY_ATTEMPTS: RangeInclusive<i64> = FOREVER..=10_000;
const RECORD_AGE_SECONDS: RangeInclusive<i64> = 60..=604_800;
const TUMBLING_WINDOW_SECONDS: RangeInclusive<i64> = 0..=900;

/// The properties that make a Kinesis mapping and that Pelton honours.
pub(super) const SETTINGS: [&str; 16] = [
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
    "KmsKeyArn",
    "Tags",
];

/// A mapping as the template declares it.
pub(super) struct Declared<'t> {
    /// Its logical id.
    pub(super) id: MappingId,
    /// Its name in the template.
    pub(super) span: Span,
    /// Where the template says what it reads from.
    pub(super) place: Span,
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

/// Reads the settings of a mapping that runs `function`. Reports every problem before it gives up. The text is the
/// consumer that it names instead of its stream.
pub(super) fn read<'t>(
    context: &mut Context<'t>,
    declared: &Declared<'t>,
    function: &str,
) -> Result<(Mapping, Option<String>), Reported> {
    context.without(Without::Mapping, |context| read_settings(context, declared, function))
}

fn read_settings<'t>(
    context: &mut Context<'t>,
    declared: &Declared<'t>,
    function: &str,
) -> Result<(Mapping, Option<String>), Reported> {
    let mut settings = Settings::default();
    let mut result = Ok(());
    for property in &declared.properties {
        if let Err(reported) = settings.read(context, declared, property) {
            result = Err(reported);
        }
    }
    let position = settings.starting_position.position(context, declared);
    let windows = settings.check_windows(context);
    let Some(EventSource { stream, consumer }) = settings.source else {
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
    let defaults = Mapping::new(declared.id.clone(), function.to_owned(), stream, position?);
    let factor = settings.parallelization_factor.map(|(factor, _)| factor);
    let mapping = Mapping {
        enabled: settings.enabled.unwrap_or(defaults.enabled),
        batch_size: settings.batch_size.unwrap_or(defaults.batch_size),
        batching_window: settings.batching_window.unwrap_or(defaults.batching_window),
        parallelization_factor: factor.unwrap_or(defaults.parallelization_factor),
        bisect_batch_on_function_error: settings
            .bisect_batch_on_function_error
            .unwrap_or(defaults.bisect_batch_on_function_error),
        maximum_retry_attempts: settings.maximum_retry_attempts,
        maximum_record_age: settings.maximum_record_age,
        tumbling_window: settings.tumbling_window.map(|(length, _)| length),
        report_batch_item_failures: settings.report_batch_item_failures,
        filter_patterns: settings.filter_patterns,
        on_failure: settings.on_failure,
        ..defaults
    };
    Ok((mapping, consumer))
}

/// What the properties say.
#[derive(Default)]
struct Settings<'t> {
    source: Option<EventSource>,
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
                self.source = Some(event_source::read(context, property)?);
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
            // What it asks for is counted in any case.
            "MetricsConfig" => {
                let check = |context: &mut Context<'t>| metrics_config::check(context, property).ok();
                context.without(Without::Setting, |context| context.leniently(check)).unwrap_or(())
            }
            name if SETTINGS.contains(&name) || declared.other_properties.contains(&name) => {}
            name if settings_of_others().any(|other| other == name) => unhonoured::check(context, property)?,
            _ => {
                let mut known = vec![declared.source_property];
                known.extend(SETTINGS);
                known.extend(declared.other_properties);
                known.extend(settings_of_others());
                return Err(context.unknown_setting(property, declared.owner, &known));
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
