//! An event source mapping, checked: what it reads from, and what it does with the records.

use super::arn::{Arn, StreamArn, StreamKind};
use super::kafka::{KafkaCluster, KafkaSettings, KafkaSource};
use super::limits::KAFKA_ATTEMPTS_WITH_DESTINATION_MAX;
use super::on_failure::OnFailure;
use super::settings::MappingSettings;
use pelton_core::Timestamp;
use pelton_core::filter;
use pelton_core::starting_position::StartingPosition;
use std::fmt;
use std::time::Duration;

/// One event source mapping. Its settings are those that AWS takes with its source: whoever has one need not check them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Names the mapping in the store, logs and metrics: the logical id that CloudFormation would give it.
    pub id: MappingId,
    /// Logical id of its function.
    pub function: String,
    /// Enabled.
    pub enabled: bool,
    /// Where it reads from, and the settings that not every source has.
    pub source: EventSource,
    /// BatchSize.
    pub batch_size: u32,
    /// MaximumBatchingWindowInSeconds.
    pub batching_window: Duration,
    /// Whether FunctionResponseTypes has ReportBatchItemFailures.
    pub report_batch_item_failures: bool,
    /// FilterCriteria: the texts of its patterns, each of which compiles; none: every record is delivered.
    pub filter_patterns: Vec<String>,
    /// DestinationConfig.OnFailure.Destination; `None`: records that are given up are only said loudly.
    pub on_failure: Option<OnFailure>,
}

impl Mapping {
    /// A mapping of a stream with AWS's defaults.
    #[must_use]
    pub fn new(
        id: MappingId,
        function: String,
        stream: StreamArn,
        starting_position: StartingPosition,
    ) -> Self {
        let given = MappingSettings { starting_position: Some("LATEST".to_owned()), ..Default::default() };
        let names = MappingNames { id, function, stack: String::new() };
        let checked = given.check(names, ReadsFrom::Stream(stream), Timestamp::from_millis(0));
        let mut mapping = checked.expect("AWS takes its own defaults");
        if let Some(shards) = mapping.source.shards_mut() {
            shards.starting_position = starting_position;
        }
        mapping
    }

    /// How often a batch that failed is tried again; `None`: until its records expire. AWS caps the attempts of a Kafka mapping that
    /// has a destination and no limit of its own.
    #[must_use]
    pub fn maximum_retry_attempts(&self) -> Option<u32> {
        match &self.source {
            EventSource::Kinesis { shards, .. } | EventSource::DynamoDb { shards, .. } => {
                shards.maximum_retry_attempts
            }
            EventSource::Kafka(KafkaSettings { maximum_retry_attempts: None, .. }) => {
                self.on_failure.as_ref().map(|_| KAFKA_ATTEMPTS_WITH_DESTINATION_MAX)
            }
            EventSource::Kafka(KafkaSettings { maximum_retry_attempts, .. }) => *maximum_retry_attempts,
            EventSource::Sqs(_) => None,
        }
    }
}

/// What a mapping and what belongs to it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingNames {
    /// The mapping itself.
    pub id: MappingId,
    /// Logical id of its function.
    pub function: String,
    /// `AWS::StackName` of its template.
    pub stack: String,
}

/// Names a mapping: its logical id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MappingId(pub String);

impl fmt::Display for MappingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a mapping reads from, with the settings that only such a source has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there are as many as a template has mappings")]
pub enum EventSource {
    /// A Kinesis stream.
    Kinesis {
        /// The stream.
        stream: StreamArn,
        /// What is asked of each of its shards.
        shards: ShardSettings,
    },
    /// The stream of a DynamoDB table.
    DynamoDb {
        /// The stream.
        stream: StreamArn,
        /// What is asked of each of its shards.
        shards: ShardSettings,
    },
    /// A topic of Kafka.
    Kafka(KafkaSettings),
    /// A queue of SQS.
    Sqs(SqsSettings),
}

impl EventSource {
    /// A stream, whose ARN tells which kind of source it is.
    #[must_use]
    pub fn of_stream(stream: StreamArn, shards: ShardSettings) -> Self {
        match stream.kind {
            StreamKind::Kinesis => Self::Kinesis { stream, shards },
            StreamKind::DynamoDb { .. } => Self::DynamoDb { stream, shards },
        }
    }

