//! A running poller: what `run`, `dev` and `demo` have in common.
//!
//! In: an application, its functions' code, and the stream's endpoint. Everything that a user can get wrong is checked
//! before anything runs; what is wrong is told all at once, and leaves nothing behind.

use super::CommandFailure;
use super::options::PollerOptions;
use super::signals::StopSignals;
use super::views::RunningViews;
use crate::application::{Application, Function, Mapping};
use crate::clock::Clock;
use crate::control::{ControlServer, Views};
use crate::data_dir::DataDir;
use crate::errors::chain;
use crate::lambda::{Code, LocalFunction, Spawner, TracingLog};
use crate::ports::Source;
use crate::shard_worker::Ports;
use crate::source::aws::KinesisClient;
use crate::source::budget::ByteBudget;
use crate::source::embedded::Arrivals;
use crate::source::kinesis::KinesisSource;
use crate::store::SqliteStore;
use crate::supervisor::{Endpoint, MappingPlan, StartError, Stopped, Supervisor, find_stream, prepare};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use pelton_core::event::kinesis::KinesisEncoder;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

/// Mappings that are prepared at the same time.
const PREPARED_AT_ONCE_MAX: usize = 32;

/// What a poller is started with.
pub(super) struct Launch {
    /// What to run.
    pub(super) application: Application,
    /// The code of every function that an enabled mapping uses, by logical id.
    pub(super) code: BTreeMap<String, Code>,
    /// Speaks to the streams.
    pub(super) client: KinesisClient,
    /// What kind of endpoint that is.
    pub(super) endpoint: Endpoint,
    /// Tells when records arrive, if the streams are in this process.
    pub(super) arrivals: Option<Arrivals>,
    /// Bytes of records held by all shards together.
    pub(super) budget: ByteBudget,
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
    functions: BTreeMap<String, Arc<LocalFunction>>,
    views: Arc<dyn Views>,
    api: SocketAddr,
    control: Control,
    /// Dropped last: whoever holds the folder next finds everything settled.
    _data_dir: DataDir,
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
    /// Starts a poller: its shards are about to be opened. Cancelling leaves nothing behind but what was kept about mappings that start for the first time.
    pub(super) async fn start(launch: Launch) -> Result<Self, CommandFailure> {
        let Launch { application, code, client, endpoint, arrivals, budget, data_dir, options, clock } =
            launch;
        let server = ControlServer::bind(options.listen).await.map_err(bad_input)?;
        let sources = sources(&application, &client, &clock, &budget, arrivals.as_ref());
        let found =
            all(sources.iter().map(|(mapping, source)| find_stream(mapping, &**source, &clock))).await?;

        let store = SqliteStore::open(&data_dir.checkpoints(), clock.clone()).map_err(bad_input)?;
        let store: Arc<SqliteStore> = Arc::new(store);
        let spawner = Spawner::start().map_err(|error| CommandFailure::failed(chain(&error)))?;
        let local = |function: &Function, code| {
            let log = Arc::new(TracingLog);
            LocalFunction::new(function, code, client.region(), clock.clone(), spawner.clone(), log)
        };
        let functions: BTreeMap<String, Arc<LocalFunction>> = code
            .into_iter()
            .map(|(id, code)| (id.clone(), Arc::new(local(&application.functions[&id], code))))
            .collect();
        let prepared = all(sources.into_iter().zip(found).map(|((mapping, source), found)| {
            let ports = Ports {
                source,
                invoker: functions[&mapping.function].clone(),
                store: store.clone(),
                clock: clock.clone(),
            };
            let (envelope, poll_interval) = (KinesisEncoder::envelope(), options.poll_interval);
            prepare(MappingPlan { mapping, ports, envelope, endpoint, poll_interval }, found)
        }))
        .await?;

        let disabled = application.mappings.iter().filter(|mapping| !mapping.enabled).cloned();
        let supervisor = Supervisor::start(prepared, disabled.collect());
        data_dir.announce_address(server.address()).map_err(|error| CommandFailure::failed(chain(&error)))?;
        let views: Arc<dyn Views> = Arc::new(RunningViews {
            mappings: supervisor.mappings().to_vec(),
            functions: application
                .functions
                .values()
                .map(|f| (f.logical_id.clone(), f.name.clone()))
                .collect(),
            started_at: clock.now(),
            clock: clock.clone(),
        });
        let api = server.address();
        let control = Control::serve(server, Arc::clone(&views), clock.clone());
        Ok(Self { supervisor, functions, views, api, control, _data_dir: data_dir, options, clock })
    }

