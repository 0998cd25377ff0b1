//! All tables and streams of a fake, and what the four operations of the API answer.
//!
//! In: the time and a request. Out: an answer or an error of the API. Never waits.

use super::Now;
use super::answer::ApiError;
use super::calls::{Call, Calls, PerSecond};
use super::change::size_of_record;
use super::iterator::ShardIterator;
use super::request::{DescribeStream, GetRecords, GetShardIterator, ListStreams, limit, parse};
use super::script::{RECORDS_PER_PAGE_MAX, SHARDS_PER_PAGE_MAX, Script, Throttle};
use super::stream::{Stream, Table};
use super::tree::Shard;
use crate::fault_proxy::Operation;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Streams that one page of ListStreams holds at most.
const STREAMS_PER_PAGE_MAX: usize = 100;

/// Bytes of records that one page of GetRecords holds at most, unless the first record alone has more.
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Everything that a fake has.
#[derive(Debug)]
pub(super) struct World {
    pub(super) script: Script,
    pub(super) tables: Vec<Table>,
    pub(super) streams: Vec<Stream>,
    pub(super) calls: Calls,
    reads: HashMap<(String, String), PerSecond>,
    describes: PerSecond,
    secret: u64,
}

impl World {
    pub(super) fn new(script: Script) -> Self {
        Self {
            script,
            tables: Vec::new(),
            streams: Vec::new(),
            calls: Calls::default(),
            reads: HashMap::new(),
            describes: PerSecond::default(),
            secret: fastrand::u64(..),
        }
    }

    /// Does what the script planned until now.
    pub(super) fn advance(&mut self, now: Now) {
        for stream in &mut self.streams {
            stream.tree.advance(&self.script, now.elapsed, now.epoch);
        }
    }

    /// Answers a call, and notes it.
    pub(super) fn answer(&mut self, target: &str, body: &[u8], now: Now) -> Result<Value, ApiError> {
        self.advance(now);
        let operation = match target.split_once('.') {
            Some(("DynamoDBStreams_20120810", _)) => Operation::of_target(target),
            Some(_) | None => Operation::Other,
        };
        let (shard, answer) = match operation {
            Operation::ListStreams => (None, parse(body).and_then(|asked| self.list_streams(&asked))),
            Operation::DescribeStream => {
                (None, parse(body).and_then(|asked| self.describe_stream(&asked, now)))
            }
            Operation::GetShardIterator => match parse::<GetShardIterator>(body) {
                Ok(asked) => (Some(asked.shard_id.clone()), self.shard_iterator(&asked, now)),
                Err(error) => (None, Err(error)),
            },
            Operation::GetRecords => match parse(body).and_then(|asked| self.opened(asked)) {
                Ok((asked, iterator)) => (Some(iterator.shard.clone()), self.records(&asked, &iterator, now)),
                Err(error) => (None, Err(error)),
            },
            Operation::ListShards | Operation::DescribeStreamSummary | Operation::Other => {
                (None, Err(ApiError::UnknownOperation))
            }
        };
        let refused = answer.as_ref().err().map(ApiError::code);
        self.calls.note(Call { at: now.elapsed, operation, shard, refused });
        answer
    }

    fn list_streams(&self, asked: &ListStreams) -> Result<Value, ApiError> {
        let limit = limit(asked.limit, STREAMS_PER_PAGE_MAX)?;
        let mut streams: Vec<_> = self
            .streams
            .iter()
            .filter(|stream| asked.table_name.as_ref().is_none_or(|name| *name == stream.table))
            .filter(|stream| asked.exclusive_start_stream_arn.as_ref().is_none_or(|arn| stream.arn > *arn))
            .collect();
        streams.sort_by(|one, other| one.arn.cmp(&other.arn));
        let has_more = streams.len() > limit;
        streams.truncate(limit);
        let line = |stream: &&Stream| json!({"StreamArn": stream.arn, "StreamLabel": stream.label, "TableName": stream.table});
        let mut answer = json!({"Streams": streams.iter().map(line).collect::<Value>()});
        if has_more && let Some(last) = streams.last() {
            answer["LastEvaluatedStreamArn"] = last.arn.clone().into();
        }
        Ok(answer)
    }

    fn describe_stream(&mut self, asked: &DescribeStream, now: Now) -> Result<Value, ApiError> {
        if self.script.describes_per_second_max.is_some_and(|max| !self.describes.passes(max, now.elapsed)) {
            return Err(ApiError::LimitExceeded);
        }
        let limit = limit(asked.limit, SHARDS_PER_PAGE_MAX)?.min(self.script.shards_per_page_max);
        let children_of = asked.shard_filter.as_ref().map(|filter| filter.parent()).transpose()?;
        let stream = self.stream(&asked.stream_arn)?;
        let is_asked_for = |shard: &&Shard| {
            let is_after = asked.exclusive_start_shard_id.as_ref().is_none_or(|start| shard.id > *start);
            is_after && children_of.is_none_or(|parent| shard.parent.as_deref() == Some(parent))
        };
        let mut shards = stream.tree.listed(&self.script, now.elapsed);
        shards.retain(is_asked_for);
        let has_more = shards.len() > limit;
        shards.truncate(limit);
        let mut description = json!({
            "CreationRequestDateTime": stream.made_at_s,
            "KeySchema": stream.key_schema,
            "Shards": shards.iter().map(|shard| self.described(shard, now)).collect::<Value>(),
            "StreamArn": stream.arn,
            "StreamLabel": stream.label,
            "StreamStatus": stream.status(),
            "StreamViewType": stream.view.name(),
            "TableName": stream.table,
        });
        if has_more && let Some(last) = shards.last() {
            description["LastEvaluatedShardId"] = last.id.clone().into();
        }
        Ok(json!({"StreamDescription": description}))
    }

