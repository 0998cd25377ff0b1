//! A fake of the DynamoDB Streams API: tables whose streams roll over by a script.
//!
//! In: writes by the methods of [`DynamoDbStreams`], and the calls of clients over HTTP (`AWS_ENDPOINT_URL_DYNAMODB_STREAMS`). Out:
//! answers as AWS gives them; every record that was accepted, in its shard; and a log of all calls. It is honest: it loses,
//! repeats and reorders nothing. What lies stands in front of it: [`crate::fault_proxy`].
//!
//! What it does not have: the API of tables but CreateTable, `AT_TIMESTAMP` iterators, signatures.

mod answer;
mod calls;
mod change;
mod iterator;
mod request;
mod script;
mod server;
mod stream;
mod tables;
mod tree;
mod world;

pub use calls::Call;
pub use change::ViewType;
pub use script::{Listed, Script, Throttle};

use crate::fault_proxy::Operation;
use change::{Change, Deleter, Item};
use pelton::clock::Clock;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use stream::{Stream, Table};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use world::World;

/// A running fake. Dropping it ends it and every connection to it.
#[derive(Debug)]
pub struct DynamoDbStreams {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

/// A record that a stream accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The id of its shard.
    pub shard: String,
    /// Its sequence number.
    pub sequence_number: String,
    /// The same for all records of an item, and for no other: its `Keys` in canonical form.
    pub key: String,
    /// The record as GetRecords returns it.
    pub record: Value,
}

/// A shard with everything that it ever accepted, whether trimmed or not, and whether clients still see it or not.
#[derive(Clone, Debug, PartialEq)]
pub struct ShardContent {
    /// Its id.
    pub id: String,
    /// The shard that it continues.
    pub parent: Option<String>,
    /// Whether it still accepts records.
    pub is_open: bool,
    /// Its records in order, as GetRecords returns them.
    pub records: Vec<Value>,
}

/// A moment, as the fake needs it.
#[derive(Clone, Copy, Debug)]
struct Now {
    /// Since the fake started.
    elapsed: Duration,
    /// From the Unix epoch to the fake's start.
    epoch: Duration,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    epoch: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    world: World,
    /// By how much the fake's time is ahead of the clock.
    ahead: Duration,
    label_ms: u64,
}

impl Now {
    fn epoch_s(self) -> u64 {
        (self.epoch + self.elapsed).as_secs()
    }
}

