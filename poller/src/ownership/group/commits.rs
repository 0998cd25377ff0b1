//! Commits of the partitions of one group, coalesced: one is on its way at a time, and the next one takes the latest of each.
//!
//! In: checkpoints, each of a partition as it was assigned. Out: commits. Progress alone is taken on at once and committed shortly
//! after: a crash repeats what was handled in between. Whoever counts an attempt, or whose commits are refused, waits for the answer.
//!
//! A partition that was given back or lost is nobody's here: nothing of it is committed any more. That a broker refuses a commit is no
//! evidence of that: while the group rebalances it refuses those of partitions that stay.

use crate::clock::Clock;
use crate::ports::{CheckpointError, Checkpoints, GroupClient, StoreError};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use pelton_core::committed::Committed;
use pelton_core::group::{Partition, Taken};
use pelton_core::{Checkpoint, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};

/// From one commit to the next: some brokers allow few in a second.
const GAP: Duration = Duration::from_millis(200);
/// How long a commit is tried again before whoever waits for it hears that it is refused.
const REFUSED_MAX: Duration = Duration::from_secs(10);

type Answer = Result<(), CheckpointError>;

/// Commits of one group.
pub(super) struct Commits {
    client: Arc<dyn GroupClient>,
    /// The group and its brokers, for people.
    group: String,
    clock: Clock,
    state: Mutex<State>,
    wanted: Notify,
    /// Partitions of the commit that is on its way.
    on_its_way: watch::Sender<BTreeSet<Partition>>,
}

#[derive(Default)]
struct State {
    /// Partitions that are this poller's, each with the number of its assignment.
    owned: BTreeMap<Partition, u64>,
    assignments: u64,
    wanted: BTreeMap<Partition, Wanted>,
    /// The last commit of these was refused.
    refused: BTreeSet<Partition>,
    /// The last offset of each that was committed in its present assignment.
    last: BTreeMap<Partition, u64>,
    /// By how much offsets were moved on.
    events: u64,
}

/// A place to be committed.
struct Wanted {
    committed: Committed,
    /// The assignment that it belongs to; `None`: it comes before any.
    assignment: Option<u64>,
    since: Timestamp,
    waiting: Vec<oneshot::Sender<Answer>>,
}

impl Commits {
    pub(super) fn new(client: Arc<dyn GroupClient>, group: String, clock: Clock) -> Self {
        let (state, wanted) = (Mutex::default(), Notify::new());
        Self { client, group, clock, state, wanted, on_its_way: watch::Sender::default() }
    }

