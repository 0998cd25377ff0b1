//! How bad a world is: its policy and how often what goes wrong, all from the seed.

use fastrand::Rng;
use pelton_core::event::window::WindowEnvelope;
use pelton_core::shard::window::STATE_BYTES_MAX;
use pelton_core::starting_position::StartingPosition;
use pelton_core::{Backoff, EVENT_BYTES_MAX, Envelope, PartialFailures, Policy, Timestamp, Tumbling};
use std::time::Duration;

/// Chances in percent.
#[derive(Clone, Debug)]
pub(crate) struct Weather {
    pub(crate) fetch_fails: u32,
    pub(crate) page_is_empty: u32,
    pub(crate) function_fails: u32,
    pub(crate) function_is_throttled: u32,
    pub(crate) function_is_unreachable: u32,
    /// The function answers, and its response names records, tells lies, or cannot be understood.
    pub(crate) function_reports: u32,
    pub(crate) function_lies: u32,
    /// The state that the function returns is this much larger than need be, in bytes.
    pub(crate) state_padding: usize,
    pub(crate) delivery_fails: u32,
    pub(crate) save_fails: u32,
    /// Of the saves that failed, or whose answer was lost in a crash, so many were kept all the same.
    pub(crate) failed_save_is_kept: u32,
    /// An answer of the source is something else than the truth.
    pub(crate) source_lies: u32,
    /// A description or a listing does not come, or what follows from it cannot be kept.
    pub(crate) check_fails: u32,
    /// A save is refused, as the shard is somebody else's.
    pub(crate) save_is_refused: u32,
    /// Every record whose number is a multiple of this makes the function fail, as long as the storm lasts.
    pub(crate) poison_every: u64,
}

impl Weather {
    pub(crate) fn random(random: &mut Rng) -> Self {
        let mut chance = |worst| if random.bool() { random.u32(0..=worst) } else { 0 };
        Self {
            fetch_fails: chance(50),
            page_is_empty: chance(50),
            function_fails: chance(60),
            function_is_throttled: chance(30),
            function_is_unreachable: chance(20),
            function_reports: chance(50),
            function_lies: chance(20),
            delivery_fails: chance(80),
            save_fails: chance(50),
            failed_save_is_kept: chance(100),
            source_lies: chance(20),
            check_fails: chance(50),
            save_is_refused: chance(5),
            state_padding: match random.u8(0..20) {
                0 => STATE_BYTES_MAX,
                1..5 => random.usize(100..400),
                _ => 0,
            },
            poison_every: if random.u8(0..4) == 0 { random.u64(1..30) } else { u64::MAX },
        }
    }

    /// Nothing goes wrong.
    pub(crate) fn fair() -> Self {
        Self {
            fetch_fails: 0,
            page_is_empty: 0,
            function_fails: 0,
            function_is_throttled: 0,
            function_is_unreachable: 0,
            function_reports: 0,
            function_lies: 0,
            state_padding: 0,
            delivery_fails: 0,
            save_fails: 0,
            failed_save_is_kept: 0,
            source_lies: 0,
            check_fails: 0,
            save_is_refused: 0,
            poison_every: u64::MAX,
        }
    }
}

/// Whether something of `percent` happens.
pub(crate) fn happens(percent: u32, random: &mut Rng) -> bool {
    random.u32(0..100) < percent
}

pub(crate) fn random_policy(random: &mut Rng) -> Policy {
    let fast =
        Backoff { base: Duration::from_millis(random.u64(0..50)), factor: 2, cap: Duration::from_secs(1) };
    let tumbling = (random.u8(0..4) == 0).then(|| Tumbling {
        length: Duration::from_millis(random.choice([1_000, 1_000, 2_000, 5_000]).expect("a list")),
        envelope: WindowEnvelope::new("shard", "stream"),
    });
    let bytes_max =
        if tumbling.is_some() { [300, 400, 700, EVENT_BYTES_MAX] } else { [60, 100, 200, EVENT_BYTES_MAX] };
    let is_windowed = tumbling.is_some();
    let policy = Policy {
        batch_size: random.choice([1, 2, 3, 5, 8, 100]).expect("a list"),
        batching_window: Duration::from_millis(random.choice([0, 0, 1, 40, 2_000]).expect("a list")),
        tumbling,
        event_bytes_max: random.choice(bytes_max).expect("a list"),
        retention: random_retention(random),
        backoff: if random.bool() { Backoff::default() } else { fast },
        // Only mappings of Kafka have their failures listed, and these have no windows.
        partial_failures: if !is_windowed && random.bool() {
            PartialFailures::Listed { partition: "topic-0".into() }
        } else {
            PartialFailures::FromLowest
        },
        poll_interval: Duration::from_millis(random.choice([10, 200, 1_000]).expect("a list")),
        fetch_gap_min: Duration::from_millis(random.choice([0, 0, 30, 200]).expect("a list")),
        fetch_records_max: random.usize(1..=10),
        read_ahead_records_max: random.usize(1..=20),
        read_ahead_bytes_max: random.choice([1, 100, 500, 10_000]).expect("a list"),
        until_caught_up: random.u8(0..10) == 0,
        ..Policy::kinesis(Envelope::new("[", "]"))
    };
    with_other_settings(policy, random)
}

/// The same mapping, as somebody changed it between two lives.
pub(crate) fn with_other_settings(policy: Policy, random: &mut Rng) -> Policy {
    let lanes = if policy.tumbling.is_some() || random.bool() { 1 } else { random.usize(2..=10) };
    Policy {
        parallelization_factor: lanes,
        bisects: random.bool(),
        retry_attempts_max: random.choice([None, None, Some(0), Some(1), Some(3)]).expect("a list"),
        record_age_max: random
            .choice([None, None, Some(300), Some(5_000)])
            .expect("a list")
            .map(Duration::from_millis),
        reports_item_failures: random.bool(),
        has_destination: random.bool(),
        ..policy
    }
}

pub(crate) fn random_retention(random: &mut Rng) -> Duration {
    Duration::from_millis(random.choice([500, 3_000, 20_000, 86_400_000, 86_400_000]).expect("a list"))
}

pub(crate) fn random_starting_position(now: Timestamp, random: &mut Rng) -> StartingPosition {
    match random.u8(0..3) {
        0 => StartingPosition::TrimHorizon,
        1 => StartingPosition::Latest,
        _ => StartingPosition::AtTimestamp(now.after(Duration::from_millis(random.u64(0..1_000)))),
    }
}
