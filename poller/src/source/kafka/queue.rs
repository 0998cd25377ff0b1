//! Records of one partition on their way from the client's thread to the partition's reader.
//!
//! In: records as they come, in order. Out: the same, as many as the reader wants. What waits here counts in the budget; beyond a
//! limit the partition is to be paused, and below half of it resumed.

use crate::source::budget::{Account, Reservation};
use pelton_core::event::kafka::{KafkaHeader, KafkaRecord, KafkaTimestamp};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Most bytes that wait in one partition, however much room there is.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Fewest bytes at which a partition is paused.
const WAITING_BYTES_MIN: usize = 64 * 1024;
/// What a record takes beside its key, value and headers.
const RECORD_OVERHEAD_BYTES: usize = 100;

/// Name and value of a header.
pub(super) type RawHeader = (Box<str>, Option<Box<[u8]>>);

/// A record as it came.
#[derive(Clone, Debug)]
pub(super) struct RawRecord {
    pub(super) offset: i64,
    pub(super) timestamp: KafkaTimestamp,
    pub(super) key: Option<Box<[u8]>>,
    pub(super) value: Option<Box<[u8]>>,
    pub(super) headers: Vec<RawHeader>,
}

impl RawRecord {
    /// The same, as an event is made of it.
    pub(super) fn borrowed(&self) -> KafkaRecord<'_> {
        KafkaRecord {
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            key_schema: None,
            value: self.value.as_deref(),
            value_schema: None,
            headers: self
                .headers
                .iter()
                .map(|(key, value)| KafkaHeader { key, value: value.as_deref() })
                .collect(),
        }
    }

    /// About how many bytes of memory it takes.
    fn len(&self) -> usize {
        let len = |bytes: &Option<Box<[u8]>>| bytes.as_ref().map_or(0, |bytes| bytes.len());
        let headers: usize = self.headers.iter().map(|(key, value)| key.len() + len(value) + 40).sum();
        len(&self.key) + len(&self.value) + headers + RECORD_OVERHEAD_BYTES
    }
}

/// What a reader takes.
#[derive(Debug)]
pub(super) struct Taken {
    /// In order.
    pub(super) records: Vec<RawRecord>,
    /// Whether the partition was read to its end when the last of them came.
    pub(super) is_at_end: bool,
    /// The offset of the last record before a gap that retention left, if reading went on behind one.
    pub(super) lost_after: Option<u64>,
}

/// Records of one partition that wait for its reader.
pub(super) struct Queue {
    account: Account,
    waiting: Mutex<Waiting>,
    /// Told when there is something to take.
    arrived: Notify,
}

struct Waiting {
    records: VecDeque<RawRecord>,
    bytes: usize,
    reservation: Option<Reservation>,
    /// Records below it were taken in before.
    next_offset: i64,
    is_at_end: bool,
    /// The end was not told since it was reached.
    is_end_new: bool,
    lost_after: Option<u64>,
    is_paused: bool,
}

impl Queue {
    /// Of a partition that is read from this offset on.
    pub(super) fn new(account: Account, offset: i64) -> Self {
        let waiting = Waiting {
            records: VecDeque::new(),
            bytes: 0,
            reservation: None,
            next_offset: offset,
            is_at_end: false,
            is_end_new: false,
            lost_after: None,
            is_paused: false,
        };
        Self { account, waiting: Mutex::new(waiting), arrived: Notify::new() }
    }

    /// Takes records in. Whether the partition is to be paused now.
    pub(super) fn push(&self, records: impl IntoIterator<Item = RawRecord>) -> bool {
        let mut waiting = self.waiting();
        for record in records {
            if record.offset < waiting.next_offset {
                continue;
            }
            waiting.next_offset = record.offset + 1;
            waiting.bytes += record.len();
            waiting.records.push_back(record);
        }
        waiting.is_at_end = false;
        self.pay(&mut waiting);
        let is_full = waiting.bytes >= self.bytes_max() && !waiting.is_paused;
        waiting.is_paused |= is_full;
        drop(waiting);
        self.arrived.notify_one();
        is_full
    }

