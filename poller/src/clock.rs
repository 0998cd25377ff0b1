//! The only clock. Everybody else is told the time or asks here.
//!
//! Obeys tokio's paused time, so that tests of hours take milliseconds.

use pelton_core::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// By how much the system's clock must be ahead before this one follows: a laptop that slept, or a corrected clock.
const LEAP_MIN: Duration = Duration::from_secs(2);

/// Tells the time, and waits. Never goes backwards. Cheap to clone: all clones are one clock.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    /// Milliseconds from the Unix epoch to `started`. Grows when the system's clock leaps ahead.
    epoch_offset: Arc<AtomicU64>,
    leaps: Leaps,
}

/// Whether the system's clock may leap ahead of this one.
#[derive(Clone, Copy, Debug)]
enum Leaps {
    Followed,
    Ignored,
}

impl Clock {
    /// A clock that starts with the system's time.
    #[must_use]
    pub fn start() -> Self {
        let epoch_offset = Arc::new(AtomicU64::new(system_millis()));
        Self { started: Instant::now(), epoch_offset, leaps: Leaps::Followed }
    }

    /// A clock that starts with the system's time and then obeys tokio's alone. Where that is paused, the system's seems to leap
    /// ahead on a slow machine.
    #[must_use]
    pub fn start_paused() -> Self {
        Self { leaps: Leaps::Ignored, ..Self::start() }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = self.epoch_offset.load(Ordering::Relaxed).saturating_add(elapsed);
        let ahead = match self.leaps {
            Leaps::Followed => system_millis().saturating_sub(now),
            Leaps::Ignored => 0,
        };
        if u128::from(ahead) < LEAP_MIN.as_millis() {
            return Timestamp::from_millis(now);
        }
        let offset =
            self.epoch_offset.fetch_max(now - elapsed + ahead, Ordering::Relaxed).max(now - elapsed + ahead);
        Timestamp::from_millis(offset + elapsed)
    }

    /// Time since this clock started: finer than a millisecond, for measuring.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits. Cancelling is safe.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    pub async fn sleep(&self, delay: Duration) {
        tokio::time::sleep(delay).await;
    }

    /// Waits until `moment`, and not at all if it has come: tokio's shortest sleep lasts up to a millisecond. Cancelling is safe.
    pub async fn sleep_until(&self, moment: Timestamp) {
        let left = moment.since(self.now());
        if !left.is_zero() {
            self.sleep(left).await;
        }
    }

    /// The same; without a moment it never ends.
    pub async fn sleep_until_some(&self, moment: Option<Timestamp>) {
        match moment {
            Some(moment) => self.sleep_until(moment).await,
            None => std::future::pending().await,
        }
    }
}

#[expect(clippy::disallowed_types, reason = "this is the one place that asks the system")]
fn system_millis() -> u64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn what_has_come_is_not_waited_for() {
        let clock = Clock::start();
        assert!(clock.sleep_until(clock.now()).now_or_never().is_some());
        assert!(clock.sleep_until_some(Some(Timestamp::default())).now_or_never().is_some());
        assert!(clock.sleep_until(clock.now().after(Duration::from_secs(1))).now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn time_passes_with_tokio() {
        let clock = Clock::start();
        let before = clock.now();
        clock.sleep(Duration::from_secs(3600)).await;
        let passed = clock.now().since(before);
        assert!(passed >= Duration::from_secs(3600) && passed < Duration::from_secs(3602), "{passed:?}");
    }
}
