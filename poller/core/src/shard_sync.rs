//! Which shards one poller reads of a stream that lists its shards, if nobody else reads them for the mapping.
//!
//! In: what the stream says of itself and lists, what is kept, and how shards end. Out: questions to the stream, what to keep,
//! and which shards are to be read: parents before children (specification 3.3). What cannot be taken back follows from two
//! answers in a row; the shell only asks and keeps.

mod assigning;
mod checks;
mod missing;
mod starting_over;
mod vocabulary;

use crate::confirm::{Question, Verdict};
use crate::ownership::{Change, Waiting};
use crate::plan::{ShardProgress, flaw, later_shards, not_ended, together};
use crate::stream::{KeptMapping, KeptShard, ListedShard, ShardId, StreamDescription, StreamStatus};
use crate::time::Timestamp;
pub use checks::CHECK_GAP_MIN;
use checks::Checks;
use missing::Missing;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
pub use vocabulary::{Command, FoundStream, Input, Keep, Notice, Settings};

/// Decides which shards of a listed stream are read.
#[derive(Debug)]
pub struct ShardSync {
    settings: Settings,
    /// What is kept of the mapping.
    state: KeptMapping,
    /// The stream as two checks in a row, or the last one, found it.
    found: FoundStream,
    /// The mapping never ran before: LATEST means right now.
    is_first_start: bool,
    /// Shards that are being read, or were revoked and not released yet.
    assigned: BTreeSet<ShardId>,
    revoked: BTreeSet<ShardId>,
    missing: Missing,
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

/// Where a check of the stream is.
#[derive(Debug)]
enum Step {
    /// The next one is to come.
    Resting,
    Describing(Question<StreamDescription>),
    Listing(StreamDescription, Question<Vec<ListedShard>>),
    /// The stream was made again: the shards of the old one are drained.
    Draining(FoundStream),
    KeepingAnew(FoundStream, KeptMapping),
    KeepingChanges(FoundStream, Keep),
}

impl ShardSync {
    /// A mapping of which `kept` is known (`None`: it never ran), and whose stream was found, at `now`. Take the commands before
    /// anything else: shards are assigned once what the start asks for is kept.
    #[must_use]
    pub fn new(
        settings: Settings,
        kept: Option<KeptMapping>,
        found: FoundStream,
        seed: u64,
        now: Timestamp,
    ) -> Self {
        let is_first_start = kept.is_none();
        let state = kept.unwrap_or_else(|| KeptMapping::beginning(found.description.identity(), &[]));
        let mut listed = Self {
            settings,
            state,
            found: found.clone(),
            is_first_start,
            assigned: BTreeSet::new(),
            revoked: BTreeSet::new(),
            missing: Missing::default(),
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
    pub fn state(&self) -> &KeptMapping {
        &self.state
    }

    /// The shards that are to be read and are not: their parents are not finished.
    pub fn waiting(&self) -> impl Iterator<Item = (&ShardId, &KeptShard)> {
        let is_waiting = |(id, shard): &(&ShardId, &KeptShard)| {
            !shard.checkpoint.ended && !self.assigned.contains(*id) && !self.caught_up.contains(*id)
        };
        self.state.shards.iter().filter(is_waiting)
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
                // Shards of one stream tell nothing of another, though they have the same names.
                let is_known = description.created == self.found.description.created;
                let known = is_known.then(|| self.found.listed.clone());
                self.step = Step::Listing(description, Question::new(known));
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
        // What was listed before a shard ended is out of date: it would make the shard look open again. And a listing that overlooked
        // a shard would need only one like it for the shard to be given up.
        if self.checks.may_bring_children() || self.missing.is_any() {
            question.forget_known();
        }
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

    /// What has changed since the last check. Shards that are missing from two listings in a row have left the stream's retention;
    /// one that is still being read is revoked first, and forgotten after a later check.
    fn compare(&mut self, found: FoundStream, now: Timestamp) {
        for shard in not_ended(&found.listed, &progress(&self.state)) {
            self.resume(&shard);
        }
        let known = progress(&self.state);
        let added = later_shards(&found.listed, &known);
        let gone = self.missing.gone(&found.listed, &known);
        let (running, removed): (Vec<ShardId>, Vec<ShardId>) =
            gone.into_iter().partition(|shard| self.assigned.contains(shard));
        self.revoke(running.into_iter().filter(|shard| !self.revoked.contains(shard)).collect());
        if added.is_empty() && removed.is_empty() {
            return self.matched(found, now);
        }
        let keep = Keep::Changed { added, removed };
        self.commands.push_back(Command::Keep(keep.clone()));
        self.step = Step::KeepingChanges(found, keep);
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
                let added = added.into_iter().map(|shard| (shard.id.clone(), KeptShard::new(&shard)));
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
        let is_any_missing = self.missing.remember(&found.listed, &progress(&self.state));
        self.found = found;
        self.step = Step::Resting;
        if self.checks.succeeded(is_any_missing || self.has_closed_leaf(), now) {
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
}

fn progress(state: &KeptMapping) -> BTreeMap<ShardId, ShardProgress> {
    let progress = |ended| if ended { ShardProgress::Finished } else { ShardProgress::Unfinished };
    state.shards.iter().map(|(id, shard)| (id.clone(), progress(shard.checkpoint.ended))).collect()
}

#[cfg(test)]
mod tests;
