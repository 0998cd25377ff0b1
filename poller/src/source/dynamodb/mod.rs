//! DynamoDB Streams (specification 2.3, 3.3, 7.3).
//!
//! In: a [`DynamoDbStreamsClient`] and the ARN of a table's stream. Out: the [`Source`] port. A shard is closed after some hours, and
//! goes on in a child; a stream keeps its records for a day.

mod calls;
mod changes;
mod client;
mod finding;
mod tables;

pub use client::DynamoDbStreamsClient;
pub use finding::find_stream_of_table;
pub use tables::{CreateTableError, TablesClient};

use super::budget::ByteBudget;
use super::by_iterator::IteratorReader;
use crate::clock::Clock;
use crate::ports::{OpenShard, ReadFrom, Source, SourceError, Stream, StreamDescription};
use async_trait::async_trait;
use pelton_core::event::dynamodb::{DynamoDbEncoder, DynamoDbOrigin};
use pelton_core::filter::Filters;
use pelton_core::shard_end::Listed;
use pelton_core::stream::{ListedShard, ShardId};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A table's stream.
pub struct DynamoDbSource {
    stream: Arc<TableStream>,
    encoder: DynamoDbEncoder,
}

/// What all readers of one stream share.
struct TableStream {
    client: DynamoDbStreamsClient,
    clock: Clock,
    budget: ByteBudget,
    arn: String,
    /// Whether it was said that the stream was disabled.
    is_disabled_said: AtomicBool,
}

impl DynamoDbSource {
    /// The stream of that ARN at the client's endpoint; `region` stands in its events. Records that match none of the `filters` are
    /// read, and not encoded. With `has_keys` records get a key to keep their order by.
    #[must_use]
    pub fn new(
        client: DynamoDbStreamsClient,
        clock: Clock,
        budget: ByteBudget,
        arn: String,
        region: String,
        filters: Option<Filters>,
        has_keys: bool,
    ) -> Self {
        let origin = DynamoDbOrigin { event_source_arn: arn.clone(), region };
        let encoder = DynamoDbEncoder::new(origin).with_filters(filters.map(Arc::new)).with_keys(has_keys);
        let is_disabled_said = AtomicBool::new(false);
        let stream = TableStream { client, clock, budget, arn, is_disabled_said };
        Self { stream: Arc::new(stream), encoder }
    }
}

#[async_trait]
impl Stream for DynamoDbSource {
    async fn describe(&self) -> Result<StreamDescription, SourceError> {
        self.stream.describe().await
    }

    async fn list_shards(&self) -> Result<Vec<ListedShard>, SourceError> {
        self.stream.list_shards().await
    }
}

#[async_trait]
impl Source for DynamoDbSource {
    async fn listed(&self, shard: &ShardId) -> Result<Listed, SourceError> {
        Ok(Listed::of(&self.list_shards().await?, shard))
    }

    async fn open(&self, shard: &ShardId, from: ReadFrom) -> Result<OpenShard, SourceError> {
        let mut reader =
            IteratorReader::new(Arc::clone(&self.stream), shard.clone(), self.encoder.clone(), from);
        reader.find_place().await?;
        Ok(OpenShard { reader: Box::new(reader), arrivals: None })
    }
}
