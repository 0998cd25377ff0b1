//! How long a record takes from its put to its handler, beside the calls that it takes at the least.
//!
//! `pelton dev` with its own stream and a warm handler, one record at a time. In the same run, in turns: the *floor*,
//! which is PutRecord, GetRecords and an invocation on the bare runtime, one after the other; and the same puts while
//! another mapping's handler sleeps.

use crate::drain::rounded;
use crate::report::{Goal, Report};
use crate::server::logged;
use crate::site::{Mapping, Site, pelton, polls, program, stop};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::ShardIteratorType;
use bytes::Bytes;
use pelton::clock::Clock;
use pelton_tests::measure::bare_runtime::BareRuntime;
use pelton_tests::measure::deliveries::{FOLDER_VARIABLE, SLEEP_VARIABLE, TIMES_VARIABLE, Tally, Times};
use pelton_tests::measure::now_ns;
use pelton_tests::measure::statistics::percentile;
use pelton_tests::{kinesis, wait};
use serde_json::json;
use std::time::Duration;

const MEASURED: &str = "Measured";
const MEASURED_STREAM: &str = "measured";
const SLEEPER: &str = "Sleeper";
const SLEEPER_STREAM: &str = "sleepy";
const FLOOR_STREAM: &str = "floor";

/// How long the other mapping's handler sleeps in each batch.
const SLEEP_MS: &str = "2000";

/// From one record to the next.
const PERIOD: Duration = Duration::from_millis(50);

/// Records of a block after each of which the sleeper gets one, too: there is always a batch in its hands.
const PUTS_PER_SLEEPER_RECORD: usize = 10;

/// Records before the first that counts: handlers, connections and caches are warm then.
const WARM_UP: usize = 40;

/// The line of a program that has an embedded stream.
const STREAM_LISTENS: &str = "the embedded stream listens";

const P50_RATIO_GOAL: f64 = 1.15;
const P99_MS_GOAL: f64 = 5.0;
const BUSY_P99_RATIO_GOAL: f64 = 1.2;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How often the floor, the quiet and the busy poller take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Records of each turn, 20 a second
    #[arg(long, default_value_t = 400)]
    records: usize,
}

/// Everything that is measured, running.
struct Bed {
    client: Client,
    clock: Clock,
    site: Site,
    floor: Floor,
}

/// What the floor is measured with.
struct Floor {
    iterator: String,
    runtime: BareRuntime,
    _deliveries: tempfile::TempDir,
}

pub(crate) async fn run(arguments: &Arguments, report: &Report) {
    let sleeping = Mapping {
        function: SLEEPER,
        stream: SLEEPER_STREAM,
        batch: 100,
        variable: Some((SLEEP_VARIABLE, SLEEP_MS)),
        settings: &[],
    };
    let measured = Mapping {
        function: MEASURED,
        stream: MEASURED_STREAM,
        batch: 100,
        variable: Some((TIMES_VARIABLE, "1")),
        settings: &[],
    };
    let site = Site::new(&[measured, sleeping]);
    let fixed = ["dev", "--quiet", "--log-format", "json", "--listen", "127.0.0.1:0"];
    let dev = site.start(pelton(&fixed).args(["--stream-listen", "127.0.0.1:0", "--region", "us-east-1"]));
    let address = logged(&dev.wait_for_line(STREAM_LISTENS).await, "address");
    polls(&dev).await;
    let client = kinesis::client(&format!("http://{address}"));
    let floor = Floor::start(&client).await;
    let mut bed = Bed { client, clock: Clock::start(), site, floor };
    let (floor, quiet, busy) = bed.measure(arguments, report).await;
    stop(dev).await;
    tell(report, floor, quiet, busy);
}

fn tell(report: &Report, mut floor: Vec<f64>, mut quiet: Vec<f64>, mut busy: Vec<f64>) {
    let floor_p50 = percentile(&mut floor, 50.0);
    let [p50, p99] = [50.0, 99.0].map(|percent| percentile(&mut quiet, percent));
    let [busy_p50, busy_p99] = [50.0, 99.0].map(|percent| percentile(&mut busy, percent));
    let (ratio, busy_p99_ratio) = (p50 / floor_p50, busy_p99 / p99);
    report.result(&json!({
        "bench": "latency", "records": quiet.len(), "p50_ms": rounded(p50), "p99_ms": rounded(p99),
        "floor_p50_ms": rounded(floor_p50), "ratio": rounded(ratio), "busy_p50_ms": rounded(busy_p50),
        "busy_p99_ms": rounded(busy_p99), "busy_p99_ratio": rounded(busy_p99_ratio),
    }));
    let row = |name: &str, values: &mut [f64]| {
        let figures = [50.0, 90.0, 99.0, 100.0].map(|percent| format!("{:.2}", percentile(values, percent)));
        [vec![name.to_owned()], figures.to_vec()].concat()
    };
    let rows = [row("floor", &mut floor), row("Pelton", &mut quiet), row("while another sleeps", &mut busy)];
    report.table(&["put to handler, ms", "p50", "p90", "p99", "most"], &rows);
    report.goals(&[
        Goal::at_most("p50, ratio to the floor", ratio, P50_RATIO_GOAL, ""),
        Goal::at_most("p99", p99, P99_MS_GOAL, " ms"),
        Goal::at_most("p99 while another sleeps, ratio", busy_p99_ratio, BUSY_P99_RATIO_GOAL, ""),
    ]);
}