impl DynamoDbStreams {
    /// A fake without tables.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let clock = Clock::start();
        let epoch = Duration::from_millis(clock.now().as_millis());
        let state = State { world: World::new(script), ahead: Duration::ZERO, label_ms: 0 };
        let shared = Arc::new(Shared { clock, epoch, state: Mutex::new(state) });
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared))).abort_handle();
        Self { address, shared, server }
    }

    /// The URL that clients use.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Creates a table with the names of its partition key and, if it has one, its sort key. Returns the ARN of its stream.
    #[must_use]
    pub fn create_table(&self, name: &str, key_names: &[&str], view: ViewType) -> String {
        self.change(|state, now| {
            let table = Table::new(name, key_names, view);
            let arn = state.enable(&table, now);
            state.world.tables.push(table);
            arn
        })
    }

    /// Puts an item, in DynamoDB's JSON. `None` if the stream records nothing: the item was the same before, or the stream is
    /// disabled.
    ///
    /// # Panics
    /// If there is no such table, or the item lacks a key.
    pub fn put(&self, table: &str, item: &Value) -> Option<Accepted> {
        self.write(table, |table| table.items.put(item_of(item)))
    }

    /// Deletes the item that has this key, in DynamoDB's JSON. `None` like [`Self::put`], and if there is no such item.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn delete(&self, table: &str, key: &Value) -> Option<Accepted> {
        self.write(table, |table| table.remove(item_of(key), Deleter::Client))
    }

    /// The same, by DynamoDB itself, as the item's time to live is over.
    ///
    /// # Panics
    /// Like [`Self::put`].
    pub fn expire(&self, table: &str, key: &Value) -> Option<Accepted> {
        self.write(table, |table| table.remove(item_of(key), Deleter::TimeToLive))
    }

    /// The rollover of an open shard into so many children begins now.
    ///
    /// # Panics
    /// If there is no such stream, or the shard is not an open leaf of it.
    pub fn roll_over(&self, arn: &str, shard: &str, children: usize) {
        self.with_shard(arn, shard, |stream, script, place, now| {
            stream.tree.roll_over(script, place, children, now.elapsed, now.epoch);
        });
    }

    /// The oldest records of a shard are trimmed, so many of those that are left.
    ///
    /// # Panics
    /// If there is no such stream or shard.
    pub fn trim(&self, arn: &str, shard: &str, records: usize) {
        self.with_shard(arn, shard, |stream, _, place, _| stream.tree.trim(place, records));
    }

    /// All but the first records of a shard are kept, unless more were trimmed before. How many were trimmed now.
    ///
    /// # Panics
    /// If there is no such stream or shard.
    pub fn trim_to(&self, arn: &str, shard: &str, first: usize) -> usize {
        let mut trimmed = 0;
        self.with_shard(arn, shard, |stream, _, place, _| trimmed = stream.tree.trim_to(place, first));
        trimmed
    }

    /// A closed shard vanishes now, with its records. Whether it was there.
    ///
    /// # Panics
    /// If there is no such stream or shard.
    pub fn forget_shard(&self, arn: &str, shard: &str) -> bool {
        let mut was_there = false;
        self.with_shard(arn, shard, |stream, script, place, now| {
            was_there = stream.tree.forget(script, place, now.elapsed);
        });
        was_there
    }

    /// Disables the stream of a table. Its records can still be read; writes are not recorded.
    pub fn disable_stream(&self, table: &str) {
        self.change(|state, now| {
            let streams = &mut state.world.streams;
            let stream = streams.iter_mut().find(|stream| stream.table == table && stream.is_enabled);
            stream.into_iter().for_each(|stream| stream.disable(now));
        });
    }

    /// Enables a stream of a table whose stream is disabled: a new one, under another ARN, which is returned.
    ///
    /// # Panics
    /// If there is no such table.
    #[must_use]
    pub fn enable_stream(&self, table: &str) -> String {
        self.change(|state, now| {
            let place = state.world.tables.iter().position(|known| known.name == table);
            let table = state.world.tables.remove(place.expect("there is such a table"));
            let arn = state.enable(&table, now);
            state.world.tables.push(table);
            arn
        })
    }

    /// A stream is gone, as on AWS 24 hours after it was disabled.
    pub fn forget_stream(&self, arn: &str) {
        self.change(|state, _| state.world.streams.retain(|stream| stream.arn != arn));
    }

    /// The time of the fake is this much later at once.
    pub fn pass(&self, time: Duration) {
        self.change(|state, _| state.ahead += time);
    }

    /// The shards of a stream with everything that they ever accepted, parents before their children.
    ///
    /// # Panics
    /// If there is no such stream.
    #[must_use]
    pub fn content(&self, arn: &str) -> Vec<ShardContent> {
        self.change(|state, now| {
            let stream = state.world.streams.iter().find(|stream| stream.arn == arn);
            let shards = stream.expect("there is such a stream").tree.shards().iter();
            let content = shards.map(|shard| ShardContent {
                id: shard.id.clone(),
                parent: shard.parent.clone(),
                is_open: !shard.is_closed(now.elapsed),
                records: shard.records().iter().map(|kept| kept.record.clone()).collect(),
            });
            content.collect()
        })
    }

    /// The id of the shard that accepted the record of this sequence number.
    ///
    /// # Panics
    /// If there is no such stream, or no shard gives such a number.
    #[must_use]
    pub fn shard_of(&self, arn: &str, sequence_number: &str) -> String {
        let number = sequence_number.parse().expect("a sequence number is a number");
        self.change(|state, _| {
            let stream = state.world.streams.iter().find(|stream| stream.arn == arn);
            stream.expect("there is such a stream").tree.shard_of_number(number).id.clone()
        })
    }

    /// The calls so far, in the order in which they came: the first million.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().world.calls.all().to_vec()
    }

    /// How many calls of this operation at most came within `time`, wherever it begins, those that failed included.
    #[must_use]
    pub fn busiest(&self, operation: Operation, time: Duration) -> usize {
        calls::most_within(self.calls().iter().filter(|call| call.operation == operation), time)
    }

    /// The same, of the calls that concern one shard; the shard with the most.
    #[must_use]
    pub fn busiest_shard(&self, operation: Operation, time: Duration) -> usize {
        calls::most_within_one_shard(&self.calls(), operation, time)
    }

    fn write(&self, table: &str, write: impl FnOnce(&mut Table) -> Option<Change>) -> Option<Accepted> {
        self.change(|state, now| {
            let World { tables, streams, script, .. } = &mut state.world;
            let written = tables.iter_mut().find(|known| known.name == table).expect("there is such a table");
            let change = write(written)?;
            let stream = streams.iter_mut().find(|stream| stream.table == table && stream.is_enabled)?;
            Some(stream.accept(change, script, now))
        })
    }

    fn with_shard(&self, arn: &str, shard: &str, what: impl FnOnce(&mut Stream, &Script, usize, Now)) {
        self.change(|state, now| {
            let World { streams, script, .. } = &mut state.world;
            let stream = streams.iter_mut().find(|stream| stream.arn == arn).expect("there is such a stream");
            let place = stream.tree.shards().iter().position(|known| known.id == shard);
            what(stream, script, place.expect("there is such a shard"), now);
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut State, Now) -> T) -> T {
        let mut state = self.shared.state();
        let now = self.shared.now(&state);
        state.world.advance(now);
        change(&mut state, now)
    }
}

impl Drop for DynamoDbStreams {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    /// A new stream for a table: its ARN.
    fn enable(&mut self, table: &Table, now: Now) -> String {
        let now_ms = u64::try_from((now.epoch + now.elapsed).as_millis()).expect("a time that ends");
        self.label_ms = now_ms.max(self.label_ms + 1);
        let stream = Stream::new(table, &self.world.script, self.label_ms, now);
        let arn = stream.arn.clone();
        self.world.streams.push(stream);
        arn
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding the state")
    }

    fn now(&self, state: &State) -> Now {
        Now { elapsed: self.clock.elapsed() + state.ahead, epoch: self.epoch }
    }
}

fn item_of(value: &Value) -> &Item {
    value.as_object().expect("an item is an object")
}
