//! Streams whose shards are read by iterators: Kinesis and DynamoDB Streams (specification 2.3, 3.4).
//!
//! In: the calls of an API ([`IteratorApi`]). Out: a [`crate::ports::ShardReader`] that never loses its place. Decides nothing about
//! cadence or retries: each call is made once, and an error is named by what the caller can do about it.

mod appetite;
mod place;
mod reader;

pub(super) use place::{Anchor, Place};
pub(super) use reader::{IteratorReader, what_follows};

use super::api_error::ApiError;
use crate::clock::Clock;
use crate::ports::SourceError;
use crate::source::budget::ByteBudget;
use async_trait::async_trait;
use aws_smithy_types::DateTime;
use pelton_core::Timestamp;
use pelton_core::event::page::{EncodedPage, NotJson, PageEncoder, RecordFormat};
use pelton_core::stream::ShardId;
use std::time::Duration;

/// One stream of an API that hands out the records of a shard by iterators.
#[async_trait]
pub(super) trait IteratorApi: Send + Sync + 'static {
    /// What its records look like.
    type Format: RecordFormat + Send + Sync;
    /// An answer to GetRecords.
    type Answer: Send;

    /// From one GetRecords of a shard to the next at the least, whatever asks for them: also for a new iterator in the place of one
    /// that expired. Zero where the cadence of the core is enough.
    const READ_GAP_MIN: Duration;
    /// How many reads make the first page of a shard at most: the first ones ask for little, as nothing is known of its records.
    const FIRST_PAGE_READS_MAX: usize;

    /// GetShardIterator
    async fn shard_iterator(&self, shard: &ShardId, anchor: &Anchor) -> Result<String, ApiError>;

    /// GetRecords
    async fn get_records(&self, iterator: String, limit: usize) -> Result<Self::Answer, ApiError>;

    /// What is wrong with an answer beside its sequence numbers, if anything is: then nothing of it is taken.
    fn flaw(answer: &Self::Answer) -> Option<&'static str>;

    /// The sequence numbers of its records, in order.
    fn sequence_numbers(answer: &Self::Answer) -> Vec<&str>;

    /// Drops so many of its first records.
    fn drop_first(answer: &mut Self::Answer, count: usize);

    /// The iterator behind its records.
    fn next_iterator(answer: &Self::Answer) -> Option<&str>;

    /// Whether it names child shards of this shard.
    fn names_children(answer: &Self::Answer, shard: &ShardId) -> bool;

    /// Whether more records are waiting behind an answer of at most `limit`. An empty page in mid-stream is not the end of the
    /// backlog.
    fn is_more_behind(&self, answer: &Self::Answer, limit: usize) -> bool;

    /// Encodes those of its records whose time of arrival is admitted.
    fn encode(
        &self,
        encoder: &PageEncoder<Self::Format>,
        answer: &Self::Answer,
        admits: impl FnMut(Timestamp) -> bool,
    ) -> EncodedPage;

    /// A record was dropped as the filters need a JSON payload.
    fn dropped_not_json(&self, shard: &ShardId, not_json: &NotJson);

    /// The error of the port for an error that concerns a shard.
    fn of_shard(&self, shard: &ShardId, error: ApiError) -> SourceError;

    /// The stream's name, for people.
    fn name(&self) -> &str;

    /// What all readers of the process hold in memory.
    fn budget(&self) -> &ByteBudget;

    /// The time.
    fn clock(&self) -> &Clock;
}

/// A moment of an API in this program's terms; the epoch for one that lies before it.
pub(super) fn moment(time: &DateTime) -> Timestamp {
    let millis = time.to_millis().ok().and_then(|millis| u64::try_from(millis).ok());
    Timestamp::from_millis(millis.unwrap_or_default())
}
