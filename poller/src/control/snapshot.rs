//! What `GET /status` answers: mappings and shards in AWS's words.
//!
//! In: what the core shows of a shard. Out: stable JSON; moments in RFC 3339, ages in milliseconds.

use crate::shard_worker::failed_attempts::{error_type, text};
use pelton_core::starting_position::StartingPosition;
use pelton_core::stream::ShardId;
use pelton_core::{Counts, FailingBatch, Finished, Phase, Position, ShardView, Timestamp};
use pelton_model::MappingConfiguration;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long reads of a shard may fail before the shard counts as one that cannot be read.
const UNREAD_MAX: Duration = Duration::from_secs(10);

/// Everything that a running poller tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSnapshot {
    /// The poller's process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// When it started.
    #[serde(with = "moment")]
    pub started_at: Timestamp,
    /// When this copy was made.
    #[serde(with = "moment")]
    pub taken_at: Timestamp,
    /// What it holds of its streams' records.
    #[serde(default)]
    pub read_ahead: ReadAhead,
    /// The functions of its mappings, in the order of their logical ids.
    #[serde(default)]
    pub functions: Vec<FunctionStatus>,
    /// Its event source mappings, in the order of the template.
    pub mappings: Vec<MappingStatus>,
}

/// The records that all shards together hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAhead {
    /// Bytes held, or reserved for reads that are under way.
    pub bytes: usize,
    /// Bytes that they may hold; pages that turn out larger than expected may overdraw it.
    pub bytes_max: usize,
}

/// A function whose handler runs in processes of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionStatus {
    /// Its name.
    pub name: String,
    /// Its handler processes: starting, busy, or idle.
    pub processes: usize,
}

/// One event source mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingStatus {
    /// Its logical id.
    pub id: String,
    /// Name of its function.
    pub function: String,
    /// ARN of its stream.
    pub stream: String,
    /// What it is doing.
    #[serde(flatten)]
    pub state: MappingState,
    /// `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`.
    #[serde(default)]
    pub starting_position: String,
    /// What it does with the records, in AWS's names.
    #[serde(default)]
    pub settings: MappingConfiguration,
    /// Where records really go that are given up: an ARN, `s3://BUCKET`, or `file:PATH`. `null`: they are dropped, or a poller of an
    /// earlier version does not tell.
    #[serde(default)]
    pub failed_records_to: Option<String>,
    /// How often the stream no longer had the position to resume from: each time, records were lost to the stream's retention.
    #[serde(default)]
    pub positions_trimmed: u64,
    /// What happened in all its shards since the poller started, those that have ended included. Never goes back.
    #[serde(default)]
    pub totals: Counts,
    /// The consumer group that shares its partitions out: of a topic of Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupStatus>,
    /// Its shards, in the order of their names.
    pub shards: Vec<ShardStatus>,
}

/// A consumer group, as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Its id.
    pub id: String,
    /// How often partitions were assigned, revoked or lost since the poller started.
    pub rebalances: u64,
    /// CommittedEventCount: by how much this poller moved committed offsets on since it started.
    pub committed_events: u64,
}

impl MappingStatus {
    /// Its shards without those that wait for their parents.
    pub fn shards_read(&self) -> impl Iterator<Item = &ShardStatus> {
        self.shards.iter().filter(|shard| shard.phase != ShardPhase::Waiting)
    }

    /// The lags of its partitions, as far as they are known.
    pub fn offset_lags(&self) -> impl Iterator<Item = u64> {
        self.shards.iter().filter_map(|shard| shard.offset_lag)
    }
}

/// What a mapping is doing: `"state": "waiting", "reason": "…"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MappingState {
    /// Reads nothing: the stream or its endpoint went away, no shard could be read for ten seconds, or there is none to read.
    Waiting {
        /// For people.
        reason: String,
    },
    /// Reads its shards.
    Polling,
    /// Done: what was in the stream at the start is settled (`--until-caught-up`).
    CaughtUp,
    /// Goes no further by itself.
    Stopped {
        /// For people.
        reason: String,
    },
    /// `Enabled: false` in the template.
    Disabled,
}

