//! Word between those who read the shards of a stream and whoever checks the stream.
//!
//! In: a reader got no answer, or its stream does not exist. Out: in the second case it may read on once a check that began
//! afterwards has found the stream to be the one that it was. One made again under the old name may well accept the old one's
//! iterators. When that is so is decided by `pelton_core::shard_sync`.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, watch};

/// What the readers of one stream share with whoever checks it.
#[derive(Debug, Default)]
pub struct StreamChecks {
    wanted: Notify,
    /// How many checks were required.
    required: AtomicU64,
    /// How many of them have been passed.
    passed: watch::Sender<u64>,
}

/// A check that its reader waits for: the number of its requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Required(u64);

impl StreamChecks {
    /// The stream gave no answer: check it.
    pub fn want(&self) {
        self.wanted.notify_one();
    }

    /// The stream turned out not to exist: check it before this reader reads on.
    pub fn require(&self) -> Required {
        let required = Required(self.required.fetch_add(1, Ordering::SeqCst) + 1);
        self.want();
        required
    }

    /// Returns once a check is wanted, with the number of those that were required so far. Cancelling is safe.
    pub async fn wanted(&self) -> u64 {
        self.wanted.notified().await;
        self.required.load(Ordering::SeqCst)
    }

    /// Requirements up to this one are met.
    pub fn pass(&self, required: u64) {
        self.passed.send_replace(required);
    }

    /// Waits until this requirement is met. Cancelling is safe.
    pub async fn passed(&self, required: Required) {
        let mut passed = self.passed.subscribe();
        // The sender lives as long as `self`.
        passed.wait_for(|passed| *passed >= required.0).await.expect("the sender is borrowed meanwhile");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn each_reader_waits_for_its_own_requirement() {
        let checks = StreamChecks::default();
        let (first, second) = (checks.require(), checks.require());
        assert_eq!(checks.wanted().now_or_never(), Some(2));
        checks.pass(1);
        assert!(checks.passed(first).now_or_never().is_some());
        assert!(checks.passed(second).now_or_never().is_none());
        checks.pass(2);
        assert!(checks.passed(second).now_or_never().is_some());
    }

    #[test]
    fn a_check_that_is_only_wanted_requires_nothing() {
        let checks = StreamChecks::default();
        checks.want();
        assert_eq!(checks.wanted().now_or_never(), Some(0));
        assert!(checks.wanted().now_or_never().is_none(), "told once");
    }
}