    /// Everything that was in the partition has come.
    pub(super) fn reached_end(&self) {
        let mut waiting = self.waiting();
        (waiting.is_at_end, waiting.is_end_new) = (true, true);
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Forgets what waits, and goes on from this offset, which is not the next one if `lost_after` is told. The partition is not to be
    /// paused any more.
    pub(super) fn restart(&self, offset: i64, lost_after: Option<u64>) {
        let mut waiting = self.waiting();
        waiting.records.clear();
        (waiting.bytes, waiting.next_offset, waiting.is_at_end) = (0, offset, false);
        // Nobody takes anything from an empty queue, and so nobody would resume it.
        waiting.is_paused = false;
        waiting.lost_after = lost_after.or(waiting.lost_after);
        self.pay(&mut waiting);
    }

    /// The offset of the next record that is handed out, or a lower one.
    pub(super) fn next_to_take(&self) -> i64 {
        let waiting = self.waiting();
        waiting.records.front().map_or(waiting.next_offset, |record| record.offset)
    }

    /// The offset that the next record to come has at least.
    pub(super) fn next_to_come(&self) -> i64 {
        self.waiting().next_offset
    }

    pub(super) fn is_paused(&self) -> bool {
        self.waiting().is_paused
    }

    /// Waits for records, or for the end of the partition to be reached, or for `patience`. Cancelling is safe.
    pub(super) async fn arrived(&self, patience: impl Future<Output = ()>) {
        let mut patience = std::pin::pin!(patience);
        loop {
            let arrived = self.arrived.notified();
            {
                let waiting = self.waiting();
                if !waiting.records.is_empty() || waiting.is_end_new {
                    return;
                }
            }
            tokio::select! {
                () = arrived => {}
                () = &mut patience => return,
            }
        }
    }

    /// How many of the next records there are, at most as many, and about how many bytes they take.
    pub(super) fn size_of_next(&self, records_max: usize) -> (usize, usize) {
        let waiting = self.waiting();
        match waiting.records.len() {
            records if records <= records_max => (records, waiting.bytes),
            _ => (records_max, waiting.records.iter().take(records_max).map(RawRecord::len).sum()),
        }
    }

    /// Whether everything that was in the partition has come, and was taken. Tells a reader that waits once.
    pub(super) fn is_read_to_its_end(&self) -> bool {
        let mut waiting = self.waiting();
        let is_at_end = waiting.records.is_empty() && waiting.is_at_end;
        waiting.is_end_new &= !is_at_end;
        is_at_end
    }

    /// Hands out at most as many records, of at most about as many bytes, but at least one. And whether the partition is to be
    /// resumed now.
    pub(super) fn take(&self, records_max: usize, bytes_max: usize) -> (Taken, bool) {
        let mut waiting = self.waiting();
        let mut taken = Vec::with_capacity(waiting.records.len().min(records_max));
        let mut bytes = 0;
        while taken.len() < records_max {
            let Some(next) = waiting.records.front() else { break };
            let len = next.len();
            if !taken.is_empty() && bytes + len > bytes_max {
                break;
            }
            bytes += len;
            taken.extend(waiting.records.pop_front());
        }
        waiting.bytes -= bytes;
        self.pay(&mut waiting);
        let is_at_end = waiting.records.is_empty() && waiting.is_at_end;
        waiting.is_end_new &= !is_at_end;
        let lost_after = if taken.is_empty() { None } else { waiting.lost_after.take() };
        let may_go_on = waiting.is_paused && waiting.bytes <= self.bytes_max() / 2;
        waiting.is_paused &= !may_go_on;
        (Taken { records: taken, is_at_end, lost_after }, may_go_on)
    }

    fn bytes_max(&self) -> usize {
        (self.account.fair_share() / 2).clamp(WAITING_BYTES_MIN, WAITING_BYTES_MAX)
    }

    /// What waits counts in the budget. It is here already: nobody can wait for room.
    fn pay(&self, waiting: &mut Waiting) {
        if waiting.bytes == 0 {
            waiting.reservation = None;
            return;
        }
        let bytes = waiting.bytes;
        match &mut waiting.reservation {
            Some(reservation) => reservation.resize(bytes),
            None => waiting.reservation = Some(self.account.reserve_in_any_case(bytes)),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
