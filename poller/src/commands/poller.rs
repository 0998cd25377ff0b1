//! A running poller: what `run`, `dev` and `demo` have in common.
//!
//! In: an application, its functions' code, and the stream's endpoint. Everything that a user can get wrong is checked
//! before anything runs; what is wrong is told all at once, and leaves nothing behind.

mod catching_up;
mod ending;
mod room;

pub(super) use catching_up::not_started;
pub(super) use ending::Ended;

use super::CommandFailure;
use super::functions::{Functions, Running, remarks};
use super::on_failure::{OnFailureDestinations, Surroundings};
use super::options::PollerOptions;
use super::signals::StopSignals;
use super::tables;
use super::views::{Past, RunningViews};
use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::control::{ControlServer, Views};
use crate::data_dir::DataDir;
use crate::errors::chain;
use crate::lambda::LocalFunction;
use crate::model::{Application, Mapping};
use crate::shard_worker::Ports;
use crate::source::aws::KinesisClient;
use crate::source::budget::ByteBudget;
use crate::source::embedded::Arrivals;
use crate::source::{OpenedSource, Sources, StreamsAt};
use crate::store::SqliteStore;
use crate::supervisor::{
    FoundStream, Goal, MappingPlan, StartError, Stopped, Supervisor, find_stream, prepare,
};
use catching_up::late;
use ending::{Why, alone, records_left, shards_in_flight, stop};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use pelton_core::Timestamp;
use room::{handlers_max, say_if_handlers_wait, say_what_is_throttled};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