/// One shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardStatus {
    /// Its name.
    pub shard: String,
    /// What it is doing.
    #[serde(flatten)]
    pub phase: ShardPhase,
    /// Position of the last record that is settled and checkpointed; `null` before the first.
    pub checkpoint: Option<String>,
    /// When a checkpoint was last kept.
    #[serde(default, with = "optional_moment")]
    pub checkpoint_saved_at: Option<Timestamp>,
    /// Records held: read, not yet settled.
    pub records_held: usize,
    /// Their bytes inside invocation events.
    pub bytes_held: usize,
    /// When the first of them arrived in the stream; `null` while there is none.
    #[serde(default, with = "optional_moment")]
    pub batch_arrived_at: Option<Timestamp>,
    /// IteratorAge: how old the last record of the last batch was when it was sent to the function.
    pub iterator_age_ms: Option<u64>,
    /// Since when no read succeeds; `null` while they do.
    #[serde(default, with = "optional_moment")]
    pub unread_since: Option<Timestamp>,
    /// The last failure, until a batch succeeds.
    pub last_error: Option<String>,
    /// OffsetLag: records from what is settled to the end of the log, as it was last seen. Of a partition of Kafka.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_lag: Option<u64>,
    /// The batches that failed and are not settled, that of the oldest record first. One at most without a ParallelizationFactor.
    #[serde(default)]
    pub failing: Vec<FailingStatus>,
    /// What happened since the poller began to read the shard.
    #[serde(default)]
    pub counts: Counts,
}

/// A batch that failed and is not settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingStatus {
    /// How often the function failed with these records.
    pub attempts: u32,
    /// MaximumRetryAttempts and the first attempt; `null`: no limit.
    pub attempt_limit: Option<u32>,
    /// How many records it has. Filtered records between the first and the last are not among them.
    pub records: usize,
    /// `null` without records, as at the end of a tumbling window.
    pub first_sequence_number: Option<String>,
    /// Likewise.
    pub last_sequence_number: Option<String>,
    /// When these records first failed, perhaps as part of a larger batch.
    #[serde(with = "moment")]
    pub first_failed_at: Timestamp,
    /// When the next attempt, or the next delivery of a batch that is given up, starts; `null`: it runs, or starts once the
    /// checkpoint is stored.
    #[serde(default, with = "optional_moment")]
    pub next_attempt_at: Option<Timestamp>,
    /// Whether it is given up, and only its delivery to the destination is left.
    #[serde(default)]
    pub given_up: bool,
    /// AWS's error type, or the function's own; `null` if the function did not fail as a whole.
    pub error_type: Option<String>,
    /// Why the last attempt failed.
    pub error_message: String,
    /// Of the last invocation, if it has one: the log of the poller names it, too.
    #[serde(default)]
    pub request_id: Option<String>,
}

impl FailingStatus {
    fn of(batch: &FailingBatch) -> Self {
        let FailingBatch {
            attempts,
            attempts_max,
            batch: _,
            first_failed_at,
            next_attempt_at,
            is_given_up,
            error,
            request_id,
        } = batch;
        let extent = batch.extent();
        Self {
            attempts: *attempts,
            attempt_limit: *attempts_max,
            records: extent.records,
            first_sequence_number: extent.first.as_ref().map(Position::to_string),
            last_sequence_number: extent.last.as_ref().map(Position::to_string),
            first_failed_at: *first_failed_at,
            next_attempt_at: *next_attempt_at,
            given_up: *is_given_up,
            error_type: error_type(error).map(str::to_owned),
            error_message: text(error, &extent),
            request_id: request_id.as_deref().map(str::to_owned),
        }
    }
}

