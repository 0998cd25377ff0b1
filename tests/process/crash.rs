//! `kill -9` of the poller, again and again, while records come in.

use pelton::clock::Clock;
use pelton_tests::Signal;
use pelton_tests::chance;
use pelton_tests::lives::{assert_nothing_lost, lives_of};
use pelton_tests::producer::Producer;
use pelton_tests::site::{Site, StreamServer, template, until};
use std::ops::Range;
use std::time::Duration;

/// How often the poller is killed.
const KILLS: usize = 20;

/// The moment of a kill, in milliseconds after the start: some come while the poller still starts.
const KILLED_AFTER_MS: Range<u64> = 0..600;

/// The moment of a kill that comes while the poller stops, in milliseconds after it was told to.
const KILLED_WHILE_STOPPING_AFTER_MS: Range<u64> = 0..15;

/// Keys of the records, several in each shard.
const KEYS: usize = 8;

/// From one put to the next.
const PUT_EVERY: Duration = Duration::from_millis(10);

#[tokio::test]
async fn a_kill_9_at_any_moment_loses_nothing_and_repeats_at_most_the_batch_in_flight_of_each_shard() {
    let mut random = fastrand::Rng::with_seed(chance::seed());
    let function = "Environment: {Variables: {INIT: leave_children}}";
    let site = Site::new(&template(function, "BatchSize: 10"));
    site.behave("pause 3");
    let server = StreamServer::start(&["orders:4"]).await;
    let producer = Producer::start(server.client.clone(), "orders", KEYS, PUT_EVERY);

    let clock = Clock::start();
    let mut batches_at_kill = Vec::new();
    for _ in 0..KILLS {
        let mut running = site.run(&server.endpoint).start(&site.folder);
        clock.sleep(Duration::from_millis(random.u64(KILLED_AFTER_MS))).await;
        if random.u8(..4) == 0 {
            running.signal(Signal::TERM);
            clock.sleep(Duration::from_millis(random.u64(KILLED_WHILE_STOPPING_AFTER_MS))).await;
        }
        running.signal(Signal::KILL);
        running.wait_for_exit().await;
        running.assert_no_survivors().await;
        batches_at_kill.push(site.journal().began().len());
    }
    let put = producer.stop().await.shards;

    let mut running = site.start(&server).await;
    let last = put.values().filter_map(|records| records.last()).cloned().collect::<Vec<_>>();
    let journal = site.journal();
    until(&running, "the last record of each shard is done with", || {
        let ended = journal.ended();
        last.iter().all(|last| ended.iter().any(|batch| batch.data().last() == Some(&last.as_str())))
    })
    .await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);

    let began = journal.began();
    assert!(began.len() > KILLS, "the function hardly ran: {} batches", began.len());
    for (shard, records) in &put {
        assert_nothing_lost(shard, records, &lives_of(shard, &began, &batches_at_kill));
    }
}
