//! What is logged once of a function, whichever of its mappings and shards notices it first: it would be the same at every batch.
//!
//! In: what of a response is ignored. Out: a warning, or nothing. The counters tell how often.

use pelton_core::Ignored;
use pelton_core::stream::ShardId;
use pelton_model::MappingId;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::warn;

/// What was said of one function.
#[derive(Debug)]
pub struct Remarks {
    function: String,
    failures_said: AtomicBool,
    content_said: AtomicBool,
}

impl Remarks {
    /// Nothing was said of this function, which its mappings share.
    #[must_use]
    pub fn of(function: String) -> Self {
        Self { function, failures_said: AtomicBool::new(false), content_said: AtomicBool::new(false) }
    }

    pub(super) fn say(&self, mapping: &MappingId, shard: &ShardId, ignored: Ignored) {
        let function = &self.function;
        match ignored {
            Ignored::Failures if is_first(&self.failures_said) => warn!(
                function, %mapping, %shard,
                "the function reports records that failed, but the mapping ignores the report: these records and all later ones in the batch \
                 count as settled. To have them retried, add FunctionResponseTypes: [ReportBatchItemFailures] to the mapping"
            ),
            Ignored::Content if is_first(&self.content_said) => warn!(
                function, %mapping, %shard,
                "the function's response has content but no `batchItemFailures`: the whole batch counts as a success. To report records \
                 that failed, return {{\"batchItemFailures\": [{{\"itemIdentifier\": SEQUENCE_NUMBER}}]}}; if there are none, return nothing"
            ),
            Ignored::Failures | Ignored::Content => {}
        }
    }
}

fn is_first(said: &AtomicBool) -> bool {
    !said.swap(true, Ordering::Relaxed)
}
