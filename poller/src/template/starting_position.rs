//! Where a mapping begins: `StartingPosition` and `StartingPositionTimestamp` (specification 1.1).
//!
//! In: the two properties, one at a time, in any order. Out: the position, once both are known.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::mappings::Declared;
use super::node::Entry;
use pelton_core::Timestamp;
use pelton_core::plan::StartingPosition;

/// The last second of the year 9999: what comes later is no time but a slip, such as milliseconds for seconds.
const TIMESTAMP_SECONDS_MAX: f64 = 253_402_300_799.0;

/// What the two properties say.
#[derive(Default)]
pub(super) struct Declaration<'t> {
    position: Option<&'static str>,
    property: Option<&'t Entry>,
    timestamp: Option<(Timestamp, &'t Entry)>,
    timestamp_is_wrong: bool,
}

impl<'t> Declaration<'t> {
    /// Reads `StartingPosition`.
    pub(super) fn read_position(
        &mut self,
        context: &mut Context<'t>,
        property: &'t Entry,
    ) -> Result<(), Reported> {
        self.property = Some(property);
        self.position = context.word(property, &["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"])?;
        Ok(())
    }

    /// Reads `StartingPositionTimestamp`.
    pub(super) fn read_timestamp(
        &mut self,
        context: &mut Context<'t>,
        property: &'t Entry,
    ) -> Result<(), Reported> {
        self.timestamp_is_wrong = true;
        self.timestamp = read_timestamp(context, property)?.map(|timestamp| (timestamp, property));
        self.timestamp_is_wrong = false;
        Ok(())
    }

    /// The position, or what is missing or wrong.
    pub(super) fn position(
        &self,
        context: &mut Context<'t>,
        declared: &Declared<'t>,
    ) -> Result<StartingPosition, Reported> {
        let Some(position) = self.position else {
            if self.property.is_some() {
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
                let place = self.property.map_or(declared.span, |property| property.value.span);
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

fn read_timestamp(context: &mut Context<'_>, property: &Entry) -> Result<Option<Timestamp>, Reported> {
    let Some(text) = context.text(property)? else { return Ok(None) };
    match timestamp(&text) {
        Some(timestamp) => Ok(Some(timestamp)),
        None => Err(context.not_allowed(property, &text, TIMESTAMP_FORMS)),
    }
}

/// What [`timestamp`] reads, for people.
pub(crate) const TIMESTAMP_FORMS: &str = "seconds since 1970, or a time such as `2026-01-31T12:00:00Z`";

/// Seconds since 1970, with or without a fraction, or a time as ISO 8601 writes it, with its zone.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let millis = match text.trim().parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        Ok(seconds) if (0.0..=TIMESTAMP_SECONDS_MAX).contains(&seconds) => (seconds * 1000.0).round() as u64,
        Ok(_) => return None,
        Err(_) => u64::try_from(text.trim().parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok()?,
    };
    Some(Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Loaded;
    use crate::template::testing::{check_problem, load, template};

    /// `StartingPosition` and the like, in place of the one in the template.
    fn positioned(settings: &str) -> Loaded {
        load(&template("", "", "").replace("StartingPosition: LATEST", settings))
    }

    #[track_caller]
    fn check_position(settings: &str, expected: StartingPosition) {
        let loaded = positioned(settings);
        check_problem(&loaded, "");
        assert_eq!(loaded.application.expect("there is no problem").mappings[0].starting_position, expected);
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
        check_problem(
            &positioned("StartingPosition: LATEST\n            StartingPositionTimestamp: 5"),
            "`StartingPositionTimestamp` does not go with `LATEST`",
        );
    }
}
