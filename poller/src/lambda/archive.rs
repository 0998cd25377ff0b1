//! Code that comes as a zip archive, as `cargo lambda build --output-format zip` makes it.
//!
//! In: the archive, and the folder for code that Pelton extracts. Out: the folder with what was in the archive, named
//! after its content, so that the same archive is extracted once and a changed one never takes the place of running code.
//! An archive may come from anybody: nothing of it leaves its folder, it makes no links, and its size has limits.

use sha1::{Digest as _, Sha1};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

/// Most bytes of an archive, and of what is in it: the limit of a Lambda function (specification 8.4).
const BYTES_MAX: u64 = 250 * 1024 * 1024;

/// Most files and folders of an archive.
const ENTRIES_MAX: usize = 100_000;

/// The kinds of a file in its Unix mode: those that an archive may hold.
const KIND: u32 = 0o170_000;
const KIND_UNSAID: u32 = 0;
const KIND_FILE: u32 = 0o100_000;
const KIND_FOLDER: u32 = 0o040_000;

const EXECUTABLE: u32 = 0o111;

/// Tells the unfinished folders of one process apart.
static EXTRACTIONS: AtomicU64 = AtomicU64::new(0);

/// Why an archive was not extracted.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("cannot read it")]
    Unreadable(#[source] io::Error),
    /// It is something else, or damaged.
    #[error("it is not a zip archive, or it is damaged")]
    NotAnArchive(#[source] ZipError),
    /// It would take too much room.
    #[error("it has more than {BYTES_MAX} bytes, the limit of a Lambda function")]
    TooLarge,
    /// It has too many entries.
    #[error("it has more than {ENTRIES_MAX} files and folders")]
    TooManyEntries,
    /// It holds something that no function needs.
    #[error("its entry `{}` {problem}", .name.escape_debug())]
    Entry {
        /// What it is called.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no room, or no right, to extract it.
    #[error("cannot write {}", .path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The folder inside `extracted` that holds what is in `archive`. It is complete, whenever it is there.
pub(super) fn extract(archive: &Path, extracted: &Path) -> Result<PathBuf, ArchiveError> {
    let mut file = File::open(archive).map_err(ArchiveError::Unreadable)?;
    let folder = extracted.join(digest(&mut file)?);
    if folder.is_dir() {
        return Ok(folder);
    }
    let number = EXTRACTIONS.fetch_add(1, Ordering::Relaxed);
    let unfinished = folder.with_added_extension(format!("{}-{number}.new", std::process::id()));
    let result =
        extract_into(file, &unfinished, BYTES_MAX).and_then(|()| match fs::rename(&unfinished, &folder) {
            // Somebody else has extracted the same archive meanwhile.
            Err(_) if folder.is_dir() => Ok(()),
            renamed => renamed.map_err(unwritable(&folder)),
        });
    // It is only there if it was not renamed.
    fs::remove_dir_all(&unfinished).ok();
    result.map(|()| folder)
}

/// Removes everything in `extracted` but the folders in `used`. For whoever alone uses `extracted`.
pub(super) fn forget_unused(extracted: &Path, used: &BTreeSet<&Path>) {
    let Ok(entries) = fs::read_dir(extracted) else { return };
    let unused = entries.flatten().map(|entry| entry.path()).filter(|path| !used.contains(path.as_path()));
    for path in unused {
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::debug!(path = %path.display(), %error, "cannot remove code that is no longer used");
        }
    }
}

fn digest(file: &mut File) -> Result<String, ArchiveError> {
    let mut hash = Sha1::new();
    let mut limited = (&mut *file).take(BYTES_MAX + 1);
    let read = io::copy(&mut limited, &mut hash).map_err(ArchiveError::Unreadable)?;
    if read > BYTES_MAX {
        return Err(ArchiveError::TooLarge);
    }
    file.rewind().map_err(ArchiveError::Unreadable)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Extracts an archive with at most `bytes_max` bytes in it.
fn extract_into(file: File, folder: &Path, bytes_max: u64) -> Result<(), ArchiveError> {
    let mut archive = ZipArchive::new(file).map_err(ArchiveError::NotAnArchive)?;
    if archive.len() > ENTRIES_MAX {
        return Err(ArchiveError::TooManyEntries);
    }
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    let mut bytes_left = bytes_max;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(ArchiveError::NotAnArchive)?;
        let path = folder.join(inner_path(&entry)?);
        if entry.is_dir() {
            fs::create_dir_all(&path).map_err(unwritable(&path))?;
            continue;
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(unwritable(parent))?;
        }
        bytes_left -= extract_file(entry, &path, bytes_left)?;
    }
    Ok(())
}

/// Where an entry goes, as seen from the archive's folder.
fn inner_path(entry: &ZipFile<'_, File>) -> Result<PathBuf, ArchiveError> {
    let name = entry.name();
    let refused = |problem| Err(ArchiveError::Entry { name: name.to_owned(), problem });
    if entry.is_symlink() || !is_allowed_kind(entry.unix_mode()) {
        return refused("is neither a file nor a folder");
    }
    let path = Path::new(name);
    let is_inside =
        path.components().all(|component| matches!(component, Component::Normal(_) | Component::CurDir));
    if !is_inside || name.contains('\0') {
        return refused("does not lie inside the archive");
    }
    Ok(path.to_owned())
}

fn is_allowed_kind(mode: Option<u32>) -> bool {
    mode.is_none_or(|mode| matches!(mode & KIND, KIND_UNSAID | KIND_FILE | KIND_FOLDER))
}

/// How many bytes the file has; it may have at most `bytes_left`, whatever the archive says of its size.
fn extract_file(mut entry: ZipFile<'_, File>, path: &Path, bytes_left: u64) -> Result<u64, ArchiveError> {
    let is_executable = entry.unix_mode().is_some_and(|mode| mode & EXECUTABLE != 0);
    let mode = if is_executable { 0o755 } else { 0o644 };
    // Never over another entry of the same name.
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = opened.map_err(unwritable(path))?;
    let mut content = (&mut entry).take(bytes_left.saturating_add(1));
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let damaged = |error| ArchiveError::NotAnArchive(ZipError::Io(error));
        let read = content.read(&mut buffer).map_err(damaged)?;
        if read == 0 {
            return Ok(bytes);
        }
        bytes += read as u64;
        if bytes > bytes_left {
            return Err(ArchiveError::TooLarge);
        }
        io::Write::write_all(&mut file, &buffer[..read]).map_err(unwritable(path))?;
    }
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    move |source| ArchiveError::Unwritable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    /// An archive of these files, with their modes, in a folder of its own.
    fn archive(entries: &[(&str, u32, &[u8])]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap.zip");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        for (name, mode, content) in entries {
            writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap();
        (folder, path)
    }

    #[track_caller]
    fn check_refused(path: &Path, folder: &Path, said: &str) {
        let extracted = folder.join("code");
        let error = crate::errors::chain(&extract(path, &extracted).unwrap_err());
        assert!(error.contains(said), "{error}");
        let left = fs::read_dir(&extracted).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing is left of it");
    }

    #[test]
    fn what_is_in_an_archive_is_extracted_once_and_a_changed_archive_beside_it() {
        let (folder, path) =
            archive(&[("bootstrap", 0o755, b"#!/bin/sh"), ("data/table.csv", 0o644, b"1,2")]);
        let extracted = folder.path().join("code");
        let first = extract(&path, &extracted).unwrap();
        assert_eq!(fs::read(first.join("data/table.csv")).unwrap(), b"1,2");
        assert_eq!(first.join("bootstrap").metadata().unwrap().permissions().mode() & 0o7777, 0o755);
        fs::write(first.join("mark"), "").unwrap();
        assert_eq!(extract(&path, &extracted).unwrap(), first);
        assert!(first.join("mark").exists(), "it was not extracted again");

        let (_other, changed) = archive(&[("bootstrap", 0o755, b"#!/bin/bash")]);
        let second = extract(&changed, &extracted).unwrap();
        assert_ne!(second, first);
        assert!(first.exists() && fs::read_dir(&extracted).unwrap().count() == 2);
        forget_unused(&extracted, &BTreeSet::from([second.as_path()]));
        assert!(second.exists() && !first.exists());
    }

    #[test]
    fn an_entry_that_leads_out_of_the_archive_is_refused() {
        for name in ["../outside", "a/../../outside", "/outside"] {
            let (folder, path) = archive(&[("bootstrap", 0o755, b"#!/bin/sh"), (name, 0o644, b"x")]);
            check_refused(&path, folder.path(), "does not lie inside the archive");
            assert!(!folder.path().join("outside").exists());
        }
    }

    #[test]
    fn a_link_in_an_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bootstrap.zip");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        writer.add_symlink("etc", "/etc", SimpleFileOptions::default()).unwrap();
        writer.finish().unwrap();
        check_refused(&path, folder.path(), "its entry `etc` is neither a file nor a folder");
    }

    #[test]
    fn special_files_and_rights_are_not_taken_over() {
        assert!(!is_allowed_kind(Some(0o010_644)), "a pipe");
        assert!(!is_allowed_kind(Some(0o020_644)), "a device");
        let (folder, path) = archive(&[("bootstrap", 0o4755, b"#!/bin/sh")]);
        let code = extract(&path, &folder.path().join("code")).unwrap();
        assert_eq!(code.join("bootstrap").metadata().unwrap().permissions().mode() & 0o7000, 0);
    }

    #[test]
    fn an_archive_that_unfolds_into_too_much_is_refused() {
        let (folder, path) = archive(&[("one", 0o644, &[0; 1_000]), ("two", 0o644, &[0; 1_000])]);
        let extract = |name: &str, bytes_max| {
            extract_into(File::open(&path).unwrap(), &folder.path().join(name), bytes_max)
        };
        extract("all", 2_000).unwrap();
        let error = extract("not all", 1_999).unwrap_err();
        assert!(matches!(error, ArchiveError::TooLarge), "{error}");
    }

    #[test]
    fn what_is_no_archive_or_damaged_is_refused() {
        let (folder, path) = archive(&[("bootstrap", 0o755, b"#!/bin/sh\necho some text to spoil")]);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.windows(4).position(|window| window == b"boot").unwrap() + 12;
        bytes[middle] ^= 0xff;
        fs::write(&path, bytes).unwrap();
        check_refused(&path, folder.path(), "damaged");
        fs::write(&path, "no archive").unwrap();
        check_refused(&path, folder.path(), "it is not a zip archive");
    }
}
