//! How long a consumer may be silent before the broker gives its partitions to others (`--kafka-session-timeout`).

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What a broker takes by default (`group.min.session.timeout.ms`, `group.max.session.timeout.ms`), in seconds.
const SECONDS: RangeInclusive<u64> = 6..=1_800;

/// A session timeout that a broker takes by default: 6 seconds to half an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimeout(Duration);

/// A duration that is no session timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSessionTimeout;

impl SessionTimeout {
    /// This long.
    ///
    /// # Errors
    ///
    /// If brokers do not take it by default.
    pub fn new(length: Duration) -> Result<Self, NoSessionTimeout> {
        let (min, max) = (Duration::from_secs(*SECONDS.start()), Duration::from_secs(*SECONDS.end()));
        if (min..=max).contains(&length) { Ok(Self(length)) } else { Err(NoSessionTimeout) }
    }

    /// How long.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }
}

impl Default for SessionTimeout {
    /// That of Kafka's clients: 45 seconds.
    fn default() -> Self {
        Self(Duration::from_secs(45))
    }
}

impl fmt::Display for NoSessionTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a session timeout is {} to {} seconds", SECONDS.start(), SECONDS.end())
    }
}

impl std::error::Error for NoSessionTimeout {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_timeout_is_what_a_broker_takes_by_default() {
        let timeout = |millis| SessionTimeout::new(Duration::from_millis(millis));
        for taken in [6_000, 45_000, 1_800_000] {
            assert_eq!(timeout(taken).map(|timeout| timeout.get().as_millis()), Ok(u128::from(taken)));
        }
        for refused in [0, 5_999, 1_800_001] {
            assert_eq!(timeout(refused), Err(NoSessionTimeout));
        }
    }
}
