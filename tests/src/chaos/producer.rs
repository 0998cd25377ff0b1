//! Writes keyed, numbered records: the next number of a key only when the one before is accepted.

use crate::wait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use pelton::clock::Clock;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Keys of a stream.
const KEYS: usize = 24;

/// Keys that are written in one call.
const KEYS_PER_PUT: Range<usize> = 1..12;

/// Between two calls, in milliseconds; a burst has no pause.
const PAUSE_MS: Range<u64> = 10..80;

/// One call of so many is the first of a burst.
const BURST_ONE_OF: u32 = 100;

/// Calls of a burst.
const BURST_CALLS: u32 = 40;

/// How many numbers of each key were accepted: all from 0.
pub(super) type Accepted = BTreeMap<String, u64>;

/// Writes until told to stop: `put_next` puts the next number of each of the keys. A record that was refused, or whose answer was lost, is written again: it may then stand in the
/// stream twice, one after the other.
pub(super) async fn produce(
    mut put_next: impl AsyncFnMut(&[String], &mut Accepted),
    seed: u64,
    stopped: watch::Receiver<bool>,
    records_count: Arc<AtomicU64>,
) -> Accepted {
    let mut random = fastrand::Rng::with_seed(seed);
    let clock = Clock::start();
    let mut accepted = Accepted::new();
    let mut burst_left = 0;
    while !*stopped.borrow() {
        let mut keys: Vec<usize> = (0..KEYS).collect();
        random.shuffle(&mut keys);
        keys.truncate(random.usize(KEYS_PER_PUT));
        let keys: Vec<String> = keys.into_iter().map(|key| format!("key-{key}")).collect();
        put_next(&keys, &mut accepted).await;
        records_count.fetch_add(keys.len() as u64, Ordering::Relaxed);
        if burst_left == 0 && random.u32(..BURST_ONE_OF) == 0 {
            burst_left = BURST_CALLS;
        }
        if burst_left > 0 {
            burst_left -= 1;
        } else {
            clock.sleep(Duration::from_millis(random.u64(PAUSE_MS))).await;
        }
    }
    accepted
}

/// Puts the next number of each of these keys into a Kinesis stream, until all are accepted.
pub(super) async fn put_next(client: &Client, stream: &str, keys: &[String], accepted: &mut Accepted) {
    let mut waiting = keys.to_vec();
    wait::until("the records are accepted", async || {
        let entries = waiting.iter().map(|key| entry(key, accepted.get(key).copied().unwrap_or(0))).collect();
        let answer = client.put_records().stream_name(stream).set_records(Some(entries)).send().await.ok()?;
        let mut refused = Vec::new();
        for (key, result) in waiting.drain(..).zip(answer.records()) {
            if result.sequence_number().is_some() {
                *accepted.entry(key).or_default() += 1;
            } else {
                refused.push(key);
            }
        }
        waiting = refused;
        waiting.is_empty().then_some(())
    })
    .await;
}

fn entry(key: &str, number: u64) -> PutRecordsRequestEntry {
    let data = Blob::new(format!("{key} {number}"));
    PutRecordsRequestEntry::builder().partition_key(key).data(data).build().expect("it has a key and data")
}
