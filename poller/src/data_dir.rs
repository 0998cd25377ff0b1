//! The data folder: what one poller keeps, and the proof that it is the only one.
//!
//! ```text
//! .pelton/lock             held for the life of the poller, holds its process id
//! .pelton/address          where its own API listens; only while it runs
//! .pelton/stream           which stream commands beside it use (`stream_notice`); only while it runs
//! .pelton/checkpoints.db   how far each mapping is
//! .pelton/code             code that came in archives, extracted
//! .pelton/failed/M.jsonl   records of the mapping M that were given up, where nobody else takes them
//! ```
//!
//! In: the folder. Out: the folder locked, its paths, and the address of whoever holds it. Never removes a checkpoint.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The folder's name where `--data-dir` does not say otherwise.
const DEFAULT_NAME: &str = ".pelton";

/// Longest content of the lock file that is taken for a process id, in bytes.
const PID_LEN_MAX: u64 = 20;

/// Longest content of the address file, in bytes.
const ADDRESS_LEN_MAX: u64 = 128;

/// Where `sam build` leaves its template. Each build empties the folder: checkpoints would be lost there.
const SAM_BUILD: &str = ".aws-sam/build";

/// The data folder for a template: `.pelton` beside it, or beside the `.aws-sam` that it is in.
#[must_use]
pub fn default_for(template: &Path) -> PathBuf {
    let absolute = std::path::absolute(template).unwrap_or_else(|_| template.to_owned());
    match absolute
        .ancestors()
        .find(|folder| folder.ends_with(SAM_BUILD))
        .and_then(|folder| folder.ancestors().nth(2))
    {
        Some(project) => project.join(DEFAULT_NAME),
        None => template.with_file_name(DEFAULT_NAME),
    }
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Something else has its name.
    #[error("{path} is not a folder: remove it, or choose another folder with --data-dir", path = .path.display())]
    NotAFolder {
        /// What was to be the folder.
        path: PathBuf,
    },
    /// Another poller holds it.
    #[error("another pelton{holder} uses {path}: stop it, or choose another folder with --data-dir",
        holder = holder(*.pid), path = .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process that holds it, if it said so.
        pid: Option<u32>,
    },
    /// A file of the folder cannot be made or written.
    #[error("{path} cannot be written: free disk space or correct its permissions, or choose another folder with --data-dir",
        path = .path.display())]
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

/// The data folder, held by this process until dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Its lock goes when it is closed, however the process ends. Handler processes do not inherit it.
    _lock: File,
}

impl DataDir {
    /// Takes the folder at `path`, which is made if there is none.
    ///
    /// # Errors
    ///
    /// If another process holds it, or it cannot be made or written.
    pub fn take(path: &Path) -> Result<Self, DataDirError> {
        if path.exists() && !path.is_dir() {
            return Err(DataDirError::NotAFolder { path: path.to_owned() });
        }
        fs::create_dir_all(path)
            .map_err(|source| DataDirError::Unwritable { path: path.to_owned(), source })?;
        let lock = take_lock(path)?;
        let taken = Self { path: path.to_owned(), _lock: lock };
        taken.withdraw_address();
        Ok(taken)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the checkpoints.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints.db")
    }

    /// The folder for records that were given up and that nobody else takes. It need not exist.
    #[must_use]
    pub fn failed(&self) -> PathBuf {
        self.path.join("failed")
    }

    /// Tells whoever looks into the folder where Pelton's own API listens. Withdrawn when this is dropped.
    ///
    /// # Errors
    ///
    /// [`DataDirError::Unwritable`].
    pub fn announce_address(&self, address: SocketAddr) -> Result<(), DataDirError> {
        let unfinished = self.path.join("address.new");
        fs::write(&unfinished, format!("{address}\n"))
            .and_then(|()| fs::rename(&unfinished, address_file(&self.path)))
            .map_err(|source| DataDirError::Unwritable { path: address_file(&self.path), source })
    }

    fn withdraw_address(&self) {
        let file = address_file(&self.path);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %file.display(), %error, "cannot remove the file with the address of this poller");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        self.withdraw_address();
    }
}

