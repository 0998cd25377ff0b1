//! One task per shard: carries the core's commands out and brings the answers back.
//!
//! In: orders of the supervisor, and what happens at the ports. Out: a view, and why it finished. Decides nothing.

mod deliveries;
pub(crate) mod failed_attempts;
mod judged_reader;
mod notices;
mod problems;
mod reading;
mod remarks;

use crate::clock::Clock;
use crate::in_flight::{finish, in_task};
use crate::ports::{
    CheckpointError, Checkpoints, Destination, Invoker, ReadFrom, Source, SourceError, StreamChecks,
};
use crate::stream_checks::Required;
use deliveries::{Began, Delivered, Deliveries};
use failed_attempts::{Before, FailedAttempts, problem, problem_of};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use pelton_core::shard_end::Ending;
use pelton_core::stream::ShardId;
use pelton_core::{
    Checkpoint, Command, FailedAttempt, FetchError, Finished, Input, Invocation, InvocationId, Notice,
    Outcome, Policy, Reply, SaveError, SendError, Shard, ShardView, Timestamp,
};
use pelton_model::MappingId;
use problems::{Doing, Problems};
use reading::{Fetched, ReaderSlot, Reading};
pub use remarks::Remarks;
use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tracing::debug;

/// What a worker is told while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Finish what is in flight, start nothing new, save, end: until this moment, if there is one.
    Drain {
        /// From then on the shard is somebody else's.
        by: Option<Timestamp>,
    },
    /// The shard is somebody else's: end at once.
    Abandon,
    /// The stream now keeps its records for this long.
    RetentionChanged(Duration),
    /// The log begins at this offset now.
    Trimmed(u64),
}

/// What a worker shows.
#[derive(Clone, Debug)]
pub struct WorkerView {
    /// The shard as the core sees it.
    pub shard: ShardView,
    /// Whether the place to read from is fixed: nothing put from now on can be passed over.
    pub is_open: bool,
    /// What does not go well, for people; `None` once everything does again.
    pub problem: Option<String>,
    /// Since when no read succeeds; `None` while they do.
    pub unread_since: Option<Timestamp>,
}

/// What a worker works with.
#[derive(Clone)]
pub struct Ports {
    /// The stream.
    pub source: Arc<dyn Source>,
    /// The function.
    pub invoker: Arc<dyn Invoker>,
    /// Where records go that were given up; `None`: nowhere.
    pub destination: Option<Arc<dyn Destination>>,
    /// What was said of the function.
    pub remarks: Arc<Remarks>,
    /// The time.
    pub clock: Clock,
}

/// Which shard of which mapping, and where to begin.
pub struct Assignment {
    /// The mapping.
    pub mapping: MappingId,
    /// The shard.
    pub shard: ShardId,
    /// Where to read on.
    pub from: ReadFrom,
    /// How far it is settled. It must not have ended.
    pub checkpoint: Checkpoint,
    /// Where it keeps what it settles.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// The mapping's settings.
    pub policy: Policy,
    /// Decides every jitter.
    pub seed: u64,
    /// Shared by all workers of the mapping.
    pub checks: Arc<StreamChecks>,
}

/// Runs one shard until it is drained or has ended. Dropping the future abandons what is in flight.
pub struct ShardWorker {
    mapping: MappingId,
    shard_id: ShardId,
    ports: Ports,
    shard: Shard,
    reader: Option<ReaderSlot>,
    /// For a reader that is opened: nothing is known of the shard's end.
    ending: Ending,
    /// The read in flight, at most one.
    fetch: Option<BoxFuture<'static, Fetched>>,
    invocations: FuturesUnordered<BoxFuture<'static, (InvocationId, Reply)>>,
    deliveries: Deliveries,
    failed_attempts: FailedAttempts,
    save: Option<BoxFuture<'static, Result<(), CheckpointError>>>,
    arrivals: Option<watch::Receiver<u64>>,
    code_changes: Option<watch::Receiver<u64>>,
    /// `None` once told to drain: nothing follows.
    orders: Option<mpsc::Receiver<Order>>,
    /// Answers that needed no waiting.
    answers: VecDeque<Input>,
    view: watch::Sender<WorkerView>,
    problems: Problems,
    unread_since: Option<Timestamp>,
    /// The last read failed, and that is not logged yet.
    read_error: Option<SourceError>,
    checkpoints: Arc<dyn Checkpoints>,
    checks: Arc<StreamChecks>,
    /// The stream turned out not to exist: when it is back, it may be another one.
    required: Option<Required>,
}

