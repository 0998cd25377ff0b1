//! Moves the position of a mapping that does not run.
//!
//! In: a mapping whose stream was found, and where it is to go on. Out: what is kept of it now, and what was before. It is
//! written at once or not at all, and nothing else is.

use crate::ports::{CheckpointStore, KeptMapping, KeptShard, StoreError, StreamIdentity};
use pelton_core::shard_sync::FoundStream;
use pelton_core::starting_position::{StartingPosition, first_start};
use pelton_core::{Checkpoint, Timestamp};
use pelton_model::MappingId;

/// Where a mapping is to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RewindTo {
    /// Where one that starts for the first time would begin.
    Start(StartingPosition),
    /// Where another mapping of the same stream is.
    CheckpointOf(MappingId),
}

/// What a rewind did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewound {
    /// What was kept of the mapping; `None` if it never ran.
    pub before: Option<KeptMapping>,
    /// What is kept of it now.
    pub after: KeptMapping,
}

/// Why a mapping was not rewound. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RewindError {
    /// There is no position to take over.
    #[error("{other} has never run: it has no checkpoint")]
    NoCheckpoint {
        /// The mapping whose position was asked for.
        other: MappingId,
    },
    /// A position means nothing in another stream.
    #[error("the checkpoint of {other} belongs to the stream {theirs}, but {mapping} reads {ours}")]
    AnotherStream {
        /// The mapping that was to be moved.
        mapping: MappingId,
        /// ARN of its stream.
        ours: String,
        /// The mapping whose position was asked for.
        other: MappingId,
        /// ARN of the stream of that position.
        theirs: String,
    },
    /// A position means nothing in a stream that was made again, though its name is the same.
    #[error(
        "the checkpoint of {other} cannot be used: its stream {stream} has since been deleted and created again"
    )]
    StreamMadeAgain {
        /// The mapping whose position was asked for.
        other: MappingId,
        /// ARN of the stream.
        stream: String,
    },
    /// The positions cannot be read or kept.
    #[error("cannot read or store the checkpoints of {mapping}")]
    Store {
        /// The mapping.
        mapping: MappingId,
        /// What went wrong.
        source: StoreError,
    },
}

/// Moves a mapping, at `now`. It must not run, here or elsewhere, on the same store.
///
/// # Errors
///
/// [`RewindError`].
pub async fn rewind(
    mapping: &MappingId,
    to: &RewindTo,
    found: &FoundStream,
    store: &dyn CheckpointStore,
    now: Timestamp,
) -> Result<Rewound, RewindError> {
    let failed = |source| RewindError::Store { mapping: mapping.clone(), source };
    let before = store.load(mapping).await.map_err(failed)?;
    let after = match to {
        RewindTo::Start(position) => {
            let shards = first_start(*position, &found.listed, now);
            KeptMapping::beginning(found.description.identity(), &shards)
        }
        RewindTo::CheckpointOf(other) => {
            let theirs = store.load(other).await.map_err(failed)?;
            take_over(mapping, other, theirs, found.description.identity())?
        }
    };
    store.replace(mapping, &after).await.map_err(failed)?;
    Ok(Rewound { before, after })
}

/// What `other` has settled counts as settled, also above its position. The state of a tumbling window is what another
/// function made of records, and stays where it is.
fn take_over(
    mapping: &MappingId,
    other: &MappingId,
    theirs: Option<KeptMapping>,
    stream: StreamIdentity,
) -> Result<KeptMapping, RewindError> {
    let Some(KeptMapping { stream: their_stream, shards }) = theirs else {
        return Err(RewindError::NoCheckpoint { other: other.clone() });
    };
    if their_stream.arn != stream.arn {
        return Err(RewindError::AnotherStream {
            mapping: mapping.clone(),
            ours: stream.arn,
            other: other.clone(),
            theirs: their_stream.arn,
        });
    }
    if their_stream.created != stream.created {
        return Err(RewindError::StreamMadeAgain { other: other.clone(), stream: stream.arn });
    }
    let without_window = |KeptShard { start, checkpoint }| KeptShard {
        start,
        checkpoint: Checkpoint { window: None, ..checkpoint },
    };
    let shards = shards.into_iter().map(|(id, state)| (id, without_window(state))).collect();
    Ok(KeptMapping { stream, shards })
}
