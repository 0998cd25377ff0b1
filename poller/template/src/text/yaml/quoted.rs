//! Single values in quotes.

use super::characters::{Characters, END, is_blank};
use super::scalars::folded;
use super::scanner::Scanner;
use super::token::{Kind, SyntaxError, Token};

/// Stands for half of a character beyond U+FFFF whose other half is missing.
const NO_CHARACTER: char = char::REPLACEMENT_CHARACTER;

impl Scanner {
    /// A value in single or double quotes. It may go on over several lines, however far these are indented.
    pub(super) fn scan_quoted(&mut self) -> Result<Token, SyntaxError> {
        let start = self.characters.place();
        let quote = self.characters.next();
        self.characters.advance();
        let opening = self.characters.span_from(start);
        let mut text = String::new();
        loop {
            piece(&mut self.characters, quote, &mut text)?;
            if self.characters.next() == quote {
                break;
            }
            gap(&mut self.characters, &mut text)
                .map_err(|error| error.inside("the string begins here", opening))?;
        }
        self.characters.advance();
        let span = self.characters.span_from(start);
        Ok(Token { kind: Kind::Scalar { text, is_plain: false }, span })
    }
}

/// What stands up to the next blank, break or closing quote.
fn piece(characters: &mut Characters, quote: char, text: &mut String) -> Result<(), SyntaxError> {
    loop {
        let next = characters.next();
        match next {
            '\'' if quote == '\'' && characters.peek(1) == '\'' => {
                text.push('\'');
                characters.advance_by(2);
            }
            '\\' if quote == '"' => escape(characters, text)?,
            next if next == quote || characters.is_gap(next) => return Ok(()),
            next => {
                text.push(next);
                characters.advance();
            }
        }
    }
}

/// Blanks, or breaks with the blanks around them: those are folded.
fn gap(characters: &mut Characters, text: &mut String) -> Result<(), SyntaxError> {
    let blanks = characters.take_while(is_blank);
    if characters.next() == END {
        return Err(SyntaxError::new("the file ends before the closing quote", characters.next_span()));
    }
    match characters.take_break() {
        Some(first_break) => {
            let breaks = breaks(characters)?;
            text.push_str(&folded(first_break, breaks));
        }
        None => text.push_str(&blanks),
    }
    Ok(())
}

/// Empty lines, and the blanks at the start of the next one.
fn breaks(characters: &mut Characters) -> Result<String, SyntaxError> {
    let mut breaks = String::new();
    loop {
        if characters.is_at_document_marker() {
            let what = "the document ends before the closing quote";
            return Err(SyntaxError::new(what, characters.next_span()));
        }
        characters.skip_blanks();
        match characters.take_break() {
            Some(line_break) => breaks.push(line_break),
            None => return Ok(breaks),
        }
    }
}

/// A backslash and what it escapes.
fn escape(characters: &mut Characters, text: &mut String) -> Result<(), SyntaxError> {
    characters.advance();
    let escaped = match characters.next() {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        same @ (' ' | '"' | '\\' | '/') => same,
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' => return code(characters, 2, text),
        'u' => return code(characters, 4, text),
        'U' => return code(characters, 8, text),
        _ if characters.take_break().is_some() => {
            text.push_str(&breaks(characters)?);
            return Ok(());
        }
        _ => {
            let what = "unknown escape: a backslash itself is `\\\\`, or use single quotes";
            return Err(SyntaxError::new(what, characters.next_span()));
        }
    };
    text.push(escaped);
    characters.advance();
    Ok(())
}

/// A character as hexadecimal digits. One beyond U+FFFF may be two codes, as in JSON.
fn code(characters: &mut Characters, digits: usize, text: &mut String) -> Result<(), SyntaxError> {
    characters.advance();
    let what = format!("expected {digits} hexadecimal digits of a character");
    let wrong = SyntaxError::new(what, characters.next_span());
    let Some(code) = hexadecimal(characters, 0, digits) else { return Err(wrong) };
    characters.advance_by(digits);
    let character = match code {
        0xd800..=0xdbff => match low_surrogate(characters) {
            Some(low) => {
                characters.advance_by(6);
                char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)).unwrap_or(NO_CHARACTER)
            }
            None => NO_CHARACTER,
        },
        0xdc00..=0xdfff => NO_CHARACTER,
        code => char::from_u32(code).ok_or(wrong)?,
    };
    text.push(character);
    Ok(())
}

/// The second half of a character (`\udc00` to `\udfff`), if it stands here.
fn low_surrogate(characters: &Characters) -> Option<u32> {
    let is_code = characters.peek(0) == '\\' && characters.peek(1) == 'u';
    hexadecimal(characters, 2, 4).filter(|low| is_code && (0xdc00..=0xdfff).contains(low))
}

fn hexadecimal(characters: &Characters, distance: usize, digits: usize) -> Option<u32> {
    (distance..distance + digits)
        .try_fold(0_u32, |code, at| Some((code << 4) | characters.peek(at).to_digit(16)?))
}
