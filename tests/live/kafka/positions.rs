//! Where a partition is read from: committed offsets first, and StartingPosition where there are none.

use pelton::clock::Clock;
use pelton_tests::kafka::{Cluster, Message, Poller};
use pelton_tests::site::POLLING;
use pelton_tests::wait;
use std::time::Duration;

const FROM_THE_OLDEST: &str =
    "StartingPosition: TRIM_HORIZON\nBatchSize: 10\nMaximumBatchingWindowInSeconds: 0";
const FROM_THE_NEWEST: &str = "StartingPosition: LATEST\nBatchSize: 10\nMaximumBatchingWindowInSeconds: 0";

/// How long a partition that was added may stay unnoticed.
const ADDED_MAX: Duration = Duration::from_secs(30);
/// A second, and what a busy machine and the look at the broker take.
const COMMITTED_MAX: Duration = Duration::from_secs(3);

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn an_empty_data_folder_resumes_at_the_committed_offsets() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..10).await;
    let poller = Poller::start(&topic, FROM_THE_OLDEST).await;
    poller.until_ended(10).await;
    poller.stop().await;
    assert_eq!(topic.committed(topic.name()).await, [(0, 10)].into());
    topic.put_numbers(0, 10..20).await;
    // Also where the starting position would have it begin elsewhere.
    for (settings, expected) in [(FROM_THE_NEWEST, 10..20), (FROM_THE_OLDEST, 20..30)] {
        let poller = Poller::start(&topic, settings).await;
        if expected.start == 20 {
            topic.put_numbers(0, 20..30).await;
        }
        poller.until_ended(10).await;
        assert_eq!(poller.journal().values_ended(), numbers(expected));
        poller.stop().await;
    }
    topic.delete().await;
}

