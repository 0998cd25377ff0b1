//! Every problem of a template, as data.
//!
//! In: problems, one at a time, in any order. Out: all of them, each once, in the order of the template.

use super::render;
use super::source::{Position, Source, Span};
use std::fmt;

/// More problems of one severity than this are counted, not kept: the first ones tell what to do.
pub const DIAGNOSTICS_MAX: usize = 100;

/// Whether a problem keeps the template from being run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is started.
    Error,
    /// It runs, though not exactly as it would on AWS.
    Warning,
}

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The file cannot be read.
    Unreadable,
    /// Not YAML, not JSON, or not text.
    Syntax,
    /// A limit on size or depth is passed.
    TooLarge,
    /// A key stands twice in one map.
    DuplicateKey,
    /// Something required is missing.
    Missing,
    /// A name that is not known here.
    UnknownName,
    /// A value of the wrong kind.
    WrongType,
    /// A value that is not allowed.
    InvalidValue,
    /// A reference to something that the template does not have.
    UnknownReference,
    /// Something that refers to itself.
    Cycle,
    /// Two settings that exclude each other.
    Conflict,
    /// AWS honours it, Pelton does not yet.
    Unsupported,
    /// Not Pelton's job: somebody else does it on AWS.
    Ignored,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "unreadable",
            Self::Syntax => "syntax",
            Self::TooLarge => "too-large",
            Self::DuplicateKey => "duplicate-key",
            Self::Missing => "missing",
            Self::UnknownName => "unknown-name",
            Self::WrongType => "wrong-type",
            Self::InvalidValue => "invalid-value",
            Self::UnknownReference => "unknown-reference",
            Self::Cycle => "cycle",
            Self::Conflict => "conflict",
            Self::Unsupported => "unsupported",
            Self::Ignored => "ignored",
        })
    }
}

/// A place in the template, and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What is underlined.
    pub span: Span,
    /// What stands beside the line; may be empty.
    pub text: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it keeps the template from being run.
    pub severity: Severity,
    /// What kind of problem it is.
    pub code: Code,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where, with what is allowed there; `None` if it is not in the file.
    pub label: Option<Label>,
    /// Other places that have to do with it.
    pub related: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// Whether it is shown on one line, without the lines of the template.
    pub is_brief: bool,
}

impl Diagnostic {
    /// A problem that keeps the template from being run.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            severity: Severity::Error,
            code,
            message,
            label: None,
            related: Vec::new(),
            help: None,
            is_brief: false,
        }
    }

    /// A problem that only is to be known.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Where it is, and what is allowed there.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.label = Some(Label { span, text: text.into() });
        self
    }

    /// Another place that has to do with it.
    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    /// It is shown on one line, without the lines of the template.
    #[must_use]
    pub fn on_one_line(mut self) -> Self {
        self.is_brief = true;
        self
    }

    /// What to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Texts of problems are cut here, in characters: they quote the template, which may hold anything.
const TEXT_CHARS_MAX: usize = 600;

impl Diagnostic {
    fn shorten(&mut self) {
        let labels = self.label.iter_mut().chain(&mut self.related).map(|label| &mut label.text);
        for text in labels.chain([&mut self.message]).chain(&mut self.help) {
            if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
                text.truncate(end);
                text.push('…');
            }
        }
    }
}

/// Whether the rendered text carries colour codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// For a terminal.
    Always,
}

/// Every problem of one template.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    source: Source,
    items: Vec<Diagnostic>,
    errors_left_out: usize,
    warnings_left_out: usize,
}

/// How many problems there were, to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    items: usize,
    errors_left_out: usize,
    warnings_left_out: usize,
}

