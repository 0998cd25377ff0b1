//! `pelton put`: records into a stream, or into a topic of Kafka.
//!
//! In: records from arguments, from lines, or made up. Out: how many the stream or the topic accepted. Records go in the order in
//! which they were given; what the stream throttles is put again before anything later.

mod args;
mod generator;
mod lines;
#[cfg(not(feature = "kafka"))]
mod no_topic;
mod sender;
#[cfg(feature = "kafka")]
mod topic;

pub use args::PutArgs;

use super::beside;
use super::named_stream::NamedStream;
use super::options::AwsOptions;
use super::run::connect;
use crate::clock::Clock;
use crate::errors::chain;
use crate::logging::Terminal;
use crate::ports::Cause;
use crate::signals::StopSignals;
use crate::source::api_error::{ApiError, ApiErrorKind};
use crate::source::aws::{Endpoint, EndpointKind, KinesisClient};
use crate::user_error::UserError;
use aws_sdk_kinesis::types::StreamDescriptionSummary;
use futures_util::FutureExt;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
#[cfg(not(feature = "kafka"))]
use no_topic as topic;
use pelton_model::BootstrapServers;
use sender::Sender;
use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

/// Names of streams that are shown when the one asked for does not exist.
const STREAMS_SHOWN_MAX: i32 = 20;

/// A record that is to be put.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// `None`: any shard or partition may take it.
    key: Option<String>,
    data: Vec<u8>,
}

/// Takes records.
trait Sink {
    /// How many it has accepted.
    fn records(&self) -> u64;

    /// Puts `entries`, in their order, until all are accepted or `stop` comes true.
    async fn send(
        &mut self,
        entries: Vec<Entry>,
        stop: impl Future<Output = ()> + Clone,
    ) -> Result<Sent, PutError>;

    /// What was put.
    fn summary(self, elapsed: Duration, is_interrupted: bool) -> PutSummary;
}

/// What became of records that were to be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// All are accepted.
    All,
    /// Told to stop before.
    Interrupted,
}

/// What was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutSummary {
    /// The stream or the topic.
    pub target: String,
    /// Records that it accepted.
    pub records: u64,
    /// Their data, in bytes.
    pub bytes: u64,
    /// How often it refused a record that was then put again.
    pub throttled: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether it was told to stop before everything was put.
    pub is_interrupted: bool,
}

/// Why not everything was put.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The stream does not exist.
    #[error("the stream {stream} does not exist at {endpoint}{}", existing_streams(.existing))]
    NoSuchStream {
        /// The stream's name.
        stream: String,
        /// Who was asked.
        endpoint: Endpoint,
        /// Streams that do exist.
        existing: Vec<String>,
    },
    /// The credentials are of another account.
    #[error("the stream of that name is {found} and not {arn}: use credentials of its account")]
    AnotherStream {
        /// The ARN that was asked for.
        arn: String,
        /// The ARN of the stream in the account of the credentials.
        found: String,
    },
    /// Nobody answers.
    #[error(
        "{endpoint} does not answer: start `pelton stream`, or name another endpoint with --endpoint-url"
    )]
    NoAnswer {
        /// Who was asked.
        endpoint: Endpoint,
        /// What went wrong.
        source: Cause,
    },
    /// The file cannot be read.
    #[error("{file} cannot be read")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("line {line} of {file}: {reason} (put {} before it)", counted(*.put))]
    BadLine {
        /// The file.
        file: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        reason: String,
        /// Records that were put.
        put: u64,
    },
    /// The stream refuses, or went away for too long.
    #[error("{operation} failed (put {} before)", counted(*.put))]
    Refused {
        /// The API call.
        operation: &'static str,
        /// Records that were put.
        put: u64,
        /// What the endpoint said.
        source: Cause,
    },
    /// The topic is missing, its brokers are away, or they refuse.
    #[error("cannot put into the topic {topic} (put {} before)", counted(*.put))]
    Topic {
        /// The topic's name.
        topic: String,
        /// Records that were put.
        put: u64,
        /// What the client of the brokers said.
        source: Cause,
    },
}

impl PutError {
    /// 2 if nothing was put, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::BadLine { put: 1.., .. }
            | Self::Refused { put: 1.., .. }
            | Self::Topic { put: 1.., .. } => 1,
            Self::NoSuchStream { .. }
            | Self::AnotherStream { .. }
            | Self::NoAnswer { .. }
            | Self::Unreadable { .. }
            | Self::BadLine { put: 0, .. }
            | Self::Refused { put: 0, .. }
            | Self::Topic { put: 0, .. } => 2,
        }
    }
}

