//! Prints results to standard output, from a thread of its own: a write to a pager that nobody pages on in cannot be taken back,
//! and must not hold up a Ctrl-C.

use crate::clock::Clock;
use crate::user_error::UserError;
use std::io::{self, BufWriter, Write};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Texts that wait to be written.
const TEXTS_MAX: usize = 64;

/// How long what was printed may take to be written once the program is told to stop.
const GRACE_MAX: Duration = Duration::from_secs(1);

/// Standard output.
pub(super) struct Printer {
    texts: mpsc::Sender<Vec<u8>>,
    ended: oneshot::Receiver<io::Result<()>>,
}

/// Nothing more can be printed: [`Printer::finish`] says why.
#[derive(Debug)]
pub(super) struct Closed;

impl Printer {
    pub(super) fn start() -> Self {
        let (texts, to_write) = mpsc::channel(TEXTS_MAX);
        let (end, ended) = oneshot::channel();
        std::thread::spawn(move || {
            // Nobody waits for it any more after a signal.
            end.send(write_all(to_write)).unwrap_or_default();
        });
        Self { texts, ended }
    }

    /// Cancelling leaves it out.
    pub(super) async fn print(&self, text: impl Into<Vec<u8>>) -> Result<(), Closed> {
        self.texts.send(text.into()).await.map_err(|_| Closed)
    }

    /// Waits until everything is written. That the reader went away, as `head` does, is no failure.
    pub(super) async fn finish(self) -> Result<(), UserError> {
        drop(self.texts);
        match self.ended.await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(UserError::failed(format!("the result cannot be printed: {error}")))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The same, without patience.
    pub(super) async fn abandon(self, clock: &Clock) -> Result<(), UserError> {
        tokio::select! {
            finished = self.finish() => finished,
            () = clock.sleep(GRACE_MAX) => Ok(()),
        }
    }
}

fn write_all(mut texts: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout());
    while let Some(text) = texts.blocking_recv() {
        out.write_all(&text)?;
        if texts.is_empty() {
            out.flush()?;
        }
    }
    out.flush()
}
