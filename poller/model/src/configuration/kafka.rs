//! The settings that only a mapping of Kafka has, in AWS's names.

use super::super::kafka::{KafkaCluster, KafkaSettings, SchemaRegistry};
use super::super::mapping::ProvisionedPollers;
use serde::{Deserialize, Serialize};

/// What only a mapping of Kafka has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KafkaConfiguration {
    /// Its only one.
    pub topics: Vec<String>,
    /// Where a cluster is that somebody manages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_managed_event_source: Option<SelfManagedConfiguration>,
    /// Where a cluster of MSK is reached instead of at the brokers that AWS names (`--bootstrap-servers`): Pelton's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap_servers: Option<Vec<String>>,
    /// How the brokers know the mapping: where secrets are, and never what they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_access_configurations: Vec<AccessConfiguration>,
    /// Of a cluster of MSK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amazon_managed_kafka_event_source_config: Option<GroupConfiguration>,
    /// Of a cluster that somebody manages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_managed_kafka_event_source_config: Option<GroupConfiguration>,
    /// Absent in on-demand mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned_poller_config: Option<PollerConfiguration>,
}

/// Where a cluster is that somebody manages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SelfManagedConfiguration {
    /// Its bootstrap servers.
    pub endpoints: EndpointConfiguration,
}

/// Bootstrap servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointConfiguration {
    /// As the Lambda API calls them; CloudFormation spells it otherwise.
    #[serde(rename = "KAFKA_BOOTSTRAP_SERVERS")]
    pub bootstrap_servers: Vec<String>,
}

/// How somebody is known to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessConfiguration {
    /// `BASIC_AUTH` and the like.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Where the secret is, or a value that is none.
    #[serde(rename = "URI", default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// The consumer group, and what has a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupConfiguration {
    /// Also where it is the mapping's UUID.
    pub consumer_group_id: String,
    /// Absent if records come as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_registry_config: Option<RegistryConfiguration>,
}

/// A schema registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RegistryConfiguration {
    /// Its URL.
    #[serde(rename = "SchemaRegistryURI")]
    pub schema_registry_uri: String,
    /// `JSON` or `SOURCE`.
    pub event_record_format: String,
    /// How Pelton is known to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_configs: Vec<AccessConfiguration>,
    /// What has a schema.
    pub schema_validation_configs: Vec<ValidationConfiguration>,
}

/// A part of a record that has a schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ValidationConfiguration {
    /// `KEY` or `VALUE`.
    pub attribute: String,
}

/// How many pollers AWS keeps ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PollerConfiguration {
    /// At least so many.
    pub minimum_pollers: u32,
    /// And at most.
    pub maximum_pollers: u32,
    /// Mappings that share them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poller_group_name: Option<String>,
}

impl KafkaConfiguration {
    /// The settings of a mapping of Kafka.
    #[must_use]
    pub fn of(settings: &KafkaSettings) -> Self {
        let group = GroupConfiguration {
            consumer_group_id: settings.group_id(),
            schema_registry_config: settings.schema_registry.as_ref().map(RegistryConfiguration::of),
        };
        let servers = settings.cluster.bootstrap_servers().map(|servers| servers.as_slice().to_vec());
        let access = settings.access.entries().into_iter();
        let of_every_cluster = Self {
            topics: vec![settings.topic.clone()],
            self_managed_event_source: None,
            bootstrap_servers: None,
            source_access_configurations: access
                .map(|(kind, uri)| AccessConfiguration { kind: kind.word().to_owned(), uri })
                .collect(),
            amazon_managed_kafka_event_source_config: None,
            self_managed_kafka_event_source_config: None,
            provisioned_poller_config: settings.pollers.as_ref().map(PollerConfiguration::of),
        };
        match &settings.cluster {
            KafkaCluster::Msk { .. } => Self {
                bootstrap_servers: servers,
                amazon_managed_kafka_event_source_config: Some(group),
                ..of_every_cluster
            },
            KafkaCluster::SelfManaged { .. } => Self {
                self_managed_event_source: servers.map(|bootstrap_servers| SelfManagedConfiguration {
                    endpoints: EndpointConfiguration { bootstrap_servers },
                }),
                self_managed_kafka_event_source_config: Some(group),
                ..of_every_cluster
            },
        }
    }

