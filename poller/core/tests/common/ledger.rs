//! What became of every record: the tests' own books, kept apart from those of the shard.

use super::{Fetched, Owed, number_of};
use pelton_core::{
    Batch, Checkpoint, Counts, Failure, FetchError, GiveUp, Invocation, Outcome, Policy, Record, ShardView,
    Then, Timestamp,
};
use std::ops::Range;

/// A record that the shard accepted in this life.
#[derive(Debug)]
struct Entry {
    record: Record,
    number: u64,
    /// Invocations that were tried with it, and those that reached the function and failed.
    tries: u32,
    failures: u32,
    is_settled: bool,
}

/// The books of one life of a shard.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) policy: Policy,
    pub(crate) is_draining: bool,
    /// What was kept last.
    pub(crate) kept: Checkpoint,
    entries: Vec<Entry>,
    /// The entries below are settled, and those below are kept.
    settled_below: usize,
    kept_below: usize,
    /// The batch that was cut last.
    batch: Range<usize>,
    is_read_to_end: bool,
    save_is_failing: bool,
    counts: Counts,
}

impl Ledger {
    pub(crate) fn new(policy: &Policy, kept: Checkpoint) -> Self {
        Self {
            policy: policy.clone(),
            is_draining: false,
            kept,
            entries: Vec::new(),
            settled_below: 0,
            kept_below: 0,
            batch: 0..0,
            is_read_to_end: false,
            save_is_failing: false,
            counts: Counts::default(),
        }
    }

    /// Whether everything that is settled is kept.
    pub(crate) fn is_all_kept(&self) -> bool {
        self.kept_below == self.settled_below && self.kept.ended == self.has_ended()
    }

    /// Whether there are records that are not settled.
    pub(crate) fn is_holding(&self) -> bool {
        self.settled_below < self.entries.len()
    }

    /// Whether a save failed and none succeeded since.
    pub(crate) fn is_stalled(&self) -> bool {
        self.save_is_failing
    }

    /// The numbers of the records that were settled in this life.
    pub(crate) fn settled(&self) -> impl Iterator<Item = u64> {
        self.entries.iter().filter(|entry| entry.is_settled).map(|entry| entry.number)
    }

