//! Reads JSON one token at a time.
//!
//! In: a text. Out: its tokens, each as it is spelled there, or where the text stops being JSON (RFC 8259). Never recurses, never
//! builds a tree, never changes a number: what no double can hold is compared by its text.

use memchr::memchr2;
use std::borrow::Cow;

/// One token. What is spelled in the text is kept as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    /// The name of a member.
    Name(Text<'a>),
    String(Text<'a>),
    Number(&'a str),
    /// `true`, `false` or `null`
    Word(&'a str),
}

/// A string as it stands in the text, with its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    raw: &'a str,
    has_escapes: bool,
}

impl<'a> Text<'a> {
    /// The string between two quotes, nothing in it escaped.
    pub(super) fn quoted(self) -> Cow<'a, str> {
        if self.has_escapes {
            Cow::Owned(format!("\"{}\"", unescape(self.inner())))
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// The string itself.
    pub(super) fn decoded(self) -> Cow<'a, str> {
        if self.has_escapes { Cow::Owned(unescape(self.inner())) } else { Cow::Borrowed(self.inner()) }
    }

    fn inner(self) -> &'a str {
        &self.raw[1..self.raw.len() - 1]
    }
}

/// Where and why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotJson {
    /// In bytes.
    pub(super) offset: usize,
    pub(super) reason: &'static str,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Value,
    /// A value, or the end of an array that has none.
    FirstElement,
    /// A name, or the end of an object that has none.
    FirstName,
    Name,
    /// A comma, or the end of what is open.
    Separator,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Object,
    Array,
}

/// Reads the tokens of one text.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    token_start: usize,
    open: Vec<Open>,
    expected: Expected,
}

impl<'a> Reader<'a> {
    /// At the beginning of `text`. A byte order mark is no part of it.
    pub(super) fn new(text: &'a str) -> Self {
        let at = text.len() - text.trim_start_matches('\u{feff}').len();
        Self { text, at, token_start: at, open: Vec::new(), expected: Expected::Value }
    }

    /// Where the last token begins, in bytes.
    pub(super) fn token_start(&self) -> usize {
        self.token_start
    }

    /// Where the last token ends, in bytes.
    pub(super) fn token_end(&self) -> usize {
        self.at
    }

