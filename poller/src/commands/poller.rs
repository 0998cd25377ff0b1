//! A running poller: what `run`, `dev` and `demo` have in common.
//!
//! In: an application, its functions' code, and the stream's endpoint. Everything that a user can get wrong is checked
//! before anything runs; what is wrong is told all at once, and leaves nothing behind.

mod catching_up;
mod ending;
mod room;

pub(super) use catching_up::not_started;
pub(super) use ending::{Until, Why};

use super::functions::{Functions, Running};
use super::on_failure::{OnFailureDestinations, Surroundings};
use super::options::PollerOptions;
use super::signals::StopSignals;
use super::views::{RunningViews, Shown};
use super::{CommandFailure, tables};
use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::control::{ControlServer, Views};
use crate::data_dir::DataDir;
use crate::errors::chain;
use crate::lambda::LocalFunction;
use crate::ownership::{StartError, find_stream};
use crate::ports::CheckpointStore;
use crate::shard_worker::Ports;
use crate::source::aws::KinesisClient;
use crate::source::budget::ByteBudget;
use crate::source::embedded::Arrivals;
use crate::source::{OpenedSource, Sources, StreamsAt};
use crate::store::SqliteStore;
use crate::supervisor::{Change, Goal, MappingHandle, MappingPlan, Stopped, Supervisor};
use catching_up::late;
use ending::{records_left, shards_in_flight, stop};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use pelton_core::Timestamp;
use pelton_core::desired::Difference;
use pelton_core::shard_sync::FoundStream;
use pelton_model::{Application, Function, Mapping, MappingId};
use room::{handlers_max, say_if_handlers_wait, say_what_is_throttled};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

/// Streams that are looked for at the same time.
const FOUND_AT_ONCE_MAX: usize = 32;

/// How long the place to begin at is waited for in every shard, before the poller says that it is there.
const OPENING_WAIT_MAX: Duration = Duration::from_secs(5);

/// What a poller is started with.
pub(super) struct Launch {
    /// What to run.
    pub(super) application: Application,
    /// Every function that an enabled mapping uses.
    pub(super) functions: Functions,
    /// Speaks to the streams.
    pub(super) client: KinesisClient,
    /// Which AWS.
    pub(super) aws: AwsOptions,
    /// Where the streams are.
    pub(super) streams_at: StreamsAt,
    /// Tells when records arrive, if the streams are in this process.
    pub(super) arrivals: Option<Arrivals>,
    /// How far the mappings go.
    pub(super) goal: Goal,
    /// Held for as long as the poller runs.
    pub(super) data_dir: DataDir,
    /// The command line.
    pub(super) options: PollerOptions,
    /// The time.
    pub(super) clock: Clock,
}

/// A running poller.
pub(super) struct Poller {
    supervisor: Supervisor,
    /// What runs.
    application: Application,
    running: Running,
    views: Arc<RunningViews>,
    destinations: OnFailureDestinations,
    control: Control,
    store: Arc<SqliteStore>,
    base: Base,
}

/// What every mapping works with, whatever changes.
struct Base {
    client: KinesisClient,
    aws: AwsOptions,
    streams_at: StreamsAt,
    arrivals: Option<Arrivals>,
    budget: ByteBudget,
    goal: Goal,
    /// Dropped after all that write into it: whoever holds the folder next finds everything settled.
    data_dir: DataDir,
    options: PollerOptions,
    clock: Clock,
}

/// A mapping whose stream was found.
struct Found {
    mapping: Mapping,
    opened: OpenedSource,
    stream: FoundStream,
}

/// A change that was found to be possible.
pub(super) struct Planned {
    application: Application,
    running: Running,
    destinations: OnFailureDestinations,
    change: Change,
}