/// How it is called: clap would begin with the options.
const USAGE: &str = "pelton put <STREAM> [OPTIONS] <DATA>...
       pelton put <STREAM> [OPTIONS] --file <FILE>
       pelton put <STREAM> [OPTIONS] --lines [--file <FILE>]
       pelton put <STREAM> [OPTIONS] --generate
       pelton put <TOPIC> --bootstrap-servers <HOST:PORT,...> [OPTIONS] <DATA>...";

/// What `pelton put` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = USAGE)]
pub struct PutArguments {
    /// What to put, and where.
    #[command(flatten)]
    pub put: PutArgs,
    /// Whether it is a topic.
    #[command(flatten)]
    pub topic: TopicOptions,
    /// Which AWS.
    #[command(flatten)]
    pub aws: AwsOptions,
    /// Folder of a running `dev`, `demo` or `stream`, whose stream or topic is used [default: .pelton beside the template in this folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// What a topic of Kafka takes beside what a stream does.
#[derive(Clone, Debug, clap::Args)]
pub struct TopicOptions {
    /// Put into the topic of these brokers of Kafka [default: a topic of the running `dev`, else a stream]
    #[arg(long, value_name = "HOST:PORT,...", conflicts_with = "endpoint_url")]
    pub bootstrap_servers: Option<BootstrapServers>,
    /// A header of every record of a topic; may be given several times
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = parse_header)]
    pub headers: Vec<(String, String)>,
}

/// `NAME=VALUE`, where the value may be empty.
fn parse_header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Puts what the arguments say, and says how much that was.
pub async fn run(
    arguments: PutArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), UserError> {
    let PutArguments { put: args, topic, mut aws, data_dir } = arguments;
    let data_dir = beside::data_dir_here(data_dir);
    let stop = async {
        signals.next().await;
    };
    let done = match topic::brokers_of(&args.stream, &topic, &aws, &data_dir).await? {
        Some(brokers) => topic::put(args, topic.headers, brokers, terminal, &clock, stop).await,
        None if !topic.headers.is_empty() => return Err(headers_of_stream(&args.stream)),
        None => {
            aws = args.stream.settle(aws)?;
            beside::settle(&mut aws, &data_dir).await?;
            let (client, _) = connect(&aws, &clock).await?;
            put(args, &client, terminal, &clock, stop).await
        }
    };
    match done {
        Ok(summary) => writeln!(io::stdout(), "{summary}")
            .map_err(|error| UserError::failed(format!("the result cannot be printed: {error}"))),
        Err(error) if error.exit_code() == 2 => Err(UserError::bad_input_because(&error)),
        Err(error) => Err(UserError::failed(chain(&error))),
    }
}

fn headers_of_stream(stream: &NamedStream) -> UserError {
    UserError::bad_input(format!(
        "--header is given, and {} is no topic: records of a stream have no headers",
        stream.name
    ))
    .help("name the brokers of the topic with --bootstrap-servers")
}

/// Puts what the arguments say into a stream, until all is put or `stop` comes true.
pub async fn put(
    args: PutArgs,
    client: &KinesisClient,
    terminal: &Terminal,
    clock: &Clock,
    stop: impl Future<Output = ()>,
) -> Result<PutSummary, PutError> {
    check_stream(&args.stream, client).await?;
    let sender = Sender::new(client.sdk().clone(), clock.clone(), args.stream.name.clone());
    put_into(sender, &args, terminal, clock, stop).await
}

async fn put_into(
    mut sender: impl Sink,
    args: &PutArgs,
    terminal: &Terminal,
    clock: &Clock,
    stop: impl Future<Output = ()>,
) -> Result<PutSummary, PutError> {
    let mut input = args.input(clock)?;
    let progress = progress(args.total(), terminal);
    let started = clock.now();
    let stop = stop.shared();
    let is_interrupted = loop {
        let batch = tokio::select! {
            biased;
            () = stop.clone() => break true,
            batch = input.next_batch() => batch.map_err(|bad| bad.after(sender.records()))?,
        };
        if batch.is_empty() {
            break false;
        }
        if sender.send(batch, stop.clone()).await? == Sent::Interrupted {
            break true;
        }
        progress.set_position(sender.records());
    };
    progress.finish_and_clear();
    Ok(sender.summary(clock.now().since(started), is_interrupted))
}

