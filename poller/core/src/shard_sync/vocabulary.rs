//! What the shell and [`ShardSync`](super::ShardSync) say to each other.

use crate::ownership::{Released, Waiting};
use crate::starting_position::{NewShard, StartingPosition};
use crate::stream::{KeptMapping, StreamDescription, StreamIdentity};
use crate::stream::{ListedShard, ShardId};
use crate::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

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
    Anew(KeptMapping),
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
    /// The mapping reads another stream than before: what is kept is worthless.
    AnotherStream {
        /// The one before.
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
