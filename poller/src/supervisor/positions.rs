//! What is stored of the shards of a mapping, and when it changes with the stream.
//!
//! In: what the stream is and lists, on which two answers agree. Out: where each shard begins or resumes, stored. What to store is
//! decided by `pelton_core::plan`.

use super::policy::shards_of;
use super::preparation::MappingPlan;
use crate::ports::{MappingState, ShardState, StoreError, StreamIdentity};
use pelton_core::Checkpoint;
use pelton_core::plan::{
    ListedShard, NewShard, ShardId, ShardProgress, StartingPosition, first_start, later_shards, not_ended,
};
use std::collections::BTreeMap;
use tracing::{info, warn};

/// A stream made again under the name of one that was being read holds only records that came after the mapping's
/// start: under LATEST, too, all of them are wanted.
pub(super) fn after_recreation(plan: &MappingPlan) -> StartingPosition {
    match shards_of(&plan.mapping).starting_position {
        StartingPosition::Latest | StartingPosition::TrimHorizon => StartingPosition::TrimHorizon,
        StartingPosition::AtTimestamp(from) => StartingPosition::AtTimestamp(from),
    }
}

pub(super) fn say_starting_anew(plan: &MappingPlan, old: &StreamIdentity) {
    let (mapping, stream) = (&plan.mapping.id, &plan.mapping.source);
    let message = "the stream was deleted and created again: starting at the starting position, because the old checkpoints are invalid";
    if plan.stream_ends_with_process {
        info!(%mapping, %stream, "the embedded stream is new: starting at its beginning");
    } else {
        warn!(%mapping, %stream, old_stream = old.arn, message);
    }
}

/// Forgets what was kept of the mapping and keeps where each shard of this stream begins.
pub(super) async fn start_anew(
    plan: &MappingPlan,
    stream: StreamIdentity,
    listed: &[ListedShard],
    from: StartingPosition,
) -> Result<MappingState, StoreError> {
    let shards = first_start(from, listed, plan.ports.clock.now());
    plan.ports.store.start(&plan.mapping.id, &stream, &shards).await?;
    let shards: BTreeMap<_, _> = shards.into_iter().map(state_of).collect();
    Ok(MappingState { stream, shards })
}

/// Stores where each shard begins that appeared since the mapping last looked. Two listings must agree on `listed`.
pub(super) async fn adopt(
    plan: &MappingPlan,
    state: &mut MappingState,
    listed: &[ListedShard],
) -> Result<(), StoreError> {
    for shard in not_ended(listed, &progress(state)) {
        resume(plan, state, &shard);
    }
    let new = later_shards(listed, &progress(state));
    if new.is_empty() {
        return Ok(());
    }
    info!(mapping = %plan.mapping.id, shards = new.len(), "the stream was resharded");
    plan.ports.store.add_shards(&plan.mapping.id, &new).await?;
    state.shards.extend(new.into_iter().map(state_of));
    Ok(())
}

/// The checkpoint of a shard says that it ended, and the stream says that it did not: it is read again from where it was left.
/// One that the starting position passed over has no such place.
fn resume(plan: &MappingPlan, state: &mut MappingState, shard: &ShardId) {
    let Some(ShardState { start, checkpoint }) = state.shards.get_mut(shard) else { return };
    if start.is_some() || checkpoint.position.is_some() {
        warn!(
            mapping = %plan.mapping.id, %shard, position = checkpoint.position.as_ref().map(display),
            "the checkpoint says that the shard ended, but the stream lists it as open: resuming"
        );
        checkpoint.ended = false;
    }
}

/// What is known of each shard.
pub(super) fn progress(state: &MappingState) -> BTreeMap<ShardId, ShardProgress> {
    let progress = |ended| if ended { ShardProgress::Finished } else { ShardProgress::Unfinished };
    state.shards.iter().map(|(id, shard)| (id.clone(), progress(shard.checkpoint.ended))).collect()
}

/// What is kept of a shard when it is first seen.
pub(super) fn state_of(shard: NewShard) -> (ShardId, ShardState) {
    let checkpoint = Checkpoint { ended: shard.start.is_none(), ..Checkpoint::default() };
    (shard.id, ShardState { start: shard.start, checkpoint })
}
