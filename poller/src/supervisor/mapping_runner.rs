//! One task per mapping: makes the shard workers that run match the shards that may run.
//!
//! In: what the stream lists, and how workers end. Out: workers started and drained, and a view. Which shards may run
//! is decided by `pelton_core::plan`.

use super::mapping_view::{MappingActivity, MappingView};
use super::positions::{adopt, after_recreation, progress, say_starting_anew, start_anew};
use super::preparation::{Goal, MappingPlan, Prepared};
use super::{confirm, policy};
use crate::doubts::Doubts;
use crate::errors::chain;
use crate::ports::{
    MappingState, ShardState, SourceError, StoreError, StreamDescription, StreamIdentity, StreamStatus,
};
use crate::shard_worker::{Assignment, Order, ShardWorker, WorkerView};
use pelton_core::plan::{ListedShard, ShardId, startable, unlisted};
use pelton_core::{Backoff, Counts, Finished, Policy, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tracing::{info, warn};

/// From one look at the stream's shards to the next (KCL's shard sync).
const SYNC_INTERVAL: Duration = Duration::from_secs(60);
/// The same while a known shard is missing from the last look.
const SYNC_INTERVAL_MISSING: Duration = Duration::from_secs(5);
/// From one look to the next at the least, however many shards end.
const SYNC_GAP_MIN: Duration = Duration::from_secs(1);
/// Orders to a worker that it has not taken yet.
const ORDERS_MAX: usize = 4;

/// Runs one mapping.
pub struct MappingRunner {
    plan: MappingPlan,
    policy: Policy,
    state: MappingState,
    /// What the stream said of itself when it was last looked at.
    described: StreamDescription,
    listed: Vec<ListedShard>,
    is_first_start: bool,
    workers: BTreeMap<ShardId, Worker>,
    /// What happened in the shards of workers that have ended.
    ended: Counts,
    tasks: JoinSet<(ShardId, Finished)>,
    doubts: Arc<Doubts>,
    synced_at: Timestamp,
    sync_at: Timestamp,
    sync_failures: u32,
    /// Known shards that were missing from the last look.
    unlisted: BTreeSet<ShardId>,
    /// Open shards in which everything from before the start is settled: what comes next in them, and in children made of
    /// them since, is for the next start.
    caught_up: BTreeSet<ShardId>,
    /// A shard has ended since the last look: children of it may have been in the stream at the start, and not been listed.
    may_have_children: bool,
    random: fastrand::Rng,
    view: watch::Sender<MappingView>,
}

struct Worker {
    orders: mpsc::Sender<Order>,
    view: watch::Receiver<WorkerView>,
}

/// Why a look at the stream brought nothing.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error("cannot list the shards of the stream")]
    Source(#[from] SourceError),
    #[error("cannot store the list of shards")]
    Store(#[from] StoreError),
    #[error("the stream is being {0}")]
    NotActive(&'static str),
}

impl MappingRunner {
    /// A runner, and what it shows.
    pub(super) fn new(prepared: Prepared) -> (Self, watch::Receiver<MappingView>) {
        let Prepared { plan, policy, state, described, listed, is_first_start } = prepared;
        let (view, views) = watch::channel(MappingView {
            activity: MappingActivity::Polling,
            shards: BTreeMap::new(),
            waiting: 0,
            ended: Counts::default(),
        });
        let now = plan.ports.clock.now();
        let unlisted = unlisted(&listed, &progress(&state));
        let mut runner = Self {
            plan,
            policy,
            state,
            described,
            listed,
            is_first_start,
            workers: BTreeMap::new(),
            ended: Counts::default(),
            tasks: JoinSet::new(),
            doubts: Arc::default(),
            synced_at: now,
            sync_at: now,
            sync_failures: 0,
            unlisted,
            caught_up: BTreeSet::new(),
            may_have_children: false,
            random: fastrand::Rng::new(),
            view,
        };
        runner.sync_at = now.after(runner.sync_interval());
        runner.start_shards();
        runner.is_first_start = false;
        runner.publish(runner.after_a_look());
        (runner, views)
    }

    /// Runs until told to stop; then finishes what is in flight. One that reaches its goal before does nothing until then.
    /// Dropping the future abandons it.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        // Cancelling a step is safe: a look at the stream that was cut short is at worst repeated at the next start.
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.work() => {}
        }
        self.publish(MappingActivity::Stopped);
        // The shards stay in the view as they are left.
        let shown = self.view.borrow().clone();
        self.drain_all().await;
        self.view.send_replace(shown);
    }

    async fn work(&mut self) {
        while !self.has_caught_up() {
            self.step().await;
        }
        info!(mapping = %self.plan.mapping.id, "caught up: every record that was in the stream at the start is settled and checkpointed");
        self.publish(MappingActivity::CaughtUp);
        std::future::pending().await
    }

    /// Waits for the next thing to do, and does it.
    async fn step(&mut self) {
        let clock = self.plan.ports.clock.clone();
        tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next() => self.workers_ended(ended),
            () = self.doubts.raised() => self.sync_soon(),
            () = clock.sleep_until(self.sync_at) => self.sync().await,
        }
    }

    /// Starts a worker for every shard that may run and does not.
    fn start_shards(&mut self) {
        let startable = self.startable();
        if startable.is_empty() {
            return;
        }
        let open = self.listed.iter().filter(|shard| shard.is_open).map(|shard| shard.id.clone());
        let open: BTreeSet<ShardId> = open.collect();
        for shard in startable {
            // A closed shard is read to its end: a source may say that nothing more is there at the moment, where nothing more
            // will ever come, and what is in its children was there at the start, too.
            let goal = if open.contains(&shard) { self.plan.goal } else { Goal::GoOn };
            self.start_worker(shard, goal);
        }
    }

    /// A shard that has caught up is not started again, nor are its children: they wait for it as for one that runs.
    fn startable(&self) -> Vec<ShardId> {
        let busy = self.workers.keys().chain(&self.caught_up).cloned().collect();
        startable(&self.listed, &progress(&self.state), &busy)
    }

    /// Whether everything that was in the stream at the start is settled, and kept. A shard that was missing from the last look
    /// may have been overlooked.
    fn has_caught_up(&self) -> bool {
        let is_unfinished = |shard: &ShardId| !self.state.shards[shard].checkpoint.ended;
        self.plan.goal == Goal::CatchUp
            && self.workers.is_empty()
            && !self.may_have_children
            && !self.unlisted.iter().any(is_unfinished)
            && self.startable().is_empty()
    }

    fn start_worker(&mut self, shard: ShardId, goal: Goal) {
        let assignment = Assignment {
            mapping: self.plan.mapping.id.clone(),
            shard: shard.clone(),
            state: self.state.shards[&shard].clone(),
            is_first_start: self.is_first_start,
            policy: Policy {
                until_caught_up: goal == Goal::CatchUp,
                ..policy::of_shard(&self.policy, &self.plan.mapping, &self.state.stream.arn, &shard)
            },
            seed: self.random.u64(..),
            doubts: Arc::clone(&self.doubts),
        };
        let (orders, orders_taken) = mpsc::channel(ORDERS_MAX);
        let (worker, view) = ShardWorker::new(assignment, self.plan.ports.clone(), orders_taken);
        let id = shard.clone();
        self.tasks.spawn(async move { (id, worker.run().await) });
        self.workers.insert(shard, Worker { orders, view });
    }

    /// All that have ended by now are taken in before the others are looked at: that takes as long as there are shards.
    fn workers_ended(&mut self, first: Result<(ShardId, Finished), JoinError>) {
        self.worker_ended(first);
        while let Some(ended) = self.tasks.try_join_next() {
            self.worker_ended(ended);
        }
        self.start_shards();
        self.publish(self.activity());
    }

    fn worker_ended(&mut self, ended: Result<(ShardId, Finished), JoinError>) {
        let (shard, finished) = match ended {
            Ok(ended) => ended,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let worker = self.workers.remove(&shard);
        match finished {
            Finished::ShardEnd => {
                info!(mapping = %self.plan.mapping.id, %shard, "the shard has ended: all of its records are settled");
                self.may_have_children = true;
                self.sync_soon();
            }
            Finished::CaughtUp => drop(self.caught_up.insert(shard.clone())),
            Finished::Drained => {}
        }
        if let Some(worker) = &worker {
            self.ended += worker.view.borrow().shard.counts;
        }
        if let (Some(state), Some(worker)) = (self.state.shards.get_mut(&shard), worker) {
            // What was kept while it ran: whoever starts it again goes on from there.
            state.checkpoint = worker.view.borrow().shard.checkpoint.clone();
        }
    }

    /// Children may have appeared, or the stream may be another one.
    fn sync_soon(&mut self) {
        if self.sync_failures == 0 {
            self.sync_at = self.sync_at.min(self.synced_at.after(SYNC_GAP_MIN));
        }
    }

    /// Somewhat sooner while a shard is missing: others may wait for it.
    fn sync_interval(&self) -> Duration {
        if self.unlisted.is_empty() { SYNC_INTERVAL } else { SYNC_INTERVAL_MISSING }
    }

    /// Looks at the stream and makes the workers match it.
    async fn sync(&mut self) {
        let result = self.try_sync().await;
        let now = self.plan.ports.clock.now();
        self.synced_at = now;
        match result {
            Ok(()) => {
                if self.sync_failures > 0 {
                    info!(mapping = %self.plan.mapping.id, "the stream is available again");
                }
                self.sync_failures = 0;
                self.sync_at = now.after(self.sync_interval());
                self.publish(self.after_a_look());
            }
            Err(error) => {
                self.sync_failures += 1;
                let delay = SYNC_GAP_MIN + Backoff::default().delay(self.sync_failures, &mut self.random);
                self.sync_at = now.after(delay);
                let reason = chain(&error);
                warn!(mapping = %self.plan.mapping.id, error = reason, again_in = ?delay, "waiting for the stream");
                self.publish(MappingActivity::Waiting { reason });
            }
        }
    }

    async fn try_sync(&mut self) -> Result<(), SyncError> {
        let look = self.doubts.begin_look();
        let source = Arc::clone(&self.plan.ports.source);
        let source = &*source;
        // A reader that found its stream gone must not read on because of an answer from before.
        let known = if self.doubts.are_open() { None } else { Some(&self.described) };
        let description = confirm::description(known, || source.describe()).await?;
        match description.status {
            StreamStatus::Active => {}
            StreamStatus::Creating => return Err(SyncError::NotActive("created")),
            StreamStatus::Deleting => return Err(SyncError::NotActive("deleted")),
        }
        let listed = confirm::shards(Some(&self.listed), || confirm::listing(source)).await?;
        if description.created != self.state.stream.created {
            return self.start_anew(description, listed).await;
        }
        self.change_retention(description.retention).await;
        self.described = description;
        adopt(&self.plan, &mut self.state, &listed).await?;
        self.forget_unlisted(&listed).await?;
        self.listed = listed;
        self.may_have_children = false;
        self.doubts.settle(look);
        self.start_shards();
        Ok(())
    }

    /// The stream was deleted and made again: settles what is in flight, then begins with the new one.
    async fn start_anew(
        &mut self,
        stream: StreamDescription,
        listed: Vec<ListedShard>,
    ) -> Result<(), SyncError> {
        say_starting_anew(&self.plan, &self.state.stream);
        self.drain_all().await;
        let identity = StreamIdentity { arn: stream.arn.clone(), created: stream.created };
        self.state = start_anew(&self.plan, identity, &listed, after_recreation(&self.plan)).await?;
        self.policy.retention = stream.retention;
        self.described = stream;
        self.listed = listed;
        self.unlisted.clear();
        self.caught_up.clear();
        self.may_have_children = false;
        self.start_shards();
        Ok(())
    }

    async fn change_retention(&mut self, retention: Duration) {
        if retention == self.policy.retention {
            return;
        }
        info!(mapping = %self.plan.mapping.id, ?retention, "the stream's retention has changed");
        self.policy.retention = retention;
        self.order_all(Order::RetentionChanged(retention)).await;
    }

    /// Shards that are missing from two looks in a row have left the stream's retention. One that is still being worked on is
    /// drained first, and forgotten at a later look.
    async fn forget_unlisted(&mut self, listed: &[ListedShard]) -> Result<(), SyncError> {
        let unlisted = unlisted(listed, &progress(&self.state));
        let mut forgotten = Vec::new();
        for shard in unlisted.intersection(&self.unlisted) {
            if let Some(worker) = self.workers.get(shard) {
                // A worker that does not listen any more is about to end.
                worker.orders.send(Order::Drain).await.ok();
                continue;
            }
            if !self.state.shards[shard].checkpoint.ended {
                warn!(mapping = %self.plan.mapping.id, %shard, "the stream no longer lists the shard: records of it that are not settled are lost to retention");
            }
            forgotten.push(shard.clone());
        }
        if !forgotten.is_empty() {
            self.plan.ports.store.remove_shards(&self.plan.mapping.id, &forgotten).await?;
            self.state.shards.retain(|id, _| !forgotten.contains(id));
        }
        self.unlisted = unlisted.into_iter().filter(|id| self.state.shards.contains_key(id)).collect();
        Ok(())
    }

    /// Drains every worker and waits for them.
    async fn drain_all(&mut self) {
        // A shard that ends while the others drain must not start its children.
        self.listed.clear();
        self.order_all(Order::Drain).await;
        while let Some(ended) = self.tasks.join_next().await {
            self.worker_ended(ended);
        }
        self.publish(self.activity());
    }

    async fn order_all(&self, order: Order) {
        for worker in self.workers.values() {
            // A worker that does not listen any more has ended.
            worker.orders.send(order).await.ok();
        }
    }

    /// How many shards are to be read and are not: their parents are not finished.
    fn waiting(&self) -> usize {
        let is_unfinished = |(id, shard): &(&ShardId, &ShardState)| {
            !shard.checkpoint.ended && !self.workers.contains_key(*id) && !self.caught_up.contains(*id)
        };
        self.state.shards.iter().filter(is_unfinished).count()
    }

    fn activity(&self) -> MappingActivity {
        self.view.borrow().activity.clone()
    }

    /// What the mapping does once the stream was looked at and every shard that may run does.
    fn after_a_look(&self) -> MappingActivity {
        if !self.workers.is_empty() || self.has_caught_up() {
            return MappingActivity::Polling;
        }
        let reason = match self.waiting() {
            0 => "every shard that the stream lists has ended".to_owned(),
            waiting => format!("{waiting} shards wait for their parents, which the stream does not list"),
        };
        MappingActivity::Waiting { reason }
    }

    fn publish(&self, activity: MappingActivity) {
        let shards = self.workers.iter().map(|(id, worker)| (id.clone(), worker.view.clone())).collect();
        self.view.send_replace(MappingView { activity, shards, waiting: self.waiting(), ended: self.ended });
    }
}
