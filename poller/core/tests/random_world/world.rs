//! One world: a stream, a store, a worker for each shard that may run, and whatever happens to them.

mod answers;

use crate::books::{Books, show};
use crate::common::{Looks, Watched, number_of};
use crate::stream::Stream;
use crate::weather::{
    Weather, happens, random_policy, random_retention, random_starting_position, with_other_settings,
};
use fastrand::Rng;
use pelton_core::confirm::SecondLook;
use pelton_core::ending::Ending;
use pelton_core::plan::{self, ListedShard, NewShard, ShardId, ShardProgress, ShardStart, StartingPosition};
use pelton_core::succession::Succession;
use pelton_core::{Checkpoint, Finished, Input, Policy, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

/// The whole world. Its log is the same whenever its seed is.
pub(crate) struct World<'a> {
    /// `None`: nobody reads it.
    log: Option<&'a mut String>,
    random: Rng,
    weather: Weather,
    policy: Policy,
    stream: Stream,
    /// The poller's clock, which may jump.
    now: Timestamp,
    starting_position: StartingPosition,
    /// How many partition keys there are, and how many records in a hundred match no filter.
    keys: u64,
    filtered: u32,
    /// When the mapping was started for the first time.
    started_at: Option<Timestamp>,
    /// What survives a crash.
    store: BTreeMap<ShardId, Stored>,
    workers: BTreeMap<ShardId, Worker>,
    books: Books,
}

/// What is kept of a shard.
#[derive(Debug)]
struct Stored {
    start: Option<ShardStart>,
    kept: Option<Checkpoint>,
}

struct Worker {
    watched: Watched,
    /// The number of the record that is read next.
    cursor: u64,
    /// The number of the first record that an answer of old may bring: none before the start.
    oldest: u64,
    ending: Ending,
    succession: Succession,
    /// Lies since the last true answer.
    lies: u32,
}

impl Stored {
    fn progress(&self) -> ShardProgress {
        let is_passed_over = self.start.is_none();
        match is_passed_over || self.kept.as_ref().is_some_and(|kept| kept.ended) {
            true => ShardProgress::Finished,
            false => ShardProgress::Unfinished,
        }
    }
}

impl<'a> World<'a> {
    pub(crate) fn new(seed: u64, log: Option<&'a mut String>) -> Self {
        let mut random = Rng::with_seed(seed);
        let now = Timestamp::from_millis(1_700_000_000_000);
        let policy = random_policy(&mut random);
        let mut world = Self {
            log,
            weather: Weather::random(&mut random),
            stream: Stream::new(now, policy.retention, random.usize(1..=3)),
            now,
            starting_position: random_starting_position(now, &mut random),
            keys: random.choice([1, 3, 50]).expect("a list"),
            filtered: random.choice([0, 0, 30, 90]).expect("a list"),
            started_at: None,
            store: BTreeMap::new(),
            workers: BTreeMap::new(),
            books: Books::default(),
            policy,
            random,
        };
        world.note(|world| format!("{:?} {:?} {:?}", world.starting_position, world.policy, world.weather));
        for _ in 0..world.random.usize(0..20) {
            world.before_the_start();
        }
        // A starting position does not lie in the future.
        world.pass(1_000);
        world.first_start();
        world
    }

    fn before_the_start(&mut self) {
        match self.random.u8(0..8) {
            0 => self.reshard(),
            _ => self.put(),
        }
        let wait = self.random.u64(0..100);
        self.pass(wait);
    }

    fn first_start(&mut self) {
        self.started_at = Some(self.now);
        let listed = self.look();
        let new = plan::first_start(self.starting_position, &listed, self.now);
        self.remember(new);
        self.supervise();
    }

