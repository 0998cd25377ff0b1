//! What a mapping shows of itself.

use crate::ownership::GroupView;
use crate::shard_worker::WorkerView;
use pelton_core::stream::ShardId;
use pelton_core::{Counts, Position};
use std::collections::BTreeMap;
use tokio::sync::watch;

/// What a mapping shows.
#[derive(Clone, Debug)]
pub struct MappingView {
    /// What it is doing.
    pub activity: MappingActivity,
    /// Its running shards.
    pub shards: BTreeMap<ShardId, watch::Receiver<WorkerView>>,
    /// Shards that are to be read once their parents are finished, each with the position after which it will be.
    pub waiting: BTreeMap<ShardId, Option<Position>>,
    /// What happened in shards that are no longer among them.
    pub ended: Counts,
    /// What the consumer group of a topic of Kafka shows.
    pub group: Option<watch::Receiver<GroupView>>,
}

impl MappingView {
    /// What happened in all shards since the mapping was started. It never goes back, also when shards end.
    #[must_use]
    pub fn totals(&self) -> Counts {
        let mut totals = self.ended;
        for shard in self.shards.values() {
            totals += shard.borrow().shard.counts;
        }
        totals
    }
}

/// What a mapping is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingActivity {
    /// Reading its stream.
    Polling,
    /// The stream cannot be reached, or is gone: waiting for it.
    Waiting {
        /// Why, for people.
        reason: String,
    },
    /// Everything that was in its stream when it started is settled ([`Goal::CatchUp`](super::Goal::CatchUp)).
    CaughtUp,
    /// Told to stop.
    Stopped,
}
