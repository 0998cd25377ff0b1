//! Numbers that have to do with another one: the same value spelled otherwise, or nearly the same value.

use super::once_in;
use fastrand::Rng;

/// Longest that is made of a number: both engines read it, and event-ruler refuses more than 1,000 characters.
const LEN_MAX: usize = 400;

/// The number as it stands, spelled otherwise, or one beside it.
pub(crate) fn like(random: &mut Rng, number: &str) -> String {
    let made = match random.u32(..8) {
        0..3 => number.to_owned(),
        3..7 => respelled(random, number),
        _ => beside(random, number),
    };
    if made.len() > LEN_MAX { number.to_owned() } else { made }
}

/// Its sign, its digits without a point, and the power of ten of the last. `None`: its exponent is beyond counting.
fn parts(number: &str) -> Option<(&str, String, i64)> {
    let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().ok()?;
    Some((sign, format!("{whole}{fraction}"), exponent - i64::try_from(fraction.len()).ok()?))
}

/// The same value in other words.
fn respelled(random: &mut Rng, number: &str) -> String {
    let Some((sign, digits, exponent)) = parts(number) else { return number.to_owned() };
    let more = random.usize(..4);
    let digits = format!("{}{}", digits.trim_start_matches('0'), "0".repeat(more));
    let exponent = exponent - i64::try_from(more).expect("a few digits");
    let digits = if digits.is_empty() { "0".to_owned() } else { digits };
    written(random, sign, &digits, exponent)
}

/// Another digit, or another one at the end.
fn beside(random: &mut Rng, number: &str) -> String {
    let Some((sign, digits, exponent)) = parts(number) else { return number.to_owned() };
    let digits = digits.trim_start_matches('0');
    let (digits, exponent) = if once_in(random, 2) {
        (format!("{digits}{}", random.u32(1..10)), exponent - 1)
    } else {
        (format!("{}{}", &digits[..digits.len().saturating_sub(1)], random.u32(1..10)), exponent)
    };
    let sign = if once_in(random, 10) { "-" } else { sign };
    written(random, sign, &digits, exponent)
}

/// With a point somewhere, or without one; with an exponent, or without if that is short enough. `digits` begins with no zero, unless it
/// is one.
fn written(random: &mut Rng, sign: &str, digits: &str, exponent: i64) -> String {
    let is_short = (-30..=30).contains(&exponent);
    if is_short && once_in(random, 2) {
        return format!("{sign}{}", without_exponent(digits, exponent));
    }
    let whole = random.usize(1..=digits.len());
    // A leading zero stands alone before the point.
    let whole = if digits.starts_with('0') { 1 } else { whole };
    let moved = i64::try_from(digits.len() - whole).expect("a few digits");
    let point = if moved > 0 { format!(".{}", &digits[whole..]) } else { String::new() };
    let power = exponent + moved;
    let e = if once_in(random, 2) { 'e' } else { 'E' };
    let plus = if power >= 0 && once_in(random, 3) { "+" } else { "" };
    format!("{sign}{}{point}{e}{plus}{power}", &digits[..whole])
}

fn without_exponent(digits: &str, exponent: i64) -> String {
    let places = usize::try_from(exponent.unsigned_abs()).expect("a short exponent");
    if exponent >= 0 {
        let text = format!("{digits}{}", "0".repeat(places));
        let trimmed = text.trim_start_matches('0');
        return if trimmed.is_empty() { "0".to_owned() } else { trimmed.to_owned() };
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let whole = whole.trim_start_matches('0');
    format!("{}.{fraction}", if whole.is_empty() { "0" } else { whole })
}
