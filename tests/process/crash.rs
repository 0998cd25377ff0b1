//! `kill -9` of the poller, again and again, while records come in.

use crate::journal::Batch;
use crate::site::{Site, StreamServer, template, until};
use aws_sdk_kinesis::Client;
use pelton::clock::Clock;
use pelton_tests::{Signal, kinesis};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use tokio::sync::watch;

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

/// Repeats a failed run: what the failure shows.
const SEED_VARIABLE: &str = "PELTON_TEST_SEED";

/// The data of every record of each shard, in order.
type Shards = BTreeMap<String, Vec<String>>;

#[tokio::test]
async fn a_kill_9_at_any_moment_loses_nothing_and_repeats_at_most_the_batch_in_flight_of_each_shard() {
    let seed = std::env::var(SEED_VARIABLE).map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    eprintln!("{SEED_VARIABLE}={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let function = "Environment: {Variables: {INIT: leave_children}}";
    let site = Site::new(&template(function, "BatchSize: 10"));
    site.behave("pause 3");
    let server = StreamServer::start(&["orders:4"]).await;
    let (stop, stopped) = watch::channel(false);
    let producer = tokio::spawn(produce(server.client.clone(), stopped));

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
    stop.send_replace(true);
    let put = producer.await.unwrap();

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
        check(shard, records, &lives_of(shard, &began, &batches_at_kill));
    }
}

/// Puts a record of each key, over and over, until told to stop. Returns what came to stand in which shard.
async fn produce(client: Client, stopped: watch::Receiver<bool>) -> Shards {
    let clock = Clock::start();
    let mut shards = Shards::new();
    for number in 0.. {
        let records: Vec<(String, Vec<u8>)> =
            (0..KEYS).map(|key| (format!("key-{key}"), format!("key-{key} {number}").into_bytes())).collect();
        let places = kinesis::put_all(&client, "orders", &records).await;
        for (place, (_, data)) in places.into_iter().zip(records) {
            shards
                .entry(place.shard)
                .or_default()
                .push(String::from_utf8(data).expect("it was made of text"));
        }
        if *stopped.borrow() {
            break;
        }
        clock.sleep(PUT_EVERY).await;
    }
    shards
}

/// The batches of one shard, those of each life of the poller apart.
fn lives_of<'a>(shard: &str, began: &'a [Batch], batches_at_kill: &[usize]) -> Vec<Vec<&'a Batch>> {
    let begins = [0].into_iter().chain(batches_at_kill.iter().copied());
    let ends = batches_at_kill.iter().copied().chain([began.len()]);
    begins
        .zip(ends)
        .map(|(from, to)| began[from..to].iter().filter(|batch| batch.shard == shard).collect())
        .collect()
}

/// Each life goes on after the last batch of the lives before, or with that batch, and leaves nothing out.
#[track_caller]
fn check(shard: &str, records: &[String], lives: &[Vec<&Batch>]) {
    let mut last = 0..0;
    for (life, batches) in lives.iter().enumerate() {
        for (number, batch) in batches.iter().enumerate() {
            let data = batch.data();
            let from = records.iter().position(|record| record == data[0]).expect("it was put");
            let is_next = from == last.end;
            let is_repeated = number == 0 && from == last.start;
            assert!(
                is_next || is_repeated,
                "{shard}, life {life}, batch {number}: begins with record {from}, the batch before was {last:?}"
            );
            last = from..from + data.len();
            assert_eq!(
                records.get(last.clone()).map(|records| records == data),
                Some(true),
                "{shard} {last:?}"
            );
        }
    }
    assert_eq!(last.end, records.len(), "{shard}: nothing is left out");
}
