//! What the running mappings show, as the status that others read.

use crate::clock::Clock;
use crate::control::Views;
use crate::control::snapshot::{
    MappingState, MappingStatus, ShardStatus, StatusSnapshot, starting_position_name,
};
use crate::shard_worker::WorkerView;
use crate::supervisor::{MappingActivity, MappingHandle};
use pelton_core::plan::ShardId;
use pelton_core::{Counts, Timestamp};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// The views of a supervisor.
pub(super) struct RunningViews {
    pub(super) mappings: Vec<MappingHandle>,
    /// Names of the functions by logical id.
    pub(super) functions: BTreeMap<String, String>,
    pub(super) started_at: Timestamp,
    pub(super) clock: Clock,
}

impl Views for RunningViews {
    fn snapshot(&self) -> StatusSnapshot {
        StatusSnapshot {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            taken_at: self.clock.now(),
            mappings: self.mappings.iter().map(|handle| self.mapping_status(handle)).collect(),
        }
    }
}

impl RunningViews {
    fn mapping_status(&self, handle: &MappingHandle) -> MappingStatus {
        let MappingHandle { mapping, view, source } = handle;
        let (state, shards, totals) = match view {
            None => (MappingState::Disabled, Vec::new(), Counts::default()),
            Some(view) => {
                let view = view.borrow().clone();
                let totals = view.totals();
                (state(view.activity), view.shards.iter().map(shard_status).collect(), totals)
            }
        };
        MappingStatus {
            id: mapping.id.to_string(),
            function: self
                .functions
                .get(&mapping.function)
                .cloned()
                .unwrap_or_else(|| mapping.function.clone()),
            stream: mapping.stream.to_string(),
            state,
            positions_trimmed: source.as_ref().map_or(0, |source| source.positions_trimmed()),
            starting_position: starting_position_name(mapping.starting_position).to_owned(),
            totals: totals.into(),
            shards,
        }
    }
}

fn state(activity: MappingActivity) -> MappingState {
    match activity {
        MappingActivity::Polling => MappingState::Polling,
        MappingActivity::Waiting { reason } => MappingState::Waiting { reason },
        MappingActivity::Stopped => MappingState::Stopped { reason: "told to stop".to_owned() },
    }
}

fn shard_status((id, worker): (&ShardId, &watch::Receiver<WorkerView>)) -> ShardStatus {
    let view = worker.borrow();
    ShardStatus::new(id, &view.shard, view.problem.clone())
}
