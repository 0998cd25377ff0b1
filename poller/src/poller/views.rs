//! What the running mappings show, as the status that others read.

use super::functions::Running;
use crate::clock::Clock;
use crate::control::snapshot::{
    FunctionStatus, GroupStatus, MappingState, MappingStatus, ReadAhead, ShardPhase, ShardStatus,
    StatusSnapshot, starting_position_name,
};
use crate::control::{StuckBatch, Views};
use crate::lambda::LocalFunction;
use crate::ownership::{GroupView, Logs};
use crate::shard_worker::WorkerView;
use crate::source::budget::ByteBudget;
use crate::supervisor::{MappingActivity, MappingHandle, Supervisor};
use pelton_core::group::Bounds;
use pelton_core::stream::ShardId;
use pelton_core::{Counts, Position, Timestamp};
use pelton_model::{Application, MappingConfiguration, MappingId};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// What is shown of a poller, whatever runs on it.
pub(super) struct RunningViews {
    pub(super) started_at: Timestamp,
    pub(super) budget: ByteBudget,
    pub(super) clock: Clock,
    /// What runs.
    pub(super) shown: watch::Sender<Shown>,
}

/// What runs, and where its views are.
#[derive(Clone, Default)]
pub(super) struct Shown {
    pub(super) mappings: Vec<MappingHandle>,
    /// Names of the functions by logical id.
    pub(super) names: BTreeMap<String, String>,
    /// The functions that run, by logical id.
    pub(super) functions: BTreeMap<String, Arc<LocalFunction>>,
    /// Where the records of each mapping go that are given up; nothing for a mapping that drops them, or is not enabled.
    pub(super) failed_records_to: BTreeMap<MappingId, String>,
    /// What happened to mappings before they were started last, in this process.
    pub(super) totals_before: BTreeMap<MappingId, Counts>,
}

impl Views for RunningViews {
    fn snapshot(&self) -> StatusSnapshot {
        let shown = self.shown.borrow();
        let now = self.clock.now();
        StatusSnapshot {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            taken_at: now,
            read_ahead: ReadAhead { bytes: self.budget.held(), bytes_max: self.budget.total() },
            functions: shown
                .functions
                .iter()
                .map(|(id, function)| shown.function_status(id, function))
                .collect(),
            mappings: shown.mappings.iter().map(|handle| shown.mapping_status(handle, now)).collect(),
        }
    }

    fn stuck(&self, mapping: &str) -> Option<Vec<StuckBatch>> {
        let shown = self.shown.borrow();
        let handle = shown.mappings.iter().find(|handle| handle.mapping.id.0 == mapping)?;
        let Some(view) = &handle.view else { return Some(vec![]) };
        let shards = view.borrow().shards.clone();
        let of_shard = |(id, worker): (&ShardId, &watch::Receiver<WorkerView>)| {
            StuckBatch::of_shard(id, &worker.borrow().shard)
        };
        Some(shards.iter().flat_map(of_shard).collect())
    }
}

impl Shown {
    /// What a supervisor, its application and its functions show.
    pub(super) fn of(
        supervisor: &Supervisor,
        application: &Application,
        running: &Running,
        failed_records_to: BTreeMap<MappingId, String>,
    ) -> Self {
        let place = |handle: &MappingHandle| {
            let place = application.mappings.iter().position(|mapping| mapping.id == handle.mapping.id);
            (handle.mapping.enabled, place)
        };
        let mut mappings = supervisor.mappings().to_vec();
        mappings.sort_by_key(place);
        Self {
            mappings,
            names: application.functions.values().map(|f| (f.logical_id.clone(), f.name.clone())).collect(),
            functions: running.here.clone(),
            failed_records_to,
            totals_before: BTreeMap::new(),
        }
    }

    /// What happened to the mapping since the process began.
    pub(super) fn totals(&self, handle: &MappingHandle) -> Counts {
        let mut totals = self.totals_before.get(&handle.mapping.id).copied().unwrap_or_default();
        if let Some(view) = &handle.view {
            totals += view.borrow().totals();
        }
        totals
    }

    fn function_status(&self, logical_id: &str, function: &LocalFunction) -> FunctionStatus {
        FunctionStatus { name: self.name(logical_id), processes: function.processes() }
    }

    /// Name of a function.
    fn name(&self, logical_id: &str) -> String {
        self.names.get(logical_id).cloned().unwrap_or_else(|| logical_id.to_owned())
    }

    fn mapping_status(&self, handle: &MappingHandle, now: Timestamp) -> MappingStatus {
        let MappingHandle { mapping, view, .. } = handle;
        let totals = self.totals(handle);
        let mut group = None;
        let (state, shards) = match view {
            None => (MappingState::Disabled, Vec::new()),
            Some(view) => {
                let view = view.borrow().clone();
                let mut read: Vec<ShardStatus> = view.shards.iter().map(shard_status).collect();
                if let Some(told) = &view.group {
                    let told = told.borrow();
                    read.iter_mut().for_each(|shard| shard.offset_lag = offset_lag(shard, &told.logs));
                    let GroupView { id, rebalances, committed_events, .. } = &*told;
                    let (rebalances, committed_events) = (*rebalances, *committed_events);
                    group = Some(GroupStatus { id: id.clone(), rebalances, committed_events });
                }
                let state = state(view.activity, &read, now);
                (state, with_waiting(read, &view.waiting))
            }
        };
        MappingStatus {
            id: mapping.id.to_string(),
            function: self.name(&mapping.function),
            stream: mapping.source.to_string(),
            state,
            positions_trimmed: totals.positions_trimmed,
            starting_position: mapping
                .source
                .starting_position()
                .map_or("", starting_position_name)
                .to_owned(),
            settings: MappingConfiguration::of(mapping),
            failed_records_to: self.failed_records_to.get(&mapping.id).cloned(),
            totals,
            group,
            shards,
        }
    }
}