    /// Names and values for people: what every mapping of Kafka has, and what it has beside.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        // Taken apart, so that a setting which is new is not forgotten here.
        let Self {
            topics: _,
            self_managed_event_source,
            bootstrap_servers,
            source_access_configurations,
            amazon_managed_kafka_event_source_config,
            self_managed_kafka_event_source_config,
            provisioned_poller_config,
        } = self;
        let of_cluster = self_managed_event_source.as_ref().map(|source| &source.endpoints.bootstrap_servers);
        let servers = of_cluster.or(bootstrap_servers.as_ref());
        let servers = servers.map(|servers| ("KafkaBootstrapServers", servers.join(",")));
        let access = source_access_configurations.iter();
        let access = access.map(|access| ("SourceAccessConfigurations", access.line()));
        let group = amazon_managed_kafka_event_source_config.as_ref();
        let group = group.or(self_managed_kafka_event_source_config.as_ref());
        let id = group.map(|group| ("ConsumerGroupId", group.consumer_group_id.clone()));
        let registry = group.and_then(|group| group.schema_registry_config.as_ref());
        let registry = registry.into_iter().flat_map(RegistryConfiguration::lines);
        let pollers = provisioned_poller_config.as_ref();
        let pollers = pollers.map(|pollers| ("ProvisionedPollerConfig", pollers.line()));
        servers.into_iter().chain(access).chain(id).chain(registry).chain(pollers).collect()
    }

    /// Every text of it that the template may have from a parameter that nobody is to see.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let groups = [
            &mut self.amazon_managed_kafka_event_source_config,
            &mut self.self_managed_kafka_event_source_config,
        ];
        let of_groups = groups.into_iter().flatten().flat_map(|group| {
            let registry = group.schema_registry_config.iter_mut();
            let of_registry = registry.flat_map(|registry| {
                let access = registry.access_configs.iter_mut().filter_map(|access| access.uri.as_mut());
                [&mut registry.schema_registry_uri].into_iter().chain(access)
            });
            [&mut group.consumer_group_id].into_iter().chain(of_registry)
        });
        let endpoints = self.self_managed_event_source.iter_mut();
        let servers = endpoints.flat_map(|source| &mut source.endpoints.bootstrap_servers);
        let access = self.source_access_configurations.iter_mut().filter_map(|access| access.uri.as_mut());
        self.topics.iter_mut().chain(servers).chain(access).chain(of_groups)
    }
}

impl AccessConfiguration {
    fn line(&self) -> String {
        let Self { kind, uri } = self;
        uri.as_ref().map_or_else(|| kind.clone(), |uri| format!("{kind} {uri}"))
    }
}

impl RegistryConfiguration {
    fn of(registry: &SchemaRegistry) -> Self {
        let access = registry.entries().into_iter();
        let attributes = registry.validates.iter().map(|attribute| attribute.word().to_owned());
        Self {
            schema_registry_uri: registry.uri.clone(),
            event_record_format: registry.event_record_format.word().to_owned(),
            access_configs: access
                .map(|(kind, uri)| AccessConfiguration { kind: kind.to_owned(), uri: Some(uri) })
                .collect(),
            schema_validation_configs: attributes
                .map(|attribute| ValidationConfiguration { attribute })
                .collect(),
        }
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let Self { schema_registry_uri, event_record_format, access_configs, schema_validation_configs } =
            self;
        let attributes = schema_validation_configs.iter().map(|validation| validation.attribute.as_str());
        let attributes = attributes.collect::<Vec<_>>().join(", ");
        let registry = format!("{schema_registry_uri} {event_record_format}, validates {attributes}");
        let access = access_configs.iter().map(|access| ("SchemaRegistryConfig", access.line()));
        [("SchemaRegistryConfig", registry)].into_iter().chain(access).collect()
    }
}

impl PollerConfiguration {
    fn of(pollers: &ProvisionedPollers) -> Self {
        let ProvisionedPollers { minimum, maximum, group } = pollers.clone();
        Self { minimum_pollers: minimum, maximum_pollers: maximum, poller_group_name: group }
    }

    fn line(&self) -> String {
        let Self { minimum_pollers, maximum_pollers, poller_group_name } = self;
        let group = poller_group_name.as_ref().map(|group| format!(", group {group}")).unwrap_or_default();
        format!("{minimum_pollers} to {maximum_pollers} pollers{group}")
    }
}
