//! A process that is killed, and a disk that is full.

use super::*;
use crate::ports::StoreError;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Runs the calling test again in a process of its own, where it finds `folder` in the environment.
fn again_in_a_process(test: &str, folder: &TempDir, shell_prelude: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{shell_prelude} exec \"$0\" --exact \"$1\" --nocapture"));
    command.arg(std::env::current_exe().unwrap()).arg(format!("store::sqlite::tests::crash::{test}"));
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
