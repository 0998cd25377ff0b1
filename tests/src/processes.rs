//! Which processes a program has brought into being and are still there.
//!
//! In: a mark in their environment, and a folder. Out: who bears the mark, works in the folder, or was told of it. A
//! process that cleared its environment is known by the folder, one that left the folder by the mark; one that did both,
//! by a variable that names the folder.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::{Path, PathBuf};

/// The environment variable that marks them.
pub(crate) const MARK_VARIABLE: &str = "PELTON_TEST_MARK";

/// A process that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Its id.
    pub pid: i32,
    /// Its command line, with spaces between the arguments.
    pub command: String,
}

/// By what the processes of one program are known.
#[derive(Clone, Debug)]
pub(crate) struct Kin {
    /// What [`MARK_VARIABLE`] is.
    pub(crate) mark: String,
    /// The folder, without symbolic links.
    pub(crate) folder: PathBuf,
}

impl Kin {
    /// Those who are there now. Processes that ended and were not yet collected by their parent do not count.
    pub(crate) fn alive(&self) -> Vec<Survivor> {
        let own = std::process::id().to_string();
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_str().is_some_and(|name| name != own))
            .filter_map(|entry| self.recognize(&entry.path()))
            .collect()
    }

    /// Ends all of them, so that a failed test leaves nothing on the machine.
    pub(crate) fn kill(&self) {
        for survivor in self.alive() {
            if let Some(pid) = Pid::from_raw(survivor.pid) {
                // One that ended meanwhile is what we want.
                kill_process(pid, Signal::KILL).ok();
            }
        }
    }

    fn recognize(&self, process: &Path) -> Option<Survivor> {
        let pid = process.file_name()?.to_str()?.parse().ok()?;
        if !self.is_in_folder(process) && !self.is_told(process) {
            return None;
        }
        let command = fs::read(process.join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned();
        Some(Survivor { pid, command })
    }

    /// Whether its environment holds the mark, or names the folder.
    fn is_told(&self, process: &Path) -> bool {
        let mark = format!("{MARK_VARIABLE}={}", self.mark);
        let folder = self.folder.as_os_str().as_encoded_bytes();
        let tells =
            |entry: &[u8]| entry == mark.as_bytes() || entry.windows(folder.len()).any(|part| part == folder);
        fs::read(process.join("environ")).is_ok_and(|environ| environ.split(|byte| *byte == 0).any(tells))
    }

    fn is_in_folder(&self, process: &Path) -> bool {
        fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.folder))
    }
}
