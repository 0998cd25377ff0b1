//! Reads a shard, and ends it only when that is confirmed.
//!
//! In: answers of the shard's reader, and listings where the core asks for one. Out: pages as the core takes them. What to
//! believe is decided by `pelton_core::shard_end`.

use crate::ports::{Answer, ShardReader, Source, SourceError};
use pelton_core::Page;
use pelton_core::shard_end::{Ending, Step};
use pelton_core::stream::ShardId;

/// A shard's reader, and what its answers say about the end of the shard.
pub(super) struct JudgedReader {
    reader: Box<dyn ShardReader>,
    ending: Ending,
}

impl JudgedReader {
    /// `ending`: of a shard of which nothing was read.
    pub(super) fn new(reader: Box<dyn ShardReader>, ending: Ending) -> Self {
        Self { reader, ending }
    }

    /// The next page. An answer with records is a page whatever else it says. After an error, and after cancelling, the next
    /// call goes on at the same place.
    pub(super) async fn next(
        &mut self,
        records_max: usize,
        source: &dyn Source,
        shard: &ShardId,
    ) -> Result<Page, SourceError> {
        let Answer { records, follows, lost_after } = self.reader.next(records_max).await?;
        let mut step = self.ending.read(!records.is_empty(), follows);
        if step == Step::List {
            step = self.ending.listed(source.listed(shard).await?);
        }
        match step {
            Step::Accept(then) => Ok(Page { records, then, lost_after }),
            Step::List | Step::Refuse => Err(SourceError::Senseless {
                operation: "GetRecords",
                flaw: "it names no place to read on from, though the shard is not listed as closed",
            }),
        }
    }
}
