//! Whether the poller does what it is there for.
//!
//! In: a status snapshot. Out: what is wrong, for people; nothing if every enabled mapping polls and its checkpoints can be
//! kept. A function that fails is no problem of the poller: its batches wait, as they should.

use super::snapshot::{MappingState, MappingStatus, ShardPhase, ShardStatus, StatusSnapshot};

/// One problem at most for each mapping.
pub(super) fn problems(snapshot: &StatusSnapshot) -> Vec<String> {
    let problem = |mapping: &MappingStatus| Some(format!("{}: {}", mapping.id, problem(mapping)?));
    snapshot.mappings.iter().filter_map(problem).collect()
}

fn problem(mapping: &MappingStatus) -> Option<String> {
    match &mapping.state {
        MappingState::Disabled => None,
        MappingState::Waiting { reason } => Some(format!("waiting: {reason}")),
        MappingState::Stopped { reason } => Some(format!("stopped: {reason}")),
        MappingState::Polling => unkept(&mapping.shards),
    }
}

/// Checkpoints that cannot be kept.
fn unkept(shards: &[ShardStatus]) -> Option<String> {
    let mut stalled = shards.iter().filter(|shard| shard.phase == ShardPhase::Stalled);
    let first = stalled.next()?;
    let reason = first.last_error.as_deref().unwrap_or("the reason is not known");
    let others = match stalled.count() {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    Some(format!("checkpoints of {}{others} cannot be kept: {reason}", first.shard))
}
