//! What a mapping asks of a topic of Kafka and of a queue of SQS.

use super::super::arn::{Arn, consists_of};
use super::super::kafka::{
    BootstrapServers, ClusterKind, KafkaCluster, KafkaSettings, KafkaSource, NoBootstrapServers,
};
use super::super::limits::{BOOTSTRAP_SERVERS_MAX, POLLER_GROUP_CHARS_MAX, Pollers, TOPIC_CHARS_MAX};
use super::super::mapping::{EventSource, Mapping, MappingNames, ProvisionedPollers, SqsSettings};
use super::super::on_failure::OnFailure;
use super::super::problem::{Allowed, ProblemKind};
use super::super::settings::{MappingSettings, Parameter};
use super::Check;

impl Check {
    pub(super) fn kafka(
        &mut self,
        settings: &MappingSettings,
        source: KafkaSource,
        names: &MappingNames,
    ) -> KafkaSettings {
        let kind = source.kind();
        self.fits(settings, kind);
        self.consumption_mode(settings.consumption_mode.as_deref());
        let consumer_group_id = settings.consumer_group_id.clone();
        if let (Some(id), Some(chars)) = (&consumer_group_id, &self.table.consumer_group_id)
            && !chars.contains(&id.chars().count())
        {
            self.refuse(Parameter::ConsumerGroupId, id, Allowed::Name(chars.clone()));
        }
        let levels = self.table.system_log_level;
        if let Some(level) = settings.system_log_level.as_deref().filter(|level| !levels.contains(level)) {
            self.refuse(Parameter::SystemLogLevel, level, Allowed::OneOf(levels));
        }
        let topic = self.topic(&settings.topics);
        KafkaSettings {
            cluster: self.cluster(settings, source),
            access: self.access(&settings.access, kind),
            uuid: KafkaSettings::uuid_of(&names.stack, &topic, &names.id),
            topic,
            consumer_group_id,
            starting_position: self.starting_position(settings),
            parallelization_factor: 1,
            bisect_batch_on_function_error: self.bisects(settings),
            maximum_retry_attempts: self.retry_attempts(settings),
            maximum_record_age: self.record_age(settings),
            pollers: self.pollers(settings),
            schema_registry: self.schema_registry(settings.schema_registry.as_ref()),
        }
    }

    /// MSK and clusters that somebody manages have some parameters of their own.
    fn fits(&mut self, settings: &MappingSettings, cluster: ClusterKind) {
        let not_taken: &[Parameter] = match cluster {
            ClusterKind::Msk => &[
                Parameter::SelfManagedEventSource,
                Parameter::SelfManagedKafkaEventSourceConfig,
                Parameter::ConsumptionMode,
            ],
            ClusterKind::SelfManaged => &[Parameter::AmazonManagedKafkaEventSourceConfig],
        };
        let given = settings.given();
        for &parameter in not_taken.iter().filter(|parameter| given.contains(parameter)) {
            self.report(parameter, ProblemKind::NotOfCluster { cluster });
        }
    }

    /// Only a cluster that somebody manages must say where it is.
    fn cluster(&mut self, settings: &MappingSettings, source: KafkaSource) -> KafkaCluster {
        let given = &settings.bootstrap_servers;
        let servers = BootstrapServers::of(given);
        let parameter = Parameter::BootstrapServers;
        match &servers {
            Ok(_) => {}
            Err(NoBootstrapServers::Empty) if source.kind() == ClusterKind::Msk && given.is_empty() => {}
            Err(NoBootstrapServers::Empty) => self.report(parameter, ProblemKind::Missing),
            Err(NoBootstrapServers::TooMany { count }) => {
                let kind = ProblemKind::TooMany { count: *count, max: BOOTSTRAP_SERVERS_MAX };
                self.report(parameter, kind);
            }
            Err(NoBootstrapServers::NoServer(text)) => {
                self.refuse(parameter, text, Allowed::BootstrapServer);
            }
        }
        match (source, servers) {
            (KafkaSource::Msk(arn), servers) => KafkaCluster::Msk { arn, bootstrap_servers: servers.ok() },
            (KafkaSource::SelfManaged, servers) => KafkaCluster::SelfManaged {
                bootstrap_servers: servers.unwrap_or_else(|_| BootstrapServers::stand_in()),
            },
        }
    }

