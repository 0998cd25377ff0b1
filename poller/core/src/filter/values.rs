//! The values that a pattern allows at one place: the array at a leaf of a pattern.
//!
//! In: a value of an event. Out: whether one of the operators matches it.
//!
//! A value is compared as event-ruler spells it: a string between its quotes with nothing escaped, anything else as it stands in the
//! event. So `"300"` is no number, and a prefix, which begins with a quote, matches nothing but strings.

use super::address::{self, AddressRange};
use super::number::comparable;
use super::text::{CaselessText, Wildcard};
use std::ops::{Bound, RangeBounds as _};

/// The operators of one leaf. A value matches if one of them does.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Values {
    operators: Vec<Operator>,
    /// `{"exists": false}` is among them.
    may_be_absent: bool,
    has_numbers: bool,
    has_addresses: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operator {
    /// A string, `true`, `false` or `null`.
    Literal(String),
    /// A number as it is spelled, and the double that it is, if it is one. Matches the same text, which AWS documents, and the same
    /// value, as event-ruler does: `300` matches `300.0` and `3.0e2`.
    Number(String, Option<f64>),
    /// `cidr`, or a literal that is an address.
    Address(AddressRange),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(CaselessText),
    PrefixIgnoreCase(CaselessText),
    SuffixIgnoreCase(CaselessText),
    Wildcard(Wildcard),
    Numeric(Bound<f64>, Bound<f64>),
    AnythingBut(Exception),
    Exists,
    Absent,
}

/// What `anything-but` does not match.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Exception {
    Strings(Vec<String>),
    Numbers(Vec<f64>),
    Prefixes(Vec<String>),
    Suffixes(Vec<String>),
    IgnoreCase(Vec<CaselessText>),
    Wildcards(Vec<Wildcard>),
}

impl Values {
    pub(super) fn add(&mut self, operator: Operator) {
        self.has_numbers |= matches!(
            operator,
            Operator::Number(_, Some(_))
                | Operator::Numeric(..)
                | Operator::AnythingBut(Exception::Numbers(_))
        );
        self.has_addresses |= matches!(operator, Operator::Address(_));
        self.may_be_absent |= operator == Operator::Absent;
        self.operators.push(operator);
    }

    /// Whether there may be no value at all.
    pub(super) fn may_be_absent(&self) -> bool {
        self.may_be_absent
    }

    /// Whether `value`, spelled as said above, is one of these.
    pub(super) fn contain(&self, value: &str) -> bool {
        let number = if self.has_numbers { comparable(value) } else { None };
        let unquoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        let address = if self.has_addresses { address::digits(unquoted) } else { None };
        self.operators.iter().any(|operator| operator.matches(value, number, address.as_deref()))
    }
}

impl Operator {
    fn matches(&self, value: &str, number: Option<f64>, address: Option<&str>) -> bool {
        match self {
            Self::Literal(literal) => value == literal,
            Self::Number(text, own) => value == text || (own.is_some() && number == *own),
            // The digits of a number are looked at too: as event-ruler does.
            Self::Address(range) => {
                address.is_some_and(|digits| range.contains(digits)) || range.contains(value)
            }
            Self::Prefix(prefix) => value.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => value.ends_with(suffix.as_str()),
            Self::EqualsIgnoreCase(text) => text.is(value),
            Self::PrefixIgnoreCase(prefix) => prefix.starts(value),
            Self::SuffixIgnoreCase(suffix) => suffix.ends(value),
            Self::Wildcard(wildcard) => wildcard.is(value),
            Self::Numeric(bottom, top) => number.is_some_and(|number| (*bottom, *top).contains(&number)),
            Self::AnythingBut(exception) => !exception.holds(value, number),
            Self::Exists => true,
            Self::Absent => false,
        }
    }
}

impl Exception {
    fn holds(&self, value: &str, number: Option<f64>) -> bool {
        match self {
            Self::Strings(strings) => strings.iter().any(|string| value == string),
            Self::Numbers(numbers) => number.is_some_and(|number| numbers.contains(&number)),
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| value.starts_with(prefix.as_str())),
            Self::Suffixes(suffixes) => suffixes.iter().any(|suffix| value.ends_with(suffix.as_str())),
            Self::IgnoreCase(texts) => texts.iter().any(|text| text.is(value)),
            Self::Wildcards(wildcards) => wildcards.iter().any(|wildcard| wildcard.is(value)),
        }
    }
}