/// The API server, answering.
struct Control {
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// The mappings that run.
pub(super) fn enabled(application: &Application) -> impl Iterator<Item = &Mapping> {
    application.mappings.iter().filter(|mapping| mapping.enabled)
}

impl Poller {
    /// Starts a poller: its shards are about to be opened. Cancelling leaves nothing behind but what was kept about mappings
    /// that start for the first time.
    pub(super) async fn start(launch: Launch) -> Result<Self, CommandFailure> {
        let Launch {
            application,
            functions,
            client,
            aws,
            streams_at,
            arrivals,
            goal,
            data_dir,
            options,
            clock,
        } = launch;
        // A mapping has at least one shard. Without enough descriptors nothing below fails for the reason that it says.
        handlers_max(enabled(&application).count(), functions.here.len())?;
        let server = ControlServer::bind(options.listen).await.map_err(bad_input)?;
        let options = PollerOptions { listen: server.address(), ..options };
        let budget = ByteBudget::default();
        let base = Base { client, aws, streams_at, arrivals, budget, goal, data_dir, options, clock };
        let (found, sources) = base.find(&application, enabled(&application)).await?;
        // Before anything is left behind.
        handlers_max(shards_open(&found), functions.here.len())?;
        functions.forget_unused_code(base.data_dir.path());
        let store = SqliteStore::open(&base.data_dir.checkpoints(), base.clock.clone()).map_err(bad_input)?;
        let store = Arc::new(store);
        let views = Arc::new(RunningViews {
            started_at: base.clock.now(),
            budget: base.budget.clone(),
            clock: base.clock.clone(),
            shown: watch::Sender::default(),
        });
        let planned = base.plan(application, functions, None, (found, &sources), Vec::new(), &store).await?;
        let mut supervisor = Supervisor::default();
        let Planned { application, running, destinations, change } = planned;
        supervisor
            .apply(change, base.options.grace, &base.clock)
            .await
            .map_err(|error| not_prepared(&error))?;
        views.shown.send_replace(shown(&supervisor, &application, &running, destinations.names()));
        let control = Control::serve(server, views.clone());
        Ok(Self { supervisor, application, running, views, destinations, control, store, base })
    }

    /// Whether it can run as `application` says, with these functions, and what that changes. Changes nothing yet.
    pub(super) async fn plan(
        &self,
        application: Application,
        functions: Functions,
    ) -> Result<Planned, CommandFailure> {
        let difference = Difference::between(&specified(&self.application), &specified(&application));
        let to_start = enabled(&application).filter(|mapping| difference.start.contains(&mapping.id));
        let (found, sources) = self.base.find(&application, to_start).await?;
        let before = Some((&self.application, &self.running));
        self.base.plan(application, functions, before, (found, &sources), difference.stop, &self.store).await
    }

    /// Carries out a change: drains what it touches, for at most the grace time, while all else runs on. Cancelling leaves
    /// mappings that do not run.
    pub(super) async fn apply(&mut self, planned: Planned) -> Result<(), CommandFailure> {
        let Planned { application, running, destinations, change } = planned;
        let Base { options, clock, .. } = &self.base;
        let (grace, stopped) = (options.grace, change.stopped.clone());
        info!(
            ?grace,
            "the template has changed: what it changes waits for batches in flight, all else runs on"
        );
        let applied = self.supervisor.apply(change, grace, clock).await;
        let before = std::mem::replace(&mut self.running, running);
        let was_replaced = |(id, function): &(&String, &Arc<LocalFunction>)| {
            self.running.here.get(*id).is_none_or(|now| !Arc::ptr_eq(now, function))
        };
        join_all(before.here.iter().filter(was_replaced).map(|(_, function)| function.shutdown())).await;
        match applied.map_err(|error| not_prepared(&error))? {
            Stopped::Broken => return Err(broken()),
            Stopped::Abandoned => warn!("batches that were in flight are sent again"),
            Stopped::Clean => {}
        }
        let earlier = self.views.shown.borrow().clone();
        let mut failed_records_to = earlier.failed_records_to.clone();
        failed_records_to.retain(|mapping, _| !stopped.contains(mapping));
        failed_records_to.extend(destinations.names());
        let mut shown = shown(&self.supervisor, &application, &self.running, failed_records_to);
        shown.totals_before = earlier.totals_before.clone();
        for handle in earlier.mappings.iter().filter(|handle| stopped.contains(&handle.mapping.id)) {
            shown.totals_before.insert(handle.mapping.id.clone(), earlier.totals(handle));
        }
        self.views.shown.send_replace(shown);
        (self.application, self.destinations) = (application, destinations);
        Ok(())
    }