    /// `Queue` reads a topic as a share group, whose records come in no order and are acknowledged one by one.
    fn consumption_mode(&mut self, given: Option<&str>) {
        const MODES: &[&str] = &["Stream", "Queue"];
        let parameter = Parameter::ConsumptionMode;
        match given {
            None | Some("Stream") => {}
            Some(mode @ "Queue") => {
                let (given, reason) =
                    (mode.to_owned(), "Pelton reads each partition in its order, as `Stream` does");
                self.report(parameter, ProblemKind::Unsupported { given, reason });
            }
            Some(mode) => self.refuse(parameter, mode, Allowed::OneOf(MODES)),
        }
    }

    pub(super) fn kafka_goes_together(&mut self, mapping: &Mapping) {
        let EventSource::Kafka(KafkaSettings { topic, .. }) = &mapping.source else { return };
        // A record that is given up would come again, and be given up again, for ever.
        if matches!(&mapping.on_failure, Some(OnFailure::Kafka { topic: failed }) if failed == topic) {
            self.report(Parameter::Destination, ProblemKind::Conflict { with: Parameter::Topics });
        }
    }

    fn topic(&mut self, given: &[String]) -> String {
        let parameter = Parameter::Topics;
        match given {
            [] => self.report(parameter, ProblemKind::Missing),
            [topic] if is_topic(topic) => {}
            [topic] => self.refuse(parameter, topic, Allowed::Name(1..=TOPIC_CHARS_MAX)),
            [_, _, ..] => self.refuse(parameter, &given.join(", "), Allowed::ListOfOne),
        }
        given.first().cloned().unwrap_or_default()
    }

    pub(super) fn sqs(&mut self, settings: &MappingSettings, queue: Arn) -> SqsSettings {
        let given = settings.maximum_concurrency.as_deref();
        let range = self.table.maximum_concurrency.as_ref();
        let concurrency = range.and_then(|range| self.in_range(Parameter::MaximumConcurrency, given, range));
        let maximum_concurrency = concurrency.and_then(|most| u32::try_from(most).ok());
        SqsSettings { queue, maximum_concurrency, pollers: self.pollers(settings) }
    }

    /// `None`: on-demand mode.
    fn pollers(&mut self, settings: &MappingSettings) -> Option<ProvisionedPollers> {
        let Pollers { minimum, maximum } = self.table.provisioned_poller_config.as_ref()?;
        let MappingSettings { minimum_pollers, maximum_pollers, poller_group_name, .. } = settings;
        let group = poller_group_name.clone().filter(|name| !name.is_empty());
        if minimum_pollers.is_none() && maximum_pollers.is_none() && group.is_none() {
            return None;
        }
        if let Some(name) = &group
            && (name.len() > POLLER_GROUP_CHARS_MAX || !consists_of(name, "-_"))
        {
            self.refuse(Parameter::PollerGroupName, name, Allowed::Name(0..=POLLER_GROUP_CHARS_MAX));
        }
        let minimum = self.count(Parameter::MinimumPollers, minimum_pollers.as_deref(), minimum);
        let maximum = self.count(Parameter::MaximumPollers, maximum_pollers.as_deref(), maximum);
        let are_right =
            ![Parameter::MinimumPollers, Parameter::MaximumPollers].iter().any(|&one| self.is_wrong(one));
        if minimum > maximum && are_right {
            let with = Parameter::MaximumPollers;
            self.report(Parameter::MinimumPollers, ProblemKind::Conflict { with });
        }
        Some(ProvisionedPollers { minimum, maximum, group })
    }
}

/// Whether a topic may have this name.
pub(super) fn is_topic(name: &str) -> bool {
    name.len() <= TOPIC_CHARS_MAX && !name.starts_with('.') && consists_of(name, "-_.")
}
