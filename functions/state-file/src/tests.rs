//! Batches, repeats and failures, each with a file of its own.

use super::*;
use lambda_ordered::testing::{Answer, Kit, TestRecord};
use lambda_ordered::{Error, Handler, Kinesis, OnFailure, OnUndecodable, Plain};
use lambda_runtime::Diagnostic;
use tempfile::TempDir;

const LOG: &str = "CREATE TABLE IF NOT EXISTS log (number INTEGER PRIMARY KEY, text TEXT NOT NULL)";

/// Keeps every payload but `bad`, and fails on `broken` after it kept it.
struct Log {
    file: StateFile,
    committed: Summary,
}

impl Handler for Log {
    type Source = Kinesis;
    type Payload = ();
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn begin(&mut self) -> Result<(), Error> {
        Ok(self.file.begin()?)
    }

    async fn handle(&mut self, (): (), record: &Record<'_, Kinesis>) -> Result<(), Error> {
        let text = String::from_utf8_lossy(&record.raw.kinesis.data);
        Ok(self.file.once(record, |database| {
            if text == "bad" {
                return Ok(Effect::Anomaly("it is bad".to_owned()));
            }
            database.execute("INSERT INTO log (text) VALUES (?)", [&text])?;
            if text == "broken" { Err(rusqlite::Error::InvalidQuery) } else { Ok(Effect::Applied) }
        })?)
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.committed = self.file.commit()?;
        Ok(())
    }

    async fn rollback(&mut self) {
        self.file.rollback();
    }
}

struct Bench {
    kit: Kit<Plain<Log>>,
    _folder: TempDir,
}

impl Bench {
    fn new(on_failure: OnFailure) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("state.db"), LOG).unwrap();
        let log = Log { file, committed: Summary::default() };
        Self { kit: Kit::new(log, on_failure), _folder: folder }
    }

    async fn deliver(&mut self, records: &[TestRecord]) -> Result<Answer, Diagnostic> {
        self.kit.deliver(records).await
    }

    /// What was kept, in order.
    fn log(&mut self) -> Vec<String> {
        self.kit.handler().file.column("SELECT text FROM log ORDER BY number").unwrap()
    }
}

fn record(shard: &str, sequence_number: u64, key: &str, data: &str) -> TestRecord {
    TestRecord::new(sequence_number, data).in_shard(shard).with_key(key)
}

/// Delivers each batch in turn and compares the log with `expected`. Returns what the last one did.
async fn check(batches: &[&[TestRecord]], expected: &[&str]) -> Summary {
    let mut bench = Bench::new(OnFailure::ReportRecord);
    for batch in batches {
        bench.deliver(batch).await.unwrap();
    }
    assert_eq!(bench.log(), expected);
    bench.kit.handler().committed
}

#[tokio::test]
async fn records_are_applied_in_order() {
    let summary = check(&[&[record("a", 9, "k", "one"), record("a", 10, "k", "two")]], &["one", "two"]).await;
    assert_eq!(summary, Summary { applied: 2, ..Summary::default() });
}

#[tokio::test]
async fn a_repeat_of_a_batch_changes_nothing() {
    let batch = [record("a", 9, "k", "one"), record("a", 10, "k", "two"), record("a", 11, "k", "bad")];
    let summary = check(&[&batch, &batch], &["one", "two"]).await;
    assert_eq!(summary, Summary { repeated: 3, ..Summary::default() });
}

#[tokio::test]
async fn a_batch_that_begins_with_a_repeat_applies_the_rest() {
    let (one, two) = (record("a", 1, "k", "one"), record("a", 2, "k", "two"));
    let summary = check(&[std::slice::from_ref(&one), &[one.clone(), two]], &["one", "two"]).await;
    assert_eq!(summary, Summary { applied: 1, repeated: 1, ..Summary::default() });
}

#[tokio::test]
async fn each_shard_has_its_own_sequence_numbers() {
    check(&[&[record("a", 7, "k", "one")], &[record("b", 3, "k", "two")]], &["one", "two"]).await;
}

