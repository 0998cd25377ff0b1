//! Batches that failed in an earlier life of the shard, while their records come again.
//!
//! In: what the checkpoint keeps of such batches, and records as they are read. Out: which batch a record belongs to. The records of
//! a batch come again in order, perhaps not all of them: a stream may have lost or compacted some.

use crate::record::Record;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is kept of a batch that failed: whoever goes on with the shard tries the same records, with the attempts that are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBatch {
    /// Fingerprints of its records, in order.
    pub records: Arc<[u64]>,
    /// How often the function failed with it. 0: the rest of a batch that was split, or of which a part succeeded.
    pub attempts: u32,
    /// When the first attempt with these records, perhaps among others, ended without success.
    pub first_failed_at: Timestamp,
}

/// The batches of the checkpoint that no lane has yet.
#[derive(Debug, Default)]
pub(crate) struct Unclaimed {
    batches: BTreeMap<usize, KeptBatch>,
    /// The batch of each of their records.
    places: BTreeMap<u64, usize>,
}

/// A batch of which a lane has the records that came so far.
#[derive(Debug)]
pub(crate) struct Again {
    kept: KeptBatch,
    /// Those that did not come yet.
    missing: BTreeSet<u64>,
    records: Vec<Record>,
    /// No more comes.
    is_over: bool,
}

impl Unclaimed {
    pub(crate) fn new(kept: &[KeptBatch]) -> Self {
        let batches: BTreeMap<usize, KeptBatch> = kept.iter().cloned().enumerate().collect();
        let of = |(place, batch): (&usize, &KeptBatch)| {
            let place = *place;
            batch.records.iter().map(move |record| (*record, place)).collect::<Vec<_>>()
        };
        let places = batches.iter().flat_map(of).collect();
        Self { batches, places }
    }

    /// The batch that begins with this record, or of which this is the first record that still is there. It is claimed by that.
    pub(crate) fn claim(&mut self, record: &Record) -> Option<KeptBatch> {
        if self.batches.is_empty() {
            return None;
        }
        let place = self.places.get(&record.position().fingerprint())?;
        let batch = self.batches.remove(place)?;
        for record in &*batch.records {
            self.places.remove(record);
        }
        Some(batch)
    }

    /// Those that are left, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &KeptBatch> {
        self.batches.values()
    }

    /// Everything that there is was read: what did not come does not come.
    pub(crate) fn give_up(&mut self) {
        *self = Self::default();
    }
}

impl Again {
    pub(crate) fn new(kept: KeptBatch) -> Self {
        let missing = kept.records.iter().copied().collect();
        Self { kept, missing, records: Vec::new(), is_over: false }
    }

    /// Whether the record is one of the batch.
    pub(crate) fn takes(&self, record: &Record) -> bool {
        self.missing.contains(&record.position().fingerprint())
    }

    /// A record of the batch. After the last one, no more comes.
    pub(crate) fn push(&mut self, record: Record) {
        let fingerprint = record.position().fingerprint();
        self.missing.remove(&fingerprint);
        self.is_over |= self.kept.records.last() == Some(&fingerprint);
        self.records.push(record);
    }

    /// What did not come does not come.
    pub(crate) fn read_all(&mut self) {
        self.is_over = true;
    }

    /// Whether every record is there that will come.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_over
    }

    pub(crate) fn kept(&self) -> &KeptBatch {
        &self.kept
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn into_parts(self) -> (KeptBatch, Vec<Record>) {
        (self.kept, self.records)
    }
}
