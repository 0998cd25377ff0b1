//! One shard of one event source mapping: what it does next.
//!
//! In: what happened, and when. Out: commands, and notices for people. A wake-up time is the only wish it has beside them.
//! All state is here; the shell only carries commands out and answers each of them once (I7).

mod again;
mod checkpoint;
mod contract;
mod failing;
mod lane;
mod lanes;
mod policy;
mod reading;
mod saving;
mod tenure;
pub mod window;

pub use again::KeptBatch;
pub use checkpoint::Checkpoint;
pub use contract::{Command, FetchError, Finished, Input, Notice, Page, Phase, SaveError, ShardView, Then};
pub use failing::{AfterFailure, AttemptError, Extent, FailedAttempt, FailingBatch, Waits};
pub use lane::DELIVERY_ATTEMPTS_MAX;
pub use policy::{Policy, Tumbling};

use crate::counts::Counts;
use crate::giving_up::{FailureId, GiveUp, SendError};
use crate::invocation::{Invocation, InvocationId, Reply};
use crate::record::{Ordinal, Record};
use crate::response::Ignored;
use crate::time::Timestamp;
use checkpoint::Progress;
use failing::attempts_max;
use lane::{Delivered, EndedAs, GivenUp, Lane, Step};
use lanes::Lanes;
use reading::Reading;
use saving::Saving;
use std::collections::VecDeque;
use std::time::Duration;
use tenure::Tenure;

/// One shard of one event source mapping.
#[derive(Debug)]
pub struct Shard {
    policy: Policy,
    random: fastrand::Rng,
    reading: Reading,
    lanes: Lanes,
    progress: Progress,
    saving: Saving,
    tenure: Tenure,
    commands: VecDeque<Command>,
    notices: VecDeque<Notice>,
    next_ordinal: Ordinal,
    next_id: u64,
    records_held: usize,
    bytes_held: usize,
    records_left: usize,
    iterator_age: Option<Duration>,
    counts: Counts,
}

impl Shard {
    /// A shard of which `from` is kept (`None`: nothing), at `now`. The seed decides every jitter.
    ///
    /// # Panics
    ///
    /// If `from` says that the shard has ended: there is nothing left to do. If `policy` leaves no room for a record, or asks
    /// for windows beside several batches at a time.
    #[must_use]
    pub fn new(policy: Policy, from: Option<Checkpoint>, seed: u64, now: Timestamp) -> Self {
        let kept = from.unwrap_or_default();
        assert!(!kept.ended, "a shard that has ended is not started again");
        policy.check();
        let mut shard = Self {
            random: fastrand::Rng::with_seed(seed),
            reading: Reading::starting(now),
            lanes: Lanes::new(&kept, &policy, now),
            progress: Progress::starting_from(kept.clone()),
            saving: Saving::starting_from(kept),
            tenure: Tenure::Ours,
            commands: VecDeque::new(),
            notices: VecDeque::new(),
            next_ordinal: 0,
            next_id: 0,
            records_held: 0,
            bytes_held: 0,
            records_left: 0,
            iterator_age: None,
            counts: Counts::default(),
            policy,
        };
        if shard.policy.tumbling.is_none() && shard.progress.window().is_some() {
            shard.progress.set_window(None);
            shard.notices.push_back(Notice::WindowDropped);
        }
        shard.advance(now);
        shard
    }

    /// Takes in what happened at `now`. Drain [`Shard::next_command`] and [`Shard::next_notice`] afterwards.
    ///
    /// # Panics
    ///
    /// If an answer comes to a command that was not given, or a second one to the same (I7).
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        if self.drain_due().is_some_and(|due| due <= now) {
            self.lose();
        }
        if self.tenure == Tenure::Lost || input == Input::Lost && self.finished().is_some() {
            return;
        }
        match input {
            Input::Fetched(answer) => self.fetched(answer, now),
            Input::Invoked(id, reply) => self.invoked(id, reply, now),
            Input::CheckpointSaved(answer) => self.checkpoint_saved(answer, now),
            Input::FailureSent(id, answer) => self.failure_sent(id, answer, now),
            Input::RecordsArrived => self.reading.records_arrived(&self.policy),
            Input::FunctionChanged => self.lanes.function_changed(now),
            Input::RetentionChanged(retention) => self.policy.retention = retention,
            Input::Trimmed(log_start) => self.policy.log_start = self.policy.log_start.max(log_start),
            Input::Drain { by } => self.drain(by),
            Input::Lost => self.lose(),
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
        self.notices.pop_front()
    }