    /// What runs.
    pub(super) fn application(&self) -> &Application {
        &self.application
    }

    /// What it is doing.
    pub(super) fn views(&self) -> Arc<dyn Views> {
        self.views.clone()
    }

    /// Its functions that run here, by logical id.
    pub(super) fn functions(&self) -> &BTreeMap<String, Arc<LocalFunction>> {
        &self.running.here
    }

    /// Runs until Ctrl-C or SIGTERM, then stops: in-flight batches finish within the grace time. A second signal, a second
    /// or more after the first, ends the wait.
    pub(super) async fn run(mut self, signals: &mut StopSignals) -> Result<(), CommandFailure> {
        match self.run_until(signals, pending::<Infallible>()).await {
            Until::Stop(why) => self.stop(signals, why).await,
            Until::Then(never) => match never {},
        }
    }

    /// The same, or until everything that was in the streams at the start is settled. At the deadline it stops as for a
    /// signal, and fails.
    pub(super) async fn run_until_caught_up(
        mut self,
        signals: &mut StopSignals,
        deadline: Option<Timestamp>,
    ) -> Result<(), CommandFailure> {
        let (finished, clock) = (self.supervisor.finished(), self.base.clock.clone());
        let mappings = self.supervisor.mappings().to_vec();
        let caught_up_or_late = async move {
            tokio::select! {
                biased;
                () = finished => Why::CaughtUp,
                () = clock.sleep_until_some(deadline) => Why::Late(late(&mappings)),
            }
        };
        match self.run_until(signals, caught_up_or_late).await {
            Until::Stop(why) | Until::Then(why) => self.stop(signals, why).await,
        }
    }

    /// Runs until it has to stop, or until `end` comes, and goes on running then. Cancelling is safe.
    pub(super) async fn run_until<T>(
        &mut self,
        signals: &mut StopSignals,
        end: impl Future<Output = T>,
    ) -> Until<T> {
        let mappings = self.supervisor.mappings().iter().filter(|handle| handle.view.is_some()).count();
        let (opened, counts) = (self.supervisor.opened(), (mappings, self.supervisor.shards()));
        let Base { data_dir, options, clock, .. } = &self.base;
        let announced = announce(opened, counts, data_dir, options.listen, clock);
        let noticed = async {
            let (never, ()) = tokio::join!(announced, self.destinations.look());
            match never {}
        };
        tokio::select! {
            never = noticed => match never {},
            signal = signals.next() => Until::Stop(Why::Told(signal)),
            () = self.supervisor.broken() => Until::Stop(Why::Broken),
            end = end => Until::Then(end),
        }
    }

