//! State in one SQLite file that every record changes once.
//!
//! In: the records of one invocation, in order. Out: what became of them. All of a batch is applied or none of it, also
//! when several processes (one for each shard) write the same file. Never applies a record twice.

use crate::record::{NotAKinesisRecord, Record};
use aws_lambda_events::kinesis::KinesisEvent;
use lambda_runtime::Diagnostic;
pub use rusqlite::Transaction;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, TransactionBehavior, params};
use serde::Serialize;
use std::error::Error;
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
}

/// What a record did to the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changed it.
    Applied,
    /// It makes no sense; why, in words. The state is as it was.
    Anomaly(String),
}

/// What became of the records of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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

/// Why a batch was not applied. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The event is none of Kinesis.
    #[error("the event is not one of a Kinesis stream")]
    NotKinesis(#[from] NotAKinesisRecord),
    /// The file could not be read or written. A retry may help.
    #[error("the state file {} cannot be used", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite said, such as a full disk.
        source: rusqlite::Error,
    },
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
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Applies the records that were not applied before, in order, in one transaction. When this returns, a crash does
    /// not undo it.
    pub fn apply(
        &mut self,
        event: &KinesisEvent,
        apply_one: impl Fn(&Transaction<'_>, &Record<'_>) -> rusqlite::Result<Effect>,
    ) -> Result<Summary, ApplyError> {
        let records = event.records.iter().map(Record::new).collect::<Result<Vec<_>, _>>()?;
        let summary = apply_all(&mut self.connection, &records, apply_one)
            .map_err(|source| ApplyError::Unusable { path: self.path.clone(), source })?;
        if summary.anomalies > 0 {
            lambda_runtime::tracing::warn!(
                anomalies = summary.anomalies,
                file = %self.path.display(),
                "records that make no sense were kept in the table anomaly"
            );
        }
        Ok(summary)
    }

    /// The database, to read it.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
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

fn apply_all(
    connection: &mut Connection,
    records: &[Record<'_>],
    apply_one: impl Fn(&Transaction<'_>, &Record<'_>) -> rusqlite::Result<Effect>,
) -> rusqlite::Result<Summary> {
    let mut summary = Summary::default();
    // Immediate: two processes that first read and then write would refuse each other instead of waiting.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for record in records {
        if was_applied(&transaction, record)? {
            summary.repeated += 1;
            continue;
        }
        match apply_one(&transaction, record)? {
            Effect::Applied => summary.applied += 1,
            Effect::Anomaly(reason) => {
                keep_anomaly(&transaction, record, &reason)?;
                summary.anomalies += 1;
            }
        }
        mark_applied(&transaction, record)?;
    }
    transaction.commit()?;
    Ok(summary)
}

fn was_applied(transaction: &Transaction<'_>, record: &Record<'_>) -> rusqlite::Result<bool> {
    let last: Option<String> = transaction
        .prepare_cached(
            "SELECT sequence_number FROM applied WHERE stream = ? AND shard = ? AND partition_key = ?",
        )?
        .query_row(params![record.stream, record.shard, record.order_key()], |row| row.get(0))
        .optional()?;
    Ok(last.is_some_and(|last| !record.is_after(&last)))
}

fn mark_applied(transaction: &Transaction<'_>, record: &Record<'_>) -> rusqlite::Result<()> {
    transaction.prepare_cached("INSERT OR REPLACE INTO applied VALUES (?, ?, ?, ?)")?.execute(params![
        record.stream,
        record.shard,
        record.order_key(),
        record.sequence_number
    ])?;
    Ok(())
}

fn keep_anomaly(transaction: &Transaction<'_>, record: &Record<'_>, reason: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO anomaly (stream, shard, sequence_number, reason) VALUES (?, ?, ?, ?)")?
        .execute(params![record.stream, record.shard, record.sequence_number, reason])?;
    Ok(())
}

/// What the function answers instead of a result: its error type, and the whole chain of causes in one message.
impl From<ApplyError> for Diagnostic {
    fn from(error: ApplyError) -> Self {
        let error_type = match &error {
            ApplyError::NotKinesis(_) => "NotKinesis",
            ApplyError::Unusable { .. } => "StateFileUnusable",
        };
        let mut error_message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            error_message = format!("{error_message}: {error}");
            cause = error.source();
        }
        Diagnostic { error_type: error_type.to_owned(), error_message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRecord, kinesis_event};

    const LOG: &str = "CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, text TEXT NOT NULL)";

    /// Keeps every payload that is not "bad".
    fn log(transaction: &Transaction<'_>, record: &Record<'_>) -> rusqlite::Result<Effect> {
        let text = String::from_utf8_lossy(record.data).into_owned();
        if text == "bad" {
            return Ok(Effect::Anomaly("it is bad".to_owned()));
        }
        transaction.execute("INSERT INTO log (text) VALUES (?)", [text])?;
        Ok(Effect::Applied)
    }

