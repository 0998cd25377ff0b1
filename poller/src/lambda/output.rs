//! What a handler writes to its standard output and error, line by line.
//!
//! In: the reading end of the pipe that both are. Out: lines for the function's log. A task always reads on, so that a
//! handler never waits for its log; of a long line it keeps the beginning, of a flood the first lines of each second.
//! Whoever logs that an invocation begins or ends first shows what the handler wrote until then, see
//! [`Output::catch_up`]: its lines then stand between START and END of the invocation that wrote them.

use super::function_log::FunctionLog;
use crate::clock::Clock;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::unix::pipe;
use tokio::sync::Notify;

/// Most bytes shown of one line.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Most lines shown of one process in each second.
pub const LINES_PER_SECOND_MAX: u32 = 2_000;

/// Most bytes shown of one process in each second, but for the line that reaches it.
pub const BYTES_PER_SECOND_MAX: usize = 1024 * 1024;

const SECOND: Duration = Duration::from_secs(1);

/// How much is read from the pipe at once: as much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// The output of one handler process.
pub(super) struct Output {
    pipe: pipe::Receiver,
    clock: Clock,
    /// Locked while something is read and shown, so that lines keep their order; never across an `.await`.
    lines: Mutex<Lines>,
    /// [`Output::catch_up`] left something out, which [`Output::forward`] has to tell when the second is over.
    left_out: Notify,
}

impl Output {
    /// What comes out of `pipe`, for the log of `function`.
    pub(super) fn new(pipe: pipe::Receiver, function: &str, log: Arc<dyn FunctionLog>, clock: Clock) -> Self {
        let lines = Mutex::new(Lines::new(function, log, clock.clone()));
        Self { pipe, clock, lines, left_out: Notify::new() }
    }

    /// Shows what comes until the pipe ends. Cancelling loses what is not shown yet.
    pub(super) async fn forward(&self) {
        loop {
            let window_left = self.lock().window_left();
            let read = tokio::select! {
                readable = self.pipe.readable() => readable.and_then(|()| self.read()),
                () = self.left_out.notified() => continue,
                () = sleep_some(&self.clock, window_left) => {
                    self.lock().open_window();
                    continue;
                }
            };
            match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    let function = self.lock().function.clone();
                    tracing::warn!(function = &*function, %error, "cannot read the output of a handler");
                    break;
                }
            }
        }
        self.lock().finish();
    }

    /// Shows everything that the handler has written so far, also a line that has no end yet. Never waits for more: what
    /// is written meanwhile is for [`Output::forward`], so that a handler which never stops writing holds up nobody.
    pub(super) fn catch_up(&self) {
        let mut lines = self.lock();
        let mut unread = rustix::io::ioctl_fionread(&self.pipe).unwrap_or(0);
        let mut buffer = std::mem::take(&mut lines.buffer);
        while unread > 0 {
            let most = usize::try_from(unread).unwrap_or(READ_BYTES).min(READ_BYTES);
            // Past the runtime, which may not have noticed yet that there is something to read.
            match rustix::io::read(&self.pipe, &mut buffer[..most]) {
                Ok(0) | Err(_) => break,
                Ok(read) => {
                    lines.take(&buffer[..read]);
                    unread = unread.saturating_sub(read as u64);
                }
            }
        }
        lines.buffer = buffer;
        lines.end_line();
        let must_tell_later = lines.window_left().is_some();
        drop(lines);
        if must_tell_later {
            self.left_out.notify_one();
        }
    }

    /// Shows what is there to be read now; how many bytes that was, 0 at the end of the pipe.
    fn read(&self) -> io::Result<usize> {
        let mut lines = self.lock();
        let mut buffer = std::mem::take(&mut lines.buffer);
        let read = self.pipe.try_read(&mut buffer);
        if let Ok(read) = read {
            lines.take(&buffer[..read]);
        }
        lines.buffer = buffer;
        read
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().expect("nothing panics while it shows the output of a handler")
    }
}

async fn sleep_some(clock: &Clock, time: Option<Duration>) {
    match time {
        Some(time) => clock.sleep(time).await,
        None => std::future::pending().await,
    }
}

struct Lines {
    function: Box<str>,
    log: Arc<dyn FunctionLog>,
    clock: Clock,
    buffer: Box<[u8]>,
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

impl Lines {
    fn new(function: &str, log: Arc<dyn FunctionLog>, clock: Clock) -> Self {
        let buffer = vec![0; READ_BYTES].into_boxed_slice();
        let (line, window) = (Line::default(), Window::default());
        Self { function: function.into(), log, clock, buffer, line, window }
    }

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
        self.end_line();
        self.confess();
    }

    /// Shows the line that has no end yet, if there is one.
    fn end_line(&mut self) {
        if !self.line.bytes.is_empty() {
            self.show();
        }
    }

