//! What must be right before a mapping runs.
//!
//! In: a mapping and its ports. Out: a mapping whose stream exists and whose positions are known, or why not. First the
//! stream is found, which keeps nothing; once those of all mappings are, the positions are looked up, and kept where they
//! are new: that is right also if Pelton ends before the mapping runs. Starts nothing.

use super::policy::shards_of;
use super::positions::{adopt, after_recreation, say_starting_anew, start_anew};
use super::{confirm, policy, table_help};
use crate::clock::Clock;
use crate::errors::chain;
use crate::model::{Mapping, MappingId};
use crate::ports::{
    MappingState, Pace, Source, SourceError, StoreError, StreamDescription, StreamIdentity, StreamStatus,
};
use crate::shard_worker::Ports;
use pelton_core::plan::ListedShard;
use pelton_core::{Backoff, Envelope, Policy};
use std::cell::Cell;
use std::time::Duration;
use tracing::info;

/// How long a stream that is being created is waited for.
const CREATING_WAIT_MAX: Duration = Duration::from_secs(60);
/// From one look at it to the next.
const CREATING_POLL: Duration = Duration::from_millis(200);
/// How often a call that brought no answer at start is made again, after a backoff.
const START_RETRIES_MAX: u32 = 4;
/// A mapping, and what it works with.
pub struct MappingPlan {
    /// Its settings.
    pub mapping: Mapping,
    /// Stream, function, store, time.
    pub ports: Ports,
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

/// A stream that is there, and its shards.
#[derive(Debug)]
pub struct FoundStream {
    description: StreamDescription,
    listed: Vec<ListedShard>,
}

impl FoundStream {
    /// What the stream calls itself.
    #[must_use]
    pub fn stream_arn(&self) -> &str {
        &self.description.arn
    }

    /// Every shard that it lists.
    pub(super) fn listed(&self) -> &[ListedShard] {
        &self.listed
    }

    /// What its positions belong to.
    pub(super) fn identity(&self) -> StreamIdentity {
        StreamIdentity { arn: self.description.arn.clone(), created: self.description.created }
    }

    /// How many of its shards take records.
    #[must_use]
    pub fn shards_open(&self) -> usize {
        self.listed.iter().filter(|shard| shard.is_open).count()
    }
}

/// A mapping that can run.
pub struct Prepared {
    pub(super) plan: MappingPlan,
    pub(super) policy: Policy,
    pub(super) state: MappingState,
    pub(super) described: StreamDescription,
    pub(super) listed: Vec<ListedShard>,
    /// The mapping never ran before: LATEST means right now.
    pub(super) is_first_start: bool,
}

impl Prepared {
    /// The mapping's settings.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.plan.mapping
    }
}

/// Why a mapping cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stream does not exist, cannot be reached, or refuses.
    #[error("{mapping} cannot read its stream {stream}")]
    Source {
        /// The mapping.
        mapping: MappingId,
        /// Its stream.
        stream: String,
        /// What went wrong.
        source: SourceError,
    },
    /// The stream is going away, or does not come up.
    #[error("{mapping} cannot read its stream {stream}, which is {doing}")]
    NotActive {
        /// The mapping.
        mapping: MappingId,
        /// Its stream.
        stream: String,
        /// `being deleted`, `still being created`.
        doing: &'static str,
    },
    /// The positions cannot be read or kept.
    #[error("cannot read the checkpoints of {mapping}")]
    Store {
        /// The mapping.
        mapping: MappingId,
        /// What went wrong.
        source: StoreError,
    },
}

impl StartError {
    fn source(mapping: &Mapping, source: SourceError) -> Self {
        StartError::Source { mapping: mapping.id.clone(), stream: mapping.source.to_string(), source }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        if let StartError::Source { stream, source, .. } = self
            && let Some(help) = table_help::of(stream, source)
        {
            return help;
        }
        match self {
            StartError::Source { source: SourceError::NotFound { .. }, .. } => {
                "create the stream first, or check its name, the region and the endpoint; `pelton dev` creates the template's \
                 streams by itself"
            }
            StartError::Source { source: SourceError::Denied { .. }, .. } => {
                "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), and that they allow \
                 kinesis:DescribeStreamSummary, ListShards, GetShardIterator and GetRecords"
            }
            StartError::Source { source: SourceError::Unavailable { .. }, .. } => {
                "is the endpoint up? `pelton stream` starts the embedded one; --endpoint-url or AWS_ENDPOINT_URL_KINESIS names another"
            }
            StartError::Source { source: SourceError::Throttled { .. }, .. } => {
                "wait a little, and start again"
            }
            StartError::Source { source: SourceError::Senseless { .. }, .. } => {
                "the endpoint answers, but not as Kinesis does: check --endpoint-url and AWS_ENDPOINT_URL_KINESIS, then start again"
            }
            StartError::NotActive { .. } => {
                "wait until the stream is ACTIVE, or create it again, then start Pelton again"
            }
            StartError::Store { .. } => {
                "make room on the disk, or restore checkpoints.db from a copy; without the file every mapping begins at its \
                 StartingPosition again"
            }
        }
    }
}

