//! The topics of mappings of Kafka: a client for each, and whether it gets in and finds its topic.
//!
//! In: mappings. Out: clients that have joined no group yet, or why there is none.

use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::kafka_access::{Access, Brokers};
use crate::ports::{GroupClient, Pace, Source};
use crate::source::budget::ByteBudget;
use crate::source::kafka::{ClientSettings, KafkaClient, KafkaSource, Outcome};
use crate::supervisor::Topic;
use crate::user_error::UserError;
use futures_util::StreamExt as _;
use pelton_core::event::kafka::KafkaCluster;
use pelton_core::filter::{Filters, Source as FilterSource};
use pelton_model::{EventSource, KafkaSettings, Mapping, MappingId, SessionTimeout};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Topics that are looked for at the same time.
const FOUND_AT_ONCE_MAX: usize = 16;
/// The longest time that the group waits for a partition that was revoked to be settled.
const RELEASE_TIME_MAX: Duration = Duration::from_secs(10);

/// A read waits for its records by itself.
pub(super) const PACE: Pace =
    Pace { poll_interval: Duration::ZERO, read_gap_min: Duration::ZERO, read_records_max: 10_000 };

/// A topic, and a client that reads it.
pub(super) struct FoundTopic {
    pub(super) source: Arc<dyn Source>,
    pub(super) client: Arc<dyn GroupClient>,
    pub(super) brokers: Brokers,
    pub(super) cluster: KafkaCluster,
    pub(super) topic: Topic,
    pub(super) partitions: usize,
    pub(super) uuid: Uuid,
}

/// Finds the topics of those that read from Kafka. What is wrong is told of each mapping.
pub(super) async fn find(
    mappings: impl Iterator<Item = &Mapping>,
    aws: &AwsOptions,
    session_timeout: SessionTimeout,
    budget: &ByteBudget,
    clock: &Clock,
) -> (Vec<(Mapping, FoundTopic)>, BTreeMap<MappingId, UserError>) {
    let finds = mappings.filter_map(|mapping| {
        let EventSource::Kafka(kafka) = &mapping.source else { return None };
        Some(async move {
            let found = find_one(mapping, kafka, aws, session_timeout, budget, clock).await;
            (mapping.clone(), found)
        })
    });
    let finds: Vec<_> = finds.collect();
    let found: Vec<_> = futures_util::stream::iter(finds).buffered(FOUND_AT_ONCE_MAX).collect().await;
    let (mut topics, mut errors) = (Vec::new(), BTreeMap::new());
    for (mapping, found) in found {
        match found {
            Ok(topic) => topics.push((mapping, topic)),
            Err(error) => drop(errors.insert(mapping.id, error)),
        }
    }
    (topics, errors)
}

async fn find_one(
    mapping: &Mapping,
    kafka: &KafkaSettings,
    aws: &AwsOptions,
    session_timeout: SessionTimeout,
    budget: &ByteBudget,
    clock: &Clock,
) -> Result<FoundTopic, UserError> {
    let _ = aws;
    let id = &mapping.id;
    let servers = kafka.cluster.bootstrap_servers().ok_or_else(|| {
        UserError::bad_input(format!("{id} reads from a cluster of MSK whose bootstrap servers are not known"))
            .help(format!("name them: `--bootstrap-servers {id}=HOST:PORT`"))
    })?;
    let servers = servers.to_string();
    let brokers = Brokers { bootstrap_servers: servers.clone(), access: Access::default() };
    let settings = ClientSettings {
        brokers: brokers.clone(),
        topic: kafka.topic.clone(),
        group_id: kafka.group_id(),
        session_timeout: session_timeout.get(),
        clock: clock.clone(),
    };
    let topic = Topic {
        name: kafka.topic.clone(),
        group: settings.group_id.clone(),
        cluster: servers.clone(),
        release_time: RELEASE_TIME_MAX.min(session_timeout.get() / 3),
    };
    let cluster = KafkaCluster {
        event_source_arn: kafka.cluster.arn().map(ToString::to_string),
        bootstrap_servers: servers.clone(),
    };
    let client = KafkaClient::start(settings, budget.clone())
        .map_err(|error| UserError::bad_input(format!("{id} cannot read from Kafka: {error}")))?;
    let client = Arc::new(client);
    let partitions = client.partitions().await.map_err(|outcome| not_found(id, kafka, &servers, &outcome))?;
    let filters = Filters::compile(FilterSource::Kafka, &mapping.filter_patterns)
        .expect("the patterns of a mapping compile");
    let has_keys = kafka.parallelization_factor > 1;
    let source = Arc::new(KafkaSource::new(Arc::clone(&client), clock.clone(), filters, has_keys));
    Ok(FoundTopic { source, client, brokers, cluster, topic, partitions: partitions.len(), uuid: kafka.uuid })
}

fn not_found(id: &MappingId, kafka: &KafkaSettings, servers: &str, outcome: &Outcome) -> UserError {
    let error = UserError::bad_input(format!("{id} cannot read the topic {} at {servers}: {outcome}", kafka.topic));
    match outcome {
        Outcome::NoTopic => error.help("create the topic first, or check its name and who may describe it"),
        Outcome::Refused(_) => error.help("is the broker up? `--bootstrap-servers LOGICAL_ID=HOST:PORT` names another one"),
    }
}
