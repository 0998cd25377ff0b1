//! A template as a tree: what YAML and JSON have in common, each node with its place in the text.
//!
//! Short tags (`!Ref x`) are in their long form (`{Ref: x}`), aliases are copies of what they name.

use super::source::Span;
use super::yaml_scalar;
use std::borrow::Cow;

/// Properties whose keys are names that the user chose.
const NAMES: [&str; 3] = ["Events", "Tags", "Variables"];

/// A piece of the template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Span,
}

/// What a piece of the template is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// Text, number or boolean: CloudFormation turns each into what a property wants.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A map; keys are unique and keep their order.
    Mapping(Vec<Entry>),
}

/// A single value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl Scalar {
    /// The text as a property gets it: without quotes it may be a number or a boolean in a spelling of YAML 1.1, which
    /// CloudFormation reads. Names of the template stay as they are written.
    pub(crate) fn property_text(&self) -> Cow<'_, str> {
        match self.style {
            Style::Plain => yaml_scalar::plain_value(&self.text),
            Style::Text => Cow::Borrowed(&self.text),
        }
    }
}

/// How a single value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Without quotes: perhaps a number or a boolean.
    Plain,
    /// In quotes, or made by a function: text.
    Text,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn text(text: impl Into<String>, span: Span) -> Self {
        Self { value: Value::Scalar(Scalar { text: text.into(), style: Style::Text }), span }
    }

    pub(crate) fn sequence(items: Vec<Node>, span: Span) -> Self {
        Self { value: Value::Sequence(items), span }
    }

    pub(crate) fn as_scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// The text as a property gets it.
    pub(crate) fn as_property_text(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar.property_text()),
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    pub(crate) fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            Value::Null | Value::Scalar(_) | Value::Mapping(_) => None,
        }
    }

    pub(crate) fn as_mapping(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            Value::Null | Value::Scalar(_) | Value::Sequence(_) => None,
        }
    }

    /// The value under a key, if this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// Takes out every property without a value, at any depth: AWS reads `Timeout:` with nothing behind it as if it were
    /// not there. Names that the user chose stay, and so do the arguments of intrinsic functions but the branches of
    /// `Fn::If`.
    pub(crate) fn remove_empty_properties(&mut self) {
        let intrinsic = self.as_intrinsic().map(|(name, _)| name == "Fn::If");
        match &mut self.value {
            Value::Null | Value::Scalar(_) => {}
            Value::Sequence(items) => items.iter_mut().for_each(Self::remove_empty_properties),
            Value::Mapping(_) if intrinsic == Some(false) => {}
            Value::Mapping(entries) => {
                if intrinsic.is_none() {
                    entries.retain(|entry| entry.value.value != Value::Null);
                }
                for entry in entries {
                    if let Value::Mapping(named) = &mut entry.value.value
                        && NAMES.contains(&entry.key.as_str())
                    {
                        named.iter_mut().for_each(|named| named.value.remove_empty_properties());
                    } else {
                        entry.value.remove_empty_properties();
                    }
                }
            }
        }
    }

    /// The name and the argument, if this is a call of an intrinsic function: a map of one key, `Ref` or `Fn::…`.
    pub(crate) fn as_intrinsic(&self) -> Option<(&str, &Node)> {
        match self.as_mapping()? {
            [only] if only.key == "Ref" || only.key.starts_with("Fn::") => Some((&only.key, &only.value)),
            _ => None,
        }
    }

    /// What it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        if self.as_intrinsic().is_some() {
            return "an intrinsic function";
        }
        match &self.value {
            Value::Null => "empty",
            Value::Scalar(_) => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a map",
        }
    }
}
