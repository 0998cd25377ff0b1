//! Which records come next, where somebody looks at a stream.
//!
//! In: what the stream lists, and pages of its shards. Out: the next read, or the next record. Records of different shards are
//! merged by their times of arrival, and a shard comes after the shards that it was made from. Settles and stores nothing.

use crate::record::Position;
use crate::shard_end::Follows;
use crate::stream::{ListedShard, ShardId};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most records of one page: they are held until those of all other shards that come before are shown.
const PAGE_RECORDS_MAX: u64 = 500;

/// Records of the first page of a shard, at least. Each further page of the shard is twice as large.
const PAGE_RECORDS_MIN: u64 = 10;

/// The share of a shard where the number of records to show has no limit.
const SHARE_UNLIMITED: u64 = 100;

/// Which records to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where to begin.
    pub from: BrowseFrom,
    /// Only this shard, and the shards made of it if `is_following`.
    pub shard: Option<ShardId>,
    /// So many at most; `None`: no limit.
    pub records_max: Option<u64>,
    /// Goes on at the end of the stream with what arrives there.
    pub is_following: bool,
}

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrowseFrom {
    /// The oldest records.
    Oldest,
    /// What arrives from now on.
    Latest,
    /// What arrived at this moment or later.
    At(Timestamp),
    /// What follows this record. The request names its shard.
    After(Position),
}

/// A read of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The shard.
    pub shard: ShardId,
    /// Where to begin if this is its first read.
    pub from: BrowseFrom,
    /// Most records.
    pub records_max: usize,
    /// The last read reached the end of the shard: there is no hurry.
    pub is_idle: bool,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// This record.
    Record(ShardId, T),
    /// A look at the shards of the stream: [`Browse::listed`].
    List,
    /// An answer that is owed, or [`Browse::reads`].
    Wait,
    /// Nothing.
    Finished(End),
}

/// Why nothing comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The end of the stream, as it was when it was read.
    EndOfStream,
    /// As many records were shown as were asked for.
    Limit {
        /// Whether at least one more is there.
        is_more: bool,
    },
}

/// Looks at a stream.
#[derive(Debug)]
pub struct Browse<T> {
    from: BrowseFrom,
    only: Option<ShardId>,
    is_following: bool,
    /// Records to show yet.
    left: Option<u64>,
    shards: BTreeMap<ShardId, Seen<T>>,
    /// Shards of the first list that are not to be read.
    passed_over: BTreeSet<ShardId>,
}

/// A shard that is to be read.
#[derive(Debug)]
struct Seen<T> {
    from: BrowseFrom,
    parents: Vec<ShardId>,
    is_open: bool,
    state: State,
    reads: u32,
    page: VecDeque<(Timestamp, T)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Shards that it was made from are not read to their end.
    AfterParents,
    /// There may be more to read.
    Idle,
    Reading {
        /// The last read reached the end.
        is_idle: bool,
    },
    CaughtUp,
    /// The last answer claims that the shard has ended: the next list confirms or denies it.
    SaidToHaveEnded,
    Ended,
}

impl<T> Seen<T> {
    /// Whether a record of it may come before all those that are held.
    fn may_come_first(&self) -> bool {
        let is_unread = match self.state {
            State::Idle | State::Reading { is_idle: false } | State::SaidToHaveEnded => true,
            State::AfterParents | State::Reading { is_idle: true } | State::CaughtUp | State::Ended => false,
        };
        is_unread && self.page.is_empty()
    }
}

impl<T> Browse<T> {
    /// The records of `request`, from a stream that lists these shards.
    #[must_use]
    pub fn new(request: Request, listed: &[ListedShard]) -> Self {
        let Request { from, shard, records_max, is_following } = request;
        let mut browse = Self {
            from: from.clone(),
            only: shard,
            is_following,
            left: records_max,
            shards: BTreeMap::new(),
            passed_over: BTreeSet::new(),
        };
        browse.take_in(listed, &from);
        if from == BrowseFrom::Latest {
            // Nothing arrives in a closed shard.
            browse.shards.retain(|_, seen| seen.is_open);
        }
        let others = listed.iter().map(|shard| shard.id.clone());
        browse.passed_over = others.filter(|id| !browse.shards.contains_key(id)).collect();
        browse.release();
        browse
    }

    /// Whether there is a shard to read.
    #[must_use]
    pub fn has_shards(&self) -> bool {
        !self.shards.is_empty()
    }

    /// Takes in what the stream lists now.
    pub fn listed(&mut self, listed: &[ListedShard]) {
        let of_children = match &self.from {
            BrowseFrom::Oldest | BrowseFrom::Latest | BrowseFrom::After(_) => BrowseFrom::Oldest,
            BrowseFrom::At(moment) => BrowseFrom::At(*moment),
        };
        self.take_in(listed, &of_children);
        for seen in self.shards.values_mut() {
            if seen.state == State::SaidToHaveEnded {
                seen.state = if seen.is_open { State::Idle } else { State::Ended };
            }
        }
        self.release();
    }

