//! Reads one partition.
//!
//! In: records as the client's thread took them in. Out: pages, encoded for invocation events, each within the process's budget.

use super::client::KafkaClient;
use super::queue::{Queue, RawRecord, Taken};
use crate::clock::Clock;
use crate::ports::{Answer, ReadFrom, ShardReader, SourceError};
use crate::source::budget::{Account, Reservation, Wanted};
use crate::source::page_memory::share;
use async_trait::async_trait;
use pelton_core::Position;
use pelton_core::event::kafka::KafkaEncoder;
use pelton_core::group::Partition;
use pelton_core::shard_end::Follows;
use std::sync::Arc;
use std::time::Duration;

/// How long a read waits for records before it says that there are none.
const PATIENCE: Duration = Duration::from_secs(1);
/// What a record takes in memory beside its bytes: its position and its place in the page.
const RECORD_OVERHEAD_BYTES: usize = 200;

/// Reads one partition.
pub(super) struct PartitionReader {
    client: Arc<KafkaClient>,
    partition: Partition,
    queue: Arc<Queue>,
    encoder: KafkaEncoder,
    account: Account,
    /// Records below it are not wanted.
    next_offset: i64,
    clock: Clock,
}

impl PartitionReader {
    pub(super) fn new(
        client: Arc<KafkaClient>,
        partition: Partition,
        queue: Arc<Queue>,
        encoder: KafkaEncoder,
        from: &ReadFrom,
        clock: &Clock,
    ) -> Self {
        let last_read = match from {
            ReadFrom::After(position) => position.offset(),
            ReadFrom::Latest { .. } | ReadFrom::Start(_) => None,
        };
        let next_offset =
            last_read.map_or(0, |last| i64::try_from(last).unwrap_or(i64::MAX).saturating_add(1));
        // Another reader may have taken what is wanted here.
        if queue.next_to_take() > next_offset && last_read.is_some() {
            client.read_again(partition, next_offset.unsigned_abs());
        }
        let account = client.account();
        Self { client, partition, queue, encoder, account, next_offset, clock: clock.clone() }
    }

    fn wanted(&self, records_max: usize) -> Option<Wanted> {
        let (records, bytes) = self.queue.size_of_next(records_max);
        let page = encoded_len(bytes) + records * RECORD_OVERHEAD_BYTES;
        (records > 0).then(|| Wanted { page, first_page: page.min(self.account.fair_share()) })
    }

    fn page(&mut self, taken: Taken, mut reservation: Reservation) -> Answer {
        let Taken { records, is_at_end, lost_after } = taken;
        let follows = if is_at_end { Follows::CaughtUp } else { Follows::More };
        let wanted = records.iter().filter(|record| record.offset >= self.next_offset);
        let borrowed: Vec<_> = wanted.map(RawRecord::borrowed).collect();
        let lost_after = lost_after.map(|offset| Position::new(offset.to_string()));
        let Some(last) = borrowed.last() else {
            return Answer { records: Vec::new(), follows, lost_after };
        };
        self.next_offset = last.offset + 1;
        let payload_len = borrowed.iter().map(pelton_core::event::kafka::KafkaRecord::payload_len).sum();
        let encoded = self.encoder.encode(borrowed, payload_len);
        if encoded.is_empty() {
            return Answer { records: Vec::new(), follows, lost_after };
        }
        reservation.resize(encoded.len() + encoded.records_len() * RECORD_OVERHEAD_BYTES);
        let records = encoded.into_records(|page| share(page, reservation));
        Answer { records, follows, lost_after }
    }
}

#[async_trait]
impl ShardReader for PartitionReader {
    async fn next(&mut self, records_max: usize) -> Result<Answer, SourceError> {
        self.queue.arrived(self.clock.sleep(PATIENCE)).await;
        let Some(wanted) = self.wanted(records_max) else {
            let follows = if self.queue.is_read_to_its_end() { Follows::CaughtUp } else { Follows::More };
            return Ok(Answer { records: Vec::new(), follows, lost_after: None });
        };
        let reservation = self.account.reserve(wanted).await;
        // From here on nothing waits: what is taken is handed out.
        let (taken, may_go_on) = self.queue.take(records_max, raw_len(reservation.bytes()));
        if may_go_on {
            self.client.resume(self.partition);
        }
        Ok(self.page(taken, reservation))
    }
}

/// About how many bytes of an event so many bytes become: base64, and names.
fn encoded_len(bytes: usize) -> usize {
    bytes.saturating_mul(3) / 2
}

fn raw_len(bytes: usize) -> usize {
    bytes / 3 * 2
}
