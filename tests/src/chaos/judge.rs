//! Whether a function was handed what it should have been, where a shard has one batch at a time and gives nothing up.
//!
//! In: what stands in the stream, the journal of the function, and when the poller was killed. Out: every violation, and counts.
//! Knows nothing of how the poller works, but for its promise: nothing is invoked before everything that is settled is kept.
//! So a life goes on behind the last batch of the lives before, or with that batch, and then only if it may not have been kept.

mod windows;

use super::books::{End, Entry, Life, ShardContent, Step, StreamContent, StreamRecord};
use super::verdict::{Verdict, Violation, Wrong};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use windows::Windows;

/// Whether the mapping has tumbling windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tumbling {
    /// It has.
    Yes,
    /// It has not.
    No,
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
    windows: Windows,
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
    tumbling: Tumbling,
    lives: &'a [Life],
    shards: BTreeMap<&'a str, ShardBook<'a>>,
    /// The number that was last handed over for the first time, of each key.
    latest: HashMap<&'a str, u64>,
    verdict: Verdict,
}

/// Compares the journal with the stream. Every entry belongs to one of the lives.
#[must_use]
pub fn judge(stream: &StreamContent, entries: &[Entry], lives: &[Life], tumbling: Tumbling) -> Verdict {
    let shards = stream.shards.iter().map(|(id, content)| (id.as_str(), ShardBook::new(content))).collect();
    let mut books =
        Books { stream, tumbling, lives, shards, latest: HashMap::new(), verdict: Verdict::default() };
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
        Self { content, places, last: None, begun: 0, ended: 0, windows: Windows::default() }
    }

    /// Where the batch stands in the shard, if it does. The last one of a window, which is empty, stands behind it.
    fn range(&self, entry: &Entry) -> Option<Range<usize>> {
        let batch = &entry.records;
        if let Some(window) = entry.window.as_ref().filter(|window| window.is_final) {
            let last = window.state.last()?;
            let end = self.content.records.iter().rposition(|record| record.sequence_number == *last)? + 1;
            return batch.is_empty().then_some(end..end);
        }
        let start = *self.places.get(batch.first()?)?;
        let range = start..start + batch.len();
        (self.content.records.get(range.clone())? == batch).then_some(range)
    }

    /// Records that are done with and will not come again.
    fn settled(&self) -> usize {
        match &self.last {
            Some(LastBatch { range, step, .. }) => range.start + succeeded(*step, range),
            None => 0,
        }
    }

    fn is_done(&self) -> bool {
        self.settled() == self.content.records.len() && self.open_window().is_empty()
    }

    /// The settled records of a window that has not ended. Without windows, there are none.
    fn open_window(&self) -> Range<usize> {
        self.windows.begun_at().map_or(0..0, |start| start..self.settled())
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
            // A window that ends early ends between what succeeded of a batch and the rest.
            (Step::Failed | Step::Reported(_), true) if !batch.is_empty() || before.is_empty() => {
                let before = self.settled()..before.end;
                return (*batch != before).then(|| Wrong::OtherRetry { batch: batch.clone(), before });
            }
            (Step::Began, false) => vec![before.start],
            (Step::Ended | Step::Failed | Step::Reported(_), true) => vec![self.settled()],
            (Step::Ended | Step::Failed | Step::Reported(_), false) => match lives[last.life].end {
                End::Stopped => vec![self.settled()],
                End::Killed => vec![before.start, self.settled()],
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
        let Some(range) = book.range(entry) else {
            return self.violation(Some(number), id, Wrong::NotInStream);
        };
        match entry.step {
            Step::Began => self.began(life, number, id, range, entry),
            Step::Ended | Step::Failed | Step::Reported(_) => {
                self.came_to_an_end(life, number, id, range, entry);
            }
        }
    }

    fn began(&mut self, life: usize, number: usize, id: &'a str, range: Range<usize>, entry: &Entry) {
        let book = self.shards.get_mut(id).expect("the caller found it");
        let mut wrongs: Vec<Wrong> = book.wrong_beginning(&range, life, self.lives).into_iter().collect();
        if let Some(window) = &entry.window {
            wrongs.extend(book.windows.begin(window, range.start, book.content, life, self.lives));
        }
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

    fn came_to_an_end(
        &mut self,
        life: usize,
        number: usize,
        id: &'a str,
        range: Range<usize>,
        entry: &Entry,
    ) {
        let step = entry.step;
        let book = self.shards.get_mut(id).expect("the caller found it");
        let is_open = book
            .last
            .as_ref()
            .is_some_and(|last| last.step == Step::Began && last.life == life && last.range == range);
        if !is_open {
            return self.violation(Some(number), id, Wrong::EndedElsewhere(range));
        }
        book.ended = book.ended.max(range.start + succeeded(step, &range));
        self.verdict.reported += usize::from(matches!(step, Step::Reported(_)));
        if step == Step::Ended && entry.window.as_ref().is_some_and(|window| window.is_final) {
            book.windows.end(range.end, life);
            self.verdict.windows += 1;
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
            let (settled, open_window) = (book.settled(), book.open_window());
            self.verdict.missing += records - settled;
            if settled < records {
                self.violation(None, id, Wrong::NotHandled(settled..records));
            }
            if self.tumbling == Tumbling::Yes && !open_window.is_empty() {
                self.verdict.missing += open_window.len();
                self.violation(None, id, Wrong::WindowNotEnded(open_window));
            }
        }
        self.verdict
    }
}

/// How many records of a batch succeeded.
fn succeeded(step: Step, range: &Range<usize>) -> usize {
    match step {
        Step::Ended => range.len(),
        Step::Reported(succeeded) => succeeded,
        Step::Began | Step::Failed => 0,
    }
}

#[cfg(test)]
mod tests;
