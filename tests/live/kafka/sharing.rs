//! Pollers that share the partitions of a topic, come, are killed and leave.

use super::handled::{assert_in_order, assert_one_at_a_time, by_partition};
use pelton::clock::Clock;
use pelton_tests::Signal;
use pelton_tests::chance;
use pelton_tests::kafka::{Cluster, Journal, Load, Message, Poller, SESSION_TIMEOUT};
use pelton_tests::measure::now_ns;
use pelton_tests::site::Site;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PARTITIONS: i32 = 8;
/// Numbers that come into each partition at once, and the time between: at most 40 a second.
const AT_ONCE: usize = 4;
const PAUSE: Duration = Duration::from_millis(100);
const A_SECOND_OF_THEM: usize = 40;
const BATCH_SIZE: usize = 20;
/// Members that join in the storm, and how long it may take until one of them ends.
const STORM_ROUNDS: usize = 12;
const STORM_PAUSE_MS_MAX: u64 = 3_000;
/// How long a machine that has other things to do may take beside what is promised.
const SLACK: Duration = Duration::from_secs(10);

fn settings() -> String {
    format!("StartingPosition: TRIM_HORIZON\nBatchSize: {BATCH_SIZE}\nMaximumBatchingWindowInSeconds: 0")
}

/// The partitions of which a poller was handed records after this moment.
fn partitions_since(journal: &Journal, since_ns: u64) -> BTreeSet<i32> {
    let began = journal.began().into_iter().filter(|event| event.at_ns > since_ns);
    began.map(|event| event.partition()).collect()
}

/// Waits until a poller was handed records of so many partitions after this moment.
async fn until_reads(poller: &Poller, partitions: usize, since_ns: u64) {
    let what = format!("it reads {partitions} partitions");
    poller.until(what, |poller| partitions_since(&poller.journal(), since_ns).len() >= partitions).await;
}

fn journals(sites: &[&Site]) -> Vec<Journal> {
    sites.iter().map(|site| Journal::of(&site.function())).collect()
}

#[tokio::test]
async fn three_pollers_share_eight_partitions_and_nothing_is_lost_when_one_is_killed_and_one_leaves() {
    let topic = Cluster::shared().await.topic(PARTITIONS).await;
    let load = Load::start(&topic, PARTITIONS, AT_ONCE, PAUSE);
    let first = Poller::start(&topic, &settings()).await;
    until_reads(&first, 8, 0).await;
    let second = Poller::start(&topic, &settings()).await;
    until_reads(&second, 4, 0).await;
    let third = Poller::start(&topic, &settings()).await;
    until_reads(&third, 2, 0).await;
    let shared_since = now_ns();
    until_reads(&first, 2, shared_since).await;
    until_reads(&second, 2, shared_since).await;

    let killed_at = now_ns();
    let of_second = partitions_since(&second.journal(), shared_since);
    let second = second.kill().await;
    let is_taken_over = || {
        let read = |poller: &Poller| partitions_since(&poller.journal(), killed_at);
        &read(&first) | &read(&third)
    };
    first
        .until_within(SESSION_TIMEOUT + SLACK, "the partitions of the killed one are taken over", |_| {
            is_taken_over().is_superset(&of_second)
        })
        .await;

    let (third, _) = third.stop().await;
    let left_at = now_ns();
    first
        .until_within(SLACK, "the partitions of the one that left are taken over", |first| {
            partitions_since(&first.journal(), left_at).len() == 8
        })
        .await;

    let put = load.stop().await;
    let end = i64::try_from(put).unwrap();
    first.until_committed(&topic, &(0..PARTITIONS).map(|partition| (partition, end)).collect()).await;
    let (first, _) = first.stop().await;
    let batches = by_partition(&journals(&[&first, &second, &third]));
    for partition in 0..PARTITIONS {
        let again = assert_in_order(partition, &batches[&partition], end);
        if of_second.contains(&partition) {
            let most = A_SECOND_OF_THEM + BATCH_SIZE;
            assert!(again <= most, "partition {partition}: {again} records were repeated after the kill");
        } else {
            assert_eq!(
                again, 0,
                "partition {partition}: nothing is handed over twice: {:#?}",
                batches[&partition]
            );
            assert_one_at_a_time(partition, &batches[&partition]);
        }
    }
    topic.delete().await;
}

#[tokio::test]
async fn pollers_that_are_replaced_one_after_the_other_under_load_lose_and_repeat_nothing() {
    let topic = Cluster::shared().await.topic(4).await;
    let load = Load::start(&topic, 4, AT_ONCE, PAUSE);
    let mut members = [Poller::start(&topic, &settings()).await, Poller::start(&topic, &settings()).await];
    let mut sites = Vec::new();
    for round in 0..4 {
        let since = now_ns();
        until_reads(&members[0], 2, since).await;
        until_reads(&members[1], 2, since).await;
        let new = Poller::start(&topic, &settings()).await;
        let old = std::mem::replace(&mut members[round % 2], new);
        sites.push(old.stop().await.0);
    }
    let put = load.stop().await;
    let end = i64::try_from(put).unwrap();
    members[0].until_committed(&topic, &(0..4).map(|partition| (partition, end)).collect()).await;
    for member in members {
        sites.push(member.stop().await.0);
    }
    let batches = by_partition(&journals(&sites.iter().collect::<Vec<_>>()));
    for partition in 0..4 {
        assert_eq!(assert_in_order(partition, &batches[&partition], end), 0, "{:#?}", batches[&partition]);
        assert_one_at_a_time(partition, &batches[&partition]);
    }
    topic.delete().await;
}

