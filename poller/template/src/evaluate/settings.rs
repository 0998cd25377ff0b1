//! Reads single settings: numbers with a range, words, booleans, texts.
//!
//! In: a property. Out: its value, or nothing for `AWS::NoValue`; what is not allowed is reported with what is.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node};
use super::suggest;
use std::ops::RangeInclusive;

/// A setting's value; `None` if the template does not set it after all.
pub(crate) type Setting<T> = Result<Option<T>, Reported>;

impl<'t> Context<'t> {
    /// A text, a number or a boolean, as text.
    pub(crate) fn text(&mut self, property: &Entry) -> Setting<String> {
        let Some(value) = self.evaluate(&property.value)? else { return Ok(None) };
        match value.as_scalar() {
            Some(text) => self.without_nul(property, text).map(|()| Some(text.to_owned())),
            None => Err(self.wrong_property(property, &value, "a single value")),
        }
    }

    /// The system takes variables, arguments and paths as texts that end at the first NUL: what comes behind would be
    /// lost.
    pub(crate) fn without_nul(&mut self, property: &Entry, text: &str) -> Result<(), Reported> {
        if !text.contains('\0') {
            return Ok(());
        }
        let message = format!("`{}` contains a NUL character", property.key);
        Err(self.report(
            Diagnostic::error(Code::InvalidValue, message)
                .at(property.value.span, "must be a string without NUL (U+0000)"),
        ))
    }

    /// A whole number within a range.
    pub(crate) fn integer(&mut self, property: &Entry, range: RangeInclusive<i64>) -> Setting<i64> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.number(property, &allowed, |number| range.contains(&number))
    }

    /// A whole number that `is_allowed`; `allowed` says which ones are.
    pub(crate) fn number(
        &mut self,
        property: &Entry,
        allowed: &str,
        is_allowed: impl FnOnce(i64) -> bool,
    ) -> Setting<i64> {
        let Some(text) = self.text(property)? else { return Ok(None) };
        match text.trim().parse::<i64>() {
            Ok(number) if is_allowed(number) => Ok(Some(number)),
            Ok(_) | Err(_) => Err(self.not_allowed(property, &text, allowed)),
        }
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, property: &Entry) -> Setting<bool> {
        let Some(text) = self.text(property)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(self.not_allowed(property, &text, "`true` or `false`")),
        }
    }

    /// One of a few words.
    pub(crate) fn word(&mut self, property: &Entry, words: &[&'static str]) -> Setting<&'static str> {
        let Some(text) = self.text(property)? else { return Ok(None) };
        match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Some(word)),
            None => {
                let list = suggest::list(words.iter().copied()).unwrap_or_default();
                Err(self.not_allowed(property, &text, &format!("one of {list}")))
            }
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, property: &Entry) -> Setting<Vec<String>> {
        let Some(value) = self.evaluate(&property.value)? else { return Ok(None) };
        let texts = value.as_sequence().map(|items| {
            items.iter().map(|item| item.as_scalar().map(str::to_owned)).collect::<Option<Vec<String>>>()
        });
        match texts.flatten() {
            Some(texts) => Ok(Some(texts)),
            None => Err(self.wrong_property(property, &value, "a list of single values")),
        }
    }

    /// Reports a value that is not allowed.
    pub(crate) fn not_allowed(&mut self, property: &Entry, value: &str, allowed: &str) -> Reported {
        self.report(
            Diagnostic::error(Code::InvalidValue, format!("`{}` is `{value}`", property.key))
                .at(property.value.span, format!("must be {allowed}")),
        )
    }

    /// Reports a value of the wrong kind.
    pub(crate) fn wrong_property(&mut self, property: &Entry, value: &Node, wanted: &str) -> Reported {
        let span = if value.span.start == value.span.end { property.key_span } else { value.span };
        self.report(
            Diagnostic::error(Code::WrongType, format!("`{}` is {}", property.key, value.kind()))
                .at(span, format!("must be {wanted}")),
        )
    }

    /// The properties of a resource or event, not evaluated.
    pub(crate) fn properties(&mut self, node: &'t Node) -> Result<Vec<&'t Entry>, Reported> {
        Ok(self.head(node, "a map of properties")?.unwrap_or_default())
    }

    /// Reports a setting that is not known; `owner` is what it was found in, such as `an event of type Kinesis`.
    pub(crate) fn unknown_setting(&mut self, property: &Entry, owner: &str, known: &[&str]) -> Reported {
        self.unknown_property(property, owner, known, Some(property.key.as_str()))
    }

    /// Reports a property that is not known: an error only if it is a slip in one of those that are `read`.
    pub(crate) fn unknown_property<'a>(
        &mut self,
        property: &Entry,
        owner: &str,
        known: &[&str],
        read: impl IntoIterator<Item = &'a str>,
    ) -> Reported {
        let message = format!("{owner} has no property `{}`", property.key);
        self.report(
            suggest::unknown_name(&property.key, read, message)
                .at(property.key_span, "unknown property")
                .help(suggest::did_you_mean(&property.key, known.iter().copied(), "properties")),
        )
    }
}
