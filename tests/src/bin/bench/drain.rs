//! How fast a backlog is worked off, beside the bare pump.
//!
//! The stream is in a process of its own, filled once and read again and again from its oldest record. Pelton and the
//! pump take turns; the time is that from the first invocation to the last, as their handlers tell it.

use crate::report::{Goal, Report};
use crate::server::Server;
use crate::site::{Mapping, Site, pelton_run, pid, program, stop};
use pelton_tests::measure::cost::Cost;
use pelton_tests::measure::deliveries::{FOLDER_VARIABLE, Tally};
use pelton_tests::measure::statistics::median;
use pelton_tests::{Program, Running, wait};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const STREAM: &str = "records";
const FUNCTION: &str = "Nothing";
const RECORD_BYTES: usize = 1024;

/// Pelton is to be at least this fast, as a part of the bare pump.
const RATIO_GOAL: f64 = 0.95;

/// How long one drain may take.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Records of 1 KB
    #[arg(long, default_value_t = 200_000)]
    records: usize,
    /// How often Pelton and the pump take turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Shards of the stream, one run for each
    #[arg(long, value_delimiter = ',', default_value = "1,4")]
    shards: Vec<usize>,
    /// Batch sizes, one run for each
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    batch: Vec<usize>,
    /// Records of the pump's GetRecords
    #[arg(long, default_value_t = 500)]
    pump_page: usize,
}

/// What the rounds of one setting measured.
#[derive(Default)]
struct Measured {
    pelton: Vec<f64>,
    bare: Vec<f64>,
    cpu_s: Vec<f64>,
    bare_cpu_s: Vec<f64>,
    peak_rss_bytes: u64,
}

pub(crate) async fn run(arguments: &Arguments, report: &Report) {
    let (mut rows, mut goals) = (Vec::new(), Vec::new());
    for &shards in &arguments.shards {
        let server = Server::start(STREAM, shards).await;
        report.progress(&format!("filling {shards} shards with {} records", arguments.records));
        server.fill(STREAM, arguments.records, RECORD_BYTES).await;
        for &batch in &arguments.batch {
            let measured = measure(arguments, &server, batch, report).await;
            let Measured { mut pelton, mut bare, mut cpu_s, mut bare_cpu_s, peak_rss_bytes } = measured;
            let (pelton, bare) = (median(&mut pelton), median(&mut bare));
            let per_million = |cpu_s: f64| cpu_s * 1e6 / arguments.records as f64;
            let cpu_s_per_million = per_million(median(&mut cpu_s));
            let bare_cpu_s_per_million = per_million(median(&mut bare_cpu_s));
            let ratio = pelton / bare;
            report.result(&json!({
                "bench": "drain", "shards": shards, "batch": batch, "pelton_records_per_s": pelton.round(),
                "bare_records_per_s": bare.round(), "ratio": rounded(ratio),
                "poller_cpu_s_per_million": rounded(cpu_s_per_million),
                "bare_cpu_s_per_million": rounded(bare_cpu_s_per_million),
                "poller_peak_rss_bytes": peak_rss_bytes,
            }));
            rows.push(vec![
                shards.to_string(),
                batch.to_string(),
                format!("{pelton:.0}"),
                format!("{bare:.0}"),
                format!("{cpu_s_per_million:.2}"),
                format!("{bare_cpu_s_per_million:.2}"),
                format!("{:.1}", peak_rss_bytes as f64 / 1e6),
            ]);
            goals.push(Goal::at_least(
                format!("{shards} shards, batch {batch}: ratio"),
                ratio,
                RATIO_GOAL,
                "",
            ));
        }
        server.stop().await;
    }
    let header = [
        "shards",
        "batch",
        "Pelton records/s",
        "bare pump records/s",
        "CPU s per million",
        "bare pump's",
        "peak MB",
    ];
    report.table(&header, &rows);
    report.goals(&goals);
}

async fn measure(arguments: &Arguments, server: &Server, batch: usize, report: &Report) -> Measured {
    let mut measured = Measured::default();
    for round in 0..arguments.rounds {
        // Who goes first changes, too.
        for turn in [round % 2, (round + 1) % 2] {
            if turn == 0 {
                measured.drain_with_pelton(arguments.records, server, batch).await;
            } else {
                measured.drain_with_pump(arguments, server, batch).await;
            }
        }
        let (pelton, bare) = (measured.pelton[round], measured.bare[round]);
        report.progress(&format!(
            "batch {batch}, round {}: Pelton {pelton:.0}, bare pump {bare:.0} records/s",
            round + 1
        ));
    }
    measured
}

impl Measured {
    async fn drain_with_pelton(&mut self, records: usize, server: &Server, batch: usize) {
        let mapping = Mapping { function: FUNCTION, stream: STREAM, batch, variable: None };
        let site = Site::new(&[mapping]);
        let poller = site.start(pelton_run(&server.endpoint));
        self.pelton.push(drained(&poller, &site.deliveries(FUNCTION), records).await);
        let cost = Cost::of(pid(&poller));
        self.cpu_s.push(cost.cpu.as_secs_f64());
        self.peak_rss_bytes = self.peak_rss_bytes.max(cost.peak_rss_bytes);
        stop(poller).await;
    }

    async fn drain_with_pump(&mut self, arguments: &Arguments, server: &Server, batch: usize) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let deliveries = tempfile::tempdir().expect("a temporary folder can be made");
        let page = arguments.pump_page.max(batch);
        let pump = Program::new(program("bench_pump"))
            .args(["--endpoint-url", &server.endpoint, "--stream", STREAM])
            .args(["--batch", &batch.to_string(), "--page", &page.to_string()])
            .args([Path::new("--handler"), &program("bench_handler")])
            .env(FOLDER_VARIABLE, deliveries.path())
            .start(&folder);
        self.bare.push(drained(&pump, deliveries.path(), arguments.records).await);
        self.bare_cpu_s.push(Cost::of(pid(&pump)).cpu.as_secs_f64());
    }
}

/// Waits until handlers got all records; how many a second they got. More would be repeats, which nothing here causes.
async fn drained(running: &Running, deliveries: &Path, records: usize) -> f64 {
    let all = wait::within(PATIENCE, async || {
        let tally = Tally::of(deliveries);
        (tally.records >= records as u64).then_some(())
    });
    let got = || Tally::of(deliveries);
    assert!(all.await.is_some(), "{:?} of {records} records came:\n{}", got(), running.printed());
    assert_eq!(got().records, records as u64, "every record comes once");
    got().records_per_s()
}

pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
