//! What many shards without traffic cost, and how soon the first of them is read.
//!
//! The endpoint is a stub in this process, which answers empty: only the poller is measured.

use crate::drain::rounded;
use crate::report::{Goal, Report};
use crate::site::{Mapping, Site, pelton_run, pid, polls, stop};
use crate::stub::Stub;
use pelton::clock::Clock;
use pelton_tests::measure::cost::Cost;
use pelton_tests::measure::now_ns;
use pelton_tests::measure::statistics::median;
use pelton_tests::{Running, wait};
use serde_json::json;
use std::time::Duration;

const STREAM: &str = "quiet";

/// How often each shard is read before anything is measured: what a start takes once is over then.
const READS_BEFORE: u32 = 3;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts that the time to the first poll is the median of.
const STARTS: usize = 5;

const START_TO_FIRST_POLL_MS_GOAL: f64 = 20.0;
const IDLE_MB_GOAL: f64 = 15.0;
const KB_PER_SHARD_GOAL: f64 = 20.0;

/// Processor time per shard counts as flat if it grows by no more than this from the second smallest number of shards
/// to the largest. (With the smallest, what the process itself costs is in it.)
const CPU_GROWTH_GOAL: f64 = 1.25;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Shards of the stream, one run for each
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000,10000")]
    shards: Vec<usize>,
    /// How long processor time is measured
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// What one number of shards costs.
struct Measured {
    shards: usize,
    rss_bytes: u64,
    cpu_s_per_minute: f64,
    /// One a second is wanted.
    reads_per_shard_per_s: f64,
    start_to_first_poll_ms: f64,
}

pub(crate) async fn run(arguments: &Arguments, report: &Report) {
    let mut all = Vec::new();
    for &shards in &arguments.shards {
        report.progress(&format!("{shards} shards"));
        let measured = measure(shards, Duration::from_secs(arguments.seconds)).await;
        report.result(&json!({
            "bench": "idle", "shards": shards, "rss_bytes": measured.rss_bytes,
            "cpu_s_per_minute": rounded(measured.cpu_s_per_minute),
            "reads_per_shard_per_s": rounded(measured.reads_per_shard_per_s),
            "start_to_first_poll_ms": rounded(measured.start_to_first_poll_ms),
        }));
        all.push(measured);
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|measured| {
            vec![
                measured.shards.to_string(),
                format!("{:.1}", measured.rss_bytes as f64 / 1e6),
                format!("{:.2}", measured.cpu_s_per_minute),
                format!("{:.3}", measured.cpu_ms_per_shard()),
                format!("{:.2}", measured.reads_per_shard_per_s),
                format!("{:.1}", measured.start_to_first_poll_ms),
            ]
        })
        .collect();
    let header = [
        "shards",
        "memory MB",
        "CPU s/min",
        "CPU ms/min per shard",
        "reads/s per shard",
        "start to first poll ms",
    ];
    report.table(&header, &rows);
    report.goals(&goals(&all));
}

fn goals(all: &[Measured]) -> Vec<Goal> {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return Vec::new() };
    let mut goals = vec![
        Goal::at_most(
            format!("start to first poll, {} shards", first.shards),
            first.start_to_first_poll_ms,
            START_TO_FIRST_POLL_MS_GOAL,
            " ms",
        ),
        Goal::at_most(
            format!("memory, {} shards", first.shards),
            first.rss_bytes as f64 / 1e6,
            IDLE_MB_GOAL,
            " MB",
        ),
    ];
    if last.shards > first.shards {
        let more_bytes = last.rss_bytes.saturating_sub(first.rss_bytes) as f64;
        let kilobytes = more_bytes / 1e3 / (last.shards - first.shards) as f64;
        goals.push(Goal::at_most("memory per shard", kilobytes, KB_PER_SHARD_GOAL, " KB"));
    }
    if let [_, second, .., last] = all {
        let growth = last.cpu_ms_per_shard() / second.cpu_ms_per_shard();
        let what = format!("CPU per shard, {} shards beside {}", last.shards, second.shards);
        goals.push(Goal::at_most(what, growth, CPU_GROWTH_GOAL, ""));
    }
    goals
}

impl Measured {
    fn cpu_ms_per_shard(&self) -> f64 {
        self.cpu_s_per_minute * 1000.0 / self.shards as f64
    }
}

async fn measure(shards: usize, duration: Duration) -> Measured {
    let mut starts = Vec::new();
    for _ in 1..STARTS {
        let (stub, (_site, mut poller), started_ns) = start(shards).await;
        starts.push(first_poll_ms(&stub, &mut poller, started_ns).await);
        polls(&poller).await;
        stop(poller).await;
    }
    let (stub, (_site, mut poller), started_ns) = start(shards).await;
    starts.push(first_poll_ms(&stub, &mut poller, started_ns).await);
    let settled = unless_it_ends(&mut poller, || (stub.reads_min() >= READS_BEFORE).then_some(())).await;
    assert!(settled.is_some(), "the least read shard was read {} times", stub.reads_min());
    let before = (Cost::of(pid(&poller)), now_ns(), stub.reads());
    Clock::start().sleep(duration).await;
    let (after, ended_ns, reads) = (Cost::of(pid(&poller)), now_ns(), stub.reads());
    let minutes = (ended_ns - before.1) as f64 / 60e9;
    stop(poller).await;
    Measured {
        shards,
        rss_bytes: after.rss_bytes,
        cpu_s_per_minute: (after.cpu - before.0.cpu).as_secs_f64() / minutes,
        reads_per_shard_per_s: (reads - before.2) as f64 / (minutes * 60.0 * shards as f64),
        start_to_first_poll_ms: median(&mut starts),
    }
}

async fn start(shards: usize) -> (Stub, (Site, Running), u64) {
    let stub = Stub::start(STREAM, shards).await;
    let mapping = Mapping { function: "Nothing", stream: STREAM, batch: 100, variable: None, settings: &[] };
    let site = Site::new(&[mapping]);
    let started_ns = now_ns();
    let poller = site.start(pelton_run(&stub.endpoint));
    (stub, (site, poller), started_ns)
}

async fn first_poll_ms(stub: &Stub, poller: &mut Running, started_ns: u64) -> f64 {
    let first_ns = unless_it_ends(poller, || stub.first_read_ns()).await.expect("a shard is read in time");
    (first_ns - started_ns) as f64 / 1e6
}

/// What is to come of a poller that runs; `None` if it does not come in time. One that ends, such as for a limit of this
/// machine, has said why.
async fn unless_it_ends<T>(poller: &mut Running, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    wait::within(PATIENCE, async || {
        let found = look();
        assert!(found.is_some() || !poller.has_ended(), "the poller has ended:\n{}", poller.printed());
        found
    })
    .await
}
