//! One world: a stream, a store, a worker for each shard that is assigned, and whatever happens to them. Which shards those are is
//! decided by the machines of the core.

mod answers;
mod sync;

use crate::books::{Books, show};
use crate::common::{Looks, Watched};
use crate::stream::Stream;
use crate::weather::{
    Weather, happens, random_policy, random_retention, random_starting_position, with_other_settings,
};
use fastrand::Rng;
use pelton_core::assignments::Assignments;
use pelton_core::shard_end::Ending;
use pelton_core::shard_sync::{self, ShardSync};
use pelton_core::starting_position::StartingPosition;
use pelton_core::stream::KeptMapping;
use pelton_core::stream::ShardId;
use pelton_core::succession::Succession;
use pelton_core::{Finished, Input, Policy, Timestamp};
use std::collections::BTreeMap;
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
    store: Option<KeptMapping>,
    /// This life of the poller.
    life: Option<Life>,
    workers: BTreeMap<ShardId, Worker>,
    /// Readers that found their stream gone, and those that may read on.
    required: u64,
    passed: u64,
    /// The last answer about the stream was a lie: the next one is not.
    was_lied_to: bool,
    books: Books,
}

/// What decides which shards are read, from a start to a crash.
struct Life {
    sync: ShardSync,
    assignments: Assignments,
    /// The command to which an answer is owed.
    owed: Option<shard_sync::Command>,
    /// The number of the first record that was put after the start.
    first_after_start: u64,
    /// When it began, by the poller's clock; or as far back as that was set since.
    began: Timestamp,
    /// The same by the clock of the stream.
    stream_began: Timestamp,
    /// A shard that all answers of the check in progress lack; of the next one, none does.
    hidden: Option<ShardId>,
    hid_a_shard: bool,
    has_caught_up: bool,
}

struct Worker {
    watched: Watched,
    /// When its stream was made.
    created: Timestamp,
    /// The check that it waits for before it reads on.
    required: Option<u64>,
    /// The number of the record that is read next.
    cursor: u64,
    /// The number of the first record that an answer of old may bring: none before the start.
    oldest: u64,
    ending: Ending,
    succession: Succession,
    /// Lies since the last true answer.
    lies: u32,
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
            store: None,
            life: None,
            workers: BTreeMap::new(),
            required: 0,
            passed: 0,
            was_lied_to: false,
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
        world.started_at = Some(world.now);
        world.start_life();
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

    /// Whatever may happen, for a while.
    pub(crate) fn storm(&mut self) {
        for _ in 0..self.random.usize(50..STORM_STEPS_MAX) {
            match self.random.u32(0..1_000) {
                0..100 => self.put(),
                100..430 => drop(self.answer_one()),
                430..450 => self.take_in_ended(),
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
                945..950 => self.take_away(),
                950..952 => self.delete_or_make_again(),
                952..962 => self.crash(),
                962..975 => self.jump(),
                975..980 => self.pass_long(),
                980..985 => self.weather = Weather::random(&mut self.random),
                985..990 => self.weather = Weather::fair(),
                _ => self.answer_sync(),
            }
        }
    }

    /// Fair weather until every shard is read to its end: nothing is left over, and nothing was lost.
    pub(crate) fn heal(&mut self) {
        self.weather = Weather::fair();
        if self.stream.is_deleted {
            self.delete_or_make_again();
        }
        for shard in self.stream.open_shards() {
            self.stream.close(shard);
        }
        // Until everything is listed.
        self.pass(1_000);
        for _ in 0..ROUNDS_MAX {
            self.answer_sync();
            self.take_in_ended();
            if self.is_over() {
                return self.check_nothing_is_lost();
            }
            // A read that fails without rest is repeated for as long as no time passes.
            let _all_or_many = (0..ANSWERS_MAX).take_while(|_| self.answer_one()).count();
            self.wake();
        }
        panic!("I6: the world does not come to rest");
    }

    /// Whether every shard that the stream lists is kept as ended.
    fn is_over(&self) -> bool {
        let is_ended = |id: &ShardId| {
            let state = self.store.as_ref().filter(|state| state.stream.created == self.stream.created);
            state.and_then(|state| state.shards.get(id)).is_some_and(|shard| shard.checkpoint.ended)
        };
        self.workers.is_empty() && self.stream.list().iter().all(|shard| is_ended(&shard.id))
    }

