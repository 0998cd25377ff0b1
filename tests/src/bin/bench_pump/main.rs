//! The bare pump: the least program that takes the records of a stream to a handler.
//!
//! In: a stream and a handler. Out: GetRecords, an event's JSON, an invocation, and so on, for each shard by itself. It
//! reads ahead while the handler runs, and encodes each record once. It keeps no checkpoints, knows no rules, retries
//! nothing and bounds nothing but its read-ahead: it is what Pelton's speed is measured against.

mod event;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::ShardIteratorType;
use bytes::Bytes;
use clap::Parser;
use event::Encoder;
use pelton::clock::Clock;
use pelton_tests::kinesis;
use pelton_tests::measure::bare_runtime::BareRuntime;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Pages that were read and are not yet taken by the handler.
const PAGES_AHEAD_MAX: usize = 1;

/// From one read to the next once there is nothing more.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Parser, Clone)]
struct Arguments {
    /// The Kinesis API
    #[arg(long)]
    endpoint_url: String,
    /// The stream
    #[arg(long)]
    stream: String,
    /// Records of one invocation
    #[arg(long)]
    batch: usize,
    /// Records of one GetRecords
    #[arg(long)]
    page: i32,
    /// The handler's program
    #[arg(long)]
    handler: PathBuf,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let client = kinesis::client(&arguments.endpoint_url);
    let listed =
        client.list_shards().stream_name(&arguments.stream).send().await.expect("the stream is there");
    let mut pumps = JoinSet::new();
    for shard in listed.shards() {
        let (arguments, client, shard) = (arguments.clone(), client.clone(), shard.shard_id().to_owned());
        pumps.spawn(pump(arguments, client, shard));
    }
    pumps.join_all().await;
}

/// Takes the records of one shard to a handler of its own.
async fn pump(arguments: Arguments, client: Client, shard: String) {
    let mut handler = BareRuntime::start(&arguments.handler, &[]).await;
    let (pages, mut pages_read) = mpsc::channel(PAGES_AHEAD_MAX);
    tokio::spawn(read(arguments, client, shard, pages));
    while let Some(page) = pages_read.recv().await {
        for event in page {
            handler.invoke(event).await;
        }
    }
}

/// Reads one shard from its oldest record on; hands on pages of events.
async fn read(arguments: Arguments, client: Client, shard: String, pages: mpsc::Sender<Vec<Bytes>>) {
    let clock = Clock::start();
    let encoder = Encoder::new(&shard, &arguments.stream);
    let start = client
        .get_shard_iterator()
        .stream_name(&arguments.stream)
        .shard_id(&shard)
        .shard_iterator_type(ShardIteratorType::TrimHorizon);
    let mut iterator = start.send().await.expect("the shard is there").shard_iterator;
    while let Some(place) = iterator {
        let call = client.get_records().shard_iterator(place).limit(arguments.page);
        let answer = call.send().await.expect("the shard can be read");
        iterator = answer.next_shard_iterator;
        if answer.records.is_empty() {
            clock.sleep(POLL_INTERVAL).await;
            continue;
        }
        let events = answer.records.chunks(arguments.batch).map(|batch| encoder.event(batch)).collect();
        if pages.send(events).await.is_err() {
            return;
        }
    }
}
