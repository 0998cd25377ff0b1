//! On-failure destinations: where records go that were given up (specification 4.5).
//!
//! In: what a mapping names as its destination. Out: the [`Destination`] port. Each delivery is tried once; whether and when it is
//! tried again, others decide.

mod file;
#[cfg(any(test, not(feature = "aws")))]
mod no_services;
mod origin;
#[cfg(feature = "aws")]
mod services;
#[cfg(feature = "kafka")]
mod topic;

pub use origin::Origin;

use crate::aws::{AwsOptions, Service};
use crate::clock::Clock;
use crate::errors::NotInThisBuild;
#[cfg(feature = "kafka")]
use crate::kafka_access::Brokers;
use crate::ports::{Cause, Destination, DestinationError};
use file::LineFile;
#[cfg(not(feature = "aws"))]
use no_services::Services;
use pelton_model::OnFailure;
#[cfg(feature = "aws")]
use services::Services;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Whole events that are on their way at the same time, of all shards together. Each takes its size twice: 20 MB and more.
const PAYLOADS_AT_ONCE_MAX: usize = 4;

/// A message has no more than the names of things.
const QUEUES: Service =
    Service { id: "SQS", host: "sqs", call_timeout: Duration::from_secs(10), connections_max: 16 };

/// A message has no more than the names of things: far below the 256 KB that SNS takes.
const TOPICS: Service =
    Service { id: "SNS", host: "sns", call_timeout: Duration::from_secs(10), connections_max: 16 };

/// An object has an event in it: up to 6 MB, and more of a record that is too large for one.
const BUCKETS: Service =
    Service { id: "S3", host: "s3", call_timeout: Duration::from_secs(60), connections_max: 16 };

/// Makes destinations.
pub struct Destinations {
    services: Services,
    clock: Clock,
    turns: Turns,
}

impl Destinations {
    /// Queues and topics are asked in the region that their ARN names, buckets in that of the options.
    #[must_use]
    pub fn new(aws: AwsOptions, clock: Clock) -> Self {
        Self { services: Services::new(aws), clock, turns: Turns::default() }
    }

    /// A file of Pelton's own, whose folder is made when it is first needed.
    #[must_use]
    pub fn open_local(&self, path: &Path, origin: Origin) -> Arc<dyn Destination> {
        Arc::new(LineFile::with_folder(path, origin, self.turns.clone(), self.clock.clone()))
    }

    /// A topic of these brokers.
    #[cfg(feature = "kafka")]
    #[must_use]
    pub(crate) fn open_topic(&self, topic: &str, brokers: Brokers, origin: Origin) -> Arc<dyn Destination> {
        Arc::new(topic::Topic::new(topic, brokers, origin, self.turns.clone()))
    }

    /// The destination that a mapping names, which is no topic. Calls nobody. Fails only in a build without the feature `aws`.
    pub fn open(
        &mut self,
        named: &OnFailure,
        origin: Origin,
    ) -> Result<Arc<dyn Destination>, NotInThisBuild> {
        let (takes, arn) = match named {
            OnFailure::Sqs(arn) => (Takes::Queues, arn),
            OnFailure::Sns(arn) => (Takes::Topics, arn),
            OnFailure::S3(bucket) => (Takes::Buckets, bucket),
            OnFailure::Kafka { topic } => {
                unreachable!("the topic {topic} is of the cluster that the mapping reads from")
            }
            OnFailure::File(path) => {
                let file = LineFile::new(path, origin, self.turns.clone(), self.clock.clone());
                return Ok(Arc::new(file));
            }
        };
        self.services.open(takes, arn, origin, &self.turns)
    }
}

/// A service of AWS that takes records that were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Takes {
    /// SQS
    Queues,
    /// SNS
    Topics,
    /// S3
    Buckets,
}

impl Takes {
    /// The service that a mapping names; `None`: none of AWS.
    #[must_use]
    pub fn of(named: &OnFailure) -> Option<Self> {
        match named {
            OnFailure::Sqs(_) => Some(Self::Queues),
            OnFailure::Sns(_) => Some(Self::Topics),
            OnFailure::S3(_) => Some(Self::Buckets),
            OnFailure::Kafka { .. } | OnFailure::File(_) => None,
        }
    }

    /// How it is called.
    #[must_use]
    pub fn service(self) -> Service {
        match self {
            Self::Queues => QUEUES,
            Self::Topics => TOPICS,
            Self::Buckets => BUCKETS,
        }
    }
}

/// Lets in whoever is to make a whole event into a text, a few at a time: shards that give up at the same moment take no more
/// memory than these. Clones are the same door.
#[derive(Clone)]
struct Turns(Arc<Semaphore>);

impl Turns {
    /// Waits for a turn, which ends with the permit. Cancelling is safe.
    async fn wait(&self) -> SemaphorePermit<'_> {
        self.0.acquire().await.expect("the limit on payloads is never closed")
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PAYLOADS_AT_ONCE_MAX)))
    }
}

fn error(destination: &impl ToString, source: impl Into<Cause>) -> DestinationError {
    DestinationError { destination: destination.to_string(), source: source.into() }
}
