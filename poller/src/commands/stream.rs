//! `pelton stream`: only the embedded stream, for whoever wants it apart from the poller.
//!
//! In: where to listen, and which streams to create. Out: a Kinesis API on loopback, until told to stop.

use super::options::{TemplateOptions, parse_region};
use super::{beside, load};
use crate::clock::Clock;
use crate::data_dir;
use crate::logging::Terminal;
use crate::signals::StopSignals;
use crate::source::aws::{AwsOptions, ConnectError, KinesisClient};
use crate::source::embedded::{
    CreateError, EmbeddedError, EmbeddedOptions, EmbeddedStream, LISTEN_DEFAULT, RECORD_KIB_MAX_DEFAULT,
    RETAINED_BYTES_MAX, RETENTION_HOURS_DEFAULT, create_streams, warn_of_differences,
};
use crate::stream_notice::{Serving, StreamNotice};
use crate::user_error::UserError;
use pelton_model::Stream;
use pelton_model::arn::NO_ACCOUNT;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Most shards of one stream that the command line takes.
const SHARDS_MAX: u32 = 10_000;

/// What `pelton stream` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct StreamArguments {
    /// The stream server.
    #[command(flatten)]
    pub stream: StreamArgs,
    /// A template whose streams are created.
    #[command(flatten)]
    pub template: TemplateOptions,
    /// AWS region of the streams' ARNs [default: samconfig.toml, AWS_REGION, AWS_DEFAULT_REGION, profile, us-east-1]
    #[arg(long, value_name = "REGION", value_parser = parse_region)]
    pub region: Option<String>,
    /// Folder where `put`, `get`, `run` and `rewind` find this stream [default: .pelton beside the template, or in this folder]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// What the stream server is to be.
#[derive(Clone, Debug, clap::Args)]
pub struct StreamArgs {
    /// Where the embedded stream listens; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = LISTEN_DEFAULT)]
    pub stream_listen: SocketAddr,
    /// A stream to create, repeatable, beside those of the template
    #[arg(long = "stream", value_name = "NAME[:SHARDS]")]
    pub streams: Vec<StreamToCreate>,
    /// Most bytes of records that it keeps in memory; full, it refuses further ones
    #[arg(long, value_name = "BYTES", default_value_t = RETAINED_BYTES_MAX)]
    pub retained_bytes_max: u64,
}

/// `NAME[:SHARDS]`, one shard unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamToCreate {
    /// The stream's name.
    pub name: String,
    /// 1 to 10,000.
    pub shard_count: u32,
}

/// Why the embedded stream does not serve.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] EmbeddedError),
    /// It cannot be talked to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// One of its streams could not be created.
    #[error(transparent)]
    Create(#[from] CreateError),
}

impl FromStr for StreamToCreate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, shards) = text.split_once(':').unwrap_or((text, "1"));
        if name.is_empty() {
            return Err("a stream has a name: NAME or NAME:SHARDS".to_owned());
        }
        match shards.parse() {
            Ok(shard_count @ 1..=SHARDS_MAX) => Ok(Self { name: name.to_owned(), shard_count }),
            Ok(_) | Err(_) => Err(format!("{shards} is not a number of shards from 1 to {SHARDS_MAX}")),
        }
    }
}

/// Starts the embedded stream and creates its streams: those named on the command line, and those of a template.
///
/// Dropping what it returns, or [`EmbeddedStream::stop`], ends it.
pub async fn start(
    args: &StreamArgs,
    of_template: &[Stream],
    (region, account): (&str, &str),
    clock: &Clock,
) -> Result<EmbeddedStream, StreamError> {
    let options = EmbeddedOptions {
        retained_bytes_max: args.retained_bytes_max,
        region: region.to_owned(),
        account: account.to_owned(),
        ..EmbeddedOptions::listening_on(args.stream_listen)
    };
    let server = EmbeddedStream::start(options).await?;
    let aws = AwsOptions { endpoint_url: Some(server.endpoint()), region: Some(region.to_owned()) };
    let client = KinesisClient::without_credentials(&aws).await?;
    let named = args.streams.iter().map(StreamToCreate::as_stream);
    let streams: Vec<Stream> = named.chain(of_template.iter().cloned()).collect();
    create_streams(&client, clock, &streams).await?;
    warn_of_differences(&streams);
    Ok(server)
}

/// Serves until told to stop.
pub async fn run(
    arguments: StreamArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), UserError> {
    let StreamArguments { stream, mut template, mut region, data_dir } = arguments;
    let found = load::find(&template);
    let (of_template, account) = match &found {
        Ok(path) => {
            load::settle(path, &mut template, &mut region)?;
            let known = load::region(region.as_deref()).await?;
            let application = load::load(path, &template, &known, None, terminal, &clock)?;
            (application.streams.into_values().collect(), application.account)
        }
        // Without a template there are the streams of the command line, and those that clients create.
        Err(_) => (Vec::new(), template.account_id.unwrap_or_else(|| NO_ACCOUNT.to_owned())),
    };
    let region = load::region(region.as_deref()).await?;
    let data_dir = match found {
        Ok(path) => data_dir.unwrap_or_else(|| data_dir::default_for(&path)),
        Err(_) => beside::data_dir_here(data_dir),
    };
    let started = tokio::select! {
        started = start(&stream, &of_template, (&region, &account), &clock) => started,
        _ = signals.next() => return Ok(()),
    };
    let server = started.map_err(|error| UserError::bad_input_because(&error))?;
    let notice = beside::post(&StreamNotice::of(Serving::Stream, &server.endpoint(), &region), &data_dir);
    tracing::info!(
        endpoint = server.endpoint(),
        "the streams are ready; Ctrl-C stops, and then their records are gone"
    );
    signals.next().await;
    drop(notice);
    server.stop().await;
    Ok(())
}

impl StreamToCreate {
    fn as_stream(&self) -> Stream {
        Stream {
            logical_id: self.name.clone(),
            name: self.name.clone(),
            shard_count: self.shard_count,
            retention_hours: RETENTION_HOURS_DEFAULT,
            record_kib_max: RECORD_KIB_MAX_DEFAULT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u32)>) {
        let parsed = text.parse::<StreamToCreate>().ok();
        assert_eq!(
            parsed.as_ref().map(|stream| (stream.name.as_str(), stream.shard_count)),
            expected,
            "{text}"
        );
    }

    #[test]
    fn a_stream_to_create_has_a_name_and_maybe_a_number_of_shards() {
        check("orders", Some(("orders", 1)));
        check("orders:12", Some(("orders", 12)));
        check("orders:0", None);
        check("orders:10001", None);
        check("orders:many", None);
        check(":3", None);
    }
}
