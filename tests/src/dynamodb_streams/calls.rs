//! The calls that clients made, and how many of them at most came within a time.

use crate::fault_proxy::Operation;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Calls that are kept of one fake. Later ones are answered all the same.
const CALLS_KEPT_MAX: usize = 1_000_000;

/// The time in which the limits per second count.
const SECOND: Duration = Duration::from_secs(1);

/// A call that a client made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it came, since the fake started.
    pub at: Duration,
    /// What it asked for.
    pub operation: Operation,
    /// The shard that it concerns, if it concerns one.
    pub shard: Option<String>,
    /// The name of the error that it was answered with; `None`: it succeeded.
    pub refused: Option<&'static str>,
}

/// The calls so far.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

/// A limit of calls per second.
#[derive(Debug, Default)]
pub(super) struct PerSecond {
    passed: VecDeque<Duration>,
}

impl Calls {
    pub(super) fn note(&mut self, call: Call) {
        if self.0.len() < CALLS_KEPT_MAX {
            self.0.push(call);
        }
    }

    pub(super) fn all(&self) -> &[Call] {
        &self.0
    }
}

impl PerSecond {
    /// Whether one more call passes now.
    pub(super) fn passes(&mut self, max: usize, now: Duration) -> bool {
        while self.passed.front().is_some_and(|passed| now.saturating_sub(*passed) >= SECOND) {
            self.passed.pop_front();
        }
        let passes = self.passed.len() < max;
        if passes {
            self.passed.push_back(now);
        }
        passes
    }
}

/// How many of these calls at most came within `time`, wherever it begins. In the order in which they came.
pub(super) fn most_within<'a>(calls: impl Iterator<Item = &'a Call>, time: Duration) -> usize {
    let mut within: VecDeque<Duration> = VecDeque::new();
    let mut most = 0;
    for call in calls {
        within.push_back(call.at);
        while within.front().is_some_and(|first| call.at.saturating_sub(*first) >= time) {
            within.pop_front();
        }
        most = most.max(within.len());
    }
    most
}

/// The same, of the calls of an operation that concern one shard; the shard with the most.
pub(super) fn most_within_one_shard(calls: &[Call], operation: Operation, time: Duration) -> usize {
    let of_operation = || calls.iter().filter(|call| call.operation == operation && call.shard.is_some());
    let shards: BTreeSet<_> = of_operation().map(|call| &call.shard).collect();
    let most = |shard: &Option<String>| most_within(of_operation().filter(|call| call.shard == *shard), time);
    shards.into_iter().map(most).max().unwrap_or_default()
}
