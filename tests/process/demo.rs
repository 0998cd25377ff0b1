//! `pelton demo`: the sample application, with traffic, within a minute.

use crate::dev::with_cargo;
use pelton_tests::site::{pelton, run_to_end};
use pelton_tests::{Running, Signal, binary, wait};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long the demo may take, where the sample functions must be compiled first.
const PATIENCE: Duration = Duration::from_secs(150);

#[tokio::test]
async fn it_shows_batches_of_all_shards_and_a_record_that_is_given_up_and_stops_by_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = binary("pelton").ancestors().nth(2).unwrap().to_owned();
    let template = root.join("samplesam.yaml");
    let demo = pelton(["demo", "--listen", "127.0.0.1:0", "--stream-listen", "127.0.0.1:0", "--rate", "50"])
        .args(["--data-dir", "data", "--template"])
        .args([template]);
    let mut running = with_cargo(demo).env("CARGO_TARGET_DIR", target).start(&folder);

    let data_dir = folder.path().join("data");
    let all_mappings = ["CountClicks", "OrderLedgerOrders", "PageViewsClicks"];
    let all_busy = wait::within(PATIENCE, async || {
        let shards = busy_shards(&data_dir).await;
        let is_busy = |mapping: &&str| shards.iter().any(|shard| shard.starts_with(mapping));
        (shards.len() >= 4 && all_mappings.iter().all(is_busy)).then_some(())
    });
    all_busy.await.unwrap_or_else(|| panic!("no batches came:\n{}", running.printed()));
    running.wait_for_line("progress").await;
    // Six shards, though two mappings read four of them.
    running.wait_for_line(" mappings=3 shards=6").await;
    assert_story(&running, &folder, &data_dir).await;

    running.signal(Signal::INT);
    running.wait_for_exit().await.assert_code(0).assert_printed("everything in flight is settled");
    running.assert_no_survivors().await;
    assert_sound_ledger(&data_dir.join("demo/order-ledger.db"), &running);
}

/// An order is refused, given up, written to a file, and shown by the command that was printed.
async fn assert_story(running: &Running, folder: &TempDir, data_dir: &Path) {
    let put = wait::within(PATIENCE, async || {
        running.printed().find("with a negative amount into Orders").map(str::to_owned)
    });
    let put = put.await.unwrap_or_else(|| panic!("no order is refused:\n{}", running.printed()));
    let key = put.split_whitespace().nth(2).expect("it names the order").to_owned();
    let told = format!("OrderLedgerOrders gave up order {key};");
    let given_up = wait::within(PATIENCE, async || running.printed().find(&told).map(|_| ()));
    given_up.await.unwrap_or_else(|| panic!("it is not given up:\n{}", running.printed()));
    let command = running.wait_for_line("To look at it:").await;
    let command = command.split_once("To look at it:").expect("it was found by that").1.trim().to_owned();
    let shown = Command::new("sh").args(["-c", &command]).current_dir(folder).output().expect("sh starts");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains(&key) && shown.contains("\"amount\": -"), "{command}\n{shown}");

    let failed =
        fs::read_to_string(data_dir.join("failed/OrderLedgerOrders.jsonl")).expect("there is a file");
    assert_eq!(failed.lines().count(), 1, "{failed}");
    let failed: Value = serde_json::from_str(failed.trim()).expect("a line is JSON");
    assert_eq!(failed["KinesisBatchInfo"]["batchSize"], 1, "{failed}");
    assert!(failed["payload"].as_str().is_some_and(|payload| payload.contains(&key)), "{failed}");

    // What handlers print, and each attempt, is in the log file alone.
    let log = fs::read_to_string(data_dir.join("demo/log.txt")).expect("there is a log");
    for detail in ["OrderLedger | REPORT", "its batch is split", "has the negative amount"] {
        assert!(log.contains(detail), "{detail} is not in the log");
        let is_shown = running.printed().stderr().iter().any(|line| line.contains(detail));
        assert!(!is_shown, "{detail} is on the terminal:\n{}", running.printed());
    }
}

/// The shards, with their mapping, in which batches have succeeded.
async fn busy_shards(data_dir: &Path) -> Vec<String> {
    if !data_dir.join("address").exists() {
        return Vec::new();
    }
    let exit = run_to_end(pelton(["status", "--json", "--data-dir"]).args([data_dir])).await;
    let snapshot: Value = serde_json::from_str(&exit.printed.stdout().concat()).unwrap_or_default();
    let mut busy = Vec::new();
    for mapping in snapshot["mappings"].as_array().into_iter().flatten() {
        for shard in mapping["shards"].as_array().into_iter().flatten() {
            if shard["counts"]["succeeded"].as_u64() > Some(0) {
                busy.push(format!("{} {}", mapping["id"].as_str().unwrap_or_default(), shard["shard"]));
            }
        }
    }
    busy
}

/// Orders went as orders go: each once, and in order. The refused one is not among them.
fn assert_sound_ledger(file: &Path, running: &Running) {
    let count = |table: &str| {
        let ledger = rusqlite::Connection::open(file).expect("there is a ledger");
        let query = format!("SELECT count(*) FROM {table}");
        ledger.query_row(&query, [], |row| row.get::<_, u32>(0)).expect("it can be read")
    };
    let summary = running.printed().stderr().iter().rev().find_map(|line| {
        let (_, counts) = line.split_once("progress mapping=OrderLedgerOrders ")?;
        let settled = counts.split_whitespace().find_map(|count| count.strip_prefix("settled="))?;
        settled.parse::<u32>().ok()
    });
    assert_eq!(Some(count("ledger") + 1), summary, "one is given up:\n{}", running.printed());
    assert_eq!(count("anomaly"), 0, "{}", running.printed());
}
