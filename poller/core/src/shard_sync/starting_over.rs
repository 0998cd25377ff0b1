//! What a mapping does without checkpoints that it can go on from: they are lost, belong to a stream that was deleted and made
//! again, or say of a shard that it ended and the stream says that it did not.
//!
//! Nothing kept is the same as a mapping that never ran: it begins at its StartingPosition.

use super::{Command, FoundStream, Keep, Notice, ShardSync, Step};
use crate::starting_position::{StartingPosition, first_start};
use crate::stream::{KeptMapping, ShardId};
use crate::time::Timestamp;

impl ShardSync {
    /// The stream was deleted and made again, or the mapping reads another one now: what is in flight is settled, then the new one
    /// begins.
    pub(super) fn begin_anew(&mut self, found: FoundStream, now: Timestamp) {
        let old = self.state.stream.clone();
        self.notices.push_back(match old.has_name_of(&found.description.identity()) {
            true => Notice::MadeAgain { old },
            false => Notice::AnotherStream { old },
        });
        let running: Vec<ShardId> = self.assigned.difference(&self.revoked).cloned().collect();
        self.revoke(running);
        self.step = Step::Draining(found);
        self.drained(now);
    }

    pub(super) fn drained(&mut self, now: Timestamp) {
        if let Step::Draining(found) = &self.step
            && self.assigned.is_empty()
        {
            let found = found.clone();
            self.keep_anew(found, now);
        }
    }

    /// A stream made again under the name of one that was being read holds only records that came after the mapping's start:
    /// under LATEST, too, all of them are wanted. Of another stream none was wanted so far.
    pub(super) fn keep_anew(&mut self, found: FoundStream, now: Timestamp) {
        let is_made_again =
            !self.is_first_start && self.state.stream.has_name_of(&found.description.identity());
        let from = match self.settings.starting_position {
            StartingPosition::Latest if is_made_again => StartingPosition::TrimHorizon,
            from @ (StartingPosition::Latest
            | StartingPosition::TrimHorizon
            | StartingPosition::AtTimestamp(_)) => from,
        };
        let state =
            KeptMapping::beginning(found.description.identity(), &first_start(from, &found.listed, now));
        self.commands.push_back(Command::Keep(Keep::Anew(state.clone())));
        self.step = Step::KeepingAnew(found, state);
    }

    /// The checkpoint of a shard says that it ended, and the stream says that it did not: it is read again from where it was left.
    /// One that the starting position passed over has no such place.
    pub(super) fn resume(&mut self, shard: &ShardId) {
        let Some(state) = self.state.shards.get_mut(shard) else { return };
        if state.start.is_some() || state.checkpoint.position.is_some() {
            state.checkpoint.ended = false;
            self.notices.push_back(Notice::NotEnded(shard.clone()));
        }
    }
}