    /// When to come back with [`Input::TimePassed`] if nothing else happens. Handling it then changes something (I6).
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        let steps = self.lanes.iter().filter_map(|lane| self.step_due(lane));
        let due = [self.fetch_due(), self.save_due(), self.drain_due()];
        due.into_iter().flatten().chain(steps).min()
    }

    /// When the next read is due; `None` while one is in flight, and after the end.
    #[must_use]
    pub fn next_read_at(&self) -> Option<Timestamp> {
        self.reading.due()
    }

    fn fetched(&mut self, answer: Result<Page, FetchError>, now: Timestamp) {
        // A page that comes while draining is not accepted, and so must not count as read: also not as the last one.
        let answer = if self.is_draining() { Err(FetchError::Cancelled) } else { answer };
        match answer {
            Ok(page) => {
                if let Some(after) = page.lost_after {
                    self.counts.positions_trimmed += 1;
                    let before = page.records.first().map(|record| record.position().clone());
                    self.notices.push_back(Notice::RecordsLost { after, before });
                }
                let last_arrival = page.records.last().map(Record::arrival);
                self.reading.succeeded(page.then, last_arrival, &self.policy);
                page.records.into_iter().for_each(|record| self.accept(record));
                if page.then != Then::More {
                    self.lanes.read_all();
                }
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
        self.counts.polled += 1;
        self.counts.filtered += u64::from(record.is_filtered());
        self.counts.not_json += u64::from(record.is_not_json());
        if self.progress.settles_at_once(&record) {
            return;
        }
        self.records_held += 1;
        self.bytes_held += record.encoded_len();
        self.lanes.push(record);
    }

    fn invoked(&mut self, id: InvocationId, reply: Reply, now: Timestamp) {
        let lane = self.lanes.of_invocation(id);
        let request_id = reply.request_id.clone();
        let ended = self.lanes.lane(lane).invoked(id, reply, &self.policy, now, &mut self.random);
        let (settled, left) = ended.settled_and_left();
        self.count(&ended.result, settled.len() as u64, left.len() as u64);
        if let EndedAs::Succeeded(Some(ignored)) = ended.result {
            self.notices.push_back(Notice::ResponseIgnored(ignored));
        }
        if let Some(error) = ended.error.clone() {
            self.notices.push_back(Notice::AttemptFailed(FailedAttempt {
                attempt: ended.attempt,
                attempts_max: attempts_max(&self.policy),
                extent: Extent::of(left),
                error,
                request_id,
                then: self.after_failure(lane, left.len()),
                waits: Waits::under(&self.policy),
            }));
        }
        self.settle(lane, settled);
        self.keep_attempts(lane, ended.result.is_counted());
        if self.is_draining() {
            self.let_go();
        }
    }

    /// Nothing follows an attempt that counts before it is kept: nobody tries the batch more often than it may be.
    fn keep_attempts(&mut self, lane: usize, is_counted: bool) {
        if self.policy.keeps_attempts && is_counted {
            self.progress.has_failing();
            self.lanes.lane(lane).settled_in(self.progress.version());
        }
    }

    fn after_failure(&self, lane: usize, failed: usize) -> AfterFailure {
        if self.is_draining() {
            AfterFailure::Left
        } else {
            self.lanes.at(lane).after_failure(failed, &self.policy)
        }
    }

    fn count(&mut self, result: &EndedAs, settled: u64, left: u64) {
        self.counts.succeeded += settled;
        match result {
            EndedAs::Succeeded(None) => {}
            EndedAs::Succeeded(Some(Ignored::Failures)) => self.counts.ignored_failures += 1,
            EndedAs::Succeeded(Some(Ignored::Content)) => self.counts.ignored_content += 1,
            EndedAs::PartlyFailed | EndedAs::ResponseRefused => {
                self.counts.partial_failures += 1;
                self.counts.failed += left;
            }
            EndedAs::FunctionFailed => {
                self.counts.function_errors += 1;
                self.counts.failed += left;
            }
            EndedAs::Throttled => self.counts.throttles += 1,
            EndedAs::NotInvoked => self.counts.not_invoked += 1,
        }
    }

    fn failure_sent(&mut self, id: FailureId, answer: Result<(), SendError>, now: Timestamp) {
        let lane = self.lanes.of_failure(id);
        let (policy, random) = (&self.policy, &mut self.random);
        match self.lanes.lane(lane).failure_sent(id, answer.is_ok(), policy, now, random) {
            Delivered::HandedOver(given_up) => self.given_up(lane, &given_up, self.policy.has_destination),
            Delivered::Abandoned(given_up) => {
                self.counts.delivery_failures += 1;
                let records = given_up.batch.records().len();
                self.notices.push_back(Notice::DeliveryAbandoned { records });
                self.given_up(lane, &given_up, false);
            }
            Delivered::Again => {}
        }
        if self.is_draining() {
            self.let_go();
        }
    }

    fn given_up(&mut self, lane: usize, GivenUp { batch, reason }: &GivenUp, is_with_someone: bool) {
        let counts = &mut self.counts;
        let why = match reason {
            GiveUp::Expired => &mut counts.expired,
            GiveUp::TooOld => &mut counts.too_old,
            GiveUp::RetriesExhausted => &mut counts.retries_exhausted,
            GiveUp::TooLarge => &mut counts.too_large,
        };
        *why += batch.records().len() as u64;
        let whereto = if is_with_someone { &mut counts.delivered } else { &mut counts.dropped };
        *whereto += batch.records().len() as u64;
        self.settle(lane, batch.records());
    }

    /// The records at hand of this lane are settled, and with them goes its window: both are kept in one write.
    fn settle(&mut self, lane: usize, records: &[Record]) {
        let before = self.progress.version();
        self.progress.settle(records);
        self.records_held -= records.len();
        self.bytes_held -= records.iter().map(Record::encoded_len).sum::<usize>();
        if self.policy.tumbling.is_some() {
            self.progress.set_window(self.lanes.at(lane).begun_window().cloned());
        }
        let version = self.progress.version();
        self.lanes.settled(lane, records, version);
        if version != before {
            self.lanes.lane(lane).settled_in(version);
        }
    }

    fn checkpoint_saved(&mut self, answer: Result<(), SaveError>, now: Timestamp) {
        match answer {
            Ok(()) => {
                self.saving.succeeded(now);
                self.lanes.kept(self.saving.kept_version());
            }
            Err(SaveError::NotOurs) => self.lose(),
            Err(SaveError::Unwritable) => {
                self.counts.save_errors += 1;
                self.saving.failed(&self.policy, now, &mut self.random);
            }
        }
    }

    /// Starts whatever is due. Saving comes first: what follows depends on what is kept.
    fn advance(&mut self, now: Timestamp) {
        if self.tenure == Tenure::Lost {
            return;
        }
        if self.reading.has_ended() {
            self.progress.end_at(self.next_ordinal);
        }
        if self.save_due().is_some_and(|due| due <= now) {
            let settled = self.progress.checkpoint(self.lanes.kept_batches(&self.policy));
            self.saving.start(settled.clone(), self.progress.version());
            self.commands.push_back(Command::SaveCheckpoint(settled));
        }
        for index in 0..self.lanes.len() {
            if self.step_due(self.lanes.at(index)).is_some_and(|due| due <= now) {
                self.step(index, now);
            }
        }
        if self.fetch_due().is_some_and(|due| due <= now) {
            self.reading.start(now);
            self.commands.push_back(Command::Fetch { records_max: self.fetch_room() });
        }
    }

    fn step(&mut self, lane: usize, now: Timestamp) {
        let (id, failure_id) = (InvocationId(self.next_id), FailureId(self.next_id));
        self.next_id += 1;
        let read = self.reading.so_far();
        match self.lanes.lane(lane).start(id, failure_id, &self.policy, read, now) {
            Step::Invoke { batch, attempt, is_retry, ends_early } => {
                let early = ends_early.map(|state_bytes| Notice::WindowEndedEarly { state_bytes });
                self.notices.extend(early);
                self.counts.invocations += 1;
                self.counts.retries += u64::from(is_retry);
                self.counts.invoked += batch.records().len() as u64;
                if let Some(last_arrival) = batch.last_arrival() {
                    self.iterator_age = Some(now.since(last_arrival));
                }
                self.commands.push_back(Command::Invoke(Invocation { id, batch, attempt }));
            }
            Step::SendFailure(failure) => self.commands.push_back(Command::SendFailure(failure)),
        }
    }

    fn save_due(&self) -> Option<Timestamp> {
        if self.tenure == Tenure::Lost {
            return None;
        }
        self.saving.due(self.progress.version())
    }

    /// A lane starts nothing before everything that it settled is kept, so that a crash repeats only what is in flight (I8).
    fn step_due(&self, lane: &Lane) -> Option<Timestamp> {
        if self.tenure != Tenure::Ours || self.saving.is_failing() || !self.saving.has_kept(lane.waits_for())
        {
            return None;
        }
        let nothing_to_add = self.reading.is_over() || self.fetch_room() == 0;
        lane.due(&self.policy, nothing_to_add, self.reading.so_far())
    }

    fn fetch_due(&self) -> Option<Timestamp> {
        if self.tenure != Tenure::Ours || self.saving.is_failing() || self.fetch_room() == 0 {
            return None;
        }
        self.reading.due()
    }

    /// How many records the next read may bring (I4): a lane that is stuck holds the others back only this far above it.
    fn fetch_room(&self) -> usize {
        if self.bytes_held >= self.policy.read_ahead_bytes_max {
            return 0;
        }
        let ahead = self.progress.span(self.next_ordinal);
        let room = self.policy.read_ahead_records_max.saturating_sub(ahead);
        room.min(self.policy.fetch_records_max)
    }

    /// Whether nothing is owed and nothing held, and why nothing more will come (I7); or the shard is lost, and nothing counts.
    #[must_use]
    pub fn finished(&self) -> Option<Finished> {
        if self.tenure == Tenure::Lost {
            return Some(Finished::Lost);
        }
        let is_owed = self.reading.is_in_flight()
            || self.lanes.is_in_flight()
            || !self.saving.is_up_to(self.progress.version());
        let is_idle = |lane: &Lane| lane.due(&self.policy, true, self.reading.so_far()).is_none();
        let is_holding = self.progress.span(self.next_ordinal) > 0 || !self.lanes.iter().all(is_idle);
        let is_caught_up = self.reading.is_caught_up() && !is_holding;
        match (is_owed, self.progress.has_ended(), is_caught_up, self.is_draining()) {
            (true, ..) | (false, false, false, false) => None,
            (false, true, ..) => Some(Finished::ShardEnd),
            (false, false, true, _) => Some(Finished::CaughtUp),
            (false, false, false, true) => Some(Finished::Drained),
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
            records_left: self.records_left,
            failing: self.failing(),
            oldest_arrival: self.lanes.oldest_arrival(),
            iterator_age: self.iterator_age,
            checkpoint_saved_at: self.saving.saved_at(),
            counts: self.counts,
        }
    }

    /// How many records were read and are not settled.
    #[must_use]
    pub fn records_held(&self) -> usize {
        self.records_held
    }

    /// The batches that failed and are not settled, that of the oldest record first.
    #[must_use]
    pub fn failing(&self) -> Vec<FailingBatch> {
        self.lanes.failing(&self.policy)
    }

    fn phase(&self) -> Phase {
        if let Some(finished) = self.finished() {
            return Phase::Finished(finished);
        }
        if self.is_draining() {
            return Phase::Draining;
        }
        if self.saving.is_failing() {
            return Phase::Stalled;
        }
        match (self.lanes.retrying(), self.lanes.is_in_flight()) {
            (Some((attempts, at)), _) => Phase::Retrying { attempts, at },
            (None, true) => Phase::Invoking,
            (None, false) if self.records_held > 0 => Phase::Gathering,
            (None, false) => Phase::Polling,
        }
    }
}

#[cfg(test)]
mod tests;
