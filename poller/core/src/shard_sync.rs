//! Which shards one poller reads of a stream that lists its shards, if nobody else reads them for the mapping.
//!
//! In: what the stream says of itself and lists, what is kept, and how shards end. Out: questions to the stream, what to keep,
//! and which shards are to be read: parents before children (specification 3.3). What cannot be taken back follows from two
//! answers in a row; the shell only asks and keeps.

mod checks;

use crate::confirm::{Question, Verdict};
use crate::ownership::{Assigned, Change, Released, Waiting};
use crate::plan::{
    ListedShard, NewShard, ShardId, ShardProgress, StartingPosition, first_start, flaw, later_shards,
    not_ended, startable, together, unlisted,
};
use crate::shard::Finished;
use crate::stream::{MappingState, ShardState, StreamDescription, StreamIdentity, StreamStatus};
use crate::time::Timestamp;
pub use checks::CHECK_GAP_MIN;
use checks::Checks;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Decides which shards of a listed stream are read.
#[derive(Debug)]
pub struct ShardSync {
    settings: Settings,
    /// What is kept of the mapping.
    state: MappingState,
    /// The stream as two checks in a row, or the last one, found it.
    found: FoundStream,
    /// The mapping never ran before: LATEST means right now.
    is_first_start: bool,
    /// Shards that are being read, or were revoked and not released yet.
    assigned: BTreeSet<ShardId>,
    revoked: BTreeSet<ShardId>,
    /// Known shards that were missing from the last listing.
    missing: BTreeSet<ShardId>,
    /// Open shards in which everything from before the start is settled: what comes next in them, and in children made of
    /// them since, is for the next start.
    caught_up: BTreeSet<ShardId>,
    has_caught_up: bool,
    checks: Checks,
    step: Step,
    commands: VecDeque<Command>,
    changes: VecDeque<Change>,
    notices: VecDeque<Notice>,
}

/// What a mapping asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to begin in a stream that was never read.
    pub starting_position: StartingPosition,
    /// Stop once everything that was in the stream at the start is settled.
    pub until_caught_up: bool,
}

/// A stream as two answers in a row describe and list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundStream {
    /// What it says of itself.
    pub description: StreamDescription,
    /// Every shard that it lists.
    pub listed: Vec<ListedShard>,
}

impl FoundStream {
    /// How many of its shards take records.
    #[must_use]
    pub fn shards_open(&self) -> usize {
        self.listed.iter().filter(|shard| shard.is_open).count()
    }
}

/// What the shell is to do. Each is answered by the [`Input`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask the stream what it is.
    Describe,
    /// Ask the stream for all its shards.
    List,
    /// Keep something, all at once.
    Keep(Keep),
    /// Readers that required checks, up to this many in sum, may read on. Needs no answer.
    Passed(u64),
}

/// What is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// This, and nothing of what was kept before.
    Anew(MappingState),
    /// Beside what is kept, and without what is gone.
    Changed {
        /// Shards that appeared.
        added: Vec<NewShard>,
        /// Shards that the stream no longer lists.
        removed: Vec<ShardId>,
    },
}

/// What happened. An answer that failed is told in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The answer to [`Command::Describe`].
    Described(Result<StreamDescription, Arc<str>>),
    /// The answer to [`Command::List`].
    Listed(Result<Vec<ListedShard>, Arc<str>>),
    /// The answer to [`Command::Keep`].
    Kept(Result<(), Arc<str>>),
    /// A shard that was assigned is not read any more.
    Released(Released),
    /// A reader got no answer: the stream may have changed.
    CheckWanted {
        /// So often in sum, readers found that their stream does not exist. None of them may read on before a check that began
        /// afterwards finds the stream to be the one that it was ([`Command::Passed`]).
        required: u64,
    },
    /// Nothing but the time given with this input.
    TimePassed,
}