#[tokio::test]
async fn a_partition_that_stays_is_not_disturbed_by_a_rebalance() {
    let topic = Cluster::shared().await.topic(4).await;
    let first = Poller::start(&topic, &settings()).await;
    first.site.behave("hold");
    topic.put((0..4).map(|partition| Message::text(partition, "held"))).await;
    first.until("all four are in flight", |first| first.journal().began().len() == 4).await;
    let second = Poller::start(&topic, &settings()).await;
    second.until("it has taken over two", |second| second.journal().values_ended().len() == 2).await;
    let taken: BTreeSet<i32> = second.journal().ended().iter().map(|event| event.partition()).collect();
    first.site.behave("succeed");
    first.until("those that stay are done with", |first| first.journal().values_ended().len() >= 2).await;
    topic.put((0..4).map(|partition| Message::text(partition, "next"))).await;
    second.until_committed(&topic, &(0..4).map(|partition| (partition, 2)).collect()).await;
    let mut invocations: BTreeMap<i32, usize> = BTreeMap::new();
    for event in first.journal().began().iter().chain(&second.journal().began()) {
        *invocations.entry(event.partition()).or_default() += 1;
    }
    for (partition, invocations) in invocations {
        let expected = if taken.contains(&partition) { 3 } else { 2 };
        assert_eq!(invocations, expected, "partition {partition}");
    }
    first.stop().await;
    second.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn an_invocation_that_takes_long_goes_on_across_two_rebalances_and_the_group_does_not_wait_for_it() {
    let topic = Cluster::shared().await.topic(4).await;
    let first = Poller::start(&topic, &settings()).await;
    first.site.behave("hold");
    topic.put((0..4).map(|partition| Message::text(partition, "long"))).await;
    first.until("all four are in flight", |first| first.journal().began().len() == 4).await;
    let begun = now_ns();
    let second = Poller::start(&topic, &settings()).await;
    let joined = |poller: &Poller| !poller.journal().ended().is_empty();
    second.until_within(SLACK, "the second one does not wait for it", joined).await;
    let third = Poller::start(&topic, &settings()).await;
    third
        .until("the third one has joined", |third| {
            third.running.printed().find("the group assigned partitions").is_some()
        })
        .await;
    // Far longer than a session.
    first.until("the sessions are over three times", |_| now_ns() - begun > 3 * 6_000_000_000).await;
    let others: BTreeSet<i32> =
        [&second, &third].iter().flat_map(|poller| partitions_since(&poller.journal(), 0)).collect();
    assert!(others.len() < 4, "some stay: {others:?}");
    first.site.behave("succeed");
    second.until_committed(&topic, &(0..4).map(|partition| (partition, 1)).collect()).await;
    let again: Vec<_> = [&first, &second, &third]
        .iter()
        .flat_map(|poller| poller.journal().began())
        .map(|event| event.partition())
        .filter(|partition| !others.contains(partition))
        .collect();
    assert_eq!(again.len(), 4 - others.len(), "what stays is invoked once");
    assert_eq!(first.running.printed().lines_with("session is over"), [""; 0]);
    for poller in [first, second, third] {
        poller.stop().await;
    }
    topic.delete().await;
}

#[tokio::test]
async fn a_storm_of_joins_leaves_kills_and_sleeps_loses_nothing_and_keeps_the_order() {
    let mut random = fastrand::Rng::with_seed(chance::seed());
    let clock = Clock::start();
    let topic = Cluster::shared().await.topic(PARTITIONS).await;
    let load = Load::start(&topic, PARTITIONS, AT_ONCE, PAUSE);
    let mut members = vec![Poller::start(&topic, &settings()).await];
    let mut sites = Vec::new();
    for _ in 0..STORM_ROUNDS {
        members.push(Poller::begin(Poller::site(&topic, &settings())));
        clock.sleep(Duration::from_millis(random.u64(0..STORM_PAUSE_MS_MAX))).await;
        let member = random.usize(0..members.len());
        match random.u8(0..4) {
            0 => members[member].running.signal(Signal::STOP),
            1 => sites.push(members.swap_remove(member).kill().await),
            2 => sites.push(end(members.swap_remove(member)).await),
            _ => {}
        }
        if members.len() > 3 {
            sites.push(members.swap_remove(0).kill().await);
        }
    }
    for member in &members {
        member.running.signal(Signal::CONT);
    }
    members.push(Poller::start(&topic, &settings()).await);
    let put = load.stop().await;
    let end = i64::try_from(put).unwrap();
    let last = members.len() - 1;
    members[last].until_committed(&topic, &(0..PARTITIONS).map(|partition| (partition, end)).collect()).await;
    for member in members {
        sites.push(member.stop().await.0);
    }
    let batches = by_partition(&journals(&sites.iter().collect::<Vec<_>>()));
    for partition in 0..PARTITIONS {
        assert_in_order(partition, &batches[&partition], end);
    }
    topic.delete().await;
}

/// Stops a member, also one that sleeps, or has not begun to listen to signals.
async fn end(mut member: Poller) -> Site {
    member.running.signal(Signal::TERM);
    member.running.signal(Signal::CONT);
    member.running.wait_for_exit().await;
    member.running.assert_no_survivors().await;
    member.site
}
