//! What benchmarks measure with: a clock that processes share, what a process costs, and what its handler got and when.

pub mod bare_runtime;
pub mod cost;
pub mod deliveries;
pub mod statistics;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of a clock that all processes of this machine share and nobody sets.
#[must_use]
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let nanos = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    u64::try_from(nanos).expect("time since the machine started is positive and fits")
}
