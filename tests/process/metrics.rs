//! `GET /metrics` and `GET /health` of a running poller, read as others read them: with Prometheus' own parser.

use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::{Signal, http, wait};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Prints what it understands of its input, in JSON.
const PARSER: &str = "
import json, sys
from prometheus_client.parser import text_fd_to_metric_families
print(json.dumps([
    {'kind': family.type, 'help': family.documentation,
     'samples': [{'name': s.name, 'labels': s.labels, 'value': s.value} for s in family.samples]}
    for family in text_fd_to_metric_families(sys.stdin)
]))
";

#[derive(Debug, Deserialize)]
struct Family {
    kind: String,
    help: String,
    samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Everything that one scrape brought.
struct Scrape(Vec<Family>);

impl Scrape {
    /// The values of a metric, by shard; under the empty name what is not of a shard.
    fn by_shard(&self, name: &str) -> BTreeMap<&str, f64> {
        let samples = self.0.iter().flat_map(|family| &family.samples).filter(|sample| sample.name == name);
        samples.map(|sample| (sample.labels.get("shard").map_or("", String::as_str), sample.value)).collect()
    }

    /// The value of a metric that is not of a shard.
    #[track_caller]
    fn value(&self, name: &str) -> f64 {
        *self.by_shard(name).get("").unwrap_or_else(|| panic!("there is no {name}: {:#?}", self.0))
    }
}

/// Scrapes the poller of a site.
struct Scraper {
    address: String,
    python: String,
}

impl Scraper {
    async fn new(site: &Site) -> Self {
        let tool = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tool"))
            .args(["prometheus-client", "0.26.0", "python"])
            .stderr(Stdio::inherit())
            .output();
        let tool = tool.await.expect("tests/tool runs");
        assert!(tool.status.success(), "the parser of Prometheus' Python client cannot be installed");
        let python = String::from_utf8(tool.stdout).expect("a path is text").trim().to_owned();
        let address = wait::for_file(&site.data_dir().join("address")).await;
        Self { address, python }
    }

    async fn scrape(&self) -> Scrape {
        let answer = http::get(&self.address, "/metrics").await.expect("the poller answers");
        assert_eq!(answer.status().as_u16(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        let mut parser = Command::new(&self.python)
            .args(["-c", PARSER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut input = parser.stdin.take().expect("its standard input is piped");
        input.write_all(answer.body()).await.expect("it reads all");
        drop(input);
        let output = parser.wait_with_output().await.expect("it ends");
        assert!(output.status.success(), "not understood:\n{}", String::from_utf8_lossy(answer.body()));
        Scrape(serde_json::from_slice(&output.stdout).expect("it prints JSON"))
    }

    /// Scrapes until `is_true`.
    async fn until(&self, what: &str, mut is_true: impl FnMut(&Scrape) -> bool) -> Scrape {
        wait::until(what, async || {
            let scrape = self.scrape().await;
            is_true(&scrape).then_some(scrape)
        })
        .await
    }
}

const PARENT: &str = "shardId-000000000000";

#[tokio::test]
async fn what_happens_is_told_in_metrics_that_never_go_back_also_when_shards_end() {
    let site = Site::new(&template("FunctionName: keeper", "BatchSize: 2"));
    site.behave("error");
    let server = StreamServer::start(&["orders"]).await;
    let running = site.start(&server).await;
    let scraper = Scraper::new(&site).await;
    server.put_numbers("a", 0..4).await;
    let failing = scraper
        .until("a batch is retried", |now| now.value("pelton_mapping_retried_invocations_total") >= 1.0)
        .await;
    assert!(failing.value("pelton_mapping_failed_invocations_total") >= 1.0);
    assert!(failing.value("pelton_mapping_failed_records_total") >= 2.0);
    assert_eq!(failing.value("pelton_mapping_polled_records_total"), 4.0);
    assert_eq!(failing.value("pelton_mapping_settled_records_total"), 0.0);
    assert_eq!(failing.by_shard("pelton_shard_held_records"), BTreeMap::from([(PARENT, 4.0)]));
    assert!(failing.value("pelton_read_ahead_bytes") > 0.0);
    assert_eq!(failing.value("pelton_function_processes"), 1.0);
    for family in &failing.0 {
        assert!(
            ["counter", "gauge"].contains(&family.kind.as_str()) && !family.help.is_empty(),
            "{family:?}"
        );
    }

    site.behave("succeed");
    let settled = "pelton_mapping_settled_records_total";
    let done = scraper.until("all is settled", |now| now.value(settled) >= 4.0).await;
    assert!(done.by_shard("pelton_shard_iterator_age_seconds").contains_key(PARENT));
    assert!(done.by_shard("pelton_shard_checkpoint_age_seconds").contains_key(PARENT));

    let middle = (1_u128 << 127).to_string();
    let split = server.client.split_shard().stream_name("orders").shard_to_split(PARENT);
    split.new_starting_hash_key(middle).send().await.expect("a shard can be split");
    server.put_numbers("a", 4..6).await;
    let mut before = 4.0;
    let after = scraper
        .until("the parent is gone, and the children's records are settled", |now| {
            let total = now.value(settled);
            assert!(total >= before, "{total} after {before}");
            before = total;
            !now.by_shard("pelton_shard_settled_records_total").contains_key(PARENT) && total >= 6.0
        })
        .await;
    assert_eq!(after.value(settled), 6.0);
    assert_eq!(after.value("pelton_mapping_shards"), 2.0);
    let journal = site.journal();
    until(&running, "six are done with", || journal.records_ended() == 6).await;
}

#[tokio::test]
async fn health_says_what_is_wrong_while_the_stream_is_away() {
    let site = Site::new(&template("", ""));
    let server = StreamServer::start(&["orders"]).await;
    let _running = site.start(&server).await;
    let address = wait::for_file(&site.data_dir().join("address")).await;
    assert_eq!(http::get(&address, "/health").await.unwrap().status().as_u16(), 200);
    server.running.signal(Signal::KILL);
    let said = wait::until("it is not healthy", async || {
        let answer = http::get(&address, "/health").await.unwrap();
        (answer.status().as_u16() == 503).then(|| String::from_utf8_lossy(answer.body()).into_owned())
    })
    .await;
    assert!(said.contains("KeeperOrders: waiting: "), "{said}");
}