/// Finds the stream of a mapping, and waits for one that is being created. Stores nothing. Cancelling is safe.
///
/// What a mapping stores at its start depends on it for good: which stream its positions belong to, which shards LATEST passes
/// over. So two descriptions and two listings must agree.
pub async fn find_stream(
    mapping: &Mapping,
    source: &dyn Source,
    clock: &Clock,
) -> Result<FoundStream, StartError> {
    let failed = |error| StartError::source(mapping, error);
    let description = await_active(mapping, source, clock).await?;
    let repetition = Repetition::new(clock);
    let ask = || async {
        repetition.next().await;
        persist(clock, || confirm::listing(source)).await
    };
    let listed = confirm::shards(None, ask).await.map_err(failed)?;
    Ok(FoundStream { description, listed })
}

/// Finds the positions of a mapping whose stream was found; where there are none yet, keeps where it begins. Cancelling
/// is safe.
pub async fn prepare(plan: MappingPlan, found: FoundStream) -> Result<Prepared, StartError> {
    let identity = found.identity();
    let FoundStream { description, listed } = found;
    let store_failed = |source| StartError::Store { mapping: plan.mapping.id.clone(), source };
    let kept = plan.ports.store.load(&plan.mapping.id).await.map_err(store_failed)?;
    let policy = policy_of(&plan, &description);
    let (state, is_first_start) = match kept {
        Some(mut state) if state.stream == identity => {
            adopt(&plan, &mut state, &listed).await.map_err(store_failed)?;
            (state, false)
        }
        Some(state) => {
            say_starting_anew(&plan, &state.stream);
            (
                start_anew(&plan, identity, &listed, after_recreation(&plan)).await.map_err(store_failed)?,
                false,
            )
        }
        None => {
            let from = shards_of(&plan.mapping).starting_position;
            (start_anew(&plan, identity, &listed, from).await.map_err(store_failed)?, true)
        }
    };
    Ok(Prepared { plan, policy, state, described: description, listed, is_first_start })
}

async fn await_active(
    mapping: &Mapping,
    source: &dyn Source,
    clock: &Clock,
) -> Result<StreamDescription, StartError> {
    let deadline = clock.now().after(CREATING_WAIT_MAX);
    loop {
        let repetition = Repetition::new(clock);
        let ask = || async {
            repetition.next().await;
            persist(clock, || source.describe()).await
        };
        let description =
            confirm::description(None, ask).await.map_err(|error| StartError::source(mapping, error))?;
        let doing = match description.status {
            StreamStatus::Active => return Ok(description),
            StreamStatus::Deleting => "being deleted",
            StreamStatus::Creating if clock.now() < deadline => {
                clock.sleep(CREATING_POLL).await;
                continue;
            }
            StreamStatus::Creating => "still being created",
        };
        let (mapping, stream) = (mapping.id.clone(), mapping.source.to_string());
        return Err(StartError::NotActive { mapping, stream, doing });
    }
}

/// What the endpoint answers; one that is only busy for a moment must not keep a poller from starting.
async fn persist<T>(clock: &Clock, ask: impl AsyncFn() -> Result<T, SourceError>) -> Result<T, SourceError> {
    let mut random = fastrand::Rng::new();
    for failures in 1..=START_RETRIES_MAX {
        match ask().await {
            Err(
                error @ (SourceError::Throttled { .. }
                | SourceError::Unavailable { .. }
                | SourceError::Senseless { .. }),
            ) => {
                let delay = Backoff::default().delay(failures, &mut random);
                info!(error = chain(&error), again_in = ?delay, "cannot describe or list the stream: retrying");
                clock.sleep(delay).await;
            }
            answer @ (Ok(_) | Err(SourceError::NotFound { .. } | SourceError::Denied { .. })) => {
                return answer;
            }
        }
    }
    ask().await
}

/// Answers that must agree: two come at once. Further ones, which only an endpoint that contradicts itself needs, come after a
/// backoff, as after an endpoint that does not answer.
struct Repetition<'a> {
    clock: &'a Clock,
    asked: Cell<u32>,
}

impl<'a> Repetition<'a> {
    fn new(clock: &'a Clock) -> Self {
        Self { clock, asked: Cell::new(0) }
    }

    async fn next(&self) {
        let contradictions = self.asked.get().saturating_sub(1);
        self.asked.set(self.asked.get() + 1);
        if contradictions > 0 {
            let delay = Backoff::default().delay(contradictions, &mut fastrand::Rng::new());
            info!(again_in = ?delay, "the endpoint returned contradictory answers: retrying");
            self.clock.sleep(delay).await;
        }
    }
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
