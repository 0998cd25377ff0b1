//! What Pelton is asked to run: functions, streams, and event source mappings with AWS's names, ranges and defaults.
//!
//! In: the parameters of a mapping as anyone gives them ([`MappingSettings`]), and ARNs as texts. Out: a checked [`Mapping`], or
//! all that is wrong with it. Whoever holds a mapping need not check it again. Knows the core, and nothing of templates, of IO or of
//! the rest of Pelton.
//!
//! | file | holds |
//! |---|---|
//! | `limits` | ranges and defaults of every source, to be held beside AWS's documentation |
//! | `settings` | the parameters as they are given |
//! | `check` | from parameters to a mapping: the one door |
//! | `problem` | what can be wrong with a parameter |
//! | `mapping` | a checked mapping, and what it reads from |
//! | `kafka` | of a mapping of Kafka: cluster, access, consumer group, schema registry |
//! | `mapping_uuid` | the UUID that a mapping has |
//! | `configuration` | the settings of a mapping as they are shown |
//! | `arn` | Amazon Resource Names, taken apart and written |
//! | `on_failure` | where records go that are given up |
//! | `starting_position` | from AWS's words and times to a starting position |
//! | `application` | functions and streams, and all that one template asks for |

mod application;
pub mod arn;
mod check;
mod configuration;
pub mod kafka;
pub mod limits;
mod mapping;
mod mapping_uuid;
mod on_failure;
mod problem;
mod settings;
mod starting_position;

pub use application::{Application, BuildMethod, Function, Stream, Table};
pub use arn::{Arn, StreamArn, StreamKind};
pub use configuration::{
    DestinationConfiguration, Filter, FilterConfiguration, KafkaConfiguration, MappingConfiguration,
    OnFailureConfiguration,
};
pub use kafka::{
    BootstrapServers, ClusterKind, KafkaCluster, KafkaSettings, KafkaSource, NoSessionTimeout, SessionTimeout,
};
pub use mapping::{
    EventSource, Mapping, MappingId, MappingNames, ProvisionedPollers, ReadsFrom, ShardSettings, SourceKind,
    SqsSettings,
};
pub use mapping_uuid::mapping_uuid;
pub use on_failure::{DestinationKind, NoDestination, OnFailure};
pub use problem::{AccessProblem, Allowed, Problem, ProblemKind};
pub use settings::{AccessSetting, MappingSettings, Parameter, SchemaRegistrySettings};
pub use starting_position::{TIMESTAMP_FORMS, shown_timestamp, timestamp};
