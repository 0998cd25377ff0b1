//! A stream in memory: shards, reshards, retention, days on which it cannot be reached, and answers that are wrong.

use async_trait::async_trait;
use bytes::Bytes;
use pelton::clock::Clock;
use pelton::ports::{
    Answer, OpenShard, ReadFrom, ShardReader, Source, SourceError, Stream, StreamDescription, StreamStatus,
};
use pelton_core::shard_end::{Follows, Listed};
use pelton_core::starting_position::ShardStart;
use pelton_core::stream::{ListedShard, ShardId};
use pelton_core::{Envelope, Position, Record, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;

/// A stream in memory. Clones are the same stream.
#[derive(Clone)]
pub struct FakeStream {
    clock: Clock,
    inner: Arc<Mutex<Inner>>,
}

/// Makes a wrong answer of a right one.
type Lie<T> = Box<dyn FnOnce(&mut T) + Send>;

struct Inner {
    created: Timestamp,
    status: StreamStatus,
    retention: Duration,
    shards: BTreeMap<ShardId, FakeShard>,
    is_reachable: bool,
    is_openable: bool,
    /// Reads at the end of a closed shard that say only that nothing more is there at the moment.
    reads_before_end: usize,
    exists: bool,
    reads: Vec<(ShardId, Timestamp)>,
    wrong_descriptions: VecDeque<Lie<StreamDescription>>,
    wrong_listings: VecDeque<Lie<Vec<ListedShard>>>,
}

#[derive(Default)]
struct FakeShard {
    parents: Vec<ShardId>,
    records: Vec<(Timestamp, String)>,
    is_closed: bool,
    is_overlooked: bool,
    wrong_answers: VecDeque<Lie<Answer>>,
    arrivals: watch::Sender<u64>,
}

impl FakeStream {
    /// What stands around the records of its events.
    #[must_use]
    pub fn envelope() -> Envelope {
        Envelope::new(&br#"{"Records":["#[..], &b"]}"[..])
    }

    /// A stream of these open shards.
    #[must_use]
    pub fn new(clock: &Clock, shards: &[&str]) -> Self {
        let inner = Inner {
            created: clock.now(),
            status: StreamStatus::Active,
            retention: Duration::from_secs(24 * 60 * 60),
            shards: shards.iter().map(|name| (ShardId::new(name), FakeShard::default())).collect(),
            is_reachable: true,
            is_openable: true,
            reads_before_end: 0,
            exists: true,
            reads: Vec::new(),
            wrong_descriptions: VecDeque::new(),
            wrong_listings: VecDeque::new(),
        };
        Self { clock: clock.clone(), inner: Arc::new(Mutex::new(inner)) }
    }

    /// Puts records into a shard.
    pub fn put(&self, shard: &str, payloads: impl IntoIterator<Item = impl ToString>) {
        let now = self.clock.now();
        let mut inner = self.inner();
        let shard = inner.shards.get_mut(&ShardId::new(shard)).expect("the shard exists");
        assert!(!shard.is_closed, "a closed shard takes no records");
        shard.records.extend(payloads.into_iter().map(|payload| (now, payload.to_string())));
        shard.arrivals.send_modify(|count| *count += 1);
    }

    /// Closes `parents` and opens `children` made from them.
    pub fn reshard(&self, parents: &[&str], children: &[&str]) {
        let mut inner = self.inner();
        let parents: Vec<ShardId> = parents.iter().map(|name| ShardId::new(name)).collect();
        for parent in &parents {
            inner.shards.get_mut(parent).expect("the parent exists").is_closed = true;
        }
        for child in children {
            let shard = FakeShard { parents: parents.clone(), ..FakeShard::default() };
            inner.shards.insert(ShardId::new(child), shard);
        }
    }

    /// The shard leaves the retention: it is not listed any more.
    pub fn forget(&self, shard: &str) {
        self.inner().shards.remove(&ShardId::new(shard));
    }

    /// Whether the stream leaves the shard out when it lists them, though it is there.
    pub fn overlook(&self, shard: &str, is_overlooked: bool) {
        let mut inner = self.inner();
        inner.shards.get_mut(&ShardId::new(shard)).expect("the shard exists").is_overlooked = is_overlooked;
    }

    /// The next description that nobody asked for yet is wrong.
    pub fn describes_wrongly(&self, lie: impl FnOnce(&mut StreamDescription) + Send + 'static) {
        self.inner().wrong_descriptions.push_back(Box::new(lie));
    }

    /// The next listing that nobody asked for yet is wrong.
    pub fn lists_wrongly(&self, lie: impl FnOnce(&mut Vec<ListedShard>) + Send + 'static) {
        self.inner().wrong_listings.push_back(Box::new(lie));
    }

    /// The next answer to a read of the shard that nobody asked for yet is wrong. Records that it lacks are read later.
    pub fn answers_wrongly(&self, shard: &str, lie: impl FnOnce(&mut Answer) + Send + 'static) {
        let mut inner = self.inner();
        let shard = inner.shards.get_mut(&ShardId::new(shard)).expect("the shard exists");
        shard.wrong_answers.push_back(Box::new(lie));
    }

    /// Deletes the stream and makes it again under its old name.
    pub fn make_again(&self, shards: &[&str]) {
        let again = FakeStream::new(&self.clock, shards);
        *self.inner() =
            Arc::into_inner(again.inner).expect("nobody else").into_inner().expect("not poisoned");
    }

    /// Whether the stream can be reached.
    pub fn set_reachable(&self, is_reachable: bool) {
        self.inner().is_reachable = is_reachable;
    }

    /// Whether shards can be opened: without, the stream throttles whoever tries.
    pub fn set_openable(&self, is_openable: bool) {
        self.inner().is_openable = is_openable;
    }

    /// So many reads at the end of a closed shard say that nothing more is there at the moment, before one says that the shard
    /// is over: as the embedded stream does.
    pub fn tells_the_end_late(&self, reads: usize) {
        self.inner().reads_before_end = reads;
    }

    /// Deletes the stream.
    pub fn delete(&self) {
        self.inner().exists = false;
    }

    /// What the stream says of itself.
    pub fn set_status(&self, status: StreamStatus) {
        self.inner().status = status;
    }

    /// How long the stream keeps a record: a day unless told otherwise. Tell it before the mapping starts.
    pub fn keep_for(&self, retention: Duration) {
        self.inner().retention = retention;
    }

    /// When each shard was read.
    #[must_use]
    pub fn reads(&self) -> Vec<(ShardId, Timestamp)> {
        self.inner().reads.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics while it holds the stream")
    }

    fn reached(&self, operation: &'static str) -> Result<MutexGuard<'_, Inner>, SourceError> {
        let inner = self.inner();
        if !inner.is_reachable {
            let endpoint = "memory".to_owned();
            return Err(SourceError::Unavailable { operation, endpoint, source: "told to be away".into() });
        }
        if !inner.exists {
            return Err(SourceError::NotFound { what: "the stream".into() });
        }
        Ok(inner)
    }
}

#[async_trait]
impl Stream for FakeStream {
    async fn describe(&self) -> Result<StreamDescription, SourceError> {
        let mut inner = self.reached("describe")?;
        let mut description = StreamDescription {
            arn: "arn:aws:kinesis:us-east-1:000000000000:stream/fake".into(),
            created: inner.created,
            retention: inner.retention,
            status: inner.status,
        };
        if let Some(lie) = inner.wrong_descriptions.pop_front() {
            lie(&mut description);
        }
        Ok(description)
    }

    async fn list_shards(&self) -> Result<Vec<ListedShard>, SourceError> {
        let mut inner = self.reached("list_shards")?;
        let listed = |(id, shard): (&ShardId, &FakeShard)| ListedShard {
            id: id.clone(),
            parents: shard.parents.clone(),
            is_open: !shard.is_closed,
        };
        let mut shards = inner.shards.iter().filter(|(_, shard)| !shard.is_overlooked).map(listed).collect();
        if let Some(lie) = inner.wrong_listings.pop_front() {
            lie(&mut shards);
        }
        Ok(shards)
    }
}

#[async_trait]
impl Source for FakeStream {
    async fn listed(&self, shard: &ShardId) -> Result<Listed, SourceError> {
        Ok(Listed::of(&self.list_shards().await?, shard))
    }

    async fn open(&self, shard: &ShardId, from: ReadFrom) -> Result<OpenShard, SourceError> {
        let inner = self.reached("open")?;
        if !inner.is_openable {
            return Err(SourceError::Throttled { operation: "open", source: "told to".into() });
        }
        let found = inner.shards.get(shard).ok_or(SourceError::NotFound { what: shard.to_string() })?;
        let records = &found.records;
        let next = match from {
            ReadFrom::Latest { .. } => records.len(),
            ReadFrom::Start(ShardStart::TrimHorizon) => 0,
            ReadFrom::Start(ShardStart::AtTimestamp(from) | ShardStart::AfterLatest(from)) => {
                records.partition_point(|(arrival, _)| *arrival < from)
            }
            ReadFrom::After(position) => position.as_str().parse::<usize>().expect("one of ours") + 1,
        };
        let reader = FakeReader { stream: self.clone(), shard: shard.clone(), next, reads_at_end: 0 };
        Ok(OpenShard { reader: Box::new(reader), arrivals: Some(found.arrivals.subscribe()) })
    }
}

struct FakeReader {
    stream: FakeStream,
    shard: ShardId,
    next: usize,
    reads_at_end: usize,
}

#[async_trait]
impl ShardReader for FakeReader {
    async fn next(&mut self, records_max: usize) -> Result<Answer, SourceError> {
        let mut inner = self.stream.reached("read")?;
        inner.reads.push((self.shard.clone(), self.stream.clock.now()));
        let reads_before_end = inner.reads_before_end;
        let gone = || SourceError::NotFound { what: self.shard.to_string() };
        let shard = inner.shards.get_mut(&self.shard).ok_or_else(gone)?;
        let end = shard.records.len().min(self.next + records_max);
        let records = (self.next..end).map(|index| record(index, &shard.records[index])).collect();
        let is_over = shard.is_closed && self.reads_at_end >= reads_before_end;
        self.reads_at_end += usize::from(shard.is_closed && end == shard.records.len());
        let follows = match (end < shard.records.len(), is_over) {
            (true, _) => Follows::More,
            (false, true) => Follows::NoPlace { names_children: false },
            (false, false) => Follows::CaughtUp,
        };
        let mut answer = Answer { records, follows, lost_after: None };
        if let Some(lie) = shard.wrong_answers.pop_front() {
            lie(&mut answer);
        }
        self.next += answer.records.len();
        Ok(answer)
    }
}

/// A record whose payload is its partition key, too.
fn record(index: usize, (arrival, payload): &(Timestamp, String)) -> Record {
    let encoded = Bytes::from(serde_json::json!({ "data": payload }).to_string());
    let range = 0..encoded.len();
    let mut key = DefaultHasher::new();
    payload.hash(&mut key);
    Record::new(Position::new(index.to_string()), *arrival, encoded, range).with_key(key.finish())
}
