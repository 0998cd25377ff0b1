//! Queues, topics and buckets of AWS, and of what stands for it.
//!
//! Clients are made when they are first needed, and shared by all mappings: a destination that is not to be had at start may be
//! later.

mod call_error;
mod lazy;
mod s3;
mod sns;
mod sqs;

use super::{Origin, Takes, Turns, error};
use crate::aws::AwsOptions;
use crate::errors::NotInThisBuild;
use crate::ports::Destination;
use lazy::Lazy;
use pelton_model::Arn;
use s3::{Bucket, Buckets};
use sns::{Topic, Topics};
use sqs::{Queue, Queues};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Makes destinations that are services. Those of one service and region share their connections.
pub(super) struct Services {
    aws: AwsOptions,
    queues: BTreeMap<String, Arc<Lazy<Queues>>>,
    topics: BTreeMap<String, Arc<Lazy<Topics>>>,
    buckets: Option<Arc<Lazy<Buckets>>>,
}

impl Services {
    /// Queues and topics are asked in the region that their ARN names, buckets in that of the options.
    pub(super) fn new(aws: AwsOptions) -> Self {
        Self { aws, queues: BTreeMap::new(), topics: BTreeMap::new(), buckets: None }
    }

    /// The queue, topic or bucket of this ARN. Calls nobody.
    pub(super) fn open(
        &mut self,
        takes: Takes,
        arn: &Arn,
        origin: Origin,
        turns: &Turns,
    ) -> Result<Arc<dyn Destination>, NotInThisBuild> {
        Ok(match takes {
            Takes::Queues => {
                let lazy =
                    || Arc::new(Lazy::new(takes.service(), in_region(&self.aws, &arn.region), Queues::new));
                let queues = self.queues.entry(arn.region.clone()).or_insert_with(lazy);
                Arc::new(Queue::new(arn, Arc::clone(queues), origin))
            }
            Takes::Topics => {
                let lazy =
                    || Arc::new(Lazy::new(takes.service(), in_region(&self.aws, &arn.region), Topics::new));
                let topics = self.topics.entry(arn.region.clone()).or_insert_with(lazy);
                Arc::new(Topic::new(arn, Arc::clone(topics), origin))
            }
            Takes::Buckets => {
                let lazy = || Arc::new(Lazy::new(takes.service(), self.aws.clone(), Buckets::new));
                let buckets = self.buckets.get_or_insert_with(lazy);
                Arc::new(Bucket::new(&arn.resource, Arc::clone(buckets), origin, turns.clone()))
            }
        })
    }
}

fn in_region(aws: &AwsOptions, region: &str) -> AwsOptions {
    AwsOptions { region: Some(region.to_owned()), ..aws.clone() }
}
