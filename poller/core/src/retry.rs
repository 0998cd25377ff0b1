//! How long to wait before the next attempt.
//!
//! AWS documents nothing; its observed retries fit an exponential curve from 0.5 s (specification 4.4).

use std::time::Duration;

/// An exponential backoff with full jitter: the n-th wait lies anywhere between zero and `base · factorⁿ⁻¹`, capped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Upper end of the first wait.
    pub base: Duration,
    /// By how much the upper end grows from one wait to the next.
    pub factor: u32,
    /// Upper end of every wait.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(500), factor: 2, cap: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The wait after `failures` failures in a row (1, 2, 3, …).
    #[must_use]
    pub fn delay(&self, failures: u32, random: &mut fastrand::Rng) -> Duration {
        let ceiling = self.ceiling(failures);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(random.u64(0..=millis))
    }

    /// The longest wait possible after `failures` failures in a row.
    #[must_use]
    pub fn ceiling(&self, failures: u32) -> Duration {
        let growth = self.factor.saturating_pow(failures.saturating_sub(1));
        self.base.saturating_mul(growth).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_starts_at_half_a_second_doubles_and_is_capped_at_a_minute() {
        let ceilings: Vec<u128> =
            (1..=9).map(|failures| Backoff::default().ceiling(failures).as_millis()).collect();
        assert_eq!(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(Backoff::default().ceiling(u32::MAX), Duration::from_secs(60));
    }

    #[test]
    fn jitter_is_full_and_comes_from_the_seed() {
        let waits = |seed| {
            let mut random = fastrand::Rng::with_seed(seed);
            (0..1_000).map(|_| Backoff::default().delay(3, &mut random).as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
        assert!(waits(7).iter().all(|&wait| wait <= 2_000));
        assert!(waits(7).iter().any(|&wait| wait < 200) && waits(7).iter().any(|&wait| wait > 1_800));
    }
}
