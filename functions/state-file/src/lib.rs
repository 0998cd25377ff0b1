//! What the sample handlers share: state in one SQLite file that every record changes once.
//!
//! In: the records of one invocation, one after the other, between [`StateFile::begin`] and [`StateFile::commit`]. Out:
//! what became of them. One transaction for all of them, also when several processes (one for each shard) write the same
//! file; one record that fails leaves nothing behind. Never applies a record twice: how far each key has come changes in
//! the same transaction as the state.
//!
//! Records that make no sense are kept as anomalies and do not fail: a record that always fails would stop its shard until
//! the stream forgets it, unless its mapping gives it up.

use lambda_ordered::{Record, SequenceNumber, Source};
pub use rusqlite::Connection;
use rusqlite::{ErrorCode, OptionalExtension as _, TransactionBehavior, params};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a batch waits for the other processes that write the file. Shorter than any sensible function timeout, so
/// that the error is seen instead of the timeout.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// `applied` keeps the last record of each partition key rather than of each shard: a mapping with a
/// ParallelizationFactor above 1 delivers the keys of a shard side by side, only each key in order.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS applied (
        stream TEXT NOT NULL, shard TEXT NOT NULL, partition_key TEXT NOT NULL, sequence_number TEXT NOT NULL,
        PRIMARY KEY (stream, shard, partition_key)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS anomaly (
        number INTEGER PRIMARY KEY,
        stream TEXT NOT NULL, shard TEXT NOT NULL, sequence_number TEXT NOT NULL, reason TEXT NOT NULL
    );";

/// An open file.
#[derive(Debug)]
pub struct StateFile {
    connection: Connection,
    path: PathBuf,
    summary: Summary,
}

/// What a record did to the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changed it.
    Applied,
    /// It makes no sense; why, in words. The state is as it was.
    Anomaly(String),
}

/// What became of the records of an invocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Changed the state.
    pub applied: usize,
    /// Were applied, or kept as anomalies, by an earlier delivery.
    pub repeated: usize,
    /// Were kept as anomalies.
    pub anomalies: usize,
}

/// Why a file could not be opened: the function cannot start.
#[derive(thiserror::Error)]
#[error("the state file {} cannot be opened: its folder must exist, and both must be writable", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: rusqlite::Error,
}

/// The file could not be read or written. A retry may help.
#[derive(Debug, thiserror::Error)]
#[error("the state file {} cannot be used", path.display())]
pub struct Unusable {
    path: PathBuf,
    /// What SQLite said, such as a full disk.
    source: rusqlite::Error,
}

/// What is printed when `main` ends with this error: words, and the cause.
impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}: {}", self.source)
    }
}

impl StateFile {
    /// Opens the file that the environment variable names, or the default. `schema` makes the tables of the function;
    /// it runs at each start.
    pub fn from_environment(variable: &str, default: &str, schema: &str) -> Result<Self, OpenError> {
        let path =
            std::env::var_os(variable).filter(|value| !value.is_empty()).unwrap_or_else(|| default.into());
        Self::open(Path::new(&path), schema)
    }

    /// Opens the file, and makes it if there is none.
    pub fn open(path: &Path, schema: &str) -> Result<Self, OpenError> {
        let connection =
            connect(path, schema).map_err(|source| OpenError { path: path.to_owned(), source })?;
        Ok(Self { connection, path: path.to_owned(), summary: Summary::default() })
    }

    /// Begins the transaction of an invocation. One that another invocation left open, by a panic, is undone.
    pub fn begin(&mut self) -> Result<(), Unusable> {
        self.rollback();
        self.summary = Summary::default();
        // Immediate: two processes that first read and then write would refuse each other instead of waiting.
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        self.checked(begun)
    }

