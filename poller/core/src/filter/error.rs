//! Why a pattern is none, and where.

use super::json::NotJson;
use std::error::Error;
use std::fmt;

/// A pattern of FilterCriteria that cannot be one. AWS answers `Invalid filter pattern definition.` and says no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// Which of the patterns, from 0.
    pub index: usize,
    /// Where in the pattern, in bytes.
    pub offset: usize,
    /// Where in the pattern, from 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is allowed there.
    pub message: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pattern {}, line {}, column {}: {}", self.index + 1, self.line, self.column, self.message)
    }
}

impl Error for PatternError {}

/// A [`PatternError`] of a pattern that does not know its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InvalidPattern {
    offset: usize,
    message: String,
}

impl InvalidPattern {
    pub(super) fn new(offset: usize, message: &str) -> Self {
        Self { offset, message: message.to_owned() }
    }

    /// As an error of pattern `index`, whose text is `text`.
    pub(super) fn of_pattern(self, index: usize, text: &str) -> PatternError {
        let before = text.get(..self.offset).unwrap_or(text);
        let (lines, last) = before
            .rsplit_once('\n')
            .map_or((0, before), |(lines, last)| (lines.matches('\n').count() + 1, last));
        PatternError {
            index,
            offset: self.offset,
            line: lines + 1,
            column: last.chars().count() + 1,
            message: self.message,
        }
    }
}

impl From<NotJson> for InvalidPattern {
    fn from(NotJson { offset, reason }: NotJson) -> Self {
        Self { offset, message: format!("a pattern is JSON: {reason}") }
    }
}
