//! What Pelton costs beside the least program that could do its work.
//!
//! In: which benchmark. Out: a table for people, or one JSON object a line for programs (`--json`), on standard output;
//! everything else goes to standard error. Ends with 0 also if a goal is missed: the figures say so.

mod backlog;
mod drain;
mod factor;
mod filter;
mod idle;
mod latency;
mod report;
mod server;
mod site;
mod stub;

use clap::{Parser, Subcommand};
use report::Report;

/// Measures the release build. Start it as tests/bench, which builds what it needs.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
    /// Print one JSON object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Bench {
    /// Records per second through a backlog, plain and with everything on, beside the bare pump
    Drain(drain::Arguments),
    /// Batches of one shard side by side, beside one at a time
    Factor(factor::Arguments),
    /// What a record costs that matches no filter, beside one that is delivered
    Filter(filter::Arguments),
    /// From a put to the handler, beside the calls that it takes
    Latency(latency::Arguments),
    /// Memory and processor time while nothing happens
    Idle(idle::Arguments),
}

#[tokio::main]
async fn main() {
    let Arguments { bench, json } = Arguments::parse();
    let report = Report::new(json);
    match bench {
        Bench::Drain(arguments) => drain::run(&arguments, &report).await,
        Bench::Factor(arguments) => factor::run(&arguments, &report).await,
        Bench::Filter(arguments) => filter::run(&arguments, &report).await,
        Bench::Latency(arguments) => latency::run(&arguments, &report).await,
        Bench::Idle(arguments) => idle::run(&arguments, &report).await,
    }
}
