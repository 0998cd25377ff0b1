//! Names of records that grow along their shard.
//!
//! In: decimal digits, of any length (those of Kinesis exceed every integer type). Out: an order by what they are as
//! numbers. As text, `10` would come before `9`.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// A sequence number of Kinesis or DynamoDB Streams, or an offset of Kafka.
///
/// ```
/// use lambda_ordered::SequenceNumber;
///
/// let [nine, ten] = ["9", "10"].map(|digits| SequenceNumber::new(digits).unwrap());
/// assert!(nine < ten);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SequenceNumber(String);

/// What was to be a sequence number has something else in it than digits, or nothing.
#[derive(Debug, thiserror::Error)]
#[error("a sequence number has decimal digits only")]
pub struct NotASequenceNumber;

impl SequenceNumber {
    /// Decimal digits, at least one.
    pub fn new(digits: impl Into<String>) -> Result<Self, NotASequenceNumber> {
        let digits = digits.into();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { Ok(Self(digits)) } else { Err(NotASequenceNumber) }
    }

    /// As it stood in the event.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn significant(&self) -> &str {
        self.0.trim_start_matches('0')
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (self.significant(), other.significant());
        left.len().cmp(&right.len()).then_with(|| left.cmp(right))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The same number, not the same digits: `007` is `7`.
impl PartialEq for SequenceNumber {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SequenceNumber {}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SequenceNumber {
    type Error = NotASequenceNumber;

    fn try_from(digits: String) -> Result<Self, NotASequenceNumber> {
        Self::new(digits)
    }
}

impl From<SequenceNumber> for String {
    fn from(number: SequenceNumber) -> Self {
        number.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: &str, right: &str, expected: Ordering) {
        let [left, right] = [left, right].map(|digits| SequenceNumber::new(digits).unwrap());
        assert_eq!(left.cmp(&right), expected, "{left} and {right}");
        assert_eq!(right.cmp(&left), expected.reverse(), "{right} and {left}");
        assert_eq!(left == right, expected == Ordering::Equal);
    }

    #[test]
    fn sequence_numbers_are_compared_as_numbers() {
        check("9", "10", Ordering::Less);
        check("49590338271490256608559692538361571095921575989136588898", "5", Ordering::Greater);
        check(
            "49590338271490256608559692538361571095921575989136588898",
            "49590338271490256608559692538361571095921575989136588899",
            Ordering::Less,
        );
        check("007", "7", Ordering::Equal);
        check("0", "000", Ordering::Equal);
    }

    #[test]
    fn a_sequence_number_has_decimal_digits_only() {
        for wrong in ["", "-1", "1e5", " 1", "٣"] {
            assert!(SequenceNumber::new(wrong).is_err(), "{wrong:?}");
            assert!(serde_json::from_value::<SequenceNumber>(wrong.into()).is_err(), "{wrong:?}");
        }
        let number: SequenceNumber = serde_json::from_str("\"0042\"").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"0042\"", "kept as it came");
    }
}
