//! What to say of a verdict: the clauses that decided.

use super::Filters;
use super::compiled::{Decisive, Reason};
use std::fmt;

/// A verdict with what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// A filter matches.
    Pass,
    /// None does: for each pattern, the clause that decided.
    Drop(Vec<Decided>),
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
    /// The payload is not of the kind that the pattern is written for.
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
                Reason::Refused => Why::OtherKind,
            },
        }
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.allowed)?;
        f.write_str(match self.why {
            Why::NoValue => "",
            Why::OtherElement => " (not in the same element of an array as the rest)",
            Why::OtherKind => " (the payload is of another kind)",
        })
    }
}
