//! The one thread that starts handler processes.
//!
//! The kernel's parent-death signal follows the *thread* that started a process, not its program: a process that a
//! worker thread of a runtime had started would die with that thread. This one lives as long as anything it started.

use super::handler_exec;
use super::process_group::ProcessGroup;
use super::reaper::Reaper;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, PipeReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Starts that may wait for the thread; the next one waits to be let in. A start takes about a millisecond.
const STARTS_QUEUED_MAX: usize = 64;

/// Starts handler processes. Cheap to clone: all clones are one spawner.
///
/// Once the last clone and the last process are gone, its thread and its watchdog end too.
#[derive(Clone, Debug)]
pub struct Spawner {
    starts: mpsc::Sender<Start>,
}

/// What to start.
#[derive(Debug)]
pub(super) struct HandlerCommand {
    /// The executable.
    pub(super) program: PathBuf,
    /// Its working directory.
    pub(super) folder: PathBuf,
    /// All of its environment: it inherits nothing.
    pub(super) environment: BTreeMap<OsString, OsString>,
}

/// A handler process, and the end of the pipe that it writes to, by standard output and standard error alike.
pub(super) type Started = (ProcessGroup, PipeReader);

#[derive(Debug)]
struct Start {
    command: HandlerCommand,
    reply: oneshot::Sender<Result<Started, StartError>>,
}

/// Why nothing can be started at all.
#[derive(Debug, thiserror::Error)]
pub enum SpawnerError {
    /// The watchdog does not start.
    #[error("the watchdog over handler processes cannot be started from {}", .program.display())]
    Reaper {
        /// The executable that should be it.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The thread does not start.
    #[error("the thread that starts handler processes cannot be started")]
    Thread {
        /// What the system says.
        source: io::Error,
    },
}

/// Why a handler process was not started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// The code is not there.
    #[error("there is no {}: build the function", .program.display())]
    Missing { program: PathBuf },
    /// The code is there, but is nothing that runs.
    #[error("{} is not executable: `chmod +x` it, or build the function", .program.display())]
    NotExecutable { program: PathBuf },
    /// The system refuses.
    #[error("{} cannot be started", .program.display())]
    Refused { program: PathBuf, source: io::Error },
    /// Pelton is ending.
    #[error("Pelton starts no more processes")]
    Ending,
}

impl Spawner {
    /// A spawner whose processes begin as the hidden mode of this very program.
    ///
    /// # Errors
    ///
    /// If the thread or the watchdog cannot be started.
    pub fn start() -> Result<Self, SpawnerError> {
        // Not the path of the executable: that may have been replaced or removed since the program began.
        Self::start_with(Path::new("/proc/self/exe"))
    }

    /// A spawner whose processes begin as the hidden mode of `hidden_mode_program`, which must call
    /// [`super::hidden_mode()`] first.
    ///
    /// # Errors
    ///
    /// If the thread or the watchdog cannot be started.
    pub fn start_with(hidden_mode_program: &Path) -> Result<Self, SpawnerError> {
        let program = hidden_mode_program.to_path_buf();
        let reaper = Reaper::start(&program)
            .map_err(|source| SpawnerError::Reaper { program: program.clone(), source })?;
        let (starts, inbox) = mpsc::channel(STARTS_QUEUED_MAX);
        std::thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || serve(inbox, &program, &Arc::new(reaper)))
            .map_err(|source| SpawnerError::Thread { source })?;
        Ok(Self { starts })
    }

    /// Starts a handler process. Cancelling ends the process again.
    pub(super) async fn spawn(&self, command: HandlerCommand) -> Result<Started, StartError> {
        let (reply, started) = oneshot::channel();
        self.starts.send(Start { command, reply }).await.map_err(|_| StartError::Ending)?;
        started.await.map_err(|_| StartError::Ending)?
    }
}

fn serve(mut inbox: mpsc::Receiver<Start>, hidden_mode_program: &Path, reaper: &Arc<Reaper>) {
    while let Some(Start { command, reply }) = inbox.blocking_recv() {
        // Nobody waits any more: the process ends when the answer is dropped.
        let _unwanted = reply.send(spawn(&command, hidden_mode_program, reaper)).err();
    }
}

fn spawn(
    handler: &HandlerCommand,
    hidden_mode_program: &Path,
    reaper: &Arc<Reaper>,
) -> Result<Started, StartError> {
    let program = handler.program.clone();
    match std::fs::metadata(&program) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(StartError::Missing { program }),
        Err(source) => return Err(StartError::Refused { program, source }),
        Ok(file) if !file.is_file() || file.permissions().mode() & 0o111 == 0 => {
            return Err(StartError::NotExecutable { program });
        }
        Ok(_) => {}
    }
    let started = || -> io::Result<Started> {
        let (output, standard_output) = io::pipe()?;
        let mut command = handler_exec::command(hidden_mode_program, &program);
        command.current_dir(&handler.folder).env_clear().envs(&handler.environment).process_group(0);
        command.stderr(standard_output.try_clone()?).stdout(standard_output);
        let mut leader = command.spawn()?;
        let stdin = leader.stdin.take();
        let group = ProcessGroup::new(leader, Arc::clone(reaper));
        handler_exec::go(stdin.expect("standard input of a handler that begins is a pipe"));
        Ok((group, output))
    };
    started().map_err(|source| StartError::Refused { program: program.clone(), source })
}
