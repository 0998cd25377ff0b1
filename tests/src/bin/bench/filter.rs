//! What a record costs that matches no filter, beside one that is delivered.
//!
//! The same backlog, once delivered whole by a mapping without filters and once dropped whole by one with a filter on its
//! payload, in turns. The cost is the poller's processor time from its start until all of it is settled; that of the
//! handler, which only the delivery takes, does not count.

use crate::backlog::{PATIENCE, RECORD_BYTES, STREAM, mapping};
use crate::drain::rounded;
use crate::report::{Goal, Report};
use crate::server::Server;
use crate::site::{Site, pelton_run, pid, stop};
use pelton_tests::measure::cost::Cost;
use pelton_tests::measure::statistics::median;
use pelton_tests::{http, wait};
use serde_json::json;

/// A record that is dropped is to cost less than one that is delivered.
const RATIO_GOAL: f64 = 1.0;

/// No order has such a number; to know, the payload is parsed.
const DROPS_ALL: &str =
    r#"FilterCriteria: {Filters: [{Pattern: '{"data":{"order":[{"numeric":["<",0]}]}}'}]}"#;

/// What is counted for each record that is done with.
const SETTLED: &str = "pelton_mapping_settled_records_total{";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Records of 1 KB
    #[arg(long, default_value_t = 200_000)]
    records: usize,
    /// How often the two take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Records of a batch
    #[arg(long, default_value_t = 100)]
    batch: usize,
}

pub(crate) async fn run(arguments: &Arguments, report: &Report) {
    let server = Server::start(STREAM, 1).await;
    report.progress(&format!("filling one shard with {} records", arguments.records));
    server.fill(STREAM, arguments.records, RECORD_BYTES, arguments.records).await;
    let (mut delivered, mut dropped) = (Vec::new(), Vec::new());
    for round in 1..=arguments.rounds {
        delivered.push(cpu_us(arguments, &server, &[]).await);
        dropped.push(cpu_us(arguments, &server, &[DROPS_ALL]).await);
        report.progress(&format!(
            "round {round}: delivered {:.2}, dropped {:.2} µs of CPU a record",
            delivered[round - 1],
            dropped[round - 1]
        ));
    }
    server.stop().await;
    tell(arguments, report, median(&mut delivered), median(&mut dropped));
}

fn tell(arguments: &Arguments, report: &Report, delivered_us: f64, dropped_us: f64) {
    let ratio = dropped_us / delivered_us;
    report.result(&json!({
        "bench": "filter", "batch": arguments.batch, "delivered_cpu_us": rounded(delivered_us),
        "dropped_cpu_us": rounded(dropped_us), "ratio": rounded(ratio),
    }));
    let row = |what: &str, cost_us: f64| vec![what.to_owned(), format!("{cost_us:.2}")];
    let rows = [row("delivered", delivered_us), row("dropped by a filter", dropped_us)];
    report.table(&["a record", "poller's CPU µs"], &rows);
    report.goals(&[Goal::at_most("dropped, ratio to delivered", ratio, RATIO_GOAL, "")]);
}

/// The poller's processor time for each record, in microseconds.
async fn cpu_us(arguments: &Arguments, server: &Server, settings: &[&str]) -> f64 {
    let site = Site::new(&[mapping(arguments.batch, settings)]);
    let poller = site.start(pelton_run(&server.endpoint));
    let address = wait::for_file(&site.address_file()).await;
    let all =
        wait::within(PATIENCE, async || (settled(&address).await? >= arguments.records as f64).then_some(()));
    assert!(all.await.is_some(), "not every record is settled:\n{}", poller.printed());
    let cost = Cost::of(pid(&poller));
    stop(poller).await;
    cost.cpu.as_secs_f64() * 1e6 / arguments.records as f64
}

/// How many records are settled, as the poller tells.
async fn settled(address: &str) -> Option<f64> {
    let answer = http::get(address, "/metrics").await.ok()?;
    let text = std::str::from_utf8(answer.body()).ok()?;
    let line = text.lines().find(|line| line.starts_with(SETTLED))?;
    line.rsplit(' ').next()?.parse().ok()
}
