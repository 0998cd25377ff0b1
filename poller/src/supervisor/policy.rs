//! From the settings of a mapping to what the core is asked for.
//!
//! In: a mapping. Out: the policy of its shards, and what is one shard's own. Where the stream is, and how long it keeps its
//! records, is added by whoever prepares the mapping.

use pelton_core::event::kafka::{KafkaCluster, KafkaOrigin};
use pelton_core::event::page::records_envelope;
use pelton_core::event::window::WindowEnvelope;
use pelton_core::stream::ShardId;
use pelton_core::{EVENT_BYTES_MAX, Envelope, PartialFailures, Policy, Tumbling};
use pelton_model::{EventSource, Mapping};
use std::time::Duration;

/// Batches that are read ahead for each that can run: while they run, the next ones come.
const BATCHES_READ_AHEAD: usize = 2;

/// Kafka has no retention that ends a record by its age: a log loses whole files of them, and says so.
const NO_RETENTION: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// What stands around the records of an event.
#[derive(Clone, Debug)]
pub enum Envelopes {
    /// The same for each shard.
    Same(Envelope),
    /// The cluster, and the partition.
    ByPartition(KafkaCluster),
}

/// What is asked of each shard or partition.
struct Asked {
    parallelization_factor: u32,
    bisects: bool,
    record_age_max: Option<Duration>,
}

fn asked(mapping: &Mapping) -> Asked {
    match &mapping.source {
        EventSource::Kinesis { shards, .. } | EventSource::DynamoDb { shards, .. } => Asked {
            parallelization_factor: shards.parallelization_factor,
            bisects: shards.bisect_batch_on_function_error,
            record_age_max: shards.maximum_record_age,
        },
        EventSource::Kafka(kafka) => Asked {
            parallelization_factor: kafka.parallelization_factor,
            bisects: kafka.bisect_batch_on_function_error,
            record_age_max: kafka.maximum_record_age,
        },
        EventSource::Sqs(_) => unreachable!("a queue has no shards"),
    }
}

/// What the mapping asks of each shard, as the core understands it. Each has its own envelope ([`of_shard`]).
pub(super) fn of_mapping(mapping: &Mapping) -> Policy {
    let kinesis = Policy::kinesis(records_envelope());
    let Asked { parallelization_factor, bisects, record_age_max } = asked(mapping);
    let batch_size = mapping.batch_size as usize;
    let parallelization_factor = parallelization_factor as usize;
    let read_ahead_records_min = BATCHES_READ_AHEAD * batch_size * parallelization_factor;
    // With one lane, an event that runs and one that is gathered; each further lane has one of its own.
    let read_ahead_bytes_min = (1 + parallelization_factor) * EVENT_BYTES_MAX;
    let is_kafka = matches!(mapping.source, EventSource::Kafka(_));
    Policy {
        batch_size,
        batching_window: mapping.batching_window,
        parallelization_factor,
        bisects,
        retry_attempts_max: mapping.maximum_retry_attempts(),
        record_age_max,
        reports_item_failures: mapping.report_batch_item_failures,
        keeps_attempts: is_kafka,
        retention: if is_kafka { NO_RETENTION } else { kinesis.retention },
        read_ahead_records_max: kinesis.read_ahead_records_max.max(read_ahead_records_min),
        read_ahead_bytes_max: kinesis.read_ahead_bytes_max.max(read_ahead_bytes_min),
        ..kinesis
    }
}

/// What the mapping asks of this shard: `policy`, and events that name the shard, its stream or its partition.
pub(super) fn of_shard(
    policy: &Policy,
    (mapping, envelopes): (&Mapping, &Envelopes),
    stream_arn: &str,
    shard: &ShardId,
) -> Policy {
    let window = mapping.source.shards().and_then(|shards| shards.tumbling_window);
    let tumbling =
        window.map(|length| Tumbling { length, envelope: WindowEnvelope::new(shard.as_str(), stream_arn) });
    let (envelope, partial_failures) = match envelopes {
        Envelopes::Same(envelope) => (envelope.clone(), PartialFailures::FromLowest),
        Envelopes::ByPartition(cluster) => {
            let partition = shard.as_str().into();
            (cluster.envelope(&origin(shard)), PartialFailures::Listed { partition })
        }
    };
    Policy { tumbling, envelope, partial_failures, ..policy.clone() }
}

/// The partition that a shard is.
fn origin(shard: &ShardId) -> KafkaOrigin {
    let (topic, partition) = shard.as_str().rsplit_once('-').expect("a partition is called topic-0");
    let partition = partition.parse().expect("a partition has a number");
    KafkaOrigin { topic: topic.to_owned(), partition }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::starting_position::StartingPosition;
    use pelton_model::{MappingId, OnFailure, ShardSettings};
    use std::time::Duration;

    fn defaults() -> Mapping {
        let stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders".parse().unwrap();
        Mapping::new(MappingId("M".into()), "F".into(), stream, StartingPosition::TrimHorizon)
    }

    /// The defaults, but for what `change` changes of its shards.
    fn with_shards(change: impl FnOnce(&mut ShardSettings)) -> Mapping {
        let mut mapping = defaults();
        change(mapping.source.shards_mut().unwrap());
        mapping
    }

    fn envelope() -> Envelope {
        records_envelope()
    }

    #[test]
    fn the_defaults_of_a_mapping_are_those_of_the_core() {
        assert_eq!(of_mapping(&defaults()), Policy::kinesis(envelope()));
    }

    #[test]
    fn each_setting_of_a_mapping_reaches_the_core() {
        let mapping = Mapping {
            batch_size: 10,
            batching_window: Duration::from_secs(5),
            report_batch_item_failures: true,
            on_failure: Some(OnFailure::File("/failed".into())),
            ..with_shards(|shards| {
                shards.parallelization_factor = 4;
                shards.bisect_batch_on_function_error = true;
                shards.maximum_retry_attempts = Some(3);
                shards.maximum_record_age = Some(Duration::from_secs(60));
            })
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
        assert_eq!(of_mapping(&mapping), expected);
    }

    #[test]
    fn enough_is_read_ahead_for_two_batches_of_each_lane() {
        let check = |batch_size, parallelization_factor, expected| {
            let lanes = with_shards(|shards| shards.parallelization_factor = parallelization_factor);
            let mapping = Mapping { batch_size, ..lanes };
            assert_eq!(of_mapping(&mapping).read_ahead_records_max, expected);
        };
        check(100, 10, 10_000);
        check(10_000, 1, 20_000);
        check(10_000, 10, 200_000);
    }

    #[test]
    fn windows_name_their_shard_and_the_stream_as_it_was_described() {
        let length = Duration::from_secs(30);
        let (policy, shard) = (of_mapping(&defaults()), ShardId::new("shardId-1"));
        assert_eq!(
            of_shard(&policy, (&defaults(), &Envelopes::Same(envelope())), "arn:stream", &shard),
            policy
        );
        let windows = with_shards(|shards| shards.tumbling_window = Some(length));
        let same = Envelopes::Same(self::envelope());
        let envelope = WindowEnvelope::new("shardId-1", "arn:stream");
        assert_eq!(
            of_shard(&policy, (&windows, &same), "arn:stream", &shard),
            Policy { tumbling: Some(Tumbling { length, envelope }), ..policy }
        );
    }
}
