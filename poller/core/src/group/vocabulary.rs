//! What the machine of a consumer group is told, what it asks for, and what it tells people.

use crate::committed::Committed;
use crate::ownership::Released;
use crate::starting_position::StartingPosition;
use crate::stream::ShardId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The number of a partition.
pub type Partition = i32;

/// What a mapping asks of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The topic.
    pub topic: Arc<str>,
    /// The cluster, as events name it: its ARN, or its bootstrap servers.
    pub cluster: Arc<str>,
    /// Where partitions are read from of which nothing is committed.
    pub starting_position: StartingPosition,
    /// Finish once everything that was there at the start is settled.
    pub until_caught_up: bool,
    /// How long a partition that was revoked may go on to be settled. The whole group waits for it.
    pub release_time: Duration,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The group gives these to this poller, beside those that it has. Answer: [`Command::Take`].
    Assigned(Vec<Partition>),
    /// The group wants these back. Answer: [`Command::GiveBack`], perhaps in parts.
    Revoked(Vec<Partition>),
    /// Somebody else may have these already: the session is over. Answer: [`Command::GiveBack`].
    Lost(Vec<Partition>),
    /// The answer to [`Command::Ask`]: of these partitions, or all of the topic.
    Known(Result<BTreeMap<Partition, Known>, Arc<str>>),
    /// The answer to [`Command::Fix`].
    Fixed(Result<(), Arc<str>>),
    /// A shard is not read any more.
    Released(Released),
    /// No broker answers.
    Away(Arc<str>),
    /// One answers again.
    Back,
    /// Nothing but the time passes.
    TimePassed,
}

/// What the broker knows of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What the group has committed.
    pub committed: Option<Committed>,
    /// What the log holds.
    pub bounds: Bounds,
}

/// The log of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Offset of the oldest record.
    pub start: u64,
    /// Offset that the next record gets.
    pub end: u64,
    /// Offset of the first record of the starting moment or later; `None`: there is none, or no moment was asked for.
    pub since: Option<u64>,
}

/// A partition that is taken, and where it is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The partition.
    pub partition: Partition,
    /// Where it goes on.
    pub committed: Committed,
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask for what is known of these partitions, and of all others of the topic what is committed.
    Ask(Vec<Partition>),
    /// Commit these places, of which nothing is committed.
    Fix(Vec<(Partition, Committed)>),
    /// Answer the assignment: read these.
    Take(Vec<Taken>),
    /// Answer the revocation, as far as these go.
    GiveBack(Vec<Partition>),
}

/// What people want to read of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// What was committed of the shard is not in its log: so many records are passed over.
    OutOfRange {
        /// The shard.
        shard: ShardId,
        /// How many; 0 if the log ends before what was committed.
        lost: u64,
    },
    /// The session is over: somebody else may have these.
    Lost(Vec<ShardId>),
}
