//! What stands in a stream at last, read straight from the endpoint.

use super::books::{ShardContent, StreamContent, StreamRecord};
use crate::wait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{Shard, ShardIteratorType};

/// A page of ListShards.
const SHARDS_PER_PAGE: i32 = 1_000;

/// Reads everything. Nobody writes or reshards any more. `shards_at_first` is how many the stream was made with.
///
/// # Panics
/// If the endpoint refuses for long.
pub(super) async fn content(client: &Client, stream: &str, shards_at_first: usize) -> StreamContent {
    let mut content = StreamContent::default();
    for shard in shards(client, stream).await {
        let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
        let parents = parents.into_iter().flatten().map(str::to_owned).collect();
        let records = records(client, stream, shard.shard_id()).await;
        content.shards.insert(shard.shard_id().to_owned(), ShardContent { parents, records });
    }
    let roots = content.shards.values().filter(|shard| shard.parents.is_empty()).count();
    content.names_parents = roots <= shards_at_first;
    content
}

/// Every shard that the stream lists, closed ones too.
pub(super) async fn shards(client: &Client, stream: &str) -> Vec<Shard> {
    let mut shards: Vec<Shard> = Vec::new();
    loop {
        let after = shards.last().map(|shard| shard.shard_id().to_owned());
        let call = || {
            let call = client.list_shards().stream_name(stream).max_results(SHARDS_PER_PAGE);
            call.set_exclusive_start_shard_id(after.clone()).send()
        };
        let answer = wait::until("the shards are listed", async || call().await.ok()).await;
        let is_last = answer.next_token().is_none() || answer.shards().is_empty();
        shards.extend(answer.shards.unwrap_or_default());
        if is_last {
            return shards;
        }
    }
}

async fn records(client: &Client, stream: &str, shard: &str) -> Vec<StreamRecord> {
    let mut records = Vec::new();
    let first = wait::until("there is an iterator", async || {
        let call = client.get_shard_iterator().stream_name(stream).shard_id(shard);
        call.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.ok()?.shard_iterator
    })
    .await;
    let mut next = Some(first);
    while let Some(iterator) = next {
        let call = || client.get_records().shard_iterator(&iterator).send();
        let page = wait::until("there is a page", async || call().await.ok()).await;
        let is_end = page.records.is_empty() && page.millis_behind_latest.unwrap_or_default() == 0;
        records.extend(page.records.iter().map(|record| StreamRecord {
            sequence_number: record.sequence_number().to_owned(),
            data: String::from_utf8_lossy(record.data().as_ref()).into_owned(),
        }));
        next = page.next_shard_iterator.filter(|_| !is_end);
    }
    records
}
