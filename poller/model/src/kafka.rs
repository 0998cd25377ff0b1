//! A topic of Kafka, checked: its cluster, its consumer group, and what is asked of its partitions (specification 1.1, 3.4, 3.5).

mod access;
mod registry;
mod servers;
mod session_timeout;

pub use access::{Authentication, KafkaAccess, OAuthBearer, SecretSource, SourceAccessType, Transport};
pub use registry::{EventRecordFormat, RegistryAuthentication, SchemaAttribute, SchemaRegistry};
pub use servers::{BootstrapServers, NoBootstrapServers};
pub use session_timeout::{NoSessionTimeout, SessionTimeout};

use super::arn::{ANY, Arn};
use super::mapping::{MappingId, ProvisionedPollers};
use super::mapping_uuid::mapping_uuid;
use pelton_core::starting_position::StartingPosition;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// A topic of Kafka, and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSettings {
    /// The cluster.
    pub cluster: KafkaCluster,
    /// How the brokers know us, and we know them.
    pub access: KafkaAccess,
    /// Topics: its only one.
    pub topic: String,
    /// The mapping's UUID.
    pub uuid: Uuid,
    /// ConsumerGroupId, as it is given. [`KafkaSettings::group_id`] is the one that counts.
    pub consumer_group_id: Option<String>,
    /// StartingPosition: only where the group has no offset yet.
    pub starting_position: StartingPosition,
    /// Lanes of one partition; the order holds for each key. Beyond AWS, and so outside of the template. 1: AWS's order.
    pub parallelization_factor: u32,
    /// BisectBatchOnFunctionError.
    pub bisect_batch_on_function_error: bool,
    /// MaximumRetryAttempts, as it is given; `None` (-1): until the record expires. A destination caps it
    /// ([`Mapping::maximum_retry_attempts`](super::Mapping::maximum_retry_attempts)).
    pub maximum_retry_attempts: Option<u32>,
    /// MaximumRecordAgeInSeconds; `None` (-1): no limit but the topic's retention.
    pub maximum_record_age: Option<Duration>,
    /// ProvisionedPollerConfig; `None`: on-demand mode.
    pub pollers: Option<ProvisionedPollers>,
    /// SchemaRegistryConfig; `None`: keys and values come as they are.
    pub schema_registry: Option<SchemaRegistry>,
}

impl KafkaSettings {
    /// The consumer group: ConsumerGroupId, or the mapping's UUID.
    #[must_use]
    pub fn group_id(&self) -> String {
        self.consumer_group_id.clone().unwrap_or_else(|| self.uuid.to_string())
    }

    /// The same, where paths of files are seen from this folder.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        let access = self.access.seen_from(folder);
        let schema_registry = self.schema_registry.map(|registry| registry.seen_from(folder));
        Self { access, schema_registry, ..self }
    }

    /// The UUID of the mapping of a topic. The cluster is no part of it: brokers come and go, and a group that changed with them
    /// would begin anew. The stack is: two stacks of one template on one cluster would otherwise share a group, and each would miss
    /// what the other gets.
    pub(super) fn uuid_of(stack: &str, topic: &str, id: &MappingId) -> Uuid {
        mapping_uuid(&format!("kafka:{stack}:{topic}"), id)
    }
}

/// A cluster of Kafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaCluster {
    /// EventSourceArn: a cluster of MSK, or a VPC connection to one.
    Msk {
        /// Its ARN. Of a cluster that the template makes, only AWS knows the end: [`KafkaCluster::is_to_be_found`].
        arn: Arn,
        /// `--bootstrap-servers`; `None`: AWS is asked for them.
        bootstrap_servers: Option<BootstrapServers>,
    },
    /// SelfManagedEventSource: a cluster that somebody manages.
    SelfManaged {
        /// Its bootstrap servers, or those that `--bootstrap-servers` names instead.
        bootstrap_servers: BootstrapServers,
    },
}

