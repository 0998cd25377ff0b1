//! Brokers that go away while a poller runs, and come back.

use super::handled::{assert_in_order, by_partition};
use pelton_tests::kafka::{Cluster, Load, Poller};
use std::time::Duration;

const SETTINGS: &str = "StartingPosition: TRIM_HORIZON\nBatchSize: 20\nMaximumBatchingWindowInSeconds: 0";
const NODES: [u8; 3] = [1, 2, 3];

#[tokio::test]
async fn brokers_that_are_stopped_one_after_the_other_under_load_lose_nothing() {
    let cluster = Cluster::of_three().await;
    let topic = cluster.topic(4).await;
    let load = Load::start(&topic, 4, 4, Duration::from_millis(100));
    let poller = Poller::start(&topic, SETTINGS).await;
    for node in NODES {
        for action in ["kill", "start"] {
            cluster.node(node, action).await;
            let handled = poller.journal().values_ended().len();
            poller.until_ended(handled + 50).await;
        }
    }
    let put = load.stop().await;
    let end = i64::try_from(put).unwrap();
    poller.until_committed(&topic, &(0..4).map(|partition| (partition, end)).collect()).await;
    let batches = by_partition(&[poller.journal()]);
    for partition in 0..4 {
        assert_in_order(partition, &batches[&partition], end);
    }
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn a_broker_that_is_killed_is_waited_for_and_what_was_handled_meanwhile_is_committed() {
    let own = Cluster::own().await;
    let topic = own.cluster.topic(2).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.site.behave("hold");
    topic.put_numbers(0, 0..10).await;
    poller.until("a batch is in flight", |poller| !poller.journal().began().is_empty()).await;
    own.cluster.node(1, "kill").await;
    poller.site.behave("succeed");
    poller.until_ended(10).await;
    poller.running.wait_for_line("is a broker there?").await;
    own.cluster.node(1, "start").await;
    topic.put_numbers(1, 0..10).await;
    poller.until_committed(&topic, &[(0, 10), (1, 10)].into()).await;
    let again = (0..2)
        .map(|partition| assert_in_order(partition, &by_partition(&[poller.journal()])[&partition], 10));
    let again: usize = again.sum();
    assert!(again <= 10, "at most what was in flight is repeated, not {again}");
    poller.stop().await;
}

#[tokio::test]
async fn a_poller_is_stopped_in_time_also_while_its_broker_is_away() {
    let own = Cluster::own().await;
    let topic = own.cluster.topic(2).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    topic.put_numbers(0, 0..10).await;
    poller.until_committed(&topic, &[(0, 10), (1, 0)].into()).await;
    own.cluster.node(1, "kill").await;
    poller.stop().await;
}

#[tokio::test]
async fn a_broker_that_hangs_for_longer_than_a_session_is_waited_for() {
    let own = Cluster::own().await;
    let topic = own.cluster.topic(2).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    topic.put_numbers(0, 0..10).await;
    poller.until_committed(&topic, &[(0, 10), (1, 0)].into()).await;
    own.hang(Duration::from_secs(15)).await;
    topic.put_numbers(0, 10..20).await;
    topic.put_numbers(1, 0..10).await;
    poller.until_committed(&topic, &[(0, 20), (1, 10)].into()).await;
    let batches = by_partition(&[poller.journal()]);
    assert_in_order(0, &batches[&0], 20);
    assert_in_order(1, &batches[&1], 10);
    poller.stop().await;
}