/// Mappings that are prepared at the same time.
const PREPARED_AT_ONCE_MAX: usize = 32;

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
    /// Bytes of records held by all shards together.
    pub(super) budget: ByteBudget,
    /// What ran before in this process.
    pub(super) past: Past,
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
    /// Those that run here.
    functions: BTreeMap<String, Arc<LocalFunction>>,
    views: Arc<RunningViews>,
    store: Arc<SqliteStore>,
    destinations: OnFailureDestinations,
    control: Control,
    /// Dropped after all that write into it: whoever holds the folder next finds everything settled.
    data_dir: DataDir,
    options: PollerOptions,
    clock: Clock,
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
            mut application,
            functions,
            client,
            aws,
            streams_at,
            arrivals,
            budget,
            past,
            goal,
            data_dir,
            options,
            clock,
        } = launch;
        // A mapping has at least one shard. Without enough descriptors nothing below fails for the reason that it says.
        let functions_here = functions.here.len();
        handlers_max(enabled(&application).count(), functions_here)?;
        let server = ControlServer::bind(options.listen).await.map_err(bad_input)?;
        let to_run = application.mappings.iter_mut().filter(|mapping| mapping.enabled);
        let sources = Sources {
            kinesis: client.clone(),
            dynamodb: tables::open(to_run, streams_at, &aws, &clock).await?,
            streams_at,
            arrivals,
            budget: budget.clone(),
            poll_interval: options.poll_interval,
            clock: clock.clone(),
        };
        let opened: Vec<(Mapping, OpenedSource)> = enabled(&application)
            .map(|mapping| {
                let role = &application.functions[&mapping.function].role_arn;
                (mapping.clone(), sources.open(mapping, role))
            })
            .collect();
        let endpoint = sources.endpoints(opened.iter().map(|(mapping, _)| mapping));
        info!(endpoint, mappings = opened.len(), "describing the streams");
        let found =
            all(opened.iter().map(|(mapping, opened)| find_stream(mapping, &*opened.source, &clock))).await?;

        let shards = found.iter().map(FoundStream::shards_open).sum();
        let handlers_max = handlers_max(shards, functions_here)?;
        functions.forget_unused_code(data_dir.path());
        let store = SqliteStore::open(&data_dir.checkpoints(), clock.clone()).map_err(bad_input)?;
        let store: Arc<SqliteStore> = Arc::new(store);
        let surroundings = Surroundings {
            chosen: options.destinations,
            streams_at,
            sources: &sources,
            aws,
            data_dir: &data_dir,
            clock: &clock,
        };
        let mut destinations = OnFailureDestinations::new(&application, &functions, surroundings).await;
        let running = Running::start(functions, &application, client.region(), handlers_max, &clock);
        let remarks = remarks(&application);
        let mut ready = Vec::new();
        for ((mapping, source), found) in opened.into_iter().zip(found) {
            let destination = destinations.open(&mapping, found.stream_arn())?;
            ready.push((mapping, source, found, destination));
        }
        let prepared = all(ready.into_iter().map(|(mapping, opened, found, destination)| {
            let OpenedSource { source, pace, envelope, ends_with_process: stream_ends_with_process } = opened;
            let ports = Ports {
                source,
                invoker: running.invokers[&mapping.function].clone(),
                store: store.clone(),
                destination,
                remarks: Arc::clone(&remarks[&mapping.function]),
                clock: clock.clone(),
            };
            prepare(MappingPlan { mapping, ports, envelope, pace, stream_ends_with_process, goal }, found)
        }))
        .await?;

        say_what_is_throttled(running.here.keys().map(|id| &application.functions[id]));
        say_if_handlers_wait(shards, handlers_max, functions_here);
        let disabled = application.mappings.iter().filter(|mapping| !mapping.enabled).cloned();
        let supervisor = Supervisor::start(prepared, disabled.collect());
        let views = Arc::new(RunningViews {
            mappings: supervisor.mappings().to_vec(),
            names: application.functions.values().map(|f| (f.logical_id.clone(), f.name.clone())).collect(),
            functions: running.here.clone(),
            failed_records_to: destinations.names(),
            budget,
            past,
            clock: clock.clone(),
        });
        let options = PollerOptions { listen: server.address(), ..options };
        let control = Control::serve(server, views.clone());
        let functions = running.here;
        Ok(Self { supervisor, functions, views, store, destinations, control, data_dir, options, clock })
    }

    /// What it is doing.
    pub(super) fn views(&self) -> Arc<dyn Views> {
        self.views.clone()
    }

    /// Its functions that run here, by logical id.
    pub(super) fn functions(&self) -> &BTreeMap<String, Arc<LocalFunction>> {
        &self.functions
    }

    /// Runs until Ctrl-C or SIGTERM, then stops: in-flight batches finish within the grace time. A second signal, a second
    /// or more after the first, ends the wait.
    pub(super) async fn run(self, signals: &mut StopSignals) -> Result<(), CommandFailure> {
        self.run_to_the_end(signals, pending::<Why<Infallible>>()).await.map(Ended::for_good)
    }

    /// The same, or until everything that was in the streams at the start is settled. At the deadline it stops as for a
    /// signal, and fails.
    pub(super) async fn run_until_caught_up(
        self,
        signals: &mut StopSignals,
        deadline: Option<Timestamp>,
    ) -> Result<(), CommandFailure> {
        let (finished, clock) = (self.supervisor.finished(), self.clock.clone());
        let mappings = self.supervisor.mappings().to_vec();
        let caught_up_or_late = async move {
            tokio::select! {
                biased;
                () = finished => Why::CaughtUp,
                () = clock.sleep_until_some(deadline) => Why::<Infallible>::Late(late(&mappings)),
            }
        };
        self.run_to_the_end(signals, caught_up_or_late).await.map(Ended::for_good)
    }

    /// The same as [`Poller::run`], or until there is something else to run, which `change` brings: that is stopped for like for
    /// a signal.
    pub(super) async fn run_until<T>(
        self,
        signals: &mut StopSignals,
        change: impl Future<Output = T>,
    ) -> Result<Ended<T>, CommandFailure> {
        self.run_to_the_end(signals, async { Why::Changed(change.await) }).await
    }

    async fn run_to_the_end<T>(
        mut self,
        signals: &mut StopSignals,
        end: impl Future<Output = Why<T>>,
    ) -> Result<Ended<T>, CommandFailure> {
        let grace = self.options.grace;
        let mappings = self.supervisor.mappings().iter().filter(|handle| handle.view.is_some()).count();
        let (opened, counts) = (self.supervisor.opened(), (mappings, self.supervisor.shards()));
        let announced = announce(opened, counts, &self.data_dir, self.options.listen, &self.clock);
        let noticed = async {
            let (never, ()) = tokio::join!(announced, self.destinations.look());
            match never {}
        };
        let mut why = tokio::select! {
            never = noticed => match never {},
            signal = signals.next() => {
                info!(signal, ?grace, "stopping: batches in flight finish");
                Why::Told
            }
            () = self.supervisor.broken() => {
                error!("a task of the poller has panicked: stopping");
                Why::Broken
            }
            why = end => {
                match &why {
                    Why::Changed(_) => info!(?grace, "the template has changed: waiting for batches in flight"),
                    Why::CaughtUp => info!(mappings, "caught up: stopping"),
                    Why::Late(_) => warn!(?grace, "deadline reached: waiting for batches in flight"),
                    Why::Told | Why::Broken => {}
                }
                why
            }
        };
        let stopped = stop(self.supervisor, grace, &self.clock, signals, &mut why).await;
        let shards_in_flight = shards_in_flight(&self.views.snapshot());
        let records_left = records_left(&self.views.mappings);
        join_all(self.functions.values().map(|function| function.shutdown())).await;
        self.control.stop().await;
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
            Why::Told | Why::CaughtUp if stopped != Stopped::Broken => Ok(Ended::ForGood),
            Why::Late(failure) if stopped != Stopped::Broken => Err(failure),
            Why::Changed(to) if stopped != Stopped::Broken => {
                let (past, listen) = (self.views.as_past(), self.options.listen);
                drop((self.views, self.functions));
                alone(&self.store, &self.clock).await?;
                Ok(Ended::Changed { to, past, listen, data_dir: self.data_dir })
            }
            Why::Told | Why::CaughtUp | Why::Late(_) | Why::Changed(_) | Why::Broken => Err(CommandFailure::failed(
                "the poller broke one of its own invariants and stopped",
            )
            .help(
                "no record is lost: the next start resumes at the checkpoints. Please report the panic above",
            )),
        }
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
    let results: Vec<_> = futures_util::stream::iter(starts).buffered(PREPARED_AT_ONCE_MAX).collect().await;
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