/// What a shard is doing: `"phase": "retrying", "attempts": 3, "next_attempt_at": "…"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum ShardPhase {
    /// Not read yet, because its parents are not finished.
    Waiting,
    /// Nothing to do but to read.
    Polling,
    /// Gathers records for a batch.
    Gathering,
    /// The function runs.
    Invoking,
    /// A batch failed and waits for its next attempt.
    Retrying {
        /// Attempts so far.
        attempts: u32,
        /// When the next one starts.
        #[serde(with = "moment")]
        next_attempt_at: Timestamp,
    },
    /// Checkpoints cannot be kept: nothing new starts until they can.
    Stalled,
    /// Told to stop: what is in flight finishes.
    Draining,
    /// Told to stop, and stopped.
    Drained,
    /// Closed, and everything in it is settled.
    Ended,
}

impl ShardStatus {
    /// A shard that nobody reads.
    #[must_use]
    pub fn unread(shard: &ShardId, phase: ShardPhase, checkpoint: Option<&Position>) -> Self {
        Self {
            shard: shard.as_str().to_owned(),
            phase,
            checkpoint: checkpoint.map(Position::to_string),
            checkpoint_saved_at: None,
            records_held: 0,
            bytes_held: 0,
            batch_arrived_at: None,
            iterator_age_ms: None,
            unread_since: None,
            last_error: None,
            offset_lag: None,
            failing: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Whether the shard cannot be read at `now`: the stream may well throttle some reads, or break off a connection.
    #[must_use]
    pub fn is_unread(&self, now: Timestamp) -> bool {
        self.unread_since.is_some_and(|since| now.since(since) >= UNREAD_MAX)
    }

    /// A shard as the core shows it. What its worker knows beside that is to be added: `unread_since`, `last_error`.
    #[must_use]
    pub fn new(shard: &ShardId, view: &ShardView) -> Self {
        let age = view.iterator_age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        Self {
            shard: shard.as_str().to_owned(),
            phase: view.phase.into(),
            checkpoint: view.checkpoint.position.as_ref().map(Position::to_string),
            checkpoint_saved_at: view.checkpoint_saved_at,
            records_held: view.records_held,
            bytes_held: view.bytes_held,
            batch_arrived_at: view.oldest_arrival,
            iterator_age_ms: age,
            unread_since: None,
            last_error: None,
            offset_lag: None,
            failing: view.failing.iter().map(FailingStatus::of).collect(),
            counts: view.counts,
        }
    }
}

impl From<Phase> for ShardPhase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Polling => Self::Polling,
            Phase::Gathering => Self::Gathering,
            Phase::Invoking => Self::Invoking,
            Phase::Retrying { attempts, at } => Self::Retrying { attempts, next_attempt_at: at },
            Phase::Stalled => Self::Stalled,
            // Told to stop, and ended before that was done.
            Phase::Draining | Phase::Finished(Finished::Lost) => Self::Draining,
            Phase::Finished(Finished::Drained | Finished::CaughtUp) => Self::Drained,
            Phase::Finished(Finished::ShardEnd) => Self::Ended,
        }
    }
}

/// AWS's word for a starting position.
#[must_use]
pub fn starting_position_name(position: StartingPosition) -> &'static str {
    match position {
        StartingPosition::TrimHorizon => "TRIM_HORIZON",
        StartingPosition::Latest => "LATEST",
        StartingPosition::AtTimestamp(_) => "AT_TIMESTAMP",
    }
}

mod moment {
    use pelton_core::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = i64::try_from(moment.as_millis()).map_err(ser::Error::custom)?;
        let moment = jiff::Timestamp::from_millisecond(millis).map_err(ser::Error::custom)?;
        serializer.collect_str(&format_args!("{moment:.3}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let moment: jiff::Timestamp =
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)?;
        u64::try_from(moment.as_millisecond()).map(Timestamp::from_millis).map_err(de::Error::custom)
    }
}

pub(super) mod optional_moment {
    use pelton_core::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Moment(#[serde(with = "super::moment")] Timestamp);

    pub(in crate::control) fn serialize<S: Serializer>(
        moment: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        moment.map(Moment).serialize(serializer)
    }

    pub(in crate::control) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<Moment>::deserialize(deserializer)?.map(|Moment(moment)| moment))
    }
}

#[cfg(test)]
mod tests;
