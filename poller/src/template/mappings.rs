//! The settings of an event source mapping, wherever they stand: in an event of a SAM function, or in an
//! `AWS::Lambda::EventSourceMapping` (specification 1.1).
//!
//! In: the properties. Out: a mapping whose settings are all honoured. What AWS would not take is an error; what AWS
//! honours and Pelton does not is refused, unless it says what is the case anyway.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::event_source;
use super::node::Entry;
use super::source::Span;
use super::unhonoured;
use crate::application::{Mapping, MappingId, StreamArn};
use pelton_core::Timestamp;
use pelton_core::plan::StartingPosition;
use std::time::Duration;

const BATCH_SIZE: std::ops::RangeInclusive<i64> = 1..=10_000;
const BATCH_SIZE_DEFAULT: u32 = 100;
const WINDOW_SECONDS: std::ops::RangeInclusive<i64> = 0..=300;

/// The last second of the year 9999: what comes later is no time but a slip, such as milliseconds for seconds.
const TIMESTAMP_SECONDS_MAX: f64 = 253_402_300_799.0;

/// The properties that make a Kinesis mapping and that Pelton honours.
const HONOURED: [&str; 6] = [
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
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
    let position = settings.starting_position(context, declared);
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
    Ok(Mapping {
        id: declared.id.clone(),
        function: function.to_owned(),
        stream,
        enabled: settings.enabled.unwrap_or(true),
        starting_position: position?,
        batch_size: settings.batch_size.unwrap_or(BATCH_SIZE_DEFAULT),
        batching_window: settings.batching_window.unwrap_or(Duration::ZERO),
        parallelization_factor: 1,
        bisect_batch_on_function_error: false,
        maximum_retry_attempts: None,
        maximum_record_age: None,
        tumbling_window: None,
        report_batch_item_failures: false,
        filter_patterns: Vec::new(),
        on_failure: None,
    })
}