#[tokio::test]
async fn another_key_of_the_shard_may_be_behind() {
    check(&[&[record("a", 7, "k", "one")], &[record("a", 3, "l", "two")]], &["one", "two"]).await;
}

#[tokio::test]
async fn a_record_without_a_key_stands_alone() {
    let (late, early) = (record("a", 7, "", "one"), record("a", 3, "", "two"));
    check(&[std::slice::from_ref(&late), &[early], std::slice::from_ref(&late)], &["one", "two"]).await;
}

#[tokio::test]
async fn an_anomaly_is_kept_and_does_not_hold_up_the_batch() {
    let mut bench = Bench::new(OnFailure::ReportRecord);
    bench.deliver(&[record("a", 1, "k", "bad"), record("a", 2, "k", "good")]).await.unwrap();
    let Log { file, committed } = bench.kit.handler();
    assert_eq!(*committed, Summary { applied: 1, repeated: 0, anomalies: 1 });
    let anomalies = file.column("SELECT sequence_number || ' ' || reason FROM anomaly").unwrap();
    assert_eq!(anomalies, ["1 it is bad"]);
}

#[tokio::test]
async fn a_record_that_fails_leaves_nothing_behind_and_what_was_before_it_stays() {
    let mut bench = Bench::new(OnFailure::ReportRecord);
    let batch = [record("a", 1, "k", "one"), record("a", 2, "k", "broken"), record("a", 3, "k", "three")];
    let answer = bench.deliver(&batch).await.unwrap();
    assert_eq!(answer.failures, ["2"]);
    assert_eq!(bench.log(), ["one"]);
    bench.deliver(&batch[2..]).await.unwrap();
    assert_eq!(bench.log(), ["one", "three"]);
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_leaves_nothing_behind_and_nothing_locked() {
    let mut bench = Bench::new(OnFailure::FailBatch);
    let batch = [record("a", 1, "k", "one"), record("a", 2, "k", "broken")];
    let diagnostic = bench.deliver(&batch).await.unwrap_err();
    assert_eq!(diagnostic.error_type, "RecordFailed");
    assert!(diagnostic.error_message.contains("state.db cannot be used: "), "{diagnostic:?}");
    assert_eq!(bench.log(), [""; 0]);
    assert!(bench.kit.handler().file.connection().is_autocommit());
    bench.deliver(&batch[..1]).await.unwrap();
    assert_eq!(bench.log(), ["one"]);
}

#[tokio::test]
async fn a_transaction_that_an_earlier_invocation_left_open_is_undone() {
    let mut bench = Bench::new(OnFailure::ReportRecord);
    let file = &mut bench.kit.handler_mut().file;
    file.begin().unwrap();
    file.connection().execute("INSERT INTO log (text) VALUES ('half')", []).unwrap();
    bench.deliver(&[record("a", 1, "k", "one")]).await.unwrap();
    assert_eq!(bench.log(), ["one"]);
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
                let file = StateFile::open(path, LOG).unwrap();
                let log = Log { file, committed: Summary::default() };
                let mut kit = Kit::new(log, OnFailure::FailBatch);
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                for number in 0..BATCHES {
                    let shard = format!("shard-{writer}");
                    runtime.block_on(kit.deliver(&[record(&shard, number, "k", &shard)])).unwrap();
                }
            });
        }
    });
    let file = StateFile::open(&path, LOG).unwrap();
    let counts = file.column("SELECT text || ' ' || count(*) FROM log GROUP BY text ORDER BY text").unwrap();
    let expected: Vec<String> = (0..WRITERS).map(|writer| format!("shard-{writer} {BATCHES}")).collect();
    assert_eq!(counts, expected);
}

#[test]
fn a_file_that_cannot_be_made_is_named() {
    let error = StateFile::open(Path::new("/nowhere/at/all/state.db"), LOG).unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all/state.db"), "{error}");
}
