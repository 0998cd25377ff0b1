//! The topics of mappings of Kafka: a client for each, and whether it gets in and finds its topic.
//!
//! In: mappings. Out: clients that have joined no group yet, or why there is none.

use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::errors::chain;
use crate::kafka_access::{Access, Brokers};
use crate::ports::{GroupClient, Pace, Source};
use crate::source::budget::ByteBudget;
use crate::source::kafka::{ClientSettings, KafkaClient, KafkaSource, Outcome};
use crate::supervisor::Topic;
use crate::user_error::UserError;
use futures_util::StreamExt as _;
use pelton_core::event::kafka::KafkaCluster;
use pelton_core::filter::{Filters, Source as FilterSource};
use pelton_model::kafka::KafkaAccess;
use pelton_model::{Arn, EventSource, KafkaSettings, Mapping, MappingId, SessionTimeout};
use rdkafka::error::KafkaError;
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
    pub(super) cluster: KafkaCluster,
    pub(super) topic: Topic,
    pub(super) brokers: Brokers,
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
    let id = &mapping.id;
    if kafka.schema_registry.is_some() {
        return Err(UserError::bad_input(format!(
            "{id} has a SchemaRegistryConfig, and Pelton asks no registry yet"
        ))
        .help("without it, keys and values come as they are in the topic"));
    }
    let (servers, access) = known_servers(id, kafka, aws, clock).await?;
    let region = region_of(&servers).or_else(|| aws.region.clone());
    let access =
        Access::of(&access, &AwsOptions { region, ..aws.clone() }, clock).await.map_err(|error| {
            UserError::bad_input(format!("{id} cannot get into its cluster: {}", chain(&error)))
        })?;
    let brokers = Brokers { bootstrap_servers: servers.clone(), access };
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
    let client = KafkaClient::start(settings, budget.clone()).map_err(|error| not_taken(id, &error))?;
    let client = Arc::new(client);
    let partitions = client.partitions().await.map_err(|outcome| not_found(id, kafka, &servers, &outcome))?;
    let filters = Filters::compile(FilterSource::Kafka, &mapping.filter_patterns)
        .expect("the patterns of a mapping compile");
    let has_keys = kafka.parallelization_factor > 1;
    let source = Arc::new(KafkaSource::new(Arc::clone(&client), clock.clone(), filters, has_keys));
    Ok(FoundTopic { source, client, cluster, topic, brokers, partitions: partitions.len(), uuid: kafka.uuid })
}

/// The region of brokers of MSK, for which whoever gets in by IAM signs.
fn region_of(servers: &str) -> Option<String> {
    let host = servers.split([',', ':']).next()?;
    let labels: Vec<&str> = host.split('.').collect();
    let is_aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    let place = labels.iter().position(|label| ["kafka", "kafka-serverless"].contains(label))?;
    labels.get(place + 1).filter(|_| is_aws).map(|region| (*region).to_owned())
}

/// The brokers to ask first, and how to get in there.
async fn known_servers(
    id: &MappingId,
    kafka: &KafkaSettings,
    aws: &AwsOptions,
    clock: &Clock,
) -> Result<(String, KafkaAccess), UserError> {
    if let Some(servers) = kafka.cluster.bootstrap_servers() {
        return Ok((servers.to_string(), kafka.access.clone()));
    }
    let name_them = format!("name its brokers: `--bootstrap-servers {id}=HOST:PORT`");
    let arn = kafka.cluster.arn().filter(|_| !kafka.cluster.is_to_be_found());
    let Some(arn) = arn else {
        let problem = format!(
            "{id} reads from a cluster of MSK that the template makes: its brokers are not known here"
        );
        return Err(UserError::bad_input(problem).help(name_them));
    };
    asked(arn, &kafka.access, aws, clock).await.map_err(|error| {
        UserError::bad_input(format!("{id} cannot find the brokers of {arn}: {error}")).help(name_them)
    })
}

#[cfg(feature = "aws")]
async fn asked(
    arn: &Arn,
    access: &KafkaAccess,
    aws: &AwsOptions,
    clock: &Clock,
) -> Result<(String, KafkaAccess), String> {
    crate::kafka_access::bootstrap_servers(arn, access, aws, clock).await.map_err(|error| chain(&*error))
}

#[cfg(not(feature = "aws"))]
async fn asked(_: &Arn, _: &KafkaAccess, _: &AwsOptions, _: &Clock) -> Result<(String, KafkaAccess), String> {
    Err(crate::errors::NotInThisBuild { cannot: "ask MSK for the brokers of a cluster" }.to_string())
}

/// A setting that librdkafka does not take: as the others were checked before, one of the secrets.
fn not_taken(id: &MappingId, error: &KafkaError) -> UserError {
    UserError::bad_input(format!("{id} cannot get into its cluster: {error}")).help(
        "check the PEM of certificate and privateKey, and privateKeyPassword, in the secrets of SourceAccessConfigurations",
    )
}

fn not_found(id: &MappingId, kafka: &KafkaSettings, servers: &str, outcome: &Outcome) -> UserError {
    let error =
        UserError::bad_input(format!("{id} cannot read the topic {} at {servers}: {outcome}", kafka.topic));
    match outcome {
        Outcome::NoTopic => error.help("create the topic first, or check its name and who may describe it"),
        Outcome::Refused(_) => error.help("`--bootstrap-servers LOGICAL_ID=HOST:PORT` names other brokers"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_of_msk_have_their_region_in_their_names() {
        let region = |servers| region_of(servers);
        let of_msk = "b-1.shop.abc123.c2.kafka.eu-west-1.amazonaws.com:9098,b-2.shop.abc123.c2.kafka.eu-west-1.amazonaws.com:9098";
        assert_eq!(region(of_msk).as_deref(), Some("eu-west-1"));
        assert_eq!(
            region("boot-x.c1.kafka-serverless.us-east-1.amazonaws.com:9098").as_deref(),
            Some("us-east-1")
        );
        assert_eq!(region("kafka.example.com:9092"), None);
        assert_eq!(region("127.0.0.1:9092"), None);
    }
}