    /// Whatever may happen, for a while.
    pub(crate) fn storm(&mut self) {
        for _ in 0..self.random.usize(50..STORM_STEPS_MAX) {
            match self.random.u32(0..1_000) {
                0..100 => self.put(),
                100..450 => drop(self.answer_one()),
                450..700 => self.wake(),
                700..850 => {
                    let wait = self.random.choice([1, 5, 20, 100, 1_000]).expect("a list");
                    self.pass(wait);
                }
                850..890 => self.for_one(Input::RecordsArrived, "a hint"),
                890..900 => self.for_one(Input::FunctionChanged, "the function changed"),
                900..915 => self.reshard(),
                915..925 => self.change_retention(),
                925..945 => self.trim(),
                945..955 => self.for_one(Input::Drain { by: None }, "drain"),
                955..965 => self.crash(),
                965..975 => self.jump(),
                975..980 => self.pass_long(),
                980..985 => self.weather = Weather::random(&mut self.random),
                985..990 => self.weather = Weather::fair(),
                _ => self.supervise(),
            }
        }
    }

    /// Fair weather until every shard is read to its end: nothing is left over, and nothing was lost.
    pub(crate) fn heal(&mut self) {
        self.weather = Weather::fair();
        for shard in self.stream.open_shards() {
            self.stream.close(shard);
        }
        for _ in 0..ROUNDS_MAX {
            self.supervise();
            if self.workers.is_empty() {
                return self.check_nothing_is_lost();
            }
            while self.answer_one() {}
            self.wake();
        }
        panic!("I6: the world does not come to rest");
    }

    fn check_nothing_is_lost(&self) {
        for shard in self.stream.shards.iter().filter(|shard| shard.is_listed) {
            assert_eq!(
                self.store[&shard.id].progress(),
                ShardProgress::Finished,
                "I6: every shard is finished"
            );
        }
        for shard in &self.stream.shards {
            for record in shard.records.iter().filter(|record| !record.is_trimmed) {
                let is_wanted = match self.starting_position {
                    StartingPosition::TrimHorizon => true,
                    StartingPosition::AtTimestamp(from) => record.arrival >= from,
                    StartingPosition::Latest => Some(record.arrival) >= self.started_at,
                };
                let is_settled = self.books.settled.contains(&record.number);
                assert_eq!(is_settled, is_wanted, "I2: {record:?} of {}", shard.id);
            }
        }
    }

    fn note(&mut self, what: impl FnOnce(&Self) -> String) {
        if let Some(log) = self.log.take() {
            let _infallible = writeln!(log, "{} {}", self.now, what(self));
            self.log = Some(log);
        }
    }

    fn pass(&mut self, millis: u64) {
        let by = Duration::from_millis(millis);
        self.now = self.now.after(by);
        self.stream.now = self.stream.now.after(by);
    }

    fn pass_long(&mut self) {
        let wait = self.random.u64(0..30_000);
        self.pass(wait);
        self.note(|_| "a long time passed".to_owned());
    }

    /// The poller's clock is set, forward or back.
    fn jump(&mut self) {
        let by = self.random.choice([1, 100, 5_000, 100_000]).expect("a list");
        let now = self.now.as_millis();
        let is_back = self.random.bool();
        self.now = Timestamp::from_millis(if is_back { now - by } else { now + by });
        self.note(|_| "the clock jumped".to_owned());
    }

    fn put(&mut self) {
        let open = self.stream.open_shards();
        let shard = open[self.random.usize(0..open.len())];
        for _ in 0..self.random.usize(1..=6) {
            let bytes_max = self.random.choice([40, 40, 40, 120]).expect("a list");
            let bytes = self.random.usize(22..=bytes_max);
            // The times of arrival are approximate: after the start they need not be in order.
            let late = Duration::from_millis(self.random.choice([0, 0, 0, 10, 700]).expect("a list"));
            let arrival = match self.started_at {
                None => self.stream.now,
                Some(start) => start.after(self.stream.now.since(start).saturating_sub(late)),
            };
            let key = self.random.u64(0..self.keys);
            let is_filtered = happens(self.filtered, &mut self.random);
            self.stream.put(shard, Looks { arrival, bytes, key, is_filtered });
        }
        if self.random.bool() {
            let id = self.stream.shards[shard].id.clone();
            self.handle(&id, Input::RecordsArrived, "records arrived");
        }
    }