    fn column(file: &StateFile, query: &str) -> Vec<String> {
        let mut statement = file.connection().prepare(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn record(shard: &str, sequence_number: u64, partition_key: &str, data: &str) -> TestRecord {
        TestRecord {
            shard: shard.to_owned(),
            sequence_number: sequence_number.to_string(),
            partition_key: partition_key.to_owned(),
            data: data.as_bytes().to_vec(),
        }
    }

    /// Applies each batch in turn and compares the log with `expected`.
    fn check(batches: &[&[TestRecord]], expected: &[&str]) -> Summary {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StateFile::open(&folder.path().join("state.db"), LOG).unwrap();
        let mut summary = Summary::default();
        for batch in batches {
            summary = file.apply(&kinesis_event(batch), log).unwrap();
        }
        assert_eq!(column(&file, "SELECT text FROM log ORDER BY number"), expected);
        summary
    }

    #[test]
    fn records_are_applied_in_order() {
        let summary = check(&[&[record("a", 9, "k", "one"), record("a", 10, "k", "two")]], &["one", "two"]);
        assert_eq!(summary, Summary { applied: 2, ..Summary::default() });
    }

    #[test]
    fn a_repeat_of_a_batch_changes_nothing() {
        let batch = [record("a", 9, "k", "one"), record("a", 10, "k", "two"), record("a", 11, "k", "bad")];
        let summary = check(&[&batch, &batch], &["one", "two"]);
        assert_eq!(summary, Summary { repeated: 3, ..Summary::default() });
    }

    #[test]
    fn a_batch_that_begins_with_a_repeat_applies_the_rest() {
        let (one, two) = (record("a", 1, "k", "one"), record("a", 2, "k", "two"));
        let summary = check(&[std::slice::from_ref(&one), &[one.clone(), two]], &["one", "two"]);
        assert_eq!(summary, Summary { applied: 1, repeated: 1, ..Summary::default() });
    }

    #[test]
    fn each_shard_has_its_own_sequence_numbers() {
        check(&[&[record("a", 7, "k", "one")], &[record("b", 3, "k", "two")]], &["one", "two"]);
    }

    #[test]
    fn another_key_of_the_shard_may_be_behind() {
        check(&[&[record("a", 7, "k", "one")], &[record("a", 3, "l", "two")]], &["one", "two"]);
    }

    #[test]
    fn a_record_without_a_key_stands_alone() {
        let (late, early) = (record("a", 7, "", "one"), record("a", 3, "", "two"));
        check(&[std::slice::from_ref(&late), &[early], std::slice::from_ref(&late)], &["one", "two"]);
    }

    #[test]
    fn an_anomaly_is_kept_and_does_not_hold_up_the_batch() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StateFile::open(&folder.path().join("state.db"), LOG).unwrap();
        let batch = kinesis_event(&[record("a", 1, "k", "bad"), record("a", 2, "k", "good")]);
        let summary = file.apply(&batch, log).unwrap();
        assert_eq!(summary, Summary { applied: 1, repeated: 0, anomalies: 1 });
        assert_eq!(column(&file, "SELECT sequence_number || ' ' || reason FROM anomaly"), ["1 it is bad"]);
    }

    #[test]
    fn a_batch_that_fails_half_way_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StateFile::open(&folder.path().join("state.db"), LOG).unwrap();
        let batch = kinesis_event(&[record("a", 1, "k", "one"), record("a", 2, "k", "two")]);
        let fails_at_two = |transaction: &Transaction<'_>, record: &Record<'_>| match record.data {
            b"two" => Err(rusqlite::Error::InvalidQuery),
            _ => log(transaction, record),
        };
        let diagnostic = Diagnostic::from(file.apply(&batch, fails_at_two).unwrap_err());
        assert_eq!(diagnostic.error_type, "StateFileUnusable");
        assert!(diagnostic.error_message.contains("state.db cannot be used: "), "{diagnostic:?}");
        assert_eq!(file.apply(&batch, log).unwrap().applied, 2);
        assert_eq!(column(&file, "SELECT text FROM log ORDER BY number"), ["one", "two"]);
    }

    #[test]
    fn several_processes_write_one_file() {
        const WRITERS: usize = 8;
        const BATCHES: u64 = 20;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let path = &path;
                scope.spawn(move || {
                    let mut file = StateFile::open(path, LOG).unwrap();
                    for number in 0..BATCHES {
                        let shard = format!("shard-{writer}");
                        file.apply(&kinesis_event(&[record(&shard, number, "k", &shard)]), log).unwrap();
                    }
                });
            }
        });
        let file = StateFile::open(&path, LOG).unwrap();
        let counts = column(&file, "SELECT text || ' ' || count(*) FROM log GROUP BY text ORDER BY text");
        let expected: Vec<String> = (0..WRITERS).map(|writer| format!("shard-{writer} {BATCHES}")).collect();
        assert_eq!(counts, expected);
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let error = StateFile::open(Path::new("/nowhere/at/all/state.db"), LOG).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all/state.db"), "{error}");
    }
}
