//! Topics of Kafka, read by librdkafka (specification 3.4, 3.5).
//!
//! In: a mapping, and who owns its partitions (`crate::ownership`). Out: the [`Source`] port, and a member of its consumer group
//! ([`crate::group_client::GroupClient`]). Which partitions are read, and from where, is decided by `pelton_core::group`.

mod client;
mod context;
mod inquiry;
pub(crate) mod local_cluster;
mod queue;
mod reader;
mod settings;
mod thread;

pub(crate) use client::KafkaClient;
pub(crate) use settings::{ClientSettings, Outcome};

use crate::clock::Clock;
use crate::ports::{OpenShard, ReadFrom, Source, SourceError};
use async_trait::async_trait;
use pelton_core::event::kafka::{KafkaEncoder, KafkaOrigin};
use pelton_core::filter::Filters;
use pelton_core::group::Partition;
use pelton_core::shard_end::Listed;
use pelton_core::stream::ShardId;
use reader::PartitionReader;
use std::sync::Arc;

/// The topic of one mapping.
pub(crate) struct KafkaSource {
    client: Arc<KafkaClient>,
    filters: Option<Arc<Filters>>,
    has_keys: bool,
    clock: Clock,
}

impl KafkaSource {
    /// The topic that this client reads. Records that match none of the `filters` are read, and not encoded. With `has_keys` records
    /// get a key to keep their order by.
    pub(crate) fn new(
        client: Arc<KafkaClient>,
        clock: Clock,
        filters: Option<Filters>,
        has_keys: bool,
    ) -> Self {
        Self { client, filters: filters.map(Arc::new), has_keys, clock }
    }

    fn encoder(&self, partition: Partition) -> KafkaEncoder {
        let topic = self.client.settings().topic.clone();
        KafkaEncoder::new(KafkaOrigin { topic, partition })
            .with_filters(self.filters.clone())
            .with_keys(self.has_keys)
    }
}

#[async_trait]
impl Source for KafkaSource {
    async fn open(&self, shard: &ShardId, from: ReadFrom) -> Result<OpenShard, SourceError> {
        let not_ours =
            || SourceError::Senseless { operation: "Fetch", flaw: "the partition is not this poller's" };
        let partition = partition_of(shard).ok_or_else(not_ours)?;
        let queue = self.client.queue(partition).ok_or_else(not_ours)?;
        let reader = PartitionReader::new(
            Arc::clone(&self.client),
            partition,
            queue,
            self.encoder(partition),
            &from,
            &self.clock,
        );
        Ok(OpenShard { reader: Box::new(reader), arrivals: None })
    }

    /// A partition never ends.
    async fn listed(&self, _: &ShardId) -> Result<Listed, SourceError> {
        Ok(Listed::Open)
    }
}

/// The number behind the last `-` of `topic-0`: a topic may have dashes of its own.
fn partition_of(shard: &ShardId) -> Option<Partition> {
    shard.as_str().rsplit_once('-')?.1.parse().ok()
}
