//! What chaos is made on: Kinesis streams, or the streams of tables on the fake of DynamoDB Streams.
//!
//! In: the names of streams. Out: an endpoint, somebody who writes and somebody who reshards, and what stands in the streams at last.

use super::books::{Entry, ShardContent, StreamContent, StreamRecord};
use super::forgetting::{Forgotten, forget};
use super::producer::{self, Accepted};
use super::resharding::{self, Way};
use super::stream;
use crate::dynamodb_streams::{DynamoDbStreams, Listed, Script, Throttle, ViewType};
use crate::{StreamServer, kinesis};
use aws_sdk_kinesis::Client;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_local};

/// Tells the shard of a sequence number.
pub(super) type NamesShard = Box<dyn Fn(&str) -> String>;

/// Shards that each stream begins with.
const SHARDS_AT_FIRST: usize = 2;

/// The name of a table's key.
pub(super) const KEY: &str = "id";

/// When the children of a shard are listed, after its end.
const CHILDREN_LISTED_AFTER: Duration = Duration::from_millis(300);

/// How long a start takes that describes each of the streams twice, and lists its shards twice.
const START_TAKES: Duration = Duration::from_millis(1_600);

/// How long iterators of the fake live.
const ITERATORS_LIVE: Duration = Duration::from_secs(3);

/// Reads of a shard in a second, as AWS allows them. A little more: a second of the fake and one of the poller begin at different
/// times.
const READS_PER_SECOND: usize = 5;

/// Which service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// Kinesis streams.
    #[default]
    Kinesis,
    /// Streams of tables, on the fake.
    Dynamodb,
}

/// A service that runs.
pub(super) enum Service {
    Kinesis { endpoint: String, client: Client, _server: Option<Box<StreamServer>> },
    DynamoDb(Arc<DynamoDbStreams>),
}

impl Service {
    /// `endpoint`: a Kinesis endpoint that is there already.
    pub(super) async fn start(source: Source, endpoint: Option<String>) -> Self {
        match source {
            Source::Kinesis => {
                let server = match &endpoint {
                    Some(_) => None,
                    None => Some(Box::new(StreamServer::start(&[]).await)),
                };
                let endpoint = endpoint.or(server.as_ref().map(|server| server.endpoint.clone()));
                let endpoint = endpoint.expect("there is a server if there was no endpoint");
                Self::Kinesis { client: kinesis::client(&endpoint), endpoint, _server: server }
            }
            Source::Dynamodb => {
                let script = Script::default()
                    .shards_at_first(SHARDS_AT_FIRST)
                    .children_listed(Listed::After(CHILDREN_LISTED_AFTER))
                    .iterators_live(ITERATORS_LIVE)
                    .reads_per_second(READS_PER_SECOND, Throttle::ProvisionedThroughputExceeded);
                Self::DynamoDb(Arc::new(DynamoDbStreams::start(script).await))
            }
        }
    }

    /// How much longer a life is: DescribeStream may be called ten times a second, and a start calls it often.
    pub(super) fn start_takes(&self) -> Duration {
        match self {
            Self::Kinesis { .. } => Duration::ZERO,
            Self::DynamoDb(_) => START_TAKES,
        }
    }

    /// Lets a stream forget what its function was done with; a Kinesis stream forgets nothing in such a short time.
    pub(super) fn forget(&self, arn: &str, entries: &[Entry], random: &mut fastrand::Rng) -> Forgotten {
        match self {
            Self::Kinesis { .. } => Forgotten::default(),
            Self::DynamoDb(fake) => forget(fake, arn, entries, random),
        }
    }

    pub(super) fn endpoint(&self) -> String {
        match self {
            Self::Kinesis { endpoint, .. } => endpoint.clone(),
            Self::DynamoDb(fake) => fake.endpoint(),
        }
    }

    /// Makes a stream: its ARN.
    pub(super) async fn create(&self, stream: &str) -> String {
        match self {
            Self::Kinesis { client, .. } => {
                let shards = i32::try_from(SHARDS_AT_FIRST).expect("a few shards");
                kinesis::create_stream(client, stream, shards).await;
                format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}")
            }
            Self::DynamoDb(fake) => fake.create_table(stream, &[KEY], ViewType::NewImage),
        }
    }

    pub(super) fn produce(
        &self,
        stream: &str,
        seed: u64,
        stopped: watch::Receiver<bool>,
        count: Arc<AtomicU64>,
    ) -> JoinHandle<Accepted> {
        let stream = stream.to_owned();
        match self {
            Self::Kinesis { client, .. } => {
                let client = client.clone();
                spawn_local(async move {
                    let put = async |keys: &[String], accepted: &mut Accepted| {
                        producer::put_next(&client, &stream, keys, accepted).await;
                    };
                    producer::produce(put, seed, stopped, count).await
                })
            }
            Self::DynamoDb(fake) => {
                let fake = Arc::clone(fake);
                spawn_local(async move {
                    let put = async |keys: &[String], accepted: &mut Accepted| {
                        for key in keys {
                            let number = accepted.entry(key.clone()).or_default();
                            let item = json!({KEY: {"S": key}, "number": {"N": number.to_string()}});
                            fake.put(&stream, &item).expect("each number is another one");
                            *number += 1;
                        }
                    };
                    producer::produce(put, seed, stopped, count).await
                })
            }
        }
    }

    pub(super) fn reshard(
        &self,
        (stream, arn): (&str, &str),
        way: Way,
        seed: u64,
        stopped: watch::Receiver<bool>,
        count: Arc<AtomicU64>,
    ) -> JoinHandle<()> {
        let (stream, arn) = (stream.to_owned(), arn.to_owned());
        match self {
            Self::Kinesis { client, .. } => {
                spawn_local(resharding::reshard(client.clone(), stream, way, seed, stopped, count))
            }
            Self::DynamoDb(fake) => {
                spawn_local(resharding::roll_over(Arc::clone(fake), arn, seed, stopped, count))
            }
        }
    }

    /// Names the shard of a record whose event does not: of a table's stream.
    pub(super) fn names_shards(&self, arn: &str) -> Option<NamesShard> {
        let Self::DynamoDb(fake) = self else { return None };
        let (fake, arn) = (Arc::clone(fake), arn.to_owned());
        Some(Box::new(move |number| fake.shard_of(&arn, number)))
    }

    /// Everything that a stream accepted.
    pub(super) async fn content(&self, stream: &str, arn: &str) -> StreamContent {
        match self {
            Self::Kinesis { client, .. } => stream::content(client, stream, SHARDS_AT_FIRST).await,
            Self::DynamoDb(fake) => {
                let shards = fake.content(arn).into_iter().map(|shard| {
                    let content = ShardContent {
                        parents: shard.parent.into_iter().collect(),
                        records: shard.records.iter().map(record).collect(),
                    };
                    (shard.id, content)
                });
                StreamContent { shards: shards.collect(), names_parents: true }
            }
        }
    }
}

/// A record of a table's stream.
pub(super) fn record(record: &Value) -> StreamRecord {
    let change = &record["dynamodb"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    StreamRecord {
        sequence_number: text(&change["SequenceNumber"]),
        data: format!("{} {}", text(&change["NewImage"][KEY]["S"]), text(&change["NewImage"]["number"]["N"])),
    }
}
