//! Stderr, where lines that come and lines that stay meet without running into each other.
//!
//! In: lines to print, and lines to keep below them. Out: one write each. Never fails: that stderr is gone can be told
//! to nobody, and must not stop a poller.

use super::{LogFile, LogFormat};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Size taken where a terminal does not tell its own.
const SIZE_UNKNOWN: Size = Size { columns: 80, rows: 24 };

/// Stderr. Cheap to clone: all clones are one terminal.
#[derive(Clone, Debug)]
pub struct Terminal {
    format: LogFormat,
    palette: Palette,
    is_interactive: bool,
    /// The lines that stay, as they are on the screen.
    pinned: Arc<Mutex<Vec<String>>>,
    /// Takes every line of the log, and alone those that would run past the lines that stay.
    log_file: Arc<OnceLock<Mutex<LogFile>>>,
}

impl Terminal {
    /// Stderr, for lines of this format: colours and lines that stay only for people, and only on a terminal.
    #[must_use]
    pub fn stderr(format: LogFormat) -> Self {
        let is_terminal =
            io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let is_interactive = is_terminal && format == LogFormat::Human;
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let palette = if is_interactive && !no_colour { Palette::Colour } else { Palette::Plain };
        Self { format, palette, is_interactive, pinned: Arc::default(), log_file: Arc::default() }
    }

    /// How its lines look.
    #[must_use]
    pub fn format(&self) -> LogFormat {
        self.format
    }

    /// Whether somebody watches for whom lines can stay.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.is_interactive
    }

    /// Prints a line, above those that stay.
    pub fn print(&self, line: &str) {
        let pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        write_stderr(&repaint(pinned.len(), Some(line), &pinned));
    }

    /// Replaces the lines that stay below all others. Each is narrower than the terminal. Without an interactive
    /// terminal nothing stays.
    pub fn pin(&self, lines: Vec<String>) {
        if !self.is_interactive {
            return;
        }
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        write_stderr(&repaint(pinned.len(), None, &lines));
        *pinned = lines;
    }

    /// The lines that stayed are lines like all others from now on.
    pub fn release(&self) {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// From now on the log is in this file, too, and its details are there alone.
    ///
    /// # Panics
    ///
    /// If there is one already.
    pub fn log_into(&self, file: LogFile) {
        assert!(self.log_file.set(Mutex::new(file)).is_ok(), "there is one log file");
    }

    pub(super) fn has_log_file(&self) -> bool {
        self.log_file.get().is_some()
    }

    pub(super) fn log_to_file(&self, line: &str) {
        if let Some(file) = self.log_file.get() {
            file.lock().unwrap_or_else(PoisonError::into_inner).append(line);
        }
    }

    pub(crate) fn size(&self) -> Size {
        match rustix::termios::tcgetwinsize(io::stderr()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                Size { columns: size.ws_col.into(), rows: size.ws_row.into() }
            }
            Ok(_) | Err(_) => SIZE_UNKNOWN,
        }
    }

    pub(crate) fn palette(&self) -> Palette {
        self.palette
    }
}

fn write_stderr(text: &str) {
    io::stderr().lock().write_all(text.as_bytes()).ok();
}

/// Moves over the `above` lines that stayed so far, and writes anew: a line that is printed, and those that stay now.
fn repaint(above: usize, printed: Option<&str>, pinned: &[String]) -> String {
    if above == 0 && pinned.is_empty() {
        return printed.map(|line| format!("{line}\n")).unwrap_or_default();
    }
    let mut text = String::new();
    if above > 0 {
        write!(text, "\x1b[{above}F").expect("writing to a string does not fail");
    }
    // A line that is printed may be wider than the terminal: what stood there is cleared before.
    if let Some(line) = printed {
        writeln!(text, "\x1b[J{line}").expect("writing to a string does not fail");
    }
    // The rest of a line that stays is cleared after it is written, so that nothing flickers.
    for line in pinned {
        writeln!(text, "{line}\x1b[K").expect("writing to a string does not fail");
    }
    text.push_str("\x1b[J");
    text
}

/// Of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// Whether styles show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    Plain,
    Colour,
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

impl Palette {
    /// The text in that style.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        let code = match (self, style) {
            (Self::Plain, _) | (_, Style::Plain) => return text.to_owned(),
            (Self::Colour, Style::Bold) => 1,
            (Self::Colour, Style::Dim) => 2,
            (Self::Colour, Style::Red) => 31,
            (Self::Colour, Style::Green) => 32,
            (Self::Colour, Style::Yellow) => 33,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(above: usize, printed: Option<&str>, pinned: &[&str], expected: &str) {
        let pinned: Vec<String> = pinned.iter().copied().map(str::to_owned).collect();
        assert_eq!(repaint(above, printed, &pinned), expected);
    }

    #[test]
    fn without_lines_that_stay_a_line_is_only_a_line() {
        check(0, Some("a"), &[], "a\n");
        check(0, None, &[], "");
    }

    #[test]
    fn a_line_is_printed_above_those_that_stay() {
        check(2, Some("a"), &["x", "y"], "\x1b[2F\x1b[Ja\nx\x1b[K\ny\x1b[K\n\x1b[J");
    }

    #[test]
    fn lines_that_stay_take_the_place_of_the_former_ones() {
        check(0, None, &["x"], "x\x1b[K\n\x1b[J");
        check(3, None, &["x"], "\x1b[3Fx\x1b[K\n\x1b[J");
        check(1, None, &[], "\x1b[1F\x1b[J");
    }
}
