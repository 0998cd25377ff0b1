//! Single values and tags of YAML, as CloudFormation understands them.

use super::node::{Entry, Node, Scalar, Style, Value};
use super::source::Span;
use std::borrow::Cow;

/// What begins all tags of YAML itself: `!!str` is `tag:yaml.org,2002:str`.
pub(crate) const YAML_TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// A single value with its tag carried out.
pub(crate) fn scalar(text: String, is_plain: bool, tag: Option<&str>, span: Span) -> Node {
    let short = tag.and_then(short_tag);
    let value = match tag.and_then(|tag| tag.strip_prefix(YAML_TAG_PREFIX)) {
        Some("null") => Value::Null,
        Some("int") => Value::Scalar(Scalar { text: text.trim().to_owned(), style: Style::Plain }),
        Some("bool" | "float") => Value::Scalar(Scalar { text, style: Style::Plain }),
        Some(_) => Value::Scalar(Scalar { text, style: Style::Text }),
        None if is_plain && is_null(&text) => Value::Null,
        // `!Ref` with nothing behind it.
        None if short.is_some() && text.is_empty() => Value::Null,
        None if is_plain => Value::Scalar(Scalar { text, style: Style::Plain }),
        None => Value::Scalar(Scalar { text, style: Style::Text }),
    };
    tagged(Node { value, span }, short)
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The long form of `!Ref`, `!Condition` and `!Name`; `None` for YAML's own tags.
pub(crate) fn short_tag(tag: &str) -> Option<String> {
    Some(match tag.strip_prefix('!')? {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    })
}

pub(crate) fn tagged(node: Node, tag: Option<String>) -> Node {
    let Some(key) = tag else { return node };
    let span = node.span;
    Node { value: Value::Mapping(vec![Entry { key, key_span: span, value: node }]), span }
}

/// What a value without quotes means in YAML 1.1, which CloudFormation reads: `yes` is true, `010` is eight, `1:30` is
/// ninety. What is decimal already stays as it is written.
pub(crate) fn plain_value(text: &str) -> Cow<'_, str> {
    match text {
        "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Cow::Borrowed("true"),
        "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Cow::Borrowed("false"),
        text => integer(text).map_or(Cow::Borrowed(text), |number| Cow::Owned(number.to_string())),
    }
}

/// A whole number of YAML 1.1, unless it is a plain decimal one: binary, octal, hexadecimal, to the base of sixty, or
/// with underscores or a plus sign.
fn integer(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_plain = !text.starts_with('+') && !text.contains(['_', ':']) && !unsigned.starts_with('0');
    let is_number =
        unsigned.starts_with(|first: char| first.is_ascii_digit()) && !unsigned.contains(['-', '+']);
    if is_plain || !is_number {
        return None;
    }
    let digits = unsigned.replace('_', "");
    let number = match digits.split_at_checked(2) {
        Some(("0b", binary)) => i128::from_str_radix(binary, 2).ok()?,
        Some(("0x", hexadecimal)) => i128::from_str_radix(hexadecimal, 16).ok()?,
        _ if digits.contains(':') => base_sixty(&digits)?,
        _ if digits.starts_with('0') => i128::from_str_radix(&digits, 8).ok()?,
        _ => digits.parse().ok()?,
    };
    Some(if text.starts_with('-') { -number } else { number })
}

/// `1:30`: ninety. Each part but the first is less than sixty.
fn base_sixty(digits: &str) -> Option<i128> {
    if digits.starts_with('0') {
        return None;
    }
    let mut parts = digits.split(':');
    let mut number: i128 = parts.next()?.parse().ok()?;
    for part in parts {
        let digit: u8 = part.parse().ok().filter(|&digit| digit < 60 && part.len() <= 2)?;
        number = number.checked_mul(60)?.checked_add(digit.into())?;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(plain_value(text), expected, "{text}");
    }

    /// As SAM CLI 1.170 reads them, before it hands the template to CloudFormation.
    #[test]
    fn numbers_and_booleans_are_those_of_yaml_1_1() {
        check("010", "8");
        check("-010", "-8");
        check("00", "0");
        check("0", "0");
        check("-0", "0");
        check("000123456701", "21913025");
        check("0x1F", "31");
        check("0b11", "3");
        check("1_000", "1000");
        check("+5", "5");
        check("1:30", "90");
        check("1:02:03", "3723");
        check("yes", "true");
        check("Off", "false");
        check("TRUE", "true");
    }

    #[test]
    fn what_only_looks_like_a_number_is_a_text() {
        for text in [
            "012345678901",
            "08",
            "0o17",
            "0x",
            "0b2",
            "1:60",
            "1:2:345",
            "01:30",
            "2026-01-01",
            "1,000",
            "1e3",
            "y",
            "n",
            "",
            "-",
            "+",
            "_1",
            "0x-1",
            "arn:aws:x",
            "12:a",
            "5",
            "123456789012345678901234567890",
            "1.50",
            "+é",
        ] {
            check(text, text);
        }
    }
}
