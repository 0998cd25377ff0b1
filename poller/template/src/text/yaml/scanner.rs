//! Text to tokens, as the YAML 1.1 parsers of AWS's tools (PyYAML) cut it.
//!
//! In: characters. Out: one token after the other, or the first place that is no YAML. A token is made when it is asked
//! for: what comes behind an error, or behind a list that is too deep, is not looked at.
//!
//! Whether a value is a key shows only at the `:` behind it. Until then it is a *possible key*, and the token `Key` is
//! put in front of it later. A key is on one line and has at most [`KEY_MAX`] characters, so the wait is bounded.

use super::Span;
use super::characters::{Characters, END, Language, Place, is_blank};
use super::token::{Kind, SyntaxError, Token};
use std::collections::VecDeque;

/// How many characters may lie between the start of a key and its `:`.
const KEY_MAX: usize = 1024;

pub(super) struct Scanner {
    pub(super) characters: Characters,
    /// Made, and not taken yet.
    tokens: VecDeque<Token>,
    taken: usize,
    is_done: bool,
    /// How many brackets are open.
    flow_level: usize,
    /// The column of the innermost list or map without brackets; none outside of all.
    indent: Option<usize>,
    outer_indents: Vec<Option<usize>>,
    /// Whether a key may begin at the next token.
    is_key_allowed: bool,
    /// At most one for each level of brackets; the outer ones, which begin earlier, first.
    possible_keys: VecDeque<PossibleKey>,
}

/// A value that is a key if a `:` follows.
struct PossibleKey {
    /// How many tokens come before it.
    token: usize,
    flow_level: usize,
    /// Whether it is an error if it is no key.
    is_required: bool,
    place: Place,
}

impl Scanner {
    pub(super) fn new(text: &str, language: Language) -> Self {
        Self {
            characters: Characters::new(text, language),
            tokens: VecDeque::new(),
            taken: 0,
            is_done: false,
            flow_level: 0,
            indent: None,
            outer_indents: Vec::new(),
            is_key_allowed: true,
            possible_keys: VecDeque::new(),
        }
    }

    /// The next token.
    pub(super) fn peek(&mut self) -> Result<&Token, SyntaxError> {
        self.peek_mut().map(|token| &*token)
    }

    /// The next token, whose text may be taken out before it is taken.
    pub(super) fn peek_mut(&mut self) -> Result<&mut Token, SyntaxError> {
        while self.needs_more_tokens()? {
            self.scan()?;
        }
        Ok(self.tokens.front_mut().expect("the last token is never taken"))
    }

    /// Takes the next token, which `peek` has shown. The last one stays.
    pub(super) fn take(&mut self) -> Token {
        self.taken += 1;
        self.tokens.pop_front().expect("a token was peeked at")
    }

    pub(super) fn is_flow(&self) -> bool {
        self.flow_level > 0
    }

    /// The least column of what belongs to the innermost list or map.
    pub(super) fn content_column(&self) -> usize {
        self.indent.map_or(0, |column| column + 1)
    }

    /// A new line: a key may begin there.
    pub(super) fn allow_key(&mut self) {
        self.is_key_allowed = true;
    }

    pub(super) fn forbid_key(&mut self) {
        self.is_key_allowed = false;
    }

    /// More are needed if there is none, or if a token may still have to be put in front of the next one.
    fn needs_more_tokens(&mut self) -> Result<bool, SyntaxError> {
        if self.is_done {
            return Ok(false);
        }
        if self.tokens.is_empty() {
            return Ok(true);
        }
        self.drop_stale_keys()?;
        Ok(self.possible_keys.front().is_some_and(|key| key.token == self.taken))
    }