#[tokio::test]
async fn a_reset_of_the_group_from_outside_counts_also_where_the_data_folder_is_the_same() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..10).await;
    let poller = Poller::start(&topic, FROM_THE_OLDEST).await;
    poller.until_ended(10).await;
    let (site, _) = poller.stop().await;
    topic.reset(topic.name(), [(0, 3)]).await;
    let poller = Poller::start_in(site).await;
    poller.until_ended(17).await;
    assert_eq!(poller.journal().values_ended(), [numbers(0..10), numbers(3..10)].concat());
    let (site, _) = poller.stop().await;
    topic.reset(topic.name(), [(0, 10)]).await;
    topic.put_numbers(0, 10..12).await;
    let poller = Poller::start_in(site).await;
    poller.until_ended(19).await;
    assert_eq!(poller.journal().values_ended()[17..], ["10", "11"]);
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn what_is_settled_is_committed_about_a_second_later_also_while_no_more_comes() {
    let topic = Cluster::shared().await.topic(1).await;
    let poller = Poller::start(&topic, FROM_THE_OLDEST).await;
    let clock = Clock::start();
    for end in 1..=3 {
        topic.put_numbers(0, 0..1).await;
        poller.until_ended(end).await;
        let ended = clock.now();
        let wanted = [(0, i64::try_from(end).unwrap())].into();
        poller.until_committed(&topic, &wanted).await;
        let took = clock.now().since(ended);
        assert!(took < COMMITTED_MAX, "{took:?}\n{}", poller.running.printed());
    }
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn latest_is_fixed_on_the_broker_at_the_first_start() {
    let topic = Cluster::shared().await.topic(2).await;
    topic.put_numbers(0, 0..5).await;
    let poller = Poller::start(&topic, FROM_THE_NEWEST).await;
    poller.stop().await;
    assert_eq!(topic.committed(topic.name()).await, [(0, 5), (1, 0)].into());
    topic.put_numbers(0, 5..10).await;
    topic.put_numbers(1, 10..15).await;
    let poller = Poller::start(&topic, FROM_THE_NEWEST).await;
    poller.until_ended(10).await;
    let mut handled = poller.journal().values_ended();
    handled.sort_by_key(|value| value.parse::<usize>().unwrap());
    assert_eq!(handled, numbers(5..15));
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn latest_is_fixed_when_the_first_start_says_that_it_polls_though_it_is_killed_then() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..5).await;
    let poller = Poller::begin(Poller::site(&topic, FROM_THE_NEWEST));
    poller.running.wait_for_line(POLLING).await;
    poller.kill().await;
    topic.put_numbers(0, 5..10).await;
    let poller = Poller::start(&topic, FROM_THE_NEWEST).await;
    poller.until_ended(5).await;
    assert_eq!(poller.journal().values_ended(), numbers(5..10));
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn at_timestamp_begins_with_the_first_record_of_that_moment_or_later_in_each_partition() {
    let topic = Cluster::shared().await.topic(3).await;
    let at = |partition, seconds: i64| {
        Message::text(partition, &format!("{partition}@{seconds}")).at(seconds * 1000)
    };
    let seconds =
        |partition, seconds: &[i64]| seconds.iter().map(|one| at(partition, *one)).collect::<Vec<_>>();
    topic.put(seconds(0, &[1_000, 1_999, 2_000, 3_000])).await;
    topic.put(seconds(1, &[1_000, 1_001])).await;
    topic.put(seconds(2, &[5_000])).await;
    let settings =
        "StartingPosition: AT_TIMESTAMP\nStartingPositionTimestamp: 2000\nMaximumBatchingWindowInSeconds: 0";
    let poller = Poller::start(&topic, settings).await;
    topic.put(seconds(1, &[4_000])).await;
    poller.until_ended(4).await;
    let mut handled = poller.journal().values_ended();
    handled.sort();
    assert_eq!(handled, ["0@2000", "0@3000", "1@4000", "2@5000"]);
    poller.until_committed(&topic, &[(0, 4), (1, 3), (2, 1)].into()).await;
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn trim_horizon_begins_with_the_oldest_record_that_is_there() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..10).await;
    topic.delete_records(0, 4).await;
    let poller = Poller::start(&topic, FROM_THE_OLDEST).await;
    poller.until_ended(6).await;
    assert_eq!(poller.journal().values_ended(), numbers(4..10));
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn partitions_that_are_added_are_found_within_thirty_seconds_and_read_from_their_start() {
    let topic = Cluster::shared().await.topic(1).await;
    let poller = Poller::start(&topic, FROM_THE_NEWEST).await;
    topic.extend_to(3).await;
    topic.put_numbers(2, 0..5).await;
    topic.put_numbers(0, 5..10).await;
    poller
        .until_within(ADDED_MAX, "what stands in the new partition is handled", |poller| {
            poller.journal().values_ended().len() >= 10
        })
        .await;
    poller.until_committed(&topic, &[(0, 5), (1, 0), (2, 5)].into()).await;
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn partitions_that_were_added_while_nobody_polled_are_read_from_their_start_too() {
    let topic = Cluster::shared().await.topic(1).await;
    Poller::start(&topic, FROM_THE_NEWEST).await.stop().await;
    topic.extend_to(2).await;
    topic.put_numbers(1, 0..5).await;
    let poller = Poller::start(&topic, FROM_THE_NEWEST).await;
    poller.until_ended(5).await;
    assert_eq!(poller.journal().values_ended(), numbers(0..5));
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn the_group_of_a_mapping_that_names_none_is_its_uuid_and_stays_the_same() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..5).await;
    let mut groups = Vec::new();
    for range in [0..5, 5..10] {
        let poller = Poller::start_in(Poller::site_without_group(&topic, FROM_THE_OLDEST)).await;
        if range.start > 0 {
            topic.put_numbers(0, range.clone()).await;
        }
        poller.until_ended(5).await;
        assert_eq!(poller.journal().values_ended(), numbers(range));
        let line = poller.running.wait_for_line("the group assigned partitions").await;
        let group = line.split_once("group=").and_then(|(_, rest)| rest.split_whitespace().next());
        let group = group.unwrap_or_else(|| panic!("{line}")).to_owned();
        assert!(uuid::Uuid::parse_str(&group).is_ok(), "{group}");
        groups.push(group);
        poller.stop().await;
    }
    assert_eq!(groups[0], groups[1]);
    assert_eq!(topic.committed(&groups[0]).await, [(0, 10)].into());
    topic.delete().await;
}

#[tokio::test]
async fn committed_never_stands_behind_a_record_that_is_not_settled() {
    let topic = Cluster::shared().await.topic(1).await;
    let poller = Poller::start(&topic, FROM_THE_OLDEST).await;
    topic.put_numbers(0, 0..10).await;
    poller.until_ended(10).await;
    poller.site.behave("error");
    topic.put_numbers(0, 10..20).await;
    poller.until("the batch failed", |poller| poller.journal().began().len() >= 4).await;
    let moved = wait::within(Duration::from_secs(2), async || {
        let committed = topic.committed(topic.name()).await;
        (committed != [(0, 10)].into()).then_some(committed)
    });
    assert_eq!(moved.await, None);
    poller.site.behave("succeed");
    poller.until_committed(&topic, &[(0, 20)].into()).await;
    poller.stop().await;
    topic.delete().await;
}