impl KafkaCluster {
    /// The bootstrap servers, as far as they are known without asking AWS.
    #[must_use]
    pub fn bootstrap_servers(&self) -> Option<&BootstrapServers> {
        match self {
            Self::Msk { bootstrap_servers, .. } => bootstrap_servers.as_ref(),
            Self::SelfManaged { bootstrap_servers } => Some(bootstrap_servers),
        }
    }

    /// Its ARN, which a cluster that somebody manages does not have.
    #[must_use]
    pub fn arn(&self) -> Option<&Arn> {
        match self {
            Self::Msk { arn, .. } => Some(arn),
            Self::SelfManaged { .. } => None,
        }
    }

    /// Whether only the name of the cluster is known (`cluster/NAME/*`), as the template makes it: AWS cannot be asked for its
    /// bootstrap servers by this ARN.
    #[must_use]
    pub fn is_to_be_found(&self) -> bool {
        self.arn().is_some_and(|arn| arn.resource.ends_with(ANY))
    }

    /// Which kind of cluster it is.
    #[must_use]
    pub fn kind(&self) -> ClusterKind {
        match self {
            Self::Msk { .. } => ClusterKind::Msk,
            Self::SelfManaged { .. } => ClusterKind::SelfManaged,
        }
    }
}

/// A kind of cluster: each has some settings of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterKind {
    /// Amazon MSK.
    Msk,
    /// Somebody manages it.
    SelfManaged,
}

/// The cluster that a mapping names, before its settings are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KafkaSource {
    /// EventSourceArn.
    Msk(Arn),
    /// SelfManagedEventSource, whose bootstrap servers are among the settings.
    SelfManaged,
}

impl KafkaSource {
    /// Which kind of cluster it is.
    #[must_use]
    pub fn kind(&self) -> ClusterKind {
        match self {
            Self::Msk(_) => ClusterKind::Msk,
            Self::SelfManaged => ClusterKind::SelfManaged,
        }
    }
}

/// Whether this is the ARN of a cluster of MSK, or of a VPC connection to one. The last part may be `*`.
#[must_use]
pub fn is_msk(arn: &Arn) -> bool {
    let parts: Vec<&str> = arn.resource.split('/').collect();
    let is_path = match parts[..] {
        ["cluster", name, uuid] => !name.is_empty() && !uuid.is_empty(),
        ["vpc-connection", account, name, uuid] => ![account, name, uuid].contains(&""),
        _ => false,
    };
    arn.service == "kafka" && arn.is_regional() && is_path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_group_is_the_uuid_of_the_mapping_and_depends_on_its_names_only() {
        let uuid = |stack, topic, id: &str| {
            KafkaSettings::uuid_of(stack, topic, &MappingId(id.to_owned())).to_string()
        };
        let clicks = uuid("shop", "clicks", "DashboardClicks");
        assert_eq!(clicks, "9e31f066-f84a-5255-8ef6-8b0c4455fd8a");
        for other in [
            uuid("shop-dev", "clicks", "DashboardClicks"),
            uuid("shop", "orders", "DashboardClicks"),
            uuid("shop", "clicks", "LedgerClicks"),
        ] {
            assert_ne!(other, clicks);
        }
    }

    #[test]
    fn an_msk_arn_names_a_cluster_or_a_vpc_connection() {
        let is_msk = |text: &str| is_msk(&text.parse().unwrap());
        assert!(is_msk("arn:aws:kafka:eu-west-1:123456789012:cluster/shop/1-2"));
        assert!(is_msk("arn:aws:kafka:eu-west-1:123456789012:cluster/shop/*"));
        assert!(is_msk("arn:aws:kafka:eu-west-1:123456789012:vpc-connection/123456789012/shop/1-2"));
        for other in [
            "arn:aws:kafka:eu-west-1:123456789012:cluster/shop",
            "arn:aws:kafka:eu-west-1:123456789012:cluster//1-2",
            "arn:aws:kafka:eu-west-1:123456789012:topic/shop/1-2/clicks",
            "arn:aws:kafka:eu-west-1:1234:cluster/shop/1-2",
            "arn:aws:kinesis:eu-west-1:123456789012:cluster/shop/1-2",
        ] {
            assert!(!is_msk(other), "{other}");
        }
    }
}
