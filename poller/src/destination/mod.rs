//! On-failure destinations: where records go that were given up (specification 4.5).
//!
//! In: what a mapping names as its destination. Out: the [`Destination`] port. Each delivery is tried once; whether and when it is
//! tried again, others decide. Clients are made when they are first needed, and shared by all mappings: a destination that is not
//! to be had at start may be later.

mod failure;
mod file;
mod lazy;
mod origin;
mod s3;
mod sns;
mod sqs;

pub use origin::Origin;

use crate::aws::{AwsOptions, Service};
use crate::clock::Clock;
use crate::model::OnFailure;
use crate::ports::{Cause, Destination, DestinationError};
use file::LineFile;
use lazy::Lazy;
use s3::{Bucket, Buckets};
use sns::{Topic, Topics};
use sqs::{Queue, Queues};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Whole events that are on their way at the same time, of all shards together. Each takes its size twice: 20 MB and more.
const PAYLOADS_AT_ONCE_MAX: usize = 4;

/// Makes destinations. Those of one service and region share their connections.
pub struct Destinations {
    aws: AwsOptions,
    clock: Clock,
    queues: BTreeMap<String, Arc<Lazy<Queues>>>,
    topics: BTreeMap<String, Arc<Lazy<Topics>>>,
    buckets: Option<Arc<Lazy<Buckets>>>,
    turns: Turns,
}

impl Destinations {
    /// Queues and topics are asked in the region that their ARN names, buckets in that of the options.
    #[must_use]
    pub fn new(aws: AwsOptions, clock: Clock) -> Self {
        let (queues, topics, turns) = (BTreeMap::new(), BTreeMap::new(), Turns::default());
        Self { aws, clock, queues, topics, buckets: None, turns }
    }

    /// A file of Pelton's own, whose folder is made when it is first needed.
    #[must_use]
    pub fn open_local(&self, path: &Path, origin: Origin) -> Arc<dyn Destination> {
        Arc::new(LineFile::with_folder(path, origin, self.turns.clone(), self.clock.clone()))
    }

    /// The destination that a mapping names. Calls nobody.
    pub fn open(&mut self, named: &OnFailure, origin: Origin) -> Arc<dyn Destination> {
        match named {
            OnFailure::Sqs(arn) => {
                let lazy =
                    || Arc::new(Lazy::new(sqs::SERVICE, in_region(&self.aws, &arn.region), Queues::new));
                let queues = self.queues.entry(arn.region.clone()).or_insert_with(lazy);
                Arc::new(Queue::new(arn, Arc::clone(queues), origin))
            }
            OnFailure::Sns(arn) => {
                let lazy =
                    || Arc::new(Lazy::new(sns::SERVICE, in_region(&self.aws, &arn.region), Topics::new));
                let topics = self.topics.entry(arn.region.clone()).or_insert_with(lazy);
                Arc::new(Topic::new(arn, Arc::clone(topics), origin))
            }
            OnFailure::S3(bucket) => {
                let lazy = || Arc::new(Lazy::new(s3::SERVICE, self.aws.clone(), Buckets::new));
                let buckets = self.buckets.get_or_insert_with(lazy);
                Arc::new(Bucket::new(&bucket.resource, Arc::clone(buckets), origin, self.turns.clone()))
            }
            OnFailure::Kafka { topic } => {
                unreachable!("only a mapping of Kafka names the topic {topic}, and none runs")
            }
            OnFailure::File(path) => {
                Arc::new(LineFile::new(path, origin, self.turns.clone(), self.clock.clone()))
            }
        }
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
            Self::Queues => sqs::SERVICE,
            Self::Topics => sns::SERVICE,
            Self::Buckets => s3::SERVICE,
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

fn in_region(aws: &AwsOptions, region: &str) -> AwsOptions {
    AwsOptions { region: Some(region.to_owned()), ..aws.clone() }
}

fn error(destination: &impl ToString, source: impl Into<Cause>) -> DestinationError {
    DestinationError { destination: destination.to_string(), source: source.into() }
}