    /// Stops: in-flight batches finish within the grace time.
    pub(super) async fn stop(self, signals: &mut StopSignals, why: Why) -> Result<(), CommandFailure> {
        let Self { supervisor, running, views, control, store, base, .. } = self;
        let grace = base.options.grace;
        match &why {
            Why::Told(signal) => info!(signal, ?grace, "stopping: batches in flight finish"),
            Why::Broken => error!("a task of the poller has panicked: stopping"),
            Why::CaughtUp => {
                let mappings = supervisor.mappings().iter().filter(|handle| handle.view.is_some()).count();
                info!(mappings, "caught up: stopping");
            }
            Why::Late(_) => warn!(?grace, "deadline reached: waiting for batches in flight"),
        }
        let mappings = supervisor.mappings().to_vec();
        let stopped = stop(supervisor, grace, &base.clock, signals).await;
        let shards_in_flight = shards_in_flight(&views.snapshot());
        let records_left = records_left(&mappings);
        join_all(running.here.values().map(|function| function.shutdown())).await;
        control.stop().await;
        // What waits to be written is, before the folder is anybody else's.
        drop(store);
        match stopped {
            Stopped::Clean if records_left > 0 => {
                info!(
                    records = records_left,
                    "stopped: batches that failed and are not settled are retried at the next start"
                );
            }
            Stopped::Clean => info!("stopped: everything in flight is settled and checkpointed"),
            Stopped::Abandoned if shards_in_flight == 0 => info!("stopped: nothing was in flight"),
            Stopped::Abandoned => {
                warn!(
                    shards = shards_in_flight,
                    "stopped: batches that were in flight are sent again at the next start"
                );
            }
            Stopped::Broken => {}
        }
        match why {
            Why::Told(_) | Why::CaughtUp if stopped != Stopped::Broken => Ok(()),
            Why::Late(failure) if stopped != Stopped::Broken => Err(failure),
            Why::Told(_) | Why::CaughtUp | Why::Late(_) | Why::Broken => Err(broken()),
        }
    }
}

fn broken() -> CommandFailure {
    CommandFailure::failed("the poller broke one of its own invariants and stopped")
        .help("no record is lost: the next start resumes at the checkpoints. Please report the panic above")
}

fn not_prepared(error: &StartError) -> CommandFailure {
    CommandFailure::bad_input(chain(error)).help(error.help())
}

/// What makes a mapping another one: its settings, and its function. Only of those that are enabled.
fn specified(application: &Application) -> BTreeMap<MappingId, (Mapping, Option<Function>)> {
    let of = |mapping: &Mapping| {
        let function = application.functions.get(&mapping.function).filter(|_| mapping.enabled);
        (mapping.id.clone(), (mapping.clone(), function.cloned()))
    };
    application.mappings.iter().map(of).collect()
}

/// How many shards of these streams take records.
fn shards_open(found: &[Found]) -> usize {
    found.iter().map(|found| found.stream.shards_open()).sum()
}

/// What a supervisor, its application and its functions show.
fn shown(
    supervisor: &Supervisor,
    application: &Application,
    running: &Running,
    failed_records_to: BTreeMap<MappingId, String>,
) -> Shown {
    let place = |handle: &MappingHandle| {
        let place = application.mappings.iter().position(|mapping| mapping.id == handle.mapping.id);
        (handle.mapping.enabled, place)
    };
    let mut mappings = supervisor.mappings().to_vec();
    mappings.sort_by_key(place);
    Shown {
        mappings,
        names: application.functions.values().map(|f| (f.logical_id.clone(), f.name.clone())).collect(),
        functions: running.here.clone(),
        failed_records_to,
        totals_before: BTreeMap::new(),
    }
}

impl Base {
    /// Finds the streams of these mappings, or tells everything that is wrong with any of them. Those of tables are found by their
    /// tables: their mappings have other ARNs than those of `application`.
    async fn find(
        &self,
        application: &Application,
        mappings: impl Iterator<Item = &Mapping>,
    ) -> Result<(Vec<Found>, Sources), CommandFailure> {
        let Self { client, aws, streams_at, arrivals, budget, options, clock, .. } = self;
        let mut mappings: Vec<Mapping> = mappings.cloned().collect();
        let sources = Sources {
            kinesis: client.clone(),
            dynamodb: tables::open(mappings.iter_mut(), *streams_at, aws, clock).await?,
            streams_at: *streams_at,
            arrivals: arrivals.clone(),
            budget: budget.clone(),
            poll_interval: options.poll_interval,
            clock: clock.clone(),
        };
        let endpoint = sources.endpoints(mappings.iter());
        info!(endpoint, mappings = mappings.len(), "describing the streams");
        let opened: Vec<(Mapping, OpenedSource)> = mappings
            .into_iter()
            .map(|mapping| {
                let opened = sources.open(&mapping, &application.functions[&mapping.function].role_arn);
                (mapping, opened)
            })
            .collect();
        let streams = opened.iter().map(|(mapping, opened)| find_stream(mapping, &*opened.source, clock));
        let streams = all(streams).await?;
        let found = opened.into_iter().zip(streams);
        Ok((found.map(|((mapping, opened), stream)| Found { mapping, opened, stream }).collect(), sources))
    }