    fn show(&mut self) {
        if self.clock.elapsed().saturating_sub(self.window.began) >= SECOND {
            self.open_window();
        }
        let Window { shown, bytes_shown, left_out, bytes_left_out, .. } = &mut self.window;
        if *shown < LINES_PER_SECOND_MAX && *bytes_shown < BYTES_PER_SECOND_MAX {
            *shown += 1;
            *bytes_shown += self.line.bytes.len();
            self.log.output(&self.function, &self.line.text());
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

    /// How much is left of a second in which something was left out: also a handler that falls silent has it told.
    fn window_left(&self) -> Option<Duration> {
        let age = self.clock.elapsed().saturating_sub(self.window.began);
        (self.window.left_out > 0).then(|| SECOND.saturating_sub(age))
    }

    /// Says how much nobody saw.
    fn confess(&mut self) {
        let Window { left_out, bytes_left_out, .. } = self.window;
        if left_out > 0 {
            let note = format!(
                "({left_out} lines, {bytes_left_out} bytes left out: more than {LINES_PER_SECOND_MAX} lines \
                 or {BYTES_PER_SECOND_MAX} bytes in a second)"
            );
            self.log.output(&self.function, &note);
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

    impl Kept {
        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl FunctionLog for Kept {
        fn output(&self, _function: &str, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }

        fn platform(&self, _function: &str, _line: &str) {}

        fn shows_platform(&self) -> bool {
            false
        }
    }

    /// What is shown of a handler that writes this and ends.
    fn shown(written: &[u8]) -> Vec<String> {
        let kept = Arc::new(Kept::default());
        let mut lines = Lines::new("orders", kept.clone(), Clock::start());
        written.chunks(READ_BYTES).for_each(|chunk| lines.take(chunk));
        lines.finish();
        kept.take()
    }

    fn output() -> (pipe::Sender, Output, Arc<Kept>) {
        let (sender, receiver) = pipe::pipe().unwrap();
        let kept = Arc::new(Kept::default());
        (sender, Output::new(receiver, "orders", kept.clone(), Clock::start()), kept)
    }

    #[tokio::test]
    async fn each_line_is_shown_also_the_last_one_without_an_end() {
        assert_eq!(shown(b"one\n\ntwo\r\nthr\xffee"), ["one", "", "two", "thr\u{fffd}ee"]);
    }

    #[tokio::test]
    async fn of_a_long_line_the_beginning_is_shown() {
        let long = vec![b'x'; LINE_BYTES_MAX + 10];
        let lines = shown(&[&long, b"\nnext".as_slice()].concat());
        assert!(lines[0].ends_with("x… (10 bytes cut)"), "{} bytes", lines[0].len());
        assert_eq!(lines[1], "next");
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_flood_the_first_lines_are_shown_and_the_rest_is_counted() {
        let lines = shown(&b"flood\n".repeat(1_000_000));
        assert_eq!(lines.len(), LINES_PER_SECOND_MAX as usize + 1);
        let note =
            "(998000 lines, 4990000 bytes left out: more than 2000 lines or 1048576 bytes in a second)";
        assert_eq!(lines.last().unwrap(), note);
    }

    #[tokio::test(start_paused = true)]
    async fn of_long_lines_no_more_is_shown_than_the_bytes_of_a_second() {
        let line = [vec![b'x'; LINE_BYTES_MAX], b"\n".to_vec()].concat();
        let lines = shown(&line.repeat(100));
        assert_eq!(lines.len(), BYTES_PER_SECOND_MAX / LINE_BYTES_MAX + 1);
        let left_out = 100 * LINE_BYTES_MAX - BYTES_PER_SECOND_MAX;
        assert!(
            lines.last().unwrap().contains(&format!("(84 lines, {left_out} bytes left out")),
            "{lines:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_left_out_is_told_at_the_end_of_its_second_though_nothing_follows() {
        let (mut handler, output, kept) = output();
        let (clock, told) =
            (Clock::start(), || kept.0.lock().unwrap().iter().any(|line| line.contains("left out")));
        let falls_silent = async {
            for _ in 0..=LINES_PER_SECOND_MAX {
                handler.write_all(b"flood\n").await.unwrap();
            }
            output.catch_up();
            assert!(!told());
            tokio::task::yield_now().await;
            clock.sleep(SECOND).await;
            assert!(told());
            drop(handler);
        };
        tokio::join!(output.forward(), falls_silent);
    }

    #[tokio::test]
    async fn what_was_written_before_is_shown_at_once_also_without_the_end_of_its_line() {
        let (mut handler, output, kept) = output();
        handler.write_all(b"one\ntwo").await.unwrap();
        output.catch_up();
        assert_eq!(kept.take(), ["one", "two"]);
        output.catch_up();
        assert_eq!(kept.take(), [""; 0], "nothing is shown twice");
        handler.write_all(b"three\n").await.unwrap();
        drop(handler);
        output.forward().await;
        assert_eq!(kept.take(), ["three"]);
    }
}
