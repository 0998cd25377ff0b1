//! How fast each mapping and each shard goes, from what it had settled a moment ago.

use crate::control::StatusSnapshot;
use crate::control::snapshot::{MappingStatus, ShardStatus};
use pelton_core::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Over how long a rate is taken: long enough to be read, short enough to be true.
const WINDOW: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(crate) struct Rates {
    /// Oldest first. All but the first are younger than [`WINDOW`].
    observed: VecDeque<Observation>,
}

#[derive(Debug)]
struct Observation {
    at: Timestamp,
    /// By mapping.
    settled: HashMap<String, Settled>,
}

/// Records that a mapping had settled.
#[derive(Debug)]
struct Settled {
    total: u64,
    by_shard: HashMap<String, u64>,
}

impl Rates {
    pub(crate) fn observe(&mut self, snapshot: &StatusSnapshot) {
        let at = snapshot.taken_at;
        while self.observed.get(1).is_some_and(|second| at.since(second.at) >= WINDOW) {
            self.observed.pop_front();
        }
        let settled = snapshot.mappings.iter().map(|mapping| {
            let by_shard = mapping.shards.iter().map(|shard| (shard.shard.clone(), shard.counts.settled()));
            let settled = Settled { total: mapping.totals.settled(), by_shard: by_shard.collect() };
            (mapping.id.clone(), settled)
        });
        self.observed.push_back(Observation { at, settled: settled.collect() });
    }

    /// Records that the shard settles in a second. Zero for one that was not there before, or began anew.
    pub(crate) fn of(&self, mapping: &str, shard: &ShardStatus) -> f64 {
        self.per_second(shard.counts.settled(), |first| {
            first.settled.get(mapping)?.by_shard.get(&shard.shard).copied()
        })
    }

    /// Records that all shards of the mapping settle in a second, also those that ended meanwhile.
    pub(crate) fn of_mapping(&self, mapping: &MappingStatus) -> f64 {
        self.per_second(mapping.totals.settled(), |first| Some(first.settled.get(&mapping.id)?.total))
    }

    fn per_second(&self, now: u64, before: impl FnOnce(&Observation) -> Option<u64>) -> f64 {
        let (Some(first), Some(last)) = (self.observed.front(), self.observed.back()) else { return 0.0 };
        let elapsed = last.at.since(first.at);
        match before(first) {
            Some(before) if !elapsed.is_zero() => {
                let settled = u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
                f64::from(settled) / elapsed.as_secs_f64()
            }
            Some(_) | None => 0.0,
        }
    }
}
