//! What `GET /mappings/MAPPING/stuck` answers: the batches that hold up their shards.
//!
//! In: what the workers show. Out: stable JSON about each batch; its event is asked for by itself, as it may be large.

use super::snapshot::optional_moment;
use crate::shard_worker::failed_attempts::problem_of;
use pelton_core::stream::ShardId;
use pelton_core::{Batch, Extent, FailingBatch, Position, ShardView, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Stands for the sequence number of a batch without records: the last invocation of a tumbling window.
pub const NO_RECORDS: &str = "-";

/// The batches that a mapping is stuck on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckSnapshot {
    /// The mapping.
    pub mapping: String,
    /// Its batches, by shard, and in a shard that of the oldest record first.
    pub batches: Vec<StuckStatus>,
}

/// A batch that the function failed with, or that did not reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckStatus {
    /// The shard.
    pub shard: String,
    /// How often the function failed with exactly these records.
    pub attempts: u32,
    /// When it is tried next; `null` while it is being tried.
    #[serde(with = "optional_moment")]
    pub next_attempt_at: Option<Timestamp>,
    /// How many records it has.
    pub records: usize,
    /// The first record; `null` without records.
    pub first_sequence_number: Option<String>,
    /// The last one.
    pub last_sequence_number: Option<String>,
    /// Size of its event.
    pub event_bytes: usize,
    /// Why the last attempt failed; then the type of the error.
    pub error: Option<String>,
}

/// A batch, and what there is to say of it.
#[derive(Clone, Debug)]
pub struct StuckBatch {
    /// What there is to say of it.
    pub status: StuckStatus,
    /// The batch itself.
    pub batch: Arc<Batch>,
}

impl StuckBatch {
    /// Those of one shard. A batch that is given up is not among them: the function is not invoked with it again.
    pub fn of_shard(shard: &ShardId, view: &ShardView) -> Vec<Self> {
        let is_tried = |failing: &&FailingBatch| !failing.is_given_up;
        view.failing.iter().filter(is_tried).map(|failing| Self::of(shard, failing)).collect()
    }

    fn of(shard: &ShardId, failing: &FailingBatch) -> Self {
        let Extent { records, first, last } = failing.extent();
        let number = |position: Option<Position>| position.map(|position| position.to_string());
        let status = StuckStatus {
            shard: shard.to_string(),
            attempts: failing.attempts,
            next_attempt_at: failing.next_attempt_at,
            records,
            first_sequence_number: number(first),
            last_sequence_number: number(last),
            event_bytes: failing.batch.event_len(),
            error: Some(problem_of(failing)),
        };
        Self { status, batch: Arc::clone(&failing.batch) }
    }
}

impl StuckStatus {
    /// What names it among those of its shard.
    #[must_use]
    pub fn name(&self) -> &str {
        self.first_sequence_number.as_deref().unwrap_or(NO_RECORDS)
    }
}
