//! Looks at one shard, for people.
//!
//! In: where to begin. Out: its records as they are. Each call is made once, and moves on only when a page came. Unlike a reader
//! for functions it has no place to fall back to: a position that the stream refuses is an error.

use super::KinesisStream;
use crate::ports::{Cause, ReadFrom, SourceError};
use crate::shown_record::ShownRecord;
use crate::source::api_error::{ApiError, ApiErrorKind};
use crate::source::by_iterator::{Anchor, IteratorApi as _, Place, moment, what_follows};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use pelton_core::Position;
use pelton_core::shard_end::Follows;
use pelton_core::stream::ShardId;
use std::sync::Arc;

/// How often one call of `next` takes a new iterator in the place of one that expired.
const RENEWALS_MAX: usize = 1;

/// Looks at one shard of a Kinesis stream.
pub(crate) struct ShardBrowser {
    stream: Arc<KinesisStream>,
    shard: ShardId,
    place: Place,
}

/// Why there are no records.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowseError {
    /// The stream knows no such position, or no longer.
    #[error(
        "{shard} does not continue after {position}: the shard never had a record of that sequence number, or no longer keeps it"
    )]
    NoSuchPosition { shard: ShardId, position: Position, source: Cause },
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl ShardBrowser {
    pub(super) fn new(stream: Arc<KinesisStream>, shard: ShardId, from: ReadFrom) -> Self {
        Self { stream, shard, place: Place::new(from) }
    }

    /// The next records, `records_max` at most, and what follows them. Cancelling is safe.
    pub(crate) async fn next(
        &mut self,
        records_max: usize,
    ) -> Result<(Vec<ShownRecord>, Follows), BrowseError> {
        let mut renewals = 0;
        loop {
            let iterator = match self.place.iterator() {
                Some(iterator) => iterator.to_owned(),
                None => self.find_place().await?,
            };
            let error = match self.stream.get_records(iterator, records_max).await {
                Ok(answer) => return Ok(self.take(answer, records_max)),
                Err(error) => error,
            };
            let has_expired = matches!(error.kind, ApiErrorKind::IteratorExpired | ApiErrorKind::BadArgument);
            if has_expired {
                self.place.lose_iterator();
            }
            if !has_expired || renewals == RENEWALS_MAX {
                return Err(self.stream.of_shard(&self.shard, error).into());
            }
            renewals += 1;
        }
    }

    async fn find_place(&mut self) -> Result<String, BrowseError> {
        let mut anchor = self.place.anchor();
        let mut found = self.stream.shard_iterator(&self.shard, &anchor).await;
        if found.as_ref().is_err_and(ApiError::is_bad_argument)
            && let Anchor::AtTimestamp(_) = anchor
        {
            // The stream's clock is behind: what arrived earlier is passed over here.
            self.place.fall_back(anchor);
            anchor = self.place.anchor();
            found = self.stream.shard_iterator(&self.shard, &anchor).await;
        }
        match (found, anchor) {
            (Ok(iterator), anchor) => {
                self.place.found(&anchor, iterator.clone());
                Ok(iterator)
            }
            // The latter for a number that breaks the rules of its field, which AWS checks first.
            (Err(error), Anchor::After(position))
                if matches!(error.kind, ApiErrorKind::BadArgument | ApiErrorKind::IteratorExpired) =>
            {
                let shard = self.shard.clone();
                Err(BrowseError::NoSuchPosition { shard, position, source: error.cause })
            }
            (Err(error), _) => Err(self.stream.of_shard(&self.shard, error).into()),
        }
    }

    fn take(&mut self, answer: GetRecordsOutput, limit: usize) -> (Vec<ShownRecord>, Follows) {
        let follows = what_follows(&*self.stream, &answer, &self.shard, limit);
        let last_read = answer.records.last().map(|record| Position::new(record.sequence_number()));
        let mut records = Vec::with_capacity(answer.records.len());
        for record in answer.records {
            let arrival =
                record.approximate_arrival_timestamp().map_or_else(|| self.stream.clock.now(), moment);
            if !self.place.admits(arrival) {
                continue;
            }
            records.push(ShownRecord {
                shard: self.shard.to_string(),
                sequence_number: record.sequence_number,
                partition_key: record.partition_key.filter(|key| !key.is_empty()),
                arrival,
                data: record.data.into_inner(),
            });
        }
        self.place.advance(last_read, answer.next_shard_iterator);
        (records, follows)
    }
}
