//! The file `stream` of the data folder: which stream a running `pelton dev`, `demo` or `stream` works on, for the commands
//! that run beside it.
//!
//! In: the folder, and what to say. Out: a file that its process holds locked for as long as it lives. A lock ends with its
//! process, however that ends: a file without one was left behind. Never asks the endpoint, and never removes the file of
//! another process.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The file's name.
const NAME: &str = "stream";

/// Longest content of the file, in bytes.
const NOTICE_LEN_MAX: u64 = 4096;

/// Which command works on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Serving {
    /// `pelton demo`
    Demo,
    /// `pelton dev`
    Dev,
    /// `pelton stream`
    Stream,
}

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamNotice {
    /// Which command wrote it.
    pub command: Serving,
    /// Its process.
    pub pid: u32,
    /// URL of the stream's API.
    pub endpoint: String,
    /// The region of its streams.
    pub region: String,
    /// Bootstrap servers of the Kafka in the process; `None`: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_servers: Option<String>,
}

/// What is in a data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundNotice {
    /// Nothing.
    Nothing,
    /// That of a process that lives.
    Running(StreamNotice),
    /// That of a process that has ended without removing it. `None`: it cannot be read.
    LeftBehind(Option<StreamNotice>),
}

/// Why there is no notice.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The folder names the stream of another process that lives.
    #[error("{path} names the stream of `pelton {command}` (process {pid}), {endpoint}",
        path = .path.display(), command = .by.command, pid = .by.pid, endpoint = .by.endpoint)]
    Taken {
        /// The file.
        path: PathBuf,
        /// The other process.
        by: StreamNotice,
    },
    /// The file cannot be made.
    #[error("{path} cannot be written", path = .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// A notice of this process. Dropping it removes the file.
#[derive(Debug)]
pub struct PostedNotice {
    path: PathBuf,
    notice: StreamNotice,
    /// Locked until it is closed. Handler processes do not inherit it.
    file: File,
    /// The folder, if it was made for the notice: it goes with it, unless something else is in there.
    made_folder: Option<PathBuf>,
}

impl StreamNotice {
    /// That of this process.
    #[must_use]
    pub fn of(command: Serving, endpoint: &str, region: &str) -> Self {
        Self {
            command,
            pid: std::process::id(),
            endpoint: endpoint.to_owned(),
            region: region.to_owned(),
            bootstrap_servers: None,
        }
    }

    /// The same, with the Kafka in this process, if there is one.
    #[must_use]
    pub fn with_brokers(self, bootstrap_servers: Option<&str>) -> Self {
        Self { bootstrap_servers: bootstrap_servers.map(str::to_owned), ..self }
    }

    /// Writes it into the data folder, which is made if there is none. One that was left behind is replaced.
    ///
    /// # Errors
    ///
    /// If a process that lives has written one, or the file cannot be made.
    pub fn post(&self, folder: &Path) -> Result<PostedNotice, PostError> {
        let path = file_in(folder);
        let unwritable = |source| PostError::Unwritable { path: file_in(folder), source };
        if let FoundNotice::Running(by) = find(folder).map_err(unwritable)? {
            return Err(PostError::Taken { path, by });
        }
        let made_folder = (!folder.exists()).then(|| folder.to_owned());
        fs::create_dir_all(folder).map_err(unwritable)?;
        let file = self.write(&path).map_err(unwritable)?;
        Ok(PostedNotice { file, path, notice: self.clone(), made_folder })
    }

    /// Complete and locked before it has its name: nobody finds half of it.
    fn write(&self, path: &Path) -> io::Result<File> {
        let unfinished = path.with_extension(self.pid.to_string());
        let mut file = File::create(&unfinished)?;
        file.lock()?;
        let text = serde_json::to_string(self).map_err(io::Error::other)?;
        writeln!(file, "{text}")?;
        fs::rename(&unfinished, path)?;
        Ok(file)
    }
}

impl PostedNotice {
    /// Names the Kafka in this process, too, if it does not yet.
    ///
    /// # Errors
    ///
    /// If the file cannot be made: it says what it said before.
    pub fn name_brokers(&mut self, bootstrap_servers: Option<&str>) -> io::Result<()> {
        if self.notice.bootstrap_servers.as_deref() == bootstrap_servers || !self.is_in_place() {
            return Ok(());
        }
        let notice = self.notice.clone().with_brokers(bootstrap_servers);
        self.file = notice.write(&self.path)?;
        self.notice = notice;
        Ok(())
    }

