//! One shard of one event source mapping: what it does next.
//!
//! In: what happened, and when. Out: commands. A wake-up time is the only wish it has beside them. All state is here;
//! the shell only carries commands out and answers each of them once (I7).

use crate::checkpoint::{Checkpoint, Progress};
use crate::contract::{
    Command, Counts, FetchError, Finished, GiveUp, Input, Invocation, InvocationId, Notice, Outcome, Page,
    Phase, SaveError, ShardView,
};
use crate::lane::{Lane, Step};
use crate::policy::Policy;
use crate::reading::Reading;
use crate::record::{Ordinal, Record};
use crate::saving::Saving;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// One shard of one event source mapping.
#[derive(Debug)]
pub struct Shard {
    policy: Policy,
    random: fastrand::Rng,
    reading: Reading,
    lane: Lane,
    progress: Progress,
    saving: Saving,
    is_draining: bool,
    commands: VecDeque<Command>,
    next_ordinal: Ordinal,
    next_invocation: u64,
    records_held: usize,
    bytes_held: usize,
    iterator_age: Option<Duration>,
    counts: Counts,
}

impl Shard {
    /// A shard of which `from` is kept (`None`: nothing), at `now`. The seed decides every jitter.
    ///
    /// # Panics
    ///
    /// If `from` says that the shard has ended: there is nothing left to do. If `policy` leaves no room for a record.
    #[must_use]
    pub fn new(policy: Policy, from: Option<Checkpoint>, seed: u64, now: Timestamp) -> Self {
        let kept = from.unwrap_or_default();
        assert!(!kept.ended, "a shard that has ended is not started again");
        let has_room = policy.batch_size > 0
            && policy.fetch_records_max > 0
            && policy.read_ahead_records_max > 0
            && policy.read_ahead_bytes_max > 0;
        assert!(has_room, "a batch, a read and the read-ahead hold at least one record");
        let mut shard = Self {
            policy,
            random: fastrand::Rng::with_seed(seed),
            reading: Reading::starting_now(),
            lane: Lane::new(now),
            progress: Progress::starting_from(kept.clone()),
            saving: Saving::starting_from(kept),
            is_draining: false,
            commands: VecDeque::new(),
            next_ordinal: 0,
            next_invocation: 0,
            records_held: 0,
            bytes_held: 0,
            iterator_age: None,
            counts: Counts::default(),
        };
        shard.advance(now);
        shard
    }

