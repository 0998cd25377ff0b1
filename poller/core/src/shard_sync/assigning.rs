//! Which shards are assigned next, and when all that was in the stream at the start is settled.

use super::{Notice, ShardSync, Step, progress};
use crate::ownership::{Assigned, Change, Released, Waiting};
use crate::plan::startable;
use crate::shard::Finished;
use crate::stream::{ListedShard, ShardId};
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

impl ShardSync {
    /// What was kept while it ran: whoever reads it next goes on from there.
    pub(super) fn released(&mut self, Released { shard, finished, checkpoint }: Released, now: Timestamp) {
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
    pub(super) fn assign(&mut self) {
        if self.has_caught_up || matches!(self.step, Step::Draining(_) | Step::KeepingAnew(..)) {
            return;
        }
        let startable = self.startable();
        if startable.is_empty() {
            return;
        }
        let parents = self.parents();
        let is_open = |shard: &&ListedShard| shard.is_open || !parents.contains(&shard.id);
        let open: BTreeSet<&ShardId> =
            self.found.listed.iter().filter(is_open).map(|shard| &shard.id).collect();
        let stream_arn: Arc<str> = self.state.stream.arn.as_str().into();
        let assigned: Vec<Assigned> = startable
            .into_iter()
            .map(|shard| Assigned {
                stream_arn: Arc::clone(&stream_arn),
                from: self.state.shards[&shard].read_from(self.is_first_start),
                checkpoint: self.state.shards[&shard].checkpoint.clone(),
                // A closed shard is read to its end: a source may say that nothing more is there at the moment, where nothing more
                // will ever come, and what is in its children was there at the start, too. One without children may be open in truth:
                // dynoxide gives every shard an end.
                until_caught_up: self.settings.until_caught_up && open.contains(&shard),
                shard,
            })
            .collect();
        self.assigned.extend(assigned.iter().map(|assigned| assigned.shard.clone()));
        self.changes.push_back(Change::Assigned(assigned));
    }

    pub(super) fn has_closed_leaf(&self) -> bool {
        let parents = self.parents();
        self.found.listed.iter().any(|shard| !shard.is_open && !parents.contains(&shard.id))
    }

    fn parents(&self) -> BTreeSet<&ShardId> {
        self.found.listed.iter().flat_map(|shard| &shard.parents).collect()
    }

    /// A shard that has caught up is not read again, nor are its children: they wait for it as for one that is read.
    fn startable(&self) -> Vec<ShardId> {
        let busy = self.assigned.union(&self.caught_up).cloned().collect();
        startable(&self.found.listed, &progress(&self.state), &busy)
    }

    /// Whether everything that was in the stream at the start is settled, and kept. A shard that was missing from the last listing
    /// may have been overlooked.
    pub(super) fn look_whether_caught_up(&mut self) {
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
    pub(super) fn what_it_does(&self) -> Change {
        if !self.assigned.is_empty() {
            return Change::Polling;
        }
        match self.waiting().count() {
            0 => Change::Waiting(Waiting::AllEnded),
            waiting => Change::Waiting(Waiting::Orphans(waiting)),
        }
    }
}
