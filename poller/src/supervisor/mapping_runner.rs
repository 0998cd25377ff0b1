//! One task per mapping: owns the workers of its shards.
//!
//! In: what changes in what this poller is to read, and how workers end. Out: workers started, drained and abandoned, and a view.
//! Which of them is decided by `pelton_core::assignments`.

use super::Stop;
use super::mapping_view::{MappingActivity, MappingView};
use super::policy::{self, Envelopes};
use super::preparation::Prepared;
use crate::ownership::why_waiting;
use crate::ports::Ownership;
use crate::shard_worker::{Assignment, Order, Ports, ShardWorker, WorkerView};
use futures_util::FutureExt as _;
use pelton_core::assignments::{Assignments, Command, Doing, Input};
use pelton_core::ownership::{Assigned, Change, Released};
use pelton_core::stream::ShardId;
use pelton_core::{Counts, Finished, Policy};
use pelton_model::Mapping;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};

/// Orders to a worker that it has not taken yet.
const ORDERS_MAX: usize = 4;

/// How long batches of a consumer group may take to finish once the mapping is told to stop, whatever the grace time is.
const HAND_OVER_MAX: Duration = Duration::from_secs(10);

/// Runs one mapping.
pub struct MappingRunner {
    mapping: Mapping,
    ports: Ports,
    policy: Policy,
    envelopes: Envelopes,
    ownership: Box<dyn Ownership>,
    assignments: Assignments,
    workers: BTreeMap<ShardId, Worker>,
    /// What happened in the shards of workers that have ended.
    ended: Counts,
    tasks: JoinSet<(ShardId, Finished)>,
    random: fastrand::Rng,
    view: watch::Sender<MappingView>,
}

struct Worker {
    orders: mpsc::Sender<Order>,
    view: watch::Receiver<WorkerView>,
}

impl Worker {
    /// A worker that does not listen any more is about to end.
    async fn order(&self, order: Order) {
        self.orders.send(order).await.ok();
    }
}

impl MappingRunner {
    /// A runner whose first shards have started, and what it shows.
    pub(super) async fn new(prepared: Prepared) -> (Self, watch::Receiver<MappingView>) {
        let Prepared { mapping, ports, policy, envelopes, ownership, group, .. } = prepared;
        let (view, views) = watch::channel(MappingView {
            activity: MappingActivity::Polling,
            shards: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ended: Counts::default(),
            group,
        });
        let mut runner = Self {
            mapping,
            ports,
            policy,
            envelopes,
            ownership,
            assignments: Assignments::default(),
            workers: BTreeMap::new(),
            ended: Counts::default(),
            tasks: JoinSet::new(),
            random: fastrand::Rng::new(),
            view,
        };
        while let Some(change) = runner.ownership.next().now_or_never() {
            runner.assignments.handle(Input::Changed(change));
        }
        runner.carry_out().await;
        (runner, views)
    }

    /// Runs until told to stop; then finishes what is in flight, for as long as it may. One that reaches its goal before does nothing
    /// until then. Dropping the future abandons it.
    pub(super) async fn run(mut self, mut told: watch::Receiver<Stop>) {
        tokio::select! {
            biased;
            _ = told.wait_for(|stop| *stop != Stop::No) => {}
            () = self.work() => {}
        }
        self.view.send_modify(|view| view.activity = MappingActivity::Stopped);
        // The shards stay in the view as they are left.
        let shown = self.view.borrow().clone();
        self.assignments.handle(Input::Drain);
        self.carry_out().await;
        let mut may_abandon = true;
        // Others wait for what a group is to be given back.
        let is_waited_for = self.view.borrow().group.is_some();
        let clock = self.ports.clock.clone();
        let mut waited = pin!(clock.sleep(HAND_OVER_MAX));
        while !self.assignments.is_idle() {
            tokio::select! {
                biased;
                Some(ended) = self.tasks.join_next() => self.worker_ended(ended),
                _ = told.wait_for(|stop| *stop == Stop::Abandon), if may_abandon => {
                    may_abandon = false;
                    self.abandon();
                }
                () = &mut waited, if may_abandon && is_waited_for => {
                    may_abandon = false;
                    self.abandon();
                }
            }
            self.carry_out().await;
        }
        self.ownership.leave().await;
        self.view.send_replace(shown);
    }