    fn scan(&mut self) -> Result<(), SyntaxError> {
        self.skip_to_token();
        self.drop_stale_keys()?;
        self.close_blocks(Some(self.characters.place().column));
        let next = self.characters.next();
        let is_indicator = self.characters.is_gap(self.characters.peek(1));
        match next {
            END => self.stream_end(),
            '%' if self.characters.place().column == 0 => {
                self.end_document()?;
                let token = self.scan_directive()?;
                self.tokens.push_back(token);
                Ok(())
            }
            '-' if self.characters.is_at_document_marker() => self.document_marker(Kind::DocumentStart),
            '.' if self.characters.is_at_document_marker() => self.document_marker(Kind::DocumentEnd),
            '[' => self.open_flow(Kind::FlowSequenceStart),
            '{' => self.open_flow(Kind::FlowMappingStart),
            ']' => self.close_flow(Kind::FlowSequenceEnd),
            '}' => self.close_flow(Kind::FlowMappingEnd),
            ',' => {
                self.is_key_allowed = true;
                self.forget_key()?;
                self.push_indicator(1, Kind::FlowEntry);
                Ok(())
            }
            '-' if is_indicator => self.block_entry(),
            '?' if self.is_flow() || is_indicator => self.explicit_key(),
            ':' if self.is_flow() || is_indicator => self.value(),
            '|' | '>' if !self.is_flow() => {
                self.is_key_allowed = true;
                self.forget_key()?;
                let token = self.scan_block_scalar()?;
                self.tokens.push_back(token);
                Ok(())
            }
            _ => self.content(next),
        }
    }

    /// What may be a key, or stand in front of one.
    fn content(&mut self, first: char) -> Result<(), SyntaxError> {
        let starts_plain = match first {
            '-' => true,
            '?' | ':' => !self.is_flow(),
            '|' | '>' | '%' | '@' | '`' => false,
            _ => !self.characters.is_gap(first),
        };
        if !starts_plain {
            return Err(SyntaxError::new(no_token(first), self.characters.next_span()));
        }
        self.remember_key()?;
        self.is_key_allowed = false;
        let token = match first {
            '*' | '&' => self.scan_anchor()?,
            '!' => self.scan_tag()?,
            '\'' | '"' => self.scan_quoted()?,
            _ => self.scan_plain(),
        };
        self.tokens.push_back(token);
        Ok(())
    }

    /// Passes blanks, breaks and comments. A tab may not indent; elsewhere it is a blank, though PyYAML refuses it.
    fn skip_to_token(&mut self) {
        self.characters.skip_byte_order_mark();
        loop {
            let are_tabs_blanks = self.characters.is_json() || self.is_flow() || !self.is_key_allowed;
            while self.characters.next() == ' ' || (are_tabs_blanks && is_blank(self.characters.next())) {
                self.characters.advance();
            }
            self.characters.skip_comment();
            if self.characters.take_break().is_none() {
                return;
            }
            if !self.is_flow() {
                self.is_key_allowed = true;
            }
        }
    }

    fn push(&mut self, kind: Kind, span: Span) {
        self.tokens.push_back(Token { kind, span });
    }

    fn push_indicator(&mut self, length: usize, kind: Kind) {
        let start = self.characters.place();
        self.characters.advance_by(length);
        self.push(kind, self.characters.span_from(start));
    }

    fn stream_end(&mut self) -> Result<(), SyntaxError> {
        self.end_document()?;
        self.possible_keys.clear();
        self.is_done = true;
        self.push_indicator(0, Kind::StreamEnd);
        Ok(())
    }

    fn document_marker(&mut self, kind: Kind) -> Result<(), SyntaxError> {
        self.end_document()?;
        self.push_indicator(3, kind);
        Ok(())
    }

    fn end_document(&mut self) -> Result<(), SyntaxError> {
        self.close_blocks(None);
        self.forget_key()?;
        self.is_key_allowed = false;
        Ok(())
    }

    fn open_flow(&mut self, kind: Kind) -> Result<(), SyntaxError> {
        self.remember_key()?;
        self.flow_level += 1;
        self.is_key_allowed = true;
        self.push_indicator(1, kind);
        Ok(())
    }

    fn close_flow(&mut self, kind: Kind) -> Result<(), SyntaxError> {
        self.forget_key()?;
        self.flow_level = self.flow_level.saturating_sub(1);
        self.is_key_allowed = false;
        self.push_indicator(1, kind);
        Ok(())
    }

    /// `- `
    fn block_entry(&mut self) -> Result<(), SyntaxError> {
        self.begin_block(Kind::BlockSequenceStart)?;
        self.is_key_allowed = true;
        self.forget_key()?;
        self.push_indicator(1, Kind::BlockEntry);
        Ok(())
    }

