//! The watchdog over handler process groups: whatever handlers started does not survive Pelton either.
//!
//! The kernel kills a handler when Pelton dies ([`super::handler_exec`]), but not the handler's own children. So one
//! small process, `pelton __reaper`, in a session of its own, holds the reading end of a pipe whose writing end only
//! Pelton has. Pelton tells it which groups exist, each before anything in it can run; when the pipe ends, because Pelton did, it kills what is left.

use rustix::process::{Pid, Signal, kill_process_group, setsid};
use std::collections::BTreeSet;
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

/// The first argument that chooses this mode.
pub(super) const MODE: &str = "__reaper";

/// The running watchdog. It ends, and kills every group that it still knows, when this is dropped.
#[derive(Debug)]
pub(super) struct Reaper {
    process: Mutex<Child>,
}

impl Reaper {
    /// Starts the watchdog.
    pub(super) fn start(hidden_mode_program: &Path) -> io::Result<Self> {
        let mut command = Command::new(hidden_mode_program);
        command.arg(MODE).current_dir("/").env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { process: Mutex::new(command.spawn()?) })
    }

    /// From now on `group` is killed when Pelton dies.
    pub(super) fn watch(&self, group: Pid) {
        self.tell('+', group);
    }

    /// `group` is over. To be called before its leader is reaped: from then on its number may be another's.
    pub(super) fn forget(&self, group: Pid) {
        self.tell('-', group);
    }

    /// Lines are far shorter than what a pipe takes in one piece, and the reader does nothing but read.
    fn tell(&self, sign: char, group: Pid) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pipe) = process.stdin.as_mut() else { return };
        let line = format!("{sign}{}\n", group.as_raw_nonzero());
        if let Err(error) = pipe.write_all(line.as_bytes()) {
            tracing::warn!(%error, "the watchdog is gone: children of handlers may survive a crash of Pelton");
            process.stdin = None;
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        process.stdin = None;
        if let Err(error) = process.wait() {
            tracing::debug!(%error, "the watchdog cannot be waited for");
        }
    }
}

/// Is the watchdog, until standard input ends.
pub(super) fn run() -> ExitCode {
    // A signal to Pelton's terminal or session is not for the watchdog. This fails only for the leader of a group,
    // who is as safe.
    let _is_own_session = setsid().is_ok();
    let mut groups = BTreeSet::new();
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        note(&mut groups, &line);
    }
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        // Fails if the group ended meanwhile.
        let _is_killed = kill_process_group(group, Signal::KILL).is_ok();
    }
    ExitCode::SUCCESS
}

fn note(groups: &mut BTreeSet<i32>, line: &str) {
    if let Some(Ok(group)) = line.strip_prefix('+').map(str::parse) {
        groups.insert(group);
    } else if let Some(Ok(group)) = line.strip_prefix('-').map(str::parse) {
        groups.remove(&group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_knows_the_groups_that_were_added_and_not_removed() {
        let mut groups = BTreeSet::new();
        for line in ["+7", "+12", "nonsense", "-7", "+", "-9"] {
            note(&mut groups, line);
        }
        assert_eq!(groups, BTreeSet::from([12]));
    }
}