    /// The numbers of the records that were invoked or settled in this life, and will be again in the next if this one
    /// ends now.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = u64> {
        let touched = |entry: &&Entry| entry.is_settled || entry.tries > 0;
        self.entries[self.kept_below..].iter().filter(touched).map(|entry| entry.number)
    }

    fn has_ended(&self) -> bool {
        self.is_read_to_end && !self.is_holding()
    }

    fn unsettled(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| !entry.is_settled)
    }

    pub(crate) fn has_room(&self) -> bool {
        !self.is_read_to_end
            && self.unsettled().count() < self.policy.read_ahead_records_max
            && self.unsettled().map(|entry| entry.record.encoded_len()).sum::<usize>()
                < self.policy.read_ahead_bytes_max
    }

    /// Whether what is held might grow if one waits.
    pub(crate) fn is_gathering(&self) -> bool {
        let count = self.unsettled().count();
        let bytes = self.unsettled().map(|entry| entry.record.encoded_len()).sum();
        let event_len = self.policy.envelope.event_len(count, bytes);
        self.has_room() && count < self.policy.batch_size && event_len <= self.policy.event_bytes_max
    }

    pub(crate) fn fetched(&mut self, answer: &Fetched) {
        match answer {
            _ if self.is_draining => {}
            Ok(page) => {
                self.counts.polled += page.records.len() as u64;
                self.is_read_to_end = page.then == Then::ShardEnd;
                self.entries.extend(page.records.iter().map(|record| Entry {
                    record: record.clone(),
                    number: number_of(record.position()),
                    tries: 0,
                    failures: 0,
                    is_settled: false,
                }));
            }
            Err(FetchError::Cancelled) => {}
            Err(FetchError::Throttled | FetchError::Unavailable) => self.counts.fetch_errors += 1,
        }
    }

    pub(crate) fn invoked(&mut self, invocation: &Invocation, outcome: &Outcome) {
        let records = invocation.batch.records().len() as u64;
        match outcome {
            Outcome::Succeeded { .. } => {
                self.counts.succeeded += records;
                self.settle(&invocation.batch);
            }
            Outcome::FunctionFailed { .. } => {
                self.counts.function_errors += 1;
                self.counts.failed += records;
                for index in self.indices(&invocation.batch) {
                    self.entries[index].failures += 1;
                }
            }
            Outcome::Throttled => self.counts.throttles += 1,
            Outcome::NotInvoked { .. } => self.counts.not_invoked += 1,
        }
    }

    pub(crate) fn failure_sent(&mut self, failure: &Failure) {
        self.settle(&failure.batch);
    }

    fn settle(&mut self, batch: &Batch) {
        for index in self.indices(batch) {
            assert!(!self.entries[index].is_settled, "I2: a record is settled once");
            self.entries[index].is_settled = true;
        }
        while self.entries.get(self.settled_below).is_some_and(|entry| entry.is_settled) {
            self.settled_below += 1;
        }
    }

    pub(crate) fn saved(&mut self, checkpoint: Checkpoint, is_kept: bool) {
        self.save_is_failing = !is_kept;
        if is_kept {
            self.kept_below = self.place_after(&checkpoint);
            self.kept = checkpoint;
        } else {
            self.counts.save_errors += 1;
        }
    }

    pub(crate) fn check_fetch(&self, records_max: usize) {
        assert!(!self.is_draining && !self.save_is_failing, "nothing is read while draining or stalled");
        assert!(!self.is_read_to_end, "nothing is read after the end");
        assert!(self.has_room(), "I4: nothing is read beyond the bounds");
        let held = self.unsettled().count();
        assert!(records_max > 0 && records_max <= self.policy.fetch_records_max, "I4: {records_max}");
        assert!(held + records_max <= self.policy.read_ahead_records_max, "I4: {held} and {records_max}");
    }

    /// Returns whether this is the first invocation with these records.
    pub(crate) fn check_invoke(&mut self, invocation: &Invocation, now: Timestamp) -> bool {
        let batch = &invocation.batch;
        self.check_may_start();
        self.check_event(batch);
        assert!(batch.records().len() <= self.policy.batch_size, "I4: no batch exceeds BatchSize");
        assert!(batch.event_len() <= self.policy.event_bytes_max, "I4: no event exceeds its limit");
        let indices = self.indices(batch);
        let is_first = self.entries[indices[0]].tries == 0;
        let has_failed = self.entries[indices[0]].failures > 0;
        if is_first {
            self.check_cut(&indices);
            self.batch = indices[0]..indices[0] + indices.len();
        } else {
            let rest: Vec<usize> =
                self.batch.clone().filter(|index| !self.entries[*index].is_settled).collect();
            assert_eq!(indices, rest, "I1: a retry is of the whole rest of its batch");
            assert!(
                !indices.iter().any(|index| self.is_expired(*index, now)),
                "I5: what expired is not retried"
            );
        }
        for index in indices {
            let entry = &mut self.entries[index];
            assert_eq!(entry.tries == 0, is_first, "I1: the records of a batch share their fate");
            assert_eq!(
                invocation.attempt,
                entry.failures + 1,
                "I5: an attempt is one that reached the function"
            );
            entry.tries += 1;
        }
        self.counts.invocations += 1;
        self.counts.retries += u64::from(has_failed);
        self.counts.invoked += batch.records().len() as u64;
        is_first
    }

    /// A first batch begins at the first unsettled record, and holds all that is there and fits.
    fn check_cut(&self, indices: &[usize]) {
        let end = indices[0] + indices.len();
        assert_eq!(indices[0], self.settled_below, "I1: every earlier record is settled");
        assert!(indices.iter().copied().eq(indices[0]..end), "I1: a batch leaves nothing out");
        let Some(next) = self.entries.get(end) else { return };
        let bytes: usize = self.entries[indices[0]..end].iter().map(|entry| entry.record.encoded_len()).sum();
        let event_len = self.policy.envelope.event_len(indices.len() + 1, bytes + next.record.encoded_len());
        let is_full = indices.len() == self.policy.batch_size || event_len > self.policy.event_bytes_max;
        assert!(is_full, "a batch takes what is there");
    }

    /// Whether waiting longer could have brought records into this batch.
    pub(crate) fn could_grow(&self, batch: &Batch) -> bool {
        let is_all = self.batch.end == self.entries.len();
        is_all && batch.records().len() < self.policy.batch_size && self.has_room()
    }

    pub(crate) fn check_failure(&mut self, failure: &Failure, now: Timestamp) {
        self.check_may_start();
        self.check_event(&failure.batch);
        let indices = self.indices(&failure.batch);
        assert!(indices.iter().all(|index| !self.entries[*index].is_settled), "I2: a record is settled once");
        assert_eq!(
            failure.attempts, self.entries[indices[0]].failures,
            "a failure says how often it was tried"
        );
        match failure.reason {
            GiveUp::Expired => {
                let expired: Vec<usize> = self
                    .batch
                    .clone()
                    .filter(|index| !self.entries[*index].is_settled && self.is_expired(*index, now))
                    .collect();
                assert_eq!(
                    indices, expired,
                    "only the expired records of a batch are given up, and all of them"
                );
                assert!(
                    indices.iter().all(|index| self.entries[*index].tries > 0),
                    "what was never tried is tried"
                );
                self.counts.expired += indices.len() as u64;
            }
            GiveUp::TooLarge => {
                assert_eq!(indices, [self.settled_below], "I1: every earlier record is settled");
                assert!(failure.batch.event_len() > self.policy.event_bytes_max, "only what is too large");
                assert_eq!(self.entries[indices[0]].tries, 0, "what is too large is not invoked");
                self.batch = indices[0]..indices[0] + 1;
                self.counts.too_large += 1;
            }
        }
    }

    pub(crate) fn check_save(&self, checkpoint: &Checkpoint) {
        assert!(*checkpoint != self.kept, "what is kept is not saved again");
        assert_eq!(self.place_after(checkpoint), self.settled_below, "I3: a checkpoint is what is settled");
        assert_eq!(
            checkpoint.ended,
            self.has_ended(),
            "I3: a shard has ended when everything in it is settled"
        );
    }

    pub(crate) fn check_view(&self, view: &ShardView, owed: &Owed) {
        let in_flight = owed.invocation.iter().map(|invocation| &invocation.batch);
        let in_flight: Vec<&Record> = in_flight
            .chain(owed.failure.iter().map(|failure| &failure.batch))
            .flat_map(|batch| batch.records())
            .collect();
        let held: Vec<&Record> = match self.is_draining {
            true => in_flight,
            false => self.unsettled().map(|entry| &entry.record).collect(),
        };
        let bytes_held: usize = held.iter().map(|record| record.encoded_len()).sum();
        assert_eq!(
            (view.records_held, view.bytes_held),
            (held.len(), bytes_held),
            "I4: what is held is counted"
        );
        assert_eq!(view.checkpoint, self.kept.position);
        assert_eq!(view.counts, self.counts);
        assert!(self.batch.start <= self.kept_below, "I8: only the last batch may be repeated");
    }

    fn check_may_start(&self) {
        assert!(!self.is_draining && !self.save_is_failing, "nothing starts while draining or stalled");
        assert_eq!(self.kept_below, self.settled_below, "I8: what is settled is kept before anything starts");
    }

    /// The body is what the records say, and its length is known. The envelope of these tests is `[` and `]`.
    fn check_event(&self, batch: &Batch) {
        let body = batch.body().concat();
        assert_eq!(batch.event_len(), body.len(), "I4: the length of an event is exact");
        let records: Vec<_> = batch.records().iter().map(Record::encoded).collect();
        let expected = [b"[", &records.join(&b","[..])[..], b"]"].concat();
        assert!(body == expected, "an event holds its records in order");
    }

    fn is_expired(&self, index: usize, now: Timestamp) -> bool {
        now.since(self.entries[index].record.arrival()) >= self.policy.retention
    }

    fn indices(&self, batch: &Batch) -> Vec<usize> {
        let index_of = |record: &Record| {
            let number = number_of(record.position());
            let index = self.entries.partition_point(|entry| entry.number < number);
            assert_eq!(
                self.entries[index].record.encoded(),
                record.encoded(),
                "a record stays as it was read"
            );
            index
        };
        let indices: Vec<usize> = batch.records().iter().map(index_of).collect();
        assert!(indices.is_sorted_by(|one, next| one < next), "I1: a batch is in order");
        indices
    }

    /// How many entries the checkpoint covers.
    fn place_after(&self, checkpoint: &Checkpoint) -> usize {
        let Some(position) = &checkpoint.position else { return 0 };
        let number = number_of(position);
        self.entries.partition_point(|entry| entry.number <= number)
    }
}
