//! Where records come from that were given up: the mapping, its stream, its function.

use crate::ports::GivenUp;
#[cfg(feature = "kafka")]
use pelton_core::event::failure::TopicMessage;
use pelton_core::event::failure::{FailureEncoder, Report, object_key};
use pelton_core::event::kafka::KafkaCluster;
use pelton_model::{MappingId, mapping_uuid};
use uuid::Uuid;

/// What every failure of one mapping has in common.
#[derive(Clone, Debug)]
pub struct Origin {
    encoder: FailureEncoder,
    uuid: Uuid,
}

impl Origin {
    /// A mapping of a Kinesis stream.
    #[must_use]
    pub fn kinesis(mapping: &MappingId, stream_arn: &str, function_arn: &str) -> Self {
        Self::of(mapping, stream_arn, FailureEncoder::kinesis(stream_arn, function_arn))
    }

    /// A mapping of a table's stream.
    #[must_use]
    pub fn dynamodb(mapping: &MappingId, stream_arn: &str, function_arn: &str) -> Self {
        Self::of(mapping, stream_arn, FailureEncoder::dynamodb(stream_arn, function_arn))
    }

    /// A mapping of a topic of this cluster, with the mapping's UUID.
    #[must_use]
    pub fn kafka(uuid: Uuid, cluster: KafkaCluster, function_arn: &str) -> Self {
        Self { encoder: FailureEncoder::kafka(cluster, function_arn), uuid }
    }

    fn of(mapping: &MappingId, stream_arn: &str, encoder: FailureEncoder) -> Self {
        Self { encoder, uuid: mapping_uuid(stream_arn, mapping) }
    }

    /// What a queue or a topic is told.
    #[must_use]
    pub fn metadata(&self, given_up: &GivenUp) -> String {
        self.encoder.metadata(&report(given_up, &fresh_uuid()))
    }

    /// What a bucket or a file is told: the same, and the event.
    pub(super) fn with_payload(&self, given_up: &GivenUp) -> String {
        self.encoder.with_payload(&report(given_up, &fresh_uuid()))
    }

    /// What a topic of Kafka is told: a message for each record.
    #[cfg(feature = "kafka")]
    pub(super) fn topic_messages(&self, given_up: &GivenUp) -> Vec<TopicMessage> {
        self.encoder.topic_messages(&report(given_up, &fresh_uuid())).collect()
    }

    /// What a bucket keeps it under.
    #[must_use]
    pub fn object_key(&self, given_up: &GivenUp) -> String {
        object_key(&self.uuid.to_string(), given_up.shard.as_str(), given_up.at, &fresh_uuid())
    }
}

fn report<'a>(given_up: &'a GivenUp, fresh_request_id: &'a str) -> Report<'a> {
    let GivenUp { failure, shard, at } = given_up;
    Report { failure, shard_id: shard.as_str(), at: *at, fresh_request_id }
}

fn fresh_uuid() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_has_one_uuid_for_ever() {
        let uuid =
            |stream, mapping: &str| Origin::kinesis(&MappingId(mapping.into()), stream, "function").uuid;
        let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
        assert_eq!(uuid(stream, "Ledger").to_string(), "dfe41028-c392-56d3-a076-309e512a5844");
        assert_ne!(uuid(stream, "Ledger"), uuid(stream, "Counter"));
        assert_ne!(
            uuid(stream, "Ledger"),
            uuid("arn:aws:kinesis:us-east-1:000000000000:stream/clicks", "Ledger")
        );
    }
}
