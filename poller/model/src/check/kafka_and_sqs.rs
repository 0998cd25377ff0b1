//! What a mapping asks of a topic of Kafka and of a queue of SQS.

use super::super::arn::{Arn, consists_of};
use super::super::limits::{POLLER_GROUP_CHARS_MAX, Pollers, TOPIC_CHARS_MAX};
use super::super::mapping::{KafkaCluster, KafkaSettings, ProvisionedPollers, SqsSettings};
use super::super::problem::{Allowed, ProblemKind};
use super::super::settings::{MappingSettings, Parameter};
use super::Check;

impl Check {
    pub(super) fn kafka(&mut self, settings: &MappingSettings, cluster: KafkaCluster) -> KafkaSettings {
        self.fits(settings, &cluster);
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
        KafkaSettings {
            cluster,
            topic: self.topic(&settings.topics),
            consumer_group_id,
            starting_position: self.starting_position(settings),
            bisect_batch_on_function_error: self.bisects(settings),
            maximum_retry_attempts: self.retry_attempts(settings),
            maximum_record_age: self.record_age(settings),
            pollers: self.pollers(settings),
        }
    }

    /// MSK and clusters that somebody manages have some parameters of their own.
    fn fits(&mut self, settings: &MappingSettings, cluster: &KafkaCluster) {
        let (not_taken, required): (&[Parameter], _) = match cluster {
            KafkaCluster::Msk(_) => {
                (&[Parameter::SelfManagedEventSource, Parameter::SelfManagedKafkaEventSourceConfig], None)
            }
            KafkaCluster::SelfManaged { .. } => (
                &[Parameter::AmazonManagedKafkaEventSourceConfig],
                Some(Parameter::SourceAccessConfigurations),
            ),
        };
        for &parameter in not_taken.iter().filter(|parameter| settings.others.contains(parameter)) {
            self.report(parameter, ProblemKind::NotTaken { by: self.kind });
        }
        if let Some(parameter) = required.filter(|parameter| !settings.others.contains(parameter)) {
            self.report(parameter, ProblemKind::Missing);
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
        Some(ProvisionedPollers {
            minimum: self.count(Parameter::MinimumPollers, minimum_pollers.as_deref(), minimum),
            maximum: self.count(Parameter::MaximumPollers, maximum_pollers.as_deref(), maximum),
            group,
        })
    }
}

fn is_topic(name: &str) -> bool {
    name.len() <= TOPIC_CHARS_MAX && !name.starts_with('.') && consists_of(name, "-_.")
}