/// Where the poller that holds the folder at `path` listens; `None` if it did not say, or there is none.
///
/// A poller that was killed leaves its address behind: that nobody answers there is for the caller to find out.
///
/// # Errors
///
/// If there is an address file that cannot be read or is not an address.
pub fn announced_address(path: &Path) -> io::Result<Option<SocketAddr>> {
    let file = match File::open(address_file(path)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(ADDRESS_LEN_MAX).read_to_string(&mut text)?;
    text.trim().parse().map(Some).map_err(io::Error::other)
}

fn address_file(path: &Path) -> PathBuf {
    path.join("address")
}

fn take_lock(folder: &Path) -> Result<File, DataDirError> {
    let path = folder.join("lock");
    let unwritable = |source| DataDirError::Unwritable { path: path.clone(), source };
    // Not truncated on opening: another process may hold it, and its id is in there.
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(unwritable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(DataDirError::InUse { path: folder.to_owned(), pid: pid_in(&mut lock) });
        }
        Err(TryLockError::Error(error)) => return Err(unwritable(error)),
    }
    write_pid(&mut lock).map_err(unwritable)?;
    Ok(lock)
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn pid_in(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(PID_LEN_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> SocketAddr {
        ([127, 0, 0, 1], 7358).into()
    }

    #[test]
    fn the_folder_is_beside_the_template() {
        assert_eq!(default_for(Path::new("/app/template.yaml")), Path::new("/app/.pelton"));
        assert_eq!(default_for(Path::new("template.yaml")), Path::new(".pelton"));
    }

    #[test]
    fn for_a_template_that_sam_built_the_folder_is_where_the_next_build_leaves_it_alone() {
        for template in ["/app/.aws-sam/build/template.yaml", "/app/.aws-sam/build/Child/template.yaml"] {
            assert_eq!(default_for(Path::new(template)), Path::new("/app/.pelton"));
        }
        let relative = std::path::absolute(".pelton").unwrap();
        assert_eq!(default_for(Path::new(".aws-sam/build/template.yaml")), relative);
    }

    #[test]
    fn the_folder_is_made_with_its_parents() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/.pelton");
        let taken = DataDir::take(&path).unwrap();
        assert!(path.is_dir());
        assert_eq!(taken.checkpoints(), path.join("checkpoints.db"));
    }

    #[test]
    fn a_second_poller_on_the_same_folder_is_refused_and_told_who_holds_it() {
        let root = tempfile::tempdir().unwrap();
        let first = DataDir::take(root.path()).unwrap();
        first.announce_address(address()).unwrap();
        let refused = DataDir::take(root.path()).unwrap_err().to_string();
        let (pid, path) = (std::process::id(), root.path().display());
        let said = format!(
            "another pelton (process {pid}) uses {path}: stop it, or choose another folder with --data-dir"
        );
        assert_eq!(refused, said);
        assert_eq!(announced_address(root.path()).unwrap(), Some(address()), "the first goes on undisturbed");
        drop(first);
        DataDir::take(root.path()).unwrap();
    }

    #[test]
    fn the_address_is_there_only_while_the_poller_runs() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(announced_address(root.path()).unwrap(), None);
        let taken = DataDir::take(root.path()).unwrap();
        taken.announce_address(address()).unwrap();
        assert_eq!(fs::read_to_string(root.path().join("address")).unwrap(), "127.0.0.1:7358\n");
        assert_eq!(announced_address(root.path()).unwrap(), Some(address()));
        drop(taken);
        assert_eq!(announced_address(root.path()).unwrap(), None);
    }

    #[test]
    fn an_address_that_a_killed_poller_left_behind_is_withdrawn_by_the_next() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("address"), "127.0.0.1:1\n").unwrap();
        let _taken = DataDir::take(root.path()).unwrap();
        assert_eq!(announced_address(root.path()).unwrap(), None);
    }

    #[test]
    fn an_address_that_is_none_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("address"), "here\n").unwrap();
        announced_address(root.path()).unwrap_err();
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(".pelton");
        fs::write(&path, "").unwrap();
        let error = DataDir::take(&path).unwrap_err();
        assert!(matches!(error, DataDirError::NotAFolder { .. }));
        assert!(error.to_string().starts_with(&path.display().to_string()));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        let error = DataDir::take(&root.path().join("file/.pelton")).unwrap_err();
        assert!(matches!(error, DataDirError::Unwritable { .. }), "{error}");
    }
}
