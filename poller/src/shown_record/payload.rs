//! What a payload is, and how it is shown.
//!
//! In: the bytes of a record. Out: JSON laid out, text, or hexadecimal for what is neither. KPL aggregates are not taken apart, as
//! no event source mapping takes them apart.

use super::escape::{escaped, escaped_json};
use super::json_text::laid_out;
use serde::de::IgnoredAny;
use std::fmt::Write as _;

/// How the Kinesis Producer Library marks records that it packed into one.
const KPL_MAGIC: &[u8] = b"\xf3\x89\x9a\xc2";

/// Most bytes that are shown in hexadecimal.
const HEX_BYTES_MAX: usize = 4096;

/// Bytes in a line of hexadecimal.
const HEX_LINE_BYTES: usize = 16;

/// A payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload<'a> {
    Empty,
    Json(&'a str),
    Text(&'a str),
    KplAggregate(&'a [u8]),
    Binary(&'a [u8]),
}

impl<'a> Payload<'a> {
    pub(super) fn of(data: &'a [u8]) -> Self {
        if data.is_empty() {
            return Self::Empty;
        }
        if data.starts_with(KPL_MAGIC) {
            return Self::KplAggregate(data);
        }
        match std::str::from_utf8(data) {
            Ok(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => Self::Json(text),
            Ok(text) if !text.chars().any(is_of_binary) => Self::Text(text),
            Ok(_) | Err(_) => Self::Binary(data),
        }
    }

    /// What it is, where that does not show.
    pub(super) fn kind(self) -> Option<&'static str> {
        match self {
            Self::Json(_) | Self::Text(_) => None,
            Self::Empty => Some("empty"),
            Self::KplAggregate(_) => Some("KPL aggregate"),
            Self::Binary(_) => Some("binary"),
        }
    }

    /// For people, without raw control characters but line breaks.
    pub(super) fn text(self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Json(json) => escaped_json(&laid_out(json)),
            Self::Text(text) => text.lines().map(escaped).collect::<Vec<_>>().join("\n"),
            Self::KplAggregate(bytes) | Self::Binary(bytes) => hex(bytes),
        }
    }
}

/// Control characters of no text. Those of tabs, lines and colours are shown escaped.
fn is_of_binary(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{1b}')
}

fn hex(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(HEX_BYTES_MAX)];
    let mut text = String::new();
    for (line, bytes) in shown.chunks(HEX_LINE_BYTES).enumerate() {
        write!(text, "{:08x} ", line * HEX_LINE_BYTES).expect("writing to a string does not fail");
        for byte in bytes {
            write!(text, " {byte:02x}").expect("writing to a string does not fail");
        }
        text.push('\n');
    }
    let left = bytes.len() - shown.len();
    if left > 0 {
        writeln!(text, "… {left} more bytes; --json shows all").expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &[u8], kind: Option<&str>, text: &str) {
        let payload = Payload::of(data);
        assert_eq!((payload.kind(), payload.text().as_str()), (kind, text));
    }

    #[test]
    fn json_is_laid_out_text_stays_and_everything_else_is_hexadecimal() {
        check(br#"{"a":[1]}"#, None, "{\n  \"a\": [\n    1\n  ]\n}");
        check(b"17", None, "17");
        check(b"hello, \xe6\x9d\xb1", None, "hello, \u{6771}");
        check(b"", Some("empty"), "");
        check(b"\x00\xff", Some("binary"), "00000000  00 ff\n");
        check(b"\x08\x01\x12\x02ok", Some("binary"), "00000000  08 01 12 02 6f 6b\n");
        check(b"\xf3\x89\x9a\xc2\n", Some("KPL aggregate"), "00000000  f3 89 9a c2 0a\n");
    }

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        check(b"a\x1b[31m\tb\r\nc\rd", None, "a\\u{1b}[31m\\tb\nc\\rd");
        check("{\"a\":\"\u{9b}\"}".as_bytes(), None, "{\n  \"a\": \"\\u009b\"\n}");
    }

    #[test]
    fn of_a_long_binary_payload_the_beginning_is_shown() {
        let text = Payload::of(&[0; HEX_BYTES_MAX + 7]).text();
        assert_eq!(text.lines().count(), HEX_BYTES_MAX / HEX_LINE_BYTES + 1);
        assert!(text.ends_with("… 7 more bytes; --json shows all\n"));
    }
}
