//! Numbers as AWS's engine compares them.
//!
//! In: a number as it is spelled. Out: the double that it is, if it is one.

/// The double that `spelled` is, for `numeric`, `anything-but` and literals.
///
/// `None` for what is no number, and for a number that no double is: event-ruler compares only those that a double, written as
/// shortly as it can be, gives back. `0.1` is one, `9007199254740993` is none.
pub(super) fn comparable(spelled: &str) -> Option<f64> {
    let is_number = spelled.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if !is_number {
        return None;
    }
    let double: f64 = spelled.parse().ok()?;
    let is_same = has_few_digits(spelled)
        || (double.is_finite() && Decimal::of(spelled)? == Decimal::of(&shortest(double))?);
    // Java's BigDecimal, through which event-ruler reads, has no negative zero.
    is_same.then_some(if double == 0.0 { 0.0 } else { double })
}

/// The double written as shortly as it can be, as Java does it: the smallest one has two digits there.
fn shortest(double: f64) -> String {
    match (double.abs().to_bits(), double.is_sign_negative()) {
        (1, false) => "4.9e-324".to_owned(),
        (1, true) => "-4.9e-324".to_owned(),
        _ => format!("{double:e}"),
    }
}

/// Decimal digits that every double keeps.
const DIGITS_KEPT: usize = f64::DIGITS as usize;

/// Whether a double keeps the number for sure: it has no exponent and few digits, as nearly all have.
fn has_few_digits(spelled: &str) -> bool {
    spelled.len() <= DIGITS_KEPT && !spelled.contains(['e', 'E'])
}

/// A decimal number, written in one way only: its digits without zeros around them, and the power of ten of the last.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(spelled: &str) -> Option<Self> {
        let (is_negative, unsigned) = spelled.strip_prefix('-').map_or((false, spelled), |rest| (true, rest));
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let zeros = all.len() - digits.len();
        let exponent = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let exponent = exponent.checked_add(i64::try_from(zeros).ok()?)?;
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            // A zero that Java's BigDecimal cannot hold is no number there.
            i32::try_from(exponent.checked_sub(i64::try_from(zeros).ok()?)?.checked_neg()?).ok()?;
            return Some(Self { is_negative: false, digits: String::new(), exponent: 0 });
        }
        Some(Self { is_negative, digits: digits.to_owned(), exponent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spelled: &str, expected: Option<f64>) {
        assert_eq!(comparable(spelled), expected, "{spelled}");
    }

    #[test]
    fn a_number_is_compared_by_the_double_that_it_is_however_it_is_spelled() {
        check("300", Some(300.0));
        check("300.0", Some(300.0));
        check("3.0e2", Some(300.0));
        check("30000E-2", Some(300.0));
        check("-0.25", Some(-0.25));
        check("0.1", Some(0.1));
        check("1e308", Some(1e308));
        check("123456789012345", Some(123_456_789_012_345.0));
    }

    #[test]
    fn zero_has_no_sign() {
        for zero in ["0", "-0", "0.00", "-0e5", "0e2147483648", "0.0e-2147483646", "0e0000000000005"] {
            assert_eq!(comparable(zero).map(f64::to_bits), Some(0), "{zero}");
        }
    }

    #[test]
    fn the_smallest_double_is_the_one_that_java_writes() {
        check("4.9e-324", Some(f64::from_bits(1)));
        check("-4.9E-324", Some(-f64::from_bits(1)));
        check("1.5e-323", Some(f64::from_bits(3)));
        check("5e-324", None);
    }

    #[test]
    fn what_no_double_is_cannot_be_compared() {
        check("9007199254740993", None);
        check("0.1000000000000000055511151231257827", None);
        check("1e309", None);
        check("1e-400", None);
        check("12345678901234567890123", None);
        check("1e999999999", None);
        check("1e-999999999", None);
        check("1e99999999999999999999", None);
        for zero in ["0e2147483649", "0e-2147483648", "0.0e-2147483647", "0e99999999999999999999"] {
            check(zero, None);
        }
        check("\"300\"", None);
        check("true", None);
        check("null", None);
    }
}