    /// These are this poller's from now on.
    pub(super) fn own<'t>(&self, taken: impl Iterator<Item = &'t Taken>) {
        let mut state = self.state();
        for Taken { partition, committed } in taken {
            let partition = *partition;
            state.last.insert(partition, committed.offset);
            state.assignments += 1;
            let number = state.assignments;
            state.owned.insert(partition, number);
        }
    }

    /// These are not any more: nothing that is not on its way yet is committed.
    pub(super) fn disown(&self, partitions: &[Partition]) {
        let mut state = self.state();
        for partition in partitions {
            state.owned.remove(partition);
            state.refused.remove(partition);
            let dropped = state.wanted.remove(partition).map(|wanted| wanted.waiting);
            dropped.into_iter().flatten().for_each(|waiting| tell(waiting, Err(CheckpointError::NotOurs)));
        }
    }

    /// Returns once everything that was taken on of these is committed, or there is nobody to commit it for. Cancelling is safe.
    pub(super) async fn flushed(&self, partitions: &[Partition]) {
        let mut on_its_way = self.on_its_way.subscribe();
        loop {
            let is_under_way = {
                let (state, on_its_way) = (self.state(), on_its_way.borrow_and_update());
                partitions.iter().any(|it| state.wanted.contains_key(it) || on_its_way.contains(it))
            };
            if !is_under_way {
                return;
            }
            // The sender lives as long as `self`.
            on_its_way.changed().await.expect("the sender is borrowed meanwhile");
        }
    }

    /// Those that are this poller's.
    pub(super) fn owned(&self) -> Vec<Partition> {
        self.state().owned.keys().copied().collect()
    }

    /// Commits places before their partitions are read.
    pub(super) async fn fix(&self, places: Vec<(Partition, Committed)>) -> Result<(), CheckpointError> {
        let answers: Vec<_> =
            places.into_iter().map(|(partition, committed)| self.want(partition, committed, None)).collect();
        for answer in answers {
            answer.await.unwrap_or(Err(CheckpointError::NotOurs))?;
        }
        Ok(())
    }

    /// Where what is settled of a partition is kept, for as long as it is this poller's by the present assignment.
    pub(super) fn of(self: &Arc<Self>, partition: Partition) -> PartitionCommits {
        let assignment = self.state().owned.get(&partition).copied();
        PartitionCommits { commits: Arc::clone(self), partition, assignment }
    }

    /// By how much committed offsets were moved on.
    pub(super) fn events(&self) -> u64 {
        self.state().events
    }

    /// Carries commits out, for as long as it is polled.
    pub(super) async fn run(&self) {
        loop {
            let taken = std::mem::take(&mut self.state().wanted);
            if taken.is_empty() {
                self.wanted.notified().await;
                continue;
            }
            self.commit(taken).await;
            self.clock.sleep(GAP).await;
        }
    }

    async fn commit(&self, mut taken: BTreeMap<Partition, Wanted>) {
        self.on_its_way.send_replace(taken.keys().copied().collect());
        let places = taken.iter().map(|(partition, wanted)| (*partition, wanted.committed.clone())).collect();
        let answer = self.client.commit(places).await;
        for partition in &answer.committed {
            let Some(Wanted { committed, waiting, .. }) = taken.remove(partition) else { continue };
            self.state().committed(*partition, committed.offset);
            waiting.into_iter().for_each(|waiting| tell(waiting, Ok(())));
        }
        let words = answer.refused.unwrap_or_else(|| "the answer does not name the partition".into());
        self.try_again(taken, &words);
        self.on_its_way.send_replace(BTreeSet::new());
    }

    /// Those that are refused are tried again, unless there is something newer, or the partition is not ours any more.
    fn try_again(&self, refused: BTreeMap<Partition, Wanted>, words: &Arc<str>) {
        let now = self.clock.now();
        let mut state = self.state();
        for (partition, refused) in refused {
            let is_ours = state.is_ours(partition, refused.assignment);
            let is_given_up = now.since(refused.since) >= REFUSED_MAX;
            if !is_ours || is_given_up {
                for waiting in refused.waiting {
                    let error = if is_ours { self.unwritable(words) } else { CheckpointError::NotOurs };
                    tell(waiting, Err(error));
                }
                if is_ours {
                    // Whoever saves next hears of it.
                    state.refused.insert(partition);
                }
                continue;
            }
            state.refused.insert(partition);
            match state.wanted.get_mut(&partition) {
                Some(newer) => newer.waiting.extend(refused.waiting),
                None => drop(state.wanted.insert(partition, refused)),
            }
        }
    }

    /// The answer to a place that is to be committed with the next ones.
    fn want(
        &self,
        partition: Partition,
        committed: Committed,
        assignment: Option<u64>,
    ) -> oneshot::Receiver<Answer> {
        let (waiting, answer) = oneshot::channel();
        let mut state = self.state();
        if !state.is_ours(partition, assignment) {
            tell(waiting, Err(CheckpointError::NotOurs));
            return answer;
        }
        let since = self.clock.now();
        let mut wanted = Wanted { committed, assignment, since, waiting: vec![waiting] };
        if let Some(older) = state.wanted.remove(&partition) {
            wanted.since = older.since;
            wanted.waiting.extend(older.waiting);
        }
        state.wanted.insert(partition, wanted);
        self.wanted.notify_one();
        answer
    }

    fn unwritable(&self, words: &Arc<str>) -> CheckpointError {
        let (file, source) = (self.group.clone(), words.to_string().into());
        CheckpointError::Unwritable(StoreError::Unwritable { file, source })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn committed(&mut self, partition: Partition, offset: u64) {
        self.refused.remove(&partition);
        let before = self.last.insert(partition, offset);
        self.events += before.map_or(0, |before| offset.saturating_sub(before));
    }

    fn is_ours(&self, partition: Partition, assignment: Option<u64>) -> bool {
        assignment.is_none() || self.owned.get(&partition).copied() == assignment
    }
}

/// Whoever waited may have ended.
fn tell(waiting: oneshot::Sender<Answer>, answer: Answer) {
    waiting.send(answer).ok();
}

/// Commits of one partition by one assignment.
pub(super) struct PartitionCommits {
    commits: Arc<Commits>,
    partition: Partition,
    /// `None`: it was not assigned.
    assignment: Option<u64>,
}

#[async_trait]
impl Checkpoints for PartitionCommits {
    async fn save(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        if self.assignment.is_none() {
            return Err(CheckpointError::NotOurs);
        }
        let is_refused = self.commits.state().refused.contains(&self.partition);
        let answer = self.commits.want(self.partition, Committed::of(checkpoint), self.assignment);
        if is_refused || !checkpoint.failing.is_empty() {
            return answer.await.unwrap_or(Err(CheckpointError::NotOurs));
        }
        match answer.now_or_never() {
            Some(answer) => answer.unwrap_or(Err(CheckpointError::NotOurs)),
            None => Ok(()),
        }
    }
}
