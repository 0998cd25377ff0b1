//! Whether a function was handed what it should have been.
//!
//! In: what stands in the stream, the journal of the function, and when the poller was killed. Out: every violation, and counts.
//! Knows nothing of how the poller works, but for its promise: nothing is invoked before everything that is settled is kept.
//! So a life goes on behind the last batch of the lives before, or with that batch, and then only if it may not have been kept.

use super::books::{End, Entry, Life, ShardContent, Step, StreamContent, StreamRecord};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Everything that is not as it should be, in the order of the journal.
    pub violations: Vec<Violation>,
    /// Records that stand in the stream.
    pub records: usize,
    /// Batches that the function was handed.
    pub batches: usize,
    /// Records that the function was handed again after it had been done with them.
    pub repeated: usize,
    /// Records that the function was handed again after it had not come to an end with them.
    pub retried: usize,
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the journal's entry, if it is about one.
    pub entry: Option<usize>,
    /// The shard.
    pub shard: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What can be wrong. Ranges count the records of the shard from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The batch is not what stands in the shard, one record after the other.
    NotInStream,
    /// A batch began while another one of the shard was being worked on in the same life.
    Overlap(Range<usize>),
    /// A batch began elsewhere than where the batches before allow it.
    BeganElsewhere {
        /// Where it began and ended.
        batch: Range<usize>,
        /// The batch before.
        before: Range<usize>,
        /// Where it could have begun.
        allowed: Vec<usize>,
    },
    /// A batch was retried with other records.
    OtherRetry {
        /// The retry.
        batch: Range<usize>,
        /// What had failed.
        before: Range<usize>,
    },
    /// The function ended a batch that it was not working on.
    EndedElsewhere(Range<usize>),
    /// The shard was begun before its parent was done.
    BeforeParent(String),
    /// The shard was worked on after its child had begun.
    AfterChild(String),
    /// A record of a key came after one with a higher number.
    KeyOrder {
        /// The key.
        key: String,
        /// Its number.
        number: u64,
        /// The number before.
        after: u64,
    },
    /// These records were not handled.
    NotHandled(Range<usize>),
}

/// How far a shard is.
#[derive(Debug)]
struct ShardBook<'a> {
    content: &'a ShardContent,
    places: HashMap<&'a StreamRecord, usize>,
    last: Option<LastBatch>,
    /// Records that were handed over at least once.
    begun: usize,
    /// Records that the function was done with at least once.
    ended: usize,
}

#[derive(Clone, Debug)]
struct LastBatch {
    range: Range<usize>,
    life: usize,
    step: Step,
}

/// All shards of a stream.
#[derive(Debug)]
struct Books<'a> {
    stream: &'a StreamContent,
    lives: &'a [Life],
    shards: BTreeMap<&'a str, ShardBook<'a>>,
    /// The number that was last handed over for the first time, of each key.
    latest: HashMap<&'a str, u64>,
    verdict: Verdict,
}

/// Compares the journal with the stream. Every entry belongs to one of the lives.
#[must_use]
pub fn judge(stream: &StreamContent, entries: &[Entry], lives: &[Life]) -> Verdict {
    let shards = stream.shards.iter().map(|(id, content)| (id.as_str(), ShardBook::new(content))).collect();
    let mut books = Books { stream, lives, shards, latest: HashMap::new(), verdict: Verdict::default() };
    for (life, Life { entries: range, .. }) in lives.iter().enumerate() {
        for number in range.clone() {
            books.enter(life, number, &entries[number]);
        }
    }
    books.close()
}

impl<'a> ShardBook<'a> {
    fn new(content: &'a ShardContent) -> Self {
        let places = content.records.iter().enumerate().map(|(place, record)| (record, place)).collect();
        Self { content, places, last: None, begun: 0, ended: 0 }
    }

    /// Where the batch stands in the shard, if it does.
    fn range(&self, batch: &[StreamRecord]) -> Option<Range<usize>> {
        let start = *self.places.get(batch.first()?)?;
        let range = start..start + batch.len();
        (self.content.records.get(range.clone())? == batch).then_some(range)
    }

    /// Records that are done with and will not come again.
    fn settled(&self) -> usize {
        match &self.last {
            Some(LastBatch { range, step: Step::Ended, .. }) => range.end,
            Some(LastBatch { range, .. }) => range.start,
            None => 0,
        }
    }

    fn is_done(&self) -> bool {
        self.settled() == self.content.records.len()
    }

