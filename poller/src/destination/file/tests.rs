//! Lines of files, torn ones among them.

use super::*;
use crate::errors::chain;
use bytes::Bytes;
use pelton_core::stream::ShardId;
use pelton_core::{Batch, Envelope, Failure, FailureId, GiveUp, Position, Record, Timestamp};
use pelton_model::MappingId;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use std::process::Command;
use tempfile::TempDir;

/// Two records of a shard, with a line break in their data.
fn given_up(shard: &str) -> GivenUp {
    let page = Bytes::from_static(br#"{"data":"a\nb"},{"data":"c"}"#);
    let record =
        |position, range| Record::new(Position::new(position), Timestamp::default(), page.clone(), range);
    let records = vec![record("1", 0..15), record("2", 16..28)];
    let batch = Arc::new(Batch::new(records, Envelope::new(r#"{"Records":["#, "]}")));
    let failure =
        Failure { id: FailureId(0), batch, reason: GiveUp::TooOld, attempts: 3, last_reached: None };
    GivenUp { failure, shard: ShardId::new(shard), at: Timestamp::default() }
}

fn line_file(path: &Path) -> LineFile {
    let origin = Origin::kinesis(&MappingId("Ledger".into()), "arn:stream", "arn:function");
    LineFile::new(path, origin, Turns::default(), Clock::start())
}

fn path_in(folder: &TempDir) -> PathBuf {
    folder.path().join("failures.jsonl")
}

/// The shards of the lines, in order.
fn shards(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    let shard = |line: &str| {
        let document: Value = serde_json::from_str(line).unwrap();
        assert_eq!(document["payload"], r#"{"Records":[{"data":"a\nb"},{"data":"c"}]}"#);
        document["KinesisBatchInfo"]["shardId"].as_str().unwrap().to_owned()
    };
    text.lines().map(shard).collect()
}

/// Neither a look nor a delivery succeeds, and both say `why`.
async fn assert_refused(file: &LineFile, why: &str) {
    for refused in [file.check().await, file.send(&given_up("a")).await] {
        let text = chain(&refused.unwrap_err());
        assert!(text.contains(why), "{text}");
    }
}

#[tokio::test]
async fn each_failure_is_one_line_with_the_event_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = line_file(&path_in(&folder));
    file.check().await.unwrap();
    assert!(!path_in(&folder).exists(), "a look leaves no trace");
    for shard in ["a", "b"] {
        file.send(&given_up(shard)).await.unwrap();
    }
    file.check().await.unwrap();
    assert_eq!(shards(&path_in(&folder)), ["a", "b"]);
}

#[tokio::test]
async fn shards_and_mappings_that_append_at_once_never_mix_their_lines() {
    const WRITERS: usize = 16;
    const LINES: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let file = line_file(&path_in(&folder));
            tokio::spawn(async move {
                for _ in 0..LINES {
                    file.send(&given_up(&writer.to_string())).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let shards = shards(&path_in(&folder));
    assert_eq!(shards.len(), WRITERS * LINES);
    for writer in 0..WRITERS {
        assert_eq!(shards.iter().filter(|shard| **shard == writer.to_string()).count(), LINES);
    }
}

#[tokio::test]
async fn a_line_never_continues_one_that_a_crash_tore() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(path_in(&folder), "{\"requestContext\":{\"reque").unwrap();
    let file = line_file(&path_in(&folder));
    for _ in 0..2 {
        file.send(&given_up("a")).await.unwrap();
    }
    let text = fs::read_to_string(path_in(&folder)).unwrap();
    let lines: Vec<bool> = text.lines().map(|line| serde_json::from_str::<Value>(line).is_ok()).collect();
    assert_eq!(lines, [false, true, true]);
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named_and_works_once_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none").join("failures.jsonl");
    let file = line_file(&path);
    assert_refused(&file, "failures.jsonl: its folder does not exist").await;
    fs::create_dir(path.parent().unwrap()).unwrap();
    file.send(&given_up("a")).await.unwrap();
    assert_eq!(shards(&path), ["a"]);
}

#[tokio::test]
async fn a_folder_in_the_place_of_the_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(&line_file(folder.path()), "it is not a file").await;
    assert_refused(&line_file(Path::new("/dev/null")), "it is not a file").await;
}

#[tokio::test]
async fn a_line_that_does_not_fit_on_the_disk_leaves_nothing_of_itself() {
    // A limit on the size of files stands in for a full disk, in a process of its own.
    let test = "a_line_that_does_not_fit_on_the_disk_leaves_nothing_of_itself";
    if let Some(path) = std::env::var_os("PELTON_TEST_FILE").map(PathBuf::from) {
        let file = line_file(&path);
        file.send(&given_up("a")).await.unwrap();
        let len = fs::metadata(&path).unwrap().len();
        let room = getrlimit(Resource::Fsize);
        setrlimit(Resource::Fsize, Rlimit { current: Some(len + 10), ..room }).unwrap();
        let refused = chain(&file.send(&given_up("b")).await.unwrap_err());
        assert!(refused.contains("check the free disk space"), "{refused}");
        assert_eq!(shards(&path), ["a"]);
        setrlimit(Resource::Fsize, room).unwrap();
        file.send(&given_up("b")).await.unwrap();
        assert_eq!(shards(&path), ["a", "b"]);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut again = Command::new("sh");
    again.arg("-c").arg("trap '' XFSZ; exec \"$0\" --exact \"$1\" --nocapture");
    again.arg(std::env::current_exe().unwrap()).arg(format!("destination::file::tests::{test}"));
    let output = again.env("PELTON_TEST_FILE", path_in(&folder)).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_lock_of_another_program_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = line_file(&path_in(&folder));
    let lock = File::create(path_in(&folder)).unwrap();
    lock.lock().unwrap();
    let (given_up, clock) = (given_up("a"), Clock::start());
    let (sent, ()) = tokio::join!(file.send(&given_up), async {
        clock.sleep(Duration::from_millis(50)).await;
        lock.unlock().unwrap();
    });
    sent.unwrap();
    assert_eq!(shards(&path_in(&folder)), ["a"]);
}
