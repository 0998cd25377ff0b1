//! The calls of the API of DynamoDB Streams that reading takes, each made once.
//!
//! In: names and positions of this program. Out: answers in its own types, or an [`ApiError`]. Every future is boxed, so
//! that a shard that waits for its turn is small.

use super::TableStream;
use super::changes::{change, flaw_of, sequence_number};
use crate::clock::Clock;
use crate::ports::{SourceError, StreamDescription, StreamStatus};
use crate::source::api_error::ApiError;
use crate::source::budget::ByteBudget;
use crate::source::by_iterator::{Anchor, IteratorApi, moment};
use crate::source::sources::{DYNAMODB_READ_GAP_MIN, DYNAMODB_READ_RECORDS_MAX};
use async_trait::async_trait;
use aws_sdk_dynamodbstreams::operation::get_records::GetRecordsOutput;
use aws_sdk_dynamodbstreams::types::{
    Shard, ShardIteratorType, StreamDescription as Described, StreamStatus as ApiStatus,
};
use pelton_core::Timestamp;
use pelton_core::event::dynamodb::{DynamoDbEncoder, DynamoDbFormat, DynamoDbRecord};
use pelton_core::event::page::{EncodedPage, NotJson};
use pelton_core::stream::{ListedShard, ShardId};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a stream keeps a record.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Shards per answer of DescribeStream: AWS's most.
const SHARDS_PER_PAGE: i32 = 100;

const DESCRIBE: &str = "DescribeStream";

impl TableStream {
    /// What the stream is. When it was made is part of its ARN: a stream that is enabled again has another one.
    pub(super) async fn describe(&self) -> Result<StreamDescription, SourceError> {
        let described = self.describe_page(1, None).await?;
        let status = match described.stream_status() {
            Some(ApiStatus::Enabling) => StreamStatus::Creating,
            Some(ApiStatus::Disabling | ApiStatus::Disabled) => {
                self.say_disabled();
                StreamStatus::Active
            }
            // One in a state that is not known yet is there.
            Some(_) => StreamStatus::Active,
            None => return Err(self.senseless("it names no status")),
        };
        let created = made_at(&self.arn);
        Ok(StreamDescription { arn: self.arn.clone(), created, retention: RETENTION, status })
    }

    /// Once: its records are read for as long as they are there.
    fn say_disabled(&self) {
        if !self.is_disabled_said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                stream = %self.arn,
                "the stream was disabled: what it still holds is read, and nothing comes after it. A stream that is enabled again \
                 has another ARN: start Pelton again to read that one"
            );
        }
    }

    /// DescribeStream, page by page.
    pub(super) async fn list_shards(&self) -> Result<Vec<ListedShard>, SourceError> {
        let mut shards: Vec<ListedShard> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let described = self.describe_page(SHARDS_PER_PAGE, after.take()).await?;
            for shard in described.shards() {
                let Some(shard) = listed(shard) else {
                    return Err(self.senseless("it names a shard without a name"));
                };
                if shards.iter().any(|known| known.id == shard.id) {
                    return Err(self.senseless("a page comes again"));
                }
                shards.push(shard);
            }
            match described.last_evaluated_shard_id() {
                None => return Ok(shards),
                Some(_) if described.shards().is_empty() => {
                    return Err(self.senseless("an empty page promises another one"));
                }
                Some(last) => after = Some(last.to_owned()),
            }
        }
    }

    async fn describe_page(&self, limit: i32, after: Option<String>) -> Result<Described, SourceError> {
        let _turn = self.client.turn_to_describe().await;
        let call = self.client.sdk().describe_stream().stream_arn(&self.arn).limit(limit);
        let call = call.set_exclusive_start_shard_id(after).send();
        let answer = Box::pin(call).await.map_err(|error| self.of_stream(ApiError::new(DESCRIBE, error)))?;
        match answer.stream_description {
            None => Err(self.senseless("it is empty")),
            Some(described) if described.stream_arn() == Some(&self.arn) => Ok(described),
            Some(_) => Err(self.senseless("it describes another stream")),
        }
    }

    fn senseless(&self, flaw: &'static str) -> SourceError {
        self.of_stream(ApiError::senseless(DESCRIBE, flaw))
    }

    fn of_stream(&self, error: ApiError) -> SourceError {
        error.into_source_error(self.client.endpoint(), || format!("the stream {}", self.arn))
    }
}

/// When a stream was made, as its label says: the last part of its ARN. The epoch where that is no time.
fn made_at(arn: &str) -> Timestamp {
    let label = arn.rsplit_once("/stream/").map_or("", |(_, label)| label);
    let made = label.parse::<jiff::civil::DateTime>().ok().and_then(|made| made.in_tz("UTC").ok());
    let millis = made.and_then(|made| u64::try_from(made.timestamp().as_millisecond()).ok());
    Timestamp::from_millis(millis.unwrap_or_default())
}

