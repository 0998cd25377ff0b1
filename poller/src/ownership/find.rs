//! Finds the stream of a mapping.
//!
//! In: a mapping, and its source. Out: the stream, which takes records, and its shards. What a mapping keeps at its start depends
//! on it for good: which stream its positions belong to, which shards LATEST passes over. So two descriptions and two listings
//! must agree; when they do is decided by `pelton_core::confirm`.

use super::StartError;
use crate::clock::Clock;
use crate::errors::chain;
use crate::ports::{Source, SourceError, StreamDescription, StreamStatus};
use pelton_core::Backoff;
use pelton_core::confirm::{Question, Verdict};
use pelton_core::plan::{ListedShard, flaw, together};
use pelton_core::shard_sync::FoundStream;
use pelton_model::Mapping;
use std::time::Duration;
use tracing::info;

/// How long a stream that is being created is waited for.
const CREATING_WAIT_MAX: Duration = Duration::from_secs(60);
/// From one look at it to the next.
const CREATING_POLL: Duration = Duration::from_millis(200);
/// How often a call that brought no answer at start is made again, after a backoff.
const START_RETRIES_MAX: u32 = 4;

/// Finds a stream, and waits for one that is being created. Stores nothing. Cancelling is safe.
///
/// # Errors
///
/// [`StartError`].
pub async fn find_stream(
    mapping: &Mapping,
    source: &dyn Source,
    clock: &Clock,
) -> Result<FoundStream, StartError> {
    let failed = |error| StartError::source(mapping, error);
    let description = await_active(mapping, source, clock).await?;
    let ask = async || listing(source).await;
    let contradiction =
        contradiction("ListShards", "each listing of the stream's shards contradicts the one before");
    let both = |earlier: &Vec<ListedShard>, later: &Vec<ListedShard>| together(earlier, later);
    let listed = agreed(ask, both, contradiction, clock).await.map_err(failed)?;
    Ok(FoundStream { description, listed })
}

/// One listing that can be one of all shards. Cancelling is safe.
async fn listing(source: &dyn Source) -> Result<Vec<ListedShard>, SourceError> {
    let listed = source.list_shards().await?;
    match flaw(&listed) {
        Some(flaw) => Err(SourceError::Senseless { operation: "ListShards", flaw }),
        None => Ok(listed),
    }
}

async fn await_active(
    mapping: &Mapping,
    source: &dyn Source,
    clock: &Clock,
) -> Result<StreamDescription, StartError> {
    let deadline = clock.now().after(CREATING_WAIT_MAX);
    loop {
        let ask = async || source.describe().await;
        let contradiction =
            contradiction("DescribeStreamSummary", "each description of the stream is another one");
        let description = agreed(ask, same, contradiction, clock)
            .await
            .map_err(|error| StartError::source(mapping, error))?;
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

fn same(earlier: &StreamDescription, later: &StreamDescription) -> Option<StreamDescription> {
    (earlier == later).then(|| later.clone())
}

fn contradiction(operation: &'static str, flaw: &'static str) -> SourceError {
    SourceError::Senseless { operation, flaw }
}

/// An answer that two agree on: two come at once. Further ones, which only an endpoint that contradicts itself needs, come after a
/// backoff, as after an endpoint that does not answer.
async fn agreed<T: Clone + PartialEq>(
    ask: impl AsyncFn() -> Result<T, SourceError>,
    together: impl Fn(&T, &T) -> Option<T>,
    contradiction: SourceError,
    clock: &Clock,
) -> Result<T, SourceError> {
    let mut question = Question::new(None);
    for contradictions in 0.. {
        match question.take_together(persist(clock, &ask).await?, &together) {
            Verdict::Believed(answer) => return Ok(answer),
            Verdict::Contradictory => break,
            Verdict::AskAgain if contradictions == 0 => {}
            Verdict::AskAgain => {
                let delay = Backoff::default().delay(contradictions, &mut fastrand::Rng::new());
                info!(again_in = ?delay, "the endpoint returned contradictory answers: retrying");
                clock.sleep(delay).await;
            }
        }
    }
    Err(contradiction)
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
