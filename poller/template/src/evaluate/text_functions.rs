//! The intrinsic functions that make text: Sub, Join, Split, Base64, ToJsonString.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node, Scalar, Style, Value};
use super::source::Span;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// A piece of the text of an `Fn::Sub`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// `${!name}`: as it stands, without the exclamation mark.
    Literal(&'a str),
    /// `${name}`: to be replaced.
    Variable(&'a str),
}

/// Takes the text of an `Fn::Sub` apart. A `${` without its `}` is text.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let (before, variable) = (&rest[..start], &rest[start + 2..start + length]);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(match variable.strip_prefix('!') {
            Some(literal) => Piece::Literal(literal),
            None => Piece::Variable(variable.trim()),
        });
        rest = &rest[start + length + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

impl Context<'_> {
    pub(crate) fn substitute(&mut self, argument: &Node, span: Span) -> Result<Node, Reported> {
        let wanted = "a string, or a string and a map";
        let (text, variables): (&Node, &[Entry]) = match argument.as_sequence() {
            None => (argument, &[]),
            Some([text, variables]) => match variables.as_mapping() {
                Some(entries) => (text, entries),
                None => return Err(self.wrong_arguments("Fn::Sub", span, wanted)),
            },
            Some(_) => return Err(self.wrong_arguments("Fn::Sub", span, wanted)),
        };
        let Some(text) = text.as_scalar() else {
            return Err(self.wrong_arguments("Fn::Sub", span, wanted));
        };
        let mut result = Ok(String::new());
        for piece in pieces(text) {
            let piece = match piece {
                Piece::Text(text) => Ok(text.to_owned()),
                Piece::Literal(name) => Ok(format!("${{{name}}}")),
                Piece::Variable(name) => self.variable(name, variables, span),
            };
            result = match (result, piece) {
                (Ok(result), Ok(piece)) => Ok(result + &piece),
                (Err(Reported), _) | (_, Err(Reported)) => Err(Reported),
            };
            self.limit(result.as_ref().map_or(0, String::len), span)?;
        }
        self.made(result?, span)
    }

    fn variable(&mut self, name: &str, variables: &[Entry], span: Span) -> Result<String, Reported> {
        if let Some(variable) = variables.iter().find(|variable| variable.key == name) {
            return self.evaluate_text(&variable.value, "a single value");
        }
        let name = Node::text(name, span);
        let is_attribute =
            name.as_scalar().is_some_and(|name| name.contains('.') && !self.is_referable(name));
        let value =
            if is_attribute { Some(self.attribute(&name, span)?) } else { self.reference(&name, span)? };
        match value.as_ref().and_then(Node::as_scalar) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong_kind(value.as_ref(), span, "a single value inside of `Fn::Sub`")),
        }
    }

    pub(crate) fn join(&mut self, argument: &Node, span: Span) -> Result<Node, Reported> {
        let Some([separator, list]) = argument.as_sequence() else {
            return Err(self.wrong_arguments("Fn::Join", span, "a separator and a list"));
        };
        let separator = self.evaluate_text(separator, "a separator");
        let items = self.evaluate_list(list, "a list");
        let (separator, items) = (separator?, items?);
        let mut result = String::new();
        for (index, item) in items.iter().enumerate() {
            let Some(text) = item.as_scalar() else {
                return Err(self.wrong_kind(Some(item), item.span, "a single value inside of `Fn::Join`"));
            };
            if index > 0 {
                result.push_str(&separator);
            }
            result.push_str(text);
            self.limit(result.len(), span)?;
        }
        self.made(result, span)
    }

    pub(crate) fn split(&mut self, argument: &Node, span: Span) -> Result<Node, Reported> {
        let Some([separator, text]) = argument.as_sequence() else {
            return Err(self.wrong_arguments("Fn::Split", span, "a separator and a string"));
        };
        let (separator, text) =
            (self.evaluate_text(separator, "a separator"), self.evaluate_text(text, "a string"));
        let (separator, text) = (separator?, text?);
        if separator.is_empty() {
            return Err(self.wrong_arguments("Fn::Split", span, "a separator that is not empty"));
        }
        let items: Vec<Node> = text.split(&separator).map(|item| Node::text(item, span)).collect();
        self.add_work(items.len() * size_of::<Node>(), span)?;
        Ok(Node::sequence(items, span))
    }

    pub(crate) fn base64(&mut self, argument: &Node, span: Span) -> Result<Node, Reported> {
        let text = self.evaluate_text(argument, "a string")?;
        self.made(BASE64_STANDARD.encode(text), span)
    }

    pub(crate) fn json_string(&mut self, argument: &Node, span: Span) -> Result<Node, Reported> {
        let value = self.evaluate(argument)?;
        match value {
            Some(value @ Node { value: Value::Mapping(_) | Value::Sequence(_), .. }) => {
                self.made(json_of(&value).to_string(), span)
            }
            value => Err(self.wrong_kind(value.as_ref(), span, "a map or a list")),
        }
    }

    fn made(&mut self, text: String, span: Span) -> Result<Node, Reported> {
        self.add_work(text.len(), span)?;
        Ok(Node::text(text, span))
    }

    fn limit(&mut self, bytes: usize, span: Span) -> Result<(), Reported> {
        if bytes <= TEXT_BYTES_MAX {
            return Ok(());
        }
        let message = format!("this makes a string of more than {TEXT_BYTES_MAX} bytes");
        Err(self.report(Diagnostic::error(Code::TooLarge, message).at(span, "too long")))
    }
}

/// The longest text that a function may make: as much as a whole template.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

fn json_of(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Scalar(scalar) => json_of_scalar(scalar),
        Value::Sequence(items) => items.iter().map(json_of).collect(),
        Value::Mapping(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.value))).collect()
        }
    }
}

/// What stands without quotes and is a number or a boolean of JSON stays one.
fn json_of_scalar(scalar: &Scalar) -> serde_json::Value {
    let text = || serde_json::Value::String(scalar.text.clone());
    match scalar.style {
        Style::Text => text(),
        Style::Plain => match serde_json::from_str(&scalar.text) {
            Ok(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => value,
            Ok(_) | Err(_) => text(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Piece<'_>]) {
        assert_eq!(pieces(text), expected);
    }

    #[test]
    fn a_text_is_taken_apart_at_its_variables() {
        use Piece::{Literal, Text, Variable};
        check("", &[]);
        check("a", &[Text("a")]);
        check("${A}", &[Variable("A")]);
        check("x-${A.B}-${!C}$", &[Text("x-"), Variable("A.B"), Text("-"), Literal("C"), Text("$")]);
        check("${open", &[Text("${open")]);
        check("{${A}}", &[Text("{"), Variable("A"), Text("}")]);
    }
}
