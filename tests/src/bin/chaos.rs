//! `tests/chaos`: makes trouble for as long as it is told, and says what came of it. Exit code 0: all is as it should be; 1:
//! it is not.

use clap::Parser;
use pelton_tests::chaos::{Options, Source, run};
use std::process::ExitCode;
use std::time::Duration;

/// How often it says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// A run as long as this must have met every kind of trouble.
const PROVES_ALL_FROM_MINUTES: f64 = 5.0;

/// Kills pollers, reshards streams and breaks connections, while records come in; then sees that nothing was lost.
#[derive(Debug, Parser)]
struct Args {
    /// How long to make trouble.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Decides what is tried; chosen and printed if it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// What is read: Kinesis streams, or streams of tables on the fake of DynamoDB Streams.
    #[arg(long, value_enum, default_value_t)]
    source: Source,
    /// A Kinesis endpoint that is there already, such as LocalStack; else an embedded stream of its own.
    #[arg(long, conflicts_with = "source")]
    endpoint_url: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let source = args.source;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}");
    let options = Options {
        seed,
        time: Duration::from_secs_f64(args.minutes.max(0.0) * 60.0),
        source,
        endpoint: args.endpoint_url,
        progress_every: Some(PROGRESS_EVERY),
    };
    match run(options).await {
        Ok(summary) => {
            println!("{summary}\nnothing was lost");
            let not_met = summary.counts.not_met(source);
            if not_met.is_empty() || args.minutes < PROVES_ALL_FROM_MINUTES {
                return ExitCode::SUCCESS;
            }
            println!("but the run proves less than it should: there were no {}", not_met.join(", no "));
            ExitCode::FAILURE
        }
        Err(failed) => {
            println!("{failed}");
            ExitCode::FAILURE
        }
    }
}
