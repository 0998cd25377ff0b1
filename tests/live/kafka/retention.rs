//! Records that leave the log before they are read, or while they are tried again.

use pelton_tests::kafka::{Cluster, Message, Poller};

const SETTINGS: &str = "StartingPosition: TRIM_HORIZON\nBatchSize: 10\nMaximumBatchingWindowInSeconds: 0";

/// A value so large that a poller holds only some of a few hundred.
const LARGE_BYTES: usize = 200_000;
const LARGE_RECORDS: usize = 400;

#[tokio::test]
async fn records_that_left_the_log_while_nobody_polled_are_counted_in_a_warning_and_reading_goes_on_behind_them()
 {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..5).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.until_ended(5).await;
    poller.stop().await;
    topic.put_numbers(0, 5..20).await;
    topic.delete_records(0, 12).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.until_ended(8).await;
    assert_eq!(
        poller.journal().values_ended(),
        (12..20).map(|number| number.to_string()).collect::<Vec<_>>()
    );
    let warning = poller.running.wait_for_line("the committed offset is not in the log").await;
    assert!(warning.contains("WARN") && warning.contains("records_lost=7"), "{warning}");
    poller.until_committed(&topic, &[(0, 20)].into()).await;
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn under_latest_they_are_passed_over_up_to_the_newest_and_counted_all_the_same() {
    let topic = Cluster::shared().await.topic(1).await;
    let settings = SETTINGS.replace("TRIM_HORIZON", "LATEST");
    Poller::start(&topic, &settings).await.stop().await;
    topic.put_numbers(0, 0..20).await;
    topic.delete_records(0, 12).await;
    let poller = Poller::start(&topic, &settings).await;
    let warning = poller.running.wait_for_line("the committed offset is not in the log").await;
    assert!(warning.contains("records_lost=20"), "{warning}");
    topic.put_numbers(0, 20..22).await;
    poller.until_ended(2).await;
    assert_eq!(poller.journal().values_ended(), ["20", "21"]);
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn records_that_leave_the_log_before_a_poller_has_read_them_are_counted_in_one_warning() {
    let topic = Cluster::shared().await.topic(1).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.site.behave("hold");
    let large = "x".repeat(LARGE_BYTES);
    for chunk in 0..LARGE_RECORDS / 50 {
        let numbers = chunk * 50..(chunk + 1) * 50;
        topic.put(numbers.map(|number| Message::text(0, &format!("{number} {large}")))).await;
    }
    poller.until("the first batch is in flight", |poller| !poller.journal().began().is_empty()).await;
    let below = i64::try_from(LARGE_RECORDS - 5).unwrap();
    topic.delete_records(0, below).await;
    poller.site.behave("succeed");
    let end = i64::try_from(LARGE_RECORDS).unwrap();
    poller.until_committed(&topic, &[(0, end)].into()).await;
    let handled: Vec<i64> =
        poller.journal().ended().iter().flat_map(pelton_tests::kafka::Event::offsets).collect();
    let gaps: Vec<_> = handled.windows(2).filter(|pair| pair[0] + 1 != pair[1]).collect();
    assert_eq!(gaps.len(), 1, "{handled:?}");
    assert_eq!(gaps[0][1], below);
    let lost = below - gaps[0][0] - 1;
    let printed = poller.running.printed();
    let [warning] = printed.lines_with("the place to read on from is not in the log any more")[..] else {
        panic!("one warning\n{printed}")
    };
    let counted = format!("records_lost={lost} ");
    assert!(warning.contains("WARN") && warning.contains(&counted), "{lost}: {warning}");
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn records_that_leave_the_log_while_they_are_tried_again_do_not_hold_up_their_partition() {
    let topic = Cluster::shared().await.topic(1).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.site.behave("error");
    topic.put_numbers(0, 0..20).await;
    poller.until("the first batch failed twice", |poller| poller.journal().began().len() >= 2).await;
    topic.delete_records(0, 20).await;
    topic.put_numbers(0, 20..30).await;
    poller.site.behave("succeed");
    poller.until_committed(&topic, &[(0, 30)].into()).await;
    let ended = poller.journal().values_ended();
    assert!((20..30).all(|number: usize| ended.contains(&number.to_string())), "{ended:?}");
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn a_topic_that_is_made_again_while_nobody_polls_is_read_from_its_start() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..10).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.until_committed(&topic, &[(0, 10)].into()).await;
    poller.stop().await;
    topic.delete().await;
    topic.make_again(1).await;
    topic.put_numbers(0, 100..105).await;
    // Also where the group still has what it committed of the one before.
    for (committed, last) in [(None, 105_usize), (Some(10), 106)] {
        if let Some(offset) = committed {
            topic.reset(topic.name(), [(0, offset)]).await;
            topic.put_numbers(0, 105..last).await;
        }
        let poller = Poller::start(&topic, SETTINGS).await;
        poller.until_committed(&topic, &[(0, i64::try_from(last - 100).unwrap())].into()).await;
        let expected: Vec<_> = (100..last).map(|number| number.to_string()).collect();
        assert_eq!(poller.journal().values_ended(), expected);
        poller.stop().await;
    }
    topic.delete().await;
}

#[tokio::test]
async fn a_topic_that_is_made_again_while_it_is_read_is_read_from_its_start() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put_numbers(0, 0..10).await;
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.until_committed(&topic, &[(0, 10)].into()).await;
    topic.delete().await;
    topic.make_again(1).await;
    topic.put_numbers(0, 100..105).await;
    poller.until_ended(15).await;
    assert_eq!(poller.journal().values_ended()[10..], ["100", "101", "102", "103", "104"]);
    poller.until_committed(&topic, &[(0, 5)].into()).await;
    poller.stop().await;
    topic.delete().await;
}
