//! A Kafka in this process for mappings whose cluster nobody runs on this machine.
//!
//! In: an application. Out: the same, with these mappings pointed at a cluster in memory that has their topics. A cluster that answers on
//! loopback is used as it is, and so is one that the command line names. No other address of a template is called: `dev` reaches out to
//! nobody.

use super::TemplateOptions;
use crate::clock::Clock;
use crate::source::local_cluster::{LocalCluster, LocalClusterError, PARTITIONS};
use crate::user_error::UserError;
use pelton_core::starting_position::StartingPosition;
use pelton_model::{
    Application, BootstrapServers, EventSource, KafkaCluster, KafkaSettings, Mapping, MappingId, OnFailure,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::net::TcpStream;
use tracing::info;

/// How long a broker on this machine may take to accept a connection.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(1);

/// The brokers of `dev`.
pub(super) struct LocalKafka {
    /// `--bootstrap-servers`
    given: Vec<BootstrapServers>,
    /// Whether somebody answered on loopback. Kept, so that a changed template moves no mapping to another cluster.
    answers: BTreeMap<String, bool>,
    /// Started when it is first needed.
    cluster: Option<LocalCluster>,
    topics: BTreeSet<String>,
    /// Mappings of which it was said that they read from here.
    told: BTreeSet<MappingId>,
    clock: Clock,
}

impl LocalKafka {
    pub(super) fn new(options: &TemplateOptions, clock: Clock) -> Self {
        let given = options.bootstrap_servers.iter().map(|(_, servers)| servers.clone()).collect();
        Self {
            given,
            answers: BTreeMap::new(),
            cluster: None,
            topics: BTreeSet::new(),
            told: BTreeSet::new(),
            clock,
        }
    }

    /// The bootstrap servers of the cluster in this process, if there is one.
    pub(super) fn bootstrap_servers(&self) -> Option<&str> {
        self.cluster.as_ref().map(LocalCluster::bootstrap_servers)
    }

    /// Points the mappings whose cluster nobody runs here at the one in this process, with the topics that they read and write. Says so.
    pub(super) async fn settle(&mut self, application: &mut Application) -> Result<(), UserError> {
        let mut refused = Vec::new();
        for mapping in application.mappings.iter_mut().filter(|mapping| mapping.enabled) {
            let EventSource::Kafka(kafka) = &mapping.source else { continue };
            if self.is_run(kafka.cluster.bootstrap_servers()).await {
                continue;
            }
            match kafka.starting_position {
                StartingPosition::AtTimestamp(_) => refused.push(no_moments(&mapping.id)),
                StartingPosition::TrimHorizon | StartingPosition::Latest => self.take_over(mapping)?,
            }
        }
        UserError::all(refused).map_or(Ok(()), Err)
    }

    /// Whether the mapping's own cluster is used.
    async fn is_run(&mut self, servers: Option<&BootstrapServers>) -> bool {
        let Some(servers) = servers else { return false };
        if self.given.contains(servers) {
            return true;
        }
        if !servers.are_local() {
            return false;
        }
        let name = servers.to_string();
        if let Some(answers) = self.answers.get(&name) {
            return *answers;
        }
        let mut answers = false;
        for server in servers.as_slice() {
            answers |= tokio::select! {
                connected = TcpStream::connect(server) => connected.is_ok(),
                () = self.clock.sleep(ANSWER_WAIT_MAX) => false,
            };
        }
        self.answers.insert(name, answers);
        answers
    }

    fn take_over(&mut self, mapping: &mut Mapping) -> Result<(), UserError> {
        let Mapping { id, source: EventSource::Kafka(kafka), on_failure, .. } = mapping else {
            return Ok(());
        };
        let failed = |error: LocalClusterError| {
            UserError::bad_input(format!(
                "no Kafka can be started for {id}: {}",
                crate::errors::chain(&error)
            ))
            .help(format!("start a broker and name it: `--bootstrap-servers {id}=HOST:PORT`"))
        };
        let cluster = match self.cluster.take() {
            Some(cluster) => cluster,
            None => LocalCluster::start().map_err(failed)?,
        };
        let cluster = self.cluster.insert(cluster);
        let failures = match on_failure {
            Some(OnFailure::Kafka { topic }) => Some(topic.as_str()),
            _ => None,
        };
        for topic in std::iter::once(kafka.topic.as_str()).chain(failures) {
            if self.topics.insert(topic.to_owned()) {
                cluster.create_topic(topic).map_err(failed)?;
            }
        }
        let servers = cluster.bootstrap_servers();
        if self.told.insert(id.clone()) {
            let instead_of =
                kafka.cluster.bootstrap_servers().map_or("a cluster of MSK".to_owned(), ToString::to_string);
            info!(
                mapping = %id,
                topic = kafka.topic,
                bootstrap_servers = servers,
                instead_of,
                partitions = PARTITIONS,
                "nobody runs the cluster of this mapping here: it reads from a Kafka in this process, which is in memory"
            );
        }
        point_at(kafka, servers.parse().expect("the local cluster has an address"));
        Ok(())
    }
}

/// The mapping reads from these servers, which want no credentials.
fn point_at(kafka: &mut KafkaSettings, servers: BootstrapServers) {
    kafka.access = Default::default();
    kafka.cluster = match &kafka.cluster {
        KafkaCluster::Msk { arn, .. } => {
            KafkaCluster::Msk { arn: arn.clone(), bootstrap_servers: Some(servers) }
        }
        KafkaCluster::SelfManaged { .. } => KafkaCluster::SelfManaged { bootstrap_servers: servers },
    };
}

fn no_moments(id: &MappingId) -> UserError {
    UserError::bad_input(format!(
        "{id} starts AT_TIMESTAMP, and the Kafka that `dev` runs for it cannot look up offsets by time"
    ))
    .help(format!(
        "name a broker with `--bootstrap-servers {id}=HOST:PORT`, or start at TRIM_HORIZON or LATEST"
    ))
}

#[cfg(all(test, feature = "kafka"))]
mod tests;