    /// Adds the shards that are to be read and are new, and notes which of all are closed.
    fn take_in(&mut self, listed: &[ListedShard], from: &BrowseFrom) {
        loop {
            let known = self.shards.len();
            for shard in listed {
                let is_known = self.shards.contains_key(&shard.id) || self.passed_over.contains(&shard.id);
                if is_known || !self.is_wanted(shard) {
                    continue;
                }
                let is_chosen = self.only.as_ref() == Some(&shard.id);
                // Children of the shard whose record is named begin at their start.
                let is_behind_another = matches!(from, BrowseFrom::After(_)) && !is_chosen;
                let from = if is_behind_another { BrowseFrom::Oldest } else { from.clone() };
                let seen = Seen {
                    from,
                    parents: shard.parents.clone(),
                    is_open: true,
                    state: State::AfterParents,
                    reads: 0,
                    page: VecDeque::new(),
                };
                self.shards.insert(shard.id.clone(), seen);
            }
            // A child may be listed before its parent.
            if self.shards.len() == known {
                break;
            }
        }
        for (id, seen) in &mut self.shards {
            let is_listed_open = listed.iter().any(|shard| shard.id == *id && shard.is_open);
            let has_children = listed.iter().any(|shard| shard.parents.contains(id));
            seen.is_open = is_listed_open && !has_children;
        }
    }

    fn is_wanted(&self, shard: &ListedShard) -> bool {
        let Some(only) = &self.only else { return true };
        let is_child = || shard.parents.iter().any(|parent| self.shards.contains_key(parent));
        *only == shard.id || (self.is_following && is_child())
    }

    /// Shards whose parents were read to their end may be read.
    fn release(&mut self) {
        let unfinished = self.shards.iter().filter(|(_, seen)| seen.state != State::Ended);
        let unfinished: BTreeSet<ShardId> = unfinished.map(|(id, _)| id.clone()).collect();
        for seen in self.shards.values_mut() {
            let is_free = !seen.parents.iter().any(|parent| unfinished.contains(parent));
            if seen.state == State::AfterParents && is_free {
                seen.state = State::Idle;
            }
        }
    }

    /// The reads that are to be made now. Each is answered once, by [`Browse::read`].
    pub fn reads(&mut self) -> Vec<Read> {
        let active = self.shards.values().filter(|seen| seen.state != State::Ended).count();
        let (left, is_following) = (self.left, self.is_following);
        let mut reads = Vec::new();
        for (id, seen) in &mut self.shards {
            let is_idle = match seen.state {
                State::Idle => false,
                State::CaughtUp if is_following => true,
                State::AfterParents
                | State::Reading { .. }
                | State::CaughtUp
                | State::SaidToHaveEnded
                | State::Ended => continue,
            };
            if !seen.page.is_empty() {
                continue;
            }
            let records_max = page_records(left, active, seen.reads);
            seen.state = State::Reading { is_idle };
            seen.reads += 1;
            reads.push(Read { shard: id.clone(), from: seen.from.clone(), records_max, is_idle });
        }
        reads
    }

    /// Takes in a page, and what the stream says of what follows it.
    ///
    /// # Panics
    ///
    /// If no read of this shard is owed an answer.
    pub fn read(&mut self, shard: &ShardId, records: Vec<(Timestamp, T)>, follows: Follows) {
        let seen = self.shards.get_mut(shard).expect("only shards that are known are read");
        assert!(matches!(seen.state, State::Reading { .. }), "an answer belongs to a read");
        seen.page.extend(records);
        seen.state = match follows {
            Follows::NoPlace { .. } => State::SaidToHaveEnded,
            // A closed shard is read to its end, whatever the source says of there being nothing more at the moment.
            Follows::CaughtUp if seen.is_open => State::CaughtUp,
            Follows::CaughtUp | Follows::More => State::Idle,
        };
    }

    /// What comes next.
    pub fn next_step(&mut self) -> Next<T> {
        let is_done = self.left == Some(0);
        if is_done && self.is_following {
            let is_more = self.shards.values().any(|seen| !seen.page.is_empty());
            return Next::Finished(End::Limit { is_more });
        }
        if self.shards.values().any(|seen| seen.state == State::SaidToHaveEnded) {
            return Next::List;
        }
        if self.shards.values().any(Seen::may_come_first) {
            return Next::Wait;
        }
        let firsts = self.shards.iter().filter_map(|(id, seen)| Some((seen.page.front()?.0, id)));
        let Some(first) = firsts.min().map(|(_, id)| id.clone()) else {
            return match (self.is_following, is_done) {
                (true, _) => Next::Wait,
                (false, true) => Next::Finished(End::Limit { is_more: false }),
                (false, false) => Next::Finished(End::EndOfStream),
            };
        };
        if is_done {
            return Next::Finished(End::Limit { is_more: true });
        }
        let page = self.shards.get_mut(&first).map(|seen| &mut seen.page);
        let (_, record) = page.and_then(VecDeque::pop_front).expect("its first record was just seen");
        self.left = self.left.map(|left| left - 1);
        Next::Record(first, record)
    }
}

/// How many records the next page of a shard is to have, after `reads` of it: its share first, and one more than are shown, so
/// that it is known whether there are more.
fn page_records(left: Option<u64>, shards: usize, reads: u32) -> usize {
    let share = left.map_or(SHARE_UNLIMITED, |left| left / (shards.max(1) as u64) + 1);
    let wanted = share.max(PAGE_RECORDS_MIN).saturating_mul(1 << reads.min(10));
    let most = left.map_or(PAGE_RECORDS_MAX, |left| PAGE_RECORDS_MAX.min(left.saturating_add(1)));
    usize::try_from(wanted.min(most)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