    /// Which kind of source it is.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Kinesis { .. } => SourceKind::Kinesis,
            Self::DynamoDb { .. } => SourceKind::DynamoDb,
            Self::Kafka(_) => SourceKind::Kafka,
            Self::Sqs(_) => SourceKind::Sqs,
        }
    }

    /// Its name, for people: of the stream, the table, the topic, the queue.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Kinesis { stream, .. } | Self::DynamoDb { stream, .. } => &stream.name,
            Self::Kafka(KafkaSettings { topic, .. }) => topic,
            Self::Sqs(SqsSettings { queue, .. }) => &queue.resource,
        }
    }

    /// Its ARN, which a cluster that somebody manages does not have.
    #[must_use]
    pub fn arn(&self) -> Option<String> {
        match self {
            Self::Kafka(KafkaSettings { cluster, .. }) => cluster.arn().map(ToString::to_string),
            Self::Kinesis { .. } | Self::DynamoDb { .. } | Self::Sqs(_) => Some(self.to_string()),
        }
    }

    /// The stream, of a source that lists its shards.
    #[must_use]
    pub fn stream(&self) -> Option<&StreamArn> {
        match self {
            Self::Kinesis { stream, .. } | Self::DynamoDb { stream, .. } => Some(stream),
            Self::Kafka(_) | Self::Sqs(_) => None,
        }
    }

    /// Where a mapping begins; `None`: a queue has no positions.
    #[must_use]
    pub fn starting_position(&self) -> Option<StartingPosition> {
        match self {
            Self::Kinesis { shards, .. } | Self::DynamoDb { shards, .. } => Some(shards.starting_position),
            Self::Kafka(KafkaSettings { starting_position, .. }) => Some(*starting_position),
            Self::Sqs(_) => None,
        }
    }

    /// What is asked of each shard, of a source that lists them.
    #[must_use]
    pub fn shards(&self) -> Option<&ShardSettings> {
        match self {
            Self::Kinesis { shards, .. } | Self::DynamoDb { shards, .. } => Some(shards),
            Self::Kafka(_) | Self::Sqs(_) => None,
        }
    }

    /// The same, to change it.
    pub fn shards_mut(&mut self) -> Option<&mut ShardSettings> {
        match self {
            Self::Kinesis { shards, .. } | Self::DynamoDb { shards, .. } => Some(shards),
            Self::Kafka(_) | Self::Sqs(_) => None,
        }
    }
}

impl fmt::Display for EventSource {
    /// Its ARN; of a cluster that somebody manages, its bootstrap servers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kinesis { stream, .. } | Self::DynamoDb { stream, .. } => stream.fmt(f),
            Self::Kafka(KafkaSettings { cluster: KafkaCluster::Msk { arn, .. }, .. }) => arn.fmt(f),
            Self::Kafka(KafkaSettings {
                cluster: KafkaCluster::SelfManaged { bootstrap_servers }, ..
            }) => bootstrap_servers.fmt(f),
            Self::Sqs(SqsSettings { queue, .. }) => queue.fmt(f),
        }
    }
}

/// A kind of event source: each has a table of its own of what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Kinesis streams.
    Kinesis,
    /// Streams of DynamoDB tables.
    DynamoDb,
    /// Kafka: MSK and self-managed.
    Kafka,
    /// Queues of SQS.
    Sqs,
}

impl SourceKind {
    /// How filters see its records.
    #[must_use]
    pub fn records(self) -> filter::Source {
        match self {
            Self::Kinesis => filter::Source::Kinesis,
            Self::DynamoDb => filter::Source::DynamoDb,
            Self::Kafka => filter::Source::Kafka,
            Self::Sqs => filter::Source::Sqs,
        }
    }
}

/// What a mapping reads from, before its settings are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadsFrom {
    /// EventSourceArn: a stream of Kinesis or of a DynamoDB table.
    Stream(StreamArn),
    /// EventSourceArn or SelfManagedEventSource: a cluster, of which Topics names the topic.
    Kafka(KafkaSource),
    /// EventSourceArn: a queue.
    Sqs(Arn),
}

impl ReadsFrom {
    /// Which kind of source it is.
    #[must_use]
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Stream(StreamArn { kind: StreamKind::Kinesis, .. }) => SourceKind::Kinesis,
            Self::Stream(StreamArn { kind: StreamKind::DynamoDb { .. }, .. }) => SourceKind::DynamoDb,
            Self::Kafka(_) => SourceKind::Kafka,
            Self::Sqs(_) => SourceKind::Sqs,
        }
    }
}

/// What Kinesis and DynamoDB streams have in common: what is asked of each shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardSettings {
    /// StartingPosition; `AtTimestamp` only of a Kinesis stream.
    pub starting_position: StartingPosition,
    /// ParallelizationFactor.
    pub parallelization_factor: u32,
    /// BisectBatchOnFunctionError.
    pub bisect_batch_on_function_error: bool,
    /// MaximumRetryAttempts; `None` (-1): until the record expires.
    pub maximum_retry_attempts: Option<u32>,
    /// MaximumRecordAgeInSeconds; `None` (-1): no limit but the stream's retention.
    pub maximum_record_age: Option<Duration>,
    /// TumblingWindowInSeconds; `None` (0): no windows. Only with a factor of 1.
    pub tumbling_window: Option<Duration>,
}

/// A queue of SQS, and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqsSettings {
    /// The queue.
    pub queue: Arn,
    /// ScalingConfig.MaximumConcurrency; `None`: no limit of the mapping's own.
    pub maximum_concurrency: Option<u32>,
    /// ProvisionedPollerConfig; `None`: on-demand mode.
    pub pollers: Option<ProvisionedPollers>,
}

/// ProvisionedPollerConfig: how many pollers AWS keeps ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionedPollers {
    /// MinimumPollers.
    pub minimum: u32,
    /// MaximumPollers.
    pub maximum: u32,
    /// PollerGroupName: mappings that share their pollers.
    pub group: Option<String>,
}
