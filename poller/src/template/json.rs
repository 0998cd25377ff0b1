//! The one thing in JSON that YAML cannot read: a character beyond U+FFFF as two escapes.

use std::borrow::Cow;

/// Length of `\ud83d`.
const ESCAPE_BYTES: usize = 6;

/// The same text with each pair of surrogate escapes as something that YAML reads as the same character.
///
/// Nothing moves: the pair's 12 bytes become an escaped line break, which YAML drops, and a long escape
/// (`\U0001f600`). Text that is not JSON is left alone.
pub(super) fn readable_as_yaml(text: &str) -> Cow<'_, str> {
    let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
    if !is_json || !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        result.push_str(before);
        let taken = if let Some(character) = surrogate_pair(escape) {
            result.push_str(&format!("\\\n\\U{:08x}", u32::from(character)));
            2 * ESCAPE_BYTES
        } else {
            // A backslash and what it escapes, which may be a backslash.
            let taken = 1 + escape.chars().nth(1).map_or(0, char::len_utf8);
            result.push_str(&escape[..taken]);
            taken
        };
        rest = &escape[taken..];
    }
    result.push_str(rest);
    Cow::Owned(result)
}

fn surrogate_pair(text: &str) -> Option<char> {
    let pair = [code_unit(text)?, code_unit(text.get(ESCAPE_BYTES..)?)?];
    let is_pair = (0xd800..0xdc00).contains(&pair[0]);
    if !is_pair {
        return None;
    }
    char::decode_utf16(pair).next()?.ok()
}

fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let result = readable_as_yaml(text);
        assert_eq!(result, expected);
        assert_eq!(result.len(), text.len(), "nothing may move");
    }

    #[test]
    fn only_pairs_of_surrogates_change() {
        check(r#"{"a": "\ud83d\ude00x"}"#, "{\"a\": \"\\\n\\U0001f600x\"}");
        check(r#"{"a": "\\ud83d\\ude00"}"#, r#"{"a": "\\ud83d\\ude00"}"#);
        check(r#"{"a": "\u00e9\n"}"#, r#"{"a": "\u00e9\n"}"#);
        check(r#"{"a": "\ud83d"}"#, r#"{"a": "\ud83d"}"#);
        check(r"a: \ud83d\ude00", r"a: \ud83d\ude00");
    }
}
