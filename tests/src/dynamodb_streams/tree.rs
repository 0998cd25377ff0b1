//! The shards of one stream: a tree that rolls over by its script, and the records in it.
//!
//! In: the time, and changes. Out: shards as they are at that time. Never reads a clock: what the script planned for times that
//! have passed happens when [`Tree::advance`] is told the time.
//!
//! Every key belongs to exactly one leaf at a time. A child begins to accept records when its parent ends. Sequence numbers
//! therefore increase along the lineage and, for one key, over the whole tree.

use super::script::Script;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Sequence numbers have 21 digits or more, and a few records on they have one more digit: to compare them as texts is wrong.
const NUMBERS_BEGIN: u128 = 1_000_000_000_000_000_000_000 - 32 * NUMBERS_PER_RECORD;

/// From one record of a shard to the next. The place of the shard in the tree makes the difference between shards.
const NUMBERS_PER_RECORD: u128 = 100_000;

/// From the first number of a shard to that of its children.
const NUMBERS_PER_GENERATION: u128 = 1_000_000_000 * NUMBERS_PER_RECORD;

/// A tree of shards.
#[derive(Debug)]
pub(super) struct Tree {
    /// In the order in which they were made.
    shards: Vec<Shard>,
    rollovers: usize,
}

/// A shard.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) id: String,
    pub(super) parent: Option<String>,
    generation: u32,
    place: usize,
    keys: RangeInclusive<u64>,
    /// It accepts records from then on.
    opens: Duration,
    /// It accepts no more records from then on.
    closes: Option<Duration>,
    listed_from: Duration,
    has_children: bool,
    records: Vec<Kept>,
    trimmed: usize,
    /// Whether it vanished before its time.
    is_forgotten: bool,
}

/// A record of a shard.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) sequence_number: u128,
    pub(super) at: Duration,
    pub(super) record: Value,
}

impl Tree {
    /// A tree of roots only. `epoch` is the time since the Unix epoch at the fake's start.
    pub(super) fn new(script: &Script, now: Duration, epoch: Duration) -> Self {
        let mut tree = Self { shards: Vec::new(), rollovers: 0 };
        for keys in parts(&(0..=u64::MAX), script.shards_at_first) {
            tree.add(None, 0, keys, now, now, epoch);
        }
        tree
    }

    /// Does what the script planned until `now`.
    pub(super) fn advance(&mut self, script: &Script, now: Duration, epoch: Duration) {
        while let Some((shard, begun)) = self.next_rollover(script).filter(|(_, begun)| *begun <= now) {
            let rollover = script.rollover.as_ref().expect("rollovers are planned by the script");
            let leaves = self.shards.iter().filter(|shard| !shard.has_children).count();
            let children = rollover.children[self.rollovers % rollover.children.len()];
            self.rollovers += 1;
            let children = if leaves < rollover.leaves_max { children } else { 1 };
            self.roll_over(script, shard, children, begun, epoch);
        }
        for shard in &mut self.shards {
            let is_old = |kept: &Kept| now.saturating_sub(kept.at) >= script.records_trimmed_after;
            while shard.records.get(shard.trimmed).is_some_and(is_old) {
                shard.trimmed += 1;
            }
        }
    }

    fn next_rollover(&self, script: &Script) -> Option<(usize, Duration)> {
        let every = script.rollover.as_ref()?.every;
        let leaves = self.shards.iter().enumerate();
        let leaves = leaves.filter(|(_, shard)| !shard.has_children && shard.closes.is_none());
        leaves.map(|(number, shard)| (number, shard.opens + every)).min_by_key(|(_, begun)| *begun)
    }

    /// Begins the rollover of a shard at `begun`.
    pub(super) fn roll_over(
        &mut self,
        script: &Script,
        shard: usize,
        children: usize,
        begun: Duration,
        epoch: Duration,
    ) {
        let end = script.children_listed.parents_end(begun);
        let parent = &mut self.shards[shard];
        assert!(!parent.has_children && parent.closes.is_none(), "only an open leaf rolls over");
        parent.closes = Some(end);
        parent.has_children = true;
        let (id, generation, keys) = (parent.id.clone(), parent.generation + 1, parent.keys.clone());
        let listed_from = script.children_listed.listing(begun);
        for keys in parts(&keys, children) {
            self.add(Some(id.clone()), generation, keys, end, listed_from, epoch);
        }
    }

    fn add(
        &mut self,
        parent: Option<String>,
        generation: u32,
        keys: RangeInclusive<u64>,
        opens: Duration,
        listed_from: Duration,
        epoch: Duration,
    ) {
        let place = self.shards.len();
        assert!((place as u128) < NUMBERS_PER_RECORD, "the numbers of shards differ by their place");
        let made = (epoch + opens).as_millis();
        let mut hasher = DefaultHasher::new();
        (place, made).hash(&mut hasher);
        let id = format!("shardId-{made:020}-{:08x}", hasher.finish() >> 32);
        self.shards.push(Shard {
            id,
            parent,
            generation,
            place,
            keys,
            opens,
            closes: None,
            listed_from,
            has_children: false,
            records: Vec::new(),
            trimmed: 0,
            is_forgotten: false,
        });
    }

