//! How fast each shard goes, from what it had settled a moment ago.

use crate::control::StatusSnapshot;
use crate::control::snapshot::ShardStatus;
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
    /// Mapping → shard → records settled.
    settled: HashMap<String, HashMap<String, u64>>,
}

impl Rates {
    pub(crate) fn observe(&mut self, snapshot: &StatusSnapshot) {
        let at = snapshot.taken_at;
        while self.observed.get(1).is_some_and(|second| at.since(second.at) >= WINDOW) {
            self.observed.pop_front();
        }
        let settled = snapshot.mappings.iter().map(|mapping| {
            let shards = mapping.shards.iter().map(|shard| (shard.shard.clone(), shard.counts.settled()));
            (mapping.id.clone(), shards.collect())
        });
        self.observed.push_back(Observation { at, settled: settled.collect() });
    }

    /// Records that the shard settles in a second. Zero for one that was not there before, or began anew.
    pub(crate) fn of(&self, mapping: &str, shard: &ShardStatus) -> f64 {
        let (Some(first), Some(last)) = (self.observed.front(), self.observed.back()) else { return 0.0 };
        let elapsed = last.at.since(first.at);
        let before = first.settled.get(mapping).and_then(|shards| shards.get(&shard.shard));
        match before {
            Some(before) if !elapsed.is_zero() => {
                let settled =
                    u32::try_from(shard.counts.settled().saturating_sub(*before)).unwrap_or(u32::MAX);
                f64::from(settled) / elapsed.as_secs_f64()
            }
            Some(_) | None => 0.0,
        }
    }
}
