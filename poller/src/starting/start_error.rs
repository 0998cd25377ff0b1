//! Why a mapping cannot be started, and what to do about it.

use super::table_help;
use crate::ports::{SourceError, StoreError};
use pelton_model::{Mapping, MappingId};

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
    pub(super) fn source(mapping: &Mapping, source: SourceError) -> Self {
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
