//! The parameters of a mapping as somebody gives them, in AWS's names: nothing is checked yet.

use std::collections::BTreeSet;
use std::fmt;

/// What a mapping is asked to do. Numbers and booleans are texts, as CloudFormation takes them; what is absent has AWS's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingSettings {
    /// Enabled
    pub enabled: Option<String>,
    /// BatchSize
    pub batch_size: Option<String>,
    /// MaximumBatchingWindowInSeconds
    pub maximum_batching_window_in_seconds: Option<String>,
    /// StartingPosition
    pub starting_position: Option<String>,
    /// StartingPositionTimestamp
    pub starting_position_timestamp: Option<String>,
    /// ParallelizationFactor
    pub parallelization_factor: Option<String>,
    /// BisectBatchOnFunctionError
    pub bisect_batch_on_function_error: Option<String>,
    /// MaximumRetryAttempts
    pub maximum_retry_attempts: Option<String>,
    /// MaximumRecordAgeInSeconds
    pub maximum_record_age_in_seconds: Option<String>,
    /// TumblingWindowInSeconds
    pub tumbling_window_in_seconds: Option<String>,
    /// FunctionResponseTypes
    pub function_response_types: Vec<String>,
    /// `Pattern` of each of FilterCriteria.Filters.
    pub filters: Vec<Option<String>>,
    /// DestinationConfig.OnFailure.Destination; an empty text is none.
    pub destination: Option<String>,
    /// MetricsConfig.Metrics
    pub metrics: Vec<String>,
    /// LoggingConfig.SystemLogLevel
    pub system_log_level: Option<String>,
    /// ProvisionedPollerConfig.MinimumPollers
    pub minimum_pollers: Option<String>,
    /// ProvisionedPollerConfig.MaximumPollers
    pub maximum_pollers: Option<String>,
    /// ProvisionedPollerConfig.PollerGroupName; an empty text is none.
    pub poller_group_name: Option<String>,
    /// Topics
    pub topics: Vec<String>,
    /// SelfManagedEventSource.Endpoints.KafkaBootstrapServers, or those that somebody names in the place of a cluster's own. A text
    /// may name several.
    pub bootstrap_servers: Vec<String>,
    /// SourceAccessConfigurations
    pub access: Vec<AccessSetting>,
    /// ConsumerGroupId of AmazonManagedKafkaEventSourceConfig or SelfManagedKafkaEventSourceConfig.
    pub consumer_group_id: Option<String>,
    /// ConsumptionMode of SelfManagedKafkaEventSourceConfig.
    pub consumption_mode: Option<String>,
    /// SchemaRegistryConfig of either; without any member, there is none.
    pub schema_registry: Option<SchemaRegistrySettings>,
    /// ScalingConfig.MaximumConcurrency
    pub maximum_concurrency: Option<String>,
    /// Parameters that are given and whose values nobody reads: only whether the source takes them counts.
    pub others: BTreeSet<Parameter>,
}

/// An entry of SourceAccessConfigurations, or of AccessConfigs of a schema registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessSetting {
    /// Type
    pub kind: Option<String>,
    /// URI
    pub uri: Option<String>,
}

/// SchemaRegistryConfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaRegistrySettings {
    /// SchemaRegistryURI
    pub uri: Option<String>,
    /// EventRecordFormat
    pub event_record_format: Option<String>,
    /// AccessConfigs
    pub access: Vec<AccessSetting>,
    /// `Attribute` of each of SchemaValidationConfigs.
    pub validation: Vec<Option<String>>,
}

impl MappingSettings {
    /// Every parameter that has a value.
    pub(super) fn given(&self) -> Vec<Parameter> {
        // Taken apart, so that a parameter which is new is not forgotten here.
        let Self {
            enabled,
            batch_size,
            maximum_batching_window_in_seconds,
            starting_position,
            starting_position_timestamp,
            parallelization_factor,
            bisect_batch_on_function_error,
            maximum_retry_attempts,
            maximum_record_age_in_seconds,
            tumbling_window_in_seconds,
            function_response_types,
            filters,
            destination,
            metrics,
            system_log_level,
            minimum_pollers,
            maximum_pollers,
            poller_group_name,
            topics,
            bootstrap_servers,
            access,
            consumer_group_id,
            consumption_mode,
            schema_registry,
            maximum_concurrency,
            others,
        } = self;
        let all = [
            (Parameter::Enabled, enabled.is_some()),
            (Parameter::BatchSize, batch_size.is_some()),
            (Parameter::MaximumBatchingWindowInSeconds, maximum_batching_window_in_seconds.is_some()),
            (Parameter::StartingPosition, starting_position.is_some()),
            (Parameter::StartingPositionTimestamp, starting_position_timestamp.is_some()),
            (Parameter::ParallelizationFactor, parallelization_factor.is_some()),
            (Parameter::BisectBatchOnFunctionError, bisect_batch_on_function_error.is_some()),
            (Parameter::MaximumRetryAttempts, maximum_retry_attempts.is_some()),
            (Parameter::MaximumRecordAgeInSeconds, maximum_record_age_in_seconds.is_some()),
            (Parameter::TumblingWindowInSeconds, tumbling_window_in_seconds.is_some()),
            (Parameter::FunctionResponseTypes, !function_response_types.is_empty()),
            (Parameter::Filters, !filters.is_empty()),
            (Parameter::Destination, destination.as_ref().is_some_and(|text| !text.is_empty())),
            (Parameter::Metrics, !metrics.is_empty()),
            (Parameter::SystemLogLevel, system_log_level.is_some()),
            (Parameter::MinimumPollers, minimum_pollers.is_some()),
            (Parameter::MaximumPollers, maximum_pollers.is_some()),
            (Parameter::PollerGroupName, poller_group_name.is_some()),
            (Parameter::Topics, !topics.is_empty()),
            (Parameter::BootstrapServers, !bootstrap_servers.is_empty()),
            (Parameter::SourceAccessConfigurations, !access.is_empty()),
            (Parameter::ConsumerGroupId, consumer_group_id.is_some()),
            (Parameter::ConsumptionMode, consumption_mode.is_some()),
            (Parameter::SchemaRegistryConfig, schema_registry.is_some()),
            (Parameter::MaximumConcurrency, maximum_concurrency.is_some()),
        ];
        let given = all.into_iter().filter(|(_, is_given)| *is_given).map(|(parameter, _)| parameter);
        given.chain(others.iter().copied()).collect()
    }
}

