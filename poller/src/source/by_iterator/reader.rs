//! Reads one shard.
//!
//! In: where to begin. Out: pages of records, encoded for invocation events, each within the process's byte budget. The
//! place moves only when a page came: an error changes nothing, and what a cancelled call has read is handed over by the next.
//! Records that were read before are dropped, and an answer with those of another shard is an error: `succession` decides.

use super::IteratorApi;
use super::appetite::Appetite;
use super::place::{Anchor, Place};
use crate::ports::{Answer, ReadFrom, ShardReader, SourceError};
use crate::source::api_error::{ApiError, ApiErrorKind};
use crate::source::budget::{Account, Reservation, Wanted};
use crate::source::page_memory::share;
use async_trait::async_trait;
use pelton_core::event::page::PageEncoder;
use pelton_core::shard_end::Follows;
use pelton_core::stream::ShardId;
use pelton_core::succession::{Foreign, Succession};
use pelton_core::{Position, Timestamp};
use std::sync::Arc;

/// How often one call of `next` takes a new iterator before it reports the error: fresh ones do not expire.
const RENEWALS_MAX: usize = 1;

/// What a record takes in memory beside its bytes: its position and its place in the page.
const RECORD_OVERHEAD_BYTES: usize = 200;

/// Reads one shard.
pub(in crate::source) struct IteratorReader<A: IteratorApi> {
    stream: Arc<A>,
    shard: ShardId,
    encoder: PageEncoder<A::Format>,
    account: Account,
    appetite: Appetite,
    place: Place,
    succession: Succession,
    /// What was read but not handed over yet: a page that is being added to.
    gathered: Option<Answer>,
    /// When GetRecords was last called, or answered: two calls arrive no closer than they may, however long each was on its way.
    last_read_at: Option<Timestamp>,
}

#[async_trait]
impl<A: IteratorApi> ShardReader for IteratorReader<A> {
    async fn next(&mut self, records_max: usize) -> Result<Answer, SourceError> {
        if self.gathered.is_none() {
            let reservation = self.account.reserve(self.wanted(records_max)).await;
            self.gathered = Some(self.page(records_max, reservation).await?);
        }
        for _ in 1..A::FIRST_PAGE_READS_MAX {
            if !self.add_to_gathered(records_max).await {
                break;
            }
        }
        Ok(self.gathered.take().expect("a page was gathered above"))
    }
}

impl<A: IteratorApi> IteratorReader<A> {
    pub(in crate::source) fn new(
        stream: Arc<A>,
        shard: ShardId,
        encoder: PageEncoder<A::Format>,
        from: ReadFrom,
    ) -> Self {
        let account = stream.budget().account();
        let last_read = match &from {
            ReadFrom::After(position) => Some(position.clone()),
            ReadFrom::Latest { .. } | ReadFrom::Start(_) => None,
        };
        let succession = Succession::after(&shard, last_read);
        let (appetite, place) = (Appetite::new(), Place::new(from));
        let (gathered, last_read_at) = (None, None);
        Self { stream, shard, encoder, account, appetite, place, succession, gathered, last_read_at }
    }

    /// Takes an iterator where reading is to go on. Cancelling is safe.
    pub(in crate::source) async fn find_place(&mut self) -> Result<String, SourceError> {
        let anchor = self.place.anchor();
        let mut found = self.iterator_at(anchor.clone()).await;
        if found.as_ref().is_err_and(ApiError::is_bad_argument) {
            // One error is no reason to leave the position.
            found = self.iterator_at(anchor.clone()).await;
        }
        if let Err(error) = &found
            && error.is_bad_argument()
        {
            self.fall_back(anchor, error);
            found = self.iterator_at(self.place.anchor()).await;
        }
        let (anchor, iterator) = found.map_err(|error| self.stream.of_shard(&self.shard, error))?;
        self.place.found(&anchor, iterator.clone());
        Ok(iterator)
    }

    async fn iterator_at(&self, anchor: Anchor) -> Result<(Anchor, String), ApiError> {
        let iterator = self.stream.shard_iterator(&self.shard, &anchor).await?;
        Ok((anchor, iterator))
    }

    fn fall_back(&mut self, refused: Anchor, error: &ApiError) {
        if let Anchor::After(position) = &refused {
            tracing::warn!(
                stream = self.stream.name(), shard = %self.shard, %position, error = %error.cause,
                "the stream no longer has the position to resume from: its oldest record is next"
            );
        }
        self.place.fall_back(refused);
    }

    fn wanted(&self, records_max: usize) -> Wanted {
        self.appetite.wanted(records_max, self.account.fair_share())
    }

    async fn page(&mut self, records_max: usize, reservation: Reservation) -> Result<Answer, SourceError> {
        let limit = self.appetite.records(records_max, reservation.pool(), self.account.fair_share());
        let answer = self.read(limit).await?;
        self.take(answer, limit, reservation).map_err(|flaw| {
            self.place.lose_iterator();
            self.stream.of_shard(&self.shard, ApiError::senseless("GetRecords", flaw))
        })
    }