    /// How many objects and arrays are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// The next token; `None` after the last, and then nothing else is in the text.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, NotJson> {
        self.skip_space();
        if self.expected == Expected::Separator && self.peek() == Some(b',') {
            self.at += 1;
            self.skip_space();
            self.expected = match self.open.last() {
                Some(Open::Object) => Expected::Name,
                Some(Open::Array) => Expected::Value,
                None => return Err(self.wrong("nothing may follow the value")),
            };
        }
        self.token_start = self.at;
        let Some(byte) = self.peek() else {
            let is_complete = self.expected == Expected::End;
            return if is_complete { Ok(None) } else { Err(self.wrong("the text ends too early")) };
        };
        match (self.expected, byte) {
            (Expected::End, _) => Err(self.wrong("nothing may follow the value")),
            (Expected::FirstElement | Expected::Separator, b']') => self.close(Open::Array),
            (Expected::FirstName | Expected::Separator, b'}') => self.close(Open::Object),
            (Expected::Separator, _) => {
                Err(self.wrong("a comma, or the end of the object or array, is missing"))
            }
            (Expected::FirstName | Expected::Name, b'"') => self.name(),
            (Expected::FirstName | Expected::Name, _) => Err(self.wrong("a name in quotes is missing")),
            (Expected::Value | Expected::FirstElement, _) => self.value(byte),
        }
        .map(Some)
    }

    /// Leaves out the rest of the value whose first token was `first`.
    pub(super) fn skip(&mut self, first: Token<'a>) -> Result<(), NotJson> {
        if matches!(first, Token::ObjectStart | Token::ArrayStart) {
            let outside = self.depth() - 1;
            while self.depth() > outside {
                self.next()?;
            }
        }
        Ok(())
    }

    fn value(&mut self, byte: u8) -> Result<Token<'a>, NotJson> {
        match byte {
            b'{' => {
                self.at += 1;
                self.open.push(Open::Object);
                self.expected = Expected::FirstName;
                return Ok(Token::ObjectStart);
            }
            b'[' => {
                self.at += 1;
                self.open.push(Open::Array);
                self.expected = Expected::FirstElement;
                return Ok(Token::ArrayStart);
            }
            _ => {}
        }
        let token = match byte {
            b'"' => Token::String(self.string()?),
            b'-' | b'0'..=b'9' => Token::Number(self.number()?),
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => return Err(self.wrong("a value is missing")),
        };
        self.expect_after_value();
        Ok(token)
    }

    fn name(&mut self) -> Result<Token<'a>, NotJson> {
        let name = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.wrong("a colon is missing"));
        }
        self.at += 1;
        self.expected = Expected::Value;
        Ok(Token::Name(name))
    }

    fn close(&mut self, open: Open) -> Result<Token<'a>, NotJson> {
        if self.open.last() != Some(&open) {
            return Err(self.wrong("this closes what is not open"));
        }
        self.open.pop();
        self.at += 1;
        self.expect_after_value();
        Ok(match open {
            Open::Object => Token::ObjectEnd,
            Open::Array => Token::ArrayEnd,
        })
    }

    fn expect_after_value(&mut self) {
        self.expected = if self.open.is_empty() { Expected::End } else { Expected::Separator };
    }

    fn string(&mut self) -> Result<Text<'a>, NotJson> {
        let start = self.at;
        let mut has_escapes = false;
        self.at += 1;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = &rest[..memchr2(b'"', b'\\', rest).unwrap_or(rest.len())];
            // Whether there is one is seen many bytes at a time; only then where.
            let has_control = plain.iter().fold(u8::MAX, |least, byte| least.min(*byte)) < b' ';
            let first_control = if has_control { plain.iter().position(|byte| *byte < b' ') } else { None };
            self.at += first_control.unwrap_or(plain.len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.wrong("a control character in a string must be escaped")),
                None => return Err(self.wrong("the string does not end")),
            }
        }
        self.at += 1;
        Ok(Text { raw: &self.text[start..self.at], has_escapes })
    }

    fn escape(&mut self) -> Result<(), NotJson> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => 6,
            _ => return Err(self.wrong("this is no escape of JSON")),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<&'a str, NotJson> {
        let start = self.at;
        self.skip_if(|byte| byte == b'-');
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.skip_if(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.skip_if(|byte| matches!(byte, b'e' | b'E')) {
            self.skip_if(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        if !self.skip_if(|byte| byte.is_ascii_digit()) {
            return Err(self.wrong("a digit is missing"));
        }
        while self.skip_if(|byte| byte.is_ascii_digit()) {}
        Ok(())
    }

    fn word(&mut self, word: &'static str) -> Result<Token<'a>, NotJson> {
        let end = self.at + word.len();
        if self.text.as_bytes().get(self.at..end) != Some(word.as_bytes()) {
            return Err(self.wrong("a value is missing"));
        }
        self.at = end;
        Ok(Token::Word(word))
    }

    fn skip_space(&mut self) {
        while self.skip_if(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {}
    }

    fn skip_if(&mut self, is_wanted: impl Fn(u8) -> bool) -> bool {
        let is_there = self.peek().is_some_and(is_wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, reason: &'static str) -> NotJson {
        NotJson { offset: self.at, reason }
    }
}

/// The inside of a string that [`Reader`] has checked. Half of a surrogate pair without the other becomes a question mark: that is
/// what Java, in which AWS's engine is written, makes of it when it compares bytes.
fn unescape(inner: &str) -> String {
    let mut decoded = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        decoded.push_str(before);
        let (character, len) = escaped(after);
        decoded.push(character);
        rest = &after[len..];
    }
    decoded.push_str(rest);
    decoded
}

/// The character whose escape, without the backslash, `text` begins with, and how long that is.
fn escaped(text: &str) -> (char, usize) {
    let simple = match text.as_bytes().first() {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        Some(byte) => char::from(*byte),
        None => '\\',
    };
    (simple, 1)
}

fn unicode(text: &str) -> (char, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let first = unit(1).unwrap_or_default();
    let second = if text.get(5..7) == Some("\\u") { unit(7) } else { None };
    let mut pair = char::decode_utf16([first].into_iter().chain(second));
    match pair.next() {
        Some(Ok(character)) => (character, if character.len_utf16() == 2 { 11 } else { 5 }),
        Some(Err(_)) | None => ('?', 5),
    }
}
