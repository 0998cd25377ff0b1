//! What to say of a verdict: the clauses that decided.

use super::Filters;
use super::compiled::{Decisive, Reason};
use super::payload::{Content, is_json_in_base64};
use std::fmt;

/// A verdict with what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// A filter matches.
    Pass,
    /// None does: for each pattern, the clause that decided.
    Drop(Vec<Decided>),
    /// The same, and the payload is not the JSON object that a filter needs.
    DropNotJson {
        /// For each pattern, the clause that decided.
        decided: Vec<Decided>,
        /// Whether the payload is the base64 text of such an object: its producer encoded it once too often.
        is_json_in_base64: bool,
    },
}

/// The clause of one pattern that decided that it does not match. Displayed for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Which of the patterns, from 0.
    pub pattern: usize,
    /// The field, its names joined by dots.
    pub field: String,
    /// The values that the pattern allows, as it writes them.
    pub allowed: String,
    /// What is wrong with the record.
    pub why: Why,
}

/// Why a clause is not satisfied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The field has none of these values.
    NoValue,
    /// It has, but in another element of an array than where the clauses before it are satisfied.
    OtherElement,
    /// The payload is not a JSON object.
    NotJson,
    /// The payload is a JSON object, and the pattern is written for text.
    OtherKind,
}

impl Filters {
    pub(super) fn decided(&self, decisive: Decisive) -> Decided {
        let clause = &self.patterns.clauses()[decisive.clause];
        Decided {
            pattern: decisive.pattern,
            field: clause.name.clone(),
            allowed: clause.text.clone(),
            why: match decisive.reason {
                Reason::NoValue => Why::NoValue,
                Reason::NotTogether => Why::OtherElement,
                Reason::Refused
                    if self.uses[decisive.clause].is_some_and(|used| used.wants(Content::Object)) =>
                {
                    Why::NotJson
                }
                Reason::Refused => Why::OtherKind,
            },
        }
    }
}

impl Explanation {
    /// The same, once the payloads are known.
    pub(super) fn of_payloads(self, payloads: &[&[u8]]) -> Self {
        match self {
            Self::DropNotJson { decided, .. } => {
                let is_json_in_base64 = payloads.iter().any(|payload| is_json_in_base64(payload));
                Self::DropNotJson { decided, is_json_in_base64 }
            }
            Self::Pass | Self::Drop(_) => self,
        }
    }

    /// The clauses that decided, on one line for people; `None` of a record that passes.
    #[must_use]
    pub fn clause(&self) -> Option<String> {
        let (Self::Drop(decided) | Self::DropNotJson { decided, .. }) = self else { return None };
        if let [decided] = decided.as_slice() {
            return Some(decided.to_string());
        }
        let numbered = decided.iter().map(|decided| format!("pattern {}: {decided}", decided.pattern + 1));
        Some(numbered.collect::<Vec<_>>().join("; "))
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A pattern may span lines, this does not. No string has a line's end in it.
        let allowed: Vec<&str> = self.allowed.lines().map(str::trim).collect();
        write!(f, "{}: {}", self.field, allowed.join(" "))?;
        f.write_str(match self.why {
            Why::NoValue => "",
            Why::OtherElement => " (not in the same element of an array as the rest)",
            Why::NotJson => " (the payload is not a JSON object)",
            Why::OtherKind => " (the payload is of another kind)",
        })
    }
}
