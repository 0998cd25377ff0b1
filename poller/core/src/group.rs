//! Which partitions of a topic one poller reads, where a consumer group of Kafka says it.
//!
//! In: what the group assigns, revokes and takes away, what is committed, where partitions begin and end, and shards that were
//! released. Out: questions to the broker, what to commit before the first read, which partitions to take and to give back, and
//! changes for whoever reads them. A partition is a shard.
//!
//! The group waits for the answer to one rebalance at a time. A partition that is assigned again before its revocation was answered is
//! not given back any more: that would take the new assignment away.

mod place;
mod vocabulary;

use crate::ownership::{Assigned, Change, Released, Waiting};
use crate::retry::Backoff;
use crate::shard::Finished;
use crate::stream::{ReadFrom, ShardId};
use crate::time::Timestamp;
use place::{Begins, begins};
pub use place::{Place, out_of_range};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
pub use vocabulary::{Bounds, Command, Input, Known, Notice, Partition, Settings, Taken};

/// Decides which partitions of a topic are read.
#[derive(Debug)]
pub struct Group {
    settings: Settings,
    random: fastrand::Rng,
    partitions: BTreeMap<Partition, State>,
    /// The assignment that the client waits to be answered.
    taking: Option<Taking>,
    /// Partitions of the revocation that the client waits to be answered.
    leaving: BTreeSet<Partition>,
    /// Questions in a row without an answer.
    failures: u32,
    commands: VecDeque<Command>,
    changes: VecDeque<Change>,
    notices: VecDeque<Notice>,
}

/// What becomes of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its place is being found.
    Coming,
    /// It is read.
    Read,
    /// It is read until what is in flight is settled. `is_wanted`: and then again.
    Ending { is_wanted: bool },
    /// Everything that was in it at the start is settled.
    CaughtUp,
}

/// The way of an assignment to its answer.
#[derive(Clone, Debug)]
struct Taking {
    partitions: Vec<Partition>,
    step: Step,
}

#[derive(Clone, Debug)]
enum Step {
    /// The broker is asked what it knows of the partitions.
    Asking,
    /// The last question had no answer: it is asked again at this moment.
    Resting { until: Timestamp },
    /// The places of those that nothing was committed of are being committed.
    Fixing { taken: Vec<Taken> },
}

