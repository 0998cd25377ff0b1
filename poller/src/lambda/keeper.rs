//! The hidden mode that watches over one handler: `pelton __keeper -- PROGRAM`.
//!
//! A handler may start what it likes, and what it started may leave its process group, its session and its parent. So
//! each handler has a keeper, its parent, which the kernel makes the parent of every descendant that loses its own (a
//! "child subreaper"). Once the handler has ended, whatever still is a child of the keeper is killed, and what thereby
//! becomes one, until there is none. Nothing of another handler is ever among them.
//!
//! In: standard input, a socket whose other end only Pelton has; it ends when Pelton wants the handler dead, or is dead
//! itself. Out: [`Word`]s on the same socket. The keeper ends when nothing is left of its handler.

use super::descendants;
use super::handler_exec;
use nix::sys::signal::SigSet;
use pelton_core::exchange::Exit;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, kill_process, pidfd_open, pidfd_send_signal,
    set_child_subreaper, setsid, wait,
};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The first argument that chooses this mode.
pub(super) const MODE: &str = "__keeper";

/// What a keeper tells Pelton, each in a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The handler's process exists.
    Began(Pid),
    /// It has ended. What it started may still be there until the keeper itself ends.
    Ended(Exit),
}

/// The command that becomes the keeper of the handler `program` for this process. Its standard input is to be the socket.
pub(super) fn command(hidden_mode_program: &Path, program: &Path) -> Command {
    let mut command = Command::new(hidden_mode_program);
    command.arg(MODE).arg("--").arg(program);
    command
}

/// Is the keeper, until its handler and everything that it started have ended.
pub(super) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let [separator, program] = args.as_slice() else { return misused() };
    if separator != OsStr::new("--") {
        return misused();
    }
    match keep(Path::new(program)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the handler cannot be watched over: {error}");
            ExitCode::FAILURE
        }
    }
}

fn misused() -> ExitCode {
    eprintln!("{MODE} is how Pelton watches over its handlers; it is not meant to be called by hand");
    ExitCode::FAILURE
}

/// If this fails after the handler began, the handler dies with the keeper, see [`handler_exec`].
fn keep(program: &Path) -> io::Result<()> {
    // Signals to Pelton's terminal, session or service are not for the keeper: it ends after its handler.
    SigSet::all().thread_block()?;
    // Fails only for the leader of a group, who is in no terminal's foreground group either.
    let _is_own_session = setsid().is_ok();
    set_child_subreaper(Some(getpid()))?;
    let mut pelton = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);

    let handler = Pid::from_child(&handler_exec::command(program).spawn()?);
    let descriptor = pidfd_open(handler, PidfdFlags::empty())?;
    let ear = pelton.try_clone()?;
    std::thread::Builder::new().spawn(move || kill_when_it_ends(ear, &descriptor))?;
    tell(&mut pelton, Word::Began(handler));
    let exit = exit_of(handler)?;
    tell(&mut pelton, Word::Ended(exit));
    end_children()?;
    Ok(())
}

/// Nobody need hear it: when Pelton is gone, the other end of the socket is.
fn tell(pelton: &mut UnixStream, word: Word) {
    writeln!(pelton, "{word}").ok();
}

fn kill_when_it_ends(mut ear: UnixStream, handler: &OwnedFd) {
    // Pelton says nothing; whatever it is, it is the end.
    ear.read_exact(&mut [0]).ok();
    // Fails if the handler has ended.
    pidfd_send_signal(handler, Signal::KILL).ok();
}

/// Waits for the handler's end. What it left behind and has ended is cleared away meanwhile.
fn exit_of(handler: Pid) -> io::Result<Exit> {
    loop {
        if let Some((child, status)) = wait(WaitOptions::empty())?
            && child == handler
        {
            return Ok(exit(status));
        }
    }
}

fn exit(status: WaitStatus) -> Exit {
    status
        .exit_status()
        .map_or_else(|| Exit::Signal(status.terminating_signal().unwrap_or_default()), Exit::Code)
}

/// Kills every child, and whatever becomes one when its own parent is killed. The number of a child cannot be
/// another's: only this thread could give it back.
fn end_children() -> io::Result<()> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => continue,
            Ok(None) => {}
            Err(Errno::CHILD) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let children = descendants::children_of(getpid())?;
        let killed = children.iter().filter(|&&child| kill_process(child, Signal::KILL).is_ok());
        match (killed.count(), children.len()) {
            // It became a child while the others were listed: the next look finds it.
            (0, 0) => {}
            (0, _) => return Err(io::Error::other("it left processes that belong to another user")),
            (_, _) => {
                wait(WaitOptions::empty())?;
            }
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began(pid) => write!(f, "began {}", pid.as_raw_nonzero()),
            Self::Ended(Exit::Code(code)) => write!(f, "exited {code}"),
            Self::Ended(Exit::Signal(signal)) => write!(f, "killed {signal}"),
        }
    }
}

impl Word {
    /// The word in a line; `None`: no keeper wrote it.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, number) = line.split_once(' ')?;
        let number: i32 = number.parse().ok()?;
        match word {
            "began" => Some(Self::Began(Pid::from_raw(number)?)),
            "exited" => Some(Self::Ended(Exit::Code(number))),
            "killed" => Some(Self::Ended(Exit::Signal(number))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_understood_as_it_was_said() {
        for word in [Word::Began(getpid()), Word::Ended(Exit::Code(7)), Word::Ended(Exit::Signal(9))] {
            assert_eq!(Word::parse(&word.to_string()), Some(word));
        }
        assert_eq!(Word::parse("began with something else"), None);
    }
}
