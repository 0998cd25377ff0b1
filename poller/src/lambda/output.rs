//! What a handler writes to its standard output and error, line by line.
//!
//! In: the reading end of the pipe that both are. Out: lines for the function's log. It always reads on, so that a
//! handler never waits for its log; of a long line it keeps the beginning, of a flood the first lines of each second.

use super::function_log::FunctionLog;
use crate::clock::Clock;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Most bytes shown of one line.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Most lines shown of one process in each second.
pub const LINES_PER_SECOND_MAX: u32 = 2_000;

/// Most bytes shown of one process in each second, but for the line that reaches it.
pub const BYTES_PER_SECOND_MAX: usize = 1024 * 1024;

const SECOND: Duration = Duration::from_secs(1);

/// How much is read from the pipe at once: as much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// Shows what comes out of `pipe` until it ends. Cancelling loses what is not shown yet.
pub(super) async fn forward(
    pipe: impl AsyncRead + Unpin,
    function: &str,
    log: &dyn FunctionLog,
    clock: &Clock,
) {
    let mut pipe = BufReader::with_capacity(READ_BYTES, pipe);
    let mut lines = Lines { function, log, clock, line: Line::default(), window: Window::default() };
    loop {
        let read = tokio::select! {
            read = pipe.fill_buf() => read,
            () = lines.window_over() => {
                lines.open_window();
                continue;
            }
        };
        match read {
            Ok([]) => break,
            Ok(bytes) => {
                let read = bytes.len();
                lines.take(bytes);
                pipe.consume(read);
            }
            Err(error) => {
                tracing::warn!(function, %error, "the output of a handler cannot be read");
                break;
            }
        }
    }
    lines.finish();
}

struct Lines<'a> {
    function: &'a str,
    log: &'a dyn FunctionLog,
    clock: &'a Clock,
    line: Line,
    window: Window,
}

/// The line that is not complete yet.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    bytes_cut: usize,
}

/// The current second of output.
#[derive(Default)]
struct Window {
    began: Duration,
    shown: u32,
    bytes_shown: usize,
    left_out: u64,
    bytes_left_out: usize,
}

impl Lines<'_> {
    fn take(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|&byte| byte == b'\n');
        if let Some(first) = pieces.next() {
            self.line.extend(first);
        }
        for piece in pieces {
            self.show();
            self.line.extend(piece);
        }
    }

    fn finish(&mut self) {
        if !self.line.bytes.is_empty() {
            self.show();
        }
        self.confess();
    }

    fn show(&mut self) {
        if self.clock.elapsed().saturating_sub(self.window.began) >= SECOND {
            self.open_window();
        }
        let Window { shown, bytes_shown, left_out, bytes_left_out, .. } = &mut self.window;
        if *shown < LINES_PER_SECOND_MAX && *bytes_shown < BYTES_PER_SECOND_MAX {
            *shown += 1;
            *bytes_shown += self.line.bytes.len();
            self.log.output(self.function, &self.line.text());
        } else {
            *left_out += 1;
            *bytes_left_out += self.line.bytes.len() + self.line.bytes_cut;
        }
        self.line = Line::default();
    }

    /// A second has begun.
    fn open_window(&mut self) {
        self.confess();
        self.window = Window { began: self.clock.elapsed(), ..Window::default() };
    }

    /// Waits for the end of a second in which something was left out: also a handler that falls silent has it told.
    async fn window_over(&self) {
        if self.window.left_out == 0 {
            std::future::pending().await
        }
        let age = self.clock.elapsed().saturating_sub(self.window.began);
        self.clock.sleep(SECOND.saturating_sub(age)).await;
    }

    /// Says how much nobody saw.
    fn confess(&mut self) {
        let Window { left_out, bytes_left_out, .. } = self.window;
        if left_out > 0 {
            let note = format!(
                "({left_out} lines, {bytes_left_out} bytes left out: more than {LINES_PER_SECOND_MAX} lines \
                 or {BYTES_PER_SECOND_MAX} bytes in a second)"
            );
            self.log.output(self.function, &note);
        }
    }
}

impl Line {
    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_MAX - self.bytes.len();
        let kept = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.bytes_cut += bytes.len() - kept;
    }

    fn text(&self) -> String {
        let bytes = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        let text = String::from_utf8_lossy(bytes);
        match self.bytes_cut {
            0 => text.into_owned(),
            cut => format!("{text}… ({cut} bytes cut)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::io::AsyncWriteExt as _;

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl FunctionLog for Kept {
        fn output(&self, _function: &str, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }

        fn platform(&self, _function: &str, _line: &str) {}

        fn shows_platform(&self) -> bool {
            false
        }
    }

    async fn shown(written: &[u8]) -> Vec<String> {
        let kept = Kept::default();
        forward(written, "orders", &kept, &Clock::start()).await;
        kept.0.into_inner().unwrap()
    }

    #[tokio::test]
    async fn each_line_is_shown_also_the_last_one_without_an_end() {
        assert_eq!(shown(b"one\n\ntwo\r\nthr\xffee").await, ["one", "", "two", "thr\u{fffd}ee"]);
    }

    #[tokio::test]
    async fn of_a_long_line_the_beginning_is_shown() {
        let long = vec![b'x'; LINE_BYTES_MAX + 10];
        let lines = shown(&[&long, b"\nnext".as_slice()].concat()).await;
        assert!(lines[0].ends_with("x… (10 bytes cut)"), "{} bytes", lines[0].len());
        assert_eq!(lines[1], "next");
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_flood_the_first_lines_are_shown_and_the_rest_is_counted() {
        let lines = shown(&b"flood\n".repeat(1_000_000)).await;
        assert_eq!(lines.len(), LINES_PER_SECOND_MAX as usize + 1);
        let note =
            "(998000 lines, 4990000 bytes left out: more than 2000 lines or 1048576 bytes in a second)";
        assert_eq!(lines.last().unwrap(), note);
    }

    #[tokio::test(start_paused = true)]
    async fn of_long_lines_no_more_is_shown_than_the_bytes_of_a_second() {
        let line = [vec![b'x'; LINE_BYTES_MAX], b"\n".to_vec()].concat();
        let lines = shown(&line.repeat(100)).await;
        assert_eq!(lines.len(), BYTES_PER_SECOND_MAX / LINE_BYTES_MAX + 1);
        let left_out = 100 * LINE_BYTES_MAX - BYTES_PER_SECOND_MAX;
        assert!(
            lines.last().unwrap().contains(&format!("(84 lines, {left_out} bytes left out")),
            "{lines:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_left_out_is_told_at_the_end_of_its_second_though_nothing_follows() {
        let (mut handler, pipe) = tokio::io::duplex(1024);
        let kept = Kept::default();
        let (clock, told) =
            (Clock::start(), || kept.0.lock().unwrap().iter().any(|line| line.contains("left out")));
        let falls_silent = async {
            for _ in 0..=LINES_PER_SECOND_MAX {
                handler.write_all(b"flood\n").await.unwrap();
            }
            assert!(!told());
            clock.sleep(SECOND).await;
            tokio::task::yield_now().await;
            assert!(told());
            drop(handler);
        };
        tokio::join!(forward(pipe, "orders", &kept, &clock), falls_silent);
    }
}
