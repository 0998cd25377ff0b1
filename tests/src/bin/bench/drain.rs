//! How fast a backlog is worked off, plain and with everything on, beside the bare pump.
//!
//! The stream is in a process of its own, filled once and read again and again from its oldest record. The three take
//! turns.

use crate::backlog::{Drained, RECORD_BYTES, STREAM, delivered, drain, mapping};
use crate::report::{Goal, Report};
use crate::server::Server;
use crate::site::{pid, program};
use pelton_tests::Program;
use pelton_tests::measure::cost::Cost;
use pelton_tests::measure::deliveries::FOLDER_VARIABLE;
use pelton_tests::measure::statistics::median;
use serde_json::json;
use std::path::Path;

/// Pelton is to be at least this fast, as a part of the bare pump.
const RATIO_GOAL: f64 = 0.95;

/// With everything on it is to be at least this fast, as a part of itself without.
const EVERYTHING_RATIO_GOAL: f64 = 0.8;

/// Everything: each payload is parsed and passes, batches run side by side, each answer is read.
const EVERYTHING: [&str; 3] = [
    "ParallelizationFactor: 4",
    "FunctionResponseTypes: [ReportBatchItemFailures]",
    r#"FilterCriteria: {Filters: [{Pattern: '{"data":{"order":[{"exists":true}]}}'}]}"#,
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Records of 1 KB
    #[arg(long, default_value_t = 500_000)]
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

/// Who takes turns.
#[derive(Clone, Copy)]
enum Contender {
    Plain,
    Everything,
    Pump,
}

/// What the rounds of one setting measured.
#[derive(Default)]
struct Measured {
    plain: Rounds,
    everything: Rounds,
    bare: Rounds,
}

/// What the rounds of one contender measured.
#[derive(Default)]
struct Rounds {
    records_per_s: Vec<f64>,
    records_per_invocation: Vec<f64>,
    cpu_s: Vec<f64>,
    peak_rss_bytes: u64,
}

/// The same in one figure each.
struct Medians {
    records_per_s: f64,
    records_per_invocation: f64,
    cpu_s_per_million: f64,
    peak_rss_bytes: u64,
}

pub(crate) async fn run(arguments: &Arguments, report: &Report) {
    let (mut rows, mut goals) = (Vec::new(), Vec::new());
    for &shards in &arguments.shards {
        let server = Server::start(STREAM, shards).await;
        report.progress(&format!("filling {shards} shards with {} records", arguments.records));
        server.fill(STREAM, arguments.records, RECORD_BYTES, arguments.records).await;
        for &batch in &arguments.batch {
            let Measured { plain, everything, bare } = measure(arguments, &server, batch, report).await;
            let medians = [plain, everything, bare].map(|rounds| rounds.medians(arguments.records));
            let setting = [shards, batch];
            tell(report, setting, &medians);
            rows.push(row(setting, &medians));
            goals.extend(goals_of(setting, &medians));
        }
        server.stop().await;
    }
    let header = [
        "shards",
        "batch",
        "Pelton records/s",
        "with everything",
        "bare pump",
        "CPU s per million",
        "with everything",
        "bare pump",
        "peak MB",
        "with everything",
    ];
    report.table(&header, &rows);
    report.goals(&goals);
}

async fn measure(arguments: &Arguments, server: &Server, batch: usize, report: &Report) -> Measured {
    let mut measured = Measured::default();
    let mut turns = [Contender::Plain, Contender::Everything, Contender::Pump];
    for round in 1..=arguments.rounds {
        for contender in turns {
            measured.take_turn(contender, arguments, server, batch).await;
        }
        // Who goes first changes, too.
        turns.rotate_left(1);
        let Measured { plain, everything, bare } = &measured;
        let last = |rounds: &Rounds| rounds.records_per_s.last().copied().unwrap_or_default();
        report.progress(&format!(
            "batch {batch}, round {round}: Pelton {:.0}, with everything {:.0}, bare pump {:.0} records/s",
            last(plain),
            last(everything),
            last(bare)
        ));
    }
    measured
}

fn tell(report: &Report, [shards, batch]: [usize; 2], [plain, everything, bare]: &[Medians; 3]) {
    report.result(&json!({
        "bench": "drain", "shards": shards, "batch": batch,
        "pelton_records_per_s": plain.records_per_s.round(), "bare_records_per_s": bare.records_per_s.round(),
        "ratio": rounded(plain.records_per_s / bare.records_per_s),
        "everything_records_per_s": everything.records_per_s.round(),
        "everything_ratio": rounded(everything.records_per_s / plain.records_per_s),
        "pelton_records_per_invocation": plain.records_per_invocation.round(),
        "everything_records_per_invocation": everything.records_per_invocation.round(),
        "poller_cpu_s_per_million": rounded(plain.cpu_s_per_million),
        "everything_cpu_s_per_million": rounded(everything.cpu_s_per_million),
        "bare_cpu_s_per_million": rounded(bare.cpu_s_per_million),
        "poller_peak_rss_bytes": plain.peak_rss_bytes,
        "everything_peak_rss_bytes": everything.peak_rss_bytes,
    }));
}

fn row([shards, batch]: [usize; 2], medians: &[Medians; 3]) -> Vec<String> {
    let [plain, everything, _] = medians;
    let speeds = medians.iter().map(|medians| format!("{:.0}", medians.records_per_s));
    let costs = medians.iter().map(|medians| format!("{:.2}", medians.cpu_s_per_million));
    let memory = [plain, everything].map(|medians| format!("{:.1}", medians.peak_rss_bytes as f64 / 1e6));
    [shards.to_string(), batch.to_string()].into_iter().chain(speeds).chain(costs).chain(memory).collect()
}

fn goals_of([shards, batch]: [usize; 2], [plain, everything, bare]: &[Medians; 3]) -> [Goal; 2] {
    let setting = format!("{shards} shards, batch {batch}");
    let ratio = plain.records_per_s / bare.records_per_s;
    let everything_ratio = everything.records_per_s / plain.records_per_s;
    [
        Goal::at_least(format!("{setting}: ratio to the bare pump"), ratio, RATIO_GOAL, ""),
        Goal::at_least(
            format!("{setting}: everything, ratio to plain"),
            everything_ratio,
            EVERYTHING_RATIO_GOAL,
            "",
        ),
    ]
}

impl Measured {
    async fn take_turn(
        &mut self,
        contender: Contender,
        arguments: &Arguments,
        server: &Server,
        batch: usize,
    ) {
        let records = arguments.records;
        match contender {
            Contender::Plain => self.plain.add(&drain(server, mapping(batch, &[]), records).await),
            Contender::Everything => {
                self.everything.add(&drain(server, mapping(batch, &EVERYTHING), records).await);
            }
            Contender::Pump => self.bare.add(&drain_with_pump(arguments, server, batch).await),
        }
    }
}

impl Rounds {
    fn add(&mut self, drained: &Drained) {
        self.records_per_s.push(drained.tally.records_per_s());
        let batch = drained.tally.records as f64 / drained.tally.invocations as f64;
        self.records_per_invocation.push(batch);
        self.cpu_s.push(drained.cpu_s);
        self.peak_rss_bytes = self.peak_rss_bytes.max(drained.peak_rss_bytes);
    }

    fn medians(mut self, records: usize) -> Medians {
        Medians {
            records_per_s: median(&mut self.records_per_s),
            records_per_invocation: median(&mut self.records_per_invocation),
            cpu_s_per_million: median(&mut self.cpu_s) * 1e6 / records as f64,
            peak_rss_bytes: self.peak_rss_bytes,
        }
    }
}

async fn drain_with_pump(arguments: &Arguments, server: &Server, batch: usize) -> Drained {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let deliveries = tempfile::tempdir().expect("a temporary folder can be made");
    let page = arguments.pump_page.max(batch);
    let pump = Program::new(program("bench_pump"))
        .args(["--endpoint-url", &server.endpoint, "--stream", STREAM])
        .args(["--batch", &batch.to_string(), "--page", &page.to_string()])
        .args([Path::new("--handler"), &program("bench_handler")])
        .env(FOLDER_VARIABLE, deliveries.path())
        .start(&folder);
    let tally = delivered(&pump, deliveries.path(), arguments.records).await;
    let cost = Cost::of(pid(&pump));
    Drained { tally, cpu_s: cost.cpu.as_secs_f64(), peak_rss_bytes: cost.peak_rss_bytes }
}

pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
