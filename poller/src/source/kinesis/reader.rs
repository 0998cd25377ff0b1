//! Reads one shard.
//!
//! In: where to begin. Out: pages of records, encoded for invocation events, each within the process's byte budget. The
//! place moves only when a page came: an error changes nothing, and what a cancelled call has read is handed over by the next.
//! Records that were read before are dropped, and an answer with those of another shard is an error: `succession` decides.

use super::KinesisStream;
use super::appetite::Appetite;
use super::calls::moment;
use super::place::{Anchor, Place};
use crate::ports::{Answer, ReadFrom, ShardReader, SourceError};
use crate::source::aws::EndpointKind;
use crate::source::budget::{Account, Reservation, Wanted};
use crate::source::failure::{Refusal, RefusalKind};
use async_trait::async_trait;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::types::ChildShard;
use bytes::Bytes;
use pelton_core::Position;
use pelton_core::ending::Follows;
use pelton_core::event::kinesis::{EncodedPage, KinesisEncoder, KinesisRecord, NotJson};
use pelton_core::plan::ShardId;
use pelton_core::succession::{Foreign, Succession};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How often one call of `next` takes a new iterator before it reports the error: fresh ones do not expire.
const RENEWALS_MAX: usize = 1;

/// How many reads make the first page of a shard at most: the first ones ask for little, as nothing is known of its records.
const FIRST_PAGE_READS_MAX: usize = 3;

/// What a record takes in memory beside its bytes: its position and its place in the page.
const RECORD_OVERHEAD_BYTES: usize = 200;

/// Reads one shard of a Kinesis stream.
pub(super) struct KinesisReader {
    stream: Arc<KinesisStream>,
    shard: ShardId,
    encoder: KinesisEncoder,
    account: Account,
    appetite: Appetite,
    place: Place,
    succession: Succession,
    /// What was read but not handed over yet: a page that is being added to.
    gathered: Option<Answer>,
}

#[async_trait]
impl ShardReader for KinesisReader {
    async fn next(&mut self, records_max: usize) -> Result<Answer, SourceError> {
        if self.gathered.is_none() {
            let reservation = self.account.reserve(self.wanted(records_max)).await;
            self.gathered = Some(self.page(records_max, reservation).await?);
        }
        for _ in 1..FIRST_PAGE_READS_MAX {
            if !self.add_to_gathered(records_max).await {
                break;
            }
        }
        Ok(self.gathered.take().expect("a page was gathered above"))
    }
}

impl KinesisReader {
    pub(super) fn new(
        stream: Arc<KinesisStream>,
        shard: ShardId,
        encoder: KinesisEncoder,
        from: ReadFrom,
    ) -> Self {
        let account = stream.budget.account();
        let last_read = match &from {
            ReadFrom::After(position) => Some(position.clone()),
            ReadFrom::Latest { .. } | ReadFrom::Start(_) => None,
        };
        let succession = Succession::after(&shard, last_read);
        let (appetite, place) = (Appetite::new(), Place::new(from));
        Self { stream, shard, encoder, account, appetite, place, succession, gathered: None }
    }

    /// Takes an iterator where reading is to go on. Cancelling is safe.
    pub(super) async fn find_place(&mut self) -> Result<String, SourceError> {
        let anchor = self.place.anchor();
        let mut found = self.iterator_at(anchor.clone()).await;
        if found.as_ref().is_err_and(Refusal::is_bad_argument) {
            // One refusal is no reason to leave the position.
            found = self.iterator_at(anchor.clone()).await;
        }
        if let Err(refusal) = &found
            && refusal.is_bad_argument()
        {
            self.fall_back(anchor, refusal);
            found = self.iterator_at(self.place.anchor()).await;
        }
        let (anchor, iterator) = found.map_err(|refusal| self.stream.of_shard(&self.shard, refusal))?;
        self.place.found(&anchor, iterator.clone());
        Ok(iterator)
    }

    async fn iterator_at(&self, anchor: Anchor) -> Result<(Anchor, String), Refusal> {
        let iterator = self.stream.shard_iterator(&self.shard, &anchor).await?;
        Ok((anchor, iterator))
    }

    fn fall_back(&mut self, refused: Anchor, refusal: &Refusal) {
        if let Anchor::After(position) = &refused {
            self.stream.positions_trimmed.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                stream = %self.stream.arn.name, shard = %self.shard, %position, error = %refusal.cause,
                "records were lost to retention: the stream no longer has the position to resume from, so its oldest record is next"
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
            self.stream.of_shard(&self.shard, Refusal::senseless("GetRecords", flaw))
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
        }
        true
    }

