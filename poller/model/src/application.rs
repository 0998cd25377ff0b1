//! Functions and streams, and all that one template asks for.

use super::arn::{Arn, NO_ACCOUNT};
use super::mapping::Mapping;
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
    /// The tables of the template whose streams its mappings read, by logical id.
    pub tables: BTreeMap<String, Table>,
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

impl Application {
    /// The mappings that run.
    pub fn enabled(&self) -> impl Iterator<Item = &Mapping> {
        self.mappings.iter().filter(|mapping| mapping.enabled)
    }
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
        let role = self.role_arn.parse::<Arn>().ok();
        let (partition, account) = role
            .map_or_else(|| ("aws".to_owned(), NO_ACCOUNT.to_owned()), |role| (role.partition, role.account));
        let (service, resource) = ("lambda".to_owned(), format!("function:{}", self.name));
        Arn { partition, service, region: region.to_owned(), account, resource }.to_string()
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

/// A DynamoDB table of the template whose stream a mapping reads (`AWS::DynamoDB::Table`, `AWS::DynamoDB::GlobalTable`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name in the template.
    pub logical_id: String,
    /// TableName, or a name made of the logical id.
    pub name: String,
    /// StreamSpecification.StreamViewType: what its records hold beside the keys. The mapping takes them as they are.
    pub stream_view_type: &'static str,
    /// What CreateTable takes of its properties: KeySchema, AttributeDefinitions, indexes. `None`: the template does not tell
    /// them all.
    pub schema: Option<serde_json::Map<String, serde_json::Value>>,
}
