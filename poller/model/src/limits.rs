//! What each source takes: a table for each, to be held beside section 1.1 of the specification.
//!
//! A cell that a source does not have (`—` in the specification) is `None`, or an empty list. A test holds these tables beside the
//! specification's, cell by cell.

use super::mapping::SourceKind;
use super::on_failure::DestinationKind;
use super::settings::Parameter;
use DestinationKind::{Kafka, S3, Sns, Sqs};
use std::ops::RangeInclusive;
use std::time::Duration;

/// `Enabled`, of every source.
pub const ENABLED_DEFAULT: bool = true;

/// What stands for no limit, of attempts and of age.
pub const FOREVER: i64 = -1;

/// What one kind of source takes.
#[derive(Debug)]
pub struct Table {
    /// BatchSize
    pub batch_size: Whole,
    /// BatchSize of a FIFO queue.
    pub batch_size_of_fifo_max: Option<i64>,
    /// A larger BatchSize needs a MaximumBatchingWindowInSeconds.
    pub batch_size_without_window_max: Option<i64>,
    /// MaximumBatchingWindowInSeconds
    pub maximum_batching_window_in_seconds: Window,
    /// StartingPosition; required if there are any.
    pub starting_position: &'static [&'static str],
    /// ParallelizationFactor
    pub parallelization_factor: Option<Whole>,
    /// BisectBatchOnFunctionError: its default.
    pub bisect_batch_on_function_error: Option<bool>,
    /// MaximumRetryAttempts
    pub maximum_retry_attempts: Option<Whole>,
    /// MaximumRecordAgeInSeconds
    pub maximum_record_age_in_seconds: Option<Whole>,
    /// TumblingWindowInSeconds; 0: no windows.
    pub tumbling_window_in_seconds: Option<Whole>,
    /// FunctionResponseTypes: one of these, or none.
    pub function_response_types: &'static [&'static str],
    /// FilterCriteria
    pub filter_criteria: FilterLimits,
    /// DestinationConfig.OnFailure.Destination. Where any is taken, a file may stand in for it, which is Pelton's own.
    pub on_failure: &'static [DestinationKind],
    /// MetricsConfig.Metrics: some of these.
    pub metrics: &'static [&'static str],
    /// LoggingConfig.SystemLogLevel
    pub system_log_level: &'static [&'static str],
    /// ProvisionedPollerConfig
    pub provisioned_poller_config: Option<Pollers>,
    /// Topics: exactly one name.
    pub topics: bool,
    /// ConsumerGroupId: how many characters.
    pub consumer_group_id: Option<RangeInclusive<usize>>,
    /// ScalingConfig.MaximumConcurrency
    pub maximum_concurrency: Option<RangeInclusive<i64>>,
    /// Settings that are taken and that change nothing here.
    pub also: &'static [Parameter],
}

/// A whole number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What it may be.
    pub range: RangeInclusive<i64>,
    /// Whether it may be [`FOREVER`] as well.
    pub or_forever: bool,
    /// What it is where it is not given.
    pub default: i64,
}

/// A batching window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many seconds.
    pub range: RangeInclusive<i64>,
    /// Where it is not given.
    pub default: Duration,
}

/// Limits of FilterCriteria.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterLimits {
    /// As many filters as AWS takes without being asked for more.
    pub count_unasked_max: usize,
    /// As many as AWS ever takes.
    pub count_max: usize,
    /// Longest pattern.
    pub pattern_chars_max: usize,
}

/// ProvisionedPollerConfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pollers {
    /// MinimumPollers
    pub minimum: Whole,
    /// MaximumPollers
    pub maximum: Whole,
}

/// Longest text of DestinationConfig.OnFailure.Destination.
pub const DESTINATION_CHARS_MAX: usize = 350;
/// Most groups of MetricsConfig.Metrics.
pub const METRICS_MAX: usize = 3;
/// Longest name in Topics.
pub const TOPIC_CHARS_MAX: usize = 249;
/// Most KafkaBootstrapServers.
pub const BOOTSTRAP_SERVERS_MAX: usize = 10;
/// Longest of them.
pub const BOOTSTRAP_SERVER_CHARS_MAX: usize = 300;
/// Most SourceAccessConfigurations.
pub const SOURCE_ACCESS_MAX: usize = 23;
/// Most AccessConfigs of a schema registry.
pub const REGISTRY_ACCESS_MAX: usize = 2;
/// Longest SchemaRegistryURI.
pub const REGISTRY_URI_CHARS_MAX: usize = 10_000;
/// Retries of a Kafka mapping that has a destination of failed records and no limit of its own.
pub const KAFKA_ATTEMPTS_WITH_DESTINATION_MAX: u32 = 10;
/// Lanes of a partition of Kafka: beyond AWS, whose tables do not have it, and outside of the template.
pub const KAFKA_PARALLELIZATION_FACTOR: RangeInclusive<u32> = 1..=10;
/// Longest PollerGroupName.
pub const POLLER_GROUP_CHARS_MAX: usize = 128;

