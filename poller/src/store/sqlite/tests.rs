//! The store, through its port and over real files.

use super::SqliteStore;
use crate::application::MappingId;
use crate::clock::Clock;
use crate::ports::{CheckpointStore, MappingState, ShardState, StoreError, StreamIdentity};
use pelton_core::plan::{NewShard, ShardId, ShardStart};
use pelton_core::{Checkpoint, Position, Timestamp};
use rusqlite::Connection;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

fn mapping() -> MappingId {
    MappingId("OrderLedgerOrders".into())
}

fn stream(created: u64) -> StreamIdentity {
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders".into();
    StreamIdentity { arn, created: Timestamp::from_millis(created) }
}

fn shard(number: u32) -> ShardId {
    ShardId::new(&format!("shardId-{number:012}"))
}

fn new_shard(number: u32) -> NewShard {
    NewShard { id: shard(number), start: Some(ShardStart::TrimHorizon) }
}

fn at(position: &str) -> Checkpoint {
    Checkpoint { position: Some(Position::new(position)), ended: false }
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("checkpoints.db")
}

fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, Clock::start()).unwrap()
}

async fn open_started(file: &Path, shards: u32) -> SqliteStore {
    let store = open(file);
    let shards: Vec<NewShard> = (0..shards).map(new_shard).collect();
    store.start(&mapping(), &stream(1), &shards).await.unwrap();
    store
}

async fn loaded(store: &SqliteStore) -> MappingState {
    store.load(&mapping()).await.unwrap().expect("the mapping was started")
}

async fn checkpoint_of(store: &SqliteStore, number: u32) -> Checkpoint {
    loaded(store).await.shards[&shard(number)].checkpoint.clone()
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Opening `file` fails as corrupt, and the causes say `why`.
fn check_corrupt(file: &Path, why: &str) {
    match SqliteStore::open(file, Clock::start()).err() {
        Some(error @ StoreError::Corrupt { .. }) => assert!(chain(&error).contains(why), "{}", chain(&error)),
        other => panic!("corrupt expected, got {other:?}"),
    }
}

#[tokio::test]
async fn what_is_kept_outlives_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let starts = [
        None,
        Some(ShardStart::TrimHorizon),
        Some(ShardStart::AtTimestamp(Timestamp::from_millis(5))),
        Some(ShardStart::AfterLatest(Timestamp::from_millis(6))),
    ];
    let shards: Vec<NewShard> =
        (0..).zip(starts).map(|(number, start)| NewShard { id: shard(number), start }).collect();
    {
        let store = open(&file_in(&folder));
        assert_eq!(store.load(&mapping()).await.unwrap(), None);
        store.start(&mapping(), &stream(7), &shards).await.unwrap();
        store
            .save(&mapping(), &shard(1), &at("49590338271490256608559692538361571095921575989136588898"))
            .await
            .unwrap();
        let ended = Checkpoint { position: None, ended: true };
        store.save(&mapping(), &shard(3), &ended).await.unwrap();
    }
    let state = loaded(&open(&file_in(&folder))).await;
    assert_eq!(state.stream, stream(7));
    let kept: Vec<(Option<ShardStart>, Checkpoint)> =
        state.shards.into_values().map(|ShardState { start, checkpoint }| (start, checkpoint)).collect();
    let position = at("49590338271490256608559692538361571095921575989136588898");
    let ended = Checkpoint { position: None, ended: true };
    assert_eq!(
        kept,
        [
            (starts[0], ended.clone()),
            (starts[1], position),
            (starts[2], Checkpoint::default()),
            (starts[3], ended)
        ]
    );
}

#[tokio::test]
async fn a_shard_that_is_kept_is_not_set_back_by_adding_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 1).await;
    store.save(&mapping(), &shard(0), &at("10")).await.unwrap();
    store.add_shards(&mapping(), &[new_shard(0), new_shard(1)]).await.unwrap();
    assert_eq!(checkpoint_of(&store, 0).await, at("10"));
    assert_eq!(checkpoint_of(&store, 1).await, Checkpoint::default());
}

#[tokio::test]
async fn removed_shards_are_forgotten_and_removing_them_again_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 3).await;
    for _ in 0..2 {
        store.remove_shards(&mapping(), &[shard(0), shard(2)]).await.unwrap();
        assert_eq!(loaded(&store).await.shards.into_keys().collect::<Vec<_>>(), [shard(1)]);
    }
}

#[tokio::test]
async fn a_start_forgets_every_position_of_the_former_stream() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 2).await;
    let other = MappingId("ClickCounterClicks".into());
    store.start(&other, &stream(1), &[new_shard(0)]).await.unwrap();
    store.save(&other, &shard(0), &at("77")).await.unwrap();
    store.save(&mapping(), &shard(0), &at("10")).await.unwrap();
    store.start(&mapping(), &stream(2), &[new_shard(0)]).await.unwrap();
    let state = loaded(&store).await;
    assert_eq!(state.stream, stream(2));
    assert_eq!(state.shards.len(), 1);
    assert_eq!(state.shards[&shard(0)].checkpoint, Checkpoint::default());
    let others = store.load(&other).await.unwrap().unwrap();
    assert_eq!(others.shards[&shard(0)].checkpoint, at("77"), "another mapping is not touched");
}

