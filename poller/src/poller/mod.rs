//! A running poller: what `run`, `dev` and `demo` have in common.
//!
//! In: an application, its functions' code, and the stream's endpoint. Everything that a user can get wrong is checked
//! before anything runs; what is wrong is told all at once, and leaves nothing behind.

mod api;
mod catching_up;
mod change;
mod ending;
mod functions;
#[cfg(any(test, not(feature = "kafka")))]
#[cfg_attr(feature = "kafka", allow(dead_code, reason = "here only its tests use it"))]
mod no_topics;
mod on_failure;
mod planning;
mod room;
mod settings;
pub(crate) mod tables;
#[cfg(feature = "kafka")]
mod topics;
mod views;

pub use catching_up::not_started;
pub use ending::{Until, Why};
pub use functions::{Functions, Running};
pub use planning::Planned;
pub use settings::{DestinationsAt, PollerSettings};

use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::control::{ControlServer, Views};
use crate::data_dir::DataDir;
use crate::lambda::LocalFunction;
use crate::signals::StopSignals;
use crate::source::StreamsAt;
use crate::source::aws::KinesisClient;
use crate::source::budget::ByteBudget;
use crate::source::embedded::Arrivals;
use crate::starting::StartError;
use crate::store::SqliteStore;
use crate::supervisor::{Goal, Stopped, Supervisor};
use crate::user_error::UserError;
use api::{Api, announce};
use catching_up::late;
use ending::{records_left, shards_in_flight, stop};
use futures_util::future::join_all;
#[cfg(not(feature = "kafka"))]
use no_topics as topics;
use on_failure::OnFailureDestinations;
use pelton_core::Timestamp;
use pelton_model::Application;
use planning::{Base, shards_open};
use room::handlers_max;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use tokio::sync::watch;
use tracing::{error, info, warn};
use views::{RunningViews, Shown};

/// What a poller is started with.
pub struct Launch {
    /// What to run.
    pub application: Application,
    /// Every function that an enabled mapping uses.
    pub functions: Functions,
    /// Speaks to the streams.
    pub client: KinesisClient,
    /// Which AWS.
    pub aws: AwsOptions,
    /// Where the streams are.
    pub streams_at: StreamsAt,
    /// Tells when records arrive, if the streams are in this process.
    pub arrivals: Option<Arrivals>,
    /// How far the mappings go.
    pub goal: Goal,
    /// Held for as long as the poller runs.
    pub data_dir: DataDir,
    /// How it runs.
    pub settings: PollerSettings,
    /// The time.
    pub clock: Clock,
}

/// A running poller.
pub struct Poller {
    supervisor: Supervisor,
    /// What runs.
    application: Application,
    running: Running,
    views: Arc<RunningViews>,
    destinations: OnFailureDestinations,
    api: Api,
    store: Arc<SqliteStore>,
    base: Base,
}

impl Poller {
    /// Starts a poller: its shards are about to be opened. Cancelling leaves nothing behind but what was kept about mappings
    /// that start for the first time.
    pub async fn start(launch: Launch) -> Result<Self, UserError> {
        let Launch {
            application,
            functions,
            client,
            aws,
            streams_at,
            arrivals,
            goal,
            data_dir,
            settings,
            clock,
        } = launch;
        // A mapping has at least one shard. Without enough descriptors nothing below fails for the reason that it says.
        handlers_max(application.enabled().count(), functions.here.len())?;
        let server = ControlServer::bind(settings.listen)
            .await
            .map_err(|error| UserError::bad_input_because(&error))?;
        let settings = PollerSettings { listen: server.address(), ..settings };
        let budget = ByteBudget::default();
        let base = Base { client, aws, streams_at, arrivals, budget, goal, data_dir, settings, clock };
        let (found, sources) = base.find(&application, application.enabled()).await?;
        // Before anything is left behind.
        handlers_max(shards_open(&found), functions.here.len())?;
        functions.forget_unused_code(base.data_dir.path());
        let store = SqliteStore::open(&base.data_dir.checkpoints(), base.clock.clone())
            .map_err(|error| UserError::bad_input_because(&error))?;
        let store = Arc::new(store);
        let views = Arc::new(RunningViews {
            started_at: base.clock.now(),
            budget: base.budget.clone(),
            clock: base.clock.clone(),
            shown: watch::Sender::default(),
        });
        let planned = base.plan(application, functions, None, (found, &sources), Vec::new(), &store).await?;
        let mut supervisor = Supervisor::default();
        let Planned { application, running, destinations, change, handlers_max: _ } = planned;
        supervisor
            .apply(change, base.settings.grace, &base.clock)
            .await
            .map_err(|error| not_prepared(&error))?;
        views.shown.send_replace(Shown::of(&supervisor, &application, &running, destinations.names()));
        let api = Api::serve(server, views.clone());
        Ok(Self { supervisor, application, running, views, destinations, api, store, base })
    }

    /// What runs.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// What it is doing.
    pub fn views(&self) -> Arc<dyn Views> {
        self.views.clone()
    }

    /// Its functions that run here, by logical id.
    pub fn functions(&self) -> &BTreeMap<String, Arc<LocalFunction>> {
        &self.running.here
    }

    /// Runs until Ctrl-C or SIGTERM, then stops: in-flight batches finish within the grace time. A second signal, a second
    /// or more after the first, ends the wait.
    pub async fn run(mut self, signals: &mut StopSignals) -> Result<(), UserError> {
        match self.run_until(signals, pending::<Infallible>()).await {
            Until::Stop(why) => self.stop(signals, why).await,
            Until::Then(never) => match never {},
        }
    }

    /// The same, or until everything that was in the streams at the start is settled. At the deadline it stops as for a
    /// signal, and fails.
    pub async fn run_until_caught_up(
        mut self,
        signals: &mut StopSignals,
        deadline: Option<Timestamp>,
    ) -> Result<(), UserError> {
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
    pub async fn run_until<T>(
        &mut self,
        signals: &mut StopSignals,
        end: impl Future<Output = T>,
    ) -> Until<T> {
        let mappings = self.supervisor.mappings().iter().filter(|handle| handle.view.is_some()).count();
        let (opened, counts) = (self.supervisor.opened(), (mappings, self.supervisor.shards()));
        let Base { data_dir, settings, clock, .. } = &self.base;
        let announced = announce(opened, counts, data_dir, settings.listen, clock);
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
    pub async fn stop(self, signals: &mut StopSignals, why: Why) -> Result<(), UserError> {
        let Self { supervisor, running, views, api, store, base, .. } = self;
        let grace = base.settings.grace;
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
        api.stop().await;
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
            Stopped::Abandoned if base.streams_at == StreamsAt::ThisProcess => {
                warn!(
                    shards = shards_in_flight,
                    "stopped: batches that were in flight end with the embedded stream, which is in memory"
                );
            }
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

fn broken() -> UserError {
    UserError::failed("the poller broke one of its own invariants and stopped")
        .help("no record is lost: the next start resumes at the checkpoints. Please report the panic above")
}

fn not_prepared(error: &StartError) -> UserError {
    UserError::bad_input_because(error).help(error.help())
}
