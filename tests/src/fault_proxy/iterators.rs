//! Which shard an iterator is of, and how old it is.
//!
//! In: what clients ask, and what they are answered. Out: the shard that a call concerns. Bodies that are not JSON, such as
//! CBOR, tell nothing: their calls concern no shard.

use super::weather::{Operation, Place, Subject};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Iterators that are remembered of one shard, the latest: a client that lost an answer asks with the one before.
const ITERATORS_PER_SHARD_MAX: usize = 64;

/// The iterators that were handed out.
#[derive(Debug, Default)]
pub(super) struct Iterators {
    known: HashMap<String, (Place, Duration)>,
    of_shard: HashMap<Place, VecDeque<String>>,
}

/// The fields of requests that tell what they concern.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Asked<'a> {
    #[serde(borrow)]
    stream_name: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "StreamARN")]
    kinesis_arn: Option<Cow<'a, str>>,
    /// DynamoDB Streams' spelling.
    #[serde(borrow)]
    stream_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    shard_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    shard_iterator: Option<Cow<'a, str>>,
    /// The place in the list that a page of DescribeStream begins behind.
    #[serde(borrow)]
    exclusive_start_shard_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    shard_filter: Option<ShardFilter<'a>>,
}

/// Which shards DescribeStream is to list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter<'a> {
    #[serde(borrow)]
    shard_id: Option<Cow<'a, str>>,
}

/// The fields of answers that hold an iterator.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered<'a> {
    #[serde(borrow)]
    shard_iterator: Option<Cow<'a, str>>,
    #[serde(borrow)]
    next_shard_iterator: Option<Cow<'a, str>>,
}

impl Iterators {
    /// The stream that a call concerns, and the shard if it concerns one.
    pub(super) fn subject(&self, operation: Operation, request: &[u8]) -> Option<Subject> {
        let asked: Asked<'_> = serde_json::from_slice(request).ok()?;
        if operation == Operation::GetRecords {
            let (Place { stream, shard }, _) = self.known.get(&*asked.shard_iterator?)?.clone();
            return Some(Subject { stream, shard: Some(shard), part: None });
        }
        let name = asked.kinesis_arn.as_deref().and_then(|arn| arn.rsplit('/').next());
        let stream = asked.stream_name.as_deref().or(name).or(asked.stream_arn.as_deref())?;
        let filter = asked.shard_filter.and_then(|filter| filter.shard_id);
        let part =
            asked.exclusive_start_shard_id.or(filter).filter(|_| operation == Operation::DescribeStream);
        Some(Subject {
            stream: stream.to_owned(),
            shard: asked.shard_id.map(Cow::into_owned),
            part: part.map(Cow::into_owned),
        })
    }

    /// Whether the iterator of a GetRecords was handed out longer than `live` ago, or never.
    pub(super) fn is_older(&self, request: &[u8], now: Duration, live: Duration) -> bool {
        iterator_of(request)
            .and_then(|iterator| self.known.get(&*iterator))
            .is_none_or(|(_, handed_out)| now.saturating_sub(*handed_out) > live)
    }

    /// The iterator in this answer is of `place`.
    pub(super) fn learn(&mut self, place: &Place, answer: &[u8], now: Duration) {
        let Ok(answered) = serde_json::from_slice::<Answered<'_>>(answer) else { return };
        let Some(iterator) = answered.next_shard_iterator.or(answered.shard_iterator) else { return };
        let iterator = iterator.into_owned();
        if self.known.insert(iterator.clone(), (place.clone(), now)).is_some() {
            return;
        }
        let iterators = self.of_shard.entry(place.clone()).or_default();
        iterators.push_back(iterator);
        if iterators.len() > ITERATORS_PER_SHARD_MAX
            && let Some(forgotten) = iterators.pop_front()
        {
            self.known.remove(&forgotten);
        }
    }
}

/// The iterator that GetRecords asks with.
pub(super) fn iterator_of(request: &[u8]) -> Option<Cow<'_, str>> {
    serde_json::from_slice::<Asked<'_>>(request).ok()?.shard_iterator
}
