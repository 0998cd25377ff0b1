//! What a mapping asks of a shard: every number that the core's rules depend on.

use crate::batch::{EVENT_BYTES_MAX, Envelope};
use crate::event::window::WindowEnvelope;
use crate::response::PartialFailures;
use crate::retry::Backoff;
use std::time::Duration;

/// The settings of one event source mapping as the core needs them, and the bounds of one shard.
///
/// Ranges are checked at the door (`MappingSettings::check` of `pelton-model`); the core takes them as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// BatchSize: most records of one invocation, 1 to 10,000.
    pub batch_size: usize,
    /// MaximumBatchingWindowInSeconds: how long to gather records, 0 to 300 s. Zero: never wait to fill a batch.
    pub batching_window: Duration,
    /// ParallelizationFactor: batches of the shard that run side by side, 1 to 10.
    pub parallelization_factor: usize,
    /// BisectBatchOnFunctionError: split a batch that failed in two.
    pub bisects: bool,
    /// MaximumRetryAttempts: how often a batch that failed is tried again, 0 to 10,000; `None` (-1): until it expires.
    pub retry_attempts_max: Option<u32>,
    /// MaximumRecordAgeInSeconds: a record of this age is not invoked any more, 60 to 604,800 s; `None` (-1): never.
    pub record_age_max: Option<Duration>,
    /// FunctionResponseTypes has ReportBatchItemFailures: a response may name records that failed.
    pub reports_item_failures: bool,
    /// How it names them, and which records are tried again then.
    pub partial_failures: PartialFailures,
    /// TumblingWindowInSeconds, 1 to 900 s, and what stands around the records of its events. Only with a
    /// ParallelizationFactor of 1.
    pub tumbling: Option<Tumbling>,
    /// Whether records that are given up have a destination; else they are dropped.
    pub has_destination: bool,
    /// Whether the checkpoint holds the batches that failed and their attempts: they survive a restart, and go to whoever takes the
    /// shard over.
    pub keeps_attempts: bool,
    /// Finish once everything that was in the stream at the start is settled.
    pub until_caught_up: bool,
    /// Most bytes of one event.
    pub event_bytes_max: usize,
    /// What stands around the records of an event.
    pub envelope: Envelope,
    /// How long the stream keeps a record. A record that has been kept for this long has expired.
    pub retention: Duration,
    /// The offset at which the log begins, as far as that is known: a record below it is not kept any more. 0 where nothing is said.
    pub log_start: u64,
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

/// Tumbling windows of one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tumbling {
    /// Length of each window; borders are multiples of it since the Unix epoch.
    pub length: Duration,
    /// Makes what stands around the records.
    pub envelope: WindowEnvelope,
}

impl Policy {
    /// # Panics
    ///
    /// If it leaves no room for a record, or asks for windows beside several batches at a time.
    pub(crate) fn check(&self) {
        let has_room = self.batch_size > 0
            && self.parallelization_factor > 0
            && self.fetch_records_max > 0
            && self.read_ahead_records_max > 0
            && self.read_ahead_bytes_max > 0;
        assert!(has_room, "a batch, a read and the read-ahead hold at least one record");
        let has_one_lane = self.parallelization_factor == 1;
        assert!(self.tumbling.is_none() || has_one_lane, "windows are of a shard, not of its lanes");
    }

    /// AWS's defaults for a Kinesis stream, for events in `envelope`.
    #[must_use]
    pub fn kinesis(envelope: Envelope) -> Self {
        Self {
            batch_size: 100,
            batching_window: Duration::ZERO,
            parallelization_factor: 1,
            bisects: false,
            retry_attempts_max: None,
            record_age_max: None,
            reports_item_failures: false,
            partial_failures: PartialFailures::FromLowest,
            tumbling: None,
            has_destination: false,
            keeps_attempts: false,
            until_caught_up: false,
            event_bytes_max: EVENT_BYTES_MAX,
            envelope,
            retention: Duration::from_secs(24 * 60 * 60),
            log_start: 0,
            backoff: Backoff::default(),
            poll_interval: Duration::from_secs(1),
            fetch_gap_min: Duration::from_millis(200),
            fetch_records_max: 10_000,
            read_ahead_records_max: 10_000,
            read_ahead_bytes_max: 2 * EVENT_BYTES_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    fn defaults() -> Policy {
        Policy::kinesis(Envelope::new("[", "]"))
    }

    #[test]
    fn the_defaults_of_a_kinesis_stream_are_those_of_aws() {
        let Policy { batch_size, retry_attempts_max, record_age_max, retention, event_bytes_max, .. } =
            defaults();
        assert_eq!((batch_size, retry_attempts_max, record_age_max), (100, None, None));
        assert_eq!((retention, event_bytes_max), (Duration::from_secs(86_400), 6_291_456));
    }

    #[test]
    fn an_event_that_runs_and_one_that_is_gathered_have_room() {
        assert_eq!(defaults().read_ahead_bytes_max, 12_582_912);
    }

    #[test]
    fn a_policy_without_room_for_a_record_is_refused() {
        defaults().check();
        let without: [fn(&mut Policy); 5] = [
            |policy| policy.batch_size = 0,
            |policy| policy.parallelization_factor = 0,
            |policy| policy.fetch_records_max = 0,
            |policy| policy.read_ahead_records_max = 0,
            |policy| policy.read_ahead_bytes_max = 0,
        ];
        for (number, without) in without.into_iter().enumerate() {
            let is_refused = catch_unwind(|| {
                let mut policy = defaults();
                without(&mut policy);
                policy.check();
            })
            .is_err();
            assert!(is_refused, "number {number}");
        }
    }
}
