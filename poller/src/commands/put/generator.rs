//! Makes up records at a rate.
//!
//! In: how many, how fast, how large, how many keys. Out: the records that are due. Whoever is slow gets more at once,
//! so that the rate holds on the whole.

use super::Entry;
use super::args::PutArgs;
use super::sender::BATCH_RECORDS_MAX;
use crate::clock::Clock;
use pelton_core::Timestamp;
use std::num::NonZeroU32;
use std::time::Duration;

/// Makes up records.
pub(super) struct Generator {
    clock: Clock,
    started: Timestamp,
    /// Records a second; `None`: as many as are taken.
    rate: Option<NonZeroU32>,
    keys: u64,
    size: usize,
    count_max: u64,
    ends_at: Option<Timestamp>,
    made: u64,
}

impl Generator {
    pub(super) fn new(args: &PutArgs, clock: Clock) -> Self {
        let started = clock.now();
        Self {
            clock,
            started,
            rate: NonZeroU32::new(args.rate),
            keys: u64::from(args.keys),
            size: args.size as usize,
            count_max: args.count.unwrap_or(u64::MAX),
            ends_at: args.duration.map(|duration| started.after(duration)),
            made: 0,
        }
    }

    /// The records that are due, at least one; none at the end. Cancelling loses nothing.
    pub(super) async fn next_batch(&mut self) -> Vec<Entry> {
        if let Some(rate) = self.rate {
            let due = self.started.after(Duration::from_millis(self.made * 1000 / u64::from(rate.get())));
            self.clock.sleep_until(self.ends_at.map_or(due, |end| due.min(end))).await;
        }
        let now = self.clock.now();
        if self.ends_at.is_some_and(|end| now >= end) {
            return Vec::new();
        }
        let due = self.due(now).min(self.count_max - self.made);
        let batch: Vec<Entry> = (self.made..self.made + due).map(|n| self.make(n, now)).collect();
        self.made += due;
        batch
    }

    /// How many records are due at `now` and not made yet: at least one, since somebody waited for it.
    fn due(&self, now: Timestamp) -> u64 {
        let batch_max = BATCH_RECORDS_MAX as u64;
        let Some(rate) = self.rate else { return batch_max };
        let millis = now.since(self.started).as_millis();
        let due_by_now =
            u64::try_from(millis * u128::from(rate.get()) / 1000).unwrap_or(u64::MAX).saturating_add(1);
        due_by_now.saturating_sub(self.made).clamp(1, batch_max)
    }

    /// Record number `n`: a JSON object that says which it is, and when it was made.
    fn make(&self, n: u64, now: Timestamp) -> Entry {
        let key = format!("key-{}", n % self.keys);
        let head = format!(r#"{{"n":{n},"key":"{key}","at":{},"padding":""#, now.as_millis());
        let mut data = head.into_bytes();
        let padded_len = self.size.saturating_sub(2).max(data.len());
        data.resize(padded_len, b'.');
        data.extend_from_slice(br#""}"#);
        Entry { key: Some(key), data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        put: PutArgs,
    }

    fn generator(line: &str) -> Generator {
        let words = ["put", "orders", "--generate"].into_iter().chain(line.split_whitespace());
        Generator::new(&Program::parse_from(words).put, Clock::start())
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_holds_on_the_whole_and_the_duration_ends_it() {
        let mut generator = generator("--rate 50 --duration 10s");
        let mut made = 0;
        loop {
            match generator.next_batch().await.len() {
                0 => break,
                batch => made += batch,
            }
        }
        assert!((495..=501).contains(&made), "{made}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_batches_are_full_up_to_the_count() {
        let mut generator = generator("--count 1200");
        let mut batches = Vec::new();
        loop {
            match generator.next_batch().await.len() {
                0 => break,
                batch => batches.push(batch),
            }
        }
        assert_eq!(batches, [500, 500, 200]);
    }

    #[tokio::test(start_paused = true)]
    async fn records_are_json_of_the_size_asked_for_and_take_their_keys_in_turn() {
        let entries = generator("--count 5 --keys 2 --size 120").next_batch().await;
        let keys: Vec<&str> = entries.iter().filter_map(|entry| entry.key.as_deref()).collect();
        assert_eq!(keys, ["key-0", "key-1", "key-0", "key-1", "key-0"]);
        for entry in &entries {
            assert_eq!(entry.data.len(), 120);
            serde_json::from_slice::<serde_json::Value>(&entry.data).unwrap();
        }
    }
}