    /// GetRecords, with a new iterator if the one at hand is of no use any more.
    async fn read(&mut self, limit: usize) -> Result<GetRecordsOutput, SourceError> {
        let mut renewals = 0;
        loop {
            let iterator = match self.place.iterator() {
                Some(iterator) => iterator.to_owned(),
                None => self.find_place().await?,
            };
            let refusal = match self.stream.get_records(iterator, limit).await {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            if refusal.kind == RefusalKind::Unavailable {
                self.appetite.shrink();
            }
            match refusal.kind {
                RefusalKind::IteratorExpired | RefusalKind::BadArgument => self.place.lose_iterator(),
                RefusalKind::Throttled
                | RefusalKind::Unavailable
                | RefusalKind::Senseless(_)
                | RefusalKind::NotFound
                | RefusalKind::Denied
                | RefusalKind::InUse => return Err(self.stream.of_shard(&self.shard, refusal)),
            }
            if renewals == RENEWALS_MAX {
                return Err(self.stream.of_shard(&self.shard, refusal));
            }
            renewals += 1;
            tracing::debug!(shard = %self.shard, "the iterator expired, a new one is taken");
        }
    }

    /// Makes a page of an answer, and moves on. Nothing here waits. An error is what is wrong with the answer: nothing of it
    /// is taken.
    fn take(
        &mut self,
        mut answer: GetRecordsOutput,
        limit: usize,
        mut reservation: Reservation,
    ) -> Result<Answer, &'static str> {
        let follows = what_follows(&answer, &self.shard, limit, self.stream.client.endpoint().kind());
        let repeated = self.count_repeated(&answer)?;
        if repeated > 0 {
            tracing::warn!(
                stream = %self.stream.arn.name, shard = %self.shard, records = repeated,
                "GetRecords returned records that were read before: skipped them"
            );
            self.place.take_trimmed_at();
            answer.records.drain(..repeated);
            if answer.records.is_empty() {
                // Its iterator leads back to where the answer comes from.
                self.place.lose_iterator();
                return Ok(Answer { records: Vec::new(), follows: Follows::More });
            }
        }
        let encoded = self.encode(&answer);
        if let Some(not_json) = encoded.first_not_json() {
            self.hint_at(not_json);
        }
        let last_read = answer.records.last().map(|record| Position::new(record.sequence_number()));
        self.report_gap(&answer);
        self.place.advance(last_read, answer.next_shard_iterator);

        let records_passed_on = encoded.records_len();
        let overhead = records_passed_on * RECORD_OVERHEAD_BYTES;
        self.appetite.learn(records_passed_on, encoded.unfiltered_len() + overhead, follows);
        if encoded.is_empty() {
            return Ok(Answer { records: Vec::new(), follows });
        }
        reservation.resize(encoded.len() + overhead);
        let records = encoded.into_records(|page| share(page, reservation));
        Ok(Answer { records, follows })
    }

    /// How many records at the beginning of the answer were read before.
    fn count_repeated(&mut self, answer: &GetRecordsOutput) -> Result<usize, &'static str> {
        let numbers: Vec<&str> = answer.records.iter().map(|record| record.sequence_number()).collect();
        if numbers.contains(&"") {
            return Err("a record has no sequence number");
        }
        self.succession.take(&numbers).map_err(|Foreign| "its records belong to another shard")
    }

    fn encode(&mut self, answer: &GetRecordsOutput) -> EncodedPage {
        let Self { place, encoder, stream, .. } = self;
        let records = answer.records.iter().filter_map(|record| {
            // Every record has a time of arrival; one without must at least not look expired.
            let arrival = record.approximate_arrival_timestamp().map_or_else(|| stream.clock.now(), moment);
            place.admits(arrival).then(|| KinesisRecord {
                sequence_number: record.sequence_number(),
                partition_key: record.partition_key(),
                data: record.data().as_ref(),
                arrival,
            })
        });
        let data_len = answer.records.iter().map(|record| record.data().as_ref().len()).sum();
        encoder.encode(records, data_len)
    }

    /// Once for a mapping: what the payload should be is the same mistake in every shard.
    fn hint_at(&self, NotJson { position, is_json_in_base64 }: &NotJson) {
        if self.stream.is_not_json_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        let (stream, shard) = (&self.stream.arn.name, &self.shard);
        let hint = match is_json_in_base64 {
            true => "the payload is JSON in base64: put the JSON itself, because the SDK encodes it",
            false => "AWS filters out such records, too",
        };
        tracing::warn!(
            %stream, %shard, sequence_number = %position, json_in_base64 = is_json_in_base64, hint,
            "filtered out a record: its payload is not a JSON object, which the FilterCriteria require"
        );
    }

    fn report_gap(&mut self, answer: &GetRecordsOutput) {
        let Some(first) = answer.records.first() else { return };
        if let Some(position) = self.place.take_trimmed_at() {
            tracing::warn!(
                stream = %self.stream.arn.name, shard = %self.shard, after = %position,
                before = first.sequence_number(), "records between these positions were lost to retention"
            );
        }
    }
}

/// The page's memory, with its share of the budget: both live as long as any of its records.
fn share(page: Vec<u8>, reservation: Reservation) -> Bytes {
    struct PageMemory {
        bytes: Vec<u8>,
        _reservation: Reservation,
    }
    impl AsRef<[u8]> for PageMemory {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    Bytes::from_owner(PageMemory { bytes: page, _reservation: reservation })
}

/// What comes after a page. An empty page in mid-stream is not the end of the backlog (specification 2.3).
///
/// Servers other than AWS may always claim to be caught up: there, any record is reason to look again at once.
pub(super) fn what_follows(
    answer: &GetRecordsOutput,
    shard: &ShardId,
    limit: usize,
    endpoint: EndpointKind,
) -> Follows {
    if answer.next_shard_iterator().is_none_or(str::is_empty) {
        let mut children = answer.child_shards().iter();
        let is_child =
            |child: &ChildShard| child.parent_shards().iter().any(|parent| parent == shard.as_str());
        return Follows::NoPlace { names_children: children.any(is_child) };
    }
    let is_behind = answer.millis_behind_latest.unwrap_or_default() > 0;
    let is_full = answer.records.len() >= limit;
    let may_be_behind = !answer.records.is_empty() && endpoint != EndpointKind::Aws;
    if is_behind || is_full || may_be_behind { Follows::More } else { Follows::CaughtUp }
}
