//! Who may read which shard of a mapping: the vocabulary between whoever decides that and whoever reads them. `shard_sync` decides it
//! for streams that list their shards; `poller/src/ownership` carries that out.

use crate::shard::{Checkpoint, Finished};
use crate::stream::ReadFrom;
use crate::stream::ShardId;
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// What changes for the shards of one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These are to be read.
    Assigned(Vec<Assigned>),
    /// These are to be settled as far as they are in flight, saved, and released.
    Revoked {
        /// The shards.
        shards: Vec<ShardId>,
        /// From this moment on they are somebody else's. `None`: it takes as long as it takes.
        by: Option<Timestamp>,
    },
    /// These are not this poller's any more, as if somebody else had them already: nothing of them is settled or kept from now on.
    Lost(Vec<ShardId>),
    /// Records are now kept for this long.
    Retention(Duration),
    /// The log of a shard begins at this offset now: it does not keep the records below any more.
    Trimmed {
        /// The shard.
        shard: ShardId,
        /// Where its log begins.
        log_start: u64,
    },
    /// Shards are read, as far as there are any.
    Polling,
    /// Nothing is read, or nothing new can be found out.
    Waiting(Waiting),
    /// Everything that was there at the start is settled. Nothing is assigned any more.
    CaughtUp,
}

/// Why a mapping waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The stream or the store does not answer as it should: its words.
    Trouble(Arc<str>),
    /// The stream is being created.
    BeingCreated,
    /// The stream is being deleted.
    BeingDeleted,
    /// Each answer to this call is another one.
    Contradiction {
        /// What was asked for.
        what: &'static str,
    },
    /// A listing cannot be one of all shards: why.
    Flaw(&'static str),
    /// Every shard that the stream lists has ended.
    AllEnded,
    /// So many shards wait for parents that the stream does not list.
    Orphans(usize),
}

/// A shard to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The shard.
    pub shard: ShardId,
    /// ARN of its stream, as it names itself.
    pub stream_arn: Arc<str>,
    /// Where to read on.
    pub from: ReadFrom,
    /// How far it is settled. It has not ended.
    pub checkpoint: Checkpoint,
    /// Finish once everything that was in it at the start is settled.
    pub until_caught_up: bool,
}

/// A shard that is not read any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// The shard.
    pub shard: ShardId,
    /// Why.
    pub finished: Finished,
    /// What was kept of it last.
    pub checkpoint: Checkpoint,
}