const TRIM_HORIZON: &str = "TRIM_HORIZON";
pub(super) const LATEST: &str = "LATEST";
pub(super) const AT_TIMESTAMP: &str = "AT_TIMESTAMP";
const REPORT_BATCH_ITEM_FAILURES: &str = "ReportBatchItemFailures";

const fn whole(range: RangeInclusive<i64>, default: i64) -> Whole {
    Whole { range, or_forever: false, default }
}

const FILTERS: FilterLimits = FilterLimits { count_unasked_max: 5, count_max: 10, pattern_chars_max: 4096 };

/// Kinesis streams.
pub static KINESIS: Table = Table {
    batch_size: whole(1..=10_000, 100),
    batch_size_of_fifo_max: None,
    batch_size_without_window_max: None,
    maximum_batching_window_in_seconds: Window { range: 0..=300, default: Duration::ZERO },
    starting_position: &[TRIM_HORIZON, LATEST, AT_TIMESTAMP],
    parallelization_factor: Some(whole(1..=10, 1)),
    bisect_batch_on_function_error: Some(false),
    maximum_retry_attempts: Some(whole(FOREVER..=10_000, FOREVER)),
    maximum_record_age_in_seconds: Some(Whole { range: 60..=604_800, or_forever: true, default: FOREVER }),
    tumbling_window_in_seconds: Some(whole(0..=900, 0)),
    function_response_types: &[REPORT_BATCH_ITEM_FAILURES],
    filter_criteria: FILTERS,
    on_failure: &[Sqs, Sns, S3],
    metrics: &["EventCount"],
    system_log_level: &[],
    provisioned_poller_config: None,
    topics: false,
    consumer_group_id: None,
    maximum_concurrency: None,
    also: &[Parameter::KmsKeyArn, Parameter::Tags],
};

/// Streams of DynamoDB tables.
pub static DYNAMO_DB: Table = Table {
    batch_size: whole(1..=10_000, 100),
    batch_size_of_fifo_max: None,
    batch_size_without_window_max: None,
    maximum_batching_window_in_seconds: Window { range: 0..=300, default: Duration::ZERO },
    starting_position: &[TRIM_HORIZON, LATEST],
    parallelization_factor: Some(whole(1..=10, 1)),
    bisect_batch_on_function_error: Some(false),
    maximum_retry_attempts: Some(whole(FOREVER..=10_000, FOREVER)),
    maximum_record_age_in_seconds: Some(Whole { range: 60..=604_800, or_forever: true, default: FOREVER }),
    tumbling_window_in_seconds: Some(whole(0..=900, 0)),
    function_response_types: &[REPORT_BATCH_ITEM_FAILURES],
    filter_criteria: FILTERS,
    on_failure: &[Sqs, Sns, S3],
    metrics: &["EventCount"],
    system_log_level: &[],
    provisioned_poller_config: None,
    topics: false,
    consumer_group_id: None,
    maximum_concurrency: None,
    also: &[Parameter::KmsKeyArn, Parameter::Tags],
};

/// Topics of Kafka, of MSK and of clusters that somebody manages.
pub static KAFKA: Table = Table {
    batch_size: whole(1..=10_000, 100),
    batch_size_of_fifo_max: None,
    batch_size_without_window_max: None,
    maximum_batching_window_in_seconds: Window { range: 0..=300, default: Duration::from_millis(500) },
    starting_position: &[TRIM_HORIZON, LATEST, AT_TIMESTAMP],
    parallelization_factor: None,
    bisect_batch_on_function_error: Some(false),
    maximum_retry_attempts: Some(whole(FOREVER..=10_000, FOREVER)),
    maximum_record_age_in_seconds: Some(Whole { range: 60..=604_800, or_forever: true, default: FOREVER }),
    tumbling_window_in_seconds: None,
    function_response_types: &[REPORT_BATCH_ITEM_FAILURES],
    filter_criteria: FILTERS,
    on_failure: &[Sqs, Sns, S3, Kafka],
    metrics: &["EventCount", "ErrorCount", "KafkaMetrics"],
    system_log_level: &["DEBUG", "INFO", "WARN"],
    provisioned_poller_config: Some(Pollers { minimum: whole(1..=200, 1), maximum: whole(1..=2_000, 200) }),
    topics: true,
    consumer_group_id: Some(1..=200),
    maximum_concurrency: None,
    also: &[
        Parameter::KmsKeyArn,
        Parameter::Tags,
        Parameter::SelfManagedEventSource,
        Parameter::SourceAccessConfigurations,
        Parameter::AmazonManagedKafkaEventSourceConfig,
        Parameter::SelfManagedKafkaEventSourceConfig,
        Parameter::ConsumptionMode,
        Parameter::SchemaRegistryConfig,
    ],
};

