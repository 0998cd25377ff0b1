//! The text of a template, character by character.
//!
//! In: the text. Out: the next characters, and the place that was reached. Never goes back.

use super::Span;

/// Behind the last character. The text itself has none: YAML and JSON both forbid it.
pub(super) const END: char = '\0';

/// Allowed at the start of a file, where it takes no column.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Which of the two languages a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Line breaks and tabs have a meaning, and keys have a limited length.
    Yaml,
    /// What YAML forbids beyond JSON is allowed: keys of any length, tabs, every character within quotes.
    Json,
}

impl Language {
    /// AWS's tools, too, take a text for JSON if it is JSON.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim_start_matches(BYTE_ORDER_MARK);
        match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Self::Json,
            Err(_) => Self::Yaml,
        }
    }
}

/// A place in the text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// In bytes from the start.
    pub(super) byte: usize,
    /// In characters from the start.
    pub(super) index: usize,
    /// From 0.
    pub(super) line: usize,
    /// In characters, from 0.
    pub(super) column: usize,
}

/// The text and a place in it.
pub(super) struct Characters {
    all: Vec<char>,
    place: Place,
    language: Language,
}

impl Characters {
    pub(super) fn new(text: &str, language: Language) -> Self {
        Self { all: text.chars().collect(), place: Place::default(), language }
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn is_json(&self) -> bool {
        self.language == Language::Json
    }

    /// The next character.
    pub(super) fn next(&self) -> char {
        self.peek(0)
    }

    /// The character after that many others.
    pub(super) fn peek(&self, distance: usize) -> char {
        self.all.get(self.place.index + distance).copied().unwrap_or(END)
    }

    /// What is underlined if the next character is wrong.
    pub(super) fn next_span(&self) -> Span {
        let start = self.place.byte;
        Span { start, end: start + self.next().len_utf8() }
    }

    /// What was passed since `start`.
    pub(super) fn span_from(&self, start: Place) -> Span {
        Span { start: start.byte, end: self.place.byte }
    }

    pub(super) fn advance(&mut self) {
        let Some(&passed) = self.all.get(self.place.index) else { return };
        self.place.index += 1;
        self.place.byte += passed.len_utf8();
        let is_half_a_break = passed == '\r' && self.next() == '\n';
        if self.is_break(passed) && !is_half_a_break {
            self.place.line += 1;
            self.place.column = 0;
        } else if passed != BYTE_ORDER_MARK {
            self.place.column += 1;
        }
    }

    pub(super) fn advance_by(&mut self, count: usize) {
        for _ in 0..count {
            self.advance();
        }
    }

    pub(super) fn skip_byte_order_mark(&mut self) {
        if self.place.index == 0 && self.next() == BYTE_ORDER_MARK {
            self.advance();
        }
    }

    /// Passes blanks: spaces and tabs.
    pub(super) fn skip_blanks(&mut self) {
        while is_blank(self.next()) {
            self.advance();
        }
    }

    /// Passes a comment, but not the break behind it.
    pub(super) fn skip_comment(&mut self) {
        if self.next() == '#' {
            while !self.is_break_or_end(self.next()) {
                self.advance();
            }
        }
    }

    /// Passes and returns the characters that fit.
    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while self.next() != END && fits(self.next()) {
            taken.push(self.next());
            self.advance();
        }
        taken
    }

    /// Passes a line break; returns what it means in a text, nothing if there is none.
    pub(super) fn take_break(&mut self) -> Option<char> {
        let first = self.next();
        if !self.is_break(first) {
            return None;
        }
        if first == '\r' && self.peek(1) == '\n' {
            self.advance();
        }
        self.advance();
        Some(if matches!(first, '\u{2028}' | '\u{2029}') { first } else { '\n' })
    }

    /// Whether this character ends a line.
    pub(super) fn is_break(&self, character: char) -> bool {
        match character {
            '\n' | '\r' => true,
            '\u{85}' | '\u{2028}' | '\u{2029}' => !self.is_json(),
            _ => false,
        }
    }

    pub(super) fn is_break_or_end(&self, character: char) -> bool {
        character == END || self.is_break(character)
    }

    /// Whether this character separates one token from the next.
    pub(super) fn is_gap(&self, character: char) -> bool {
        is_blank(character) || self.is_break_or_end(character)
    }

    /// Whether a line begins here with `---` or `...` alone.
    pub(super) fn is_at_document_marker(&self) -> bool {
        self.place.column == 0 && (self.is_at_marker('-') || self.is_at_marker('.'))
    }

    /// Whether three times this character stand here alone.
    pub(super) fn is_at_marker(&self, part: char) -> bool {
        (0..3).all(|distance| self.peek(distance) == part) && self.is_gap(self.peek(3))
    }
}

pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// The first character that YAML forbids anywhere in a text.
pub(super) fn first_forbidden(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|&(_, character)| {
        !matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
    })
}