    /// Takes in what happened at `now`. Drain [`Shard::next_command`] afterwards.
    ///
    /// # Panics
    ///
    /// If an answer comes to a command that was not given, or a second one to the same (I7).
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Fetched(answer) => self.fetched(answer, now),
            Input::Invoked(id, reply) => self.invoked(id, &reply.outcome, now),
            Input::CheckpointSaved(answer) => self.checkpoint_saved(answer, now),
            Input::FailureSent(_, _) => self.failure_sent(),
            Input::RecordsArrived => self.reading.records_arrived(&self.policy),
            Input::RetentionChanged(retention) => self.policy.retention = retention,
            Input::Drain => self.drain(),
            Input::TimePassed => {}
        }
        self.advance(now);
    }

    /// The next command, if any. Its answer may change after every [`Shard::handle`].
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// The next thing that people want to read of, if any.
    pub fn next_notice(&mut self) -> Option<Notice> {
        None
    }

    /// When to come back with [`Input::TimePassed`] if nothing else happens. Handling it then changes something (I6).
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        [self.fetch_due(), self.step_due(), self.save_due()].into_iter().flatten().min()
    }

    fn fetched(&mut self, answer: Result<Page, FetchError>, now: Timestamp) {
        // A page that comes while draining is not accepted, and so must not count as read: also not as the last one.
        let answer = if self.is_draining { Err(FetchError::Cancelled) } else { answer };
        match answer {
            Ok(page) => {
                self.reading.succeeded(page.then, &self.policy);
                page.records.into_iter().for_each(|record| self.accept(record));
            }
            Err(error) => {
                self.counts.fetch_errors += u64::from(error != FetchError::Cancelled);
                self.reading.failed(error, &self.policy, now, &mut self.random);
            }
        }
    }

    fn accept(&mut self, mut record: Record) {
        record.ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        self.records_held += 1;
        self.bytes_held += record.encoded_len();
        self.counts.polled += 1;
        self.lane.push(record);
    }

    fn invoked(&mut self, id: InvocationId, outcome: &Outcome, now: Timestamp) {
        let in_flight = self.lane.in_flight_records();
        match outcome {
            Outcome::Succeeded { .. } => self.counts.succeeded += in_flight,
            Outcome::FunctionFailed { .. } => {
                self.counts.function_errors += 1;
                self.counts.failed += in_flight;
            }
            Outcome::Throttled => self.counts.throttles += 1,
            Outcome::NotInvoked { .. } => self.counts.not_invoked += 1,
        }
        if let Some(batch) = self.lane.invoked(id, outcome, &self.policy, now, &mut self.random) {
            self.settle(batch.records());
        }
        if self.is_draining {
            self.let_go();
        }
    }

    fn failure_sent(&mut self) {
        let batch = self.lane.failure_sent();
        self.settle(batch.records());
        if self.is_draining {
            self.let_go();
        }
    }

    fn settle(&mut self, records: &[Record]) {
        self.progress.settle(records);
        self.records_held -= records.len();
        self.bytes_held -= records.iter().map(Record::encoded_len).sum::<usize>();
    }

    fn checkpoint_saved(&mut self, answer: Result<(), SaveError>, now: Timestamp) {
        match answer {
            Ok(()) => self.saving.succeeded(now),
            Err(SaveError) => {
                self.counts.save_errors += 1;
                self.saving.failed(&self.policy, now, &mut self.random);
            }
        }
    }

    fn drain(&mut self) {
        self.is_draining = true;
        self.let_go();
    }

    /// Forgets every record that is not in flight: whoever goes on from the checkpoint reads it again.
    fn let_go(&mut self) {
        self.lane.let_go();
        (self.records_held, self.bytes_held) = self.lane.held();
    }

    /// Starts whatever is due. Saving comes first: what follows depends on what is kept.
    fn advance(&mut self, now: Timestamp) {
        if self.reading.has_ended() {
            self.progress.end_at(self.next_ordinal);
        }
        if self.save_due().is_some_and(|due| due <= now) {
            let settled = self.progress.settled();
            self.saving.start(settled.clone());
            self.commands.push_back(Command::SaveCheckpoint(settled.clone()));
        }
        if self.step_due().is_some_and(|due| due <= now) {
            self.step(now);
        }
        if self.fetch_due().is_some_and(|due| due <= now) {
            self.reading.start(now);
            self.commands.push_back(Command::Fetch { records_max: self.fetch_room() });
        }
    }

    fn step(&mut self, now: Timestamp) {
        let id = InvocationId(self.next_invocation);
        match self.lane.start(id, &self.policy, now) {
            Step::Invoke { batch, attempt } => {
                self.next_invocation += 1;
                self.counts.invocations += 1;
                self.counts.retries += u64::from(attempt > 1);
                self.counts.invoked += batch.records().len() as u64;
                self.iterator_age = Some(now.since(batch.last_arrival()));
                self.commands.push_back(Command::Invoke(Invocation { id, batch, attempt }));
            }
            Step::SendFailure(failure) => {
                let records = failure.batch.records().len() as u64;
                match failure.reason {
                    GiveUp::Expired => self.counts.expired += records,
                    GiveUp::TooLarge => self.counts.too_large += records,
                    GiveUp::TooOld => self.counts.too_old += records,
                    GiveUp::RetriesExhausted => self.counts.retries_exhausted += records,
                }
                self.commands.push_back(Command::SendFailure(failure));
            }
        }
    }

    fn save_due(&self) -> Option<Timestamp> {
        self.saving.due(self.progress.settled())
    }

    /// Nothing is invoked before everything settled is kept, so that a crash repeats only what is in flight (I8).
    fn step_due(&self) -> Option<Timestamp> {
        if self.is_draining || !self.saving.is_up_to(self.progress.settled()) {
            return None;
        }
        let nothing_to_add = self.reading.has_ended() || self.fetch_room() == 0;
        self.lane.due(&self.policy, nothing_to_add)
    }

    fn fetch_due(&self) -> Option<Timestamp> {
        if self.is_draining || self.saving.is_failing() || self.fetch_room() == 0 {
            return None;
        }
        self.reading.due()
    }

    /// How many records the next read may bring (I4).
    fn fetch_room(&self) -> usize {
        if self.bytes_held >= self.policy.read_ahead_bytes_max {
            return 0;
        }
        let room = self.policy.read_ahead_records_max.saturating_sub(self.records_held);
        room.min(self.policy.fetch_records_max)
    }

    /// Whether nothing is owed and nothing held, and why nothing more will come (I7).
    #[must_use]
    pub fn finished(&self) -> Option<Finished> {
        let settled = self.progress.settled();
        let is_owed =
            self.reading.is_in_flight() || self.lane.is_in_flight() || !self.saving.is_up_to(settled);
        match (is_owed, settled.ended, self.is_draining) {
            (true, _, _) | (false, false, false) => None,
            (false, true, _) => Some(Finished::ShardEnd),
            (false, false, true) => Some(Finished::Drained),
        }
    }

    /// A copy of what there is to show.
    #[must_use]
    pub fn view(&self) -> ShardView {
        ShardView {
            phase: self.phase(),
            checkpoint: self.saving.kept().clone(),
            records_held: self.records_held,
            bytes_held: self.bytes_held,
            oldest_arrival: self.lane.first().map(Record::arrival),
            iterator_age: self.iterator_age,
            checkpoint_saved_at: self.saving.saved_at(),
            counts: self.counts,
        }
    }

    fn phase(&self) -> Phase {
        if let Some(finished) = self.finished() {
            return Phase::Finished(finished);
        }
        if self.is_draining {
            return Phase::Draining;
        }
        if self.saving.is_failing() {
            return Phase::Stalled;
        }
        match (self.lane.is_in_flight(), self.lane.retrying()) {
            (true, _) => Phase::Invoking,
            (false, Some((attempts, at))) => Phase::Retrying { attempts, at },
            (false, None) if self.records_held > 0 => Phase::Gathering,
            (false, None) => Phase::Polling,
        }
    }
}

#[cfg(test)]
mod tests;