/// Records from what is settled of a partition to the end of its log. What the log has lost is not among them.
fn offset_lag(shard: &ShardStatus, logs: &Logs) -> Option<u64> {
    let Bounds { start, end, .. } = logs.get(&ShardId::new(&shard.shard))?;
    let settled: Option<u64> = shard.checkpoint.as_ref().and_then(|position| position.parse().ok());
    let next = settled.map_or(0, |last| last + 1);
    Some(end.saturating_sub(next.max(*start)))
}

/// A mapping of which no shard can be read polls nothing: it waits.
fn state(activity: MappingActivity, shards: &[ShardStatus], now: Timestamp) -> MappingState {
    match activity {
        MappingActivity::Polling if !shards.is_empty() && shards.iter().all(|shard| shard.is_unread(now)) => {
            let reason = shards.iter().find_map(|shard| shard.last_error.clone());
            MappingState::Waiting { reason: format!("no shard can be read: {}", reason.unwrap_or_default()) }
        }
        MappingActivity::Polling => MappingState::Polling,
        MappingActivity::Waiting { reason } => MappingState::Waiting { reason },
        MappingActivity::CaughtUp => MappingState::CaughtUp,
        MappingActivity::Stopped => MappingState::Stopped { reason: "told to stop".to_owned() },
    }
}

/// The shards that are read, and those that wait for their parents, each with the position after which it will be read.
fn with_waiting(
    mut shards: Vec<ShardStatus>,
    waiting: &BTreeMap<ShardId, Option<Position>>,
) -> Vec<ShardStatus> {
    let waiting = waiting.iter();
    shards.extend(waiting.map(|(id, after)| ShardStatus::unread(id, ShardPhase::Waiting, after.as_ref())));
    shards.sort_by(|a, b| a.shard.cmp(&b.shard));
    shards
}

fn shard_status((id, worker): (&ShardId, &watch::Receiver<WorkerView>)) -> ShardStatus {
    let WorkerView { shard, problem, unread_since, is_open: _ } = &*worker.borrow();
    ShardStatus { unread_since: *unread_since, last_error: problem.clone(), ..ShardStatus::new(id, shard) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(unread_since: Option<u64>) -> ShardStatus {
        ShardStatus {
            unread_since: unread_since.map(Timestamp::from_millis),
            last_error: unread_since.map(|_| "no answer".to_owned()),
            ..ShardStatus::unread(&ShardId::new("a"), ShardPhase::Polling, None)
        }
    }

    /// Reads of the shards fail since these milliseconds; it is ten seconds later than the first.
    #[track_caller]
    fn check(shards: &[Option<u64>], waits: Option<&str>) {
        let shards: Vec<ShardStatus> = shards.iter().copied().map(shard).collect();
        let expected = match waits {
            Some(reason) => MappingState::Waiting { reason: reason.to_owned() },
            None => MappingState::Polling,
        };
        assert_eq!(state(MappingActivity::Polling, &shards, Timestamp::from_millis(10_000)), expected);
    }

    #[test]
    fn the_lag_of_a_partition_is_what_its_log_holds_behind_what_is_settled() {
        let logs = Logs::from([(ShardId::new("a"), Bounds { start: 40, end: 100, since: None })]);
        let lag = |checkpoint: Option<&str>| {
            let checkpoint = checkpoint.map(str::to_owned);
            offset_lag(&ShardStatus { checkpoint, ..shard(None) }, &logs)
        };
        assert_eq!(lag(Some("89")), Some(10));
        assert_eq!(lag(Some("99")), Some(0));
        assert_eq!(lag(Some("7")), Some(60), "what retention took is not waited for");
        assert_eq!(lag(None), Some(60));
        assert_eq!(lag(Some("120")), Some(0));
    }

    #[test]
    fn a_mapping_waits_while_none_of_its_shards_can_be_read() {
        let waits = Some("no shard can be read: no answer");
        check(&[Some(0)], waits);
        check(&[Some(0), Some(0)], waits);
        check(&[Some(1)], None);
        check(&[Some(0), None], None);
        check(&[None], None);
    }

    #[test]
    fn shards_that_wait_for_their_parents_stand_among_the_others_in_the_order_of_their_names() {
        let waiting = [("0", None), ("b", Some(Position::new("7")))];
        let waiting = waiting.into_iter().map(|(id, after)| (ShardId::new(id), after)).collect();
        let shards = with_waiting(vec![shard(None)], &waiting);
        let told = |shard: &ShardStatus| (shard.shard.clone(), shard.phase, shard.checkpoint.clone());
        let expected = [
            ("0".to_owned(), ShardPhase::Waiting, None),
            ("a".to_owned(), ShardPhase::Polling, None),
            ("b".to_owned(), ShardPhase::Waiting, Some("7".to_owned())),
        ];
        assert_eq!(shards.iter().map(told).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_mapping_that_waits_for_its_stream_says_so_whatever_its_shards_do() {
        let activity = MappingActivity::Waiting { reason: "gone".to_owned() };
        let waits = MappingState::Waiting { reason: "gone".to_owned() };
        assert_eq!(state(activity, &[shard(Some(0))], Timestamp::from_millis(10_000)), waits);
    }
}
