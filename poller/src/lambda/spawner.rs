//! Starts handler processes, each with its keeper.

use super::keeper;
use super::keeper_handle::KeeperHandle;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::process::Command;
use tokio::sync::Semaphore;

/// Starts at the same time; the next one waits to be let in. A start takes about a millisecond.
const STARTS_AT_ONCE_MAX: usize = 8;

/// Starts handler processes. Cheap to clone: all clones are one spawner.
#[derive(Clone, Debug)]
pub struct Spawner {
    hidden_mode_program: Arc<Path>,
    starts: Arc<Semaphore>,
    handlers_max: usize,
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
pub(super) type Started = (KeeperHandle, PipeReader);

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
    #[error("Pelton is stopping and starts no further processes")]
    Ending,
}

impl Spawner {
    /// A spawner whose processes begin as the hidden mode of `hidden_mode_program`, which must call
    /// [`super::hidden_mode()`] first.
    #[must_use]
    pub fn with(hidden_mode_program: &Path) -> Self {
        Self {
            hidden_mode_program: hidden_mode_program.into(),
            starts: Arc::new(Semaphore::new(STARTS_AT_ONCE_MAX)),
            handlers_max: usize::MAX,
        }
    }

    /// The same, for functions of which none may have more handlers than this at a time, since the system allows no more.
    #[must_use]
    pub fn with_handlers_max(self, handlers_max: usize) -> Self {
        Self { handlers_max, ..self }
    }

    /// Most handlers of one function at a time.
    pub(super) fn handlers_max(&self) -> usize {
        self.handlers_max
    }

    /// Starts a handler process. Cancelling ends the process again.
    pub(super) async fn spawn(&self, handler: HandlerCommand) -> Result<Started, StartError> {
        let _turn = self.starts.acquire().await.map_err(|_| StartError::Ending)?;
        let hidden_mode_program = Arc::clone(&self.hidden_mode_program);
        let started = tokio::task::spawn_blocking(move || spawn(&handler, &hidden_mode_program));
        started.await.map_err(|_| StartError::Ending)?
    }
}

impl Default for Spawner {
    /// A spawner whose processes begin as the hidden mode of this very program.
    fn default() -> Self {
        // Not the path of the executable: that may have been replaced or removed since the program began.
        Self::with(Path::new("/proc/self/exe"))
    }
}

fn spawn(handler: &HandlerCommand, hidden_mode_program: &Path) -> Result<Started, StartError> {
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
        let (socket, standard_input) = UnixStream::pair()?;
        let mut command = keeper::command(hidden_mode_program, &program);
        command.current_dir(&handler.folder).env_clear().envs(&handler.environment);
        command.stdin(OwnedFd::from(standard_input));
        command.stderr(standard_output.try_clone()?).stdout(standard_output);
        let keeper = Command::from(command).spawn()?;
        Ok((KeeperHandle::new(keeper, socket)?, output))
    };
    started().map_err(|source| StartError::Refused { program: program.clone(), source })
}
