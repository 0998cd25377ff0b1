//! The calls of the Kinesis API that reading takes, each made once.
//!
//! In: names and positions of this program. Out: answers in its own types, or an [`ApiError`]. Every future is boxed, so
//! that a shard that waits for its turn is small.

use super::KinesisStream;
use crate::clock::Clock;
use crate::ports::{SourceError, StreamDescription, StreamStatus};
use crate::source::api_error::ApiError;
use crate::source::aws::EndpointKind;
use crate::source::budget::ByteBudget;
use crate::source::by_iterator::{Anchor, IteratorApi, moment};
use async_trait::async_trait;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{
    ChildShard, Record, Shard, ShardIteratorType, StreamDescriptionSummary, StreamStatus as ApiStatus,
};
use pelton_core::Timestamp;
use pelton_core::event::kinesis::{KinesisEncoder, KinesisFormat, KinesisRecord};
use pelton_core::event::page::{EncodedPage, NotJson};
use pelton_core::stream::{ListedShard, ShardId};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Shards per answer of ListShards: AWS's default.
const SHARDS_PER_PAGE: i32 = 1_000;

impl KinesisStream {
    /// DescribeStreamSummary
    pub(super) async fn describe(&self) -> Result<StreamDescription, SourceError> {
        let _turn = self.client.turn().await;
        let call = self.client.sdk().describe_stream_summary().stream_name(&self.arn.name).send();
        let answer = Box::pin(call)
            .await
            .map_err(|error| self.of_stream(ApiError::new("DescribeStreamSummary", error)))?;
        let senseless = |flaw| self.of_stream(ApiError::senseless("DescribeStreamSummary", flaw));
        let summary = answer.stream_description_summary().ok_or_else(|| senseless("it is empty"))?;
        match flaw(summary, &self.arn.name) {
            Some(flaw) => Err(senseless(flaw)),
            None => Ok(description(summary)),
        }
    }

    /// ListShards, page by page. Pages are asked for by the last shard of the one before: that works everywhere, a token
    /// does not.
    pub(super) async fn list_shards(&self) -> Result<Vec<ListedShard>, SourceError> {
        let mut shards: Vec<ListedShard> = Vec::new();
        loop {
            let _turn = self.client.turn().await;
            let call = self
                .client
                .sdk()
                .list_shards()
                .stream_name(&self.arn.name)
                .max_results(SHARDS_PER_PAGE)
                .set_exclusive_start_shard_id(shards.last().map(|shard| shard.id.as_str().to_owned()));
            let answer = Box::pin(call.send())
                .await
                .map_err(|error| self.of_stream(ApiError::new("ListShards", error)))?;
            let senseless = |flaw| self.of_stream(ApiError::senseless("ListShards", flaw));
            let is_known = |shard: &Shard| shards.iter().any(|known| known.id.as_str() == shard.shard_id());
            if answer.shards().first().is_some_and(is_known) {
                return Err(senseless("a page comes again"));
            }
            if answer.shards().iter().any(|shard| shard.shard_id().is_empty()) {
                return Err(senseless("it names a shard without a name"));
            }
            shards.extend(answer.shards().iter().map(listed));
            if answer.next_token().is_none() {
                return Ok(shards);
            }
            if answer.shards().is_empty() {
                return Err(senseless("an empty page promises another one"));
            }
        }
    }

    fn of_stream(&self, error: ApiError) -> SourceError {
        error.into_source_error(self.client.endpoint(), || format!("the stream {}", self.arn.name))
    }
}

#[async_trait]
impl IteratorApi for KinesisStream {
    type Format = KinesisFormat;
    type Answer = GetRecordsOutput;

    const READ_GAP_MIN: Duration = Duration::ZERO;
    const FIRST_PAGE_READS_MAX: usize = 3;

    async fn shard_iterator(&self, shard: &ShardId, anchor: &Anchor) -> Result<String, ApiError> {
        const OPERATION: &str = "GetShardIterator";
        let _turn = self.client.turn().await;
        let call =
            self.client.sdk().get_shard_iterator().stream_name(&self.arn.name).shard_id(shard.as_str());
        let call = match anchor {
            Anchor::TrimHorizon => call.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Anchor::Latest => call.shard_iterator_type(ShardIteratorType::Latest),
            Anchor::AtTimestamp(start) => {
                call.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(api_time(*start))
            }
            Anchor::After(position) => call
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(position.as_str()),
        };
        let answer = Box::pin(call.send()).await.map_err(|error| ApiError::new(OPERATION, error))?;
        let iterator = answer.shard_iterator.filter(|iterator| !iterator.is_empty());
        iterator.ok_or_else(|| ApiError::senseless(OPERATION, "it holds no iterator"))
    }

    async fn get_records(&self, iterator: String, limit: usize) -> Result<GetRecordsOutput, ApiError> {
        let _turn = self.client.turn().await;
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let call = self.client.sdk().get_records().shard_iterator(iterator).limit(limit).send();
        Box::pin(call).await.map_err(|error| ApiError::new("GetRecords", error))
    }

