//! Starts the mappings, shows them, and stops them.
//!
//! One task per mapping ([`MappingRunner`]), which owns its shard workers. Nobody else touches a worker: whoever wants
//! to know something reads a view, whoever wants something stopped says so here.

mod confirm;
mod mapping_runner;
mod mapping_view;
mod policy;
mod positions;
mod preparation;
mod resumption;
mod rewinding;
mod table_help;

pub use mapping_runner::MappingRunner;
pub use mapping_view::{MappingActivity, MappingView};
pub use preparation::{FoundStream, Goal, MappingPlan, Prepared, StartError, find_stream, prepare};
pub use rewinding::{RewindError, RewindTo, Rewound, rewind};

use crate::clock::Clock;
use crate::model::Mapping;
use crate::shard_worker::WorkerView;
use pelton_core::plan::ShardId;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The running mappings.
pub struct Supervisor {
    runners: JoinSet<()>,
    views: Vec<MappingHandle>,
    stop: watch::Sender<bool>,
}

/// A mapping and what it shows.
#[derive(Clone)]
pub struct MappingHandle {
    /// Its settings.
    pub mapping: Mapping,
    /// What it does; `None` for a mapping that is not enabled.
    pub view: Option<watch::Receiver<MappingView>>,
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
    /// Starts every mapping that was prepared; `disabled` ones are only shown.
    #[must_use]
    pub fn start(prepared: Vec<Prepared>, disabled: Vec<Mapping>) -> Self {
        resumption::say(&prepared);
        let (stop, stop_seen) = watch::channel(false);
        let mut runners = JoinSet::new();
        let mut views: Vec<MappingHandle> =
            disabled.into_iter().map(|mapping| MappingHandle { mapping, view: None }).collect();
        for prepared in prepared {
            let mapping = prepared.mapping().clone();
            let (runner, view) = MappingRunner::new(prepared);
            runners.spawn(runner.run(stop_seen.clone()));
            views.push(MappingHandle { mapping, view: Some(view) });
        }
        Self { runners, views, stop }
    }

    /// The mappings and their views. The list never changes while the supervisor lives.
    #[must_use]
    pub fn mappings(&self) -> &[MappingHandle] {
        &self.views
    }

    /// How many shards are being read: one that several mappings read counts once.
    #[must_use]
    pub fn shards(&self) -> usize {
        let mut shards = BTreeSet::new();
        for MappingHandle { mapping, view, .. } in &self.views {
            let Some(view) = view else { continue };
            let of_stream = |id: &ShardId| (mapping.source.to_string(), id.clone());
            shards.extend(view.borrow().shards.keys().map(of_stream));
        }
        shards.len()
    }

    /// Waits until every shard that was started with has fixed its place in the stream: what is put from now on is not
    /// passed over. Cancelling is safe.
    pub fn opened(&self) -> impl Future<Output = ()> + Send + use<> {
        let views = self.views.iter().filter_map(|handle| handle.view.as_ref());
        let shards: Vec<_> =
            views.flat_map(|view| view.borrow().shards.values().cloned().collect::<Vec<_>>()).collect();
        async move {
            for mut shard in shards {
                // An error means that the worker has ended: there is nothing left to pass over.
                shard.wait_for(|view: &WorkerView| view.is_open).await.ok();
            }
        }
    }

    /// Returns when every mapping has reached its goal: never, if one of them goes on until told to stop. Cancelling is safe.
    pub fn finished(&self) -> impl Future<Output = ()> + Send + use<> {
        let views: Vec<_> = self.views.iter().filter_map(|handle| handle.view.clone()).collect();
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
            if ended.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Stops fetching, lets in-flight batches finish for at most `grace`, keeps their checkpoints, ends.
    pub async fn stop(mut self, grace: Duration, clock: &Clock) -> Stopped {
        self.stop.send_replace(true);
        let all_ended = async {
            let mut stopped = Stopped::Clean;
            while let Some(ended) = self.runners.join_next().await {
                if ended.is_err() {
                    stopped = Stopped::Broken;
                }
            }
            stopped
        };
        tokio::select! {
            stopped = all_ended => stopped,
            () = clock.sleep(grace) => Stopped::Abandoned,
        }
    }
}
