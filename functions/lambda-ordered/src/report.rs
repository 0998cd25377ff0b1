//! What the library itself logs of a record: that it failed and was reported, or that it was skipped.
//!
//! An author who installed no `tracing` subscriber sees it too, on standard error: nobody else tells of these records.

use crate::record::Record;
use crate::source::Source;
use lambda_runtime::tracing::{self, dispatcher};

/// A record failed, and the answer reports it, which has no room for the reason.
pub(crate) fn failed<S: Source>(record: &Record<'_, S>, error: &str) {
    let (shard, sequence_number) = (&record.shard, &record.sequence_number);
    if dispatcher::has_been_set() {
        tracing::error!(%shard, %sequence_number, error, "a record failed");
    } else {
        eprintln!("ERROR a record failed shard={shard} sequence_number={sequence_number} error={error:?}");
    }
}

/// A record cannot be decoded, and the handler skips such records: it is lost for this function.
pub(crate) fn skipped<S: Source>(record: &Record<'_, S>, error: &str) {
    let (shard, sequence_number) = (&record.shard, &record.sequence_number);
    if dispatcher::has_been_set() {
        tracing::warn!(%shard, %sequence_number, error, "a record was skipped");
    } else {
        eprintln!(
            "WARN a record was skipped shard={shard} sequence_number={sequence_number} error={error:?}"
        );
    }
}