    fn flaw(_: &GetRecordsOutput) -> Option<&'static str> {
        None
    }

    fn sequence_numbers(answer: &GetRecordsOutput) -> Vec<&str> {
        answer.records().iter().map(Record::sequence_number).collect()
    }

    fn drop_first(answer: &mut GetRecordsOutput, count: usize) {
        answer.records.drain(..count);
    }

    fn next_iterator(answer: &GetRecordsOutput) -> Option<&str> {
        answer.next_shard_iterator()
    }

    fn names_children(answer: &GetRecordsOutput, shard: &ShardId) -> bool {
        let is_child =
            |child: &ChildShard| child.parent_shards().iter().any(|parent| parent == shard.as_str());
        answer.child_shards().iter().any(is_child)
    }

    /// Servers other than AWS may always claim to be caught up: there, any record is reason to look again at once.
    fn is_more_behind(&self, answer: &GetRecordsOutput, limit: usize) -> bool {
        let is_behind = answer.millis_behind_latest.unwrap_or_default() > 0;
        let is_full = answer.records.len() >= limit;
        let is_of_aws = self.client.endpoint().kind() == EndpointKind::Aws;
        is_behind || is_full || (!answer.records.is_empty() && !is_of_aws)
    }

    fn encode(
        &self,
        encoder: &KinesisEncoder,
        answer: &GetRecordsOutput,
        mut admits: impl FnMut(Timestamp) -> bool,
    ) -> EncodedPage {
        let records = answer.records.iter().filter_map(|record| {
            // Every record has a time of arrival; one without must at least not look expired.
            let arrival = record.approximate_arrival_timestamp().map_or_else(|| self.clock.now(), moment);
            admits(arrival).then(|| KinesisRecord {
                sequence_number: record.sequence_number(),
                partition_key: record.partition_key(),
                data: record.data().as_ref(),
                arrival,
            })
        });
        let data_len = answer.records.iter().map(|record| record.data().as_ref().len()).sum();
        encoder.encode(records, data_len)
    }

    /// Once for a mapping: what the payload should be is the same mistake in every shard.
    fn dropped_not_json(&self, shard: &ShardId, NotJson { position, is_json_in_base64 }: &NotJson) {
        if self.is_not_json_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        let hint = match is_json_in_base64 {
            true => "the payload is JSON in base64: put the JSON itself, because the SDK encodes it",
            false => "AWS filters out such records, too",
        };
        tracing::warn!(
            stream = %self.arn.name, %shard, sequence_number = %position, json_in_base64 = is_json_in_base64, hint,
            "filtered out a record: its payload is not a JSON object, which the FilterCriteria require"
        );
    }

    fn of_shard(&self, shard: &ShardId, error: ApiError) -> SourceError {
        error.into_source_error(self.client.endpoint(), || {
            format!("the stream {} or its shard {shard}", self.arn.name)
        })
    }

    fn name(&self) -> &str {
        &self.arn.name
    }

    fn budget(&self) -> &ByteBudget {
        &self.budget
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// What is wrong with the description of the stream `name`, if anything is. The SDK fills in fields that are missing.
fn flaw(summary: &StreamDescriptionSummary, name: &str) -> Option<&'static str> {
    let is_of_stream = summary.stream_name() == name && summary.stream_arn().ends_with(name);
    let flaws = [
        (!is_of_stream, "it describes another stream"),
        (moment(summary.stream_creation_timestamp()) == Timestamp::default(), "it names no time of creation"),
        (summary.retention_period_hours() <= 0, "it names no retention"),
    ];
    flaws.into_iter().find_map(|(is_flawed, flaw)| is_flawed.then_some(flaw))
}

fn description(summary: &StreamDescriptionSummary) -> StreamDescription {
    let hours = u64::try_from(summary.retention_period_hours()).unwrap_or_default();
    StreamDescription {
        arn: summary.stream_arn().to_owned(),
        created: moment(summary.stream_creation_timestamp()),
        retention: Duration::from_secs(hours * 3600),
        status: status(summary.stream_status()),
    }
}

/// A stream that is being resharded (UPDATING) is there; so is one in a state that is not known yet.
fn status(status: &ApiStatus) -> StreamStatus {
    if *status == ApiStatus::Creating {
        StreamStatus::Creating
    } else if *status == ApiStatus::Deleting {
        StreamStatus::Deleting
    } else {
        StreamStatus::Active
    }
}

fn listed(shard: &Shard) -> ListedShard {
    let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
    let end = shard.sequence_number_range().and_then(|range| range.ending_sequence_number());
    ListedShard {
        id: ShardId::new(shard.shard_id()),
        parents: parents.into_iter().flatten().map(ShardId::new).collect(),
        is_open: end.is_none(),
    }
}

fn api_time(moment: Timestamp) -> DateTime {
    DateTime::from_millis(i64::try_from(moment.as_millis()).unwrap_or(i64::MAX))
}