    fn is_in_place(&self) -> bool {
        let (Ok(own), Ok(found)) = (self.file.metadata(), fs::metadata(&self.path)) else { return false };
        (own.dev(), own.ino()) == (found.dev(), found.ino())
    }
}

impl Drop for PostedNotice {
    fn drop(&mut self) {
        if self.is_in_place()
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(file = %self.path.display(), %error, "cannot remove the file that names the stream");
        }
        if let Some(folder) = &self.made_folder {
            // Not if something else is in there.
            fs::remove_dir(folder).unwrap_or_default();
        }
    }
}

/// What is in the data folder.
///
/// # Errors
///
/// If there is a file that cannot be opened.
pub fn find(folder: &Path) -> io::Result<FoundNotice> {
    let file = match File::open(file_in(folder)) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(FoundNotice::Nothing);
        }
        Err(error) => return Err(error),
    };
    let is_held = match file.try_lock_shared() {
        Ok(()) => false,
        Err(TryLockError::WouldBlock) => true,
        Err(TryLockError::Error(error)) => return Err(error),
    };
    let mut text = String::new();
    file.take(NOTICE_LEN_MAX).read_to_string(&mut text)?;
    match serde_json::from_str(&text) {
        Ok(notice) if is_held => Ok(FoundNotice::Running(notice)),
        Ok(notice) => Ok(FoundNotice::LeftBehind(Some(notice))),
        Err(error) if is_held => Err(io::Error::other(error)),
        Err(_) => Ok(FoundNotice::LeftBehind(None)),
    }
}

/// The file in a data folder.
#[must_use]
pub fn file_in(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Demo => "demo",
            Self::Dev => "dev",
            Self::Stream => "stream",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> StreamNotice {
        StreamNotice::of(Serving::Dev, "http://127.0.0.1:4567", "us-east-1")
    }

    #[test]
    fn a_notice_is_there_as_long_as_its_process_holds_it() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(find(root.path()).unwrap(), FoundNotice::Nothing);
        let posted = notice().post(root.path()).unwrap();
        assert_eq!(find(root.path()).unwrap(), FoundNotice::Running(notice()));
        drop(posted);
        assert_eq!(find(root.path()).unwrap(), FoundNotice::Nothing);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "nothing else is left");
    }

    #[test]
    fn brokers_that_start_later_are_named_in_the_same_file() {
        let root = tempfile::tempdir().unwrap();
        let mut posted = notice().post(root.path()).unwrap();
        posted.name_brokers(Some("127.0.0.1:9092")).unwrap();
        let named = notice().with_brokers(Some("127.0.0.1:9092"));
        assert_eq!(find(root.path()).unwrap(), FoundNotice::Running(named));
        drop(posted);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "nothing else is left");
    }

    #[test]
    fn a_folder_that_was_made_for_the_notice_goes_with_it_unless_it_holds_something_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(".pelton");
        drop(notice().post(&folder).unwrap());
        assert!(!folder.exists());
        let posted = notice().post(&folder).unwrap();
        fs::write(folder.join("checkpoints.db"), "").unwrap();
        drop(posted);
        assert!(folder.join("checkpoints.db").exists());
    }

    #[test]
    fn what_a_killed_process_left_behind_is_told_apart_and_replaced() {
        let root = tempfile::tempdir().unwrap();
        let text = serde_json::to_string(&notice()).unwrap();
        fs::write(file_in(root.path()), text).unwrap();
        assert_eq!(find(root.path()).unwrap(), FoundNotice::LeftBehind(Some(notice())));
        fs::write(file_in(root.path()), "half of").unwrap();
        assert_eq!(find(root.path()).unwrap(), FoundNotice::LeftBehind(None));
        let _posted = notice().post(root.path()).unwrap();
        assert_eq!(find(root.path()).unwrap(), FoundNotice::Running(notice()));
    }

    #[test]
    fn the_notice_of_another_process_that_lives_stays() {
        let root = tempfile::tempdir().unwrap();
        let first = notice().post(root.path()).unwrap();
        let refused = notice().post(root.path()).unwrap_err();
        assert!(matches!(refused, PostError::Taken { .. }), "{refused}");
        assert_eq!(find(root.path()).unwrap(), FoundNotice::Running(notice()));
        drop(first);
    }

    #[test]
    fn a_notice_that_took_the_place_of_another_outlives_it() {
        let root = tempfile::tempdir().unwrap();
        let first = notice().post(root.path()).unwrap();
        fs::remove_file(file_in(root.path())).unwrap();
        let _second = notice().post(root.path()).unwrap();
        drop(first);
        assert_eq!(find(root.path()).unwrap(), FoundNotice::Running(notice()));
    }
}
