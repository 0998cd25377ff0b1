//! What stands in front of values, and of documents: anchors, aliases, tags and directives.

use super::characters::Place;
use super::scanner::Scanner;
use super::token::{Kind, SyntaxError, Token};

impl Scanner {
    /// `&name` or `*name`
    pub(super) fn scan_anchor(&mut self) -> Result<Token, SyntaxError> {
        let start = self.characters.place();
        let is_alias = self.characters.next() == '*';
        self.characters.advance();
        let name = self.characters.take_while(is_name);
        let next = self.characters.next();
        let is_end = self.characters.is_gap(next) || "?:,]}%@`".contains(next);
        if name.is_empty() || !is_end {
            let what = if is_alias {
                "the name of an alias is letters and digits; a string that begins with `*` needs quotes"
            } else {
                "the name of an anchor is letters and digits; a string that begins with `&` needs quotes"
            };
            return Err(SyntaxError::new(what, self.characters.next_span()));
        }
        let kind = if is_alias { Kind::Alias(name) } else { Kind::Anchor(name) };
        Ok(self.token(kind, start))
    }

    /// `!Name`, `!!name`, `!handle!name` or `!<name>`
    pub(super) fn scan_tag(&mut self) -> Result<Token, SyntaxError> {
        let start = self.characters.place();
        let (handle, suffix) = if self.characters.peek(1) == '<' {
            self.characters.advance_by(2);
            let suffix = self.tag_name()?;
            if self.characters.next() != '>' {
                return Err(SyntaxError::new("expected `>` after the tag", self.characters.next_span()));
            }
            self.characters.advance();
            (None, suffix)
        } else if self.characters.is_gap(self.characters.peek(1)) {
            self.characters.advance();
            (None, "!".to_owned())
        } else if self.has_handle() {
            (Some(self.tag_handle()?), self.tag_name()?)
        } else {
            self.characters.advance();
            (Some("!".to_owned()), self.tag_name()?)
        };
        if !self.characters.is_gap(self.characters.next()) {
            return Err(SyntaxError::new("expected a space after the tag", self.characters.next_span()));
        }
        Ok(self.token(Kind::Tag { handle, suffix }, start))
    }

    /// Whether a second `!` comes before the next blank.
    fn has_handle(&self) -> bool {
        let mut word = (1..).map(|distance| self.characters.peek(distance));
        let end = word.find(|&next| next == '!' || next == ' ' || self.characters.is_break_or_end(next));
        end == Some('!')
    }

    /// `!`, `!!` or `!name!`
    fn tag_handle(&mut self) -> Result<String, SyntaxError> {
        let wrong = |scanner: &Self| {
            Err(SyntaxError::new(
                "expected `!`, which starts and ends the handle of a tag",
                scanner.characters.next_span(),
            ))
        };
        if self.characters.next() != '!' {
            return wrong(self);
        }
        self.characters.advance();
        if self.characters.next() == ' ' {
            return Ok("!".to_owned());
        }
        let name = self.characters.take_while(is_name);
        if self.characters.next() != '!' {
            return wrong(self);
        }
        self.characters.advance();
        Ok(format!("!{name}!"))
    }

    /// The characters of a tag, of which some may be written as `%` and two digits.
    fn tag_name(&mut self) -> Result<String, SyntaxError> {
        let start = self.characters.next_span();
        let mut bytes = Vec::new();
        loop {
            let next = self.characters.next();
            if next == '%' {
                self.characters.advance();
                let digits: String = [self.characters.next(), self.characters.peek(1)].iter().collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| !digits.starts_with('+'));
                let Some(byte) = byte else {
                    let what = "expected two hexadecimal digits after `%`";
                    return Err(SyntaxError::new(what, self.characters.next_span()));
                };
                bytes.push(byte);
                self.characters.advance_by(2);
            } else if is_name(next) || ";/?:@&=+$,.!~*'()[]".contains(next) {
                bytes.extend(next.encode_utf8(&mut [0; 4]).bytes());
                self.characters.advance();
            } else {
                break;
            }
        }
        match String::from_utf8(bytes) {
            Ok(name) if name.is_empty() => Err(SyntaxError::new("expected the name of a tag", start)),
            Ok(name) => Ok(name),
            Err(_) => Err(SyntaxError::new("the tag is not UTF-8 text", start)),
        }
    }

    /// A line that begins with `%`.
    pub(super) fn scan_directive(&mut self) -> Result<Token, SyntaxError> {
        let start = self.characters.place();
        self.characters.advance();
        let name = self.characters.take_while(is_name);
        if name.is_empty() || !self.is_word_end() {
            return Err(SyntaxError::new("expected the name of a directive", self.characters.next_span()));
        }
        self.characters.skip_blanks();
        let token = match name.as_str() {
            "YAML" => {
                let kind = self.version()?;
                self.token(kind, start)
            }
            "TAG" => {
                let handle = self.tag_handle()?;
                if self.characters.next() != ' ' {
                    return Err(SyntaxError::new(
                        "expected a space after the handle",
                        self.characters.next_span(),
                    ));
                }
                self.characters.skip_blanks();
                let prefix = self.tag_name()?;
                self.token(Kind::TagDirective { handle, prefix }, start)
            }
            _ => {
                let token = self.token(Kind::UnknownDirective, start);
                while !self.characters.is_break_or_end(self.characters.next()) {
                    self.characters.advance();
                }
                token
            }
        };
        if !self.is_word_end() {
            return Err(SyntaxError::new("expected the end of the directive", self.characters.next_span()));
        }
        self.characters.skip_blanks();
        self.characters.skip_comment();
        if !self.characters.is_break_or_end(self.characters.next()) {
            return Err(SyntaxError::new("expected the end of the directive", self.characters.next_span()));
        }
        self.characters.take_break();
        Ok(token)
    }

    /// `1.1`
    fn version(&mut self) -> Result<Kind, SyntaxError> {
        let major = self.characters.take_while(|next| next.is_ascii_digit());
        let has_point = self.characters.next() == '.';
        if has_point {
            self.characters.advance();
        }
        let minor = self.characters.take_while(|next| next.is_ascii_digit());
        if major.is_empty() || !has_point || minor.is_empty() {
            return Err(SyntaxError::new("expected a version such as `1.1`", self.characters.next_span()));
        }
        Ok(Kind::Version { major })
    }

    fn is_word_end(&self) -> bool {
        self.characters.is_gap(self.characters.next())
    }

    fn token(&self, kind: Kind, start: Place) -> Token {
        Token { kind, span: self.characters.span_from(start) }
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}
