//! What a mapping asks of a shard: every number that the core's rules depend on.

use crate::batch::{EVENT_BYTES_MAX, Envelope};
use crate::retry::Backoff;
use std::time::Duration;

/// The settings of one event source mapping as the core needs them, and the bounds of one shard.
///
/// Ranges are checked at the door (`mapping` in the shell); the core takes them as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// BatchSize: most records of one invocation, 1 to 10,000.
    pub batch_size: usize,
    /// MaximumBatchingWindowInSeconds: how long to gather records, 0 to 300 s. Zero: never wait to fill a batch.
    pub batching_window: Duration,
    /// Most bytes of one event.
    pub event_bytes_max: usize,
    /// What stands around the records of an event.
    pub envelope: Envelope,
    /// How long the stream keeps a record. A record that has been kept for this long has expired.
    pub retention: Duration,
    /// The waits between attempts, after read errors, and after failed saves.
    pub backoff: Backoff,
    /// From one read to the next while nothing is waiting to be read: 1 s on AWS.
    pub poll_interval: Duration,
    /// From one read to the next at the least: 200 ms where a shard allows five reads a second.
    pub fetch_gap_min: Duration,
    /// Most records that the source hands out in one read.
    pub fetch_records_max: usize,
    /// Records are read ahead only while fewer than this are held and not yet settled.
    pub read_ahead_records_max: usize,
    /// Records are read ahead only while their bytes in sum are fewer than this.
    pub read_ahead_bytes_max: usize,
}

impl Policy {
    /// AWS's defaults for a Kinesis stream, for events in `envelope`.
    #[must_use]
    pub fn kinesis(envelope: Envelope) -> Self {
        Self {
            batch_size: 100,
            batching_window: Duration::ZERO,
            event_bytes_max: EVENT_BYTES_MAX,
            envelope,
            retention: Duration::from_secs(24 * 60 * 60),
            backoff: Backoff::default(),
            poll_interval: Duration::from_secs(1),
            fetch_gap_min: Duration::from_millis(200),
            fetch_records_max: 10_000,
            read_ahead_records_max: 10_000,
            read_ahead_bytes_max: 2 * EVENT_BYTES_MAX,
        }
    }
}
