//! What must be right before a mapping runs.
//!
//! In: a mapping, its ports, and its stream, which was found. Out: a mapping whose positions are known, or why not. Positions are
//! kept where they are new: that is right also if Pelton ends before the mapping runs. Starts nothing.

use super::policy::{self, shards_of};
use crate::ownership::{ListedOwnership, ListedStream, Resumption};
use crate::ports::{CheckpointStore, Ownership, Pace, StreamDescription};
use crate::shard_worker::Ports;
use crate::starting::StartError;
use pelton_core::shard_sync::{FoundStream, Settings};
use pelton_core::{Envelope, Policy};
use pelton_model::Mapping;
use std::sync::Arc;

/// A mapping, and what it works with.
pub struct MappingPlan {
    /// Its settings.
    pub mapping: Mapping,
    /// Stream, function, time.
    pub ports: Ports,
    /// Where positions are kept.
    pub store: Arc<dyn CheckpointStore>,
    /// What stands around the records of an event.
    pub envelope: Envelope,
    /// How its stream may be read.
    pub pace: Pace,
    /// Whether its stream ends with this process: the next one finds a new stream under its name.
    pub stream_ends_with_process: bool,
    /// How far it goes.
    pub goal: Goal,
}

/// How far a mapping goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// On and on, until it is told to stop.
    GoOn,
    /// Until what was in the stream when it started is settled.
    CatchUp,
}

/// A mapping that can run.
pub(super) struct Prepared {
    pub(super) mapping: Mapping,
    pub(super) ports: Ports,
    pub(super) policy: Policy,
    pub(super) ownership: Box<dyn Ownership>,
    pub(super) resumption: Resumption,
}

/// Finds the positions of a mapping whose stream was found; where there are none yet, keeps where it begins. Cancelling
/// is safe.
pub(super) async fn prepare(plan: MappingPlan, found: FoundStream) -> Result<Prepared, StartError> {
    let policy = policy_of(&plan, &found.description);
    let MappingPlan { mapping, ports, store, stream_ends_with_process, goal, .. } = plan;
    let stream = ListedStream {
        mapping: mapping.id.clone(),
        name: mapping.source.to_string(),
        ends_with_process: stream_ends_with_process,
        settings: Settings {
            starting_position: shards_of(&mapping).starting_position,
            until_caught_up: goal == Goal::CatchUp,
        },
        source: Arc::clone(&ports.source),
        store,
        clock: ports.clock.clone(),
    };
    let ownership = ListedOwnership::start(stream, found)
        .await
        .map_err(|source| StartError::Store { mapping: mapping.id.clone(), source })?;
    let resumption = Resumption::of(&mapping.id, ownership.state());
    Ok(Prepared { mapping, ports, policy, ownership: Box::new(ownership), resumption })
}

fn policy_of(plan: &MappingPlan, description: &StreamDescription) -> Policy {
    let Pace { poll_interval, read_gap_min, read_records_max } = plan.pace;
    Policy {
        has_destination: plan.ports.destination.is_some(),
        retention: description.retention,
        poll_interval,
        fetch_gap_min: read_gap_min,
        fetch_records_max: read_records_max,
        ..policy::of_mapping(&plan.mapping, plan.envelope.clone())
    }
}
