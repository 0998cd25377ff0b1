//! A stream of its own for each test, embedded or of LocalStack, and what a test does to it.

use aws_sdk_kinesis::primitives::Blob;
use pelton::clock::Clock;
use pelton::ports::{Answer, ShardReader, SourceError, Stream as _};
use pelton::source::aws::{AwsOptions, KinesisClient};
use pelton::source::budget::ByteBudget;
use pelton::source::embedded::{EmbeddedOptions, EmbeddedStream, create_streams};
use pelton::source::kinesis::KinesisSource;
use pelton_core::Timestamp;
use pelton_core::shard_end::Follows;
use pelton_core::stream::ShardId;
use pelton_model::Stream;
use pelton_tests::{kinesis, localstack};
use std::time::Duration;

/// The role in the events of these tests.
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/lambda-role";

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whose stream it is.
#[derive(Clone, Copy)]
pub(crate) enum Server {
    Embedded,
    LocalStack,
}

/// A stream.
pub(crate) struct World {
    /// Its server, if that is embedded.
    pub(crate) embedded: Option<EmbeddedStream>,
    pub(crate) stream: String,
    pub(crate) client: KinesisClient,
    pub(crate) clock: Clock,
}

impl World {
    pub(crate) async fn new(server: Server, shard_count: u32) -> Self {
        match server {
            Server::Embedded => Self::embedded(shard_count).await,
            Server::LocalStack => {
                let name = format!("pelton-{}", uuid::Uuid::new_v4());
                Self::with_stream(None, localstack::endpoint().await, stream(&name, shard_count)).await
            }
        }
    }

    /// The stream `orders` of an embedded server of its own.
    pub(crate) async fn embedded(shard_count: u32) -> Self {
        let options = EmbeddedOptions::listening_on("127.0.0.1:0".parse().unwrap());
        let server = EmbeddedStream::start(options).await.unwrap();
        let endpoint = server.endpoint();
        Self::with_stream(Some(server), endpoint, stream("orders", shard_count)).await
    }

    async fn with_stream(embedded: Option<EmbeddedStream>, endpoint: String, stream: Stream) -> Self {
        let options = AwsOptions { endpoint_url: Some(endpoint), region: Some("us-east-1".to_owned()) };
        let client = KinesisClient::connect(&options).await.unwrap();
        let clock = Clock::start();
        let created = create_streams(&client, &clock, std::slice::from_ref(&stream)).await.unwrap();
        assert_eq!(created, std::slice::from_ref(&stream.name));
        Self { embedded, stream: stream.name, client, clock }
    }

    /// Deletes what outlives the test.
    pub(crate) async fn end(self) {
        if self.embedded.is_none() {
            kinesis::delete_stream(self.client.sdk(), &self.stream).await;
        }
    }

    pub(crate) fn source(&self) -> KinesisSource {
        let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{}", self.stream).parse().unwrap();
        let (client, clock, role) = (self.client.clone(), self.clock.clone(), ROLE.to_owned());
        KinesisSource::new(client, clock, ByteBudget::default(), arn, role)
            .with_arrivals(self.embedded.as_ref().map(EmbeddedStream::arrivals))
    }

    /// Puts one record and tells its sequence number.
    pub(crate) async fn put(&self, key: &str, data: &str) -> String {
        let data = Blob::new(data.as_bytes());
        let call = self.client.sdk().put_record().stream_name(&self.stream).partition_key(key).data(data);
        call.send().await.unwrap().sequence_number
    }

    /// Waits until the stream's clock shows another second: it knows the arrival of a record by the second only.
    pub(crate) async fn next_second(&self) -> Timestamp {
        let second = self.clock.now().as_millis() / 1000;
        self.clock.sleep_until(Timestamp::from_millis((second + 1) * 1000 + 5)).await;
        self.clock.now()
    }

    /// The shards, once `condition` holds for them.
    pub(crate) async fn shards_when(
        &self,
        condition: impl Fn(&[pelton_core::stream::ListedShard]) -> bool,
    ) -> Vec<pelton_core::stream::ListedShard> {
        let deadline = self.clock.now().after(PATIENCE);
        loop {
            let shards = self.source().list_shards().await.unwrap();
            if condition(&shards) {
                return shards;
            }
            assert!(self.clock.now() < deadline, "the shards are {shards:?}");
            self.clock.sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A stream of this name.
pub(crate) fn stream(name: &str, shard_count: u32) -> Stream {
    Stream {
        logical_id: "Orders".to_owned(),
        name: name.to_owned(),
        shard_count,
        retention_hours: 48,
        record_kib_max: 1024,
    }
}

pub(crate) fn first_shard() -> ShardId {
    ShardId::new("shardId-000000000000")
}

/// Reads until nothing more is there, and tells the positions of what came.
pub(crate) async fn read_all(reader: &mut dyn ShardReader) -> Result<(Vec<String>, Follows), SourceError> {
    let mut positions = Vec::new();
    loop {
        let Answer { records, follows, lost_after: _ } = reader.next(1_000).await?;
        positions.extend(records.iter().map(|record| record.position().to_string()));
        if follows != Follows::More {
            return Ok((positions, follows));
        }
    }
}