/// A parameter of a mapping, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum Parameter {
    Enabled,
    BatchSize,
    MaximumBatchingWindowInSeconds,
    StartingPosition,
    StartingPositionTimestamp,
    ParallelizationFactor,
    BisectBatchOnFunctionError,
    MaximumRetryAttempts,
    MaximumRecordAgeInSeconds,
    TumblingWindowInSeconds,
    FunctionResponseTypes,
    FilterCriteria,
    Filters,
    /// The pattern of a filter, counted from 0.
    Pattern(usize),
    KmsKeyArn,
    DestinationConfig,
    OnSuccess,
    Destination,
    MetricsConfig,
    Metrics,
    LoggingConfig,
    SystemLogLevel,
    ProvisionedPollerConfig,
    MinimumPollers,
    MaximumPollers,
    PollerGroupName,
    Topics,
    SelfManagedEventSource,
    BootstrapServers,
    SourceAccessConfigurations,
    /// `Type` of an entry, counted from 0.
    SourceAccessType(usize),
    /// `URI` of an entry.
    SourceAccessUri(usize),
    AmazonManagedKafkaEventSourceConfig,
    SelfManagedKafkaEventSourceConfig,
    ConsumerGroupId,
    ConsumptionMode,
    SchemaRegistryConfig,
    SchemaRegistryUri,
    EventRecordFormat,
    AccessConfigs,
    /// `Type` of an entry, counted from 0.
    RegistryAccessType(usize),
    /// `URI` of an entry.
    RegistryAccessUri(usize),
    SchemaValidationConfigs,
    /// `Attribute` of an entry, counted from 0.
    SchemaValidationAttribute(usize),
    ScalingConfig,
    MaximumConcurrency,
    Queues,
    DocumentDbEventSourceConfig,
    Tags,
}

impl fmt::Display for Parameter {
    /// The way to it, in AWS's names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = match self {
            Self::Pattern(index) => return write!(f, "FilterCriteria.Filters[{index}].Pattern"),
            Self::SourceAccessType(index) => return write!(f, "SourceAccessConfigurations[{index}].Type"),
            Self::SourceAccessUri(index) => return write!(f, "SourceAccessConfigurations[{index}].URI"),
            Self::RegistryAccessType(index) => {
                return write!(f, "SchemaRegistryConfig.AccessConfigs[{index}].Type");
            }
            Self::RegistryAccessUri(index) => {
                return write!(f, "SchemaRegistryConfig.AccessConfigs[{index}].URI");
            }
            Self::SchemaValidationAttribute(index) => {
                return write!(f, "SchemaRegistryConfig.SchemaValidationConfigs[{index}].Attribute");
            }
            Self::BootstrapServers => "KafkaBootstrapServers",
            Self::SchemaRegistryUri => "SchemaRegistryConfig.SchemaRegistryURI",
            Self::EventRecordFormat => "SchemaRegistryConfig.EventRecordFormat",
            Self::AccessConfigs => "SchemaRegistryConfig.AccessConfigs",
            Self::SchemaValidationConfigs => "SchemaRegistryConfig.SchemaValidationConfigs",
            Self::Filters => "FilterCriteria.Filters",
            Self::KmsKeyArn => "KMSKeyArn",
            Self::OnSuccess => "DestinationConfig.OnSuccess",
            Self::Destination => "DestinationConfig.OnFailure.Destination",
            Self::Metrics => "MetricsConfig.Metrics",
            Self::SystemLogLevel => "LoggingConfig.SystemLogLevel",
            Self::MinimumPollers => "ProvisionedPollerConfig.MinimumPollers",
            Self::MaximumPollers => "ProvisionedPollerConfig.MaximumPollers",
            Self::PollerGroupName => "ProvisionedPollerConfig.PollerGroupName",
            Self::MaximumConcurrency => "ScalingConfig.MaximumConcurrency",
            Self::DocumentDbEventSourceConfig => "DocumentDBEventSourceConfig",
            name @ (Self::Enabled
            | Self::BatchSize
            | Self::MaximumBatchingWindowInSeconds
            | Self::StartingPosition
            | Self::StartingPositionTimestamp
            | Self::ParallelizationFactor
            | Self::BisectBatchOnFunctionError
            | Self::MaximumRetryAttempts
            | Self::MaximumRecordAgeInSeconds
            | Self::TumblingWindowInSeconds
            | Self::FunctionResponseTypes
            | Self::FilterCriteria
            | Self::DestinationConfig
            | Self::MetricsConfig
            | Self::LoggingConfig
            | Self::ProvisionedPollerConfig
            | Self::Topics
            | Self::SelfManagedEventSource
            | Self::SourceAccessConfigurations
            | Self::AmazonManagedKafkaEventSourceConfig
            | Self::SelfManagedKafkaEventSourceConfig
            | Self::ConsumerGroupId
            | Self::ConsumptionMode
            | Self::SchemaRegistryConfig
            | Self::ScalingConfig
            | Self::Queues
            | Self::Tags) => return write!(f, "{name:?}"),
        };
        f.write_str(path)
    }
}
