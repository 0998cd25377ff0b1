//! The hidden mode that becomes a handler process: `pelton __handler --parent PID -- PROGRAM`.
//!
//! It asks the kernel to be killed when its keeper dies, makes sure that the keeper has not died meanwhile, and becomes
//! the handler. That is why no handler survives its keeper, without a line of `unsafe`: the wish survives `exec`. The
//! kernel ties it to the *thread* that started the process, which is the keeper's main one.

use super::executable;
use nix::sys::signal::SigSet;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getpid, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The first argument that chooses this mode.
pub(super) const MODE: &str = "__handler";

/// Exit status of a process that could not become the handler: nothing that shells or handlers use.
pub(super) const NOT_EXECUTED: u8 = 213;

/// Exit status of a process whose parent was gone before it began. Nobody is left to see it.
const ORPHANED: u8 = 214;

/// Most file descriptors of a handler, as on AWS (specification 13). Pelton itself may have many more.
const DESCRIPTORS_MAX: u64 = 1_024;

/// The command that becomes the handler `program` for this process, the leader of its own process group.
pub(super) fn command(program: &Path) -> Command {
    // Not the path of the executable: that may have been replaced or removed since the program began.
    let mut command = Command::new("/proc/self/exe");
    let parent = getpid().as_raw_nonzero().to_string();
    command.args([MODE, "--parent", &parent, "--"]).arg(program);
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// Becomes the handler. Returns only if that fails.
pub(super) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let Some((parent, program)) = parse(&args) else {
        eprintln!("{MODE} is how Pelton starts its handlers; it is not meant to be called by hand");
        return ExitCode::from(NOT_EXECUTED);
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        eprintln!("the handler cannot be tied to its keeper's life: {error}");
        return ExitCode::from(NOT_EXECUTED);
    }
    if getppid() != Some(parent) {
        return ExitCode::from(ORPHANED);
    }
    let error = match as_a_handler_begins() {
        Ok(()) => executable::execute(program),
        Err(error) => error,
    };
    eprintln!("{} cannot be executed: {error}", program.display());
    ExitCode::from(NOT_EXECUTED)
}

/// What survives `exec`, and is not as any program expects it: signals that the keeper blocks, one that every program
/// written in Rust ignores, and Pelton's own limit of descriptors.
fn as_a_handler_begins() -> io::Result<()> {
    // `exec` gives a signal that is caught, unlike one that is ignored, its default again.
    signal_hook::flag::register(Signal::PIPE.as_raw(), Arc::new(AtomicBool::new(false)))?;
    SigSet::all().thread_unblock()?;
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.map_or(DESCRIPTORS_MAX, |maximum| maximum.min(DESCRIPTORS_MAX));
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit })?)
}

fn parse(args: &[OsString]) -> Option<(Pid, &Path)> {
    let [parent_option, parent, separator, program] = args else { return None };
    if parent_option != OsStr::new("--parent") || separator != OsStr::new("--") {
        return None;
    }
    let parent = Pid::from_raw(parent.to_str()?.parse().ok()?)?;
    Some((parent, Path::new(program)))
}
