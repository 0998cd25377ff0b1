//! Starts the mappings, shows them, and stops them.
//!
//! One task per mapping ([`MappingRunner`]), which owns its shard workers. Nobody else touches a worker: whoever wants
//! to know something reads a view, whoever wants something stopped says so here.

mod mapping_runner;
mod mapping_view;
mod policy;
mod preparation;
mod rewinding;

pub use mapping_runner::MappingRunner;
pub use mapping_view::{MappingActivity, MappingView};
pub use policy::Envelopes;
pub use preparation::{Goal, MappingPlan, SharedOut, Topic};
pub use rewinding::{RewindError, RewindTo, Rewound, rewind};

use crate::clock::Clock;
use crate::ownership;
use crate::shard_worker::WorkerView;
use crate::starting::StartError;
use futures_util::StreamExt as _;
use pelton_core::stream::ShardId;
use pelton_model::{Mapping, MappingId};
use preparation::{Prepared, prepare};
use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

/// Mappings that are prepared at the same time.
const PREPARED_AT_ONCE_MAX: usize = 32;

/// The running mappings.
#[derive(Default)]
pub struct Supervisor {
    runners: JoinSet<MappingId>,
    /// Those of which the runner has not ended.
    running: BTreeSet<MappingId>,
    handles: Vec<MappingHandle>,
}

/// A mapping and what it shows.
#[derive(Clone)]
pub struct MappingHandle {
    /// Its settings.
    pub mapping: Mapping,
    /// What it does; `None` for a mapping that is not enabled.
    pub view: Option<watch::Receiver<MappingView>>,
    /// Tells it to stop.
    stop: watch::Sender<Stop>,
}

/// What a mapping is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// Go on.
    No,
    /// Finish what is in flight.
    Drain,
    /// End at once.
    Abandon,
}

/// What is to change about the mappings. All others go on undisturbed.
#[derive(Default)]
pub struct Change {
    /// These are drained, and shown no more: removed, paused, or to be started again.
    pub stopped: Vec<MappingId>,
    /// These are started then.
    pub started: Vec<MappingPlan>,
    /// These are only shown.
    pub disabled: Vec<Mapping>,
}

/// How a stop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything in flight was settled and kept.
    Clean,
    /// The grace time ran out: what was in flight will be repeated.
    Abandoned,
    /// A task broke one of our own invariants.
    Broken,
}

impl Supervisor {
    async fn add(&mut self, prepared: Vec<Prepared>, disabled: Vec<Mapping>) {
        ownership::say(prepared.iter().filter_map(|prepared| prepared.resumption.clone()).collect());
        for mapping in disabled {
            self.handles.push(MappingHandle { mapping, view: None, stop: watch::Sender::new(Stop::No) });
        }
        for prepared in prepared {
            let mapping = prepared.mapping.clone();
            let (runner, view) = MappingRunner::new(prepared).await;
            let stop = watch::Sender::new(Stop::No);
            let (id, told) = (mapping.id.clone(), stop.subscribe());
            self.running.insert(id.clone());
            self.runners.spawn(async move {
                runner.run(told).await;
                id
            });
            self.handles.push(MappingHandle { mapping, view: Some(view), stop });
        }
    }

    /// Makes a change: drains what it stops, for at most `grace`, then starts what it starts. Positions are kept. Cancelling leaves
    /// mappings that are told to stop, and not started again.
    ///
    /// # Errors
    ///
    /// If positions cannot be read or kept: what was to be started does not run.
    pub async fn apply(
        &mut self,
        change: Change,
        grace: Duration,
        clock: &Clock,
    ) -> Result<Stopped, StartError> {
        let Change { stopped, started, disabled } = change;
        let how = self.stop_these(&stopped, grace, clock).await;
        self.handles.retain(|handle| !stopped.contains(&handle.mapping.id));
        let prepared: Vec<Result<Prepared, StartError>> =
            futures_util::stream::iter(started.into_iter().map(prepare))
                .buffered(PREPARED_AT_ONCE_MAX)
                .collect()
                .await;
        self.add(prepared.into_iter().collect::<Result<_, _>>()?, disabled).await;
        Ok(how)
    }

