//! Starts, stops and kills while records flow: the next start goes on from the checkpoint.

use super::world::{FROM_THE_OLDEST, World, assert_each_once_in_order, stop, until_ended};
use pelton::clock::Clock;
use pelton_tests::Signal;
use pelton_tests::chance;
use pelton_tests::lives::{assert_nothing_lost, lives_of};
use pelton_tests::site::until;
use std::ops::Range;
use std::time::Duration;

/// How often the poller is killed, or stopped.
const ENDS: usize = 5;

/// The moment of a kill, in milliseconds after the start: some come while the poller still starts.
const KILLED_AFTER_MS: Range<u64> = 0..1500;

#[tokio::test]
async fn a_kill_9_loses_nothing_and_repeats_at_most_the_batch_in_flight_of_each_shard() {
    let mut random = fastrand::Rng::with_seed(chance::seed());
    let clock = Clock::start();
    let world = World::with_shards(3).await;
    let site = world.site(&[FROM_THE_OLDEST]);
    site.behave("pause 20");
    let producer = world.produce();
    let mut batches_at_kill = Vec::new();
    for _ in 0..ENDS {
        let mut running = world.run(&site).start(&site.folder);
        clock.sleep(Duration::from_millis(random.u64(KILLED_AFTER_MS))).await;
        running.signal(Signal::KILL);
        running.wait_for_exit().await;
        running.assert_no_survivors().await;
        batches_at_kill.push(site.journal().began().len());
    }
    let put = producer.stop().await;
    let mut running = world.start(&site).await;
    let journal = site.journal();
    until(&running, "the last record of each shard is done with", || {
        let ended = journal.ended();
        let mut last = put.shards.values().filter_map(|records| records.last());
        last.all(|last| ended.iter().any(|batch| batch.data().last() == Some(&last.as_str())))
    })
    .await;
    stop(&mut running, Signal::TERM).await;
    let began = journal.began();
    for (shard, records) in &put.shards {
        assert_nothing_lost(shard, records, &lives_of(shard, &began, &batches_at_kill));
    }
    world.delete_stream().await;
}

#[tokio::test]
async fn sigterm_loses_nothing_and_repeats_nothing() {
    let world = World::with_shards(3).await;
    let site = world.site(&[FROM_THE_OLDEST]);
    site.behave("pause 20");
    let journal = site.journal();
    let producer = world.produce();
    for _ in 0..ENDS {
        let mut running = world.start(&site).await;
        until_ended(&running, &journal, journal.records_ended() + 1).await;
        stop(&mut running, Signal::TERM).await;
    }
    let put = producer.stop().await;
    let mut running = world.start(&site).await;
    until_ended(&running, &journal, put.records()).await;
    stop(&mut running, Signal::TERM).await;
    assert_each_once_in_order(&journal.ended(), &put);
    assert_eq!(journal.began().len(), journal.ended().len(), "no batch was begun twice");
    world.delete_stream().await;
}
