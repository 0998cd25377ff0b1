//! Records that a function fails for: listed ones, halves, old ones, and those that are given up.

use pelton_tests::kafka::{Cluster, Event, Message, Poller, Producer, Topic};
use pelton_tests::site::TO_A_FILE;
use pelton_tests::{measure::now_ns, wait};

const REPORTING: &str = "StartingPosition: TRIM_HORIZON
    BatchSize: 5
    FunctionResponseTypes: [ReportBatchItemFailures]";

/// A poller whose function does what its records ask for; the records stand in the topic before it starts.
async fn obedient(topic: &Topic, settings: &str, texts: &[&str]) -> Poller {
    topic.put_texts(0, texts).await;
    let site = Poller::site(topic, settings);
    site.behave("obey");
    Poller::start_in(site).await
}

fn offsets(events: &[Event]) -> Vec<Vec<i64>> {
    events.iter().map(Event::offsets).collect()
}

async fn until_began(poller: &Poller, batches: usize) {
    let what = format!("{batches} batches began");
    poller.until(what, |poller| poller.journal().began().len() >= batches).await;
}

#[tokio::test]
async fn only_the_listed_records_are_tried_again_and_later_batches_of_the_partition_wait() {
    let topic = Cluster::shared().await.topic(2).await;
    let texts = ["0", "1 report", "2", "3 report", "4", "5", "6"];
    let poller = obedient(&topic, REPORTING, &texts).await;
    until_began(&poller, 3).await;
    assert_eq!(offsets(&poller.journal().began()[..3]), [vec![0, 1, 2, 3, 4], vec![1, 3], vec![1, 3]]);
    // Another partition does not wait.
    topic.put_texts(1, ["0"]).await;
    let of_another = |event: &Event| event.partition() == 1;
    poller
        .until("the other partition goes on", |poller| poller.journal().ended().iter().any(of_another))
        .await;
    assert_eq!(topic.committed(topic.name()).await.get(&0), Some(&1), "before the lowest that failed");
    let listed = |event: &Event| event.offsets() == [1, 3] || event.offsets() == [0, 1, 2, 3, 4];
    let later = poller.journal().began();
    assert!(later.iter().filter(|event| event.partition() == 0).all(listed), "{:?}", offsets(&later));
    poller.site.behave("succeed");
    poller.until_committed(&topic, &[(0, 7), (1, 1)].into()).await;
    let ended: Vec<_> = poller.journal().ended().into_iter().filter(|event| event.partition() == 0).collect();
    assert_eq!(offsets(&ended), [vec![1, 3], vec![5, 6]]);
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn what_was_settled_around_a_listed_record_is_not_handed_over_again_after_a_kill() {
    let topic = Cluster::shared().await.topic(1).await;
    let poller = obedient(&topic, REPORTING, &["0", "1 report", "2", "3"]).await;
    wait::until("the text says what is settled ahead", async || {
        let texts = topic.committed_texts(topic.name()).await;
        texts.get(&0).is_some_and(|(offset, text)| *offset == 1 && text.contains("ahead=")).then_some(())
    })
    .await;
    poller.kill().await;
    let other = Poller::start(&topic, REPORTING).await;
    other.until_committed(&topic, &[(0, 4)].into()).await;
    assert_eq!(offsets(&other.journal().began()), [[1]]);
    other.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn an_item_that_is_not_in_the_event_fails_the_whole_batch() {
    let topic = Cluster::shared().await.topic(1).await;
    let name = topic.name();
    let items = [
        format!(r#"{{"partition":"{name}-0","offset":99}}"#),
        format!(r#"{{"partition":"{name}-1","offset":0}}"#),
        format!(r#"{{"partition":"{name}-0","offset":"0"}}"#),
        r#""0""#.to_owned(),
    ];
    for (number, item) in (0..).zip(items) {
        let first = number * 3;
        let text = format!("x answer:{item}");
        let poller = obedient(&topic, REPORTING, &[&text, "y", "z report"]).await;
        until_began(&poller, 2).await;
        let whole = vec![first, first + 1, first + 2];
        assert_eq!(offsets(&poller.journal().began()[..2]), [whole.clone(), whole], "{item}");
        poller.site.behave("succeed");
        poller.until_committed(&topic, &[(0, first + 3)].into()).await;
        poller.stop().await;
    }
    topic.delete().await;
}

#[tokio::test]
async fn one_poison_record_of_a_topic_is_found_by_halves_and_given_up() {
    let topic = Cluster::shared().await.topic(1).await;
    let settings = format!(
        "StartingPosition: TRIM_HORIZON\nBatchSize: 8\nBisectBatchOnFunctionError: true\nMaximumRetryAttempts: 1\n{TO_A_FILE}"
    );
    let poller = obedient(&topic, &settings, &["0", "1", "2", "3", "4", "5 error", "6", "7"]).await;
    poller.until_committed(&topic, &[(0, 8)].into()).await;
    let batches = [vec![0, 1, 2, 3, 4, 5, 6, 7], vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![4, 5], vec![4]];
    let expected = [&batches[..], &[vec![5], vec![5], vec![6, 7]]].concat();
    assert_eq!(offsets(&poller.journal().began()), expected);
    let [failure] = &poller.site.given_up()[..] else { panic!("{:?}", poller.site.given_up()) };
    assert_eq!(failure["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(failure["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(failure["responseContext"]["functionError"], "Unhandled");
    let info = &failure["KafkaBatchInfo"];
    assert_eq!(info["batchSize"], 1);
    assert_eq!(info["bootstrapServers"], topic.cluster().servers());
    assert_eq!(info.get("eventSourceArn"), None);
    let records = &info["recordsInfo"][format!("{}-0", topic.name())];
    assert_eq!((&records["firstRecordOffset"], &records["lastRecordOffset"]), (&"5".into(), &"5".into()));
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn records_that_are_too_old_by_their_timestamp_are_given_up_without_an_invocation() {
    let topic = Cluster::shared().await.topic(1).await;
    topic.put([Message::text(0, "old").at(1_000), Message::text(0, "older").at(999)]).await;
    topic.put_texts(0, ["new"]).await;
    let settings = format!("StartingPosition: TRIM_HORIZON\nMaximumRecordAgeInSeconds: 60\n{TO_A_FILE}");
    let poller = Poller::start(&topic, &settings).await;
    poller.until_committed(&topic, &[(0, 3)].into()).await;
    assert_eq!(poller.journal().values_ended(), ["new"]);
    let given_up = poller.site.given_up();
    assert!(!given_up.is_empty());
    for failure in &given_up {
        assert_eq!(failure["requestContext"]["condition"], "RecordAgeExceeded");
        assert_eq!(failure["requestContext"]["approximateInvokeCount"], 1, "as AWS says it");
    }
    let records = given_up.iter().map(|failure| failure["KafkaBatchInfo"]["batchSize"].as_u64().unwrap());
    assert_eq!(records.sum::<u64>(), 2);
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn a_batch_that_fails_too_often_is_given_up_and_the_partition_goes_on() {
    let topic = Cluster::shared().await.topic(1).await;
    let settings =
        format!("StartingPosition: TRIM_HORIZON\nBatchSize: 2\nMaximumRetryAttempts: 2\n{TO_A_FILE}");
    let poller = obedient(&topic, &settings, &["0", "1 error", "2", "3"]).await;
    poller.until_committed(&topic, &[(0, 4)].into()).await;
    assert_eq!(offsets(&poller.journal().began()), [[0, 1], [0, 1], [0, 1], [2, 3]]);
    let [failure] = &poller.site.given_up()[..] else { panic!("{:?}", poller.site.given_up()) };
    assert_eq!(failure["requestContext"]["approximateInvokeCount"], 3);
    let event = failure["payload"].as_str().unwrap();
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["eventSource"], "SelfManagedKafka");
    assert_eq!(event["records"][format!("{}-0", topic.name())].as_array().map(Vec::len), Some(2));
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn a_record_that_makes_its_event_too_large_is_given_up_without_an_invocation() {
    let topic = Cluster::shared().await.topic(1).await;
    let large = "x".repeat(5 * 1024 * 1024);
    topic.put_texts(0, ["before", &large, "after"]).await;
    let settings = format!("StartingPosition: TRIM_HORIZON\nBatchSize: 10\n{TO_A_FILE}");
    let poller = Poller::start(&topic, &settings).await;
    poller.until_committed(&topic, &[(0, 3)].into()).await;
    assert_eq!(poller.journal().values_ended(), ["before", "after"]);
    let [failure] = &poller.site.given_up()[..] else {
        panic!("{} are given up", poller.site.given_up().len())
    };
    assert_eq!(failure["requestContext"]["condition"], "MaximumPayloadSizeExceeded");
    assert_eq!(failure["responseContext"], serde_json::Value::Null);
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn a_batch_waits_for_its_window_half_a_second_unless_it_is_told_otherwise() {
    let topic = Cluster::shared().await.topic(1).await;
    let poller = Poller::start(&topic, "StartingPosition: TRIM_HORIZON\nBatchSize: 100").await;
    let producer = Producer::of(&topic);
    let connected = tokio::task::spawn_blocking(move || {
        let _offsets = producer.put(&[Message::text(0, "0")]);
        producer
    });
    let producer = connected.await.unwrap();
    poller.until_ended(1).await;
    let put = tokio::task::spawn_blocking(move || {
        let put = now_ns();
        let _first = producer.put(&[Message::text(0, "1")]);
        let _second = producer.put(&[Message::text(0, "2")]);
        put
    });
    let put = put.await.unwrap();
    poller.until_ended(3).await;
    let [_, event] = &poller.journal().ended()[..] else { panic!("{:?}", poller.journal().ended()) };
    assert_eq!(event.offsets(), [1, 2], "in one batch");
    assert!(event.at_ns - put >= 300_000_000, "it waited for its window");
    poller.stop().await;
    topic.delete().await;
}
