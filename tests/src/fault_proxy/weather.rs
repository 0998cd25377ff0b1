//! Which call meets with which fault: by a script, by chance, or by a limit that AWS has.
//!
//! In: the calls, as they come. Out: a fault for some of them. Chance depends on the seed and on the call's number alone, not on
//! the order in which the calls of several shards come.

use super::api::Api;
use super::fault::{Fault, Refusal};
use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::ops::Range;
use std::time::Duration;

/// In which time AWS counts the reads of a shard.
const READS_COUNTED_FOR: Duration = Duration::from_secs(1);

/// How long a storm holds something up, in milliseconds.
const STORM_WAIT_MS: Range<u64> = 50..800;

/// Right answers to a question between two lies by chance: who is told the same lie at every turn cannot know better.
const RIGHT_BETWEEN_LIES: u32 = 3;

/// What is asked of the API of a stream, as far as reading a stream takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// GetRecords
    GetRecords,
    /// GetShardIterator
    GetShardIterator,
    /// ListShards
    ListShards,
    /// DescribeStreamSummary
    DescribeStreamSummary,
    /// DescribeStream
    DescribeStream,
    /// ListStreams
    ListStreams,
    /// Anything else.
    Other,
}

/// A shard of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) stream: String,
    pub(super) shard: String,
}

/// What a call concerns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub(super) stream: String,
    pub(super) shard: Option<String>,
    /// The part of the list of shards that is asked for, if not from its begin: another question about the same stream.
    pub(super) part: Option<String>,
}

/// A line of a script: these calls meet with this fault.
#[derive(Clone, Debug)]
pub struct Rule {
    operation: Operation,
    shard: Option<String>,
    calls: Range<u64>,
    fault: Fault,
}

/// What happens to calls. Without any of the below: nothing.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    rules: Vec<Rule>,
    storm: Option<Storm>,
    lies: Option<Storm>,
    reads_per_second_max: Option<usize>,
    iterators_live: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Storm {
    seed: u64,
    percent: u8,
}

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    calls: HashMap<(Operation, Option<Place>), u64>,
    /// Right answers since the last lie by chance, of what was lied about.
    right_since_lie: HashMap<(Operation, Subject), u32>,
    /// When the reads of each shard came that passed within the last second.
    reads: HashMap<Place, VecDeque<Duration>>,
}

impl Operation {
    /// What a request asks for by its header `X-Amz-Target`.
    pub(crate) fn of_target(target: &str) -> Self {
        match target.rsplit('.').next().unwrap_or_default() {
            "GetRecords" => Operation::GetRecords,
            "GetShardIterator" => Operation::GetShardIterator,
            "ListShards" => Operation::ListShards,
            "DescribeStreamSummary" => Operation::DescribeStreamSummary,
            "DescribeStream" => Operation::DescribeStream,
            "ListStreams" => Operation::ListStreams,
            _ => Operation::Other,
        }
    }
}

impl Rule {
    /// Every call of this operation meets with this fault.
    #[must_use]
    pub fn new(operation: Operation, fault: Fault) -> Self {
        Self { operation, shard: None, calls: 0..u64::MAX, fault }
    }

    /// Only calls that concern the shard of this id.
    #[must_use]
    pub fn shard(mut self, id: &str) -> Self {
        self.shard = Some(id.to_owned());
        self
    }

    /// Only these calls of each shard, counted from 0; the calls that concern no shard are counted together.
    #[must_use]
    pub fn calls(mut self, calls: Range<u64>) -> Self {
        self.calls = calls;
        self
    }

    fn applies(&self, operation: Operation, place: Option<&Place>, number: u64) -> bool {
        let is_for_shard =
            self.shard.is_none() || self.shard.as_ref() == place.as_ref().map(|place| &place.shard);
        self.operation == operation && is_for_shard && self.calls.contains(&number)
    }
}

impl Weather {
    /// Nothing happens.
    #[must_use]
    pub fn calm() -> Self {
        Self::default()
    }

    /// These calls fail. The first rule that applies to a call counts, and goes before chance.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// So many of a hundred calls meet with a fault, by chance.
    #[must_use]
    pub fn storm(mut self, seed: u64, percent: u8) -> Self {
        self.storm = Some(Storm { seed, percent });
        self
    }

    /// So many of a hundred calls are answered with a lie, by chance.
    #[must_use]
    pub fn lies(mut self, seed: u64, percent: u8) -> Self {
        self.lies = Some(Storm { seed, percent });
        self
    }

    /// No more than so many reads of a shard pass within a second. AWS: 5.
    #[must_use]
    pub fn reads_per_second(mut self, max: usize) -> Self {
        self.reads_per_second_max = Some(max);
        self
    }

    /// Iterators expire after this long. AWS: five minutes.
    #[must_use]
    pub fn iterators_expire_after(mut self, live: Duration) -> Self {
        self.iterators_live = Some(live);
        self
    }

