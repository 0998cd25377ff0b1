//! The hidden mode that becomes a handler process: `pelton __handler --parent PID -- PROGRAM`.
//!
//! It asks the kernel to be killed when Pelton dies, makes sure that Pelton has not died meanwhile, waits for a word on
//! standard input, and becomes the handler. That is why no handler survives Pelton, without a line of `unsafe`: the wish
//! survives `exec`. The word comes once the watchdog knows of the process: before that it must not start children.
//!
//! The process is already the leader of its own group when this begins: the spawner asks for that.

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, ExitCode, Stdio};

/// The first argument that chooses this mode.
pub(super) const MODE: &str = "__handler";

/// The word that lets it become the handler.
const GO: &[u8; 1] = b"\n";

/// Exit status of a process that could not become the handler: nothing that shells or handlers use.
pub(super) const NOT_EXECUTED: u8 = 213;

/// Exit status of a process whose parent was gone before it began. Nobody is left to see it.
const ORPHANED: u8 = 214;

/// The command that becomes the handler `program` for this process.
pub(super) fn command(hidden_mode_program: &Path, program: &Path) -> Command {
    let mut command = Command::new(hidden_mode_program);
    command.arg(MODE).arg("--parent").arg(std::process::id().to_string()).arg("--").arg(program);
    command.stdin(Stdio::piped());
    command
}

/// Lets a process that began as [`command`] become the handler.
pub(super) fn go(mut stdin: ChildStdin) {
    // Fails if the process has ended. That is seen as the end of a handler.
    stdin.write_all(GO).ok();
}

/// Becomes the handler. Returns only if that fails.
pub(super) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let Some((parent, program)) = parse(&args) else {
        eprintln!("{MODE} is how Pelton starts its handlers; it is not meant to be called by hand");
        return ExitCode::from(NOT_EXECUTED);
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        eprintln!("the handler cannot be tied to Pelton's life: {error}");
        return ExitCode::from(NOT_EXECUTED);
    }
    if getppid() != Some(parent) || io::stdin().read_exact(&mut [0; GO.len()]).is_err() {
        return ExitCode::from(ORPHANED);
    }
    let error = Command::new(program).stdin(Stdio::null()).exec();
    eprintln!("{} cannot be executed: {error}", program.display());
    ExitCode::from(NOT_EXECUTED)
}

fn parse(args: &[OsString]) -> Option<(Pid, &Path)> {
    let [parent_option, parent, separator, program] = args else { return None };
    if parent_option != OsStr::new("--parent") || separator != OsStr::new("--") {
        return None;
    }
    let parent = Pid::from_raw(parent.to_str()?.parse().ok()?)?;
    Some((parent, Path::new(program)))
}
