//! Single values without quotes: plain ones, and blocks (`|` and `>`).

use super::characters::{END, is_blank};
use super::scanner::Scanner;
use super::token::{Kind, SyntaxError, Token};

/// What becomes of the line breaks at the end of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    /// `-`: none is kept.
    Strip,
    /// One is kept.
    Clip,
    /// `+`: all are kept.
    Keep,
}

/// What stands behind `|` or `>`.
struct BlockHeader {
    chomping: Chomping,
    /// By how much the block is indented, if that is written.
    increment: Option<usize>,
}

impl Scanner {
    /// A value without quotes. It may go on over several lines, of which the breaks are folded to blanks.
    pub(super) fn scan_plain(&mut self) -> Token {
        let start = self.characters.place();
        let mut span = self.characters.span_from(start);
        let mut text = String::new();
        let mut gap = String::new();
        loop {
            let piece = self.plain_piece();
            if piece.is_empty() {
                break;
            }
            self.forbid_key();
            text.push_str(&gap);
            text.push_str(&piece);
            span = self.characters.span_from(start);
            gap = self.plain_gap();
            let is_outside = !self.is_flow() && self.characters.place().column < self.content_column();
            if gap.is_empty() || is_outside {
                break;
            }
        }
        Token { kind: Kind::Scalar { text, is_plain: true }, span }
    }

    /// What a plain value has up to the next blank.
    fn plain_piece(&mut self) -> String {
        let mut piece = String::new();
        if self.characters.next() == '#' {
            return piece;
        }
        loop {
            let next = self.characters.next();
            let behind = self.characters.peek(1);
            let ends_flow = |character: char| matches!(character, ',' | '[' | ']' | '{' | '}');
            let is_end = match next {
                ':' => self.characters.is_gap(behind) || (self.is_flow() && ends_flow(behind)),
                next => self.characters.is_gap(next) || (self.is_flow() && ends_flow(next)),
            };
            if is_end {
                return piece;
            }
            piece.push(next);
            self.characters.advance();
        }
    }

    /// The blanks and breaks behind a piece, folded; empty if nothing of the value can follow.
    fn plain_gap(&mut self) -> String {
        let blanks = self.characters.take_while(is_blank);
        let Some(first_break) = self.characters.take_break() else { return blanks };
        self.allow_key();
        let mut breaks = String::new();
        loop {
            if self.characters.is_at_document_marker() {
                return String::new();
            }
            while self.characters.next() == ' ' || (self.is_flow() && is_blank(self.characters.next())) {
                self.characters.advance();
            }
            match self.characters.take_break() {
                Some(next_break) => breaks.push(next_break),
                None => return folded(first_break, breaks),
            }
        }
    }

    /// `|` and `>` with the lines below that are indented.
    pub(super) fn scan_block_scalar(&mut self) -> Result<Token, SyntaxError> {
        let start = self.characters.place();
        let is_folded = self.characters.next() == '>';
        self.characters.advance();
        let header = self.block_header()?;
        let least = self.content_column().max(1);
        let (indent, mut breaks, mut end) = match header.increment {
            Some(increment) => {
                let indent = least + increment - 1;
                let (breaks, end) = self.block_breaks(indent);
                (indent, breaks, end)
            }
            None => self.block_indentation(least),
        };
        let mut text = String::new();
        let mut line_break = None;
        while self.characters.place().column == indent && self.characters.next() != END {
            text.push_str(&breaks);
            let begins_with_blank = is_blank(self.characters.next());
            while !self.characters.is_break_or_end(self.characters.next()) {
                text.push(self.characters.next());
                self.characters.advance();
            }
            line_break = self.characters.take_break();
            (breaks, end) = self.block_breaks(indent);
            if self.characters.place().column != indent || self.characters.next() == END {
                break;
            }
            let is_joined = is_folded
                && line_break == Some('\n')
                && !begins_with_blank
                && !is_blank(self.characters.next());
            match line_break.take() {
                Some(_) if is_joined && breaks.is_empty() => text.push(' '),
                Some(line_break) if !is_joined => text.push(line_break),
                Some(_) | None => {}
            }
        }
        if header.chomping != Chomping::Strip {
            text.extend(line_break);
        }
        if header.chomping == Chomping::Keep {
            text.push_str(&breaks);
        }
        let span = super::Span { start: start.byte, end };
        Ok(Token { kind: Kind::Scalar { text, is_plain: false }, span })
    }

    fn block_header(&mut self) -> Result<BlockHeader, SyntaxError> {
        let mut header = BlockHeader { chomping: Chomping::Clip, increment: None };
        self.read_chomping(&mut header);
        if let Some(digit) = self.characters.next().to_digit(10) {
            if digit == 0 {
                return Err(SyntaxError::new(
                    "the indentation of a block scalar must be from 1 to 9",
                    self.characters.next_span(),
                ));
            }
            header.increment = usize::try_from(digit).ok();
            self.characters.advance();
            if header.chomping == Chomping::Clip {
                self.read_chomping(&mut header);
            }
        }
        let has_gap = self.characters.is_gap(self.characters.next());
        self.characters.skip_blanks();
        if has_gap {
            self.characters.skip_comment();
        }
        if !self.characters.is_break_or_end(self.characters.next()) {
            let what = "the text of a block scalar begins on the next line";
            return Err(SyntaxError::new(what, self.characters.next_span()));
        }
        self.characters.take_break();
        Ok(header)
    }

    fn read_chomping(&mut self, header: &mut BlockHeader) {
        header.chomping = match self.characters.next() {
            '-' => Chomping::Strip,
            '+' => Chomping::Keep,
            _ => return,
        };
        self.characters.advance();
    }

    /// How far in the first line is that is not empty, the breaks before it, and the end of the last of these.
    fn block_indentation(&mut self, least: usize) -> (usize, String, usize) {
        let mut breaks = String::new();
        let mut indent = least;
        let mut end = self.characters.place().byte;
        loop {
            if self.characters.next() == ' ' {
                self.characters.advance();
                indent = indent.max(self.characters.place().column);
            } else if let Some(line_break) = self.characters.take_break() {
                breaks.push(line_break);
                end = self.characters.place().byte;
            } else {
                return (indent, breaks, end);
            }
        }
    }

    /// The breaks before the next line of a block that is not empty, and the end of the last of these.
    fn block_breaks(&mut self, indent: usize) -> (String, usize) {
        let mut breaks = String::new();
        let mut end = self.characters.place().byte;
        loop {
            while self.characters.place().column < indent && self.characters.next() == ' ' {
                self.characters.advance();
            }
            let Some(line_break) = self.characters.take_break() else { return (breaks, end) };
            breaks.push(line_break);
            end = self.characters.place().byte;
        }
    }
}

/// A break and the empty lines behind it: one break alone is a blank.
pub(super) fn folded(first_break: char, breaks: String) -> String {
    match first_break {
        '\n' if breaks.is_empty() => " ".to_owned(),
        '\n' => breaks,
        kept => format!("{kept}{breaks}"),
    }
}
