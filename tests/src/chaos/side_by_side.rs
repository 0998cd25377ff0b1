//! Whether a function was handed what it should have been, where batches of a shard run side by side and may be given up.
//!
//! In: what stands in the stream, the journal of the function, the lines of its on-failure destination, when the poller was
//! killed, and the mapping's settings. Out: every violation, and counts. Order is that of each key within its shard: a record is
//! handed over when all before it of its key succeeded, were given up, or match no filter. A lane starts nothing before what it
//! settled is kept: so of each life no more invocations and deliveries of a shard are repeated than it has lanes.

mod shard;
#[cfg(test)]
mod tests;

use super::books::{End, Entry, GivenUp, Life, Step, StreamContent};
use super::verdict::{Verdict, Violation, Wrong};
use shard::{Act, ShardBook};
use std::collections::BTreeMap;

/// Why records are given up here: nothing is old.
const CONDITION: &str = "RetryAttemptsExhausted";

/// What the mapping asks for: beside this, BisectBatchOnFunctionError and ReportBatchItemFailures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// ParallelizationFactor.
    pub lanes: usize,
    /// MaximumRetryAttempts.
    pub retries: usize,
    /// Keys whose records match no filter.
    pub filtered_keys: &'static [&'static str],
}

/// All shards of a stream.
struct Books<'a> {
    settings: Settings,
    stream: &'a StreamContent,
    lives: &'a [Life],
    shards: BTreeMap<&'a str, ShardBook<'a>>,
    verdict: Verdict,
}

/// Compares the journal with the stream. Every entry and every line of the destination belongs to one of the lives.
#[must_use]
pub fn judge(
    stream: &StreamContent,
    entries: &[Entry],
    given_up: &[GivenUp],
    lives: &[Life],
    settings: Settings,
) -> Verdict {
    let book = |content| ShardBook::new(content, settings);
    let shards = stream.shards.iter().map(|(id, content)| (id.as_str(), book(content))).collect();
    let mut books = Books { settings, stream, lives, shards, verdict: Verdict::default() };
    for (life, Life { entries: range, given_up: lines, .. }) in lives.iter().enumerate() {
        for line in lines.clone() {
            books.take_line(life, line, &given_up[line]);
        }
        for number in range.clone() {
            books.enter(life, number, &entries[number]);
        }
        books.end_life(&given_up[lines.clone()]);
    }
    books.close()
}

impl<'a> Books<'a> {
    /// Records were given up at some moment of this life.
    fn take_line(&mut self, life: usize, line: usize, given_up: &GivenUp) {
        self.verdict.given_up += 1;
        let book = self.shards.get_mut(given_up.shard.as_str());
        let places = book.as_ref().and_then(|book| book.places(&given_up.records));
        match book.zip(places) {
            Some((book, places)) => book.given_up(&places, Act::Delivered { life, line }),
            None => self.violation(None, &given_up.shard, Wrong::NotInStream),
        }
    }

    fn enter(&mut self, life: usize, number: usize, entry: &Entry) {
        let Some((&id, book)) = self.shards.get_key_value(entry.shard.as_str()) else {
            return self.violation(Some(number), &entry.shard, Wrong::NotInStream);
        };
        let Some(places) = book.places(&entry.records) else {
            return self.violation(Some(number), id, Wrong::NotInStream);
        };
        let mut wrongs = Vec::new();
        if entry.step == Step::Began {
            wrongs.extend(self.wrong_lineage(id));
            self.verdict.batches += 1;
        }
        let book = self.shards.get_mut(id).expect("it was there above");
        match entry.step {
            Step::Began => {
                let (repeated, retried) = book.count_again(&places);
                self.verdict.repeated += repeated;
                self.verdict.retried += retried;
                wrongs.extend(book.began(life, &places));
            }
            Step::Ended => {
                wrongs.extend(book.came_to_an_end(&places, places.len(), Act::Answered { life, number }))
            }
            Step::Failed => wrongs.extend(book.came_to_an_end(&places, 0, Act::Answered { life, number })),
            Step::Reported(succeeded) => {
                self.verdict.reported += 1;
                wrongs.extend(book.came_to_an_end(&places, succeeded, Act::Answered { life, number }));
            }
        }
        wrongs.into_iter().for_each(|wrong| self.violation(Some(number), id, wrong));
    }

    /// What only shows at the end of a life: how often what was given up in it had been tried.
    fn end_life(&mut self, given_up: &[GivenUp]) {
        let invocations = self.settings.retries + 1;
        for GivenUp { shard, records, condition, invocations: told } in given_up {
            let Some(book) = self.shards.get(shard.as_str()) else { continue };
            let Some(places) = book.places(records) else { continue };
            let failures = book.failures(&places);
            let is_tried = failures == invocations && *told as usize == invocations;
            // A batch of more records would have been split.
            if !is_tried || condition != CONDITION || places.len() > 1 {
                let (told, condition) = (*told, condition.clone());
                self.violation(None, shard, Wrong::GivenUpOddly { places, failures, told, condition });
            }
        }
        self.shards.values_mut().for_each(ShardBook::end_life);
    }

    /// Lives of which more was repeated than may have been unkept.
    fn repeated_too_much(&self, book: &ShardBook<'_>) -> Vec<Wrong> {
        let unkept_max = |life: usize| match self.lives[life].end {
            End::Stopped => 0,
            End::Killed => self.settings.lanes,
        };
        let too_much = book.repeated().filter(|(life, repeated)| *repeated > unkept_max(*life));
        too_much.map(|(life, repeated)| Wrong::RepeatedTooMuch { life, repeated }).collect()
    }

    /// Parents first, and children only when they are done.
    fn wrong_lineage(&self, id: &str) -> Vec<Wrong> {
        let parents = &self.stream.shards[id].parents;
        let is_done = |parent: &str| self.shards.get(parent).is_none_or(ShardBook::is_done);
        let unfinished = parents.iter().filter(|parent| !is_done(parent));
        let before_parent = unfinished.cloned().map(Wrong::BeforeParent);
        let children = self.stream.shards.iter().filter(|(child, content)| {
            content.parents.iter().any(|parent| parent == id) && self.shards[child.as_str()].has_begun()
        });
        before_parent.chain(children.map(|(child, _)| Wrong::AfterChild(child.clone()))).collect()
    }

    fn violation(&mut self, entry: Option<usize>, shard: &str, wrong: Wrong) {
        self.verdict.violations.push(Violation { entry, shard: shard.to_owned(), wrong });
    }

    fn close(mut self) -> Verdict {
        for (id, book) in std::mem::take(&mut self.shards) {
            let lost = book.unsettled();
            self.verdict.records += book.records_len();
            self.verdict.filtered += book.filtered_len();
            self.verdict.missing += lost.len();
            let lost = (!lost.is_empty()).then_some(Wrong::Lost(lost));
            let wrongs = self.repeated_too_much(&book).into_iter().chain(lost);
            wrongs.for_each(|wrong| self.violation(None, id, wrong));
        }
        self.verdict
    }
}
