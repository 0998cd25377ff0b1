//! How far one shard is whose batches run side by side: each key by itself.

use super::super::books::{ShardContent, StreamRecord};
use super::super::verdict::Wrong;
use super::Settings;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What settled records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// An answer of the function: the entry of the journal.
    Answered { life: usize, number: usize },
    /// A delivery to the on-failure destination: its line.
    Delivered { life: usize, line: usize },
}

/// One shard.
pub(super) struct ShardBook<'a> {
    content: &'a ShardContent,
    settings: Settings,
    places: HashMap<&'a StreamRecord, usize>,
    records: Vec<RecordBook>,
    /// The places of each key that match the filters, in order, and how far they are.
    keys: Vec<KeyBook<'a>>,
    filtered: usize,
    has_begun: bool,
    life: LifeBook,
    /// What settled records that came again, by its life.
    repeated: BTreeMap<usize, BTreeSet<Act>>,
}

/// One record.
#[derive(Clone, Debug, Default)]
struct RecordBook {
    /// `None`: it matches no filter. Else its key, and its number among the records of the key.
    key: Option<(usize, usize)>,
    /// The answer after which it was done with.
    succeeded: Option<Act>,
    /// The deliveries that it was in, those of the current life too.
    given_up: Vec<Act>,
    was_tried: bool,
}

struct KeyBook<'a> {
    name: &'a str,
    places: Vec<usize>,
    /// All before are settled, as far as the current life knows.
    settled: usize,
    /// The life in which `settled` was last looked at.
    life: Option<usize>,
}

/// What is forgotten when a life ends.
#[derive(Default)]
struct LifeBook {
    /// Batches that are being worked on.
    open: Vec<Vec<usize>>,
    /// Batches that must come next, by their first place.
    expected: BTreeMap<usize, Vec<usize>>,
    /// Invocations of each batch that did not succeed.
    failures: BTreeMap<Vec<usize>, usize>,
}

impl Act {
    fn life(self) -> usize {
        match self {
            Self::Answered { life, .. } | Self::Delivered { life, .. } => life,
        }
    }
}

impl<'a> ShardBook<'a> {
    pub(super) fn new(content: &'a ShardContent, settings: Settings) -> Self {
        let places = content.records.iter().enumerate().map(|(place, record)| (record, place)).collect();
        let mut records = vec![RecordBook::default(); content.records.len()];
        let mut keys: Vec<KeyBook<'a>> = Vec::new();
        let mut filtered = 0;
        for (place, record) in content.records.iter().enumerate() {
            let name = record.key_and_number().map_or("", |(key, _)| key);
            if settings.filtered_keys.contains(&name) {
                filtered += 1;
                continue;
            }
            let key = keys.iter().position(|key| key.name == name).unwrap_or_else(|| {
                keys.push(KeyBook { name, places: Vec::new(), settled: 0, life: None });
                keys.len() - 1
            });
            records[place].key = Some((key, keys[key].places.len()));
            keys[key].places.push(place);
        }
        let (life, repeated) = (LifeBook::default(), BTreeMap::new());
        Self { content, settings, places, records, keys, filtered, has_begun: false, life, repeated }
    }

    /// Where the records stand, if they are in the shard, and in its order.
    pub(super) fn places(&self, batch: &[StreamRecord]) -> Option<Vec<usize>> {
        let places: Option<Vec<usize>> =
            batch.iter().map(|record| self.places.get(record).copied()).collect();
        places.filter(|places| !places.is_empty() && places.is_sorted_by(|one, next| one < next))
    }

    /// How many of these were handed over before: after which the function was done with them, and in vain.
    pub(super) fn count_again(&self, places: &[usize]) -> (usize, usize) {
        let (succeeded, rest): (Vec<usize>, Vec<usize>) =
            places.iter().partition(|place| self.records[**place].succeeded.is_some());
        (succeeded.len(), rest.iter().filter(|place| self.records[**place].was_tried).count())
    }

    /// Records were given up, at some moment of a life.
    pub(super) fn given_up(&mut self, places: &[usize], act: Act) {
        places.iter().for_each(|place| self.records[*place].given_up.push(act));
    }

    /// A batch began: what is wrong with it.
    pub(super) fn began(&mut self, life: usize, batch: &[usize]) -> Vec<Wrong> {
        self.has_begun = true;
        let mut wrongs = Vec::new();
        wrongs.extend(
            batch.iter().filter(|place| self.records[**place].key.is_none()).copied().map(Wrong::Filtered),
        );
        wrongs.extend(self.wrong_keys(life, batch));
        let expected = batch.iter().find_map(|place| self.life.expected.remove(place));
        if let Some(expected) = expected.filter(|expected| expected != batch) {
            wrongs.push(Wrong::OtherRetryOf { batch: batch.to_vec(), expected });
        }
        if self.failures(batch) > self.settings.retries && batch.len() == 1 {
            wrongs.push(Wrong::TriedTooOften(batch.to_vec()));
        }
        self.life.open.push(batch.to_vec());
        if self.life.open.len() > self.settings.lanes {
            wrongs.push(Wrong::TooManyAtOnce(self.life.open.len()));
        }
        for place in batch {
            self.forget_settled(*place, life);
        }
        wrongs
    }