impl Bed {
    async fn measure(&mut self, arguments: &Arguments, report: &Report) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        self.puts(WARM_UP, true).await;
        self.floor.samples(&self.client, &self.clock, WARM_UP).await;
        let (mut floor, mut quiet, mut busy) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=arguments.rounds {
            report.progress(&format!("round {round} of {}", arguments.rounds));
            floor.extend(self.floor.samples(&self.client, &self.clock, arguments.records).await);
            quiet.extend(self.puts(arguments.records, false).await);
            busy.extend(self.puts(arguments.records, true).await);
        }
        (floor, quiet, busy)
    }

    /// Puts `count` records; how long each took to its handler, in milliseconds. Then all batches are settled.
    async fn puts(&self, count: usize, is_sleeper_busy: bool) -> Vec<f64> {
        let deliveries = self.site.deliveries(MEASURED);
        let known = Times::of(&deliveries).len();
        let slept = Tally::of(&self.site.deliveries(SLEEPER)).records;
        let mut sleeper_records = 0;
        for number in 0..count {
            if is_sleeper_busy && number % PUTS_PER_SLEEPER_RECORD == 0 {
                put(&self.client, SLEEPER_STREAM).await;
                sleeper_records += 1;
            }
            put(&self.client, MEASURED_STREAM).await;
            self.clock.sleep(PERIOD).await;
        }
        wait::until("every record came", async || {
            let slept = Tally::of(&self.site.deliveries(SLEEPER)).records - slept;
            (Times::of(&deliveries).len() == known + count && slept == sleeper_records).then_some(())
        })
        .await;
        if is_sleeper_busy {
            // The last of its batches began.
            self.clock.sleep(Duration::from_millis(SLEEP_MS.parse().expect("a number"))).await;
        }
        let times = Times::of(&deliveries);
        times[known..].iter().map(|times| (times.entry_ns - times.put_ns) as f64 / 1e6).collect()
    }
}

impl Floor {
    async fn start(client: &Client) -> Self {
        kinesis::create_stream(client, FLOOR_STREAM, 1).await;
        let place = put(client, FLOOR_STREAM).await;
        let start = client
            .get_shard_iterator()
            .stream_name(FLOOR_STREAM)
            .shard_id(place)
            .shard_iterator_type(ShardIteratorType::Latest);
        let iterator = start.send().await.expect("the shard is there").shard_iterator;
        let deliveries = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = deliveries.path().to_str().expect("a temporary folder's name is text");
        let runtime = BareRuntime::start(&program("bench_handler"), &[(FOLDER_VARIABLE, folder)]).await;
        Self { iterator: iterator.expect("an open shard"), runtime, _deliveries: deliveries }
    }

    /// How long the three calls take, one after the other, in milliseconds.
    async fn samples(&mut self, client: &Client, clock: &Clock, count: usize) -> Vec<f64> {
        let event = Bytes::from_static(br#"{"Records":[{"kinesis":{"data":"MTIz"}}]}"#);
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let began_ns = now_ns();
            put(client, FLOOR_STREAM).await;
            let call = client.get_records().shard_iterator(&self.iterator).limit(1_000);
            let answer = call.send().await.expect("the shard can be read");
            assert_eq!(answer.records.len(), 1, "what was put is read");
            self.runtime.invoke(event.clone()).await;
            samples.push((now_ns() - began_ns) as f64 / 1e6);
            self.iterator = answer.next_shard_iterator.expect("an open shard");
            clock.sleep(PERIOD).await;
        }
        samples
    }
}

/// Puts a record that says when; gives its shard.
async fn put(client: &Client, stream: &str) -> String {
    let data = Blob::new(now_ns().to_string());
    let call = client.put_record().stream_name(stream).partition_key("one").data(data);
    call.send().await.expect("PutRecord succeeds").shard_id
}