    /// What it is doing.
    pub(super) fn views(&self) -> Arc<dyn Views> {
        Arc::clone(&self.views)
    }

    /// Its functions, by logical id.
    pub(super) fn functions(&self) -> &BTreeMap<String, Arc<LocalFunction>> {
        &self.functions
    }

    /// Runs until Ctrl-C or SIGTERM, then stops: in-flight batches finish within the grace time. A second signal ends the
    /// wait.
    pub(super) async fn run(mut self, signals: &mut StopSignals) -> Result<(), CommandFailure> {
        let polling = self.say_when_polling();
        let is_broken = tokio::select! {
            never = polling => match never {},
            signal = signals.next() => {
                info!(signal, grace = ?self.options.grace, "stopping: batches in flight finish");
                false
            }
            () = self.supervisor.broken() => {
                error!("a task of the poller has panicked: stopping");
                true
            }
        };
        let stopped = tokio::select! {
            stopped = self.supervisor.stop(self.options.grace, &self.clock) => stopped,
            signal = signals.next() => {
                warn!(signal, "stopping at once");
                Stopped::Abandoned
            }
        };
        join_all(self.functions.values().map(|function| function.shutdown())).await;
        self.control.stop().await;
        match stopped {
            Stopped::Clean => info!("stopped: everything in flight is settled and checkpointed"),
            Stopped::Abandoned => {
                warn!("stopped: batches that were in flight will be sent again at the next start")
            }
            Stopped::Broken => {}
        }
        if is_broken || stopped == Stopped::Broken {
            return Err(CommandFailure::failed("the poller broke one of its own invariants and stopped")
                .help("nothing is lost: the next start goes on from the checkpoints. Please report the panic above"));
        }
        Ok(())
    }

    /// Says so once every shard is open. The poller can be stopped and looked at before: others may work for long already.
    fn say_when_polling(&self) -> impl Future<Output = Infallible> + use<> {
        let mappings = self.supervisor.mappings().iter().filter(|handle| handle.view.is_some()).count();
        let (shards, api, opened) = (self.supervisor.shards(), self.api, self.supervisor.opened());
        async move {
            opened.await;
            info!(mappings, shards, %api, "polling; Ctrl-C stops");
            pending().await
        }
    }
}

/// Every enabled mapping, and its stream.
fn sources(
    application: &Application,
    client: &KinesisClient,
    clock: &Clock,
    budget: &ByteBudget,
    arrivals: Option<&Arrivals>,
) -> Vec<(Mapping, Arc<dyn Source>)> {
    let source = |mapping: &Mapping| -> Arc<dyn Source> {
        let role = application.functions[&mapping.function].role_arn.clone();
        let (client, clock, budget) = (client.clone(), clock.clone(), budget.clone());
        let source = KinesisSource::new(client, clock, budget, mapping.stream.clone(), role);
        match arrivals {
            Some(arrivals) => Arc::new(source.with_arrivals(arrivals.clone())),
            None => Arc::new(source),
        }
    };
    enabled(application).map(|mapping| (mapping.clone(), source(mapping))).collect()
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
    fn serve(server: ControlServer, views: Arc<dyn Views>, clock: Clock) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(server.serve(views, clock, async {
            // Told to stop, or dropped: both end it.
            stopped.await.unwrap_or_default();
        }));
        Self { stop, server }
    }

    async fn stop(self) {
        drop(self.stop);
        match self.server.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the API broke off"),
            Err(error) => warn!(%error, "the API broke off"),
        }
    }
}
