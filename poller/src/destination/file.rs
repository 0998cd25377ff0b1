//! A file of JSON lines: one line for each failure, with the whole event in it. For local use.
//!
//! Several shards, mappings and programs may append to one file: a line is one write at the end of it, under a lock of the file.
//! A line that a crash tore is ended before the next one begins, and one that did not fit on the disk is taken back.

use super::{Origin, Turns, error};
use crate::clock::Clock;
use crate::ports::{Destination, DestinationError, GivenUp};
use async_trait::async_trait;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// How long to wait while others append.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// From one attempt at the lock to the next.
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(10);

/// A file of JSON lines.
pub(super) struct LineFile {
    path: PathBuf,
    folder: Folder,
    origin: Origin,
    turns: Turns,
    clock: Clock,
}

/// Whose the folder is that the file is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folder {
    /// The user's: one that does not exist is a slip.
    Given,
    /// Pelton's: it is made.
    Own,
}

/// Why a line was not appended.
#[derive(Debug, thiserror::Error)]
enum AppendError {
    #[error("its folder does not exist: create it, or correct DestinationConfig")]
    NoFolder,
    #[error("it is not a file: name another path in DestinationConfig")]
    NoFile,
    #[error("another program holds a lock on it: close that program")]
    Locked,
    #[error("it cannot be written: check the free disk space and the permissions of the file")]
    Unwritable(#[from] io::Error),
}

impl LineFile {
    pub(super) fn new(path: &Path, origin: Origin, turns: Turns, clock: Clock) -> Self {
        Self { path: path.to_owned(), folder: Folder::Given, origin, turns, clock }
    }

    /// The same, in a folder that is made when it is first needed.
    pub(super) fn with_folder(path: &Path, origin: Origin, turns: Turns, clock: Clock) -> Self {
        Self { folder: Folder::Own, ..Self::new(path, origin, turns, clock) }
    }

    async fn append(&self, line: String) -> Result<(), AppendError> {
        let line: Arc<str> = line.into();
        let deadline = self.clock.now().after(LOCK_WAIT_MAX);
        loop {
            let (path, folder, line) = (self.path.clone(), self.folder, Arc::clone(&line));
            let appended =
                spawn_blocking(move || append(&path, folder, &line)).await.map_err(io::Error::from)?;
            match appended {
                Err(AppendError::Locked) if self.clock.now() < deadline => {
                    self.clock.sleep(LOCK_LOOK_EVERY).await;
                }
                Ok(()) | Err(_) => return appended,
            }
        }
    }

    fn error(&self, source: AppendError) -> DestinationError {
        error(&self.name(), source)
    }
}

#[async_trait]
impl Destination for LineFile {
    fn name(&self) -> String {
        format!("file:{}", self.path.display())
    }

    async fn check(&self) -> Result<(), DestinationError> {
        match self.folder {
            Folder::Given => check(&self.path).map_err(|source| self.error(source)),
            Folder::Own => {
                make_folder(&self.path).and_then(|()| check(&self.path)).map_err(|source| self.error(source))
            }
        }
    }

    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError> {
        let _turn = self.turns.wait().await;
        let line = self.origin.with_payload(given_up) + "\n";
        self.append(line).await.map_err(|source| self.error(source))
    }
}

fn make_folder(path: &Path) -> Result<(), AppendError> {
    Ok(path.parent().map_or(Ok(()), fs::create_dir_all)?)
}

/// Whether it could be written, as far as that shows without making it.
fn check(path: &Path) -> Result<(), AppendError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(AppendError::NoFile),
        Ok(_) => OpenOptions::new().append(true).open(path).map(drop).map_err(AppendError::from),
        Err(error) if error.kind() == ErrorKind::NotFound => match path.parent() {
            Some(folder) if !folder.is_dir() => Err(AppendError::NoFolder),
            Some(_) | None => Ok(()),
        },
        Err(error) => Err(error.into()),
    }
}

/// Appends a line, and waits until the disk has it: what is given up is checkpointed next.
fn append(path: &Path, folder: Folder, line: &str) -> Result<(), AppendError> {
    if folder == Folder::Own {
        make_folder(path)?;
    }
    check(path)?;
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(AppendError::Locked),
        // A file system without locks keeps whole lines apart all the same: each is one write at the end.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    let len = file.metadata()?.len();
    let end_of_torn_line = if ends_whole(&file, len)? { "" } else { "\n" };
    let bytes = [end_of_torn_line, line].concat().into_bytes();
    match file.write(&bytes) {
        Ok(written) if written == bytes.len() => Ok(file.sync_data()?),
        Ok(_) => {
            file.set_len(len)?;
            Err(io::Error::from(ErrorKind::StorageFull).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the file, of this length, ends with a whole line, or is empty.
fn ends_whole(file: &File, len: u64) -> io::Result<bool> {
    let Some(last) = len.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}

#[cfg(test)]
mod tests;