    /// The stream is disabled: no shard accepts records from now on, not even one that was to open later.
    pub(super) fn close(&mut self, now: Duration) {
        for shard in &mut self.shards {
            shard.opens = shard.opens.min(now);
            shard.closes = Some(shard.closes.map_or(now, |closes| closes.min(now)));
        }
    }

    /// The shard that accepts a change of this key now.
    pub(super) fn shard_of(&mut self, key: &str, now: Duration) -> &mut Shard {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        let accepts =
            |shard: &&mut Shard| shard.keys.contains(&hash) && shard.opens <= now && !shard.is_closed(now);
        self.shards.iter_mut().find(accepts).expect("the open shards together accept every key")
    }

    /// The shards, in the order in which they were made.
    pub(super) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The shard that gives this sequence number: the difference between the numbers of shards is their place.
    pub(super) fn shard_of_number(&self, number: u128) -> &Shard {
        let place = (number - NUMBERS_BEGIN) % NUMBERS_PER_RECORD;
        &self.shards[usize::try_from(place).expect("a place in the tree")]
    }

    /// The shards that DescribeStream lists now, in the order of their ids.
    pub(super) fn listed(&self, script: &Script, now: Duration) -> Vec<&Shard> {
        let is_listed = |shard: &&Shard| shard.listed_from <= now && !shard.has_vanished(script, now);
        let mut listed: Vec<_> = self.shards.iter().filter(is_listed).collect();
        listed.sort_by(|one, other| one.id.cmp(&other.id));
        listed
    }

    /// The place of a shard that is listed.
    pub(super) fn place_of(&self, script: &Script, id: &str, now: Duration) -> Option<usize> {
        self.listed(script, now).into_iter().find(|shard| shard.id == id).map(|shard| shard.place)
    }

    /// The oldest records of a shard are gone, so many of those that are left.
    pub(super) fn trim(&mut self, shard: usize, records: usize) {
        let shard = &mut self.shards[shard];
        shard.trimmed = (shard.trimmed + records).min(shard.records.len());
    }

    /// The first records of a shard are gone, if they were not before. How many went now.
    pub(super) fn trim_to(&mut self, shard: usize, first: usize) -> usize {
        let shard = &mut self.shards[shard];
        let more = first.min(shard.records.len()).saturating_sub(shard.trimmed);
        shard.trimmed += more;
        more
    }

    /// A closed shard is gone, if it was not before. Whether it went now.
    pub(super) fn forget(&mut self, script: &Script, shard: usize, now: Duration) -> bool {
        let shard = &mut self.shards[shard];
        let goes = shard.is_closed(now) && !shard.has_vanished(script, now);
        shard.is_forgotten |= goes;
        goes
    }
}

impl Shard {
    /// Whether it accepts no more records.
    pub(super) fn is_closed(&self, now: Duration) -> bool {
        self.closes.is_some_and(|closes| closes <= now)
    }

    /// Whether it is listed with its last sequence number.
    pub(super) fn is_listed_closed(&self, script: &Script, now: Duration) -> bool {
        self.closes.is_some_and(|closes| closes.saturating_add(script.ends_listed_after) <= now)
    }

    pub(super) fn has_vanished(&self, script: &Script, now: Duration) -> bool {
        let is_old = |closes: Duration| closes.saturating_add(script.closed_shards_vanish_after) <= now;
        self.is_forgotten || self.closes.is_some_and(is_old)
    }

    /// The number before all of its records.
    pub(super) fn starting_sequence_number(&self) -> u128 {
        self.number(0)
    }

    /// The number behind all of its records: that of the next one, and its last number once it is closed.
    pub(super) fn number_behind(&self) -> u128 {
        self.number(self.records.len() + 1)
    }

    fn number(&self, record: usize) -> u128 {
        NUMBERS_BEGIN
            + u128::from(self.generation) * NUMBERS_PER_GENERATION
            + record as u128 * NUMBERS_PER_RECORD
            + self.place as u128
    }

    pub(super) fn accept(&mut self, kept: Kept) {
        self.records.push(kept);
    }

    /// Everything that it ever accepted.
    pub(super) fn records(&self) -> &[Kept] {
        &self.records
    }

    /// The oldest number that a read may begin with.
    pub(super) fn trim_horizon(&self) -> u128 {
        match self.trimmed.checked_sub(1) {
            Some(last) => self.records[last].sequence_number + 1,
            None => self.starting_sequence_number(),
        }
    }

    /// The records from this number on. `None` if one of them is trimmed.
    pub(super) fn records_from(&self, number: u128) -> Option<&[Kept]> {
        let first = self.records.partition_point(|kept| kept.sequence_number < number);
        (first >= self.trimmed).then(|| &self.records[first..])
    }
}

/// Divides a range of keys into parts of the same size.
fn parts(keys: &RangeInclusive<u64>, count: usize) -> Vec<RangeInclusive<u64>> {
    let begin = u128::from(*keys.start());
    let len = u128::from(*keys.end()) - begin + 1;
    let edge = |part: usize| begin + len * part as u128 / count as u128;
    let key = |edge: u128| u64::try_from(edge).expect("it lies within the keys");
    (0..count).map(|part| key(edge(part))..=key(edge(part + 1) - 1)).collect()
}
