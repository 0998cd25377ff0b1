//! The log in a file, beside a terminal that shows the lines that matter.
//!
//! In: lines. Out: a file of bounded size; lines before those are in a second file. Appending never fails: a disk that is full must
//! not stop a poller.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of the file, and of the one before it.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A file that takes lines.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl LogFile {
    /// An empty file. One that was there goes beside it, as the older one.
    ///
    /// # Errors
    ///
    /// If its folder cannot be written.
    pub fn begin(path: &Path) -> io::Result<Self> {
        Self::with_bytes_max(path, BYTES_MAX)
    }

    fn with_bytes_max(path: &Path, bytes_max: u64) -> io::Result<Self> {
        match fs::rename(path, path.with_added_extension("old")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok(Self { path: path.to_owned(), file: File::create(path)?, bytes: 0, bytes_max })
    }

    pub(super) fn append(&mut self, line: &str) {
        if self.bytes >= self.bytes_max {
            match Self::with_bytes_max(&self.path, self.bytes_max) {
                Ok(next) => *self = next,
                Err(_) => return,
            }
        }
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        self.bytes += written.map_or(0, |()| line.len() as u64 + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_in_two_files_of_bounded_size_and_a_new_start_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = LogFile::with_bytes_max(&path, 6).unwrap();
        for line in ["one", "two", "three", "four", "five"] {
            file.append(line);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "four\nfive\n");
        assert_eq!(fs::read_to_string(folder.path().join("log.old")).unwrap(), "three\n");
        LogFile::begin(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        assert_eq!(fs::read_to_string(folder.path().join("log.old")).unwrap(), "four\nfive\n");
    }
}
