//! How a poller ends: told to, caught up, at its deadline, or because another is to take its place.

use crate::clock::Clock;
use crate::commands::CommandFailure;
use crate::commands::signals::StopSignals;
use crate::commands::views::Past;
use crate::control::snapshot::{ShardPhase, ShardStatus, StatusSnapshot};
use crate::data_dir::DataDir;
use crate::store::SqliteStore;
use crate::supervisor::{MappingHandle, MappingView, Stopped, Supervisor};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

/// How long tasks that were abandoned may take to be gone.
const ABANDONED_WAIT_MAX: Duration = Duration::from_secs(5);

/// From one look to the next at whether they are.
const ABANDONED_POLL: Duration = Duration::from_millis(5);

/// How a poller that is right ended.
pub(in crate::commands) enum Ended<T> {
    /// By a signal, or as everything is done.
    ForGood,
    /// By a change: whoever starts the next poller goes on where this one was.
    Changed {
        /// What to run now.
        to: T,
        /// What happened so far.
        past: Past,
        /// Where the API listened.
        listen: SocketAddr,
        /// Still held.
        data_dir: DataDir,
    },
}

impl Ended<Infallible> {
    /// Without anything that could change there is nothing to go on with.
    pub(super) fn for_good(self) {
        match self {
            Ended::ForGood => {}
            Ended::Changed { to, .. } => match to {},
        }
    }
}

/// Why a poller stops.
pub(super) enum Why<T> {
    Told,
    Broken,
    Changed(T),
    /// Everything that was in the streams at the start is settled.
    CaughtUp,
    /// It is not, and the time for it is over: what is left.
    Late(CommandFailure),
}

/// Stops the mappings. A signal while they stop for a change means not to go on after it; any other ends the wait.
pub(super) async fn stop<T>(
    supervisor: Supervisor,
    grace: Duration,
    clock: &Clock,
    signals: &mut StopSignals,
    why: &mut Why<T>,
) -> Stopped {
    let mut stopping = pin!(supervisor.stop(grace, clock));
    let mut told_at = clock.now();
    loop {
        let next_wish = async {
            match why {
                Why::Changed(_) => signals.next().await,
                Why::Told | Why::Broken | Why::CaughtUp | Why::Late(_) => {
                    signals.next_wish(told_at, clock).await
                }
            }
        };
        tokio::select! {
            stopped = &mut stopping => return stopped,
            signal = next_wish => match why {
                Why::Changed(_) => {
                    info!(signal, ?grace, "stopping: batches in flight finish");
                    told_at = clock.now();
                    *why = Why::Told;
                }
                Why::Told | Why::Broken | Why::CaughtUp | Why::Late(_) => {
                    warn!(signal, "stopping at once");
                    return Stopped::Abandoned;
                }
            }
        }
    }
}

/// Waits until nobody else has the store: tasks that were abandoned are gone, and write no more.
pub(super) async fn alone(store: &Arc<SqliteStore>, clock: &Clock) -> Result<(), CommandFailure> {
    let deadline = clock.now().after(ABANDONED_WAIT_MAX);
    while Arc::strong_count(store) > 1 {
        if clock.now() >= deadline {
            return Err(CommandFailure::failed("abandoned tasks do not end: they cannot be replaced")
                .help("start Pelton again: it resumes at the checkpoints"));
        }
        clock.sleep(ABANDONED_POLL).await;
    }
    Ok(())
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
