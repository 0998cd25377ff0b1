//! Where a batch is cut: at BatchSize, at 6 MiB of event, and at the end of a tumbling window.

use super::Lane;
use super::windowed::Windowed;
use super::work::{Task, Work};
use crate::batch::{Batch, Envelope};
use crate::giving_up::GiveUp;
use crate::record::Record;
use crate::shard::again::Again;
use crate::shard::policy::Policy;

impl Lane {
    /// Whether the next batch cannot grow: BatchSize, the byte limit or the end of the window is reached.
    pub(super) fn is_full(&self, policy: &Policy) -> bool {
        self.waiting.len() >= policy.batch_size
            || self.waiting_event_len(policy) > policy.event_bytes_max
            || self.is_past_window(policy)
    }

    /// A batch that failed in an earlier life, as far as its records came again. What the limits of today cut off it is tried as
    /// if for the first time.
    pub(super) fn cut_again(&mut self, batch: Again, policy: &Policy) -> Work {
        let (kept, records) = batch.into_parts();
        let records_max = records.len().min(policy.batch_size);
        self.waiting_bytes += records.iter().map(Record::encoded_len).sum::<usize>();
        records.into_iter().rev().for_each(|record| self.waiting.push_front(record));
        self.cut(records_max, policy).after(&kept, policy.retry_attempts_max)
    }

    /// Cuts the next batch: up to so many records of one window, and no more bytes than an event may have (I4).
    pub(super) fn cut(&mut self, records_max: usize, policy: &Policy) -> Work {
        self.open_window(policy);
        let envelope = self.envelope(policy);
        let mut count = 0;
        let mut bytes = 0;
        for record in self.waiting.iter().take(records_max) {
            let is_too_much =
                envelope.event_len(count + 1, bytes + record.encoded_len()) > policy.event_bytes_max;
            if is_too_much || self.window.as_ref().is_some_and(|window| !window.open().takes(record)) {
                break;
            }
            count += 1;
            bytes += record.encoded_len();
        }
        if count == 0 && self.would_fit_into_fresh_window(policy) {
            return self.last_of_window();
        }
        let batch = Batch::new(self.waiting.drain(..count.max(1)).collect(), self.envelope(policy).clone());
        self.waiting_bytes -= batch.records().iter().map(Record::encoded_len).sum::<usize>();
        let task = if count == 0 { Task::hand_over(GiveUp::TooLarge) } else { Task::Try };
        Work { task, ..Work::new(batch) }
    }

    pub(super) fn envelope<'a>(&'a self, policy: &'a Policy) -> &'a Envelope {
        self.window.as_ref().map_or(&policy.envelope, Windowed::envelope)
    }
}