#[tokio::test]
async fn a_late_save_of_a_forgotten_shard_is_refused_and_brings_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 2).await;
    store.start(&mapping(), &stream(2), &[new_shard(7)]).await.unwrap();
    let error = store.save(&mapping(), &shard(1), &at("10")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }));
    assert!(chain(&error).contains("shard shardId-000000000001 of mapping OrderLedgerOrders is not in it"));
    let unknown = MappingId("Gone".into());
    store.add_shards(&unknown, &[new_shard(0)]).await.unwrap_err();
    assert_eq!(store.load(&unknown).await.unwrap(), None);
    assert_eq!(loaded(&store).await.shards.into_keys().collect::<Vec<_>>(), [shard(7)]);
}

#[tokio::test]
async fn requests_are_carried_out_in_the_order_in_which_they_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 1).await;
    let (mapping, shard, shards, stream) = (mapping(), shard(0), [new_shard(0)], stream(2));
    let (late, restart) = (at("10"), at("20"));
    let (first, second, third, state) = tokio::join!(
        store.save(&mapping, &shard, &late),
        store.start(&mapping, &stream, &shards),
        store.save(&mapping, &shard, &restart),
        store.load(&mapping),
    );
    first.and(second).and(third).unwrap();
    assert_eq!(state.unwrap().unwrap().shards[&shard].checkpoint, restart);
}

#[tokio::test]
async fn many_savers_at_once_are_each_answered_and_each_kept() {
    const SAVERS: u32 = 64;
    const SAVES: u32 = 50;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open_started(&file_in(&folder), SAVERS).await);
    let savers: Vec<_> = (0..SAVERS)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                for save in 0..SAVES {
                    store.save(&mapping(), &shard(number), &at(&save.to_string())).await.unwrap();
                }
            })
        })
        .collect();
    for saver in savers {
        saver.await.unwrap();
    }
    let last = at(&(SAVES - 1).to_string());
    assert!(loaded(&store).await.shards.values().all(|shard| shard.checkpoint == last));
}

#[tokio::test]
async fn a_save_once_begun_is_carried_out_though_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_started(&file_in(&folder), 1).await;
    let (mapping, shard, checkpoint) = (mapping(), shard(0), at("10"));
    tokio::select! {
        biased;
        _ = store.save(&mapping, &shard, &checkpoint) => {}
        () = std::future::ready(()) => {}
    }
    assert_eq!(checkpoint_of(&store, 0).await, checkpoint);
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

    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    check_corrupt(&file, "");
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
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 2).unwrap();
    check_corrupt(&file, "written by a newer Pelton: its schema is 2, this one knows 1");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 1).unwrap();
    loaded(&open(&file)).await;
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

/// Runs the calling test again in a process of its own, where it finds `folder` in the environment.
fn again_in_a_process(test: &str, folder: &TempDir, shell_prelude: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{shell_prelude} exec \"$0\" --exact \"$1\" --nocapture"));
    command.arg(std::env::current_exe().unwrap()).arg(format!("store::sqlite::tests::{test}"));
    command.env("PELTON_TEST_FOLDER", folder.path());
    command
}

fn folder_of_this_process() -> Option<PathBuf> {
    std::env::var_os("PELTON_TEST_FOLDER").map(PathBuf::from)
}

#[tokio::test]
async fn what_was_answered_survives_kill_9() {
    const SAVES_MIN: u64 = 300;
    if let Some(folder) = folder_of_this_process() {
        let store = open_started(&folder.join("checkpoints.db"), 1).await;
        for save in 0_u64.. {
            store.save(&mapping(), &shard(0), &at(&save.to_string())).await.unwrap();
            println!("\nsaved {save}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut saver = again_in_a_process("what_was_answered_survives_kill_9", &folder, "")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(saver.stdout.take().unwrap()).lines();
    let mut answered = 0;
    for line in lines.map_while(Result::ok) {
        if let Some(save) = line.strip_prefix("saved ") {
            answered = save.parse().unwrap();
            if answered == SAVES_MIN {
                saver.kill().unwrap();
            }
        }
    }
    saver.wait().unwrap();
    assert!(answered >= SAVES_MIN);
    let kept = checkpoint_of(&open(&file_in(&folder)), 0).await.position.unwrap();
    let kept: u64 = kept.as_str().parse().unwrap();
    assert!(kept == answered || kept == answered + 1, "answered {answered}, kept {kept}");
}

/// A limit on the size of files stands in for a full disk: writes beyond it fail, and go on when it is raised.
#[tokio::test]
async fn a_full_disk_is_an_error_loses_nothing_and_passes() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if let Some(folder) = folder_of_this_process() {
        let store = open_started(&folder.join("checkpoints.db"), 200).await;
        let room = getrlimit(Resource::Fsize);
        setrlimit(Resource::Fsize, Rlimit { current: Some(256 * 1024), ..room }).unwrap();
        let mut kept = vec![Checkpoint::default(); 200];
        let mut saves = (0_u32..100_000).map(|save| (save % 200, at(&save.to_string())));
        let refused = loop {
            let (number, checkpoint) = saves.next().expect("the disk fills up");
            match store.save(&mapping(), &shard(number), &checkpoint).await {
                Ok(()) => kept[number as usize] = checkpoint,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, StoreError::Unwritable { .. }), "{refused:?}");
        for number in 0..200 {
            assert_eq!(
                checkpoint_of(&store, number).await,
                kept[number as usize],
                "what was refused was not kept"
            );
        }
        setrlimit(Resource::Fsize, room).unwrap();
        store.save(&mapping(), &shard(0), &at("room")).await.unwrap();
        drop(store);
        assert_eq!(checkpoint_of(&open(&folder.join("checkpoints.db")), 0).await, at("room"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let test = "a_full_disk_is_an_error_loses_nothing_and_passes";
    let output = again_in_a_process(test, &folder, "trap '' XFSZ;").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