/// What happened that people want to read of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The stream was deleted and made again: its positions are worthless.
    MadeAgain {
        /// The stream that they belonged to.
        old: StreamIdentity,
    },
    /// So many shards appeared.
    Resharded(usize),
    /// What was concluded about the end of this shard was wrong: it is read on.
    NotEnded(ShardId),
    /// The stream no longer lists this shard, of which records were not settled.
    LostToRetention(ShardId),
    /// This shard has ended.
    Ended(ShardId),
    /// Records are now kept for this long.
    Retention(Duration),
    /// A check failed.
    CheckFailed {
        /// Why.
        why: Waiting,
        /// When the next one is.
        again_at: Timestamp,
    },
    /// The stream answers again.
    Available,
    /// Everything that was in the stream at the start is settled.
    CaughtUp,
}

/// Where a check of the stream is.
#[derive(Debug)]
enum Step {
    /// The next one is to come.
    Resting,
    Describing(Question<StreamDescription>),
    Listing(StreamDescription, Question<Vec<ListedShard>>),
    /// The stream was made again: the shards of the old one are drained.
    Draining(FoundStream),
    KeepingAnew(FoundStream, MappingState),
    KeepingChanges(FoundStream, Keep),
}

impl ShardSync {
    /// A mapping of which `kept` is known (`None`: it never ran), and whose stream was found, at `now`. Take the commands before
    /// anything else: shards are assigned once what the start asks for is kept.
    #[must_use]
    pub fn new(
        settings: Settings,
        kept: Option<MappingState>,
        found: FoundStream,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let is_first_start = kept.is_none();
        let state = kept.unwrap_or_else(|| MappingState::beginning(found.description.identity(), &[]));
        let mut listed = Self {
            settings,
            state,
            found: found.clone(),
            is_first_start,
            assigned: BTreeSet::new(),
            revoked: BTreeSet::new(),
            missing: BTreeSet::new(),
            caught_up: BTreeSet::new(),
            has_caught_up: false,
            checks: Checks::new(seed, now),
            step: Step::Resting,
            commands: VecDeque::new(),
            changes: VecDeque::new(),
            notices: VecDeque::new(),
        };
        // Its children may have been in the stream before the start, and not been listed yet.
        if listed.has_closed_leaf() {
            listed.checks.shard_ended();
        }
        if is_first_start {
            listed.keep_anew(found, now);
        } else if listed.state.stream != found.description.identity() {
            listed.begin_anew(found, now);
        } else {
            listed.compare(found, now);
        }
        listed
    }