    fn abandon(&mut self) {
        self.assignments.handle(Input::Changed(Change::Lost(self.workers.keys().cloned().collect())));
    }

    async fn work(&mut self) {
        loop {
            tokio::select! {
                biased;
                Some(ended) = self.tasks.join_next() => self.workers_ended(ended),
                change = self.ownership.next() => self.assignments.handle(Input::Changed(change)),
            }
            self.carry_out().await;
        }
    }

    /// Cancelling loses at most orders to workers, all of which are drained then.
    async fn carry_out(&mut self) {
        while let Some(command) = self.assignments.next_command() {
            match command {
                Command::Start(assigned) => self.start_worker(assigned),
                Command::Drain { shard, by } => self.order(&shard, Order::Drain { by }).await,
                Command::Abandon(shard) => self.order(&shard, Order::Abandon).await,
                Command::Retain(retention) => {
                    self.policy.retention = retention;
                    for worker in self.workers.values() {
                        worker.order(Order::RetentionChanged(retention)).await;
                    }
                }
                Command::Trim { shard, log_start } => self.order(&shard, Order::Trimmed(log_start)).await,
                Command::Release(released) => self.ownership.released(released),
                Command::Show(doing) => self.view.send_modify(|view| view.activity = activity(&doing)),
            }
        }
        self.publish();
    }

    fn start_worker(&mut self, assigned: Assigned) {
        let Assigned { shard, stream_arn, from, checkpoint, until_caught_up } = assigned;
        let assignment = Assignment {
            mapping: self.mapping.id.clone(),
            shard: shard.clone(),
            from,
            checkpoint,
            checkpoints: self.ownership.checkpoints(&shard),
            policy: Policy {
                until_caught_up,
                ..policy::of_shard(&self.policy, (&self.mapping, &self.envelopes), &stream_arn, &shard)
            },
            seed: self.random.u64(..),
            checks: self.ownership.checks(),
        };
        let (orders, orders_taken) = mpsc::channel(ORDERS_MAX);
        let (worker, view) = ShardWorker::new(assignment, self.ports.clone(), orders_taken);
        let id = shard.clone();
        self.tasks.spawn(async move { (id, worker.run().await) });
        self.workers.insert(shard, Worker { orders, view });
    }

    async fn order(&mut self, shard: &ShardId, order: Order) {
        if let Some(worker) = self.workers.get(shard) {
            worker.order(order).await;
        }
    }

    /// All that have ended by now are taken in before the others are looked at: that takes as long as there are shards.
    fn workers_ended(&mut self, first: Result<(ShardId, Finished), JoinError>) {
        self.worker_ended(first);
        while let Some(ended) = self.tasks.try_join_next() {
            self.worker_ended(ended);
        }
    }

    fn worker_ended(&mut self, ended: Result<(ShardId, Finished), JoinError>) {
        let (shard, finished) = match ended {
            Ok(ended) => ended,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        let worker = self.workers.remove(&shard).expect("only a worker that was started ends");
        let view = worker.view.borrow();
        self.ended += view.shard.counts;
        let checkpoint = view.shard.checkpoint.clone();
        self.assignments.handle(Input::Ended(Released { shard, finished, checkpoint }));
    }

    fn publish(&self) {
        let shards = self.workers.iter().map(|(id, worker)| (id.clone(), worker.view.clone())).collect();
        let (waiting, ended) = (self.ownership.waiting(), self.ended);
        self.view.send_modify(|view| {
            view.shards = shards;
            view.waiting = waiting;
            view.ended = ended;
        });
    }
}

fn activity(doing: &Doing) -> MappingActivity {
    match doing {
        Doing::Polling => MappingActivity::Polling,
        Doing::Waiting(why) => MappingActivity::Waiting { reason: why_waiting(why) },
        Doing::CaughtUp => MappingActivity::CaughtUp,
    }
}