/// Fails unless the stream is there.
pub(super) async fn check_stream(stream: &NamedStream, client: &KinesisClient) -> Result<(), PutError> {
    let call = client.sdk().describe_stream_summary().stream_name(&stream.name).send();
    let error = match call.await {
        Ok(answer) => return check_arn(stream, client, answer.stream_description_summary()),
        Err(error) => error,
    };
    let error = ApiError::new("DescribeStreamSummary", error);
    let endpoint = client.endpoint().clone();
    if error.kind == ApiErrorKind::NotFound {
        let call = client.sdk().list_streams().limit(STREAMS_SHOWN_MAX).send();
        let existing = call.await.map(|answer| answer.stream_names).unwrap_or_default();
        return Err(PutError::NoSuchStream { stream: stream.name.clone(), endpoint, existing });
    }
    if error.kind == ApiErrorKind::Unavailable {
        return Err(PutError::NoAnswer { endpoint, source: error.cause });
    }
    Err(PutError::Refused { operation: error.operation, put: 0, source: error.cause })
}

/// On AWS a name is that of a stream in the account of the credentials: another one than the ARN names must not be taken for it.
fn check_arn(
    stream: &NamedStream,
    client: &KinesisClient,
    found: Option<&StreamDescriptionSummary>,
) -> Result<(), PutError> {
    match (stream.arn(), found) {
        (Some(arn), Some(found))
            if client.endpoint().kind() == EndpointKind::Aws && found.stream_arn() != arn.to_string() =>
        {
            Err(PutError::AnotherStream { arn: arn.to_string(), found: found.stream_arn().to_owned() })
        }
        _ => Ok(()),
    }
}

/// Where one may look for the stream that does not exist.
fn existing_streams(existing: &[String]) -> String {
    if existing.is_empty() {
        return "; there are no streams".to_owned();
    }
    format!("; there is {}", existing.join(", "))
}

/// `1 record`, `1,500 records`
fn counted(records: u64) -> String {
    let plural = if records == 1 { "" } else { "s" };
    format!("{} record{plural}", HumanCount(records))
}

/// A bar on standard error if somebody watches there, nothing elsewhere.
fn progress(total: Option<u64>, terminal: &Terminal) -> ProgressBar {
    if !terminal.is_interactive() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match total {
        Some(total) => {
            (ProgressBar::new(total), "{bar:30} {human_pos} of {human_len} records, {per_sec}, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {human_pos} records, {per_sec}"),
    };
    let style = ProgressStyle::with_template(template).expect("the template of the progress bar is right");
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.with_style(style)
}

impl fmt::Display for PutSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, records, bytes, throttled, elapsed, is_interrupted } = self;
        let seconds = elapsed.as_secs_f64();
        let size = HumanBytes(*bytes);
        let count = counted(*records);
        write!(f, "{count} ({size}) put into {target} in {seconds:.1} s")?;
        if *throttled > 0 {
            write!(f, ", {} throttled and put again", HumanCount(*throttled))?;
        }
        if *is_interrupted {
            write!(f, "; stopped before the end")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_happened() {
        let summary = PutSummary {
            target: "orders".to_owned(),
            records: 1_500,
            bytes: 2_048,
            throttled: 0,
            elapsed: Duration::from_millis(1_250),
            is_interrupted: false,
        };
        assert_eq!(summary.to_string(), "1,500 records (2.00 KiB) put into orders in 1.2 s");
        let summary = PutSummary { throttled: 3, is_interrupted: true, ..summary };
        let expected = "1,500 records (2.00 KiB) put into orders in 1.2 s, 3 throttled and put again; stopped before the end";
        assert_eq!(summary.to_string(), expected);
    }

    #[test]
    fn one_record_is_one_record() {
        assert_eq!([0, 1, 2].map(counted), ["0 records", "1 record", "2 records"]);
        let reason = "it is not JSON".to_owned();
        let error = PutError::BadLine { file: "orders.jsonl".to_owned(), line: 2, reason, put: 1 };
        assert_eq!(error.to_string(), "line 2 of orders.jsonl: it is not JSON (put 1 record before it)");
    }

    #[test]
    fn a_missing_stream_is_named_together_with_those_that_exist() {
        let existing = vec!["clicks".to_owned(), "orders".to_owned()];
        let endpoint = Endpoint::parse("http://127.0.0.1:4567").unwrap();
        let error = PutError::NoSuchStream { stream: "order".to_owned(), endpoint, existing };
        let expected = "the stream order does not exist at http://127.0.0.1:4567; there is clicks, orders";
        assert_eq!((error.to_string().as_str(), error.exit_code()), (expected, 2));
    }
}
