//! Sessions that end without their poller knowing, and attempts that survive whoever made them.

use pelton_tests::Signal;
use pelton_tests::kafka::{Cluster, Poller, Topic};
use pelton_tests::site::TO_A_FILE;
use pelton_tests::wait;
use std::time::Duration;

#[tokio::test]
async fn a_poller_that_was_stopped_beyond_its_session_settles_nothing_and_joins_again() {
    let topic = Cluster::shared().await.topic(2).await;
    let settings = "StartingPosition: TRIM_HORIZON\nBatchSize: 10\nMaximumBatchingWindowInSeconds: 0";
    let sleeper = Poller::start(&topic, settings).await;
    sleeper.site.behave("hold");
    topic.put_numbers(0, 0..10).await;
    topic.put_numbers(1, 0..10).await;
    sleeper.until("two batches are in flight", |sleeper| sleeper.journal().began().len() == 2).await;
    sleeper.running.signal(Signal::STOP);
    let other = Poller::start(&topic, settings).await;
    other.until_ended(20).await;
    topic.put_numbers(0, 10..20).await;
    topic.put_numbers(1, 10..20).await;
    other.until_committed(&topic, &[(0, 20), (1, 20)].into()).await;

    // Its handlers answer, and it finds their answers and its session's end at once.
    sleeper.site.behave("succeed");
    sleeper.until("its handlers have answered", |sleeper| sleeper.journal().ended().len() == 2).await;
    sleeper.running.signal(Signal::CONT);
    let moved_back = wait::within(Duration::from_secs(5), async || {
        let committed = topic.committed(topic.name()).await;
        (committed != [(0, 20), (1, 20)].into()).then_some(committed)
    });
    assert_eq!(moved_back.await, None, "{}", sleeper.running.printed());

    sleeper
        .until("it joins again", |sleeper| {
            sleeper.running.printed().lines_with("the group assigned partitions").len() >= 2
        })
        .await;
    topic.put_numbers(0, 20..30).await;
    topic.put_numbers(1, 20..30).await;
    other.until_committed(&topic, &[(0, 30), (1, 30)].into()).await;
    let by_both = (sleeper.journal().values_ended().len(), other.journal().values_ended().len());
    assert_eq!(by_both, (30, 50), "each has one partition, and nothing comes twice but what was in flight");
    sleeper.stop().await;
    other.stop().await;
    topic.delete().await;
}

/// A poller of a function that always fails, once one attempt is committed.
async fn failed_once(topic: &Topic) -> Poller {
    let poller = Poller::begin(failing_site(topic));
    wait::until("an attempt is committed", async || (attempts(topic).await >= 1).then_some(())).await;
    poller
}

fn failing_site(topic: &Topic) -> pelton_tests::site::Site {
    let settings =
        format!("StartingPosition: TRIM_HORIZON\nBatchSize: 10\nMaximumRetryAttempts: 2\n{TO_A_FILE}");
    let site = Poller::site(topic, &settings);
    site.behave("error");
    site
}

/// How many attempts of the first batch are committed.
async fn attempts(topic: &Topic) -> usize {
    let texts = topic.committed_texts(topic.name()).await;
    let text = texts.get(&0).map_or("", |(_, text)| text);
    let failed = text.split_once('*').and_then(|(_, rest)| rest.split_once('@'));
    failed.map_or(0, |(attempts, _)| attempts.parse().expect("a number of attempts"))
}

#[tokio::test]
async fn attempts_count_on_when_the_poller_is_killed_between_them() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..3).await;
    let first = failed_once(&topic).await;
    let first = first.kill().await;
    let counted = attempts(&topic).await;
    assert!((1..=2).contains(&counted), "{counted}");
    let second = Poller::start_in(failing_site(&topic)).await;
    second.until("it is given up", |second| !second.site.given_up().is_empty()).await;
    second.until_committed(&topic, &[(0, 3)].into()).await;
    assert_eq!(first.given_up().len(), 0);
    // What was counted is not made again. An attempt that the kill cut short, or its count, is.
    assert_eq!(second.journal().began().len(), 3 - counted, "three attempts in all");
    let given_up = second.site.given_up();
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0]["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(given_up[0]["KafkaBatchInfo"]["batchSize"], 3);
    second.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn attempts_count_on_when_the_poller_is_stopped_between_them() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..3).await;
    let first = failed_once(&topic).await;
    let (first, _) = first.stop().await;
    let (made, counted) = (first.given_up().len(), attempts(&topic).await);
    assert_eq!(made, 0, "it was stopped before it had made all of them");
    let second = Poller::start_in(failing_site(&topic)).await;
    second.until("it is given up", |second| !second.site.given_up().is_empty()).await;
    assert_eq!(second.journal().began().len(), 3 - counted, "three attempts in all");
    assert_eq!(second.site.given_up()[0]["requestContext"]["approximateInvokeCount"], 3);
    second.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn attempts_count_on_when_a_rebalance_takes_the_partition_away() {
    let topic = Cluster::shared().await.topic(2).await;
    let settings = format!(
        "StartingPosition: TRIM_HORIZON\nBatchSize: 10\nMaximumRetryAttempts: 6\nMaximumBatchingWindowInSeconds: 0\n{TO_A_FILE}"
    );
    let site = Poller::site(&topic, &settings);
    site.behave("error");
    topic.put_numbers(0, 0..3).await;
    topic.put_numbers(1, 0..3).await;
    let first = Poller::begin(site);
    first.until("each has failed twice", |first| first.journal().began().len() >= 4).await;
    let site = Poller::site(&topic, &settings);
    site.behave("error");
    let second = Poller::start_in(site).await;
    let both = [&first, &second];
    let given_up = || both.iter().flat_map(|poller| poller.site.given_up()).collect::<Vec<_>>();
    first.until("both are given up", |_| given_up().len() == 2).await;
    for failure in given_up() {
        assert_eq!(failure["requestContext"]["approximateInvokeCount"], 7);
    }
    for partition in 0..2 {
        let of_it = both.iter().flat_map(|poller| poller.journal().began());
        let attempts = of_it.filter(|event| event.partition() == partition).count();
        // One that was under way when the partition was taken away may not have counted.
        assert!((7..=8).contains(&attempts), "partition {partition}: seven attempts in all, not {attempts}");
    }
    first.stop().await;
    second.stop().await;
    topic.delete().await;
}