fn listed(shard: &Shard) -> Option<ListedShard> {
    let id = shard.shard_id().filter(|id| !id.is_empty())?;
    let end = shard.sequence_number_range().and_then(|range| range.ending_sequence_number());
    Some(ListedShard {
        id: ShardId::new(id),
        parents: shard.parent_shard_id().into_iter().map(ShardId::new).collect(),
        is_open: end.is_none(),
    })
}

#[async_trait]
impl IteratorApi for TableStream {
    type Format = DynamoDbFormat;
    type Answer = GetRecordsOutput;

    const READ_GAP_MIN: Duration = DYNAMODB_READ_GAP_MIN;
    /// Each read is one of four in a second.
    const FIRST_PAGE_READS_MAX: usize = 1;

    async fn shard_iterator(&self, shard: &ShardId, anchor: &Anchor) -> Result<String, ApiError> {
        const OPERATION: &str = "GetShardIterator";
        let _turn = self.client.turn().await;
        let call = self.client.sdk().get_shard_iterator().stream_arn(&self.arn).shard_id(shard.as_str());
        let call = match anchor {
            // A moment is not asked for: older servers know none. What came before it is passed over here.
            Anchor::TrimHorizon | Anchor::AtTimestamp(_) => {
                call.shard_iterator_type(ShardIteratorType::TrimHorizon)
            }
            Anchor::Latest => call.shard_iterator_type(ShardIteratorType::Latest),
            Anchor::After(position) => call
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(position.as_str()),
        };
        let answer = Box::pin(call.send()).await.map_err(|error| ApiError::new(OPERATION, error))?;
        let iterator = answer.shard_iterator.filter(|iterator| !iterator.is_empty());
        iterator.ok_or_else(|| ApiError::senseless(OPERATION, "it holds no iterator"))
    }

    async fn get_records(&self, iterator: String, limit: usize) -> Result<GetRecordsOutput, ApiError> {
        let _turn = self.client.turn().await;
        let limit = i32::try_from(limit.min(DYNAMODB_READ_RECORDS_MAX)).unwrap_or(i32::MAX);
        let call = self.client.sdk().get_records().shard_iterator(iterator).limit(limit).send();
        Box::pin(call).await.map_err(|error| ApiError::new("GetRecords", error))
    }

    fn flaw(answer: &GetRecordsOutput) -> Option<&'static str> {
        answer.records().iter().find_map(flaw_of)
    }

    fn sequence_numbers(answer: &GetRecordsOutput) -> Vec<&str> {
        answer.records().iter().map(sequence_number).collect()
    }

    fn drop_first(answer: &mut GetRecordsOutput, count: usize) {
        answer.records.iter_mut().for_each(|records| drop(records.drain(..count)));
    }

    fn next_iterator(answer: &GetRecordsOutput) -> Option<&str> {
        answer.next_shard_iterator()
    }

    /// Answers never name any: the listing does.
    fn names_children(_: &GetRecordsOutput, _: &ShardId) -> bool {
        false
    }

    /// The API does not say: any record is reason to look again as soon as that is allowed.
    fn is_more_behind(&self, answer: &GetRecordsOutput, _: usize) -> bool {
        !answer.records().is_empty()
    }

    fn encode(
        &self,
        encoder: &DynamoDbEncoder,
        answer: &GetRecordsOutput,
        mut admits: impl FnMut(Timestamp) -> bool,
    ) -> EncodedPage {
        let records = answer.records().iter().filter_map(|record| {
            let created = record.dynamodb().and_then(|change| change.approximate_creation_date_time());
            // Every record has a time of creation; one without must at least not look expired.
            let created = created.map_or_else(|| self.clock.now(), moment);
            admits(created).then(|| DynamoDbRecord::new(&change(record, created)))
        });
        let records: Vec<DynamoDbRecord<'_>> = records.collect();
        let payload_len = records.iter().map(DynamoDbRecord::payload_len).sum();
        encoder.encode(records, payload_len)
    }

    /// The payload is always JSON.
    fn dropped_not_json(&self, _: &ShardId, _: &NotJson) {}

    fn of_shard(&self, shard: &ShardId, error: ApiError) -> SourceError {
        error.into_source_error(self.client.endpoint(), || {
            format!("the stream {} or its shard {shard}", self.arn)
        })
    }

    fn name(&self) -> &str {
        &self.arn
    }

    fn budget(&self) -> &ByteBudget {
        &self.budget
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_was_made_when_its_label_says() {
        let arn = |label: &str| format!("arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/{label}");
        assert_eq!(made_at(&arn("2026-12-01T00:00:00.500")), Timestamp::from_millis(1_796_083_200_500));
        for label in ["", "label", "2026-12-01T00:00:00.500Z/x"] {
            assert_eq!(made_at(&arn(label)), Timestamp::default());
        }
    }
}
