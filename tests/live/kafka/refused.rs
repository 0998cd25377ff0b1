//! Starts that are refused: no topic, no broker, settings that no mapping has.

use pelton_tests::kafka::{Cluster, Poller};
use pelton_tests::site::{Site, assert_refused};
use pelton_tests::{Exit, pelton};

const SETTINGS: &str = "StartingPosition: TRIM_HORIZON";

async fn run(site: &Site) -> Exit {
    Poller::program().run(&site.folder).await
}

#[tokio::test]
async fn a_topic_that_does_not_exist_ends_the_start_and_is_named() {
    let topic = Cluster::shared().await.no_topic();
    let site = Poller::site(&topic, SETTINGS);
    let exit = run(&site).await;
    let said = ["ClicksTopic", topic.name(), "the topic does not exist", "create the topic first"];
    assert_refused(&site, &exit, &said);
}

#[tokio::test]
async fn a_broker_that_does_not_answer_ends_the_start_and_is_named() {
    let topic = Cluster::shared().await.no_topic();
    let site = Poller::site(&topic, SETTINGS);
    let template = std::fs::read_to_string(site.path().join("template.yaml")).unwrap();
    // Where nobody listens.
    site.write("template.yaml", &template.replace(topic.cluster().servers(), "127.0.0.1:1"));
    let exit = run(&site).await;
    assert_refused(&site, &exit, &["ClicksTopic", "127.0.0.1:1", "Connection refused"]);
}

#[tokio::test]
async fn settings_that_no_mapping_of_kafka_has_end_the_start_and_are_named() {
    let topic = Cluster::shared().await.no_topic();
    let own_topic = format!("kafka://{}", topic.name());
    for (settings, property) in [
        ("StartingPosition: LATEST\nBatchSize: 10001", "BatchSize"),
        ("StartingPosition: LATEST\nMaximumBatchingWindowInSeconds: 301", "MaximumBatchingWindowInSeconds"),
        ("StartingPosition: AT_TIMESTAMP", "StartingPositionTimestamp"),
        ("StartingPosition: LATEST\nFilterCriteria: {Filters: [{Pattern: 'no json'}]}", "Pattern"),
        (
            &*format!(
                "StartingPosition: LATEST\nDestinationConfig: {{OnFailure: {{Destination: '{own_topic}'}}}}"
            ),
            "Destination",
        ),
    ] {
        let site = Poller::site(&topic, settings);
        let exit = run(&site).await;
        assert_refused(&site, &exit, &[property]);
    }
    let site = Poller::site(&topic, SETTINGS);
    let template = std::fs::read_to_string(site.path().join("template.yaml")).unwrap();
    let topics = format!("Topics: [{}]", topic.name());
    site.write("template.yaml", &template.replace(&topics, "Topics: [one, two]"));
    assert_refused(&site, &run(&site).await, &["Topics"]);
}

#[tokio::test]
async fn a_rewind_of_a_mapping_of_kafka_says_how_its_group_is_moved() {
    let topic = Cluster::shared().await.no_topic();
    let site = Poller::site(&topic, SETTINGS);
    let exit = pelton(["rewind", "ClicksTopic", "--to", "trim-horizon"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["ClicksTopic", "kafka-consumer-groups", "--reset-offsets", topic.name()]);
}

#[tokio::test]
async fn the_patterns_of_a_mapping_of_kafka_judge_events_of_kafka() {
    let topic = Cluster::shared().await.no_topic();
    let settings = r#"StartingPosition: LATEST
            FilterCriteria: {Filters: [{Pattern: '{"value": {"a": [1]}}'}]}"#;
    let site = Poller::site(&topic, settings);
    // {"a":1} and {"a":2}
    let event = r#"{"eventSource":"SelfManagedKafka","records":{"t-0":[{"value":"eyJhIjoxfQ=="},{"value":"eyJhIjoyfQ=="}]}}"#;
    site.write("event.json", event);
    let exit = pelton(["filter", "--json", "--mapping", "ClicksTopic", "event.json"]).run(&site.folder).await;
    exit.assert_code(0).assert_printed(r#"{"result":"pass"}"#);
    exit.assert_printed(r#"{"result":"drop""#);
}
