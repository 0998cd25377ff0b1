//! Single values and tags of YAML, as CloudFormation understands them.

use super::node::{Entry, Node, Scalar, Style, Value};
use super::source::Span;
use saphyr_parser::{ScalarStyle, Tag};

/// A single value with its tag carried out.
pub(super) fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
    let is_plain = style == ScalarStyle::Plain && !tag.is_some_and(Tag::is_yaml_core_schema);
    let value = match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" if is_plain => Value::Null,
        _ if is_plain => Value::Scalar(Scalar { text, style: Style::Plain }),
        _ => Value::Scalar(Scalar { text, style: Style::Text }),
    };
    tagged(Node { value, span }, tag.and_then(short_tag))
}

/// The long form of `!Ref`, `!Condition` and `!Name`; `None` for YAML's own tags.
pub(super) fn short_tag(tag: &Tag) -> Option<String> {
    if tag.handle != "!" || tag.suffix.is_empty() {
        return None;
    }
    Some(match tag.suffix.as_str() {
        "Ref" | "Condition" => tag.suffix.clone(),
        name => format!("Fn::{name}"),
    })
}

pub(super) fn tagged(node: Node, tag: Option<String>) -> Node {
    let Some(key) = tag else { return node };
    let span = node.span;
    Node { value: Value::Mapping(vec![Entry { key, key_span: span, value: node }]), span }
}
