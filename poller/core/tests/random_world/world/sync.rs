//! How the world carries out what the machines say that decide which shards are read.

use super::{Life, Watched, Worker, World};
use crate::common::number_of;
use crate::stream::Record;
use crate::weather::{happens, random_retention};
use pelton_core::assignments::{self, Assignments, Doing};
use pelton_core::confirm::{Question, Verdict};
use pelton_core::ownership::{Assigned, Change, Released};
use pelton_core::plan::{flaw, together};
use pelton_core::shard_end::Ending;
use pelton_core::shard_sync::{Command, FoundStream, Input, Keep, Settings, ShardSync};
use pelton_core::starting_position::{ShardStart, StartingPosition};
use pelton_core::stream::{KeptMapping, KeptShard, ReadFrom, StreamDescription, StreamStatus};
use pelton_core::stream::{ListedShard, ShardId};
use pelton_core::succession::Succession;
use pelton_core::{Finished, Policy, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Starts in a row that may fail, as nothing can be kept.
const STARTS_MAX: usize = 1_000;

impl World<'_> {
    /// A poller starts with what was kept.
    pub(super) fn start_life(&mut self) {
        if self.stream.is_deleted {
            self.delete_or_make_again();
        }
        let sync = (0..STARTS_MAX).find_map(|_| self.try_start()).expect("I6: a start succeeds at some time");
        self.life = Some(Life {
            sync,
            assignments: Assignments::default(),
            owed: None,
            first_after_start: self.stream.next_number(),
            began: self.now,
            stream_began: self.stream.now,
            hidden: None,
            hid_a_shard: false,
            has_caught_up: false,
        });
        self.carry_out();
    }

    /// `None`: something could not be kept.
    fn try_start(&mut self) -> Option<ShardSync> {
        let same = |earlier: &StreamDescription, later: &StreamDescription| {
            (earlier == later).then(|| later.clone())
        };
        // Nothing is listed, as what was there has left, and what comes is late.
        if flaw(&self.stream.list()).is_some() {
            self.pass(100);
            return None;
        }
        let description = self.believed(Self::told_description, same);
        let listed =
            self.believed(Self::told_listing, |earlier: &Vec<ListedShard>, later| together(earlier, later));
        self.policy.retention = description.retention;
        let settings = Settings {
            starting_position: self.starting_position,
            until_caught_up: self.policy.until_caught_up,
        };
        let found = FoundStream { description, listed };
        let seed = self.random.u64(..);
        let mut sync = ShardSync::new(settings, self.store.clone(), found, seed, self.now);
        while let Some(command) = sync.next_command() {
            let Command::Keep(what) = command else { panic!("a start only keeps") };
            if !self.keep_what(&what) {
                self.note(|_| "the start failed".to_owned());
                return None;
            }
            sync.handle(Input::Kept(Ok(())), self.now);
        }
        Some(sync)
    }

    fn believed<T: Clone + PartialEq>(
        &mut self,
        told: impl Fn(&mut Self) -> T,
        together: impl Fn(&T, &T) -> Option<T>,
    ) -> T {
        let mut question = Question::new(None);
        loop {
            match question.take_together(told(self), &together) {
                Verdict::Believed(answer) => return answer,
                Verdict::AskAgain => {}
                Verdict::Contradictory => question = Question::new(None),
            }
        }
    }

    /// Whether the source lies now: never twice in a row.
    fn lies(&mut self) -> bool {
        self.was_lied_to = !self.was_lied_to && happens(self.weather.source_lies, &mut self.random);
        self.was_lied_to
    }

    fn told_description(&mut self) -> StreamDescription {
        let truth = self.stream.describe();
        if !self.lies() {
            return truth;
        }
        self.note(|_| "the source describes another stream".to_owned());
        match self.random.u8(0..4) {
            0 if self.stream.before.is_some() => self.stream.before.clone().unwrap_or(truth),
            0 => StreamDescription { retention: random_retention(&mut self.random), ..truth },
            1 => StreamDescription { created: truth.created.after(Duration::from_millis(1)), ..truth },
            _ => StreamDescription { status: StreamStatus::Creating, ..truth },
        }
    }

    /// One that lies lacks shards, or is of before a reshard.
    fn told_listing(&mut self) -> Vec<ListedShard> {
        let mut listed = self.stream.list();
        // What is overlooked of a stream that is new cannot be known.
        let is_known = self.store.as_ref().is_some_and(|state| state.stream.created == self.stream.created);
        let hidden = self.life.as_ref().and_then(|life| life.hidden.clone()).filter(|_| is_known);
        listed.retain(|shard| hidden.as_ref() != Some(&shard.id));
        if self.lies() && !listed.is_empty() {
            let from = self.random.usize(0..listed.len());
            let end = if self.random.bool() { from + 1 } else { listed.len() };
            listed.drain(from..end);
            listed.iter_mut().for_each(|shard| shard.is_open |= self.random.bool());
            self.note(|_| "the source lists too little".to_owned());
        }
        listed
    }

    /// Answers what is owed to the machine that checks the stream.
    pub(super) fn answer_sync(&mut self) {
        if self.life.as_ref().is_some_and(|life| life.has_caught_up) {
            return self.crash();
        }
        self.check_when_due();
        let Some(command) = self.life.as_mut().and_then(|life| life.owed.take()) else { return };
        let fails = happens(self.weather.check_fails, &mut self.random);
        let failed: Arc<str> = "no answer".into();
        let input = match command {
            Command::Describe if fails => Input::Described(Err(failed)),
            Command::Describe => {
                self.hide_a_shard();
                Input::Described(Ok(self.told_description()))
            }
            Command::List if fails || self.stream.is_deleted => Input::Listed(Err(failed)),
            Command::List => Input::Listed(Ok(self.told_listing())),
            Command::Keep(what) => Input::Kept(if self.keep_what(&what) { Ok(()) } else { Err(failed) }),
            Command::Passed(_) => unreachable!("nothing is owed to it"),
        };
        self.sync_handles(input);
    }

    /// Now and then, all answers of one check lack a shard that is known.
    fn hide_a_shard(&mut self) {
        let may_hide = happens(self.weather.source_lies, &mut self.random);
        let known: Vec<ShardId> = self.store.iter().flat_map(|state| state.shards.keys().cloned()).collect();
        let hidden = self.random.choice(known);
        let life = self.life.as_mut().expect("a life");
        life.hidden = hidden.filter(|_| may_hide && !life.hid_a_shard);
        life.hid_a_shard = life.hidden.is_some();
    }

    /// When the stream is checked next.
    pub(super) fn next_check(&self) -> Option<Timestamp> {
        self.life.as_ref().and_then(|life| life.sync.next_wakeup())
    }

    pub(super) fn check_when_due(&mut self) {
        if self.next_check().is_some_and(|due| due <= self.now) {
            self.sync_handles(Input::TimePassed);
        }
    }

    pub(super) fn want_check(&mut self) {
        let required = self.required;
        self.sync_handles(Input::CheckWanted { required });
    }

    /// A reader found its stream gone: it reads on once a check has passed that begins later.
    pub(super) fn require_check(&mut self, id: &ShardId) {
        self.required += 1;
        self.workers.get_mut(id).expect("a worker").required = Some(self.required);
        self.want_check();
    }

    fn sync_handles(&mut self, input: Input) {
        let Some(life) = &mut self.life else { return };
        life.sync.handle(input, self.now);
        self.carry_out();
    }

    fn keep_what(&mut self, what: &Keep) -> bool {
        let fails = happens(self.weather.check_fails, &mut self.random);
        if !fails || happens(self.weather.failed_save_is_kept, &mut self.random) {
            self.keep_of_mapping(what);
        }
        !fails
    }

    pub(super) fn keep_of_mapping(&mut self, what: &Keep) {
        match what {
            Keep::Anew(state) => self.store = Some(state.clone()),
            Keep::Changed { added, removed } => {
                let KeptMapping { shards, .. } = self.store.as_mut().expect("the mapping has begun");
                for shard in added {
                    shards.entry(shard.id.clone()).or_insert_with(|| KeptShard::new(shard));
                }
                shards.retain(|id, _| !removed.contains(id));
            }
        }
    }

    /// Carries out whatever the machines want, until they want nothing more.
    fn carry_out(&mut self) {
        loop {
            let Some(life) = &mut self.life else { return };
            if let Some(notice) = life.sync.next_notice() {
                self.note(|_| format!("{notice:?}"));
            } else if let Some(command) = life.sync.next_command() {
                match command {
                    Command::Passed(required) => self.passed = required,
                    command @ (Command::Describe | Command::List | Command::Keep(_)) => {
                        assert_eq!(life.owed.replace(command), None, "I7: one question at a time")
                    }
                }
            } else if let Some(change) = life.sync.next_change() {
                life.assignments.handle(assignments::Input::Changed(change));
            } else if let Some(command) = life.assignments.next_command() {
                self.carry_out_assignment(command);
            } else {
                let rests = life.owed.is_none() && life.sync.next_wakeup().is_none();
                assert!(
                    !rests || life.has_caught_up || !self.workers.is_empty(),
                    "I6: what rests wakes up again"
                );
                return;
            }
        }
    }

    fn carry_out_assignment(&mut self, command: assignments::Command) {
        use assignments::Command;
        match command {
            Command::Start(assigned) => self.start(assigned),
            Command::Drain { shard, by } => {
                let what = if by.is_some() { "drain in time" } else { "drain" };
                self.handle(&shard, pelton_core::Input::Drain { by }, what);
            }
            Command::Abandon(shard) => self.handle(&shard, pelton_core::Input::Lost, "lost"),
            Command::Retain(retention) => {
                self.policy.retention = retention;
                for id in self.ids() {
                    self.handle(
                        &id,
                        pelton_core::Input::RetentionChanged(retention),
                        "the retention changed",
                    );
                }
            }
            Command::Trim { shard, log_start } => {
                self.handle(&shard, pelton_core::Input::Trimmed(log_start), "the log was trimmed");
            }
            Command::Release(released) => {
                self.life.as_mut().expect("a life").sync.handle(Input::Released(released), self.now);
            }
            Command::Show(Doing::CaughtUp) => {
                self.check_caught_up();
                self.life.as_mut().expect("a life").has_caught_up = true;
            }
            Command::Show(Doing::Polling | Doing::Waiting(_)) => {}
        }
    }

    /// Everything that was in the stream when this life began is settled. A poller whose clock is slow cannot know of what arrived
    /// later by its clock.
    fn check_caught_up(&self) {
        let Life { first_after_start, began, .. } = self.life.as_ref().expect("a life");
        for shard in &self.stream.shards {
            let is_before = |record: &&Record| record.number < *first_after_start && record.arrival <= *began;
            let before = shard.records.iter().filter(is_before);
            for record in before.filter(|record| !record.is_trimmed && self.is_wanted(record)) {
                assert!(
                    self.books.settled.contains(&record.number),
                    "caught up without {record:?} of {}",
                    shard.id
                );
            }
        }
    }

    /// The workers that have ended are taken in.
    pub(super) fn take_in_ended(&mut self) {
        for id in self.ids() {
            let Some(finished) = self.workers[&id].watched.finished() else { continue };
            let kept = self.workers[&id].watched.ledger.kept.clone();
            // A stream that was made again between two answers makes an ended shard look open, and one look known that was forgotten, if
            // the answer of the store was lost.
            let is_there = self.workers[&id].created == self.stream.created;
            let stored = self.store.as_ref().expect("the mapping has begun").shards.get(&id);
            assert!(stored.is_some() || !is_there, "what is read is kept");
            let stored = stored.map(|shard| shard.checkpoint.clone()).unwrap_or_default();
            if finished != Finished::Lost && is_there {
                assert_eq!(
                    stored.ended,
                    finished == Finished::ShardEnd,
                    "I8: the store knows how the shard finished"
                );
            }
            // Of a shard that was lost, its new owner knows better.
            let checkpoint = if finished == Finished::Lost { stored } else { kept };
            self.end_life(&id);
            let released = Released { shard: id, finished, checkpoint };
            let life = self.life.as_mut().expect("workers live in a life");
            life.assignments.handle(assignments::Input::Ended(released));
            self.carry_out();
        }
    }

    /// Somebody else takes a shard, at once, soon, or when it is drained; and gives it back.
    pub(super) fn take_away(&mut self) {
        let Some(shard) = self.random.choice(self.ids()) else { return };
        let by = self.now.after(Duration::from_millis(self.random.u64(1..200)));
        let change = match self.random.u8(0..4) {
            0 => Change::Lost(vec![shard]),
            1 => Change::Revoked { shards: vec![shard], by: Some(by) },
            _ => Change::Revoked { shards: vec![shard], by: None },
        };
        self.life
            .as_mut()
            .expect("workers live in a life")
            .assignments
            .handle(assignments::Input::Changed(change));
        self.carry_out();
    }

    pub(super) fn delete_or_make_again(&mut self) {
        if self.stream.is_deleted || self.random.bool() {
            self.stream.make_again();
            self.note(|_| "the stream was made again".to_owned());
        } else {
            self.stream.is_deleted = true;
            self.note(|_| "the stream was deleted".to_owned());
        }
    }

    fn start(&mut self, assigned: Assigned) {
        let Assigned { shard: id, from, checkpoint, until_caught_up, .. } = assigned;
        let life = self.life.as_ref().expect("a life");
        let created = life.sync.state().stream.created;
        let is_there = created == self.stream.created;
        if is_there {
            self.check_parents(&id);
        }
        let cursor = match &from {
            ReadFrom::After(position) => number_of(position) + 1,
            ReadFrom::Start(start) if is_there => self.stream.shard(&id).cursor(*start),
            ReadFrom::Latest { frozen } if is_there => {
                self.stream.shard(&id).cursor(ShardStart::AfterLatest(*frozen))
            }
            ReadFrom::Start(_) | ReadFrom::Latest { .. } => 0,
        };
        let is_behind_a_record = matches!(from, ReadFrom::After(_));
        let oldest = if is_behind_a_record { 0 } else { cursor };
        let succession = Succession::after(&id, checkpoint.position.clone());
        let policy = Policy { until_caught_up, ..self.policy.clone() };
        let watched = Watched::new(&policy, Some(checkpoint), self.random.u64(..), self.now);
        self.note(|_| format!("{id} starts at {cursor}"));
        let ending = if until_caught_up { Ending::confirming_caught_up() } else { Ending::default() };
        let worker = Worker { watched, created, required: None, cursor, oldest, ending, succession, lies: 0 };
        assert!(self.workers.insert(id, worker).is_none(), "a shard is read once at a time");
    }

    fn check_parents(&self, id: &ShardId) {
        let kept = &self.store.as_ref().expect("the mapping has begun").shards;
        for parent in &self.stream.shard(id).parents {
            let is_listed = self.stream.shard(parent).is_listed;
            let is_ended = kept.get(parent).is_some_and(|parent| parent.checkpoint.ended);
            assert!(is_ended || !is_listed, "parents finish before children");
            assert!(
                !self.workers.contains_key(parent),
                "a parent is not read any more when its children start"
            );
        }
    }

    /// Whether the starting position asks for it.
    pub(super) fn is_wanted(&self, record: &Record) -> bool {
        let is_first = self.started_at.is_some_and(|started_at| self.stream.created <= started_at);
        match self.starting_position {
            StartingPosition::AtTimestamp(from) => record.arrival >= from,
            StartingPosition::Latest if is_first => Some(record.arrival) >= self.started_at,
            StartingPosition::TrimHorizon | StartingPosition::Latest => true,
        }
    }
}