    /// Each key goes on where it is, and is in no other batch.
    fn wrong_keys(&mut self, life: usize, batch: &[usize]) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        for (key, places) in self.by_key(batch) {
            let is_open = self.life.open.iter().flatten().any(|place| self.key_of(*place) == Some(key));
            if is_open {
                wrongs.push(Wrong::KeyInTwoBatches(self.keys[key].name.to_owned()));
            }
            let first = self.number(places[0]);
            let is_run = places.iter().enumerate().all(|(nth, place)| self.number(*place) == first + nth);
            let is_first_in_life = self.keys[key].life != Some(life);
            // In its first batch of a life a key may go back: whether it did not go back too far shows at the end of the life.
            let next = self.next_of(key, life, is_first_in_life);
            let goes_on = if is_first_in_life {
                first <= next
            } else {
                (self.keys[key].settled..=next).contains(&first)
            };
            let book = &mut self.keys[key];
            if !is_run || !goes_on {
                let next = book.places.get(next).copied();
                wrongs.push(Wrong::KeyElsewhere { key: book.name.to_owned(), places, next });
            }
            book.settled = first;
            book.life = Some(life);
        }
        wrongs
    }

    /// The number of the first record of the key that may not be settled. Of the lives before everything counts that was ever
    /// settled; in one that has begun only what was settled in it, where nobody knows when a record was given up.
    fn next_of(&self, key: usize, life: usize, is_first_in_life: bool) -> usize {
        let book = &self.keys[key];
        let is_settled = |place: usize| {
            let record = &self.records[place];
            let mut acts = record.succeeded.iter().chain(&record.given_up);
            acts.any(|act| (act.life() == life) != is_first_in_life)
        };
        let from = if is_first_in_life { 0 } else { book.settled };
        let settled = book.places[from..].iter().take_while(|place| is_settled(**place)).count();
        from + settled
    }

    /// A batch came to an end: so many of its records, from the first on, succeeded. What is wrong with that.
    pub(super) fn came_to_an_end(&mut self, batch: &[usize], succeeded: usize, act: Act) -> Option<Wrong> {
        let Some(open) = self.life.open.iter().position(|open| open == batch) else {
            return Some(Wrong::EndedUnbegun(batch.to_vec()));
        };
        self.life.open.swap_remove(open);
        let (done, left) = batch.split_at(succeeded);
        for place in done {
            self.records[*place].succeeded = Some(act);
            if let Some((key, number)) = self.records[*place].key {
                self.keys[key].settled = self.keys[key].settled.max(number + 1);
            }
        }
        if left.is_empty() {
            return None;
        }
        if !done.is_empty() {
            self.expect(left);
            return None;
        }
        *self.life.failures.entry(batch.to_vec()).or_default() += 1;
        let (first, second) = left.split_at(left.len() / 2);
        if first.is_empty() {
            if self.failures(batch) <= self.settings.retries {
                self.expect(second);
            }
        } else {
            self.expect(first);
            self.expect(second);
        }
        None
    }

    /// The records come again as this batch, in this life.
    fn expect(&mut self, batch: &[usize]) {
        self.life.expected.insert(batch[0], batch.to_vec());
    }

    /// A record that comes again is not settled any more; what had settled it is noted as repeated. A delivery of this life may
    /// be still to come.
    fn forget_settled(&mut self, place: usize, life: usize) {
        let record = &mut self.records[place];
        record.was_tried = true;
        let deliveries = record.given_up.iter().copied().filter(|act| act.life() != life);
        for act in record.succeeded.take().into_iter().chain(deliveries) {
            self.repeated.entry(act.life()).or_default().insert(act);
        }
    }

    /// Invocations of this batch in the current life that did not succeed.
    pub(super) fn failures(&self, batch: &[usize]) -> usize {
        self.life.failures.get(batch).copied().unwrap_or_default()
    }

    /// Forgets what is of this life only.
    pub(super) fn end_life(&mut self) {
        self.life = LifeBook::default();
    }

    /// How many acts of each life were repeated.
    pub(super) fn repeated(&self) -> impl Iterator<Item = (usize, usize)> {
        self.repeated.iter().map(|(life, acts)| (*life, acts.len()))
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(super) fn is_done(&self) -> bool {
        self.unsettled().is_empty()
    }

    /// Records that neither succeeded nor are in the destination, though they match the filters.
    pub(super) fn unsettled(&self) -> Vec<usize> {
        let places = 0..self.records.len();
        places.filter(|place| self.records[*place].key.is_some() && !self.is_settled(*place)).collect()
    }

    pub(super) fn records_len(&self) -> usize {
        self.content.records.len()
    }

    pub(super) fn filtered_len(&self) -> usize {
        self.filtered
    }

    fn is_settled(&self, place: usize) -> bool {
        let record = &self.records[place];
        record.succeeded.is_some() || !record.given_up.is_empty()
    }

    fn key_of(&self, place: usize) -> Option<usize> {
        self.records[place].key.map(|(key, _)| key)
    }

    fn number(&self, place: usize) -> usize {
        self.records[place].key.map_or(0, |(_, number)| number)
    }

    /// The places of each key of a batch.
    fn by_key(&self, batch: &[usize]) -> BTreeMap<usize, Vec<usize>> {
        let mut keys: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in batch {
            if let Some(key) = self.key_of(*place) {
                keys.entry(key).or_default().push(*place);
            }
        }
        keys
    }
}
