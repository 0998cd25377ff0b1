//! From the settings of a mapping to what the core is asked for.
//!
//! In: a mapping. Out: the policy of its shards, and what is one shard's own. Where the stream is, and how long it keeps its
//! records, is added by whoever prepares the mapping.

use crate::application::Mapping;
use pelton_core::event::window::WindowEnvelope;
use pelton_core::plan::ShardId;
use pelton_core::{EVENT_BYTES_MAX, Envelope, Policy, Tumbling};

/// Batches that are read ahead for each that can run: while they run, the next ones come.
const BATCHES_READ_AHEAD: usize = 2;

/// What the mapping asks of each of its shards, for events in `envelope`.
pub(super) fn of_mapping(mapping: &Mapping, envelope: Envelope) -> Policy {
    let kinesis = Policy::kinesis(envelope);
    let batch_size = mapping.batch_size as usize;
    let parallelization_factor = mapping.parallelization_factor as usize;
    let read_ahead_records_min = BATCHES_READ_AHEAD * batch_size * parallelization_factor;
    // With one lane, an event that runs and one that is gathered; each further lane has one of its own.
    let read_ahead_bytes_min = (1 + parallelization_factor) * EVENT_BYTES_MAX;
    Policy {
        batch_size,
        batching_window: mapping.batching_window,
        parallelization_factor,
        bisects: mapping.bisect_batch_on_function_error,
        retry_attempts_max: mapping.maximum_retry_attempts,
        record_age_max: mapping.maximum_record_age,
        reports_item_failures: mapping.report_batch_item_failures,
        read_ahead_records_max: kinesis.read_ahead_records_max.max(read_ahead_records_min),
        read_ahead_bytes_max: kinesis.read_ahead_bytes_max.max(read_ahead_bytes_min),
        ..kinesis
    }
}

/// What the mapping asks of this shard: `policy`, and windows whose events name the shard and its stream.
pub(super) fn of_shard(policy: &Policy, mapping: &Mapping, stream_arn: &str, shard: &ShardId) -> Policy {
    let tumbling = mapping
        .tumbling_window
        .map(|length| Tumbling { length, envelope: WindowEnvelope::new(shard.as_str(), stream_arn) });
    Policy { tumbling, ..policy.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::{MappingId, OnFailure, StreamArn};
    use pelton_core::plan::StartingPosition;
    use std::time::Duration;

    fn defaults() -> Mapping {
        let stream = StreamArn {
            partition: "aws".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            name: "orders".into(),
        };
        Mapping::new(MappingId("M".into()), "F".into(), stream, StartingPosition::TrimHorizon)
    }

    fn envelope() -> Envelope {
        Envelope::new(&b"["[..], &b"]"[..])
    }

    #[test]
    fn the_defaults_of_a_mapping_are_those_of_the_core() {
        assert_eq!(of_mapping(&defaults(), envelope()), Policy::kinesis(envelope()));
    }

    #[test]
    fn each_setting_of_a_mapping_reaches_the_core() {
        let mapping = Mapping {
            batch_size: 10,
            batching_window: Duration::from_secs(5),
            parallelization_factor: 4,
            bisect_batch_on_function_error: true,
            maximum_retry_attempts: Some(3),
            maximum_record_age: Some(Duration::from_secs(60)),
            report_batch_item_failures: true,
            on_failure: Some(OnFailure::File("/failed".into())),
            ..defaults()
        };
        let expected = Policy {
            batch_size: 10,
            batching_window: Duration::from_secs(5),
            parallelization_factor: 4,
            bisects: true,
            retry_attempts_max: Some(3),
            record_age_max: Some(Duration::from_secs(60)),
            reports_item_failures: true,
            read_ahead_bytes_max: 5 * EVENT_BYTES_MAX,
            ..Policy::kinesis(envelope())
        };
        assert_eq!(of_mapping(&mapping, envelope()), expected);
    }

    #[test]
    fn enough_is_read_ahead_for_two_batches_of_each_lane() {
        let check = |batch_size, parallelization_factor, expected| {
            let mapping = Mapping { batch_size, parallelization_factor, ..defaults() };
            assert_eq!(of_mapping(&mapping, envelope()).read_ahead_records_max, expected);
        };
        check(100, 10, 10_000);
        check(10_000, 1, 20_000);
        check(10_000, 10, 200_000);
    }

    #[test]
    fn windows_name_their_shard_and_the_stream_as_it_was_described() {
        let length = Duration::from_secs(30);
        let (policy, shard) = (of_mapping(&defaults(), envelope()), ShardId::new("shardId-1"));
        assert_eq!(of_shard(&policy, &defaults(), "arn:stream", &shard), policy);
        let windows = Mapping { tumbling_window: Some(length), ..defaults() };
        let envelope = WindowEnvelope::new("shardId-1", "arn:stream");
        assert_eq!(
            of_shard(&policy, &windows, "arn:stream", &shard),
            Policy { tumbling: Some(Tumbling { length, envelope }), ..policy }
        );
    }
}
