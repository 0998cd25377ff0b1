//! The program: arguments, logging, and the exit code.

use clap::{Args, Parser, Subcommand};
use pelton::clock::Clock;
use pelton::commands::{demo, dev, filter, get, init, invoke, put, rewind, run, status, stream, validate};
use pelton::errors::chain;
use pelton::lambda::hidden_mode;
use pelton::logging::{self, LogDetail, LogFormat, Terminal};
use pelton::signals::StopSignals;
use pelton::user_error::UserError;
use pelton::{data_dir, descriptors};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tracing::Level;

/// Runs AWS Lambda event source mappings anywhere.
///
/// Pelton reads the SAM template that is deployed to AWS, starts the functions as processes, polls the streams, and invokes
/// the functions as AWS does: per shard, in order, one batch at a time, until it succeeds.
#[derive(Parser, Debug)]
#[command(version, propagate_version = true, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogOptions,
}

#[derive(Args, Debug)]
struct LogOptions {
    /// How log lines look
    #[arg(long, value_enum, default_value_t, global = true, value_name = "FORMAT", help_heading = "Logging")]
    log_format: LogFormat,
    /// Log neither what handlers print nor START, END and REPORT of each invocation
    #[arg(long, short, global = true, help_heading = "Logging", conflicts_with = "verbose")]
    quiet: bool,
    /// Log each batch too
    #[arg(long, short, global = true, help_heading = "Logging")]
    verbose: bool,
}

impl LogOptions {
    fn detail(&self) -> LogDetail {
        match (self.quiet, self.verbose) {
            (true, _) => LogDetail::Quiet,
            (false, true) => LogDetail::Verbose,
            (false, false) => LogDetail::Normal,
        }
    }
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run samplesam.yaml on the embedded stream, with generated traffic
    Demo(demo::DemoArguments),
    /// Run everything locally: build functions, create the template's streams, rebuild on change
    Dev(dev::DevArguments),
    /// Write a small SAM application into a new folder: template, handler and test
    Init(init::InitArguments),
    /// Run the template's mappings, long-running or until caught up; builds nothing, creates nothing
    Run(run::RunArguments),
    /// Run only the embedded stream: the Kinesis API on loopback, in memory
    Stream(stream::StreamArguments),
    /// Put records into a stream
    Put(put::PutArguments),
    /// Show records of a stream, or the batch that a mapping is stuck on
    Get(get::GetArguments),
    /// Run a function once with an event, and print its answer
    Invoke(invoke::InvokeArguments),
    /// Move the position of one mapping, while no poller runs
    Rewind(rewind::RewindArguments),
    /// Show which records filters would let pass, and which clause drops the others
    Filter(filter::FilterArguments),
    /// Show mappings and shards, as the running poller sees them
    Status(StatusCommand),
    /// Show what would run, or every problem of the template
    Validate(validate::ValidateArguments),
}

#[derive(Args, Debug)]
struct StatusCommand {
    #[command(flatten)]
    status: status::StatusArguments,
    /// Folder of the running poller [default: .pelton beside the template]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Template of the running poller [default: the one in this folder]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
}

impl StatusCommand {
    async fn run(
        self,
        signals: &mut StopSignals,
        terminal: &Terminal,
        clock: &Clock,
    ) -> Result<(), UserError> {
        let beside = |template: PathBuf| data_dir::default_for(&template);
        let folder = self
            .data_dir
            .or_else(|| self.template.or_else(|| pelton_template::find(Path::new("."))).map(beside));
        let folder = folder.unwrap_or_else(|| data_dir::default_for(Path::new("template.yaml")));
        let shown =
            status::run(&self.status, &folder, terminal, clock, signals.next(), &mut io::stdout()).await;
        shown.map_err(|error| UserError::failed(chain(&error)))
    }
}

fn main() -> ExitCode {
    if let Some(code) = hidden_mode(std::env::args_os()) {
        return code;
    }
    let arguments = Arguments::parse();
    let terminal = Terminal::stderr(arguments.log.log_format);
    let fail = |text: &str| logging::tell(&terminal, &Clock::start(), Level::ERROR, text);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            fail(&format!("error: the runtime cannot be started: {error}"));
            return ExitCode::from(1);
        }
    };
    match runtime.block_on(execute(arguments, &terminal)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            fail(&failure.to_string());
            failure.exit_code()
        }
    }
}

async fn execute(arguments: Arguments, terminal: &Terminal) -> Result<(), UserError> {
    let clock = Clock::start();
    descriptors::raise();
    let detail = arguments.log.detail();
    logging::start(arguments.log.log_format, detail, terminal.clone(), clock.clone());
    let mut signals = StopSignals::install()
        .map_err(|error| UserError::failed(format!("signals cannot be received: {error}")))?;
    match arguments.command {
        Command::Demo(arguments) => demo::run(arguments, detail, &mut signals, terminal, clock).await,
        Command::Dev(arguments) => dev::run(arguments, &mut signals, terminal, clock).await,
        Command::Init(arguments) => init::run(&arguments),
        Command::Run(arguments) => run::run(arguments, &mut signals, terminal, clock).await,
        Command::Stream(arguments) => stream::run(arguments, &mut signals, terminal, clock).await,
        Command::Put(arguments) => put::run(arguments, &mut signals, terminal, clock).await,
        Command::Get(arguments) => get::run(arguments, &mut signals, terminal, clock).await,
        Command::Invoke(arguments) => invoke::run(arguments, &mut signals, terminal, clock).await,
        Command::Rewind(arguments) => rewind::run(arguments, &mut signals, terminal, &clock).await,
        Command::Filter(arguments) => filter::run(arguments, &mut signals, terminal, &clock).await,
        Command::Status(command) => command.run(&mut signals, terminal, &clock).await,
        Command::Validate(arguments) => validate::run(arguments, terminal, &clock).await,
    }
}
