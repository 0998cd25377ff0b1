//! A producer that goes on putting keyed, numbered records while a test does something to the stream or the poller.
//!
//! In: a stream, and how many keys. Out: what was put, per key and per shard, in order. A put that the stream refuses fails
//! the test.

use crate::kinesis;
use aws_sdk_kinesis::Client;
use pelton::clock::Clock;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Puts records until it is told to stop.
#[derive(Debug)]
pub struct Producer {
    stop: watch::Sender<bool>,
    task: JoinHandle<Put>,
}

/// What was put. The data of a record is its key and the number of its round: `key-3 17`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Put {
    /// The data of every record of each key, in order.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The data of every record of each shard, in order.
    pub shards: BTreeMap<String, Vec<String>>,
}

impl Producer {
    /// Puts one record of each of `keys` keys at once, waits for `pause`, and so on.
    #[must_use]
    pub fn start(client: Client, stream: &str, keys: usize, pause: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(produce(client, stream.to_owned(), keys, pause, stopped));
        Self { stop, task }
    }

    /// Ends after the round at hand.
    ///
    /// # Panics
    /// If the stream refused a record.
    pub async fn stop(self) -> Put {
        self.stop.send_replace(true);
        self.task.await.expect("the stream accepts every record")
    }
}

impl Put {
    /// Number of records.
    #[must_use]
    pub fn records(&self) -> usize {
        self.shards.values().map(Vec::len).sum()
    }
}

async fn produce(
    client: Client,
    stream: String,
    keys: usize,
    pause: Duration,
    stopped: watch::Receiver<bool>,
) -> Put {
    let clock = Clock::start();
    let mut put = Put::default();
    for round in 0.. {
        let data = |key: usize| format!("key-{key} {round}");
        let records: Vec<_> = (0..keys).map(|key| (format!("key-{key}"), data(key).into_bytes())).collect();
        let places = kinesis::put_all(&client, &stream, &records).await;
        for (key, place) in places.into_iter().enumerate() {
            put.keys.entry(format!("key-{key}")).or_default().push(data(key));
            put.shards.entry(place.shard).or_default().push(data(key));
        }
        if *stopped.borrow() {
            break;
        }
        clock.sleep(pause).await;
    }
    put
}
