//! The lanes of a shard: as many as ParallelizationFactor says, and which record goes into which.
//!
//! In: records in order. Out: lanes. Records with the same key are never in two lanes at once, so each key stays in order
//! (specification 3.2). AWS does not say how it spreads keys: here, a key of which nothing is held goes to the lane that
//! holds least, so that a few hot keys do not share one lane by chance.

use super::again::{Again, KeptBatch, Unclaimed};
use super::checkpoint::{Checkpoint, Version};
use super::failing::FailingBatch;
use super::lane::Lane;
use super::policy::Policy;
use crate::giving_up::FailureId;
use crate::invocation::InvocationId;
use crate::record::{Ordinal, Record};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::hash::BuildHasherDefault;
use std::sync::Arc;

/// By keys, which are many and come and go with every record.
#[expect(
    clippy::disallowed_types,
    reason = "nobody asks for its order, and its hashes are the same in every run"
)]
type ByKey<T> = std::collections::HashMap<u64, T, BuildHasherDefault<DefaultHasher>>;

/// The lanes of a shard.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// Records held by each lane.
    held: Vec<usize>,
    /// The keys of which records are held, or were settled and are not kept as settled. Not looked at where there is one lane.
    keys: ByKey<KeyHeld>,
    /// Keys of which nothing was held any more, each with the version of the checkpoint in which that is so.
    free: VecDeque<(Version, u64)>,
    /// What an earlier life kept of batches that failed.
    unclaimed: Unclaimed,
}

#[derive(Debug)]
struct KeyHeld {
    lane: usize,
    records: usize,
    /// The version of the checkpoint in which its last record is settled, once none is held.
    free_in: Version,
}

impl Lanes {
    pub(crate) fn new(kept: &Checkpoint, policy: &Policy, now: Timestamp) -> Self {
        let lanes: Vec<Lane> =
            (0..policy.parallelization_factor).map(|_| Lane::new(kept.window.clone(), policy, now)).collect();
        let unclaimed = Unclaimed::new(if policy.keeps_attempts { &kept.failing } else { &[] });
        let (keys, free) = (ByKey::default(), VecDeque::new());
        Self { held: vec![0; lanes.len()], lanes, keys, free, unclaimed }
    }

    pub(crate) fn push(&mut self, record: Record) {
        let claimed = self.unclaimed.claim(&record);
        let awaiting = self.lanes.iter().position(|lane| lane.awaits(&record));
        let lane = self.take_in(record.key(), awaiting);
        self.held[lane] += 1;
        if let Some(batch) = claimed {
            self.lanes[lane].claim(Again::new(batch));
        }
        self.lanes[lane].push(record);
    }

    /// The lane of this key. A key of which nothing is held goes to the lane that awaits its record, if there is one.
    fn take_in(&mut self, key: u64, awaiting: Option<usize>) -> usize {
        if self.lanes.len() == 1 {
            return 0;
        }
        let least_held = || (0..self.held.len()).min_by_key(|lane| self.held[*lane]).unwrap_or(0);
        let new = || KeyHeld { lane: awaiting.unwrap_or_else(least_held), records: 0, free_in: 0 };
        let key = self.keys.entry(key).or_insert_with(new);
        key.records += 1;
        key.lane
    }

    /// Records of this lane are settled in this version of the checkpoint. A key of which no more are held is free to go
    /// elsewhere once that is kept: else a crash could bring the settled ones after a later one.
    pub(crate) fn settled(&mut self, lane: usize, records: &[Record], version: Version) {
        self.held[lane] -= records.len();
        if self.lanes.len() == 1 {
            return;
        }
        for record in records {
            let key = self.keys.get_mut(&record.key()).expect("a record that is held has its key counted");
            key.records -= 1;
            if key.records == 0 {
                key.free_in = version;
                self.free.push_back((version, record.key()));
            }
        }
    }

    /// This version of the checkpoint is kept.
    pub(crate) fn kept(&mut self, kept: Version) {
        while let Some((_, key)) = self.free.pop_front_if(|(version, _)| *version <= kept) {
            if let Entry::Occupied(key) = self.keys.entry(key)
                && key.get().records == 0
                && key.get().free_in <= kept
            {
                key.remove();
            }
        }
    }

    /// Everything that there is was read: no more comes of batches that failed in an earlier life.
    pub(crate) fn read_all(&mut self) {
        self.unclaimed.give_up();
        self.lanes.iter_mut().for_each(Lane::read_all);
    }

    /// What is to be kept of batches that failed.
    pub(crate) fn kept_batches(&self, policy: &Policy) -> Arc<[KeptBatch]> {
        if !policy.keeps_attempts {
            return Arc::default();
        }
        self.lanes.iter().flat_map(Lane::kept_batches).chain(self.unclaimed.iter().cloned()).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.lanes.len()
    }

    pub(crate) fn at(&self, lane: usize) -> &Lane {
        &self.lanes[lane]
    }

    pub(crate) fn lane(&mut self, lane: usize) -> &mut Lane {
        &mut self.lanes[lane]
    }

