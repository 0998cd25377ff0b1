//! Where records go that are given up: `DestinationConfig.OnFailure.Destination` (specification 1.1, 4.5).

use super::arn::{Arn, consists_of};
use std::fmt;
use std::path::{Path, PathBuf};

/// Before the path of a file: Pelton's own kind of destination.
const FILE: &str = "file:";
/// Before the name of a topic of Kafka.
const KAFKA: &str = "kafka://";

/// Where records go that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// A standard queue.
    Sqs(Arn),
    /// A standard topic.
    Sns(Arn),
    /// A bucket.
    S3(Arn),
    /// A topic of the cluster that the mapping reads from.
    Kafka {
        /// The topic's name.
        topic: String,
    },
    /// A file of JSON lines, for local use: `file:PATH`.
    File(PathBuf),
}

/// A kind of destination: not every source takes every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationKind {
    /// Standard queues of SQS.
    Sqs,
    /// Standard topics of SNS.
    Sns,
    /// Buckets of S3.
    S3,
    /// Topics of the mapping's own cluster.
    Kafka,
    /// Files: Pelton's own.
    File,
}

/// Why a text names no destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDestination {
    /// Nothing that takes failed records.
    Unknown,
    /// A queue or topic that keeps an order: AWS's deliveries to it fail.
    Fifo,
    /// `file:` without the path of a file.
    NoFile,
}

impl OnFailure {
    /// The destination that a text names.
    ///
    /// # Errors
    ///
    /// If it names none.
    pub fn named(text: &str) -> Result<Self, NoDestination> {
        if let Some(path) = text.strip_prefix(FILE) {
            let is_file = !path.is_empty() && !path.ends_with('/');
            return if is_file { Ok(Self::File(path.into())) } else { Err(NoDestination::NoFile) };
        }
        if let Some(topic) = text.strip_prefix(KAFKA).filter(|topic| !topic.is_empty()) {
            return Ok(Self::Kafka { topic: topic.to_owned() });
        }
        let arn: Arn = text.parse().map_err(|_| NoDestination::Unknown)?;
        let name = arn.resource.strip_suffix(".fifo").unwrap_or(&arn.resource);
        let is_named = arn.is_regional() && consists_of(name, "-_");
        match arn.service.as_str() {
            "sqs" | "sns" if is_named && arn.is_fifo() => Err(NoDestination::Fifo),
            "sqs" if is_named => Ok(Self::Sqs(arn)),
            "sns" if is_named => Ok(Self::Sns(arn)),
            "s3" if is_bucket(&arn) => Ok(Self::S3(arn)),
            _ => Err(NoDestination::Unknown),
        }
    }

    /// What kind of destination it is.
    #[must_use]
    pub fn kind(&self) -> DestinationKind {
        match self {
            Self::Sqs(_) => DestinationKind::Sqs,
            Self::Sns(_) => DestinationKind::Sns,
            Self::S3(_) => DestinationKind::S3,
            Self::Kafka { .. } => DestinationKind::Kafka,
            Self::File(_) => DestinationKind::File,
        }
    }

    /// The same, where the path of a file is seen from this folder.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path).components().collect()),
            other @ (Self::Sqs(_) | Self::Sns(_) | Self::S3(_) | Self::Kafka { .. }) => other,
        }
    }
}

/// Region and account of a bucket's ARN are empty.
fn is_bucket(arn: &Arn) -> bool {
    let is_global = arn.region.is_empty() && arn.account.is_empty();
    is_global && consists_of(&arn.partition, "-") && consists_of(&arn.resource, "-.")
}

impl fmt::Display for OnFailure {
    /// As a mapping names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqs(arn) | Self::Sns(arn) | Self::S3(arn) => arn.fmt(f),
            Self::Kafka { topic } => write!(f, "{KAFKA}{topic}"),
            Self::File(path) => write!(f, "{FILE}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<DestinationKind, NoDestination>) {
        let named = OnFailure::named(text);
        assert_eq!(named.as_ref().map(OnFailure::kind).map_err(|error| *error), expected);
        if let Ok(named) = named {
            assert_eq!(named.to_string(), text);
        }
    }

    #[test]
    fn a_destination_is_told_by_its_arn_or_by_what_stands_before_it() {
        check("arn:aws:sqs:eu-west-1:123456789012:rejected", Ok(DestinationKind::Sqs));
        check("arn:aws-cn:sns:cn-north-1:123456789012:alerts", Ok(DestinationKind::Sns));
        check("arn:aws-cn:s3:::kept.orders", Ok(DestinationKind::S3));
        check("kafka://failed", Ok(DestinationKind::Kafka));
        check("file:failed.jsonl", Ok(DestinationKind::File));
    }

    #[test]
    fn what_takes_no_failed_records_is_no_destination() {
        for text in [
            "",
            "rejected",
            "kafka://",
            "arn:aws:lambda:eu-west-1:123456789012:function:f",
            "arn:aws:sqs:eu-west-1:1234:q",
            "arn:aws:sqs:eu-west-1:123456789012:",
            "arn:aws:sqs:eu-west-1:123456789012:a.b",
            "arn:aws:sqs:eu-west-1:123456789012:a:b",
            "arn:aws:s3:::bucket/prefix",
            "arn:aws:s3:eu-west-1::bucket",
        ] {
            check(text, Err(NoDestination::Unknown));
        }
        check("arn:aws:sqs:eu-west-1:123456789012:rejected.fifo", Err(NoDestination::Fifo));
        check("arn:aws:sns:eu-west-1:123456789012:alerts.fifo", Err(NoDestination::Fifo));
        check("file:", Err(NoDestination::NoFile));
        check("file:out/", Err(NoDestination::NoFile));
    }
}
