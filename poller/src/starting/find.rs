//! Finds the stream of a mapping.
//!
//! In: a mapping, and its source. Out: the stream, which takes records, and its shards. What a mapping keeps at its start depends
//! on it for good: which stream its positions belong to, which shards LATEST passes over. So two descriptions and two listings
//! must agree; when they do is decided by `pelton_core::confirm`.

use super::StartError;
use crate::agreement::{agreed, same};
use crate::clock::Clock;
use crate::ports::{SourceError, Stream, StreamDescription, StreamStatus};
use pelton_core::plan::{flaw, together};
use pelton_core::shard_sync::FoundStream;
use pelton_core::stream::ListedShard;
use pelton_model::Mapping;
use std::time::Duration;

/// How long a stream that is being created is waited for.
const CREATING_WAIT_MAX: Duration = Duration::from_secs(60);
/// From one look at it to the next.
const CREATING_POLL: Duration = Duration::from_millis(200);

/// Finds a stream, and waits for one that is being created. Stores nothing. Cancelling is safe.
///
/// # Errors
///
/// [`StartError`].
pub async fn find_stream(
    mapping: &Mapping,
    source: &dyn Stream,
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
async fn listing(source: &dyn Stream) -> Result<Vec<ListedShard>, SourceError> {
    let listed = source.list_shards().await?;
    match flaw(&listed) {
        Some(flaw) => Err(SourceError::Senseless { operation: "ListShards", flaw }),
        None => Ok(listed),
    }
}

async fn await_active(
    mapping: &Mapping,
    source: &dyn Stream,
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

fn contradiction(operation: &'static str, flaw: &'static str) -> SourceError {
    SourceError::Senseless { operation, flaw }
}