    /// The lane that an answer belongs to.
    pub(crate) fn of_invocation(&self, id: InvocationId) -> usize {
        let lane = self.lanes.iter().position(|lane| lane.has_invocation(id));
        lane.expect("an answer belongs to an invocation in flight (I7)")
    }

    /// The lane that an answer belongs to.
    pub(crate) fn of_failure(&self, id: FailureId) -> usize {
        let lane = self.lanes.iter().position(|lane| lane.has_failure(id));
        lane.expect("an answer belongs to a failure in flight (I7)")
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.lanes.iter().any(Lane::is_in_flight)
    }

    /// Ends the pauses after failed attempts.
    pub(crate) fn function_changed(&mut self, now: Timestamp) {
        self.lanes.iter_mut().for_each(|lane| lane.function_changed(now));
    }

    /// Lets go of every record that is not in flight. No record comes any more. How many of them were in a batch.
    pub(crate) fn let_go(&mut self) -> usize {
        self.lanes.iter_mut().map(Lane::let_go).sum()
    }

    /// How many records are held, and their bytes inside events.
    pub(crate) fn held(&self) -> (usize, usize) {
        let each = self.lanes.iter().map(Lane::held);
        each.fold((0, 0), |(records, bytes), (more, larger)| (records + more, bytes + larger))
    }

    /// The batch that waits for its next attempt and has failed most often: attempts, and when the next one is.
    pub(crate) fn retrying(&self) -> Option<(u32, Timestamp)> {
        self.lanes.iter().filter_map(Lane::retrying).max_by_key(|(attempts, _)| *attempts)
    }

    /// The batches that failed and are not settled, that of the oldest record first.
    pub(crate) fn failing(&self, policy: &Policy) -> Vec<FailingBatch> {
        let ordinal = |lane: &Lane| lane.first().map(|record| record.ordinal);
        let mut failing: Vec<(Option<Ordinal>, FailingBatch)> =
            self.lanes.iter().filter_map(|lane| Some((ordinal(lane), lane.failing(policy)?))).collect();
        failing.sort_by_key(|(first, _)| *first);
        failing.into_iter().map(|(_, batch)| batch).collect()
    }

    /// When the oldest record that is held arrived.
    pub(crate) fn oldest_arrival(&self) -> Option<Timestamp> {
        let first = self.lanes.iter().filter_map(Lane::first).min_by_key(|record| record.ordinal);
        first.map(Record::arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, numbered, policy};
    use std::collections::BTreeMap;

    /// Which lane each record goes to that is pushed; a capital letter settles the record of that name instead, and `!` keeps
    /// what is settled.
    fn check(factor: usize, steps: &str, expected: &str) {
        let policy = Policy { parallelization_factor: factor, ..policy() };
        let mut lanes = Lanes::new(&Checkpoint::default(), &policy, at(0));
        let mut went = String::new();
        let mut places = BTreeMap::new();
        for (version, letter) in (1..).zip(steps.chars()) {
            if letter == '!' {
                lanes.kept(version);
                continue;
            }
            let name = letter.to_ascii_lowercase();
            // The key of a record is its letter without the last bit: `b` and `c` have the same, `d` and `e` too.
            let record = numbered(&name.to_string(), at(0)).remove(0).with_key(u64::from(name) / 2);
            if letter.is_uppercase() {
                lanes.settled(places[&name], &[record], version);
            } else {
                lanes.push(record);
                let lane = (0..factor).find(|lane| lanes.held[*lane] > letters_in(&places, *lane)).unwrap();
                places.insert(name, lane);
                went.push_str(&lane.to_string());
            }
            if letter.is_uppercase() {
                places.remove(&name);
            }
        }
        assert_eq!(went, expected);
    }

    fn letters_in(places: &BTreeMap<char, usize>, lane: usize) -> usize {
        places.values().filter(|place| **place == lane).count()
    }

    #[test]
    fn one_lane_takes_everything() {
        check(1, "abcdefg", "0000000");
    }

    #[test]
    fn the_same_key_is_never_in_two_lanes() {
        check(3, "bcdefg", "001122");
        check(2, "bdcB!e", "0101");
    }

    #[test]
    fn a_new_key_goes_to_the_lane_that_holds_least() {
        check(2, "bdfh", "0101");
        check(2, "bcdefh", "001101");
    }

    #[test]
    fn a_key_of_which_nothing_is_held_may_go_elsewhere_once_that_is_kept() {
        check(2, "bB!dc", "001");
        check(2, "bBdc", "000");
        check(2, "bBcC!db", "0001");
    }

    #[test]
    fn keys_of_which_nothing_is_held_take_no_memory() {
        let mut lanes =
            Lanes::new(&Checkpoint::default(), &Policy { parallelization_factor: 4, ..policy() }, at(0));
        let record = numbered("a", at(0)).remove(0).with_key(7);
        lanes.push(record.clone());
        assert_eq!(lanes.keys.len(), 1);
        lanes.settled(0, &[record], 3);
        assert_eq!((lanes.keys.len(), &lanes.held[..]), (1, &[0, 0, 0, 0][..]), "until that is kept");
        lanes.kept(3);
        assert_eq!((lanes.keys.len(), lanes.free.len()), (0, 0));
    }
}
