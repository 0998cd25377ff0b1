//! Splits and merges shards at random, or changes their number; of tables, lets them roll over.

use super::stream::shards;
use crate::dynamodb_streams::DynamoDbStreams;
use crate::kinesis;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::{ScalingType, Shard};
use pelton::clock::Clock;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Between two reshards, in milliseconds.
const PAUSE_MS: Range<u64> = 500..4_000;

/// How many open shards a stream has.
const SHARDS: RangeInclusive<usize> = 1..=6;

/// How a stream is resharded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By SplitShard and MergeShards.
    SplitAndMerge,
    /// By UpdateShardCount.
    Count,
}

/// A shard that takes records.
#[derive(Debug)]
struct OpenShard {
    id: String,
    keys: RangeInclusive<u128>,
}

/// Reshards until told to stop. What the endpoint refuses is left.
pub(super) async fn reshard(
    client: Client,
    stream: String,
    way: Way,
    seed: u64,
    mut stopped: watch::Receiver<bool>,
    reshards_count: Arc<AtomicU64>,
) {
    let mut random = fastrand::Rng::with_seed(seed);
    let clock = Clock::start();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = clock.sleep(Duration::from_millis(random.u64(PAUSE_MS))) => {}
        }
        let open = open_shards(&client, &stream).await;
        let is_done = match way {
            Way::Count => change_count(&client, &stream, open.len(), &mut random).await,
            Way::SplitAndMerge if open.len() <= *SHARDS.start() => {
                split(&client, &stream, &open, &mut random).await
            }
            Way::SplitAndMerge if open.len() >= *SHARDS.end() => {
                merge(&client, &stream, &open, &mut random).await
            }
            Way::SplitAndMerge if random.bool() => split(&client, &stream, &open, &mut random).await,
            Way::SplitAndMerge => merge(&client, &stream, &open, &mut random).await,
        };
        reshards_count.fetch_add(u64::from(is_done), Ordering::Relaxed);
        kinesis::wait_until_active(&client, &stream).await;
    }
}

/// Lets shards of a table's stream roll over until told to stop: into two children while there are few, and else into one. No shards of
/// a table's stream are ever merged.
pub(super) async fn roll_over(
    fake: Arc<DynamoDbStreams>,
    arn: String,
    seed: u64,
    mut stopped: watch::Receiver<bool>,
    rollovers_count: Arc<AtomicU64>,
) {
    let mut random = fastrand::Rng::with_seed(seed);
    let clock = Clock::start();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = clock.sleep(Duration::from_millis(random.u64(PAUSE_MS))) => {}
        }
        let shards = fake.content(&arn).into_iter().filter(|shard| shard.is_open);
        let open: Vec<String> = shards.map(|shard| shard.id).collect();
        let children = if open.len() < *SHARDS.end() { random.usize(1..=2) } else { 1 };
        fake.roll_over(&arn, &open[random.usize(..open.len())], children);
        rollovers_count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Open shards, in the order of their keys.
async fn open_shards(client: &Client, stream: &str) -> Vec<OpenShard> {
    let mut open: Vec<OpenShard> = shards(client, stream).await.iter().filter_map(open_shard).collect();
    open.sort_by_key(|shard| *shard.keys.start());
    open
}

fn open_shard(shard: &Shard) -> Option<OpenShard> {
    if shard.sequence_number_range()?.ending_sequence_number().is_some() {
        return None;
    }
    let keys = shard.hash_key_range()?;
    let keys = keys.starting_hash_key().parse().ok()?..=keys.ending_hash_key().parse().ok()?;
    Some(OpenShard { id: shard.shard_id().to_owned(), keys })
}

async fn split(client: &Client, stream: &str, open: &[OpenShard], random: &mut fastrand::Rng) -> bool {
    let OpenShard { id, keys } = &open[random.usize(..open.len())];
    let middle = keys.start() + (keys.end() - keys.start()) / 2 + 1;
    let call = client.split_shard().stream_name(stream).shard_to_split(id);
    call.new_starting_hash_key(middle.to_string()).send().await.is_ok()
}

async fn merge(client: &Client, stream: &str, open: &[OpenShard], random: &mut fastrand::Rng) -> bool {
    let left = random.usize(..open.len().saturating_sub(1).max(1));
    let (Some(left), Some(right)) = (open.get(left), open.get(left + 1)) else { return false };
    let call = client.merge_shards().stream_name(stream).shard_to_merge(&left.id);
    call.adjacent_shard_to_merge(&right.id).send().await.is_ok()
}

/// To at most twice and at least half of what there is, as the API wants it.
async fn change_count(client: &Client, stream: &str, open: usize, random: &mut fastrand::Rng) -> bool {
    let target = random.usize(open.div_ceil(2)..=(2 * open).min(*SHARDS.end()).max(open));
    let target = i32::try_from(target).expect("a few shards");
    let call = client.update_shard_count().stream_name(stream).target_shard_count(target);
    call.scaling_type(ScalingType::UniformScaling).send().await.is_ok()
}
