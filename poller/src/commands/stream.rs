//! `pelton stream`: only the embedded stream, for whoever wants it apart from the poller.
//!
//! In: where to listen, and which streams to create. Out: a Kinesis API on loopback, until told to stop.

use crate::application::Stream;
use crate::clock::Clock;
use crate::source::aws::{AwsOptions, ConnectError, KinesisClient};
use crate::source::embedded::{
    CreateError, EmbeddedError, EmbeddedOptions, EmbeddedStream, LISTEN_DEFAULT, RETAINED_BYTES_MAX,
    RETENTION_HOURS_DEFAULT, create_streams,
};
use std::net::SocketAddr;
use std::str::FromStr;

/// Most shards of one stream that the command line takes.
const SHARDS_MAX: u32 = 10_000;

/// Options of `pelton stream`. A template is read by the caller: its streams are handed to [`run`].
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
    clock: &Clock,
) -> Result<EmbeddedStream, StreamError> {
    let options = EmbeddedOptions {
        retained_bytes_max: args.retained_bytes_max,
        ..EmbeddedOptions::listening_on(args.stream_listen)
    };
    let aws = AwsOptions { endpoint_url: None, region: Some(options.region.clone()) };
    let server = EmbeddedStream::start(options).await?;
    let client = KinesisClient::connect(&AwsOptions { endpoint_url: Some(server.endpoint()), ..aws }).await?;
    let named = args.streams.iter().map(StreamToCreate::as_stream);
    let streams: Vec<Stream> = named.chain(of_template.iter().cloned()).collect();
    create_streams(&client, clock, &streams).await?;
    Ok(server)
}

/// Serves until `stop` comes true. `ready` is called once with the endpoint, when every stream is there.
pub async fn run(
    args: &StreamArgs,
    of_template: &[Stream],
    clock: &Clock,
    ready: impl FnOnce(&str),
    stop: impl Future<Output = ()>,
) -> Result<(), StreamError> {
    let server = start(args, of_template, clock).await?;
    ready(&server.endpoint());
    stop.await;
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
