//! Kinesis Data Streams, read by GetRecords (specification 2.3, 3.3, 3.4).
//!
//! In: a [`KinesisClient`] and the name of a stream. Out: the [`Source`] port. Decides nothing about cadence or retries:
//! each call is made once, and a refusal is named by what the caller can do about it.

#[cfg(test)]
mod backlog;
mod browser;
mod calls;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wrong_answers;

pub(crate) use browser::{BrowseError, ShardBrowser};

use super::aws::KinesisClient;
use super::budget::ByteBudget;
use super::by_iterator::IteratorReader;
use super::embedded::Arrivals;
use crate::clock::Clock;
use crate::ports::{OpenShard, ReadFrom, Source, SourceError, Stream, StreamDescription};
use async_trait::async_trait;
use pelton_core::event::kinesis::{KinesisEncoder, KinesisOrigin};
use pelton_core::filter::Filters;
use pelton_core::shard_end::Listed;
use pelton_core::stream::{ListedShard, ShardId};
use pelton_model::{Arn, StreamArn};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// A Kinesis stream.
pub struct KinesisSource {
    stream: Arc<KinesisStream>,
    arrivals: Option<Arrivals>,
    filters: Option<Arc<Filters>>,
    has_keys: bool,
}

/// What all readers of one stream share.
struct KinesisStream {
    client: KinesisClient,
    clock: Clock,
    budget: ByteBudget,
    arn: StreamArn,
    /// The stream's own name for itself: the account in the template's ARN may be made up.
    described_arn: OnceLock<String>,
    invoke_identity_arn: String,
    /// Whether the hint about records that are dropped because they are not JSON was logged.
    is_not_json_logged: AtomicBool,
}

impl KinesisSource {
    /// The stream of that name at the client's endpoint.
    ///
    /// Its records are encoded with the ARN that the stream was first described by as their `eventSourceARN` (`arn` before),
    /// and with `invoke_identity_arn`, the role that the function would have on AWS. Only the name is asked for: the account
    /// is the credentials', the region the client's.
    #[must_use]
    pub fn new(
        client: KinesisClient,
        clock: Clock,
        budget: ByteBudget,
        arn: StreamArn,
        invoke_identity_arn: String,
    ) -> Self {
        let stream = KinesisStream {
            client,
            clock,
            budget,
            arn,
            described_arn: OnceLock::new(),
            invoke_identity_arn,
            is_not_json_logged: AtomicBool::new(false),
        };
        Self { stream: Arc::new(stream), arrivals: None, filters: None, has_keys: false }
    }

    /// The same, for a stream that may be embedded in this process: then it can tell when records arrive.
    #[must_use]
    pub fn with_arrivals(mut self, arrivals: Option<Arrivals>) -> Self {
        self.arrivals = arrivals;
        self
    }

    /// The same, for a mapping with filters: what matches none of them is read, and not encoded.
    #[must_use]
    pub fn with_filters(mut self, filters: Option<Filters>) -> Self {
        self.filters = filters.map(Arc::new);
        self
    }

    /// The same, for a mapping that runs several batches of a shard side by side: records get a key to keep their order by.
    #[must_use]
    pub fn with_keys(mut self, has_keys: bool) -> Self {
        self.has_keys = has_keys;
        self
    }

    /// Looks at a shard: its records come as they are, and are not encoded for events.
    pub(crate) fn browser(&self, shard: &ShardId, from: ReadFrom) -> ShardBrowser {
        ShardBrowser::new(Arc::clone(&self.stream), shard.clone(), from)
    }

    /// What turns the records of a shard into those of events.
    fn encoder(&self, shard: &ShardId) -> KinesisEncoder {
        let stream = &self.stream;
        let (event_source_arn, region) = stream.event_source();
        let invoke_identity_arn = stream.invoke_identity_arn.clone();
        let shard_id = shard.as_str().to_owned();
        KinesisEncoder::new(KinesisOrigin { shard_id, event_source_arn, region, invoke_identity_arn })
            .with_filters(self.filters.clone())
            .with_keys(self.has_keys)
    }
}

impl KinesisStream {
    /// `eventSourceARN` and `awsRegion` of events. A stream on this machine may have another ARN than the template gives it.
    fn event_source(&self) -> (String, String) {
        let arn = self.described_arn.get().cloned().unwrap_or_else(|| self.arn.to_string());
        let region = arn.parse().map_or_else(|_| self.arn.region.clone(), |arn: Arn| arn.region);
        (arn, region)
    }
}

#[async_trait]
impl Stream for KinesisSource {
    async fn describe(&self) -> Result<StreamDescription, SourceError> {
        let description = self.stream.describe().await?;
        self.stream.described_arn.get_or_init(|| description.arn.clone());
        Ok(description)
    }

    async fn list_shards(&self) -> Result<Vec<ListedShard>, SourceError> {
        self.stream.list_shards().await
    }
}

#[async_trait]
impl Source for KinesisSource {
    async fn listed(&self, shard: &ShardId) -> Result<Listed, SourceError> {
        Ok(Listed::of(&self.list_shards().await?, shard))
    }

    async fn open(&self, shard: &ShardId, from: ReadFrom) -> Result<OpenShard, SourceError> {
        let mut reader =
            IteratorReader::new(Arc::clone(&self.stream), shard.clone(), self.encoder(shard), from);
        reader.find_place().await?;
        let arrivals =
            self.arrivals.as_ref().map(|arrivals| arrivals.watch(&self.stream.arn.name, shard.as_str()));
        Ok(OpenShard { reader: Box::new(reader), arrivals })
    }
}