    /// `? `
    fn explicit_key(&mut self) -> Result<(), SyntaxError> {
        self.begin_key()?;
        self.push_indicator(1, Kind::Key);
        Ok(())
    }

    /// `: `: what stands before it is a key after all.
    fn value(&mut self) -> Result<(), SyntaxError> {
        let is_key = self.possible_keys.back().is_some_and(|key| key.flow_level == self.flow_level);
        if let Some(key) = self.possible_keys.pop_back_if(|_| is_key) {
            let at = key.token - self.taken;
            let span = Span { start: key.place.byte, end: key.place.byte };
            self.tokens.insert(at, Token { kind: Kind::Key, span });
            if !self.is_flow() && self.indent_to(key.place.column) {
                self.tokens.insert(at, Token { kind: Kind::BlockMappingStart, span });
            }
            self.is_key_allowed = false;
        } else {
            self.begin_key()?;
        }
        self.push_indicator(1, Kind::Value);
        Ok(())
    }

    /// A key that says so itself, or a value without one, begins at the next character.
    fn begin_key(&mut self) -> Result<(), SyntaxError> {
        self.begin_block(Kind::BlockMappingStart)?;
        self.is_key_allowed = !self.is_flow();
        self.forget_key()
    }

    /// Outside of brackets, a list or map begins at the next character, unless one has that column already.
    fn begin_block(&mut self, kind: Kind) -> Result<(), SyntaxError> {
        if self.is_flow() {
            return Ok(());
        }
        if !self.is_key_allowed {
            let what = if kind == Kind::BlockSequenceStart { "an entry of a list" } else { "a key" };
            let message =
                format!("{what} is not allowed here: its indentation is wrong, or the string needs quotes");
            return Err(SyntaxError::new(message, self.characters.next_span()));
        }
        if self.indent_to(self.characters.place().column) {
            self.push_indicator(0, kind);
        }
        Ok(())
    }

    /// Whether this column is further in than before.
    fn indent_to(&mut self, column: usize) -> bool {
        let is_deeper = self.indent < Some(column);
        if is_deeper {
            self.outer_indents.push(self.indent);
            self.indent = Some(column);
        }
        is_deeper
    }

    /// Ends the lists and maps that are further in than this column.
    fn close_blocks(&mut self, column: Option<usize>) {
        while !self.is_flow() && self.indent > column {
            self.indent = self.outer_indents.pop().expect("each indentation has one around it");
            self.push_indicator(0, Kind::BlockEnd);
        }
    }

    fn remember_key(&mut self) -> Result<(), SyntaxError> {
        if !self.is_key_allowed {
            return Ok(());
        }
        self.forget_key()?;
        let place = self.characters.place();
        self.possible_keys.push_back(PossibleKey {
            token: self.taken + self.tokens.len(),
            flow_level: self.flow_level,
            is_required: !self.is_flow() && self.indent == Some(place.column),
            place,
        });
        Ok(())
    }

    /// The possible key of this level is none.
    fn forget_key(&mut self) -> Result<(), SyntaxError> {
        let level = self.flow_level;
        match self.possible_keys.pop_back_if(|key| key.flow_level == level) {
            Some(key) if key.is_required => Err(self.no_key(&key)),
            Some(_) | None => Ok(()),
        }
    }

    fn drop_stale_keys(&mut self) -> Result<(), SyntaxError> {
        let place = self.characters.place();
        let is_json = self.characters.is_json();
        let is_stale = |key: &mut PossibleKey| {
            !is_json && (key.place.line != place.line || place.index - key.place.index > KEY_MAX)
        };
        while let Some(key) = self.possible_keys.pop_front_if(is_stale) {
            if key.is_required {
                return Err(self.no_key(&key));
            }
        }
        Ok(())
    }

    fn no_key(&self, key: &PossibleKey) -> SyntaxError {
        let span = self.characters.span_from(key.place);
        if self.characters.place().line == key.place.line {
            return SyntaxError::new(format!("a key and its `:` have at most {KEY_MAX} characters"), span);
        }
        SyntaxError::new("expected `:` after this key, on the same line", span)
    }
}

/// Why no token begins with this character.
fn no_token(character: char) -> String {
    match character {
        '\t' => "a tab cannot be used for indentation: use spaces".to_owned(),
        character => format!("a string that begins with `{character}` needs quotes"),
    }
}
