//! The on-failure destinations of a poller's mappings.
//!
//! One that does not work is said as soon as that shows, and refuses no start: until a record is given up it may work again, and
//! what a look takes (such as sqs:GetQueueUrl) is not all that a delivery takes.

use super::functions::Functions;
use crate::application::{Application, Mapping, MappingId};
use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::destination::{Destinations, Origin};
use crate::errors::chain;
use crate::ports::Destination;
use crate::supervisor::Endpoint;
use futures_util::StreamExt as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::warn;

/// Destinations that are looked at at the same time.
const LOOKED_AT_ONCE_MAX: usize = 16;

/// Makes the destinations of mappings, and keeps them.
pub(super) struct OnFailureDestinations {
    destinations: Destinations,
    /// By logical id.
    function_arns: BTreeMap<String, String>,
    opened: Vec<(MappingId, Arc<dyn Destination>)>,
}

impl OnFailureDestinations {
    /// Those of the application's mappings. The embedded stream knows no other service than Kinesis: where the stream is that one,
    /// the standard AWS chain says where queues, topics and buckets are.
    pub(super) fn new(
        application: &Application,
        functions: &Functions,
        aws: AwsOptions,
        (endpoint, region): (Endpoint, &str),
        clock: &Clock,
    ) -> Self {
        let arn = |id: &String| (id.clone(), functions.arn(&application.functions[id], region));
        let aws = match endpoint {
            Endpoint::Other => aws,
            Endpoint::InProcess | Endpoint::Embedded => AwsOptions { endpoint_url: None, ..aws },
        };
        Self {
            destinations: Destinations::new(aws, clock.clone()),
            function_arns: application.functions.keys().map(arn).collect(),
            opened: Vec::new(),
        }
    }

    /// That of a mapping whose stream calls itself by this ARN; `None`: it names none.
    pub(super) fn open(&mut self, mapping: &Mapping, stream_arn: &str) -> Option<Arc<dyn Destination>> {
        let named = mapping.on_failure.as_ref()?;
        let origin = Origin::kinesis(&mapping.id, stream_arn, &self.function_arns[&mapping.function]);
        let destination = self.destinations.open(named, origin);
        self.opened.push((mapping.id.clone(), Arc::clone(&destination)));
        Some(destination)
    }

    /// Looks at all that were opened, and says which do not look as if they worked. Cancelling is safe.
    pub(super) async fn look(&self) {
        let look = async |(mapping, destination): &(MappingId, Arc<dyn Destination>)| {
            if let Err(error) = destination.check().await {
                let error = chain(&error);
                warn!(%mapping, error, "the on-failure destination does not work: records given up would be dropped");
            }
        };
        futures_util::stream::iter(&self.opened).for_each_concurrent(LOOKED_AT_ONCE_MAX, look).await;
    }
}
