//! Stopping: a poller leaves its group, so that nobody waits for the end of its session.

use pelton_tests::kafka::{Cluster, Message, Poller};
use pelton_tests::{Signal, wait};
use std::time::Duration;

const SETTINGS: &str = "StartingPosition: TRIM_HORIZON\nBatchSize: 10\nMaximumBatchingWindowInSeconds: 0";

/// Shorter than a session, so that nobody can have waited for the end of one.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_poller_that_is_stopped_leaves_the_group_and_what_it_settled_is_committed() {
    for signal in [Signal::TERM, Signal::INT] {
        let topic = Cluster::shared().await.topic(1).await;
        let mut poller = Poller::start(&topic, SETTINGS).await;
        topic.put_numbers(0, 0..10).await;
        poller.until_ended(10).await;
        assert_eq!(topic.members(topic.name()).await, 1);
        poller.running.signal(signal);
        poller.running.wait_for_exit().await.assert_code(0);
        assert_eq!(topic.members(topic.name()).await, 0);
        assert_eq!(topic.committed(topic.name()).await, [(0, 10)].into());
        topic.delete().await;
    }
}

#[tokio::test]
async fn a_poller_that_is_stopped_settles_what_is_in_flight_before_another_one_goes_on() {
    let topic = Cluster::shared().await.topic(1).await;
    let site = Poller::site(&topic, SETTINGS);
    site.behave("pause 1000");
    topic.put_numbers(0, 0..20).await;
    let mut poller = Poller::start_in(site).await;
    poller.until("a batch is in flight", |poller| !poller.journal().began().is_empty()).await;
    let other = Poller::begin(Poller::site(&topic, SETTINGS));
    poller.running.signal(Signal::TERM);
    poller.running.wait_for_exit().await.assert_code(0);
    let handled = poller.journal().values_ended().len();
    assert!((10..=20).contains(&handled), "{handled}");
    let rest = 20 - handled;
    topic.put([Message::text(0, "later")]).await;
    other.until_within(AT_ONCE, "it goes on", |other| other.journal().values_ended().len() == rest + 1).await;
    other.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn a_poller_whose_function_does_not_end_is_stopped_in_time_and_its_batch_comes_again() {
    let topic = Cluster::shared().await.topic(1).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.site.behave("hold");
    topic.put_numbers(0, 0..10).await;
    poller.until("a batch is in flight", |poller| !poller.journal().began().is_empty()).await;
    poller.stop().await;
    assert_eq!(topic.committed(topic.name()).await, [(0, 0)].into());
    let other = Poller::start(&topic, SETTINGS).await;
    other.until_committed(&topic, &[(0, 10)].into()).await;
    other.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn a_mapping_that_catches_up_ends_once_it_has_read_what_was_there() {
    let topic = Cluster::shared().await.topic(3).await;
    topic.put_numbers(0, 0..10).await;
    topic.put_numbers(2, 10..15).await;
    let site = Poller::site(&topic, SETTINGS);
    let exit = Poller::program().args(["--until-caught-up"]).run(&site.folder).await;
    exit.assert_code(0);
    assert_eq!(topic.committed(topic.name()).await, [(0, 10), (1, 0), (2, 5)].into());
    let left = wait::within(AT_ONCE, async || (topic.members(topic.name()).await == 0).then_some(()));
    assert_eq!(left.await, Some(()), "{}", exit.printed);
    topic.delete().await;
}
