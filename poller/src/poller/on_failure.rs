//! The on-failure destinations of a poller's mappings.
//!
//! One that does not work is said as soon as that shows, and refuses no start: until a record is given up it may work again, and
//! what a look takes (such as sqs:GetQueueUrl) is not all that a delivery takes.
//!
//! Where the stream is on this machine, records go to AWS only if the command line, the environment or the profile says so: else
//! they go to files in the data folder.

use super::functions::Functions;
use super::settings::DestinationsAt;
use crate::aws::{AwsOptions, EndpointKind, endpoint_named};
use crate::clock::Clock;
use crate::data_dir::DataDir;
use crate::destination::{Destinations, Origin, Takes};
use crate::errors::chain;
#[cfg(feature = "kafka")]
use crate::kafka_access::Brokers;
use crate::ports::Destination;
use crate::source::{Sources, StreamsAt, embedded};
use crate::user_error::UserError;
use futures_util::StreamExt as _;
use pelton_model::{Application, BootstrapServers, EventSource, Mapping, MappingId, OnFailure};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use tracing::{info, warn};

/// Destinations that are looked at at the same time.
const LOOKED_AT_ONCE_MAX: usize = 16;

/// What decides where failed records go.
pub(super) struct Surroundings<'a> {
    /// `--destinations`
    pub(super) chosen: Option<DestinationsAt>,
    /// Where the streams are.
    pub(super) streams_at: StreamsAt,
    /// Who the streams are read from.
    pub(super) sources: &'a Sources,
    /// Which AWS.
    pub(super) aws: AwsOptions,
    /// Where files of failed records are.
    pub(super) data_dir: &'a DataDir,
    pub(super) clock: &'a Clock,
}

/// Who takes the failed records of a mapping that names a queue, a topic or a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// What it names.
    Service,
    /// A file of the data folder.
    File,
}

/// Makes the destinations of mappings, and keeps them.
pub(super) struct OnFailureDestinations {
    destinations: Destinations,
    /// By logical id.
    function_arns: BTreeMap<String, String>,
    chosen: Option<DestinationsAt>,
    /// Whether an endpoint for queues, topics, buckets is named.
    named: BTreeMap<Takes, bool>,
    /// The mappings whose streams are on this machine.
    local: BTreeSet<MappingId>,
    /// Folder of the files.
    files: PathBuf,
    opened: Vec<(MappingId, Arc<dyn Destination>)>,
}

impl OnFailureDestinations {
    /// Those of the application's mappings. The embedded stream knows no other service than Kinesis: where the stream is that one,
    /// its endpoint is not that of queues, topics and buckets.
    pub(super) async fn new(
        application: &Application,
        functions: &Functions,
        surroundings: Surroundings<'_>,
    ) -> Self {
        let Surroundings { chosen, streams_at, sources, aws, data_dir, clock } = surroundings;
        let region = sources.kinesis.region();
        let arn = |id: &String| (id.clone(), functions.arn(&application.functions[id], region));
        let aws = match (streams_at, chosen) {
            (StreamsAt::Service, None) => aws,
            (StreamsAt::ThisProcess | StreamsAt::AnotherProcess, _) | (_, Some(DestinationsAt::Aws)) => {
                AwsOptions { endpoint_url: None, ..aws }
            }
        };
        let is_local = |mapping: &&Mapping| match &mapping.source {
            EventSource::Kafka(kafka) => {
                kafka.cluster.bootstrap_servers().is_some_and(BootstrapServers::are_local)
            }
            EventSource::Kinesis { .. } | EventSource::DynamoDb { .. } | EventSource::Sqs(_) => {
                sources.endpoint(mapping).is_some_and(|endpoint| endpoint.kind() == EndpointKind::Loopback)
            }
        };
        let local = application.mappings.iter().filter(is_local).map(|mapping| mapping.id.clone()).collect();
        let mut named = BTreeMap::new();
        for mapping in &application.mappings {
            let Some(takes) = mapping.on_failure.as_ref().and_then(Takes::of) else { continue };
            if let Entry::Vacant(vacant) = named.entry(takes) {
                vacant.insert(is_named(takes, &aws, clock).await);
            }
        }
        Self {
            destinations: Destinations::new(aws, clock.clone()),
            function_arns: application.functions.keys().map(arn).collect(),
            chosen,
            named,
            local,
            files: data_dir.failed(),
            opened: Vec::new(),
        }
    }

