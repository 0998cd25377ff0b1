//! What is tried next, by chance: how long a life lasts and how it ends, what the functions do, and the weather.

use super::mappings::Trick;
use super::site::Plan;
use crate::fault_proxy::Weather;
use std::ops::Range;
use std::time::Duration;

/// A life that may end while the poller still starts, in milliseconds.
const SHORT_LIFE_MS: Range<u64> = 0..700;

/// A life that gets somewhere, in milliseconds.
const LONG_LIFE_MS: Range<u64> = 800..4_500;

/// Between SIGTERM and `kill -9`, in milliseconds.
const STOPPING_MS: Range<u64> = 0..15;

/// How long the functions behave in one way, in milliseconds.
const BEHAVIOR_MS: Range<u64> = 100..1_200;

/// How long an invocation takes that takes a while, in milliseconds.
const PAUSE_MS: Range<u64> = 1..40;

/// How many of a hundred calls meet with a fault, in one life and the next.
const STORMS_PERCENT: [u8; 5] = [0, 5, 15, 15, 40];

/// How many of a hundred calls are answered with a lie, in one life and the next.
const LIES_PERCENT: [u8; 5] = [0, 5, 10, 10, 25];

/// How long iterators live while they do not live long.
const ITERATORS_LIVE: Duration = Duration::from_secs(1);

/// Reads of a shard within a second, as AWS allows them.
const READS_PER_SECOND: usize = 5;

/// Chance.
#[derive(Debug)]
pub(super) struct Trouble {
    random: fastrand::Rng,
}

impl Trouble {
    pub(super) fn of(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed) }
    }

    /// A seed for others.
    pub(super) fn seed(&mut self) -> u64 {
        self.random.u64(..)
    }

    /// How long the poller lives.
    pub(super) fn life(&mut self) -> Duration {
        let is_short = self.random.u8(..4) == 0;
        self.millis(if is_short { SHORT_LIFE_MS } else { LONG_LIFE_MS })
    }

    /// How its life ends.
    pub(super) fn end(&mut self) -> Plan {
        match self.random.u8(..10) {
            0..7 => Plan::Kill,
            7 => Plan::KillWhileStopping(self.millis(STOPPING_MS)),
            _ => Plan::Stop,
        }
    }

    /// What happens to its calls.
    pub(super) fn weather(&mut self) -> Weather {
        let percent = self.random.choice(STORMS_PERCENT).expect("there are storms");
        let lies_percent = self.random.choice(LIES_PERCENT).expect("there are lies");
        let weather = Weather::calm().storm(self.seed(), percent).lies(self.seed(), lies_percent);
        let weather = weather.reads_per_second(READS_PER_SECOND);
        if self.random.bool() { weather.iterators_expire_after(ITERATORS_LIVE) } else { weather }
    }

    /// What a function does, as its handler is told.
    pub(super) fn behavior(&mut self, tricks: &[Trick]) -> String {
        match self.random.u8(..20) {
            0 => "error".to_owned(),
            1 => "abort".to_owned(),
            2..8 => format!("pause {}", self.random.u64(PAUSE_MS)),
            8..12 => match self.random.choice(tricks) {
                Some(Trick::Report) => format!("report {}", self.seed()),
                Some(Trick::Lie) => "lie".to_owned(),
                Some(Trick::Swell) => "swell".to_owned(),
                None => "succeed".to_owned(),
            },
            _ => "succeed".to_owned(),
        }
    }

    /// For how long.
    pub(super) fn behavior_time(&mut self) -> Duration {
        self.millis(BEHAVIOR_MS)
    }

    fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.random.u64(range))
    }
}
