//! An embedded stream of its own for each test, and what a test does to it.

use aws_sdk_kinesis::primitives::Blob;
use pelton::application::{Stream, StreamArn};
use pelton::clock::Clock;
use pelton::ports::{ShardReader, Source, SourceError};
use pelton::source::aws::{AwsOptions, KinesisClient};
use pelton::source::budget::ByteBudget;
use pelton::source::embedded::{EmbeddedOptions, EmbeddedStream, create_streams};
use pelton::source::kinesis::KinesisSource;
use pelton_core::plan::ShardId;
use pelton_core::{Page, Then, Timestamp};
use std::time::Duration;

/// The role in the events of these tests.
pub(super) const ROLE: &str = "arn:aws:iam::000000000000:role/lambda-role";

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running embedded stream with one stream `orders`.
pub(super) struct World {
    pub(super) server: EmbeddedStream,
    pub(super) client: KinesisClient,
    pub(super) clock: Clock,
}

impl World {
    pub(super) async fn with_shards(shard_count: u32) -> Self {
        let options = EmbeddedOptions::listening_on("127.0.0.1:0".parse().unwrap());
        let server = EmbeddedStream::start(options).await.unwrap();
        let options =
            AwsOptions { endpoint_url: Some(server.endpoint()), region: Some("us-east-1".to_owned()) };
        let world =
            Self { client: KinesisClient::connect(&options).await.unwrap(), server, clock: Clock::start() };
        let created = create_streams(&world.client, &world.clock, &[orders(shard_count)]).await.unwrap();
        assert_eq!(created, ["orders"]);
        world
    }

    pub(super) fn source(&self) -> KinesisSource {
        let arn = StreamArn {
            partition: "aws".to_owned(),
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            name: "orders".to_owned(),
        };
        KinesisSource::new(
            self.client.clone(),
            self.clock.clone(),
            ByteBudget::default(),
            arn,
            ROLE.to_owned(),
        )
        .with_arrivals(self.server.arrivals())
    }

    /// Puts one record and tells its sequence number.
    pub(super) async fn put(&self, key: &str, data: &str) -> String {
        let data = Blob::new(data.as_bytes());
        let call = self.client.sdk().put_record().stream_name("orders").partition_key(key).data(data);
        call.send().await.unwrap().sequence_number
    }

    /// Waits until the stream's clock shows another second: it knows the arrival of a record by the second only.
    pub(super) async fn next_second(&self) -> Timestamp {
        let second = self.clock.now().as_millis() / 1000;
        self.clock.sleep_until(Timestamp::from_millis((second + 1) * 1000 + 5)).await;
        self.clock.now()
    }

    /// The shards, once `condition` holds for them.
    pub(super) async fn shards_when(
        &self,
        condition: impl Fn(&[pelton_core::plan::ListedShard]) -> bool,
    ) -> Vec<pelton_core::plan::ListedShard> {
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

/// The stream of these tests.
pub(super) fn orders(shard_count: u32) -> Stream {
    Stream {
        logical_id: "Orders".to_owned(),
        name: "orders".to_owned(),
        shard_count,
        retention_hours: 48,
        record_kib_max: 1024,
    }
}

pub(super) fn first_shard() -> ShardId {
    ShardId::new("shardId-000000000000")
}

/// Reads until nothing more is there, and tells the positions of what came.
pub(super) async fn read_all(reader: &mut dyn ShardReader) -> Result<(Vec<String>, Then), SourceError> {
    let mut positions = Vec::new();
    loop {
        let Page { records, then } = reader.next(1_000).await?;
        positions.extend(records.iter().map(|record| record.position().to_string()));
        if then != Then::More {
            return Ok((positions, then));
        }
    }
}
