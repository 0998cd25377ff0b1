//! How a poller ends: told to, caught up, or at its deadline.

use crate::clock::Clock;
use crate::control::snapshot::{ShardPhase, ShardStatus, StatusSnapshot};
use crate::signals::StopSignals;
use crate::supervisor::{MappingHandle, MappingView, Stopped, Supervisor};
use crate::user_error::UserError;
use std::time::Duration;
use tokio::sync::watch;
use tracing::warn;

/// Why a poller stops.
pub enum Why {
    /// By this signal.
    Told(&'static str),
    /// A task has panicked.
    Broken,
    /// Everything that was in the streams at the start is settled.
    CaughtUp,
    /// It is not, and the time for it is over: what is left.
    Late(UserError),
}

/// Until when a poller ran.
pub enum Until<T> {
    /// It has to stop.
    Stop(Why),
    /// What was waited for has come.
    Then(T),
}

/// Stops the mappings. A signal ends the wait.
pub(super) async fn stop(
    supervisor: Supervisor,
    grace: Duration,
    clock: &Clock,
    signals: &mut StopSignals,
) -> Stopped {
    tokio::select! {
        stopped = supervisor.stop(grace, clock) => stopped,
        signal = signals.next_wish(clock.now(), clock) => {
            warn!(signal, "stopping at once");
            Stopped::Abandoned
        }
    }
}

/// How many records of batches that failed are left for the next start: a batch between two attempts does not hold up a stop.
pub(super) fn records_left(mappings: &[MappingHandle]) -> usize {
    let views = mappings.iter().filter_map(|handle| handle.view.as_ref());
    let of_mapping = |view: &watch::Receiver<MappingView>| -> usize {
        view.borrow().shards.values().map(|shard| shard.borrow().shard.records_left).sum()
    };
    views.map(of_mapping).sum()
}

/// How many shards have a batch that is not settled, or whose checkpoint is not kept.
pub(super) fn shards_in_flight(snapshot: &StatusSnapshot) -> usize {
    let is_in_flight = |shard: &&ShardStatus| match shard.phase {
        ShardPhase::Invoking | ShardPhase::Retrying { .. } | ShardPhase::Stalled | ShardPhase::Draining => {
            true
        }
        ShardPhase::Waiting
        | ShardPhase::Polling
        | ShardPhase::Gathering
        | ShardPhase::Drained
        | ShardPhase::Ended => false,
    };
    snapshot.mappings.iter().flat_map(|mapping| &mapping.shards).filter(is_in_flight).count()
}
