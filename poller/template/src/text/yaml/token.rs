//! The tokens of YAML, and what is wrong where there is none.

use super::Span;

/// A token and its place.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// What a token is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `%YAML 1.1`
    Version { major: String },
    /// `%TAG !e! tag:example.com:`
    TagDirective { handle: String, prefix: String },
    /// Any other line that begins with `%`.
    UnknownDirective,
    /// `---`
    DocumentStart,
    /// `...`
    DocumentEnd,
    /// A list begins; its entries have the same indentation.
    BlockSequenceStart,
    /// A map begins; its keys have the same indentation.
    BlockMappingStart,
    /// The indentation ends.
    BlockEnd,
    /// `[`
    FlowSequenceStart,
    /// `]`
    FlowSequenceEnd,
    /// `{`
    FlowMappingStart,
    /// `}`
    FlowMappingEnd,
    /// `- `
    BlockEntry,
    /// `,`
    FlowEntry,
    /// `? `, or the place where a key begins.
    Key,
    /// `: `
    Value,
    /// `*name`
    Alias(String),
    /// `&name`
    Anchor(String),
    /// `!Name`; no handle if it is written in full (`!<…>`).
    Tag { handle: Option<String>, suffix: String },
    /// A single value.
    Scalar { text: String, is_plain: bool },
    /// The text ends.
    StreamEnd,
}

impl Kind {
    /// Whether it stands before a document.
    pub(super) fn is_directive(&self) -> bool {
        matches!(self, Self::Version { .. } | Self::TagDirective { .. } | Self::UnknownDirective)
    }

    /// What it is, for people.
    pub(super) fn shown(&self) -> &'static str {
        match self {
            Self::Version { .. } | Self::TagDirective { .. } | Self::UnknownDirective => "a directive (`%`)",
            Self::DocumentStart => "`---`",
            Self::DocumentEnd => "`...`",
            Self::BlockSequenceStart => "a list",
            Self::BlockMappingStart => "a map",
            Self::BlockEnd => "the end of the indentation",
            Self::FlowSequenceStart => "`[`",
            Self::FlowSequenceEnd => "`]`",
            Self::FlowMappingStart => "`{`",
            Self::FlowMappingEnd => "`}`",
            Self::BlockEntry => "`-`",
            Self::FlowEntry => "`,`",
            Self::Key => "a key",
            Self::Value => "`:`",
            Self::Alias(_) => "an alias (`*`)",
            Self::Anchor(_) => "an anchor (`&`)",
            Self::Tag { .. } => "a tag (`!`)",
            Self::Scalar { .. } => "a value",
            Self::StreamEnd => "the end of the file",
        }
    }
}

/// Why a text is no YAML.
#[derive(Debug)]
pub(super) struct SyntaxError {
    /// What is wrong, as a phrase beside the place.
    pub(super) what: String,
    pub(super) span: Span,
    /// What was being read, and where it begins.
    pub(super) inside: Option<(&'static str, Span)>,
}

impl SyntaxError {
    pub(super) fn new(what: impl Into<String>, span: Span) -> Self {
        Self { what: what.into(), span, inside: None }
    }

    /// The same, within something that began earlier.
    pub(super) fn inside(self, what: &'static str, span: Span) -> Self {
        Self { inside: Some((what, span)), ..self }
    }
}