impl ShardWorker {
    /// A worker for `assignment`, and what it shows.
    pub fn new(
        assignment: Assignment,
        ports: Ports,
        orders: mpsc::Receiver<Order>,
    ) -> (Self, watch::Receiver<WorkerView>) {
        let Assignment { mapping, shard: shard_id, from, checkpoint, checkpoints, policy, seed, checks } =
            assignment;
        let ending = if policy.until_caught_up { Ending::confirming_caught_up() } else { Ending::default() };
        let shard = Shard::new(policy, Some(checkpoint), seed, ports.clock.now());
        let first_view =
            WorkerView { shard: shard.view(), is_open: false, problem: None, unread_since: None };
        let (view, views) = watch::channel(first_view);
        let problems = Problems::none(mapping.clone(), shard_id.clone());
        let deliveries = Deliveries::new(mapping.clone(), shard_id.clone(), ports.destination.clone());
        let destination = ports.destination.as_ref().map(|destination| destination.name());
        let failed_attempts = FailedAttempts::new(mapping.clone(), shard_id.clone(), destination);
        let worker = Self {
            mapping,
            arrivals: None,
            code_changes: ports.invoker.code_changes(),
            shard_id,
            ports,
            shard,
            reader: Some(ReaderSlot::NotOpen(from)),
            ending,
            fetch: None,
            invocations: FuturesUnordered::new(),
            deliveries,
            failed_attempts,
            save: None,
            orders: Some(orders),
            answers: VecDeque::new(),
            view,
            problems,
            unread_since: None,
            read_error: None,
            checkpoints,
            checks,
            required: None,
        };
        (worker, views)
    }

    /// Works until the shard is finished.
    pub async fn run(mut self) -> Finished {
        loop {
            while let Some(command) = self.shard.next_command() {
                self.carry_out(command);
            }
            self.publish();
            if let Some(finished) = self.shard.finished() {
                return finished;
            }
            let input = self.next_input().await;
            let is_success = is_success(&input);
            self.shard.handle(input, self.ports.clock.now());
            self.take_notices(is_success);
            self.say_read_error();
        }
    }

    /// Says what the core noticed. A function that answered does well again, unless its answer is no success after all.
    fn take_notices(&mut self, is_success: bool) {
        let mut function_does_well = is_success;
        while let Some(notice) = self.shard.next_notice() {
            notices::say(&self.mapping, &self.shard_id, &self.ports.remarks, &notice);
            if let Notice::AttemptFailed(failed) = &notice {
                self.attempt_failed(failed);
                function_does_well = false;
            }
        }
        if function_does_well && self.problems.is_at_hand(Doing::Invoking) {
            self.batch_succeeded();
        }
    }

    /// One batch succeeded after others failed. Of those that still fail (ParallelizationFactor, a batch that was split), that of
    /// the oldest record shows.
    fn batch_succeeded(&mut self) {
        match self.shard.failing().first() {
            Some(failing) => drop(self.problems.note(Doing::Invoking, problem_of(failing))),
            None => self.problems.recovered(Doing::Invoking),
        }
    }

    /// Logs a read that failed, once the core knows when the next one starts.
    fn say_read_error(&mut self) {
        let Some(error) = self.read_error.take() else { return };
        let now = self.ports.clock.now();
        let again_in = self.shard.next_read_at().map(|at| at.since(now));
        self.problems.has(Doing::Reading, "the shard cannot be read; trying again", &error, again_in);
    }

