//! What a stream is, and what is kept of a mapping that reads it.

use crate::record::Position;
use crate::shard::Checkpoint;
use crate::starting_position::{NewShard, ShardStart};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The name of a shard, unique within its stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(Arc<str>);

impl ShardId {
    /// The shard of that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as the source writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A shard as the stream lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedShard {
    /// Its name.
    pub id: ShardId,
    /// The shards it was made from: none, one (split), or two (merge).
    pub parents: Vec<ShardId>,
    /// Whether it still takes records.
    pub is_open: bool,
}

/// What a stream says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamDescription {
    /// Its ARN, as it names itself.
    pub arn: String,
    /// When it was created: another time is another stream, though the name is the same.
    pub created: Timestamp,
    /// How long it keeps a record.
    pub retention: Duration,
    /// What it is doing.
    pub status: StreamStatus,
}

impl StreamDescription {
    /// What its positions belong to.
    #[must_use]
    pub fn identity(&self) -> StreamIdentity {
        StreamIdentity { arn: self.arn.clone(), created: self.created }
    }
}

/// What a stream is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamStatus {
    /// Not yet there.
    Creating,
    /// There (also while it is being resharded).
    Active,
    /// Going away.
    Deleting,
}

/// Which stream a checkpoint belongs to. A checkpoint of another one is worthless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamIdentity {
    /// ARN of the stream.
    pub arn: String,
    /// When it was created.
    pub created: Timestamp,
}

impl StreamIdentity {
    /// Whether both streams have one name, so that one came in the place of the other. A table's stream has that of its table:
    /// the label behind it does not count.
    #[must_use]
    pub fn has_name_of(&self, other: &Self) -> bool {
        name(&self.arn) == name(&other.arn)
    }
}

fn name(arn: &str) -> &str {
    arn.split_once("/stream/").map_or(arn, |(table, _)| table)
}

/// What is kept of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMapping {
    /// The stream that the positions belong to.
    pub stream: StreamIdentity,
    /// Every shard it has seen and the stream still lists.
    pub shards: BTreeMap<ShardId, KeptShard>,
}

/// What is kept of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptShard {
    /// Where to begin while nothing is settled; `None`: the shard was over before the mapping began.
    pub start: Option<ShardStart>,
    /// How far it is settled.
    pub checkpoint: Checkpoint,
}

impl KeptMapping {
    /// What is kept of a mapping that begins with these shards.
    #[must_use]
    pub fn beginning(stream: StreamIdentity, shards: &[NewShard]) -> Self {
        Self {
            stream,
            shards: shards.iter().map(|shard| (shard.id.clone(), KeptShard::new(shard))).collect(),
        }
    }
}

impl KeptShard {
    /// What is kept of a shard when it is first seen.
    #[must_use]
    pub fn new(shard: &NewShard) -> Self {
        let checkpoint = Checkpoint { ended: shard.start.is_none(), ..Checkpoint::default() };
        Self { start: shard.start, checkpoint }
    }

    /// Where to read on. A checkpoint beats a start that was kept. LATEST means right now only when the mapping never ran before.
    ///
    /// # Panics
    ///
    /// If the shard was over before the mapping began: it is not read.
    #[must_use]
    pub fn read_from(&self, is_first_start: bool) -> ReadFrom {
        match (&self.checkpoint.position, self.start) {
            (Some(position), _) => ReadFrom::After(position.clone()),
            (None, Some(ShardStart::AfterLatest(frozen))) if is_first_start => ReadFrom::Latest { frozen },
            (None, Some(start)) => ReadFrom::Start(start),
            (None, None) => unreachable!("a shard that was over before the mapping began is not read"),
        }
    }
}

/// Where to begin to read a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// Right now: only what arrives after the shard was opened. If the place is lost before a record was read, go on as with
    /// `Start(ShardStart::AfterLatest(frozen))`.
    Latest {
        /// When the mapping started.
        frozen: Timestamp,
    },
    /// Where a start that was kept says; `AfterLatest` means the records that arrived at or after its moment.
    Start(ShardStart),
    /// The record after this one.
    After(Position),
}

impl ReadFrom {
    /// Where to begin after an attempt that failed: right now has passed, but not the moment at which the mapping started.
    #[must_use]
    pub fn after_failure(self) -> Self {
        match self {
            ReadFrom::Latest { frozen } => ReadFrom::Start(ShardStart::AfterLatest(frozen)),
            ReadFrom::Start(_) | ReadFrom::After(_) => self,
        }
    }
}
