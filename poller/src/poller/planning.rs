//! What a poller would run: the streams are found and the functions made ready, or all that is wrong is told at once. Nothing of it
//! runs yet.

use super::PollerSettings;
use super::change::Before;
use super::functions::{Functions, Running};
use super::on_failure::{OnFailureDestinations, Surroundings};
use super::room::{handlers_max, say_if_handlers_wait, say_what_is_throttled};
use super::tables;
use super::topics::{self, FoundTopic};
use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::data_dir::DataDir;
use crate::destination::Origin;
use crate::lambda::LocalFunction;
use crate::ports::{CheckpointStore, Source};
use crate::shard_worker::Ports;
use crate::source::aws::KinesisClient;
use crate::source::budget::ByteBudget;
use crate::source::embedded::Arrivals;
use crate::source::{OpenedSource, Sources, StreamsAt};
use crate::starting::find_stream;
use crate::store::SqliteStore;
use crate::supervisor::{Change, Envelopes, Goal, MappingPlan, SharedOut};
use crate::user_error::UserError;
use futures_util::StreamExt as _;
use pelton_core::shard_sync::FoundStream;
use pelton_model::{Application, EventSource, Mapping, MappingId, OnFailure};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tracing::info;

/// Streams that are looked for at the same time.
const FOUND_AT_ONCE_MAX: usize = 32;

/// What every mapping works with, whatever changes.
pub(super) struct Base {
    pub(super) client: KinesisClient,
    pub(super) aws: AwsOptions,
    pub(super) streams_at: StreamsAt,
    pub(super) arrivals: Option<Arrivals>,
    pub(super) budget: ByteBudget,
    pub(super) goal: Goal,
    /// Dropped after all that write into it: whoever holds the folder next finds everything settled.
    pub(super) data_dir: DataDir,
    pub(super) settings: PollerSettings,
    pub(super) clock: Clock,
}

/// A mapping whose stream or topic was found.
pub(super) struct Found {
    mapping: Mapping,
    what: FoundSource,
}

enum FoundSource {
    Stream(OpenedSource, FoundStream),
    Topic(FoundTopic),
}

impl Found {
    /// How many shards of it take records.
    fn shards_open(&self) -> usize {
        match &self.what {
            FoundSource::Stream(_, stream) => stream.shards_open(),
            FoundSource::Topic(topic) => topic.partitions,
        }
    }

    /// Where failed records of it say that they come from, if the function has this ARN.
    fn origin(&self, function_arn: &str) -> Origin {
        let id = &self.mapping.id;
        match &self.what {
            FoundSource::Topic(topic) => Origin::kafka(topic.uuid, topic.cluster.clone(), function_arn),
            FoundSource::Stream(_, stream) => match &self.mapping.source {
                EventSource::DynamoDb { .. } => Origin::dynamodb(id, &stream.description.arn, function_arn),
                _ => Origin::kinesis(id, &stream.description.arn, function_arn),
            },
        }
    }
}

/// A change that was found to be possible.
pub struct Planned {
    pub(super) application: Application,
    pub(super) running: Running,
    pub(super) destinations: OnFailureDestinations,
    pub(super) change: Change,
    /// Most handlers that each function has at a time from then on.
    pub(super) handlers_max: usize,
}

impl Planned {
    /// What is to run.
    #[must_use]
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// Its functions that run here, by logical id: those that go on, and new ones.
    #[must_use]
    pub fn functions(&self) -> &BTreeMap<String, Arc<LocalFunction>> {
        &self.running.here
    }
}

/// How many shards of these streams take records.
pub(super) fn shards_open(found: &[Found]) -> usize {
    found.iter().map(Found::shards_open).sum()
}

/// How many functions have handlers in this process, with those that go on from before.
fn functions_here(application: &Application, functions: &Functions, before: Option<Before<'_>>) -> usize {
    let goes_on = |id: &&String| before.is_some_and(|before| before.running.here.contains_key(*id));
    let used = application.enabled().map(|mapping| &mapping.function);
    functions.here.keys().chain(used.filter(goes_on)).collect::<BTreeSet<_>>().len()
}