    /// Applies a record, unless it was applied before: `change` changes the state, or says why the record makes no sense.
    /// If it fails, the state is as it was before the record.
    pub fn once<S: Source>(
        &mut self,
        record: &Record<'_, S>,
        change: impl FnOnce(&Connection) -> rusqlite::Result<Effect>,
    ) -> Result<(), Unusable> {
        match apply(&mut self.connection, record, change) {
            Ok(None) => self.summary.repeated += 1,
            Ok(Some(Effect::Applied)) => self.summary.applied += 1,
            Ok(Some(Effect::Anomaly(_))) => self.summary.anomalies += 1,
            Err(error) => return self.checked(Err(error)),
        }
        Ok(())
    }

    /// Ends the transaction. When this returns, a crash does not undo what was applied.
    pub fn commit(&mut self) -> Result<Summary, Unusable> {
        let committed = self.connection.execute_batch("COMMIT");
        self.checked(committed)?;
        if self.summary.anomalies > 0 {
            lambda_runtime::tracing::warn!(
                anomalies = self.summary.anomalies,
                file = %self.path.display(),
                "records that make no sense were kept in the table anomaly"
            );
        }
        Ok(self.summary)
    }

    /// Undoes everything since [`begin`](Self::begin), if that is not yet committed or undone.
    pub fn rollback(&mut self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            lambda_runtime::tracing::warn!(%error, file = %self.path.display(), "a transaction cannot be undone");
        }
    }

    /// The database.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The only column of a query: what tests look at.
    pub fn column(&self, query: &str) -> rusqlite::Result<Vec<String>> {
        self.connection.prepare(query)?.query_map([], |row| row.get(0))?.collect()
    }

    fn checked(&self, result: rusqlite::Result<()>) -> Result<(), Unusable> {
        result.map_err(|source| Unusable { path: self.path.clone(), source })
    }
}

fn connect(path: &Path, schema: &str) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_MAX)?;
    switch_to_wal(&connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(schema)?;
    transaction.commit()?;
    Ok(connection)
}

/// Lets readers and a writer go side by side. The file keeps the mode, for every process.
///
/// SQLite does not wait while another process makes the same switch, but says that it is busy. Then there is nothing
/// left to do.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    match connection.pragma_update(None, "journal_mode", "WAL") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        result => result,
    }
}

/// What the record did; `None` if it did that before.
fn apply<S: Source>(
    connection: &mut Connection,
    record: &Record<'_, S>,
    change: impl FnOnce(&Connection) -> rusqlite::Result<Effect>,
) -> rusqlite::Result<Option<Effect>> {
    let savepoint = connection.savepoint()?;
    if was_applied(&savepoint, record)? {
        return Ok(None);
    }
    let effect = change(&savepoint)?;
    if let Effect::Anomaly(reason) = &effect {
        keep_anomaly(&savepoint, record, reason)?;
    }
    mark_applied(&savepoint, record)?;
    savepoint.commit()?;
    Ok(Some(effect))
}

fn was_applied<S: Source>(connection: &Connection, record: &Record<'_, S>) -> rusqlite::Result<bool> {
    let last: Option<String> = connection
        .prepare_cached(
            "SELECT sequence_number FROM applied WHERE stream = ? AND shard = ? AND partition_key = ?",
        )?
        .query_row(params![record.stream, record.shard, record.order_key()], |row| row.get(0))
        .optional()?;
    let last = last.and_then(|last| SequenceNumber::new(last).ok());
    Ok(last.is_some_and(|last| record.sequence_number <= last))
}

fn mark_applied<S: Source>(connection: &Connection, record: &Record<'_, S>) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT OR REPLACE INTO applied VALUES (?, ?, ?, ?)")?.execute(params![
        record.stream,
        record.shard,
        record.order_key(),
        record.sequence_number.as_str()
    ])?;
    Ok(())
}

fn keep_anomaly<S: Source>(
    connection: &Connection,
    record: &Record<'_, S>,
    reason: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO anomaly (stream, shard, sequence_number, reason) VALUES (?, ?, ?, ?)")?
        .execute(params![record.stream, record.shard, record.sequence_number.as_str(), reason])?;
    Ok(())
}

#[cfg(test)]
mod tests;