    /// What runs and changes so that `application` runs, of which `found` is to be started, and `stopped` stopped before. A function
    /// that is the same as `before` goes on.
    async fn plan(
        &self,
        application: Application,
        functions: Functions,
        before: Option<(&Application, &Running)>,
        (found, sources): (Vec<Found>, &Sources),
        stopped: Vec<MappingId>,
        store: &Arc<SqliteStore>,
    ) -> Result<Planned, CommandFailure> {
        let Self { client, aws, streams_at, data_dir, options, clock, .. } = self;
        let shards = shards_open(&found);
        let functions_here = functions.here.len();
        let handlers_max = handlers_max(shards, functions_here)?;
        let surroundings = Surroundings {
            chosen: options.destinations,
            streams_at: *streams_at,
            sources,
            aws: aws.clone(),
            data_dir,
            clock,
        };
        let mut destinations = OnFailureDestinations::new(&application, &functions, surroundings).await;
        let running = Running::start(functions, &application, before, client.region(), handlers_max, clock);
        let mut started = Vec::new();
        for Found { mapping, opened, stream } in found {
            let OpenedSource { source, pace, envelope, ends_with_process: stream_ends_with_process } = opened;
            let ports = Ports {
                source,
                invoker: running.invokers[&mapping.function].clone(),
                destination: destinations.open(&mapping, &stream.description.arn)?,
                remarks: Arc::clone(&running.remarks[&mapping.function]),
                clock: clock.clone(),
            };
            let (store, goal) = (Arc::clone(store) as Arc<dyn CheckpointStore>, self.goal);
            let plan = MappingPlan { mapping, ports, store, envelope, pace, stream_ends_with_process, goal };
            started.push((plan, stream));
        }
        say_what_is_throttled(running.here.keys().map(|id| &application.functions[id]));
        say_if_handlers_wait(shards, handlers_max, functions_here);
        let is_new = |mapping: &&Mapping| match before {
            Some((before, _)) => !before.mappings.contains(mapping),
            None => true,
        };
        let disabled = application.mappings.iter().filter(|mapping| !mapping.enabled).filter(is_new);
        let change = Change { stopped, started, disabled: disabled.cloned().collect() };
        Ok(Planned { application, running, destinations, change })
    }
}

/// Says that the poller is there, in the data folder too, once every shard is open, or when that takes long: the poller can
/// be stopped and looked at before, others may work for long already.
async fn announce(
    opened: impl Future<Output = ()>,
    (mappings, shards): (usize, usize),
    data_dir: &DataDir,
    api: SocketAddr,
    clock: &Clock,
) -> Infallible {
    let all_open = tokio::select! {
        () = opened => true,
        () = clock.sleep(OPENING_WAIT_MAX) => false,
    };
    if let Err(error) = data_dir.announce_address(api) {
        warn!(
            error = chain(&error),
            "cannot store the address of the API: `pelton status` does not find this poller"
        );
    }
    if !all_open {
        warn!(shards, "the stream answers slowly: some shards are not read yet, see `pelton status`");
    }
    info!(mappings, shards, %api, "polling; Ctrl-C stops");
    pending().await
}

/// What comes of each, in the same order; or what is wrong with any of them.
async fn all<T>(
    starts: impl Iterator<Item = impl Future<Output = Result<T, StartError>>>,
) -> Result<Vec<T>, CommandFailure> {
    let results: Vec<_> = futures_util::stream::iter(starts).buffered(FOUND_AT_ONCE_MAX).collect().await;
    let (ready, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    let mut problems = failed.into_iter().filter_map(Result::err).peekable();
    let Some(first) = problems.peek() else {
        return Ok(ready.into_iter().filter_map(Result::ok).collect());
    };
    let help = first.help();
    let problems: Vec<String> = problems.map(|problem| chain(&problem)).collect();
    Err(CommandFailure::bad_input(problems.join("\nerror: ")).help(help))
}

fn bad_input(error: impl std::error::Error + 'static) -> CommandFailure {
    CommandFailure::bad_input(chain(&error))
}

impl Control {
    fn serve(server: ControlServer, views: Arc<dyn Views>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(server.serve(views, async {
            // Told to stop, or dropped: both end it.
            stopped.await.unwrap_or_default();
        }));
        Self { stop, server }
    }

    async fn stop(self) {
        drop(self.stop);
        match self.server.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the API server failed"),
            Err(error) => warn!(%error, "the API server failed"),
        }
    }
}
