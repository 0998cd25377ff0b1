//! What a program printed, line by line, while it runs.
//!
//! In: the pipes of a process. Out: copies of the lines, and a word when there are more.

use std::fmt;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::watch;

/// Lines kept of one program. Whatever comes after them is read and dropped.
const LINES_MAX: usize = 200_000;

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// On standard output.
    Out(String),
    /// On standard error.
    Err(String),
}

/// A copy of what a program printed so far, in the order in which it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed(pub Vec<Line>);

/// What a program prints, while it does.
#[derive(Debug)]
pub(crate) struct Output {
    lines: Arc<watch::Sender<Printed>>,
}

impl Line {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Line::Out(text) | Line::Err(text) => text,
        }
    }
}

impl Printed {
    /// The first line that contains `part`.
    #[must_use]
    pub fn find(&self, part: &str) -> Option<&str> {
        self.0.iter().map(Line::text).find(|text| text.contains(part))
    }

    /// The lines that contain `part`.
    #[must_use]
    pub fn lines_with(&self, part: &str) -> Vec<&str> {
        self.0.iter().map(Line::text).filter(|text| text.contains(part)).collect()
    }

    /// The lines of standard output.
    #[must_use]
    pub fn stdout(&self) -> Vec<&str> {
        self.0.iter().filter(|line| matches!(line, Line::Out(_))).map(Line::text).collect()
    }

    /// The lines of standard error.
    #[must_use]
    pub fn stderr(&self) -> Vec<&str> {
        self.0.iter().filter(|line| matches!(line, Line::Err(_))).map(Line::text).collect()
    }
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.0 {
            match line {
                Line::Out(text) => writeln!(f, "out| {text}")?,
                Line::Err(text) => writeln!(f, "err| {text}")?,
            }
        }
        Ok(())
    }
}

impl Output {
    /// Reads both pipes until they close.
    pub(crate) fn read(
        stdout: impl AsyncRead + Unpin + Send + 'static,
        stderr: impl AsyncRead + Unpin + Send + 'static,
    ) -> Self {
        let lines = Arc::new(watch::Sender::new(Printed::default()));
        tokio::spawn(read_lines(stdout, Line::Out, Arc::clone(&lines)));
        tokio::spawn(read_lines(stderr, Line::Err, Arc::clone(&lines)));
        Self { lines }
    }

    /// What was printed so far.
    pub(crate) fn printed(&self) -> Printed {
        self.lines.borrow().clone()
    }

    /// The first line that contains `part`, once it is there.
    pub(crate) async fn wait_for(&self, part: &str) -> String {
        let mut lines = self.lines.subscribe();
        loop {
            if let Some(found) = lines.borrow_and_update().find(part) {
                return found.to_owned();
            }
            lines.changed().await.expect("`self` holds a sender");
        }
    }

    /// Whether both pipes are closed: nobody who holds them is left.
    pub(crate) fn is_closed(&self) -> bool {
        Arc::strong_count(&self.lines) == 1
    }
}

async fn read_lines(
    pipe: impl AsyncRead + Unpin,
    line: fn(String) -> Line,
    lines: Arc<watch::Sender<Printed>>,
) {
    let mut pipe = BufReader::new(pipe);
    let mut bytes = Vec::new();
    while pipe.read_until(b'\n', &mut bytes).await.is_ok_and(|len| len > 0) {
        let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
        bytes.clear();
        lines.send_if_modified(|printed| {
            let has_room = printed.0.len() < LINES_MAX;
            if has_room {
                printed.0.push(line(text));
            }
            has_room
        });
    }
}
