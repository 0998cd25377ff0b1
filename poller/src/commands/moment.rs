//! A time as the command line takes it: absolute, or so long ago.
//!
//! In: the text, and what time it is. Out: the moment. Never a time that depends on the machine's time zone, such as `yesterday`.

use crate::clock::Clock;
use jiff::{Span, SpanRelativeTo};
use pelton_core::Timestamp;
use pelton_model::{TIMESTAMP_FORMS, timestamp};

/// What ends a time that counts back from now.
const AGO: &str = "ago";

/// Reads a time at the moment at which the command line is read.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    at(text, Clock::start().now()).ok_or_else(|| format!("expected a time: {}", forms()))
}

/// What [`parse`] reads, for people.
pub(super) fn forms() -> String {
    format!("{TIMESTAMP_FORMS}, or how long ago, such as `5m-ago`, `90s-ago`, `2h30m-ago` or `1d-ago`")
}

/// The moment that `text` means at `now`.
fn at(text: &str, now: Timestamp) -> Option<Timestamp> {
    let Some(long) = text.trim().strip_suffix(AGO) else { return timestamp(text) };
    // `5m-ago` needs no quotes, `5m ago` reads like English.
    let long = long.strip_suffix('-').or_else(|| long.strip_suffix(' '))?.trim();
    // Neither a sign nor the letters of ISO 8601.
    if !long.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let span: Span = long.parse().ok()?;
    // Months and years have no length of their own.
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let millis = u64::try_from(length.as_millis()).ok()?;
    now.as_millis().checked_sub(millis).map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01T00:00:00Z
    const NOW: u64 = 1_767_225_600_000;

    #[track_caller]
    fn check(text: &str, millis: Option<u64>) {
        let moment = at(text, Timestamp::from_millis(NOW));
        assert_eq!(moment.map(|moment| moment.as_millis()), millis, "{text}");
    }

    #[test]
    fn a_time_may_be_so_long_ago() {
        let second = 1000;
        check("5m-ago", Some(NOW - 300 * second));
        check("5m ago", Some(NOW - 300 * second));
        check(" 90s ago ", Some(NOW - 90 * second));
        check("1.5s-ago", Some(NOW - 1500));
        check("2h30m-ago", Some(NOW - 9000 * second));
        check("2h 30m ago", Some(NOW - 9000 * second));
        check("10 minutes ago", Some(NOW - 600 * second));
        check("1d-ago", Some(NOW - 86_400 * second));
        check("1 day ago", Some(NOW - 86_400 * second));
        check("1w ago", Some(NOW - 7 * 86_400 * second));
        check("0s-ago", Some(NOW));
    }

    #[test]
    fn a_time_may_be_absolute() {
        check("1767225600.5", Some(1_767_225_600_500));
        check("2026-01-01T00:00:00.5Z", Some(1_767_225_600_500));
        check("2026-01-01T01:00:00+01:00", Some(1_767_225_600_000));
    }

    #[test]
    fn what_has_no_unit_no_length_or_no_ago_is_no_time() {
        for wrong in [
            "",
            "ago",
            "-ago",
            " ago",
            "5 ago",
            "5-ago",
            "5mago",
            "5m",
            "2h",
            "-5m ago",
            "-5m-ago",
            "PT5M ago",
            "1mo ago",
            "1y-ago",
            "soon ago",
            "5m ago ago",
            "yesterday",
            "now",
            "100000w-ago",
            "9e99h ago",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn the_refusal_shows_what_is_allowed() {
        let refused = parse("yesterday").unwrap_err();
        for allowed in ["2026-01-31T12:00:00Z", "seconds since 1970", "`5m-ago`"] {
            assert!(refused.contains(allowed), "{refused}");
        }
    }
}