    fn described(&self, shard: &Shard, now: Now) -> Value {
        let mut range = json!({"StartingSequenceNumber": shard.starting_sequence_number().to_string()});
        if shard.is_listed_closed(&self.script, now.elapsed) {
            range["EndingSequenceNumber"] = shard.number_behind().to_string().into();
        }
        let mut described = Map::new();
        if let Some(parent) = &shard.parent {
            described.insert("ParentShardId".to_owned(), parent.clone().into());
        }
        described.insert("SequenceNumberRange".to_owned(), range);
        described.insert("ShardId".to_owned(), shard.id.clone().into());
        described.into()
    }

    fn shard_iterator(&self, asked: &GetShardIterator, now: Now) -> Result<Value, ApiError> {
        let shard = self.shard(&asked.stream_arn, &asked.shard_id, now)?;
        let from = match &*asked.shard_iterator_type {
            "TRIM_HORIZON" => shard.trim_horizon(),
            "LATEST" => shard.number_behind(),
            "AT_SEQUENCE_NUMBER" => known_number(shard, asked.number()?)?,
            "AFTER_SEQUENCE_NUMBER" => known_number(shard, asked.number()?)? + 1,
            other => {
                let why =
                    format!("Value '{other}' at 'shardIteratorType' is no type of iterator of this API");
                return Err(ApiError::Validation(why));
            }
        };
        let (arn, shard) = (asked.stream_arn.clone(), shard.id.clone());
        let iterator = ShardIterator { arn, shard, from, made: now.elapsed };
        Ok(json!({"ShardIterator": iterator.seal(self.secret)}))
    }

    fn opened(&self, asked: GetRecords) -> Result<(GetRecords, ShardIterator), ApiError> {
        let iterator = ShardIterator::open(&asked.shard_iterator, self.secret);
        let iterator = iterator.ok_or_else(|| ApiError::Validation("Invalid ShardIterator".to_owned()))?;
        Ok((asked, iterator))
    }

    fn records(&mut self, asked: &GetRecords, iterator: &ShardIterator, now: Now) -> Result<Value, ApiError> {
        let limit = limit(asked.limit, RECORDS_PER_PAGE_MAX)?;
        self.throttle(iterator, now)?;
        if now.elapsed.saturating_sub(iterator.made) > self.script.iterators_live {
            return Err(ApiError::ExpiredIterator);
        }
        let shard = self.shard(&iterator.arn, &iterator.shard, now)?;
        let records = shard.records_from(iterator.from).ok_or(ApiError::TrimmedData)?;
        let mut bytes = 0;
        let fits = |(number, record): &(usize, &Value)| {
            bytes += size_of_record(record);
            *number == 0 || (*number < limit && bytes <= PAGE_BYTES_MAX)
        };
        let page = records.iter().map(|kept| &kept.record).enumerate().take_while(fits);
        let page: Vec<&Value> = page.map(|(_, record)| record).collect();
        let from = match page.len().checked_sub(1) {
            Some(last) => records[last].sequence_number + 1,
            None => iterator.from,
        };
        let is_at_the_end = page.len() == records.len() && shard.is_closed(now.elapsed);
        let mut answer = json!({"Records": page});
        if !is_at_the_end {
            let next = ShardIterator { from, made: now.elapsed, ..iterator.clone() };
            answer["NextShardIterator"] = next.seal(self.secret).into();
        }
        Ok(answer)
    }

    fn throttle(&mut self, iterator: &ShardIterator, now: Now) -> Result<(), ApiError> {
        let Some(max) = self.script.reads_per_second_max else { return Ok(()) };
        let place = (iterator.arn.clone(), iterator.shard.clone());
        if self.reads.entry(place).or_default().passes(max, now.elapsed) {
            return Ok(());
        }
        Err(match self.script.throttled_by {
            Throttle::LimitExceeded => ApiError::LimitExceeded,
            Throttle::ProvisionedThroughputExceeded => ApiError::ProvisionedThroughputExceeded,
        })
    }

    fn stream(&self, arn: &str) -> Result<&Stream, ApiError> {
        self.streams.iter().find(|stream| stream.arn == arn).ok_or_else(|| {
            ApiError::ResourceNotFound(format!("Requested resource not found: Stream: {arn} not found"))
        })
    }

    fn shard(&self, arn: &str, id: &str, now: Now) -> Result<&Shard, ApiError> {
        let tree = &self.stream(arn)?.tree;
        let place = tree.place_of(&self.script, id, now.elapsed).ok_or_else(|| {
            ApiError::ResourceNotFound(format!(
                "Requested resource not found: Shard: {id} in Stream: {arn} not found"
            ))
        })?;
        Ok(&tree.shards()[place])
    }
}

/// A number that stands in this shard, or could.
fn known_number(shard: &Shard, number: u128) -> Result<u128, ApiError> {
    if !(shard.starting_sequence_number()..=shard.number_behind()).contains(&number) {
        return Err(ApiError::Validation(format!("Invalid SequenceNumber: {number} is not of this shard")));
    }
    if number < shard.trim_horizon() {
        return Err(ApiError::TrimmedData);
    }
    Ok(number)
}
