//! Batches of clicks, delivered once and again.

use super::*;
use lambda_ordered::testing::{Kit, TestRecord, TestSource as _};
use lambda_ordered::{OnFailure, Plain};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An event to the letter as AWS documents it for a cluster of one's own. The value is `{"page":"/shoes","user":"u-3"}`.
const EVENT: &str = r#"{"eventSource":"SelfManagedKafka","bootstrapServers":"b-2:9092,b-1:9092",
 "records":{"clicks-0":[{"topic":"clicks","partition":0,"offset":15,"timestamp":1545084650987,"timestampType":"CREATE_TIME",
   "key":"L3Nob2Vz","value":"eyJwYWdlIjoiL3Nob2VzIiwidXNlciI6InUtMyJ9","headers":[{"headerKey":[104,101,97,100,-61]}]}]}}"#;

struct Bench {
    kit: Kit<Plain<Clicks>>,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("clicks.db"), SCHEMA).unwrap();
        let dashboard = Dashboard::at(&folder.path().join("clicks.json"));
        Self { kit: Kit::new(Clicks { file, dashboard }, OnFailure::FailBatch), folder }
    }

    fn counted(&self) -> Vec<String> {
        let query = "SELECT second || ' ' || page || ' ' || clicks FROM clicks ORDER BY second, page";
        self.kit.handler().file.column(query).unwrap()
    }

    fn anomalies(&self) -> Vec<String> {
        self.kit.handler().file.column("SELECT reason FROM anomaly ORDER BY number").unwrap()
    }

    fn shown(&self) -> Value {
        let json = std::fs::read(self.folder.path().join("clicks.json")).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    /// Hands over one click of this page, with this offset and timestamp.
    async fn click(&mut self, page: &str, offset: u64, timestamp: i64) {
        let record =
            TestRecord::new(offset, &format!(r#"{{"page":"{page}"}}"#)).in_shard("clicks-0").with_key(page);
        let mut event = Kafka::event(&[record]);
        event["records"]["clicks-0"][0]["timestamp"] = timestamp.into();
        self.kit.invoke(&event).await.unwrap();
    }
}

fn click(partition: &str, offset: u64, page: &str) -> TestRecord {
    TestRecord::new(offset, &format!(r#"{{"page":"{page}","user":"u-1"}}"#))
        .in_shard(partition)
        .with_key(page)
}

#[tokio::test]
async fn an_event_as_aws_documents_it_is_a_click_in_the_second_of_its_timestamp() {
    let mut bench = Bench::new();
    bench.kit.invoke(&serde_json::from_str(EVENT).unwrap()).await.unwrap();
    assert_eq!(bench.counted(), ["1545084650 /shoes 1"]);
    let second = json!({ "second": "2018-12-17T22:10:50Z", "clicks": { "/shoes": 1 } });
    assert_eq!(bench.shown(), json!({ "pages": { "/shoes": 1 }, "seconds": [second] }));
}

#[tokio::test]
async fn a_click_is_its_partition_and_offset_and_is_counted_once_though_its_batch_comes_again() {
    let batch = [click("clicks-0", 7, "/a"), click("clicks-0", 8, "/a"), click("clicks-1", 7, "/a")];
    let mut bench = Bench::new();
    bench.kit.lose_answers(1);
    bench.kit.deliver(&batch).await.unwrap_err();
    bench.kit.deliver(&batch).await.unwrap();
    assert_eq!(bench.counted(), ["1545084650 /a 3"]);
    // Another poller took over, and has an older position.
    bench.kit.deliver(&[click("clicks-0", 8, "/a"), click("clicks-0", 9, "/a")]).await.unwrap();
    assert_eq!(bench.counted(), ["1545084650 /a 4"]);
    assert_eq!(bench.shown()["pages"], json!({ "/a": 4 }));
}

#[tokio::test]
async fn a_click_without_a_key_is_counted_once_too() {
    let batch = [click("clicks-0", 7, "/a").with_key(""), click("clicks-0", 8, "/b").with_key("")];
    let mut bench = Bench::new();
    bench.kit.deliver(&batch).await.unwrap();
    bench.kit.deliver(&batch).await.unwrap();
    assert_eq!(bench.counted(), ["1545084650 /a 1", "1545084650 /b 1"]);
}

#[tokio::test]
async fn what_is_no_click_is_an_anomaly_and_holds_nothing_up() {
    let tombstone = TestRecord::new(7, "").in_shard("clicks-0").with_key("/a");
    let text = TestRecord::new(8, "click").in_shard("clicks-0").with_key("/a");
    let mut bench = Bench::new();
    bench.kit.deliver(&[tombstone, text, click("clicks-0", 9, "/a")]).await.unwrap();
    // 10000-01-01T00:00:00Z
    bench.click("/a", 10, 253_402_300_800_000).await;
    assert_eq!(bench.counted(), ["1545084650 /a 1"]);
    let reasons = [
        "no click: invalid type: null, expected struct Click at line 1 column 4",
        "no click: expected value at line 1 column 1",
        "no click: its timestamp is no date",
    ];
    assert_eq!(bench.anomalies(), reasons);
}

#[tokio::test]
async fn the_dashboard_shows_the_last_sixty_seconds_with_clicks_though_a_click_is_from_the_future() {
    let mut bench = Bench::new();
    for second in 0..61 {
        bench.click("/a", second, i64::try_from(second).unwrap() * 1000).await;
    }
    bench.click("/b", 61, 4_102_444_800_000).await;
    let shown = bench.shown();
    let seconds: Vec<&Value> =
        shown["seconds"].as_array().unwrap().iter().map(|second| &second["second"]).collect();
    assert_eq!(
        (seconds.len(), seconds[0], seconds[59]),
        (60, &json!("1970-01-01T00:00:02Z"), &json!("2100-01-01T00:00:00Z"))
    );
    assert_eq!(shown["pages"], json!({ "/a": 59, "/b": 1 }));
}

#[tokio::test]
async fn a_dashboard_that_cannot_be_written_fails_the_batch_and_nothing_of_it_is_counted() {
    let mut bench = Bench::new();
    bench.kit.handler_mut().dashboard = Dashboard::at(&bench.folder.path().join("missing/clicks.json"));
    let error = bench.kit.deliver(&[click("clicks-0", 7, "/a")]).await.unwrap_err().error_message;
    assert!(error.contains("its folder must exist"), "{error}");
    assert_eq!(bench.counted(), [""; 0]);
    bench.kit.handler_mut().dashboard = Dashboard::at(&bench.folder.path().join("clicks.json"));
    bench.kit.deliver(&[click("clicks-0", 7, "/a")]).await.unwrap();
    assert_eq!(bench.counted(), ["1545084650 /a 1"]);
}
