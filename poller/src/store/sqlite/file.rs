//! Opens and checks the checkpoints file.
//!
//! In: a path. Out: a connection to a sound file with today's schema. A new file is made complete under another name and
//! then renamed, so that a file which is there but empty, cut short or foreign is never taken for a new one: that would
//! forget every position.

use crate::ports::{Cause, StoreError};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for another program's lock on the file, such as that of an open `sqlite3` shell.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);

/// Marks the file as Pelton's: `PLTN`.
const APPLICATION_ID: i64 = 0x504c_544e;

/// The schema below. A change of it gets the next number. Before the first release nobody has a file that is worth a step from
/// the one before.
const SCHEMA_VERSION: i64 = 2;

/// `shard.start_kind` is NULL for a shard that was over before its mapping began, `shard.ahead` where nothing above `position` is
/// settled, and the three of `shard.window_*` where no window is open.
const SCHEMA: &str = "
    CREATE TABLE mapping (
        id TEXT NOT NULL PRIMARY KEY,
        stream_arn TEXT NOT NULL,
        stream_created_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE shard (
        mapping TEXT NOT NULL REFERENCES mapping (id) ON DELETE CASCADE,
        id TEXT NOT NULL,
        start_kind TEXT,
        start_ms INTEGER,
        position TEXT,
        ended INTEGER NOT NULL,
        ahead BLOB,
        window_start_ms INTEGER,
        window_end_ms INTEGER,
        window_state BLOB,
        updated_ms INTEGER NOT NULL,
        PRIMARY KEY (mapping, id)
    ) STRICT, WITHOUT ROWID;
";

/// What is wrong with a file, beyond what SQLite itself says.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("it is not a checkpoints file of Pelton, or was cut short")]
    Foreign,
    #[error(
        "it was written by an older Pelton: its schema is {found}, this one knows {SCHEMA_VERSION}; remove it to start again: every \
         mapping then begins at its StartingPosition"
    )]
    Older { found: i64 },
    #[error("it was written by a newer Pelton: its schema is {found}, this one knows {SCHEMA_VERSION}")]
    Newer { found: i64 },
    #[error("it is damaged: {finding}")]
    Damaged { finding: String },
    #[error(
        "{wal} is there, but the file that it belongs to is gone; put it back, or remove the former to start again"
    )]
    LogWithoutFile { wal: String },
    #[error("its file system does not support a write-ahead log; choose another folder with --data-dir")]
    NoLog,
    #[error("another program holds a lock on it; close that program")]
    Locked { source: Arc<rusqlite::Error> },
}

/// Opens the file at `path`; makes it if there is none.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let corrupt = |source: Cause| StoreError::Corrupt { file: path.display().to_string(), source };
    let is_there = path.try_exists().map_err(|error| unwritable(path, error))?;
    if !is_there {
        let wal = beside(path, "-wal");
        if wal.exists() {
            return Err(corrupt(Problem::LogWithoutFile { wal: wal.display().to_string() }.into()));
        }
        create(path)?;
    }
    let connection = connect(path).map_err(|error| classify(path, error))?;
    check(&connection).map_err(|error| classify(path, error))?.map_err(|problem| corrupt(problem.into()))?;
    if !has_log(&connection).map_err(|error| classify(path, error))? {
        return Err(StoreError::Unwritable {
            file: path.display().to_string(),
            source: Problem::NoLog.into(),
        });
    }
    prepare(&connection).map_err(|error| classify(path, error))?;
    Ok(connection)
}

/// The error of the port for an error of SQLite.
pub(super) fn classify(path: &Path, error: impl Into<Arc<rusqlite::Error>>) -> StoreError {
    let file = path.display().to_string();
    let error = error.into();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unwritable { file, source: Problem::Locked { source: error }.into() }
        }
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::DiskFull
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure,
        ) => StoreError::Unwritable { file, source: error.into() },
        _ => StoreError::Corrupt { file, source: error.into() },
    }
}

fn unwritable(path: &Path, error: io::Error) -> StoreError {
    StoreError::Unwritable { file: path.display().to_string(), source: error.into() }
}

fn create(path: &Path) -> Result<(), StoreError> {
    let unfinished = beside(path, ".new");
    remove_if_there(&unfinished).map_err(|error| unwritable(path, error))?;
    fill(&unfinished).map_err(|error| classify(path, error))?;
    fs::rename(&unfinished, path).map_err(|error| unwritable(path, error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unwritable(path, error))
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    Ok(connection)
}

/// Whether the file is ours, is of this schema, and holds together.
fn check(connection: &Connection) -> rusqlite::Result<Result<(), Problem>> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    if number("application_id")? != APPLICATION_ID {
        return Ok(Err(Problem::Foreign));
    }
    let found = number("user_version")?;
    if found > SCHEMA_VERSION {
        return Ok(Err(Problem::Newer { found }));
    }
    if found < 1 {
        return Ok(Err(Problem::Foreign));
    }
    if found < SCHEMA_VERSION {
        return Ok(Err(Problem::Older { found }));
    }
    let finding = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
    if finding != "ok" {
        return Ok(Err(Problem::Damaged { finding }));
    }
    Ok(Ok(()))
}

/// Asks for a write-ahead log. SQLite answers what it does instead where it cannot.
fn has_log(connection: &Connection) -> rusqlite::Result<bool> {
    let mode =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    Ok(mode == "wal")
}

/// Sets how to write, and writes once, so that a full disk or a read-only file shows now.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let probe = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    probe.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    probe.commit()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
