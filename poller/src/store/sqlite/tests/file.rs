//! Files that are damaged, foreign, locked, or not there.

use super::*;
use crate::errors::chain;
use crate::ports::StoreError;
use rusqlite::Connection;

/// Opening `file` fails as corrupt, and the causes say `why`.
fn check_corrupt(file: &Path, why: &str) {
    match SqliteStore::open(file, Clock::start()).err() {
        Some(error @ StoreError::Corrupt { .. }) => {
            assert!(chain(&error).contains(why), "{}", chain(&error))
        }
        other => panic!("corrupt expected, got {other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_is_not_pelton_s_is_never_taken_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);

    std::fs::write(&file, b"").unwrap();
    check_corrupt(&file, "not a checkpoints file of Pelton, or was cut short");
    std::fs::write(&file, [0x5a; 9000]).unwrap();
    check_corrupt(&file, "file is not a database");
    std::fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE mapping (id TEXT)").unwrap();
    check_corrupt(&file, "not a checkpoints file of Pelton");
}

#[tokio::test]
async fn a_damaged_file_stops_pelton_before_it_polls() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    drop(open_started(&file, 500).await);
    let whole = std::fs::read(&file).unwrap();
    assert!(whole.len() > 5 * 4096, "several pages");

    for len in (0..whole.len()).step_by(1000) {
        std::fs::write(&file, &whole[..len]).unwrap();
        check_corrupt(&file, "");
    }
    let mut scribbled = whole.clone();
    scribbled[3 * 4096..4 * 4096].fill(0xee);
    std::fs::write(&file, &scribbled).unwrap();
    check_corrupt(&file, "");
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(loaded(&open(&file)).await.shards.len(), 500);
}

#[tokio::test]
async fn a_file_of_a_newer_pelton_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    drop(open_started(&file, 1).await);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 3).unwrap();
    check_corrupt(&file, "written by a newer Pelton: its schema is 3, this one knows 2");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 2).unwrap();
    loaded(&open(&file)).await;
}

#[tokio::test]
async fn a_file_of_an_older_pelton_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    drop(open_started(&file, 1).await);
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 1).unwrap();
    check_corrupt(
        &file,
        "written by an older Pelton: its schema is 1, this one knows 2; remove it to start again",
    );
}

#[tokio::test]
async fn a_log_without_its_file_is_not_replayed_into_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    std::fs::write(folder.path().join("checkpoints.db-wal"), b"log").unwrap();
    check_corrupt(&file, "checkpoints.db-wal is there, but the file that it belongs to is gone");
    assert!(!file.exists());
}

#[tokio::test]
async fn an_unfinished_new_file_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("checkpoints.db.new"), b"half").unwrap();
    open_started(&file_in(&folder), 1).await;
    assert!(!folder.path().join("checkpoints.db.new").exists());
}

#[tokio::test]
async fn a_row_that_cannot_be_understood_is_an_error_not_a_guess() {
    for (rows, why) in [
        ("start_kind = 'yesterday'", "unknown start: kind Some(\"yesterday\")"),
        ("start_kind = 'at_timestamp', start_ms = NULL", "unknown start"),
        ("start_kind = 'at_timestamp', start_ms = -1", "a moment of -1 ms"),
        ("ahead = x'0102030405060708ff'", "9 bytes of what is settled ahead"),
        ("window_start_ms = 60000", "half a window: from Some(60000) to None"),
        ("window_start_ms = 0, window_end_ms = -1, window_state = x''", "a moment of -1 ms"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = file_in(&folder);
        drop(open_started(&file, 1).await);
        Connection::open(&file).unwrap().execute(&format!("UPDATE shard SET {rows}"), []).unwrap();
        let error = open(&file).load(&mapping()).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }));
        assert!(chain(&error).contains(why), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_locked_file_is_named_and_works_again_once_unlocked() {
    let folder = tempfile::tempdir().unwrap();
    let file = file_in(&folder);
    let store = open_started(&file, 1).await;
    let shell = Connection::open(&file).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let opened = SqliteStore::open(&file, Clock::start()).err().expect("the file is locked");
    let saved = store.save(&mapping(), &shard(0), &at("10")).await.unwrap_err();
    for error in [opened, saved] {
        assert!(matches!(error, StoreError::Unwritable { .. }));
        assert!(chain(&error).contains("another program holds a lock on it"), "{}", chain(&error));
    }
    shell.execute_batch("ROLLBACK").unwrap();
    store.save(&mapping(), &shard(0), &at("10")).await.unwrap();
    assert_eq!(checkpoint_of(&store, 0).await, at("10"));
}

#[tokio::test]
async fn a_file_in_a_folder_that_does_not_exist_is_unwritable() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(&folder.path().join("no/checkpoints.db"), Clock::start()).err().unwrap();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
}
