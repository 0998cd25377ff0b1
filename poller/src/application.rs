//! What a template describes, checked: functions, streams, and event source mappings with AWS's names, ranges and
//! defaults. The one door for configuration: whoever holds one of these need not check it again.

use pelton_core::plan::StartingPosition;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that one template asks Pelton to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The folder of the template; relative paths start here.
    pub root: PathBuf,
    /// The account that it is in, 12 digits; zeros if nobody says which.
    pub account: String,
    /// Every function of the template, by logical id.
    pub functions: BTreeMap<String, Function>,
    /// Every Kinesis stream that the template itself makes, by logical id.
    pub streams: BTreeMap<String, Stream>,
    /// Every event source mapping, in the order of the template.
    pub mappings: Vec<Mapping>,
}

/// A function whose handler runs as a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// FunctionName, or the logical id.
    pub name: String,
    /// Folder of its code, absolute.
    pub code_uri: PathBuf,
    /// `Handler`; `bootstrap` for `provided.*` runtimes.
    pub handler: String,
    /// `Runtime`, such as `provided.al2023`. `None`: it is a container image, which has neither runtime, handler nor folder.
    pub runtime: Option<String>,
    /// How to build it, from `Metadata`.
    pub build: Option<BuildMethod>,
    /// Timeout: 1 to 900 s, default 3 s.
    pub timeout: Duration,
    /// MemorySize in MB: 128 to 10,240, default 128. Reported, not enforced.
    pub memory_size_mb: u32,
    /// Environment.Variables.
    pub environment: BTreeMap<String, String>,
    /// ReservedConcurrentExecutions: most concurrent invocations; 0 throttles every one.
    pub reserved_concurrency: Option<u32>,
    /// ARN of the execution role that the function would have on AWS; shown in events as `invokeIdentityArn`.
    pub role_arn: String,
}

impl Function {
    /// Whether AWS runs it with a runtime of its own, and not with the function's `bootstrap`.
    #[must_use]
    pub fn has_managed_runtime(&self) -> bool {
        self.runtime.as_ref().is_some_and(|runtime| !runtime.starts_with("provided"))
    }

    /// Whether it is a container image (`PackageType: Image`), which cannot run here.
    #[must_use]
    pub fn is_image(&self) -> bool {
        self.runtime.is_none()
    }

    /// Its ARN in a region, in the partition and account of its execution role.
    #[must_use]
    pub fn arn(&self, region: &str) -> String {
        let mut role = self.role_arn.split(':');
        let partition = role.nth(1).unwrap_or("aws");
        let account = role.nth(2).unwrap_or("000000000000");
        format!("arn:{partition}:lambda:{region}:{account}:function:{}", self.name)
    }
}

/// `Metadata.BuildMethod` of a function, as far as Pelton can build it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildMethod {
    /// `rust-cargolambda`: a cargo package, and the binary of it (`BuildProperties.Binary`).
    RustCargoLambda {
        /// The binary's name; `None`: the package's only one.
        binary: Option<String>,
    },
}

/// A Kinesis stream that the template makes (`AWS::Kinesis::Stream`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name in the template.
    pub logical_id: String,
    /// `Name`, or the logical id.
    pub name: String,
    /// ShardCount; 4 for an on-demand stream.
    pub shard_count: u32,
    /// RetentionPeriodHours: 24 to 8,760, default 24.
    pub retention_hours: u32,
    /// MaxRecordSizeInKiB: 1,024 to 10,240, default 1,024.
    pub record_kib_max: u32,
}

/// One event source mapping of a Kinesis stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Names the mapping in the store, logs and metrics: the logical id that CloudFormation would give it.
    pub id: MappingId,
    /// Logical id of its function.
    pub function: String,
    /// The stream.
    pub stream: StreamArn,
    /// Enabled, default true.
    pub enabled: bool,
    /// StartingPosition.
    pub starting_position: StartingPosition,
    /// BatchSize: 1 to 10,000, default 100.
    pub batch_size: u32,
    /// MaximumBatchingWindowInSeconds: 0 to 300 s, default 0.
    pub batching_window: Duration,
    /// ParallelizationFactor: 1 to 10, default 1.
    pub parallelization_factor: u32,
    /// BisectBatchOnFunctionError, default false.
    pub bisect_batch_on_function_error: bool,
    /// MaximumRetryAttempts: 0 to 10,000; `None` (-1, the default): until the record expires.
    pub maximum_retry_attempts: Option<u32>,
    /// MaximumRecordAgeInSeconds: 60 to 604,800 s; `None` (-1, the default): no limit but the stream's retention.
    pub maximum_record_age: Option<Duration>,
    /// TumblingWindowInSeconds: 1 to 900 s; `None` (0, the default): no windows. Only with a factor of 1.
    pub tumbling_window: Option<Duration>,
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
        Self {
            id,
            function,
            stream,
            enabled: true,
            starting_position,
            batch_size: 100,
            batching_window: Duration::ZERO,
            parallelization_factor: 1,
            bisect_batch_on_function_error: false,
            maximum_retry_attempts: None,
            maximum_record_age: None,
            tumbling_window: None,
            report_batch_item_failures: false,
            filter_patterns: Vec::new(),
            on_failure: None,
        }
    }
}

/// Where records go that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// A standard queue, by its ARN.
    Sqs(String),
    /// A standard topic, by its ARN.
    Sns(String),
    /// A bucket, by its name.
    S3 {
        /// The bucket's name.
        bucket: String,
    },
    /// A file of JSON lines, for local use: `file:PATH`. Absolute here; relative paths start at the template's folder.
    File(PathBuf),
}

impl std::fmt::Display for OnFailure {
    /// As the template names it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqs(arn) | Self::Sns(arn) => f.write_str(arn),
            Self::S3 { bucket } => write!(f, "arn:aws:s3:::{bucket}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Names a mapping: its logical id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MappingId(pub String);

impl std::fmt::Display for MappingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// `arn:PARTITION:kinesis:REGION:ACCOUNT:stream/NAME`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamArn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// `us-east-1`
    pub region: String,
    /// 12 digits.
    pub account: String,
    /// The stream's name.
    pub name: String,
}

impl std::fmt::Display for StreamArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition, region, account, name } = self;
        write!(f, "arn:{partition}:kinesis:{region}:{account}:stream/{name}")
    }
}
