//! Records as they stand in a topic: without a key or a value, with headers, with gaps between them.

use pelton_tests::kafka::{Cluster, Message, Poller, Producer, Topic};
use pelton_tests::wait;
use serde_json::{Value, json};

const SETTINGS: &str = "StartingPosition: TRIM_HORIZON\nBatchSize: 100\nMaximumBatchingWindowInSeconds: 0";

async fn first_records(topic: &Topic, records: usize) -> Vec<Value> {
    let poller = Poller::start(topic, SETTINGS).await;
    poller.until_ended(records).await;
    let received = poller.journal().ended().into_iter().flat_map(|event| event.records);
    let received = received.map(|record| record.json).collect();
    poller.stop().await;
    received
}

#[tokio::test]
async fn tombstones_null_keys_headers_and_bytes_that_are_no_text_reach_the_function_as_they_are() {
    let topic = Cluster::shared().await.topic(1).await;
    let header = |key: &str, value: &[u8]| (key.to_owned(), Some(value.to_vec()));
    topic
        .put([
            Message::text(0, "plain").at(1_700_000_000_123),
            Message { key: Some(b"gone".to_vec()), timestamp: Some(1_700_000_000_124), ..Message::default() },
            Message {
                key: Some(Vec::new()),
                value: Some(vec![0xff, 0x00]),
                timestamp: Some(1_700_000_000_125),
                headers: vec![header("h", b"a"), header("h", &[0xff, 0x80]), ("none".to_owned(), None)],
                ..Message::default()
            },
        ])
        .await;
    let record = |offset: i64, key: Value, value: Value, headers: Value| {
        json!({
            "topic": topic.name(), "partition": 0, "offset": offset, "timestamp": 1_700_000_000_123_i64 + offset,
            "timestampType": "CREATE_TIME", "key": key, "value": value, "headers": headers,
        })
    };
    let expected = [
        record(0, Value::Null, json!("cGxhaW4="), json!([])),
        record(1, json!("Z29uZQ=="), Value::Null, json!([])),
        record(2, json!(""), json!("/wA="), json!([{"h": [97]}, {"h": [-1, -128]}, {"none": []}])),
    ];
    assert_eq!(first_records(&topic, 3).await, expected);
    topic.delete().await;
}

#[tokio::test]
async fn a_topic_that_stamps_its_records_itself_says_so() {
    let topic = Cluster::shared().await.topic_with(1, &[("message.timestamp.type", "LogAppendTime")]).await;
    topic.put([Message::text(0, "stamped").at(1_000)]).await;
    let records = first_records(&topic, 1).await;
    assert_eq!(records[0]["timestampType"], "LOG_APPEND_TIME");
    assert!(records[0]["timestamp"].as_i64().unwrap() > 1_000_000_000_000, "{}", records[0]);
    topic.delete().await;
}

#[tokio::test]
async fn records_of_aborted_transactions_are_not_seen_and_what_comes_behind_them_is() {
    let topic = Cluster::shared().await.topic(1).await;
    let written = topic.clone();
    let write = move || {
        let producer = Producer::of_transactions(&written);
        for (text, is_committed) in
            [("first", true), ("aborted", false), ("second", true), ("aborted", false)]
        {
            let messages: Vec<_> =
                (0..3).map(|number| Message::text(0, &format!("{text}-{number}"))).collect();
            producer.put_in_transaction(&messages, is_committed);
        }
    };
    tokio::task::spawn_blocking(write).await.unwrap();
    let poller = Poller::start(&topic, SETTINGS).await;
    poller.until_ended(6).await;
    topic.put_texts(0, ["last"]).await;
    poller.until_ended(7).await;
    let expected = ["first-0", "first-1", "first-2", "second-0", "second-1", "second-2", "last"];
    assert_eq!(poller.journal().values_ended(), expected);
    let (_, end) = topic.log(0).await;
    assert_eq!(end, 17, "twelve records, the end of four transactions, and one record more");
    poller.until_committed(&topic, &[(0, end)].into()).await;
    poller.stop().await;

    // The next one begins with what nobody may see.
    let written = topic.clone();
    let write = move || {
        Producer::of_transactions(&written).put_in_transaction(&[Message::text(0, "aborted")], false);
    };
    tokio::task::spawn_blocking(write).await.unwrap();
    let poller = Poller::start(&topic, SETTINGS).await;
    topic.put_texts(0, ["after it"]).await;
    poller.until_ended(1).await;
    assert_eq!(poller.journal().values_ended(), ["after it"]);
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn the_gaps_of_a_compacted_topic_stop_nothing() {
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("min.compaction.lag.ms", "0"),
        ("max.compaction.lag.ms", "100"),
    ];
    let topic = Cluster::shared().await.topic_with(1, &settings).await;
    for round in 0..20 {
        let keys = ["a", "b", "c"].map(|key| Message::text(0, &format!("{key}{round}")).with_key(key));
        topic.put(keys).await;
    }
    let compacted = wait::until("the log is compacted", async || {
        // A segment is closed by the first record of the next one, and only then compacted.
        topic.put([Message::text(0, "z").with_key("z")]).await;
        let values = topic.values(0).await;
        (!values.contains(&"a1".to_owned()) && !values.contains(&"b18".to_owned())).then_some(values)
    })
    .await;
    let poller = Poller::start(&topic, SETTINGS).await;
    let last_of = |key: &str| format!("{key}19");
    poller
        .until("the last of each key is handled", |poller| {
            let ended = poller.journal().values_ended();
            ["a", "b", "c"].iter().all(|key| ended.contains(&last_of(key)))
        })
        .await;
    assert!(compacted.len() < 60, "{compacted:?}");
    topic.put([Message::text(0, "end").with_key("end")]).await;
    poller
        .until("what comes later is handled", |poller| {
            poller.journal().values_ended().contains(&"end".to_owned())
        })
        .await;
    let (_, end) = topic.log(0).await;
    poller.until_committed(&topic, &[(0, end)].into()).await;
    poller.stop().await;
    topic.delete().await;
}

#[tokio::test]
async fn what_no_filter_matches_is_settled_without_the_function() {
    let topic = Cluster::shared().await.topic(1).await;
    let settings = format!(
        "{SETTINGS}
         FilterCriteria: {{Filters: [{{Pattern: '{{\"value\": {{\"kind\": [\"click\"]}}}}'}}]}}"
    );
    let poller = Poller::start(&topic, &settings).await;
    topic.put_texts(0, [r#"{"kind":"click"}"#, r#"{"kind":"view"}"#, r#"{"kind":"view"}"#]).await;
    poller.until_committed(&topic, &[(0, 3)].into()).await;
    assert_eq!(poller.journal().values_ended(), [r#"{"kind":"click"}"#]);
    poller.stop().await;
    topic.delete().await;
}
