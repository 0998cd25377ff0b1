//! Which shards of a stream may run: parents before children (specification 3.3, 3.4).
//!
//! In: the shards as the stream lists them, and what is kept of each. Out: what to remember of children seen for the first time,
//! and which shards may be read now; what two listings say together. Pure functions; `shard_sync` and `assignments` act on them.

use crate::shard_end::Listed;
use crate::starting_position::{NewShard, ShardStart};
use crate::stream::{ListedShard, ShardId};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept of a shard, as far as the plan needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardProgress {
    /// Being read, or to be read.
    Unfinished,
    /// Read to its end, and everything in it settled; or passed over by the starting position.
    Finished,
}

/// What to remember of shards that appeared since: they are children and are read from their beginning, also under
/// LATEST, or the records between the reshard and its discovery would be passed over.
#[must_use]
pub fn later_shards(listed: &[ListedShard], known: &BTreeMap<ShardId, ShardProgress>) -> Vec<NewShard> {
    listed
        .iter()
        .filter(|shard| !known.contains_key(&shard.id))
        .map(|shard| NewShard { id: shard.id.clone(), start: Some(ShardStart::TrimHorizon) })
        .collect()
}

/// The shards that may be started now: unfinished, not running, and every parent finished or forgotten.
///
/// A parent that the stream no longer lists has left its retention and counts as finished, once it was forgotten
/// (`shard_sync::missing`) and what of it was in flight is settled.
#[must_use]
pub fn startable(
    listed: &[ListedShard],
    known: &BTreeMap<ShardId, ShardProgress>,
    running: &BTreeSet<ShardId>,
) -> Vec<ShardId> {
    let listed_ids: BTreeSet<&ShardId> = listed.iter().map(|shard| &shard.id).collect();
    let is_over = |id: &ShardId| match known.get(id) {
        Some(progress) => *progress == ShardProgress::Finished,
        None => !listed_ids.contains(id),
    };
    listed
        .iter()
        .filter(|shard| {
            known.get(&shard.id) == Some(&ShardProgress::Unfinished) && !running.contains(&shard.id)
        })
        .filter(|shard| shard.parents.iter().all(|parent| is_over(parent) && !running.contains(parent)))
        .map(|shard| shard.id.clone())
        .collect()
}

/// Finished shards that are to be read again from where they were left: `listed`, on which two listings agree, shows them
/// open and without children. What was concluded about their end was wrong.
#[must_use]
pub fn not_ended(listed: &[ListedShard], known: &BTreeMap<ShardId, ShardProgress>) -> Vec<ShardId> {
    let is_finished = |id: &&ShardId| known.get(*id) == Some(&ShardProgress::Finished);
    let ids = listed.iter().map(|shard| &shard.id).filter(is_finished);
    ids.filter(|id| Listed::of(listed, id) == Listed::Open).cloned().collect()
}

/// What two listings in a row say together; `None` if they contradict each other.
///
/// Between the two a shard may have closed, its children may have appeared, and what closed long ago may have vanished. So what both
/// name must agree, but for a shard that was open, and is closed and has a child. What only the later one names must be new, and each of
/// its parents named by one of the two: a parent that neither names was overlooked, as it cannot have come and gone meanwhile. What only
/// the earlier one names must be closed, and still counts: it may have been overlooked, and a child must not begin before it.
#[must_use]
pub fn together(earlier: &[ListedShard], later: &[ListedShard]) -> Option<Vec<ListedShard>> {
    let find = |listed: &[ListedShard], id: &ShardId| listed.iter().find(|shard| shard.id == *id).cloned();
    let is_named = |id: &ShardId| earlier.iter().chain(later).any(|shard| shard.id == *id);
    let is_new_child = |shard: &ListedShard| !shard.parents.is_empty() && shard.parents.iter().all(is_named);
    let mut is_any_in_both = false;
    for shard in later {
        let agrees = match find(earlier, &shard.id) {
            Some(before) => {
                is_any_in_both = true;
                let has_child = later.iter().any(|other| other.parents.contains(&shard.id));
                let may_have_closed = before.is_open && !shard.is_open && has_child;
                before.parents == shard.parents && (before.is_open == shard.is_open || may_have_closed)
            }
            None => is_new_child(shard),
        };
        if !agrees {
            return None;
        }
    }
    let gone: Vec<ListedShard> =
        earlier.iter().filter(|shard| find(later, &shard.id).is_none()).cloned().collect();
    let is_sound = is_any_in_both && gone.iter().all(|shard| !shard.is_open);
    is_sound.then(|| gone.into_iter().chain(later.iter().cloned()).collect())
}

/// Why a listing cannot be one of all shards of a stream; `None` if it can.
#[must_use]
pub fn flaw(listed: &[ListedShard]) -> Option<&'static str> {
    let ids: BTreeSet<&ShardId> = listed.iter().map(|shard| &shard.id).collect();
    if listed.is_empty() {
        return Some("it names no shard");
    }
    (ids.len() < listed.len()).then_some("it names a shard twice")
}

#[cfg(test)]
mod tests;