impl Base {
    /// Finds the streams of these mappings, or tells everything that is wrong with any of them. Those of tables are found by their
    /// tables: their mappings have other ARNs than those of `application`.
    pub(super) async fn find(
        &self,
        application: &Application,
        mappings: impl Iterator<Item = &Mapping>,
    ) -> Result<(Vec<Found>, Sources), UserError> {
        let Self { client, aws, streams_at, arrivals, budget, settings, clock, .. } = self;
        let mut mappings: Vec<Mapping> = mappings.cloned().collect();
        let (dynamodb, mut errors) = tables::find_streams(mappings.iter_mut(), *streams_at, aws, clock).await;
        let (topics, wrong) =
            topics::find(mappings.iter(), aws, settings.kafka_session_timeout, budget, clock).await;
        errors.extend(wrong);
        mappings.retain(|mapping| mapping.source.stream().is_some() && !errors.contains_key(&mapping.id));
        let sources = Sources {
            kinesis: client.clone(),
            dynamodb,
            streams_at: *streams_at,
            arrivals: arrivals.clone(),
            budget: budget.clone(),
            poll_interval: settings.poll_interval,
            clock: clock.clone(),
        };
        if !mappings.is_empty() {
            let endpoint = sources.endpoints(mappings.iter());
            info!(endpoint, mappings = mappings.len(), "describing the streams");
        }
        let opened: Vec<(Mapping, OpenedSource)> = mappings
            .into_iter()
            .map(|mapping| {
                let opened = sources.open(&mapping, &application.functions[&mapping.function].role_arn);
                (mapping, opened)
            })
            .collect();
        let streams = opened.iter().map(|(mapping, opened)| find_stream(mapping, &*opened.source, clock));
        let streams: Vec<_> = futures_util::stream::iter(streams).buffered(FOUND_AT_ONCE_MAX).collect().await;
        let of_topic = |(mapping, topic)| Found { mapping, what: FoundSource::Topic(topic) };
        let mut found: Vec<Found> = topics.into_iter().map(of_topic).collect();
        for ((mapping, opened), stream) in opened.into_iter().zip(streams) {
            match stream {
                Ok(stream) => found.push(Found { mapping, what: FoundSource::Stream(opened, stream) }),
                Err(error) => drop(errors.insert(mapping.id, super::not_prepared(&error))),
            }
        }
        match UserError::all(errors.into_values()) {
            None => Ok((found, sources)),
            Some(all) => Err(all),
        }
    }

    /// What runs and changes so that `application` runs, of which `found` is to be started, and `stopped` stopped before. A function
    /// that is the same as `before` goes on.
    pub(super) async fn plan(
        &self,
        application: Application,
        functions: Functions,
        before: Option<Before<'_>>,
        (found, sources): (Vec<Found>, &Sources),
        stopped: Vec<MappingId>,
        store: &Arc<SqliteStore>,
    ) -> Result<Planned, UserError> {
        let Self { client, aws, streams_at, data_dir, settings, clock, .. } = self;
        let shards = shards_open(&found) + before.map_or(0, |before| before.shards);
        let functions_here = functions_here(&application, &functions, before);
        let handlers_max = handlers_max(shards, functions_here)?;
        let surroundings = Surroundings {
            chosen: settings.destinations,
            streams_at: *streams_at,
            sources,
            aws: aws.clone(),
            data_dir,
            clock,
        };
        let mut destinations = OnFailureDestinations::new(&application, &functions, surroundings).await;
        let running = Running::start(functions, &application, before, client.region(), handlers_max, clock);
        let mut started = Vec::new();
        for found in found {
            let origin = |function_arn: &str| found.origin(function_arn);
            let destination = match (&found.mapping.on_failure, &found.what) {
                (Some(OnFailure::Kafka { topic: name }), FoundSource::Topic(topic)) => {
                    Some(destinations.open_topic(&found.mapping, name, topic.brokers.clone(), origin))
                }
                _ => destinations.open(&found.mapping, origin)?,
            };
            let Found { mapping, what } = found;
            let (source, pace, envelopes, shared_out) = match what {
                FoundSource::Stream(opened, found) => {
                    let OpenedSource { source: stream, pace, envelope, ends_with_process } = opened;
                    let source = Arc::clone(&stream) as Arc<dyn Source>;
                    let store = Arc::clone(store) as Arc<dyn CheckpointStore>;
                    let shared_out = SharedOut::Listed { stream, found, store, ends_with_process };
                    (source, pace, Envelopes::Same(envelope), shared_out)
                }
                FoundSource::Topic(FoundTopic { source, client, cluster, topic, .. }) => {
                    let shared_out = SharedOut::Group { client, topic };
                    (source, topics::PACE, Envelopes::ByPartition(cluster), shared_out)
                }
            };
            let ports = Ports {
                source,
                invoker: running.invokers[&mapping.function].clone(),
                destination,
                remarks: Arc::clone(&running.remarks[&mapping.function]),
                clock: clock.clone(),
            };
            started.push(MappingPlan { mapping, ports, shared_out, envelopes, pace, goal: self.goal });
        }
        say_what_is_throttled(running.here.keys().map(|id| &application.functions[id]));
        say_if_handlers_wait(shards, handlers_max, functions_here);
        let is_new =
            |mapping: &&Mapping| before.is_none_or(|before| !before.application.mappings.contains(mapping));
        let disabled = application.mappings.iter().filter(|mapping| !mapping.enabled).filter(is_new);
        let change = Change { stopped, started, disabled: disabled.cloned().collect() };
        Ok(Planned { application, running, destinations, change, handlers_max })
    }
}
