//! In a build without the feature `kafka`: no mapping of Kafka runs, and what to install is said.

use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::errors::NotInThisBuild;
use crate::ports::{GroupClient, Pace, Source};
use crate::source::budget::ByteBudget;
use crate::supervisor::Topic;
use crate::user_error::UserError;
use pelton_core::event::kafka::KafkaCluster;
use pelton_model::{EventSource, Mapping, MappingId, SessionTimeout};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(super) const PACE: Pace =
    Pace { poll_interval: Duration::ZERO, read_gap_min: Duration::ZERO, read_records_max: 1 };

/// There are none.
#[derive(Clone)]
pub(super) enum NoBrokers {}

/// There is none.
pub(super) struct FoundTopic {
    pub(super) source: Arc<dyn Source>,
    pub(super) client: Arc<dyn GroupClient>,
    pub(super) cluster: KafkaCluster,
    pub(super) topic: Topic,
    pub(super) brokers: NoBrokers,
    pub(super) partitions: usize,
    pub(super) uuid: Uuid,
}

/// What is wrong is told of each mapping that reads from Kafka.
pub(super) async fn find(
    mappings: impl Iterator<Item = &Mapping>,
    _: &AwsOptions,
    _: SessionTimeout,
    _: &ByteBudget,
    _: &Clock,
) -> (Vec<(Mapping, FoundTopic)>, BTreeMap<MappingId, UserError>) {
    let refused = |mapping: &Mapping| {
        matches!(mapping.source, EventSource::Kafka(_)).then(|| {
            let error = NotInThisBuild { cannot: "read topics of Kafka" };
            (mapping.id.clone(), UserError::bad_input(format!("{}: {error}", mapping.id)))
        })
    };
    (Vec::new(), mappings.filter_map(refused).collect())
}
