//! Where a mapping begins: `StartingPosition` and `StartingPositionTimestamp` (specification 1.1).

use pelton_core::Timestamp;

/// The last second of the year 9999: what comes later is no time but a slip, such as milliseconds for seconds.
const TIMESTAMP_SECONDS_MAX: f64 = 253_402_300_799.0;

/// What [`timestamp`] reads, for people.
pub const TIMESTAMP_FORMS: &str = "seconds since 1970, or a time such as `2026-01-31T12:00:00Z`";

/// Seconds since 1970, with or without a fraction, or a time as ISO 8601 writes it, with its zone.
#[must_use]
pub fn timestamp(text: &str) -> Option<Timestamp> {
    let millis = match text.trim().parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        Ok(seconds) if (0.0..=TIMESTAMP_SECONDS_MAX).contains(&seconds) => (seconds * 1000.0).round() as u64,
        Ok(_) => return None,
        Err(_) => u64::try_from(text.trim().parse::<jiff::Timestamp>().ok()?.as_millisecond()).ok()?,
    };
    Some(Timestamp::from_millis(millis))
}

/// As ISO 8601 writes it, in UTC.
#[must_use]
pub fn shown_timestamp(timestamp: Timestamp) -> String {
    let millis = timestamp.as_millis();
    let timestamp =
        i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    timestamp.map_or_else(|| format!("{millis} ms"), |timestamp| timestamp.to_string())
}
