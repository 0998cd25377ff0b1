//! An on-failure destination in memory, on days on which it takes nothing.

use async_trait::async_trait;
use pelton::clock::Clock;
use pelton::ports::{Destination, DestinationError, GivenUp};
use pelton_core::GiveUp;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// An on-failure destination in memory. Clones are the same destination.
#[derive(Clone)]
pub struct FakeDestination {
    clock: Clock,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    takes: Duration,
    is_away: bool,
    tried: usize,
    taken: Vec<Taken>,
}

/// A failure that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The payloads of its records, in order.
    pub records: Vec<String>,
    /// Why they were given up.
    pub reason: GiveUp,
    /// How often the function was invoked with them.
    pub attempts: u32,
    /// Their shard.
    pub shard: String,
}

impl FakeDestination {
    /// One that takes everything at once.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), inner: Arc::default() }
    }

    /// From now on a delivery takes this long.
    pub fn takes(&self, duration: Duration) {
        self.inner().takes = duration;
    }

    /// Whether it takes nothing.
    pub fn set_away(&self, is_away: bool) {
        self.inner().is_away = is_away;
    }

    /// How many deliveries began.
    #[must_use]
    pub fn tried(&self) -> usize {
        self.inner().tried
    }

    /// What it took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<Taken> {
        self.inner().taken.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics while it holds the destination")
    }

    fn reached(&self) -> Result<(), DestinationError> {
        match self.inner().is_away {
            true => Err(DestinationError { destination: "memory".into(), source: "told to be away".into() }),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Destination for FakeDestination {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.reached()
    }

    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError> {
        let takes = {
            let mut inner = self.inner();
            inner.tried += 1;
            inner.takes
        };
        self.clock.sleep(takes).await;
        self.reached()?;
        let GivenUp { failure, shard, .. } = given_up;
        self.inner().taken.push(Taken {
            records: super::function::payloads(&failure.batch),
            reason: failure.reason,
            attempts: failure.attempts,
            shard: shard.to_string(),
        });
        Ok(())
    }
}
