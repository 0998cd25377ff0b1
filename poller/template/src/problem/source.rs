//! The text of a template, and places in it.
//!
//! In: a path. Out: text of bounded size, or why there is none; byte spans as lines and columns.

use super::diagnostics::{Code, Diagnostic};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest template that CloudFormation takes (from S3), in bytes.
pub const TEMPLATE_BYTES_MAX: u64 = 1024 * 1024;

/// May stand at the start of a file; nobody sees it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A stretch of the template's text, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// Where a span starts, as editors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// A template's path and text.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// A template that is already in memory.
    #[must_use]
    pub fn new(path: &Path, text: String) -> Self {
        Self { path: path.to_owned(), text }
    }

    /// The file as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte.
    #[must_use]
    pub fn position(&self, byte: usize) -> Position {
        let before = &self.text[..self.text.floor_char_boundary(byte)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before[line_start..].trim_start_matches(BYTE_ORDER_MARK).chars().count() + 1,
        }
    }

    /// The part of a span that lies on its first line, without trailing blanks: what is underlined.
    #[must_use]
    pub fn first_line(&self, span: Span) -> Span {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end).max(start);
        let line = self.text[start..end].lines().next().unwrap_or_default();
        Span { start, end: start + line.trim_end().len() }
    }
}

/// Reads a template.
///
/// # Errors
/// The file cannot be read, is too large, or is no text.
pub fn read(path: &Path) -> Result<Source, Box<(Source, Diagnostic)>> {
    let nothing = |text: String, diagnostic: Diagnostic| Box::new((Source::new(path, text), diagnostic));
    let bytes = match bytes_of(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!("the template {} cannot be read: {error}", path.display());
            let help = "name an existing file with `--template FILE`";
            return Err(nothing(String::new(), Diagnostic::error(Code::Unreadable, message).help(help)));
        }
    };
    if bytes.len() as u64 > TEMPLATE_BYTES_MAX {
        let message = format!("the template {} is larger than {TEMPLATE_BYTES_MAX} bytes", path.display());
        let help = "CloudFormation has the same limit: split the template";
        return Err(nothing(String::new(), Diagnostic::error(Code::TooLarge, message).help(help)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(path, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let diagnostic = Diagnostic::error(Code::Syntax, "the template is not UTF-8 text")
                .at(Span { start: at, end: at + 1 }, "this byte is not UTF-8")
                .help("save the file as UTF-8");
            Err(nothing(text, diagnostic))
        }
    }
}

fn bytes_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(TEMPLATE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, byte: usize, line: usize, column: usize) {
        let source = Source::new(Path::new("t.yaml"), text.to_owned());
        assert_eq!(source.position(byte), Position { line, column });
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        check("a: 1\nb: 2\n", 0, 1, 1);
        check("a: 1\nb: 2\n", 5, 2, 1);
        check("é: x\n", 4, 1, 4);
        check("a\r\nb", 3, 2, 1);
        check("a", 99, 1, 2);
        check("\u{feff}a: 1", 3, 1, 1);
    }

    #[test]
    fn only_the_first_line_of_a_span_is_underlined() {
        let source = Source::new(Path::new("t.yaml"), "a: !Sub |  \n  b\n".to_owned());
        assert_eq!(source.first_line(Span { start: 3, end: 16 }), Span { start: 3, end: 9 });
    }
}
