//! A small honest stream: shards that split and merge, records that arrive, age and are trimmed. It can be deleted and made again.

use crate::common::Looks;
use pelton_core::Timestamp;
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::ShardStart;
use pelton_core::stream::{ListedShard, ShardId};
use pelton_core::stream::{StreamDescription, StreamStatus};
use std::time::Duration;

/// A stream, with a clock of its own that never goes back.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) now: Timestamp,
    pub(crate) retention: Duration,
    pub(crate) shards: Vec<Shard>,
    /// When it was made, and whether it was deleted since.
    pub(crate) created: Timestamp,
    pub(crate) is_deleted: bool,
    /// How many shards it has when it is made.
    shards_at_first: usize,
    /// What it said of itself before it was made again.
    pub(crate) before: Option<StreamDescription>,
    /// Records are numbered through all shards of all streams of its name, from 1.
    next_number: u64,
}

/// A shard of the stream.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) id: ShardId,
    pub(crate) parents: Vec<ShardId>,
    pub(crate) is_open: bool,
    /// Whether the stream still lists it, and since when it does.
    pub(crate) is_listed: bool,
    listed_from: Timestamp,
    pub(crate) closed_at: Timestamp,
    pub(crate) records: Vec<Record>,
}

/// What a read brings.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) numbers: Vec<u64>,
    pub(crate) follows: Follows,
}

/// A record of the stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    pub(crate) number: u64,
    pub(crate) arrival: Timestamp,
    bytes: usize,
    key: u64,
    is_filtered: bool,
    pub(crate) is_trimmed: bool,
}

impl Stream {
    pub(crate) fn new(now: Timestamp, retention: Duration, shards: usize) -> Self {
        let (created, shards_at_first) = (now, shards);
        let mut stream = Self {
            now,
            retention,
            shards: Vec::new(),
            created,
            is_deleted: false,
            shards_at_first,
            before: None,
            next_number: 1,
        };
        (0..shards).for_each(|_| stream.add_shard(Vec::new(), Duration::ZERO));
        stream
    }

    /// A stream of the same name, without any of the records, whose shards have the same names.
    pub(crate) fn make_again(&mut self) {
        self.before = Some(StreamDescription { status: StreamStatus::Active, ..self.describe() });
        // Never at the moment at which the one before was made.
        self.now = self.now.max(self.created.after(Duration::from_millis(1)));
        self.created = self.now;
        self.is_deleted = false;
        self.shards.clear();
        (0..self.shards_at_first).for_each(|_| self.add_shard(Vec::new(), Duration::ZERO));
    }

    pub(crate) fn describe(&self) -> StreamDescription {
        let status = if self.is_deleted { StreamStatus::Deleting } else { StreamStatus::Active };
        let (created, retention) = (self.created, self.retention);
        StreamDescription { arn: "stream".to_owned(), created, retention, status }
    }

    /// The number of the record that is put next.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// It is listed after `delay`, and not before its parents.
    fn add_shard(&mut self, parents: Vec<ShardId>, delay: Duration) {
        let parents_from = parents.iter().map(|parent| self.shard(parent).listed_from).max();
        let listed_from = self.now.after(delay).max(parents_from.unwrap_or_default());
        let id = ShardId::new(&format!("shard-{}", self.shards.len()));
        let (is_open, is_listed, closed_at) = (true, true, Timestamp::default());
        self.shards.push(Shard {
            id,
            parents,
            is_open,
            is_listed,
            listed_from,
            closed_at,
            records: Vec::new(),
        });
    }

    pub(crate) fn open_shards(&self) -> Vec<usize> {
        (0..self.shards.len()).filter(|index| self.shards[*index].is_open).collect()
    }

    pub(crate) fn put(&mut self, shard: usize, looks: Looks) {
        let Looks { arrival, bytes, key, is_filtered } = looks;
        let number = self.next_number;
        let record = Record { number, arrival, bytes, key, is_filtered, is_trimmed: false };
        self.shards[shard].records.push(record);
        self.next_number += 1;
    }

    pub(crate) fn close(&mut self, shard: usize) {
        self.shards[shard].is_open = false;
        self.shards[shard].closed_at = self.now;
    }

    /// Its children are listed after `delay`.
    pub(crate) fn split(&mut self, shard: usize, delay: Duration) {
        self.close(shard);
        let parents = vec![self.shards[shard].id.clone()];
        self.add_shard(parents.clone(), delay);
        self.add_shard(parents, delay);
    }

    pub(crate) fn merge(&mut self, one: usize, other: usize, delay: Duration) {
        self.close(one);
        self.close(other);
        self.add_shard(vec![self.shards[one].id.clone(), self.shards[other].id.clone()], delay);
    }

    /// Forgets records that are older than the retention, and closed shards of which nothing is left. Returns how many
    /// records.
    pub(crate) fn trim(&mut self) -> usize {
        let (now, retention) = (self.now, self.retention);
        let mut trimmed = 0;
        for shard in &mut self.shards {
            for record in shard.records.iter_mut().filter(|record| !record.is_trimmed) {
                record.is_trimmed = now.since(record.arrival) > retention;
                trimmed += usize::from(record.is_trimmed);
            }
            let is_empty = shard.records.iter().all(|record| record.is_trimmed);
            let is_old = !shard.is_open && now.since(shard.closed_at) > retention;
            shard.is_listed &= !(is_empty && is_old);
        }
        trimmed
    }

    pub(crate) fn list(&self) -> Vec<ListedShard> {
        let listed = self.shards.iter().filter(|shard| shard.is_listed && shard.listed_from <= self.now);
        listed
            .map(|shard| ListedShard {
                id: shard.id.clone(),
                parents: shard.parents.clone(),
                is_open: shard.is_open,
            })
            .collect()
    }

    pub(crate) fn has_shard(&self, id: &ShardId) -> bool {
        self.shards.iter().any(|shard| shard.id == *id)
    }

    pub(crate) fn shard(&self, id: &ShardId) -> &Shard {
        self.shards.iter().find(|shard| shard.id == *id).expect("a shard of this stream")
    }
}

impl Shard {
    /// The number at which reading from `start` begins.
    pub(crate) fn cursor(&self, start: ShardStart) -> u64 {
        match start {
            ShardStart::TrimHorizon => 0,
            ShardStart::AtTimestamp(from) | ShardStart::AfterLatest(from) => {
                let index = self.records.partition_point(|record| record.arrival < from);
                let past_the_end = self.records.last().map_or(0, |last| last.number + 1);
                self.records.get(index).map_or(past_the_end, |record| record.number)
            }
        }
    }

    /// At most `records_max` of the records that are left from `cursor` on, and what follows.
    pub(crate) fn read(&self, cursor: u64, records_max: usize) -> Read {
        let mut left = self.records.iter().filter(|record| record.number >= cursor && !record.is_trimmed);
        let numbers: Vec<u64> = left.by_ref().take(records_max).map(|record| record.number).collect();
        let follows = match (left.next().is_some(), self.is_open) {
            (true, _) => Follows::More,
            (false, true) => Follows::CaughtUp,
            // Some servers do not name the children.
            (false, false) => Follows::NoPlace { names_children: numbers.len() % 2 == 1 },
        };
        Read { numbers, follows }
    }

    /// The records with these numbers.
    pub(crate) fn records(&self, numbers: &[u64]) -> Vec<pelton_core::Record> {
        let of = |number| {
            let index = self.records.partition_point(|record| record.number < number);
            let Record { arrival, bytes, key, is_filtered, .. } = self.records[index];
            Looks { arrival, bytes, key, is_filtered }
        };
        crate::common::records(numbers, of)
    }
}