    /// That of a mapping whose failed records come from this origin, of its function's ARN; `None`: it names none. Says so if it is
    /// not the one that the mapping names.
    pub(super) fn open(
        &mut self,
        mapping: &Mapping,
        origin: impl FnOnce(&str) -> Origin,
    ) -> Result<Option<Arc<dyn Destination>>, UserError> {
        let Some(named) = &mapping.on_failure else { return Ok(None) };
        let origin = origin(&self.function_arns[&mapping.function]);
        let destination = self.opened_now(mapping, named, origin)?;
        self.opened.push((mapping.id.clone(), Arc::clone(&destination)));
        Ok(Some(destination))
    }

    /// The topic that a mapping names, of the brokers that it reads from.
    #[cfg(feature = "kafka")]
    pub(super) fn open_topic(
        &mut self,
        mapping: &Mapping,
        topic: &str,
        brokers: Brokers,
        origin: impl FnOnce(&str) -> Origin,
    ) -> Arc<dyn Destination> {
        let origin = origin(&self.function_arns[&mapping.function]);
        let destination = self.destinations.open_topic(topic, brokers, origin);
        self.opened.push((mapping.id.clone(), Arc::clone(&destination)));
        destination
    }

    /// Without the feature `kafka` there are no brokers.
    #[cfg(not(feature = "kafka"))]
    pub(super) fn open_topic(
        &mut self,
        _: &Mapping,
        _: &str,
        brokers: super::topics::NoBrokers,
        _: impl FnOnce(&str) -> Origin,
    ) -> Arc<dyn Destination> {
        match brokers {}
    }

    fn opened_now(
        &mut self,
        mapping: &Mapping,
        named: &OnFailure,
        origin: Origin,
    ) -> Result<Arc<dyn Destination>, UserError> {
        let is_local = self.local.contains(&mapping.id);
        let route =
            Takes::of(named).map_or(Route::Service, |takes| route(self.chosen, is_local, self.named[&takes]));
        match route {
            Route::Service => {
                let refuse = |error| UserError::bad_input(format!("{} names {named}: {error}", mapping.id));
                self.destinations.open(named, origin).map_err(refuse)
            }
            Route::File => {
                let file = self.files.join(format!("{}.jsonl", mapping.id));
                info!(
                    mapping = %mapping.id,
                    file = %file.display(),
                    instead_of = %named,
                    "failed records go to a file: `--destinations aws` sends them where the mapping says"
                );
                Ok(self.destinations.open_local(&file, origin))
            }
        }
    }

    /// Where the records of each mapping go, for people.
    pub(super) fn names(&self) -> BTreeMap<MappingId, String> {
        self.opened.iter().map(|(mapping, destination)| (mapping.clone(), destination.name())).collect()
    }

    /// Looks at all that were opened, and says which do not look as if they worked. Cancelling is safe.
    pub(super) async fn look(&self) {
        let look = async |(mapping, destination): &(MappingId, Arc<dyn Destination>)| {
            if let Err(error) = destination.check().await {
                let error = chain(&error);
                warn!(%mapping, error, "the on-failure destination is not usable: records that are given up would be dropped");
            }
        };
        futures_util::stream::iter(&self.opened).for_each_concurrent(LOOKED_AT_ONCE_MAX, look).await;
    }
}

/// Nothing on this machine reaches out to AWS unless told to.
fn route(chosen: Option<DestinationsAt>, is_local: bool, is_named: bool) -> Route {
    match chosen {
        None if is_local && !is_named => Route::File,
        None | Some(DestinationsAt::Aws) => Route::Service,
    }
}

/// Whether the command line, the environment or the profile names an endpoint that takes such records.
async fn is_named(takes: Takes, aws: &AwsOptions, clock: &Clock) -> bool {
    match endpoint_named(takes.service(), aws).await {
        Ok(None) => false,
        // Where an endpoint is named for all services, the embedded stream may be meant.
        Ok(Some(endpoint)) => {
            endpoint.kind() != EndpointKind::Loopback || !embedded::is_at(endpoint.as_str(), clock).await
        }
        // It cannot be one, which the destination will say.
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_local_stream_without_an_endpoint_for_failed_records_has_them_in_files() {
        let aws = Some(DestinationsAt::Aws);
        for (chosen, is_local, is_named, expected) in [
            (None, true, false, Route::File),
            (None, true, true, Route::Service),
            (None, false, false, Route::Service),
            (aws, true, false, Route::Service),
            (aws, false, false, Route::Service),
        ] {
            assert_eq!(route(chosen, is_local, is_named), expected, "{chosen:?} {is_local} {is_named}");
        }
    }
}