    pub(super) fn iterators_live(&self) -> Option<Duration> {
        self.iterators_live
    }
}

impl Place {
    /// The shard that a call concerns, if it concerns one.
    pub(super) fn of(subject: &Subject) -> Option<Self> {
        let Subject { stream, shard, .. } = subject.clone();
        Some(Self { stream, shard: shard? })
    }
}

impl Judgement {
    /// What happens to the call that comes now.
    pub(super) fn fault(
        &mut self,
        weather: &Weather,
        (api, operation): (&Api, Operation),
        subject: Option<&Subject>,
        now: Duration,
    ) -> Option<Fault> {
        let place = subject.and_then(Place::of);
        let place = place.as_ref();
        let count = self.calls.entry((operation, place.cloned())).or_default();
        let number = *count;
        *count += 1;
        let by_rule = weather.rules.iter().find(|rule| rule.applies(operation, place, number));
        let fault = by_rule.map(|rule| rule.fault.clone());
        let fault = fault.or_else(|| weather.storm?.fault((api, operation), place, number));
        let fault = fault.or_else(|| self.throttle(weather.reads_per_second_max?, operation, place?, now));
        let fault = fault.or_else(|| self.lie(weather.lies?, (api, operation), subject?, number));
        if let (None, Some(subject)) = (&fault, subject) {
            *self.right_since_lie.entry((operation, subject.clone())).or_insert(RIGHT_BETWEEN_LIES) += 1;
        }
        fault
    }

    fn throttle(&mut self, max: usize, operation: Operation, place: &Place, now: Duration) -> Option<Fault> {
        let is_throttled = operation == Operation::GetRecords && self.is_one_read_too_many(place, max, now);
        is_throttled.then_some(Fault::Refused(Refusal::ThroughputExceeded))
    }

    /// A lie, unless the question was lied about a moment ago.
    fn lie(
        &mut self,
        lies: Storm,
        (api, operation): (&Api, Operation),
        subject: &Subject,
        number: u64,
    ) -> Option<Fault> {
        let key = (operation, subject.clone());
        let right = self.right_since_lie.entry(key).or_insert(RIGHT_BETWEEN_LIES);
        let mut random = lies.chance((operation, subject, number, "lie"))?;
        if operation == Operation::Other {
            return None;
        }
        let lie = random.choice(api.lies(operation)).expect("there are lies");
        if *right < RIGHT_BETWEEN_LIES {
            return None;
        }
        *right = 0;
        Some(Fault::Lie(lie))
    }

    fn is_one_read_too_many(&mut self, place: &Place, max: usize, now: Duration) -> bool {
        let reads = self.reads.entry(place.clone()).or_default();
        while reads.front().is_some_and(|read| now.saturating_sub(*read) >= READS_COUNTED_FOR) {
            reads.pop_front();
        }
        if reads.len() >= max {
            return true;
        }
        reads.push_back(now);
        false
    }
}

impl Storm {
    /// Chance for what is `about`, if it is hit.
    fn chance(self, about: impl Hash) -> Option<fastrand::Rng> {
        let mut hasher = DefaultHasher::new();
        (self.seed, about).hash(&mut hasher);
        let mut random = fastrand::Rng::with_seed(hasher.finish());
        (random.u8(..100) < self.percent).then_some(random)
    }

    fn fault(self, (api, operation): (&Api, Operation), place: Option<&Place>, number: u64) -> Option<Fault> {
        let mut random = self.chance((operation, place, number))?;
        let faults = faults_of(api, operation, Duration::from_millis(random.u64(STORM_WAIT_MS)));
        (!faults.is_empty()).then(|| faults[random.usize(..faults.len())].clone())
    }
}

/// Everything that can happen to an operation. What waits, waits for `wait`.
fn faults_of(api: &Api, operation: Operation, wait: Duration) -> Vec<Fault> {
    let mut faults = vec![
        Fault::Refused(Refusal::InternalFailure),
        Fault::BusyPage,
        Fault::Reset,
        Fault::ResetInBody,
        Fault::CutShort,
        Fault::Stall(wait),
        Fault::StallInBody(wait),
        Fault::Trickle(wait),
        Fault::Late(wait),
    ];
    let refused = |refusals: &'static [Refusal]| refusals.iter().map(|refusal| Fault::Refused(*refusal));
    match operation {
        Operation::GetRecords => {
            faults.extend([Fault::EmptyPage, Fault::EmptyPage]);
            faults.extend(refused(api.reads_refused));
        }
        Operation::GetShardIterator => faults.extend(refused(api.iterators_refused)),
        Operation::ListShards
        | Operation::DescribeStreamSummary
        | Operation::DescribeStream
        | Operation::ListStreams => faults.extend(refused(&[Refusal::LimitExceeded])),
        // Not a call of reading: it is somebody else's.
        Operation::Other => faults.clear(),
    }
    faults
}