    /// Takes in what happened at `now`. Drain commands, changes and notices afterwards.
    ///
    /// # Panics
    ///
    /// If an answer comes to a command that was not given.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Described(answer) => self.described(answer, now),
            Input::Listed(answer) => self.listed(answer, now),
            Input::Kept(answer) => self.kept(answer, now),
            Input::Released(released) => self.released(released, now),
            Input::CheckWanted { required } => self.checks.wanted(required),
            Input::TimePassed => {}
        }
        self.advance(now);
    }

    /// The next command, if any.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// What changes next for whoever reads the shards, if anything does.
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
        (matches!(self.step, Step::Resting) && !self.has_caught_up).then(|| self.checks.due())
    }

    /// What is kept of the mapping, as far as it is known here.
    #[must_use]
    pub fn state(&self) -> &MappingState {
        &self.state
    }

    /// How many shards are to be read and are not: their parents are not finished.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let is_waiting = |(id, shard): &(&ShardId, &ShardState)| {
            !shard.checkpoint.ended && !self.assigned.contains(*id) && !self.caught_up.contains(*id)
        };
        self.state.shards.iter().filter(is_waiting).count()
    }

    fn advance(&mut self, now: Timestamp) {
        if self.next_wakeup().is_some_and(|due| due <= now) {
            self.checks.begin(now);
            // A reader that found its stream gone must not read on because of an answer from before.
            let known = (!self.checks.is_required()).then(|| self.found.description.clone());
            self.step = Step::Describing(Question::new(known));
            self.commands.push_back(Command::Describe);
        }
    }

    fn described(&mut self, answer: Result<StreamDescription, Arc<str>>, now: Timestamp) {
        let Step::Describing(question) = &mut self.step else { panic!("nobody asked for a description") };
        let description = match answer.map(|answer| question.take(answer)) {
            Ok(Verdict::Believed(description)) => description,
            Ok(Verdict::AskAgain) => return self.commands.push_back(Command::Describe),
            Ok(Verdict::Contradictory) => {
                return self.failed(Waiting::Contradiction { what: "the description of the stream" }, now);
            }
            Err(words) => return self.failed(Waiting::Trouble(words), now),
        };
        match description.status {
            StreamStatus::Active => {
                self.step = Step::Listing(description, Question::new(Some(self.found.listed.clone())));
                self.commands.push_back(Command::List);
            }
            StreamStatus::Creating => self.failed(Waiting::BeingCreated, now),
            StreamStatus::Deleting => self.failed(Waiting::BeingDeleted, now),
        }
    }

    fn listed(&mut self, answer: Result<Vec<ListedShard>, Arc<str>>, now: Timestamp) {
        let Step::Listing(description, question) = &mut self.step else {
            panic!("nobody asked for a listing")
        };
        let listed = match answer {
            Ok(listed) => listed,
            Err(words) => return self.failed(Waiting::Trouble(words), now),
        };
        if let Some(flaw) = flaw(&listed) {
            return self.failed(Waiting::Flaw(flaw), now);
        }
        match question.take_together(listed, |earlier, later| together(earlier, later)) {
            Verdict::Believed(listed) => {
                let found = FoundStream { description: description.clone(), listed };
                if found.description.created == self.state.stream.created {
                    self.change_retention(found.description.retention);
                    self.compare(found, now);
                } else {
                    self.begin_anew(found, now);
                }
            }
            Verdict::AskAgain => self.commands.push_back(Command::List),
            Verdict::Contradictory => {
                self.failed(Waiting::Contradiction { what: "the listing of the stream's shards" }, now);
            }
        }
    }

    /// The stream was deleted and made again: what is in flight is settled, then the new one begins.
    fn begin_anew(&mut self, found: FoundStream, now: Timestamp) {
        self.notices.push_back(Notice::MadeAgain { old: self.state.stream.clone() });
        let running: Vec<ShardId> = self.assigned.difference(&self.revoked).cloned().collect();
        self.revoke(running);
        self.step = Step::Draining(found);
        self.drained(now);
    }

    fn drained(&mut self, now: Timestamp) {
        if let Step::Draining(found) = &self.step
            && self.assigned.is_empty()
        {
            let found = found.clone();
            self.keep_anew(found, now);
        }
    }

    /// A stream made again under the name of one that was being read holds only records that came after the mapping's start:
    /// under LATEST, too, all of them are wanted.
    fn keep_anew(&mut self, found: FoundStream, now: Timestamp) {
        let from = match self.settings.starting_position {
            StartingPosition::Latest if !self.is_first_start => StartingPosition::TrimHorizon,
            from @ (StartingPosition::Latest
            | StartingPosition::TrimHorizon
            | StartingPosition::AtTimestamp(_)) => from,
        };
        let state =
            MappingState::beginning(found.description.identity(), &first_start(from, &found.listed, now));
        self.commands.push_back(Command::Keep(Keep::Anew(state.clone())));
        self.step = Step::KeepingAnew(found, state);
    }

    /// What has changed since the last check. Shards that are missing from two listings in a row have left the stream's retention;
    /// one that is still being read is revoked first, and forgotten after a later check.
    fn compare(&mut self, found: FoundStream, now: Timestamp) {
        for shard in not_ended(&found.listed, &progress(&self.state)) {
            self.resume(&shard);
        }
        let known = progress(&self.state);
        let added = later_shards(&found.listed, &known);
        let gone = unlisted(&found.listed, &known);
        let (running, removed): (Vec<ShardId>, Vec<ShardId>) =
            gone.intersection(&self.missing).cloned().partition(|shard| self.assigned.contains(shard));
        self.revoke(running.into_iter().filter(|shard| !self.revoked.contains(shard)).collect());
        if added.is_empty() && removed.is_empty() {
            return self.matched(found, now);
        }
        let keep = Keep::Changed { added, removed };
        self.commands.push_back(Command::Keep(keep.clone()));
        self.step = Step::KeepingChanges(found, keep);
    }

    /// The checkpoint of a shard says that it ended, and the stream says that it did not: it is read again from where it was left.
    /// One that the starting position passed over has no such place.
    fn resume(&mut self, shard: &ShardId) {
        let Some(state) = self.state.shards.get_mut(shard) else { return };
        if state.start.is_some() || state.checkpoint.position.is_some() {
            state.checkpoint.ended = false;
            self.notices.push_back(Notice::NotEnded(shard.clone()));
        }
    }

    fn kept(&mut self, answer: Result<(), Arc<str>>, now: Timestamp) {
        let step = std::mem::replace(&mut self.step, Step::Resting);
        if let Err(words) = answer {
            return self.failed(Waiting::Trouble(words), now);
        }
        match step {
            Step::KeepingAnew(found, state) => {
                self.state = state;
                self.missing.clear();
                self.caught_up.clear();
                self.change_retention(found.description.retention);
                self.matched(found, now);
            }
            Step::KeepingChanges(found, Keep::Changed { added, removed }) => {
                if !added.is_empty() {
                    self.notices.push_back(Notice::Resharded(added.len()));
                }
                for shard in removed {
                    let was_unfinished =
                        self.state.shards.remove(&shard).is_some_and(|state| !state.checkpoint.ended);
                    self.notices.extend(was_unfinished.then_some(Notice::LostToRetention(shard)));
                }
                let added = added.into_iter().map(|shard| (shard.id.clone(), ShardState::new(&shard)));
                self.state.shards.extend(added);
                self.matched(found, now);
            }
            Step::Resting
            | Step::Describing(_)
            | Step::Listing(..)
            | Step::Draining(_)
            | Step::KeepingChanges(_, Keep::Anew(_)) => panic!("nothing was to be kept"),
        }
    }

    /// The check has succeeded, and what it brought is kept.
    fn matched(&mut self, found: FoundStream, now: Timestamp) {
        self.missing = unlisted(&found.listed, &progress(&self.state));
        self.found = found;
        self.step = Step::Resting;
        if self.checks.succeeded(!self.missing.is_empty(), now) {
            self.notices.push_back(Notice::Available);
        }
        self.commands.extend(self.checks.passed().map(Command::Passed));
        self.assign();
        self.is_first_start = false;
        self.look_whether_caught_up();
        if !self.has_caught_up {
            self.changes.push_back(self.what_it_does());
        }
    }

    fn failed(&mut self, why: Waiting, now: Timestamp) {
        self.step = Step::Resting;
        let again_at = self.checks.failed(now);
        self.notices.push_back(Notice::CheckFailed { why: why.clone(), again_at });
        self.changes.push_back(Change::Waiting(why));
    }

    fn change_retention(&mut self, retention: Duration) {
        if retention != self.found.description.retention {
            self.found.description.retention = retention;
            self.notices.push_back(Notice::Retention(retention));
            self.changes.push_back(Change::Retention(retention));
        }
    }

    fn revoke(&mut self, shards: Vec<ShardId>) {
        if !shards.is_empty() {
            self.revoked.extend(shards.iter().cloned());
            self.changes.push_back(Change::Revoked { shards, by: None });
        }
    }

    /// What was kept while it ran: whoever reads it next goes on from there.
    fn released(&mut self, Released { shard, finished, checkpoint }: Released, now: Timestamp) {
        assert!(self.assigned.remove(&shard), "a shard is released once");
        self.revoked.remove(&shard);
        let has_ended = checkpoint.ended;
        if let Some(state) = self.state.shards.get_mut(&shard) {
            state.checkpoint = checkpoint;
        }
        if has_ended {
            self.notices.push_back(Notice::Ended(shard));
            // Children may have been in the stream at the start, and not been listed.
            self.checks.shard_ended();
        } else if finished == Finished::CaughtUp {
            self.caught_up.insert(shard);
        }
        if matches!(self.step, Step::Draining(_)) {
            return self.drained(now);
        }
        self.assign();
        self.look_whether_caught_up();
    }

    /// Assigns every shard that may be read and is not. A stream of which something is being kept is another one afterwards.
    fn assign(&mut self) {
        if self.has_caught_up || matches!(self.step, Step::Draining(_) | Step::KeepingAnew(..)) {
            return;
        }
        let startable = self.startable();
        if startable.is_empty() {
            return;
        }
        let open: BTreeSet<&ShardId> =
            self.found.listed.iter().filter(|shard| shard.is_open).map(|shard| &shard.id).collect();
        let stream_arn: Arc<str> = self.state.stream.arn.as_str().into();
        let assigned: Vec<Assigned> = startable
            .into_iter()
            .map(|shard| Assigned {
                stream_arn: Arc::clone(&stream_arn),
                from: self.state.shards[&shard].read_from(self.is_first_start),
                checkpoint: self.state.shards[&shard].checkpoint.clone(),
                // A closed shard is read to its end: a source may say that nothing more is there at the moment, where nothing more
                // will ever come, and what is in its children was there at the start, too.
                until_caught_up: self.settings.until_caught_up && open.contains(&shard),
                shard,
            })
            .collect();
        self.assigned.extend(assigned.iter().map(|assigned| assigned.shard.clone()));
        self.changes.push_back(Change::Assigned(assigned));
    }

    fn has_closed_leaf(&self) -> bool {
        let listed = &self.found.listed;
        let is_parent = |id: &ShardId| listed.iter().any(|shard| shard.parents.contains(id));
        listed.iter().any(|shard| !shard.is_open && !is_parent(&shard.id))
    }

    /// A shard that has caught up is not read again, nor are its children: they wait for it as for one that is read.
    fn startable(&self) -> Vec<ShardId> {
        let busy = self.assigned.union(&self.caught_up).cloned().collect();
        startable(&self.found.listed, &progress(&self.state), &busy)
    }

    /// Whether everything that was in the stream at the start is settled, and kept. A shard that was missing from the last listing
    /// may have been overlooked.
    fn look_whether_caught_up(&mut self) {
        let is_unfinished =
            |shard: &ShardId| self.state.shards.get(shard).is_some_and(|state| !state.checkpoint.ended);
        let has_caught_up = self.settings.until_caught_up
            && self.assigned.is_empty()
            && !self.checks.may_bring_children()
            && !self.missing.iter().any(is_unfinished)
            && self.startable().is_empty();
        if has_caught_up && !self.has_caught_up {
            self.has_caught_up = true;
            self.notices.push_back(Notice::CaughtUp);
            self.changes.push_back(Change::CaughtUp);
        }
    }

    /// What the mapping does once the stream was checked and every shard that may be read is.
    fn what_it_does(&self) -> Change {
        if !self.assigned.is_empty() {
            return Change::Polling;
        }
        match self.waiting() {
            0 => Change::Waiting(Waiting::AllEnded),
            waiting => Change::Waiting(Waiting::Orphans(waiting)),
        }
    }
}

fn progress(state: &MappingState) -> BTreeMap<ShardId, ShardProgress> {
    let progress = |ended| if ended { ShardProgress::Finished } else { ShardProgress::Unfinished };
    state.shards.iter().map(|(id, shard)| (id.clone(), progress(shard.checkpoint.ended))).collect()
}

#[cfg(test)]
mod tests;
