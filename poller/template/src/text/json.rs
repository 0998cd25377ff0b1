//! What JSON does not have: comments.

use std::ops::Range;

/// The first comment (`// …` or `/* … */`) of a text that is meant to be JSON: YAML would take it for a value.
pub(crate) fn comment(text: &str) -> Option<Range<usize>> {
    let start = text.len() - text.trim_start_matches('\u{feff}').trim_start().len();
    if !["{", "//", "/*"].iter().any(|beginning| text[start..].starts_with(beginning)) {
        return None;
    }
    let mut at = start;
    // Whether a comment may begin here: beside brackets, commas, texts in quotes, and numbers.
    let mut is_between = true;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match first {
            '"' => quoted(rest, '"'),
            '\'' if is_between => quoted(rest, '\''),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '/' if is_between && rest.starts_with("//") => return Some(at..at + first_line(rest).len()),
            '/' if is_between && rest.starts_with("/*") => {
                let length = rest.find("*/").map_or(rest.len(), |end| end + 2);
                return Some(at..at + length);
            }
            first if first.is_whitespace() => first.len_utf8(),
            _ => {
                let word = word(rest);
                is_between = serde_json::from_str::<serde_json::Value>(word).is_ok();
                word.len()
            }
        };
        is_between |= "{}[],:\"'".contains(first);
        at += length.max(first.len_utf8());
    }
    None
}

/// The length of a text in quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = true;
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if quote == '"' => is_escaped = true,
            character if character == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What stands up to the next blank, bracket or comma, or a colon with a blank after it.
fn word(text: &str) -> &str {
    let ends = |(at, character): &(usize, char)| {
        let next = text[at + character.len_utf8()..].chars().next();
        character.is_whitespace()
            || "{}[],".contains(*character)
            || (*character == ':' && next.is_none_or(char::is_whitespace))
    };
    &text[..text.char_indices().find(ends).map_or(text.len(), |(at, _)| at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_comment(text: &str, expected: Option<&str>) {
        assert_eq!(comment(text).map(|at| &text[at]), expected, "{text}");
    }

    #[test]
    fn comments_are_found_outside_of_texts() {
        check_comment("{\n  // why\n  \"a\": 1}", Some("// why"));
        check_comment("{\"a\": 1, /* why */ \"b\": 2}", Some("/* why */"));
        check_comment("{\"a\": [1,// why\r\n 2]}", Some("// why"));
        check_comment("// why\n{}", Some("// why"));
        check_comment("\u{feff} {} // é", Some("// é"));
        check_comment("{\"a\": 1 /* open", Some("/* open"));
        check_comment(r#"{"a": "// x", "b\"// y": "\\\\"}"#, None);
        check_comment("{a: http://x/y, b: 'it // is', c: it's // here}", None);
        check_comment("{a: 1, # see // this\n b: 2}", None);
        check_comment("a: // x", None);
    }
}