    /// Reads on where a page came out small only because little was known of the shard's records. Whether there may be yet more.
    /// An error is left for the next call to meet.
    async fn add_to_gathered(&mut self, records_max: usize) -> bool {
        let Some(gathered) = &self.gathered else { return false };
        let records_left = records_max.saturating_sub(gathered.records.len());
        let may_grow = self.appetite.is_learning() && gathered.follows == Follows::More && records_left > 0;
        if !may_grow || gathered.records.is_empty() {
            return false;
        }
        let Some(reservation) = self.account.reserve_now(self.wanted(records_left)) else { return false };
        let Ok(page) = self.page(records_left, reservation).await else { return false };
        if let Some(gathered) = &mut self.gathered {
            gathered.records.extend(page.records);
            gathered.follows = page.follows;
            gathered.lost_after = gathered.lost_after.take().or(page.lost_after);
        }
        true
    }

    /// GetRecords, with a new iterator if the one at hand is of no use any more.
    async fn read(&mut self, limit: usize) -> Result<A::Answer, SourceError> {
        let mut renewals = 0;
        loop {
            let iterator = match self.place.iterator() {
                Some(iterator) => iterator.to_owned(),
                None => self.find_place().await?,
            };
            self.wait_for_turn().await;
            let answer = self.stream.get_records(iterator, limit).await;
            self.last_read_at = Some(self.stream.clock().now());
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.kind == ApiErrorKind::Unavailable {
                self.appetite.shrink();
            }
            match error.kind {
                ApiErrorKind::IteratorExpired | ApiErrorKind::BadArgument => self.place.lose_iterator(),
                ApiErrorKind::Trimmed if renewals == RENEWALS_MAX => {
                    // Also right behind the position, twice.
                    self.fall_back(self.place.anchor(), &error);
                    self.place.lose_iterator();
                }
                ApiErrorKind::Trimmed => self.place.lose_iterator(),
                ApiErrorKind::Throttled
                | ApiErrorKind::Unavailable
                | ApiErrorKind::Senseless(_)
                | ApiErrorKind::NotFound
                | ApiErrorKind::Denied
                | ApiErrorKind::InUse => return Err(self.stream.of_shard(&self.shard, error)),
            }
            if renewals == RENEWALS_MAX {
                return Err(self.stream.of_shard(&self.shard, error));
            }
            renewals += 1;
            tracing::debug!(shard = %self.shard, "the iterator is of no use any more, a new one is taken");
        }
    }

    /// Waits until the shard may be read again, and takes the turn.
    async fn wait_for_turn(&mut self) {
        let clock = self.stream.clock();
        if let Some(last) = self.last_read_at {
            clock.sleep_until_some(Some(last.after(A::READ_GAP_MIN))).await;
        }
        self.last_read_at = Some(clock.now());
    }

    /// Makes a page of an answer, and moves on. Nothing here waits. An error is what is wrong with the answer: nothing of it
    /// is taken.
    fn take(
        &mut self,
        mut answer: A::Answer,
        limit: usize,
        mut reservation: Reservation,
    ) -> Result<Answer, &'static str> {
        let follows = what_follows(&*self.stream, &answer, &self.shard, limit);
        if let Some(flaw) = A::flaw(&answer) {
            return Err(flaw);
        }
        let repeated = self.count_repeated(&answer)?;
        if repeated > 0 {
            tracing::warn!(
                stream = self.stream.name(), shard = %self.shard, records = repeated,
                "GetRecords returned records that were read before: skipped them"
            );
            self.place.take_trimmed_at();
            A::drop_first(&mut answer, repeated);
            if A::sequence_numbers(&answer).is_empty() {
                // Its iterator leads back to where the answer comes from.
                self.place.lose_iterator();
                return Ok(Answer { records: Vec::new(), follows: Follows::More, lost_after: None });
            }
        }
        let Self { place, encoder, stream, .. } = self;
        let encoded = stream.encode(encoder, &answer, |arrival| place.admits(arrival));
        if let Some(not_json) = encoded.first_not_json() {
            self.stream.dropped_not_json(&self.shard, not_json);
        }
        let last_read = A::sequence_numbers(&answer).last().map(|number| Position::new(*number));
        let is_told = last_read.is_some() || matches!(follows, Follows::NoPlace { .. });
        let lost_after = if is_told { self.place.take_trimmed_at() } else { None };
        self.place.advance(last_read, A::next_iterator(&answer).map(str::to_owned));

        let records_passed_on = encoded.records_len();
        let overhead = records_passed_on * RECORD_OVERHEAD_BYTES;
        self.appetite.learn(records_passed_on, encoded.unfiltered_len() + overhead, follows);
        if encoded.is_empty() {
            return Ok(Answer { records: Vec::new(), follows, lost_after });
        }
        reservation.resize(encoded.len() + overhead);
        let records = encoded.into_records(|page| share(page, reservation));
        Ok(Answer { records, follows, lost_after })
    }

    /// How many records at the beginning of the answer were read before.
    fn count_repeated(&mut self, answer: &A::Answer) -> Result<usize, &'static str> {
        let numbers = A::sequence_numbers(answer);
        if numbers.contains(&"") {
            return Err("a record has no sequence number");
        }
        self.succession.take(&numbers).map_err(|Foreign| "its records belong to another shard")
    }
}

/// What comes after an answer.
pub(in crate::source) fn what_follows<A: IteratorApi>(
    stream: &A,
    answer: &A::Answer,
    shard: &ShardId,
    limit: usize,
) -> Follows {
    if A::next_iterator(answer).is_none_or(str::is_empty) {
        return Follows::NoPlace { names_children: A::names_children(answer, shard) };
    }
    if stream.is_more_behind(answer, limit) { Follows::More } else { Follows::CaughtUp }
}
