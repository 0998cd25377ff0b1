//! Whether the poller does what it is there for.
//!
//! In: a status snapshot. Out: what is wrong, for people; nothing if every enabled mapping polls, its shards are read, and
//! its checkpoints can be kept, or if it is done. A function that fails is no problem of the poller: its batches wait, as they should.

use super::snapshot::{MappingState, MappingStatus, ShardPhase, ShardStatus, StatusSnapshot};
use pelton_core::Timestamp;

/// One problem at most for each mapping.
pub(super) fn problems(snapshot: &StatusSnapshot) -> Vec<String> {
    let problem =
        |mapping: &MappingStatus| Some(format!("{}: {}", mapping.id, problem(mapping, snapshot.taken_at)?));
    snapshot.mappings.iter().filter_map(problem).collect()
}

fn problem(mapping: &MappingStatus, now: Timestamp) -> Option<String> {
    let is_stalled = |shard: &&ShardStatus| shard.phase == ShardPhase::Stalled;
    let is_unread = |shard: &&ShardStatus| shard.is_unread(now);
    match &mapping.state {
        MappingState::Disabled | MappingState::CaughtUp => None,
        MappingState::Waiting { reason } => Some(format!("waiting: {reason}")),
        MappingState::Stopped { reason } => Some(format!("stopped: {reason}")),
        MappingState::Polling => of_shards(mapping.shards.iter().filter(is_stalled))
            .map(|(shards, reason)| format!("checkpoints of {shards} cannot be stored: {reason}"))
            .or_else(|| {
                let (shards, reason) = of_shards(mapping.shards.iter().filter(is_unread))?;
                Some(format!("{shards} cannot be read: {reason}"))
            }),
    }
}

/// Which shards have the problem, and why the first of them has it.
fn of_shards<'a>(mut shards: impl Iterator<Item = &'a ShardStatus>) -> Option<(String, &'a str)> {
    let first = shards.next()?;
    let reason = first.last_error.as_deref().unwrap_or("unknown reason");
    Some(match shards.count() {
        0 => (first.shard.clone(), reason),
        others => (format!("{} and {others} more", first.shard), reason),
    })
}