/// Queues of SQS.
pub static SQS: Table = Table {
    batch_size: whole(1..=10_000, 10),
    batch_size_of_fifo_max: Some(10),
    batch_size_without_window_max: Some(10),
    maximum_batching_window_in_seconds: Window { range: 0..=300, default: Duration::ZERO },
    starting_position: &[],
    parallelization_factor: None,
    bisect_batch_on_function_error: None,
    maximum_retry_attempts: None,
    maximum_record_age_in_seconds: None,
    tumbling_window_in_seconds: None,
    function_response_types: &[REPORT_BATCH_ITEM_FAILURES],
    filter_criteria: FILTERS,
    on_failure: &[],
    metrics: &["EventCount"],
    system_log_level: &[],
    provisioned_poller_config: Some(Pollers { minimum: whole(2..=200, 2), maximum: whole(2..=10_000, 200) }),
    topics: false,
    consumer_group_id: None,
    maximum_concurrency: Some(2..=1_000),
    also: &[Parameter::KmsKeyArn, Parameter::Tags],
};

impl Whole {
    /// Its default, of a number that counts something.
    pub(super) fn default_count(&self) -> u32 {
        u32::try_from(self.default).expect("the tables have no counts below 0")
    }
}

/// The table of a kind of source.
#[must_use]
pub fn of(kind: SourceKind) -> &'static Table {
    match kind {
        SourceKind::Kinesis => &KINESIS,
        SourceKind::DynamoDb => &DYNAMO_DB,
        SourceKind::Kafka => &KAFKA,
        SourceKind::Sqs => &SQS,
    }
}

impl Table {
    /// Whether the source takes a setting at all.
    #[must_use]
    pub fn takes(&self, parameter: Parameter) -> bool {
        match parameter {
            Parameter::Enabled
            | Parameter::BatchSize
            | Parameter::MaximumBatchingWindowInSeconds
            | Parameter::FilterCriteria
            | Parameter::Filters
            | Parameter::Pattern(_) => true,
            Parameter::StartingPosition => !self.starting_position.is_empty(),
            Parameter::StartingPositionTimestamp => self.starting_position.contains(&AT_TIMESTAMP),
            Parameter::ParallelizationFactor => self.parallelization_factor.is_some(),
            Parameter::BisectBatchOnFunctionError => self.bisect_batch_on_function_error.is_some(),
            Parameter::MaximumRetryAttempts => self.maximum_retry_attempts.is_some(),
            Parameter::MaximumRecordAgeInSeconds => self.maximum_record_age_in_seconds.is_some(),
            Parameter::TumblingWindowInSeconds => self.tumbling_window_in_seconds.is_some(),
            Parameter::FunctionResponseTypes => !self.function_response_types.is_empty(),
            Parameter::DestinationConfig | Parameter::Destination => !self.on_failure.is_empty(),
            Parameter::OnSuccess => false,
            Parameter::MetricsConfig | Parameter::Metrics => !self.metrics.is_empty(),
            Parameter::LoggingConfig | Parameter::SystemLogLevel => !self.system_log_level.is_empty(),
            Parameter::ProvisionedPollerConfig
            | Parameter::MinimumPollers
            | Parameter::MaximumPollers
            | Parameter::PollerGroupName => self.provisioned_poller_config.is_some(),
            Parameter::Topics => self.topics,
            Parameter::ConsumerGroupId => self.consumer_group_id.is_some(),
            Parameter::ScalingConfig | Parameter::MaximumConcurrency => self.maximum_concurrency.is_some(),
            Parameter::KmsKeyArn
            | Parameter::Tags
            | Parameter::SelfManagedEventSource
            | Parameter::SourceAccessConfigurations
            | Parameter::AmazonManagedKafkaEventSourceConfig
            | Parameter::SelfManagedKafkaEventSourceConfig
            | Parameter::ConsumptionMode
            | Parameter::SchemaRegistryConfig
            | Parameter::Queues
            | Parameter::DocumentDbEventSourceConfig => self.also.contains(&parameter),
            Parameter::BootstrapServers => self.takes(Parameter::SelfManagedEventSource),
            Parameter::SourceAccessType(_) | Parameter::SourceAccessUri(_) => {
                self.takes(Parameter::SourceAccessConfigurations)
            }
            Parameter::SchemaRegistryUri
            | Parameter::EventRecordFormat
            | Parameter::AccessConfigs
            | Parameter::RegistryAccessType(_)
            | Parameter::RegistryAccessUri(_)
            | Parameter::SchemaValidationConfigs
            | Parameter::SchemaValidationAttribute(_) => self.takes(Parameter::SchemaRegistryConfig),
        }
    }
}

#[cfg(test)]
mod tests;