    fn attempt_failed(&mut self, failed: &FailedAttempt) {
        let problem = problem(failed);
        let was = self.problems.note(Doing::Invoking, problem.clone());
        let before = if was == Some(problem) { Before::GoesOn } else { Before::New };
        self.failed_attempts.say(failed, before, self.ports.clock.now());
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Fetch { records_max } => self.start_fetch(records_max),
            Command::Invoke(invocation) => self.start_invocation(invocation),
            Command::SaveCheckpoint(checkpoint) => self.start_save(checkpoint),
            Command::SendFailure(failure) => {
                let id = failure.id;
                match self.deliveries.start(failure, self.ports.clock.now()) {
                    Began::Delivery => {}
                    Began::Nothing => self.answers.push_back(Input::FailureSent(id, Ok(()))),
                }
            }
        }
    }

    fn start_fetch(&mut self, records_max: usize) {
        let reading = Reading {
            slot: self.reader.take().expect("at most one read is in flight"),
            source: Arc::clone(&self.ports.source),
            shard: self.shard_id.clone(),
            ending: self.ending,
            required: self.required.take(),
            checks: Arc::clone(&self.checks),
            view: self.view.clone(),
        };
        let read = reading.read(records_max);
        self.fetch = Some(if self.is_idle() { Box::pin(read) } else { in_task(read) });
    }

    /// Whether nothing goes on that a read could hold up. To decode a page takes long enough that batches must go on beside it; while
    /// there are none, a task of its own would only bring the page later.
    fn is_idle(&self) -> bool {
        self.invocations.is_empty()
            && self.deliveries.is_empty()
            && self.save.is_none()
            && self.shard.records_held() == 0
    }

    fn start_invocation(&mut self, invocation: Invocation) {
        let invoker = Arc::clone(&self.ports.invoker);
        let Invocation { id, batch, attempt } = invocation;
        debug!(mapping = %self.mapping, shard = %self.shard_id, records = batch.records().len(), attempt, "invoking");
        self.invocations.push(Box::pin(async move { (id, invoker.invoke(batch).await) }));
    }

    fn start_save(&mut self, checkpoint: Checkpoint) {
        let checkpoints = Arc::clone(&self.checkpoints);
        self.save = Some(Box::pin(async move { checkpoints.save(&checkpoint).await }));
    }

    /// Waits for whatever happens first.
    async fn next_input(&mut self) -> Input {
        if let Some(answer) = self.answers.pop_front() {
            return answer;
        }
        let wakeup = self.shard.next_wakeup();
        tokio::select! {
            biased;
            Some((id, reply)) = self.invocations.next() => Input::Invoked(id, reply),
            Some(delivered) = self.deliveries.next() => self.delivered(&delivered),
            answer = finish(&mut self.save) => self.saved(answer),
            order = next_order(&mut self.orders) => self.obey(order),
            fetched = finish(&mut self.fetch) => self.fetched(fetched),
            () = changed(&mut self.arrivals) => Input::RecordsArrived,
            () = changed(&mut self.code_changes) => Input::FunctionChanged,
            () = self.ports.clock.sleep_until_some(wakeup) => Input::TimePassed,
        }
    }

    /// A closed channel means that the supervisor is gone: stop as if told to.
    fn obey(&mut self, order: Option<Order>) -> Input {
        match order {
            Some(Order::RetentionChanged(retention)) => Input::RetentionChanged(retention),
            Some(Order::Trimmed(log_start)) => Input::Trimmed(log_start),
            Some(Order::Abandon) => Input::Lost,
            Some(Order::Drain { by }) => self.drain(by),
            None => {
                self.orders = None;
                self.drain(None)
            }
        }
    }

    fn drain(&mut self, by: Option<Timestamp>) -> Input {
        if self.fetch.take().is_some() {
            self.answers.push_back(Input::Fetched(Err(FetchError::Cancelled)));
        }
        Input::Drain { by }
    }

    fn fetched(&mut self, Fetched { slot, arrivals, page }: Fetched) -> Input {
        self.reader = Some(slot);
        self.arrivals = arrivals.or_else(|| self.arrivals.take());
        match page {
            Ok(page) => {
                self.problems.recovered(Doing::Reading);
                self.unread_since = None;
                Input::Fetched(Ok(page))
            }
            Err(error) => {
                self.unread_since.get_or_insert(self.ports.clock.now());
                let is_throttled = matches!(error, SourceError::Throttled { .. });
                match error {
                    SourceError::NotFound { .. } => self.required = Some(self.checks.require()),
                    SourceError::Unavailable { .. } | SourceError::Senseless { .. } => self.checks.want(),
                    SourceError::Throttled { .. } | SourceError::Denied { .. } => {}
                }
                self.read_error = Some(error);
                Input::Fetched(Err(if is_throttled {
                    FetchError::Throttled
                } else {
                    FetchError::Unavailable
                }))
            }
        }
    }

    fn saved(&mut self, answer: Result<(), CheckpointError>) -> Input {
        match answer {
            Ok(()) => {
                self.problems.recovered(Doing::Saving);
                Input::CheckpointSaved(Ok(()))
            }
            Err(error) => {
                self.problems.has(
                    Doing::Saving,
                    "cannot store the checkpoint: no new batch starts until it is stored",
                    &error,
                    None,
                );
                Input::CheckpointSaved(Err(match error {
                    CheckpointError::NotOurs => SaveError::NotOurs,
                    CheckpointError::Unwritable(_) => SaveError::Unwritable,
                }))
            }
        }
    }

    fn delivered(&mut self, delivered: &Delivered) -> Input {
        self.deliveries.say(delivered);
        let (given_up, sent) = delivered;
        let answer = match sent {
            Ok(()) => {
                self.problems.recovered(Doing::Delivering);
                Ok(())
            }
            Err(error) => {
                self.problems.has(
                    Doing::Delivering,
                    "cannot deliver records to the on-failure destination",
                    error,
                    None,
                );
                Err(SendError)
            }
        };
        Input::FailureSent(given_up.failure.id, answer)
    }

    fn publish(&self) {
        let problem = self.problems.first();
        self.view.send_modify(|view| {
            view.shard = self.shard.view();
            view.problem = problem;
            view.unread_since = self.unread_since;
        });
    }
}

/// Whether the function answered.
fn is_success(input: &Input) -> bool {
    matches!(input, Input::Invoked(_, Reply { outcome: Outcome::Succeeded { .. }, .. }))
}

async fn next_order(orders: &mut Option<mpsc::Receiver<Order>>) -> Option<Order> {
    match orders {
        Some(orders) => orders.recv().await,
        None => pending().await,
    }
}

async fn changed(receiver: &mut Option<watch::Receiver<u64>>) {
    if let Some(watch) = receiver {
        if watch.changed().await.is_ok() {
            return;
        }
        // The sender is gone: nothing will be told this way any more.
        *receiver = None;
    }
    pending().await
}