    /// Tells mappings to drain, and those that have not done so within `grace` to end as they are.
    async fn stop_these(&mut self, mappings: &[MappingId], grace: Duration, clock: &Clock) -> Stopped {
        let is_meant = |handle: &&MappingHandle| mappings.contains(&handle.mapping.id);
        let stops: Vec<watch::Sender<Stop>> =
            self.handles.iter().filter(is_meant).map(|handle| handle.stop.clone()).collect();
        let tell = |what| stops.iter().for_each(|stop| stop.send_modify(|stop| *stop = what));
        tell(Stop::Drain);
        let mut deadline = pin!(clock.sleep(grace));
        let mut stopped = Stopped::Clean;
        while mappings.iter().any(|mapping| self.running.contains(mapping)) {
            tokio::select! {
                biased;
                Some(ended) = self.runners.join_next() => {
                    if !self.has_ended(ended) {
                        return Stopped::Broken;
                    }
                }
                () = &mut deadline, if stopped == Stopped::Clean => {
                    stopped = Stopped::Abandoned;
                    tell(Stop::Abandon);
                }
            }
        }
        stopped
    }

    /// A runner has ended: as it should, or with a panic?
    fn has_ended(&mut self, ended: Result<MappingId, JoinError>) -> bool {
        let Ok(mapping) = ended else { return false };
        self.running.remove(&mapping);
        true
    }

    /// The mappings and their views.
    #[must_use]
    pub fn mappings(&self) -> &[MappingHandle] {
        &self.handles
    }

    /// How many shards are being read: one that several mappings read counts once.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shards_beside(&[])
    }

    /// How many are being read by other mappings than these.
    #[must_use]
    pub fn shards_beside(&self, mappings: &[MappingId]) -> usize {
        let mut shards = BTreeSet::new();
        for MappingHandle { mapping, view, .. } in &self.handles {
            let Some(view) = view.as_ref().filter(|_| !mappings.contains(&mapping.id)) else { continue };
            let of_stream = |id: &ShardId| (mapping.source.to_string(), id.clone());
            shards.extend(view.borrow().shards.keys().map(of_stream));
        }
        shards.len()
    }

    /// Waits until every shard that was started with has fixed its place in the stream: what is put from now on is not
    /// passed over. A consumer group is waited for until it says which those are. Cancelling is safe.
    pub fn opened(&self) -> impl Future<Output = ()> + Send + use<> {
        let views: Vec<_> = self.handles.iter().filter_map(|handle| handle.view.clone()).collect();
        async move {
            for mut view in views {
                if view.borrow().group.is_some() {
                    let has_joined =
                        |view: &MappingView| !matches!(view.activity, MappingActivity::Waiting { .. });
                    view.wait_for(has_joined).await.ok();
                }
                let shards: Vec<_> = view.borrow().shards.values().cloned().collect();
                for mut shard in shards {
                    // An error means that the worker has ended: there is nothing left to pass over.
                    shard.wait_for(|view: &WorkerView| view.is_open).await.ok();
                }
            }
        }
    }

    /// Returns when every mapping has reached its goal: never, if one of them goes on until told to stop. Cancelling is safe.
    pub fn finished(&self) -> impl Future<Output = ()> + Send + use<> {
        let views: Vec<_> = self.handles.iter().filter_map(|handle| handle.view.clone()).collect();
        async move {
            for mut view in views {
                let caught_up =
                    view.wait_for(|view| view.activity == MappingActivity::CaughtUp).await.is_ok();
                if !caught_up {
                    // The runner has ended before.
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Returns when a task has broken one of our own invariants. Cancelling is safe.
    pub async fn broken(&mut self) {
        while let Some(ended) = self.runners.join_next().await {
            if !self.has_ended(ended) {
                return;
            }
        }
        std::future::pending().await
    }

    /// Stops fetching, lets in-flight batches finish for at most `grace`, keeps their checkpoints, ends.
    pub async fn stop(mut self, grace: Duration, clock: &Clock) -> Stopped {
        let all: Vec<MappingId> = self.handles.iter().map(|handle| handle.mapping.id.clone()).collect();
        self.stop_these(&all, grace, clock).await
    }
}