/// What the properties say.
#[derive(Default)]
struct Settings<'t> {
    stream: Option<StreamArn>,
    enabled: Option<bool>,
    batch_size: Option<u32>,
    batching_window: Option<Duration>,
    position: Option<&'static str>,
    position_property: Option<&'t Entry>,
    timestamp: Option<(Timestamp, &'t Entry)>,
    timestamp_is_wrong: bool,
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
            "BatchSize" => {
                let size = context.integer(property, BATCH_SIZE)?;
                self.batch_size = size.map(|size| u32::try_from(size).expect("the range was checked"));
            }
            "MaximumBatchingWindowInSeconds" => {
                let seconds = context.integer(property, WINDOW_SECONDS)?;
                self.batching_window = seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs()));
            }
            "StartingPosition" => {
                self.position_property = Some(property);
                self.position = context.word(property, &["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])?;
            }
            "StartingPositionTimestamp" => {
                self.timestamp_is_wrong = true;
                self.timestamp = read_timestamp(context, property)?.map(|timestamp| (timestamp, property));
                self.timestamp_is_wrong = false;
            }
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

    fn starting_position(
        &self,
        context: &mut Context<'t>,
        declared: &Declared<'t>,
    ) -> Result<StartingPosition, Reported> {
        let Some(position) = self.position else {
            if self.position_property.is_some() {
                return Err(Reported);
            }
            let message = format!("the mapping `{}` has no `StartingPosition`", declared.id);
            return Err(context.report(
                Diagnostic::error(Code::Missing, message)
                    .at(declared.span, "needs `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`")
                    .help("add `StartingPosition: TRIM_HORIZON` to read what the stream holds already"),
            ));
        };
        match (position, self.timestamp) {
            ("AT_TIMESTAMP", Some((timestamp, property))) if timestamp > context.options.now => {
                let message = "`StartingPositionTimestamp` lies in the future";
                Err(context.report(
                    Diagnostic::error(Code::InvalidValue, message)
                        .at(property.value.span, "must be now or earlier")
                        .help("to begin with what arrives from now on, set `StartingPosition: LATEST`"),
                ))
            }
            ("AT_TIMESTAMP", Some((timestamp, _))) => Ok(StartingPosition::AtTimestamp(timestamp)),
            ("AT_TIMESTAMP", None) if self.timestamp_is_wrong => Err(Reported),
            ("AT_TIMESTAMP", None) => {
                let place = self.position_property.map_or(declared.span, |property| property.value.span);
                let message = format!("the mapping `{}` has no `StartingPositionTimestamp`", declared.id);
                Err(context.report(
                    Diagnostic::error(Code::Missing, message)
                        .at(place, "`AT_TIMESTAMP` needs a time to begin at")
                        .help("add `StartingPositionTimestamp`, in seconds since 1970"),
                ))
            }
            (_, Some((_, property))) => {
                let message = format!("`StartingPositionTimestamp` does not go with `{position}`");
                Err(context.report(
                    Diagnostic::error(Code::Conflict, message)
                        .at(property.key_span, "allowed only with `AT_TIMESTAMP`")
                        .help("remove it, or set `StartingPosition: AT_TIMESTAMP`"),
                ))
            }
            ("LATEST", None) => Ok(StartingPosition::Latest),
            (_, None) => Ok(StartingPosition::TrimHorizon),
        }
    }
}

/// Seconds since 1970, with or without a fraction, or a time as ISO 8601 writes it, with its zone.
fn read_timestamp(context: &mut Context<'_>, property: &Entry) -> Result<Option<Timestamp>, Reported> {
    let Some(text) = context.text(property)? else { return Ok(None) };
    let millis = match text.trim().parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        Ok(seconds) if (0.0..=TIMESTAMP_SECONDS_MAX).contains(&seconds) => {
            Some((seconds * 1000.0).round() as u64)
        }
        Ok(_) => None,
        Err(_) => text
            .trim()
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|timestamp| u64::try_from(timestamp.as_millisecond()).ok()),
    };
    match millis {
        Some(millis) => Ok(Some(Timestamp::from_millis(millis))),
        None => {
            let allowed = "seconds since 1970, or a time such as `2026-01-31T12:00:00Z`";
            Err(context.not_allowed(property, &text, allowed))
        }
    }
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

    /// `StartingPosition` and the like, in place of the one in the template.
    fn positioned(settings: &str) -> crate::template::Loaded {
        load(&template("", "", "").replace("StartingPosition: LATEST", settings))
    }

    #[track_caller]
    fn check_position(settings: &str, expected: StartingPosition) {
        let loaded = positioned(settings);
        check_problem(&loaded, "");
        assert_eq!(loaded.application.expect("there is no problem").mappings[0].starting_position, expected);
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
    fn an_unknown_setting_is_refused_with_the_nearest_name() {
        check_refused(
            "BatchSise: 5",
            "an event of type Kinesis has no property `BatchSise` | unknown property | did you mean `BatchSize`?",
        );
        check_refused("FunctionName: x", "has no property `FunctionName`");
    }

    #[test]
    fn a_starting_position_is_required() {
        use StartingPosition::{AtTimestamp, Latest, TrimHorizon};
        check_position("StartingPosition: LATEST", Latest);
        check_position("StartingPosition: TRIM_HORIZON", TrimHorizon);
        let at = |timestamp: &str| {
            format!("StartingPosition: AT_TIMESTAMP\n            StartingPositionTimestamp: {timestamp}")
        };
        let moment = AtTimestamp(Timestamp::from_millis(1_767_225_600_500));
        check_position(&at("1767225600.5"), moment);
        check_position(&at("2026-01-01T00:00:00.5Z"), moment);
        check_position(&at("'2026-01-01T01:00:00.5+01:00'"), moment);
        check_problem(&positioned("BatchSize: 1"), "the mapping `LedgerOrders` has no `StartingPosition`");
        check_problem(
            &positioned("StartingPosition: latest"),
            "must be one of `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP`",
        );
        check_problem(&positioned("StartingPosition: AT_TIMESTAMP"), "has no `StartingPositionTimestamp`");
        check_problem(&positioned(&at("tomorrow")), "must be seconds since 1970, or a time");
        check_problem(&positioned(&at("-1")), "must be seconds since 1970");
        check_problem(&positioned(&at("1767225600500")), "must be seconds since 1970");
        check_problem(&positioned(&at("1800000001")), "`StartingPositionTimestamp` lies in the future");
        check_position(&at("1800000000"), AtTimestamp(Timestamp::from_millis(1_800_000_000_000)));
        check_refused(
            "StartingPositionTimestamp: 5",
            "`StartingPositionTimestamp` does not go with `LATEST`",
        );
    }
}
