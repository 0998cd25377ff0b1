//! A batch at hand: what was tried with it, and how it is divided.

use super::WindowInvocation;
use crate::batch::Batch;
use crate::giving_up::{Failure, FailureId, GiveUp};
use crate::invocation::Reached;
use crate::record::Record;
use crate::shard::again::KeptBatch;
use crate::shard::failing::AttemptError;
use crate::time::Timestamp;
use std::sync::Arc;

/// A batch at hand.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) batch: Arc<Batch>,
    pub(super) task: Task,
    /// How often the function failed with it.
    pub(super) attempts: u32,
    /// The last invocation with these records, perhaps among others, that reached the function and failed.
    pub(super) last_reached: Option<Reached>,
    /// The last attempt with these records, perhaps among others, if it did not succeed.
    pub(super) last_failed: Option<LastFailed>,
    /// It is the last invocation of its window, and without records.
    pub(super) last_of_window: Option<LastOfWindow>,
}

/// What is to be done with a batch, or is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Its first invocation, which has not started.
    Try,
    /// An invocation, which has started, or follows one that started with these records, perhaps among others. That one may not
    /// have reached the function.
    TryAgain,
    /// A delivery: the records are given up.
    HandOver {
        reason: GiveUp,
        /// How often the delivery failed.
        failed: u32,
    },
}

impl Task {
    /// The first delivery of records that are given up for this reason.
    pub(super) fn hand_over(reason: GiveUp) -> Self {
        Self::HandOver { reason, failed: 0 }
    }
}

/// An attempt that did not succeed.
#[derive(Clone, Debug)]
pub(super) struct LastFailed {
    /// When the first one of them ended.
    pub(super) first_at: Timestamp,
    pub(super) error: Arc<AttemptError>,
    pub(super) request_id: Option<Arc<str>>,
}

/// The last invocation of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastOfWindow {
    pub(super) invocation: WindowInvocation,
    /// When the window ended; its age counts from here.
    pub(super) end: Timestamp,
}

impl Work {
    pub(super) fn new(batch: Batch) -> Self {
        Self {
            batch: Arc::new(batch),
            task: Task::Try,
            attempts: 0,
            last_reached: None,
            last_failed: None,
            last_of_window: None,
        }
    }

    /// The same, after what an earlier life did with these records. If they have no attempt left, they are given up.
    pub(super) fn after(self, kept: &KeptBatch, attempts_max: Option<u32>) -> Self {
        let is_exhausted = attempts_max.is_some_and(|max| kept.attempts > max);
        let task = match self.task {
            Task::Try if is_exhausted => Task::hand_over(GiveUp::RetriesExhausted),
            Task::Try | Task::TryAgain => Task::TryAgain,
            given_up @ Task::HandOver { .. } => given_up,
        };
        let error = Arc::new(AttemptError::Earlier);
        let last_failed = Some(LastFailed { first_at: kept.first_failed_at, error, request_id: None });
        Self { task, attempts: kept.attempts, last_failed, ..self }
    }

    /// What is kept of it, if it failed.
    pub(super) fn kept(&self) -> Option<KeptBatch> {
        let first_failed_at = self.last_failed.as_ref()?.first_at;
        let records = self.batch.records().iter().map(|record| record.position().fingerprint()).collect();
        Some(KeptBatch { records, attempts: self.attempts, first_failed_at })
    }

    /// An attempt with it did not succeed.
    pub(super) fn failed(&mut self, error: AttemptError, request_id: Option<Arc<str>>, now: Timestamp) {
        let first_at = self.last_failed.as_ref().map_or(now, |failed| failed.first_at);
        self.last_failed = Some(LastFailed { first_at, error: Arc::new(error), request_id });
    }

    /// Why it is given up, if it is.
    pub(super) fn given_up(&self) -> Option<GiveUp> {
        match self.task {
            Task::HandOver { reason, .. } => Some(reason),
            Task::Try | Task::TryAgain => None,
        }
    }

    /// The delivery of this work, given up for `reason`.
    pub(super) fn failure(&self, id: FailureId, reason: GiveUp) -> Failure {
        let (batch, last_reached) = (Arc::clone(&self.batch), self.last_reached.clone());
        Failure { id, batch, reason, attempts: self.attempts, last_reached }
    }

    /// Whether any of the records, or else the window that ends with this, is old by its time. The end of a window is tried
    /// once however late it is: its state is all that is left of records that succeeded.
    pub(super) fn has_old(&self, is_old: impl Fn(Aged<'_>) -> bool) -> bool {
        let is_window_old = self.task == Task::TryAgain
            && self.last_of_window.is_some_and(|last| is_old(Aged::Window { end: last.end }));
        is_window_old || self.batch.records().iter().any(|record| is_old(Aged::Record(record)))
    }

    /// The old records, of which there are some, and the others if there are any. Both keep their history.
    pub(super) fn divide(self, is_old: impl Fn(Aged<'_>) -> bool) -> (Work, Option<Work>) {
        let records = self.batch.records().iter().cloned();
        let (old, rest): (Vec<Record>, Vec<Record>) =
            records.partition(|record| is_old(Aged::Record(record)));
        if rest.is_empty() {
            return (self, None);
        }
        (self.with_records(old), Some(self.with_records(rest)))
    }

    /// Both halves of a batch of more than one record, the first one first. Each has all its attempts before it.
    pub(super) fn halves(&self) -> (Work, Work) {
        let (first, second) = self.batch.records().split_at(self.batch.records().len() / 2);
        let half = |records: &[Record]| Work { attempts: 0, ..self.with_records(records.to_vec()) };
        (half(first), half(second))
    }

    /// What is left once all records but those at these places succeeded: a batch with all its attempts before it. And the records
    /// that succeeded.
    pub(super) fn rest_of(&self, places: &[usize], reached: Reached) -> (Work, Vec<Record>) {
        let (mut left, mut succeeded) = (Vec::with_capacity(places.len()), Vec::new());
        for (place, record) in self.batch.records().iter().enumerate() {
            let is_left = places.get(left.len()) == Some(&place);
            (if is_left { &mut left } else { &mut succeeded }).push(record.clone());
        }
        let rest = Work { attempts: 0, last_reached: Some(reached), ..self.with_records(left) };
        (rest, succeeded)
    }

    fn with_records(&self, records: Vec<Record>) -> Work {
        Work { batch: Arc::new(Batch::new(records, self.batch.envelope().clone())), ..self.clone() }
    }
}

/// What may be too old.
#[derive(Clone, Copy)]
pub(super) enum Aged<'a> {
    Record(&'a Record),
    Window { end: Timestamp },
}

impl Aged<'_> {
    /// From when its age counts.
    pub(super) fn begun(self) -> Timestamp {
        match self {
            Self::Record(record) => record.arrival(),
            Self::Window { end } => end,
        }
    }

    /// Whether it is a record that a log which begins at this offset does not hold any more.
    pub(super) fn is_below(self, log_start: u64) -> bool {
        match self {
            Self::Record(record) => {
                log_start > 0 && record.position().offset().is_some_and(|offset| offset < log_start)
            }
            Self::Window { .. } => false,
        }
    }
}
