//! `pelton demo`: the sample application, with traffic, within a minute.

use crate::dev::with_cargo;
use pelton_tests::site::{pelton, run_to_end};
use pelton_tests::{Running, Signal, binary, wait};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How long the demo may take, where the sample functions must be compiled first.
const PATIENCE: Duration = Duration::from_secs(150);

#[tokio::test]
async fn it_shows_batches_of_several_shards_of_the_sample_functions_and_stops_by_ctrl_c() {
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

    running.signal(Signal::INT);
    running.wait_for_exit().await.assert_code(0).assert_printed("everything in flight is settled");
    running.assert_no_survivors().await;
    assert_sound_ledger(&folder.path().join("data/demo/order-ledger.db"), &running);
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

/// Orders went as orders go: each once, and in order.
fn assert_sound_ledger(file: &Path, running: &Running) {
    let count = |table: &str| {
        let ledger = rusqlite::Connection::open(file).expect("there is a ledger");
        let query = format!("SELECT count(*) FROM {table}");
        ledger.query_row(&query, [], |row| row.get::<_, u32>(0)).expect("it can be read")
    };
    assert!(count("ledger") > 0);
    assert_eq!(count("anomaly"), 0, "{}", running.printed());
}
