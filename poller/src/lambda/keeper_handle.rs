//! The keeper of a handler process, as Pelton sees it.
//!
//! Whoever holds it can have the handler killed; dropping it does. Killed is also everything that the handler started.

use super::keeper::Word;
use pelton_core::exchange::Exit;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;

/// A keeper and its handler.
#[derive(Debug)]
pub(super) struct KeeperHandle {
    /// Dropped, it is cleared away by the runtime as soon as it ends.
    _keeper: Child,
    words: Lines<BufReader<OwnedReadHalf>>,
    /// Dropped to have the handler killed: the keeper sees the end of it.
    leash: Option<OwnedWriteHalf>,
    handler: Option<Pid>,
    exit: Option<Exit>,
}

impl KeeperHandle {
    /// Takes charge of a keeper that was just started with the other end of `socket`. Must be called inside a tokio
    /// runtime.
    pub(super) fn new(keeper: Child, socket: StdUnixStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let (reader, writer) = UnixStream::from_std(socket)?.into_split();
        let words = BufReader::new(reader).lines();
        Ok(Self { _keeper: keeper, words, leash: Some(writer), handler: None, exit: None })
    }

    /// Waits for what the keeper says next; `None` once it has ended, and with it everything that the handler started.
    /// Cancelling is safe.
    pub(super) async fn next(&mut self) -> Option<Word> {
        let line = self.words.next_line().await.ok()??;
        let word = Word::parse(&line);
        match word {
            Some(Word::Began(pid)) => self.handler = Some(pid),
            Some(Word::Ended(exit)) => self.exit = Some(exit),
            None => {}
        }
        word
    }

    /// Has the handler killed, with everything that it started.
    pub(super) fn kill(&mut self) {
        self.leash = None;
    }

    /// How the handler ended; `None`: it never began. To be called when [`KeeperHandle::next`] has said that the keeper has
    /// ended, or when nobody waits for that any more: then the keeper goes on by itself.
    pub(super) fn end(self, function: &str) -> Option<Exit> {
        match (self.handler, self.exit) {
            (Some(_), Some(exit)) => Some(exit),
            (Some(handler), None) => {
                tracing::warn!(
                    function,
                    "the supervisor process of a handler was killed: children that left the handler's process group keep running"
                );
                // The kernel killed the handler with its keeper; nobody has killed the rest of its group. Its number
                // could be another's only if all numbers were used up within this moment.
                kill_process_group(handler, Signal::KILL).ok();
                Some(Exit::Signal(Signal::KILL.as_raw()))
            }
            (None, _) => None,
        }
    }
}
