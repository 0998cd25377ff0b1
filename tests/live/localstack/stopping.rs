//! Ctrl-C in mid-batch, and a function that is slower than the stream.

use super::world::{FROM_THE_OLDEST, Mapping, World, assert_numbers, stop, until_ended};
use pelton_tests::journal::{Batch, Step};
use pelton_tests::site::until;
use pelton_tests::{Signal, http, wait};
use serde_json::Value;
use std::collections::BTreeSet;

/// Some in each of three shards.
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn shards(batches: &[Batch]) -> BTreeSet<&str> {
    batches.iter().map(|batch| batch.shard.as_str()).collect()
}

#[tokio::test]
async fn ctrl_c_in_mid_batch_lets_the_batch_of_each_shard_finish_and_nothing_is_repeated() {
    let world = World::with_shards(3).await;
    world.put_numbers(&KEYS, 0..20).await;
    let site = world.site(&[FROM_THE_OLDEST]);
    site.behave("hold");
    let mut running = world.start(&site).await;
    let journal = site.journal();
    until(&running, "a batch of each shard is in flight", || shards(&journal.began()).len() == 3).await;
    running.signal(Signal::INT);
    running.wait_for_line("batches in flight finish").await;
    let address = wait::for_file(&site.data_dir().join("address")).await;
    wait::until("every shard is draining", async || {
        let answer = http::get(&address, "/status").await.ok()?;
        let status: Value = serde_json::from_slice(answer.body()).ok()?;
        let shards = status["mappings"][0]["shards"].as_array()?;
        shards.iter().all(|shard| shard["phase"] == "draining").then_some(())
    })
    .await;
    site.behave("succeed");
    running.wait_for_exit().await.assert_code(0).assert_printed("everything in flight is settled");
    running.assert_no_survivors().await;
    assert_eq!((journal.began().len(), journal.ended().len()), (3, 3), "nothing new was started");

    let mut running = world.start(&site).await;
    until_ended(&running, &journal, 120).await;
    stop(&mut running, Signal::TERM).await;
    assert_numbers(&journal.ended(), &KEYS, 0..20);
    assert_eq!(journal.began().len(), journal.ended().len(), "no batch was begun twice");
    world.delete_stream().await;
}

#[tokio::test]
async fn a_function_slower_than_the_stream_gets_full_batches_one_at_a_time_in_order() {
    let world = World::with_shards(2).await;
    let site = world.site(&[Mapping { batch_size: 25, ..FROM_THE_OLDEST }]);
    site.behave("pause 100");
    let mut running = world.start(&site).await;
    world.put_numbers(&KEYS, 0..100).await;
    let journal = site.journal();
    until_ended(&running, &journal, 600).await;
    stop(&mut running, Signal::TERM).await;
    assert_numbers(&journal.ended(), &KEYS, 0..100);
    for shard in shards(&journal.began()) {
        let of_shard: Vec<Batch> =
            journal.batches().into_iter().filter(|batch| batch.shard == shard).collect();
        assert!(
            of_shard.chunks(2).all(|pair| pair[0].step == Step::Began && pair[1].step == Step::Ended),
            "{shard}: one batch at a time"
        );
        let began = of_shard.iter().filter(|batch| batch.step == Step::Began);
        let sizes: Vec<usize> = began.map(|batch| batch.records.len()).collect();
        assert!(sizes.iter().all(|size| *size <= 25), "{shard}: {sizes:?}");
        assert!(sizes.iter().filter(|size| **size == 25).count() * 2 >= sizes.len(), "{shard}: {sizes:?}");
    }
    world.delete_stream().await;
}
