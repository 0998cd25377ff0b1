//! Text of others that is to reach a terminal.

use std::fmt::Write as _;

/// The text with escapes in the place of characters that a terminal obeys, or that change the direction of what follows.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The same inside a JSON document, whose strings may hold such characters as they are: it means the same afterwards.
pub(super) fn escaped_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if is_obeyed(character) && !character.is_ascii_whitespace() {
            write!(shown, "\\u{:04x}", u32::from(character)).expect("writing to a string does not fail");
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Controls (C0, DEL, C1), and what turns the direction of text. All of them are below U+10000.
pub(super) fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_everything_else_stays() {
        for (text, expected) in [
            ("über 東京 🦀", "über 東京 🦀"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("a\r\n\tb\u{7f}", "a\\r\\n\\tb\\u{7f}"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn inside_json_it_means_the_same() {
        let json = "{\n \"a\": \"\u{9b}\u{7f}\u{202e}ü\"\n}";
        let shown = escaped_json(json);
        assert_eq!(shown, "{\n \"a\": \"\\u009b\\u007f\\u202eü\"\n}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&shown), read(json));
    }
}