    fn check_nothing_is_lost(&self) {
        for shard in &self.stream.shards {
            for record in shard.records.iter().filter(|record| !record.is_trimmed) {
                let is_settled = self.books.settled.contains(&record.number);
                assert_eq!(is_settled, self.is_wanted(record), "I2: {record:?} of {}", shard.id);
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
        if let Some(life) = &mut self.life {
            life.began = life.began.min(self.now);
        }
        self.note(|_| "the clock jumped".to_owned());
    }

    fn put(&mut self) {
        let open = self.stream.open_shards();
        if self.stream.is_deleted {
            return;
        }
        let shard = open[self.random.usize(0..open.len())];
        for _ in 0..self.random.usize(1..=6) {
            let bytes_max = self.random.choice([40, 40, 40, 120]).expect("a list");
            let bytes = self.random.usize(22..=bytes_max);
            // The times of arrival are approximate: after the start they need not be in order.
            let late = Duration::from_millis(self.random.choice([0, 0, 0, 10, 700]).expect("a list"));
            let arrival = match self.started_at {
                None => self.stream.now,
                Some(start) => {
                    let arrival = start.after(self.stream.now.since(start).saturating_sub(late));
                    arrival.max(self.stream.created)
                }
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
        if self.stream.shards.len() >= SHARDS_MAX || self.stream.is_deleted {
            return;
        }
        let one = open[self.random.usize(0..open.len())];
        let other = open[self.random.usize(0..open.len())];
        // Sooner than the next check after an end.
        let delay =
            if self.life.is_some() { self.random.choice([0, 0, 300, 900]).expect("a list") } else { 0 };
        let delay = Duration::from_millis(delay);
        if one == other {
            self.stream.split(one, delay)
        } else {
            self.stream.merge(one, other, delay)
        }
        self.note(|_| "a reshard".to_owned());
    }

    fn change_retention(&mut self) {
        self.stream.retention = random_retention(&mut self.random);
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
        let wakeups = self.workers.values().filter_map(|worker| worker.watched.wakeup());
        let Some(next) = wakeups.chain(self.next_check()).min() else { return };
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
        self.check_when_due();
    }

    fn handle(&mut self, id: &ShardId, input: Input, what: &str) {
        self.handle_counted(id, input, what);
    }

    fn handle_counted(&mut self, id: &ShardId, input: Input, what: &str) -> usize {
        let Some(worker) = self.workers.get_mut(id) else { return 0 };
        let save = worker.watched.owed.save.clone();
        let commands = worker.watched.handle(input, self.now);
        let invoked = worker.watched.owed.invocations.values().filter(|_| commands > 0);
        for record in invoked.flat_map(|invocation| invocation.batch.records()) {
            self.books.note_invoked(id, record);
        }
        self.note(|world| format!("{id} {what}{}", show(&world.workers[id].watched)));
        let is_lost = self.workers[id].watched.finished() == Some(Finished::Lost);
        if let Some(save) = save.filter(|_| is_lost) {
            self.keep_perhaps(id, save);
        }
        commands
    }

    /// The poller is gone, and comes back with nothing but what was kept.
    fn crash(&mut self) {
        self.note(|_| "crash".to_owned());
        if let Some(shard_sync::Command::Keep(what)) = self.life.take().and_then(|life| life.owed)
            && happens(self.weather.failed_save_is_kept, &mut self.random)
        {
            self.keep_of_mapping(&what);
        }
        for id in self.ids() {
            if let Some(save) = self.workers[&id].watched.owed.save.clone() {
                self.keep_perhaps(&id, save);
            }
            self.end_life(&id);
        }
        if self.random.bool() {
            self.policy = with_other_settings(self.policy.clone(), &mut self.random);
        }
        self.start_life();
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
/// More answers than a world owes at one moment, but for reads that fail again and again.
const ANSWERS_MAX: usize = 1_000;
/// More rounds than any world needs to come to rest.
const ROUNDS_MAX: usize = 20_000;
