//! Tells readers that records were put into their shard, so that they need not wait for the next poll.
//!
//! In: which shards of which stream took records. Out: a `watch` per shard that somebody reads.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Who waits for records of which shard. Cheap to clone: all clones are one.
#[derive(Clone, Default)]
pub struct Arrivals(Arc<Mutex<Streams>>);

type Streams = HashMap<String, Shards>;
type Shards = HashMap<String, watch::Sender<u64>>;

impl Arrivals {
    /// Changes whenever records were put into the shard.
    #[must_use]
    pub fn watch(&self, stream: &str, shard: &str) -> watch::Receiver<u64> {
        let mut streams = self.streams();
        let shards = streams.entry(stream.to_owned()).or_default();
        shards.entry(shard.to_owned()).or_default().subscribe()
    }

    /// Records were put into these shards of the stream.
    pub(super) fn wake<'a>(&self, stream: &str, shards_put: impl IntoIterator<Item = &'a str>) {
        let mut streams = self.streams();
        let Some(shards) = streams.get_mut(stream) else { return };
        for shard in shards_put {
            let is_watched = shards.get(shard).map(bump);
            if is_watched == Some(false) {
                shards.remove(shard);
            }
        }
    }

    /// Records were put, or shards changed, and it is not known where.
    pub(super) fn wake_all(&self) {
        self.streams().values_mut().for_each(|shards| shards.retain(|_, shard| bump(shard)));
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes the value; false if nobody watches it.
fn bump(shard: &watch::Sender<u64>) -> bool {
    shard.send_modify(|puts| *puts += 1);
    shard.receiver_count() > 0
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Arrivals").field(&self.streams().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shards_that_took_records_are_woken() {
        let arrivals = Arrivals::default();
        let mut one = arrivals.watch("orders", "shard-1");
        let other_shard = arrivals.watch("orders", "shard-2");
        let other_stream = arrivals.watch("clicks", "shard-1");
        arrivals.wake("orders", ["shard-1", "shard-9"]);
        assert!(one.has_changed().unwrap());
        one.mark_unchanged();
        assert!(!other_shard.has_changed().unwrap() && !other_stream.has_changed().unwrap());
        arrivals.wake_all();
        for shard in [one, other_shard, other_stream] {
            assert!(shard.has_changed().unwrap());
        }
    }

    #[test]
    fn a_shard_that_nobody_watches_any_more_is_forgotten() {
        let arrivals = Arrivals::default();
        drop(arrivals.watch("orders", "shard-1"));
        arrivals.wake("orders", ["shard-1"]);
        assert!(arrivals.streams()["orders"].is_empty());
    }
}