impl Group {
    /// A poller that is about to join. The seed decides every jitter.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            random: fastrand::Rng::with_seed(seed),
            partitions: BTreeMap::new(),
            taking: None,
            leaving: BTreeSet::new(),
            failures: 0,
            commands: VecDeque::new(),
            changes: VecDeque::new(),
            notices: VecDeque::new(),
        }
    }

    /// Takes in what happened at `now`. Drain commands, changes and notices afterwards.
    ///
    /// # Panics
    ///
    /// If an answer comes to a question that was not asked, or a shard is released that is not read.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Assigned(partitions) => self.assigned(partitions),
            Input::Revoked(partitions) => self.revoked(partitions, now),
            Input::Lost(partitions) => self.lost(&partitions),
            Input::Known(answer) => self.known(answer, now),
            Input::Fixed(answer) => self.fixed(answer, now),
            Input::Released(released) => self.released(&released),
            Input::Away(words) => self.changes.push_back(Change::Waiting(Waiting::Trouble(words))),
            Input::Back => self.changes.push_back(Change::Polling),
            Input::TimePassed => {}
        }
        self.ask_again(now);
    }

    /// The next command, if any.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// What changes next for whoever reads the partitions, if anything does.
    pub fn next_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// The next thing that people want to read of, if any.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// When to come back with [`Input::TimePassed`] if nothing else happens.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        match &self.taking.as_ref()?.step {
            Step::Resting { until } => Some(*until),
            Step::Asking | Step::Fixing { .. } => None,
        }
    }

    /// The partitions that are this poller's.
    pub fn owned(&self) -> impl Iterator<Item = Partition> {
        self.partitions.keys().copied()
    }

    /// Those of an assignment that has no answer yet stay this poller's: the next one names only what is new.
    fn assigned(&mut self, mut partitions: Vec<Partition>) {
        if let Some(Taking { partitions: before, .. }) = self.taking.take() {
            let unanswered: Vec<Partition> =
                before.into_iter().filter(|one| !partitions.contains(one)).collect();
            partitions.extend(unanswered);
        }
        for partition in &partitions {
            // Its revocation, if one waits for an answer, was overtaken.
            self.leaving.remove(partition);
            let state = self.partitions.entry(*partition).or_insert(State::Coming);
            if matches!(state, State::Ending { .. }) {
                *state = State::Ending { is_wanted: true };
            }
        }
        self.commands.push_back(Command::Ask(partitions.clone()));
        self.taking = Some(Taking { partitions, step: Step::Asking });
    }

    /// An assignment without an answer goes on without these.
    fn take_no_more(&mut self, gone: &[Partition]) {
        let Some(taking) = &mut self.taking else { return };
        taking.partitions.retain(|one| !gone.contains(one));
        if let Step::Fixing { taken } = &mut taking.step {
            taken.retain(|one| !gone.contains(&one.partition));
        }
        if taking.partitions.is_empty() {
            self.taking = None;
        }
    }

    fn revoked(&mut self, partitions: Vec<Partition>, now: Timestamp) {
        self.take_no_more(&partitions);
        let mut running = Vec::new();
        for partition in &partitions {
            match self.partitions.get_mut(partition) {
                Some(state @ State::Read) => {
                    *state = State::Ending { is_wanted: false };
                    running.push(self.shard(*partition));
                    self.leaving.insert(*partition);
                }
                Some(State::Ending { .. }) => {
                    self.partitions.insert(*partition, State::Ending { is_wanted: false });
                    self.leaving.insert(*partition);
                }
                Some(State::Coming | State::CaughtUp) => drop(self.partitions.remove(partition)),
                None => {}
            }
        }
        let at_once: Vec<Partition> =
            partitions.into_iter().filter(|partition| !self.leaving.contains(partition)).collect();
        if !at_once.is_empty() {
            self.commands.push_back(Command::GiveBack(at_once));
        }
        if !running.is_empty() {
            let by = Some(now.after(self.settings.release_time));
            self.changes.push_back(Change::Revoked { shards: running, by });
        }
    }

    fn lost(&mut self, partitions: &[Partition]) {
        let mut running = Vec::new();
        for partition in partitions {
            self.leaving.remove(partition);
            match self.partitions.get(partition) {
                Some(State::Read | State::Ending { .. }) => {
                    self.partitions.insert(*partition, State::Ending { is_wanted: false });
                    running.push(self.shard(*partition));
                }
                Some(State::Coming | State::CaughtUp) => drop(self.partitions.remove(partition)),
                None => {}
            }
        }
        self.take_no_more(partitions);
        self.commands.push_back(Command::GiveBack(partitions.to_vec()));
        if !running.is_empty() {
            self.notices.push_back(Notice::Lost(running.clone()));
            self.changes.push_back(Change::Lost(running));
        }
    }

    fn known(&mut self, answer: Result<BTreeMap<Partition, Known>, Arc<str>>, now: Timestamp) {
        // An assignment that was taken away meanwhile needs no answer.
        let Some(taking) = &self.taking else { return };
        let partitions = taking.partitions.clone();
        let known = match answer {
            Ok(known) => known,
            Err(words) => return self.unanswered(words, now),
        };
        if let Some(missing) = partitions.iter().find(|partition| !known.contains_key(partition)) {
            let shard = self.shard(*missing);
            return self.unanswered(format!("the answer lacks {shard}").into(), now);
        }
        self.failures = 0;
        let mut taken = Vec::with_capacity(partitions.len());
        let mut fixed = Vec::new();
        for partition in partitions {
            let Begins { committed, is_new, lost } =
                begins(partition, &known, self.settings.starting_position);
            if let Some(lost) = lost {
                self.notices.push_back(Notice::OutOfRange { shard: self.shard(partition), lost });
            }
            if is_new {
                fixed.push((partition, committed.clone()));
            }
            taken.push(Taken { partition, committed });
        }
        if fixed.is_empty() {
            return self.take(taken);
        }
        self.commands.push_back(Command::Fix(fixed));
        if let Some(taking) = &mut self.taking {
            taking.step = Step::Fixing { taken };
        }
    }

    fn fixed(&mut self, answer: Result<(), Arc<str>>, now: Timestamp) {
        let Some(Taking { step: Step::Fixing { taken }, .. }) = &self.taking else { return };
        let taken = taken.clone();
        match answer {
            Ok(()) => self.take(taken),
            Err(words) => self.unanswered(words, now),
        }
    }

    /// The assignment is answered. Those that still end here are read again once they are released.
    fn take(&mut self, taken: Vec<Taken>) {
        self.taking = None;
        self.commands.push_back(Command::Take(taken.clone()));
        let assigned: Vec<Assigned> = taken.iter().map(|taken| self.to_be_read(taken)).collect();
        for Taken { partition, .. } in taken {
            self.partitions.insert(partition, State::Read);
        }
        self.changes.push_back(Change::Assigned(assigned));
        self.changes.push_back(Change::Polling);
    }

    fn to_be_read(&self, Taken { partition, committed }: &Taken) -> Assigned {
        let checkpoint = committed.checkpoint();
        let from = match &checkpoint.position {
            Some(position) => ReadFrom::After(position.clone()),
            None => ReadFrom::Start(crate::starting_position::ShardStart::TrimHorizon),
        };
        Assigned {
            shard: self.shard(*partition),
            stream_arn: Arc::clone(&self.settings.cluster),
            from,
            checkpoint,
            until_caught_up: self.settings.until_caught_up,
        }
    }

    fn unanswered(&mut self, words: Arc<str>, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let until = now.after(Backoff::default().delay(self.failures, &mut self.random));
        if let Some(taking) = &mut self.taking {
            taking.step = Step::Resting { until };
        }
        self.changes.push_back(Change::Waiting(Waiting::Trouble(words)));
    }

    fn ask_again(&mut self, now: Timestamp) {
        let Some(taking) = &mut self.taking else { return };
        if let Step::Resting { until } = taking.step
            && until <= now
        {
            taking.step = Step::Asking;
            self.commands.push_back(Command::Ask(taking.partitions.clone()));
        }
    }

    fn released(&mut self, Released { shard, finished, .. }: &Released) {
        let partition = self.partition(shard).expect("only a partition of the topic is released");
        let state = self.partitions.get(&partition).copied();
        match state {
            Some(State::Read) if *finished == Finished::CaughtUp => {
                self.partitions.insert(partition, State::CaughtUp);
                let is_over = self.partitions.values().all(|state| *state == State::CaughtUp);
                if is_over && self.taking.is_none() {
                    self.changes.push_back(Change::CaughtUp);
                }
            }
            // It was assigned again, and `Assignments` starts it anew.
            Some(State::Read) => {}
            Some(State::Ending { is_wanted: true }) => drop(self.partitions.insert(partition, State::Coming)),
            Some(State::Ending { is_wanted: false }) => {
                self.partitions.remove(&partition);
            }
            Some(State::Coming | State::CaughtUp) | None => {}
        }
        if self.leaving.remove(&partition) {
            self.commands.push_back(Command::GiveBack(vec![partition]));
        }
    }

    /// What a partition is called.
    #[must_use]
    pub fn shard(&self, partition: Partition) -> ShardId {
        ShardId::new(&format!("{}-{partition}", self.settings.topic))
    }

    /// The partition that is called so; `None`: it is none of the topic's.
    #[must_use]
    pub fn partition(&self, shard: &ShardId) -> Option<Partition> {
        let (topic, partition) = shard.as_str().rsplit_once('-')?;
        (topic == &*self.settings.topic).then_some(())?;
        partition.parse().ok()
    }
}

#[cfg(test)]
mod tests;
