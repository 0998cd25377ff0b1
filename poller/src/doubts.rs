//! Word between the workers of a mapping and whoever looks at its stream.
//!
//! In: a worker is told that its stream does not exist. Out: it may read on once somebody has looked, and found the stream to
//! be the one that it was. One made again under the old name may well accept the old one's iterators.

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Notify, watch};

/// What the workers of one mapping share with its runner.
#[derive(Debug, Default)]
pub struct Doubts {
    raised: Notify,
    /// One more than the number of the look that was the latest when a doubt was last raised.
    open_below: AtomicU64,
    /// Number of the latest look that was begun.
    begun: AtomicU64,
    /// Number of the latest look that found the stream to be the one that it was.
    settled: watch::Sender<u64>,
}

/// A doubt that only a look begun after it settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt(u64);

/// A look at the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look(u64);

impl Doubts {
    /// The stream gave no answer: have a look.
    pub fn ask_for_look(&self) {
        self.raised.notify_one();
    }

    /// The stream turned out not to exist: have a look.
    pub fn raise(&self) -> Doubt {
        let doubt = Doubt(self.begun.load(Ordering::SeqCst));
        self.open_below.fetch_max(doubt.0 + 1, Ordering::SeqCst);
        self.ask_for_look();
        doubt
    }

    /// Whether a doubt was raised that no look has settled.
    pub fn are_open(&self) -> bool {
        *self.settled.borrow() < self.open_below.load(Ordering::SeqCst)
    }

    /// Returns once a look was asked for, or a doubt raised. Cancelling is safe.
    pub async fn raised(&self) {
        self.raised.notified().await;
    }

    /// A look at the stream begins.
    pub fn begin_look(&self) -> Look {
        Look(self.begun.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// The stream is there, and is the one that it was.
    pub fn settle(&self, look: Look) {
        self.settled.send_replace(look.0);
    }

    /// Waits for a look that was begun after `doubt` was raised and settled it. Cancelling is safe.
    pub async fn settled(&self, doubt: Doubt) {
        let mut settled = self.settled.subscribe();
        // The sender lives as long as `self`.
        settled.wait_for(|look| *look > doubt.0).await.expect("the sender is borrowed meanwhile");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn only_a_look_that_began_after_the_doubt_settles_it() {
        let doubts = Doubts::default();
        let before = doubts.begin_look();
        let doubt = doubts.raise();
        doubts.settle(before);
        assert!(doubts.settled(doubt).now_or_never().is_none(), "what that look saw may be past");
        assert!(doubts.are_open());
        doubts.settle(doubts.begin_look());
        assert!(doubts.settled(doubt).now_or_never().is_some());
        assert!(!doubts.are_open());
    }

    #[test]
    fn to_ask_for_a_look_is_no_doubt() {
        let doubts = Doubts::default();
        doubts.ask_for_look();
        assert!(doubts.raised().now_or_never().is_some());
        assert!(!doubts.are_open());
    }

    #[test]
    fn a_doubt_that_nobody_waited_for_is_not_forgotten() {
        let doubts = Doubts::default();
        doubts.raise();
        assert!(doubts.raised().now_or_never().is_some());
        assert!(doubts.raised().now_or_never().is_none(), "told once");
    }
}
