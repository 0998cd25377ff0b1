//! StartingPosition: where a mapping begins in a stream that it never read (specification 3.2), and how LATEST is frozen.
//!
//! In: the setting, the shards that the stream lists, and the time. Out: what to keep of each shard, so that a restart before the
//! first record begins at the same place.

use crate::stream::{ListedShard, ShardId};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Where a mapping starts to read a stream that it has never read (StartingPosition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// The oldest record that the stream keeps.
    TrimHorizon,
    /// Only what arrives from now on.
    Latest,
    /// The first record that arrived at or after this moment.
    AtTimestamp(Timestamp),
}

/// Where to begin in a shard of which nothing is settled yet. Kept, so that a crash before the first record skips
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardStart {
    /// The oldest record of the shard.
    TrimHorizon,
    /// The first record that arrived at or after this moment.
    AtTimestamp(Timestamp),
    /// What arrives after the mapping's start, which was at this moment: LATEST, frozen.
    AfterLatest(Timestamp),
}

/// What a mapping remembers of a shard when it first sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewShard {
    /// The shard.
    pub id: ShardId,
    /// Where to begin in it; `None`: it is over before it began, its records came before the starting position.
    pub start: Option<ShardStart>,
}

/// What to remember of every shard when a mapping starts for the very first time, at `now`.
///
/// LATEST begins with the shards that are open now. Closed ones count as finished, so that their children need not wait for them;
/// those without children are read all the same, as a service may be wrong about them: dynoxide gives every shard an end.
#[must_use]
pub fn first_start(
    starting_position: StartingPosition,
    listed: &[ListedShard],
    now: Timestamp,
) -> Vec<NewShard> {
    let parents: BTreeSet<&ShardId> = listed.iter().flat_map(|shard| &shard.parents).collect();
    let start = |shard: &ListedShard| match starting_position {
        StartingPosition::TrimHorizon => Some(ShardStart::TrimHorizon),
        StartingPosition::AtTimestamp(from) => Some(ShardStart::AtTimestamp(from)),
        StartingPosition::Latest => {
            let is_passed_over = !shard.is_open && parents.contains(&shard.id);
            (!is_passed_over).then_some(ShardStart::AfterLatest(now))
        }
    };
    listed.iter().map(|shard| NewShard { id: shard.id.clone(), start: start(shard) }).collect()
}

#[cfg(test)]
mod tests;