    fn reshard(&mut self) {
        let open = self.stream.open_shards();
        if self.stream.shards.len() >= SHARDS_MAX {
            return;
        }
        let one = open[self.random.usize(0..open.len())];
        let other = open[self.random.usize(0..open.len())];
        if one == other {
            self.stream.split(one)
        } else {
            self.stream.merge(one, other)
        }
        self.note(|_| "a reshard".to_owned());
    }

    fn change_retention(&mut self) {
        let retention = random_retention(&mut self.random);
        self.policy.retention = retention;
        self.stream.retention = retention;
        for id in self.ids() {
            self.handle(&id, Input::RetentionChanged(retention), "the retention changed");
        }
    }

    fn ids(&self) -> Vec<ShardId> {
        self.workers.keys().cloned().collect()
    }

    /// Lets `input` happen to one of the shards.
    fn for_one(&mut self, input: Input, what: &str) {
        if let Some(id) = self.random.choice(self.ids()) {
            self.handle(&id, input, what);
        }
    }

    fn trim(&mut self) {
        let trimmed = self.stream.trim();
        self.note(|_| format!("{trimmed} records trimmed"));
    }

    /// Time goes on to the next wake-up, of whichever shard.
    fn wake(&mut self) {
        let next = self.workers.values().filter_map(|worker| worker.watched.wakeup()).min();
        let Some(next) = next else { return };
        self.pass(u64::try_from(next.since(self.now).as_millis()).expect("a wait of this world"));
        for id in self.ids() {
            let is_due = self.workers[&id].watched.wakeup().is_some_and(|wakeup| wakeup <= self.now);
            let commands = self.handle_counted(&id, Input::TimePassed, "woken");
            assert_eq!(
                commands > 0,
                is_due,
                "I6: a wake-up changes something, and nothing happens without one"
            );
        }
    }

    fn handle(&mut self, id: &ShardId, input: Input, what: &str) {
        self.handle_counted(id, input, what);
    }

    fn handle_counted(&mut self, id: &ShardId, input: Input, what: &str) -> usize {
        let Some(worker) = self.workers.get_mut(id) else { return 0 };
        let commands = worker.watched.handle(input, self.now);
        let invoked = worker.watched.owed.invocations.values().filter(|_| commands > 0);
        for record in invoked.flat_map(|invocation| invocation.batch.records()) {
            self.books.note_invoked(id, record);
        }
        self.note(|world| format!("{id} {what}{}", show(&world.workers[id].watched)));
        commands
    }

    fn remember(&mut self, new: Vec<NewShard>) {
        for NewShard { id, start } in new {
            assert!(self.store.insert(id, Stored { start, kept: None }).is_none(), "a shard is new once");
        }
    }

    /// The shards of the stream, as two listings in a row name them. One that lies lacks a shard, or is of before a reshard.
    fn look(&mut self) -> Vec<ListedShard> {
        if self.weather.source_lies == 0 {
            return self.stream.list();
        }
        let mut look = SecondLook::default();
        let mut was_lied_to = false;
        loop {
            let mut listed = self.stream.list();
            was_lied_to = !was_lied_to && happens(self.weather.source_lies, &mut self.random);
            if was_lied_to && !listed.is_empty() {
                let from = self.random.usize(0..listed.len());
                let end = if self.random.bool() { from + 1 } else { listed.len() };
                listed.drain(from..end);
                listed.iter_mut().for_each(|shard| shard.is_open |= self.random.bool());
                self.note(|_| "the source lists too little".to_owned());
            }
            if let Some(listed) = look.agreed(listed) {
                return listed;
            }
        }
    }