    /// What is wrong with a batch that begins in this life.
    fn wrong_beginning(&self, batch: &Range<usize>, life: usize, lives: &[Life]) -> Option<Wrong> {
        let Some(last) = &self.last else {
            let elsewhere = Wrong::BeganElsewhere { batch: batch.clone(), before: 0..0, allowed: vec![0] };
            return (batch.start != 0).then_some(elsewhere);
        };
        let LastBatch { range: before, step, .. } = last;
        let is_same_life = last.life == life;
        let allowed = match (step, is_same_life) {
            (Step::Began, true) => return Some(Wrong::Overlap(batch.clone())),
            (Step::Failed, true) if batch != before => {
                return Some(Wrong::OtherRetry { batch: batch.clone(), before: before.clone() });
            }
            (Step::Began | Step::Failed, _) => vec![before.start],
            (Step::Ended, true) => vec![before.end],
            (Step::Ended, false) => match lives[last.life].end {
                End::Stopped => vec![before.end],
                End::Killed => vec![before.start, before.end],
            },
        };
        let elsewhere = !allowed.contains(&batch.start);
        elsewhere.then(|| Wrong::BeganElsewhere { batch: batch.clone(), before: before.clone(), allowed })
    }
}

impl<'a> Books<'a> {
    fn enter(&mut self, life: usize, number: usize, entry: &Entry) {
        let Some((id, book)) = self
            .stream
            .shards
            .get_key_value(&entry.shard)
            .map(|(id, _)| id.as_str())
            .and_then(|id| Some((id, self.shards.get(id)?)))
        else {
            return self.violation(Some(number), &entry.shard, Wrong::NotInStream);
        };
        let Some(range) = book.range(&entry.records) else {
            return self.violation(Some(number), id, Wrong::NotInStream);
        };
        match entry.step {
            Step::Began => self.began(life, number, id, range),
            Step::Ended | Step::Failed => self.came_to_an_end(life, number, id, range, entry.step),
        }
    }

    fn began(&mut self, life: usize, number: usize, id: &'a str, range: Range<usize>) {
        let book = &self.shards[id];
        let mut wrongs: Vec<Wrong> = book.wrong_beginning(&range, life, self.lives).into_iter().collect();
        wrongs.extend(self.wrong_lineage(id));
        wrongs.extend(self.wrong_order(id, &range));
        wrongs.into_iter().for_each(|wrong| self.violation(Some(number), id, wrong));

        let book = self.shards.get_mut(id).expect("it was there above");
        self.verdict.batches += 1;
        self.verdict.repeated += book.ended.saturating_sub(range.start).min(range.len());
        let seen = book.begun.saturating_sub(range.start.max(book.ended));
        self.verdict.retried += seen.min(range.len());
        book.begun = book.begun.max(range.end);
        book.last = Some(LastBatch { range, life, step: Step::Began });
    }

    fn came_to_an_end(&mut self, life: usize, number: usize, id: &'a str, range: Range<usize>, step: Step) {
        let book = self.shards.get_mut(id).expect("the caller found it");
        let is_open = book
            .last
            .as_ref()
            .is_some_and(|last| last.step == Step::Began && last.life == life && last.range == range);
        if !is_open {
            return self.violation(Some(number), id, Wrong::EndedElsewhere(range));
        }
        if step == Step::Ended {
            book.ended = book.ended.max(range.end);
        }
        book.last = Some(LastBatch { range, life, step });
    }

    /// Parents first, and children only when they are done.
    fn wrong_lineage(&self, id: &str) -> Vec<Wrong> {
        let book = &self.shards[id];
        let parents = book.content.parents.iter();
        let unfinished =
            parents.filter(|parent| self.shards.get(parent.as_str()).is_some_and(|parent| !parent.is_done()));
        let before_parent = unfinished.cloned().map(Wrong::BeforeParent);
        let children = self.shards.iter().filter(|(_, child)| {
            child.last.is_some() && child.content.parents.iter().any(|parent| parent == id)
        });
        let after_child = children.map(|(child, _)| Wrong::AfterChild((*child).to_owned()));
        before_parent.chain(after_child).collect()
    }

    /// Per key in order, where there is an order. What comes again does not count.
    fn wrong_order(&mut self, id: &str, range: &Range<usize>) -> Vec<Wrong> {
        if !self.stream.names_parents {
            return Vec::new();
        }
        let book = &self.shards[id];
        let first_time = range.start.max(book.begun)..range.end;
        let mut wrongs = Vec::new();
        for record in book.content.records.get(first_time).unwrap_or_default() {
            let Some((key, number)) = record.key_and_number() else { continue };
            let latest = self.latest.entry(key).or_insert(number);
            if *latest > number {
                wrongs.push(Wrong::KeyOrder { key: key.to_owned(), number, after: *latest });
            }
            *latest = (*latest).max(number);
        }
        wrongs
    }

    fn violation(&mut self, entry: Option<usize>, shard: &str, wrong: Wrong) {
        self.verdict.violations.push(Violation { entry, shard: shard.to_owned(), wrong });
    }

    fn close(mut self) -> Verdict {
        for (id, book) in std::mem::take(&mut self.shards) {
            let records = book.content.records.len();
            self.verdict.records += records;
            if !book.is_done() {
                self.violation(None, id, Wrong::NotHandled(book.settled()..records));
            }
        }
        self.verdict
    }
}

#[cfg(test)]
mod tests;
