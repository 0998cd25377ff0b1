//! ParallelizationFactor: batches of one shard side by side, and each key in order (specification 3.2).

use pelton_tests::journal::{Batch, Journal, Step, data_by_key};
use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::{Signal, kinesis};
use std::collections::BTreeMap;

const KEYS: usize = 20;
const ROUNDS: usize = 30;

fn mapping(factor: usize) -> String {
    template("", &format!("BatchSize: 5\n            ParallelizationFactor: {factor}"))
}

/// A stream of one shard, with the numbers from 0 in order for each key.
async fn stream() -> StreamServer {
    let server = StreamServer::start(&["orders"]).await;
    let record = |round: usize, key: usize| (format!("key-{key}"), round.to_string().into_bytes());
    let records: Vec<_> =
        (0..ROUNDS).flat_map(|round| (0..KEYS).map(move |key| record(round, key))).collect();
    kinesis::put_all(&server.client, "orders", &records).await;
    server
}

/// The numbers of each key, in the order in which they were handed over.
fn numbers_by_key(batches: &[Batch]) -> BTreeMap<String, Vec<usize>> {
    let number = |data: &str| data.parse().expect("the records are numbers");
    let keys = data_by_key(batches).into_iter();
    keys.map(|(key, data)| (key.to_owned(), data.into_iter().map(number).collect())).collect()
}

/// Most batches that had begun and not ended.
fn side_by_side_most(journal: &Journal) -> usize {
    let mut running = 0;
    let steps = journal.batches().into_iter().map(|batch| {
        match batch.step {
            Step::Began => running += 1,
            Step::Ended => running -= 1,
        }
        running
    });
    steps.max().unwrap_or_default()
}

/// Within a batch that runs, no other has a record of one of its keys.
fn assert_keys_apart(journal: &Journal) {
    let mut running: Vec<Batch> = Vec::new();
    for batch in journal.batches() {
        let keys = |batch: &Batch| batch.records.iter().map(|record| record.key.clone()).collect::<Vec<_>>();
        match batch.step {
            Step::Began => {
                let shared = |other: &&Batch| keys(other).iter().any(|key| keys(&batch).contains(key));
                assert_eq!(running.iter().find(shared), None, "beside {batch:?}");
                running.push(batch);
            }
            Step::Ended => running.retain(|other| other.records != batch.records),
        }
    }
}

#[tokio::test]
async fn order_is_kept_per_key_the_same_key_is_never_in_two_batches_and_batches_overlap() {
    let site = Site::new(&mapping(10));
    site.behave("pause 20");
    let server = stream().await;
    let running = site.start(&server).await;
    let journal = site.journal();
    until(&running, "all is done with", || journal.records_ended() >= KEYS * ROUNDS).await;

    let keys = numbers_by_key(&journal.began());
    assert_eq!(keys.len(), KEYS);
    for (key, numbers) in keys {
        assert_eq!(numbers, (0..ROUNDS).collect::<Vec<_>>(), "{key}");
    }
    assert_keys_apart(&journal);
    let most = side_by_side_most(&journal);
    assert!((3..=10).contains(&most), "{most} batches side by side");
}

#[tokio::test]
async fn another_factor_after_a_kill_9_loses_nothing_and_keeps_each_key_in_order() {
    let site = Site::new(&mapping(10));
    site.behave("pause 10");
    let server = stream().await;
    let journal = site.journal();
    let mut batches_at_kill = vec![0];
    for factor in [10, 3, 7] {
        site.write("template.yaml", &mapping(factor));
        let mut running = site.start(&server).await;
        let goal = journal.records_ended() + KEYS * ROUNDS / 6;
        until(&running, "some of it is done with", || journal.records_ended() >= goal).await;
        running.signal(Signal::KILL);
        running.wait_for_exit().await;
        running.assert_no_survivors().await;
        batches_at_kill.push(journal.began().len());
    }
    site.write("template.yaml", &mapping(1));
    let running = site.start(&server).await;
    let is_last = |batches: &[Batch]| {
        let keys = numbers_by_key(batches);
        keys.len() == KEYS && keys.values().all(|numbers| numbers.contains(&(ROUNDS - 1)))
    };
    until(&running, "the last record of each key is done with", || is_last(&journal.ended())).await;

    let began = journal.began();
    batches_at_kill.push(began.len());
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for life in batches_at_kill.windows(2) {
        for (key, numbers) in numbers_by_key(&began[life[0]..life[1]]) {
            let next = next.entry(key.clone()).or_default();
            assert!(numbers[0] <= *next, "{key}: {numbers:?} passes over {next}");
            let is_in_order = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
            assert!(is_in_order, "{key}: {numbers:?}");
            *next = numbers[numbers.len() - 1] + 1;
        }
    }
    let repeated = began.iter().map(|batch| batch.records.len()).sum::<usize>() - KEYS * ROUNDS;
    let in_flight_max = (10 + 3 + 7) * 5;
    assert!(repeated <= 2 * in_flight_max, "{repeated} records came again");
}
