//! What ParallelizationFactor is worth: one shard, many keys, and a handler that sleeps in each batch.
//!
//! The same backlog, one batch at a time and ten side by side, in turns. The time is that from the begin of the first
//! invocation to the end of the last.

use crate::backlog::{RECORD_BYTES, STREAM, drain, mapping};
use crate::drain::rounded;
use crate::report::{Goal, Report};
use crate::server::Server;
use crate::site::Mapping;
use pelton_tests::measure::deliveries::{SLEEP_VARIABLE, Tally};
use pelton_tests::measure::statistics::median;
use serde_json::json;

/// Ten batches side by side are to be at least this much faster than one at a time.
const RATIO_GOAL: f64 = 9.0;

const SIDE_BY_SIDE: &str = "ParallelizationFactor: 10";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Records of 1 KB
    #[arg(long, default_value_t = 10_000)]
    records: usize,
    /// How often the two take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Partition keys
    #[arg(long, default_value_t = 100)]
    keys: usize,
    /// Records of a batch
    #[arg(long, default_value_t = 10)]
    batch: usize,
    /// How long the handler sleeps in each batch
    #[arg(long, default_value_t = 20)]
    sleep_ms: u32,
}

pub(crate) async fn run(arguments: &Arguments, report: &Report) {
    let server = Server::start(STREAM, 1).await;
    report.progress(&format!("filling one shard with {} records", arguments.records));
    server.fill(STREAM, arguments.records, RECORD_BYTES, arguments.keys).await;
    let (mut one, mut ten) = (Vec::new(), Vec::new());
    for round in 1..=arguments.rounds {
        one.push(seconds(arguments, &server, &[]).await);
        ten.push(seconds(arguments, &server, &[SIDE_BY_SIDE]).await);
        report.progress(&format!(
            "round {round}: {:.2} s, side by side {:.2} s",
            one[round - 1],
            ten[round - 1]
        ));
    }
    server.stop().await;
    tell(arguments, report, median(&mut one), median(&mut ten));
}

fn tell(arguments: &Arguments, report: &Report, one_s: f64, ten_s: f64) {
    let ratio = one_s / ten_s;
    let per_s = |seconds: f64| arguments.records as f64 / seconds;
    report.result(&json!({
        "bench": "factor", "keys": arguments.keys, "batch": arguments.batch, "sleep_ms": arguments.sleep_ms,
        "one_records_per_s": per_s(one_s).round(), "ten_records_per_s": per_s(ten_s).round(),
        "ratio": rounded(ratio),
    }));
    let row = |factor: &str, seconds: f64| {
        vec![factor.to_owned(), format!("{seconds:.2}"), format!("{:.0}", per_s(seconds))]
    };
    report.table(&["factor", "s", "records/s"], &[row("1", one_s), row("10", ten_s)]);
    report.goals(&[Goal::at_least("factor 10, ratio to factor 1", ratio, RATIO_GOAL, "")]);
}

/// How long the backlog takes.
async fn seconds(arguments: &Arguments, server: &Server, settings: &[&str]) -> f64 {
    let sleep = arguments.sleep_ms.to_string();
    let variable = Some((SLEEP_VARIABLE, &*sleep));
    let mapping = Mapping { variable, ..mapping(arguments.batch, settings) };
    let Tally { first_ns, last_ns, .. } = drain(server, mapping, arguments.records).await.tally;
    let last_began_s = (last_ns - first_ns) as f64 / 1e9;
    last_began_s + f64::from(arguments.sleep_ms) / 1e3
}