    /// Removes the workers that are finished, and starts those that may run.
    fn supervise(&mut self) {
        for id in self.ids() {
            let Some(finished) = self.workers[&id].watched.finished() else { continue };
            let progress = self.store[&id].progress();
            let expected = if finished == Finished::ShardEnd {
                ShardProgress::Finished
            } else {
                ShardProgress::Unfinished
            };
            assert_eq!(progress, expected, "I8: the store knows how the shard finished");
            self.end_life(&id);
        }
        let listed = self.look();
        let mut known: BTreeMap<_, _> =
            self.store.iter().map(|(id, stored)| (id.clone(), stored.progress())).collect();
        let new = plan::later_shards(&listed, &known);
        known.extend(new.iter().map(|shard| (shard.id.clone(), ShardProgress::Unfinished)));
        self.remember(new);
        let running: BTreeSet<ShardId> = self.workers.keys().cloned().collect();
        // In this world two listings that agree overlook nothing.
        for gone in plan::unlisted(&listed, &known) {
            if running.contains(&gone) {
                // Nobody can say any more whether it has ended.
                self.handle(&gone, Input::Drain { by: None }, "left the list");
            } else {
                self.store.remove(&gone);
                known.remove(&gone);
            }
        }
        for id in plan::startable(&listed, &known, &running) {
            self.start(id);
        }
    }

    fn start(&mut self, id: ShardId) {
        let (shard, stored) = (self.stream.shard(&id), &self.store[&id]);
        for parent in shard.parents.iter().filter(|parent| self.stream.shard(parent).is_listed) {
            assert_eq!(
                self.store[parent].progress(),
                ShardProgress::Finished,
                "parents finish before children"
            );
            // It may still be there: a save that looked like a failure was kept.
            let is_holding =
                self.workers.get(parent).is_some_and(|worker| worker.watched.ledger.is_holding());
            assert!(!is_holding, "everything in a parent is settled before its children start");
        }
        let position = stored.kept.as_ref().and_then(|kept| kept.position.as_ref());
        let cursor = match position {
            Some(position) => number_of(position) + 1,
            None => shard.cursor(stored.start.expect("a shard that is read has a start")),
        };
        let oldest = if position.is_some() { 0 } else { cursor };
        let succession = Succession::after(&id, position.cloned());
        let watched = Watched::new(&self.policy, stored.kept.clone(), self.random.u64(..), self.now);
        self.note(|_| format!("{id} starts at {cursor}"));
        let ending = Ending::default();
        let worker = Worker { watched, cursor, oldest, ending, succession, lies: 0 };
        self.workers.insert(id, worker);
    }

    /// The poller is gone, and comes back with nothing but what was kept.
    fn crash(&mut self) {
        self.note(|_| "crash".to_owned());
        for id in self.ids() {
            if self.workers[&id].watched.owed.save.is_some() {
                self.keep_perhaps(&id);
            }
            self.end_life(&id);
        }
        if self.random.bool() {
            self.policy = with_other_settings(self.policy.clone(), &mut self.random);
        }
        self.supervise();
    }

    fn end_life(&mut self, id: &ShardId) {
        let worker = self.workers.remove(id).expect("a worker");
        let ledger = &worker.watched.ledger;
        let repeated = ledger.repeats();
        let repeats_max = ledger.policy.batch_size * ledger.policy.parallelization_factor;
        assert!(repeated <= repeats_max, "I8: at most one batch of each lane is repeated");
        self.books.end_life(ledger.settled(), ledger.coming_again());
        self.note(|_| format!("{id} is gone, {repeated} to repeat"));
    }
}

/// Storms are shorter than this.
const STORM_STEPS_MAX: usize = 1_500;
/// Reshards end when the stream has this many shards.
const SHARDS_MAX: usize = 12;
/// More rounds than any world needs to come to rest.
const ROUNDS_MAX: usize = 20_000;