impl Diagnostics {
    /// No problems so far in this template.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self { source, items: Vec::new(), errors_left_out: 0, warnings_left_out: 0 }
    }

    /// Adds a problem, unless the same one is there. Texts of the template in it are cut to what can be read.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.shorten();
        if self.items.contains(&diagnostic) {
            return;
        }
        let severity = diagnostic.severity;
        let count = self.items.iter().filter(|item| item.severity == severity).count();
        match severity {
            _ if count < DIAGNOSTICS_MAX => self.items.push(diagnostic),
            Severity::Error => self.errors_left_out += 1,
            Severity::Warning => self.warnings_left_out += 1,
        }
    }

    /// Adds several.
    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// The problems, in the order of the template; those without a place first.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// Whether anything keeps the template from being run.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity == Severity::Error)
    }

    /// Whether there is an error of that kind.
    pub(crate) fn has_error(&self, code: Code) -> bool {
        self.items.iter().any(|item| item.severity == Severity::Error && item.code == code)
    }

    /// Whether there is a problem of that kind.
    pub(crate) fn has(&self, code: Code) -> bool {
        self.items.iter().any(|item| item.code == code)
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many problems were too many to keep.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.errors_left_out + self.warnings_left_out
    }

    /// The template that this is about.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Line and column of a problem; `None` if it is not in the file.
    #[must_use]
    pub fn position(&self, diagnostic: &Diagnostic) -> Option<Position> {
        diagnostic.label.as_ref().map(|label| self.source.position(label.span.start))
    }

    /// All problems as a person reads them, each with its line; an empty text if there are none.
    #[must_use]
    pub fn render(&self, colour: Colour) -> String {
        render::render(self, colour)
    }

    /// Puts the problems in the order of the template.
    pub(crate) fn sort(&mut self) {
        self.items.sort_by_key(|item| item.label.as_ref().map(|label| label.span));
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            items: self.items.len(),
            errors_left_out: self.errors_left_out,
            warnings_left_out: self.warnings_left_out,
        }
    }

    /// Forgets what came after the mark.
    pub(crate) fn forget(&mut self, since: Mark) {
        self.take(since);
    }

    /// Takes out what came after the mark.
    pub(crate) fn take(&mut self, since: Mark) -> Vec<Diagnostic> {
        self.errors_left_out = since.errors_left_out;
        self.warnings_left_out = since.warnings_left_out;
        self.items.split_off(since.items)
    }

    /// What came after the mark.
    pub(crate) fn since(&self, mark: Mark) -> &[Diagnostic] {
        &self.items[mark.items..]
    }

    /// Adds problems of something that Pelton does not need, unless one is known as an error.
    pub(crate) fn push_as_warnings(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for mut diagnostic in diagnostics {
            diagnostic.shorten();
            if !self.items.contains(&diagnostic) {
                self.push(Diagnostic { severity: Severity::Warning, ..diagnostic });
            }
        }
    }

    /// Whether an error came after the mark.
    pub(crate) fn has_errors_since(&self, mark: Mark) -> bool {
        self.errors_left_out > mark.errors_left_out
            || self.since(mark).iter().any(|item| item.severity == Severity::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn diagnostics(warnings: usize) -> Diagnostics {
        let mut diagnostics = Diagnostics::new(Source::new(Path::new("t"), String::new()));
        for index in 0..warnings {
            diagnostics.push(Diagnostic::warning(Code::Ignored, index.to_string()));
        }
        diagnostics
    }

    #[test]
    fn no_number_of_warnings_makes_an_error() {
        let diagnostics = diagnostics(2 * DIAGNOSTICS_MAX);
        assert!(!diagnostics.has_errors());
        assert_eq!(diagnostics.left_out(), DIAGNOSTICS_MAX);
    }

    #[test]
    fn no_number_of_warnings_hides_an_error() {
        let mut diagnostics = diagnostics(2 * DIAGNOSTICS_MAX);
        diagnostics.push(Diagnostic::error(Code::Missing, "x"));
        assert!(diagnostics.has_errors());
        assert!(diagnostics.iter().any(|item| item.severity == Severity::Error));
    }

    #[test]
    fn what_is_known_as_an_error_is_not_told_as_a_warning() {
        let mut diagnostics = diagnostics(0);
        diagnostics.push(Diagnostic::error(Code::Missing, "x"));
        diagnostics
            .push_as_warnings([Diagnostic::error(Code::Missing, "x"), Diagnostic::error(Code::Missing, "y")]);
        let severities: Vec<Severity> = diagnostics.iter().map(|item| item.severity).collect();
        assert_eq!(severities, [Severity::Error, Severity::Warning]);
    }
}
