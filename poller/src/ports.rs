//! The seams of the shell: what a shard worker needs from streams, functions and stores, and what each must keep.

pub use crate::group_client::{CommitAnswer, GroupClient, GroupEvent};
pub use crate::stream_checks::StreamChecks;
use async_trait::async_trait;
use pelton_core::ownership::{Change, Released};
use pelton_core::shard_end::{Follows, Listed};
use pelton_core::starting_position::NewShard;
pub use pelton_core::stream::{
    KeptMapping, KeptShard, ReadFrom, StreamDescription, StreamIdentity, StreamStatus,
};
use pelton_core::stream::{ListedShard, ShardId};
use pelton_core::{Batch, Checkpoint, Failure, Position, Record, Reply, Timestamp};
use pelton_model::MappingId;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A cause that is only shown, never matched on.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Records in order, in shards.
#[async_trait]
pub trait Source: Send + Sync {
    /// Begins to read a shard.
    ///
    /// With [`ReadFrom::Latest`] the place is fixed when this returns. Cancelling is safe.
    async fn open(&self, shard: &ShardId, from: ReadFrom) -> Result<OpenShard, SourceError>;

    /// What is said elsewhere than in its records about whether the shard takes more of them. Cancelling is safe.
    async fn listed(&self, shard: &ShardId) -> Result<Listed, SourceError>;
}

/// A source that lists its shards.
#[async_trait]
pub trait Stream: Source {
    /// What the stream is now. Cancelling is safe.
    async fn describe(&self) -> Result<StreamDescription, SourceError>;

    /// Every shard that the stream still lists, closed ones included. Cancelling is safe.
    async fn list_shards(&self) -> Result<Vec<ListedShard>, SourceError>;
}

/// How a source may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one read of an idle shard to the next.
    pub poll_interval: Duration,
    /// From one read of a shard to the next at the least.
    pub read_gap_min: Duration,
    /// Most records of one read.
    pub read_records_max: usize,
}

/// A shard that is about to be read.
pub struct OpenShard {
    /// Reads it.
    pub reader: Box<dyn ShardReader>,
    /// Changes whenever records were put into the shard, where the source can tell: the embedded stream.
    pub arrivals: Option<watch::Receiver<u64>>,
}

/// Reads one shard.
#[async_trait]
pub trait ShardReader: Send {
    /// The next records, in order, at most `records_max`.
    ///
    /// After an error, and after cancelling, the next call goes on at the same place: nothing is lost. After an answer that
    /// names no place to read on from ([`Follows::NoPlace`]), the next call takes a new iterator behind the last record.
    /// Waits for nothing but the answer (and for its share of memory); the cadence is the caller's.
    async fn next(&mut self, records_max: usize) -> Result<Answer, SourceError>;
}

/// What one read of a shard brought, as the source tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The records, in order; may be empty. None was part of an answer before.
    pub records: Vec<Record>,
    /// What the source says about what comes after them.
    pub follows: Follows,
    /// The position after which records were lost to the stream's retention, if it was no longer kept when reading was to go on
    /// from it. Told with the first records behind the gap, or with the end of the shard.
    pub lost_after: Option<Position>,
}

/// Why a stream did not do as asked. One variant per thing the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Too many calls, or too many bytes: wait.
    #[error("{operation} was throttled")]
    Throttled {
        /// The API call.
        operation: &'static str,
        /// What the endpoint said.
        source: Cause,
    },
    /// No answer, or one that says nothing about the request: wait.
    #[error("{operation} got no answer from {endpoint}")]
    Unavailable {
        /// The API call.
        operation: &'static str,
        /// Who was asked.
        endpoint: String,
        /// What went wrong.
        source: Cause,
    },
    /// An answer that cannot be true, or that contradicts another one: wait, and ask again.
    #[error("the answer to {operation} is invalid: {flaw}")]
    Senseless {
        /// The API call.
        operation: &'static str,
        /// What is wrong with it.
        flaw: &'static str,
    },
    /// The stream or the shard does not exist.
    #[error("{what} does not exist")]
    NotFound {
        /// The stream or shard.
        what: String,
    },
    /// The endpoint refuses these credentials, or there are none.
    #[error("{operation} was refused: credentials are missing or not allowed")]
    Denied {
        /// The API call.
        operation: &'static str,
        /// What the endpoint or the credentials chain said.
        source: Cause,
    },
}

/// Runs a function.
#[async_trait]
pub trait Invoker: Send + Sync {
    /// Runs the function once with the batch as its event.
    ///
    /// A function that fails is an [`Outcome`](pelton_core::Outcome), not an error. Cancelling before the function was reached leaves no
    /// trace; cancelling later ends the process that runs it.
    async fn invoke(&self, batch: Arc<Batch>) -> Reply;

    /// Changes whenever the function has other code, where the invoker can tell: a function that `dev` builds.
    fn code_changes(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}

/// Takes records that were given up.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Where the records go, for people: an ARN, or `file:PATH`.
    fn name(&self) -> String;

    /// Whether it looks as if it would take them, as far as that shows without leaving a trace. Cancelling is safe.
    async fn check(&self) -> Result<(), DestinationError>;

    /// Hands them over, once. May be called again with the same after an error, and after a crash with an equal one: a
    /// destination may see the same records twice. Cancelling is safe.
    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError>;
}

/// Records that were given up.
#[derive(Clone, Debug)]
pub struct GivenUp {
    /// Which, and why.
    pub failure: Failure,
    /// The shard that they are of.
    pub shard: ShardId,
    /// When they were given up.
    pub at: Timestamp,
}

/// Why a destination did not take what was given up.
#[derive(Debug, thiserror::Error)]
#[error("cannot deliver records to {destination}")]
pub struct DestinationError {
    /// The destination, as the template names it.
    pub destination: String,
    /// What it said.
    pub source: Cause,
}

/// Says which shards of one mapping this poller is to read.
#[async_trait]
pub trait Ownership: Send {
    /// What changes next. Cancelling is safe.
    async fn next(&mut self) -> Change;

    /// A shard that was assigned is not read any more; unless it is lost, it is settled as far as it will be, and saved. Whoever
    /// revoked it waits for this.
    fn released(&mut self, released: Released);

    /// Where what is settled of a shard is kept.
    fn checkpoints(&self, shard: &ShardId) -> Arc<dyn Checkpoints>;

    /// Where readers of these shards ask that the stream be checked.
    fn checks(&self) -> Arc<StreamChecks>;

    /// The shards that are to be read once others are finished, each with the position after which it will be.
    fn waiting(&self) -> BTreeMap<ShardId, Option<Position>>;

    /// Gives up what it owns, once everything was released: whoever else is there need not wait. Returns within seconds.
    async fn leave(&mut self) {}
}

/// Keeps how far one shard is.
#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// Keeps a checkpoint. When this returns, a crash of Pelton does not undo it.
    ///
    /// A save once begun is carried out also if its future is dropped.
    async fn save(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError>;
}

/// Why a checkpoint was not kept.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The shard is somebody else's.
    #[error("another poller owns the shard")]
    NotOurs,
    /// It could not be written: try again.
    #[error(transparent)]
    Unwritable(#[from] StoreError),
}

/// Keeps how far each mapping is, on this machine.
#[async_trait]
pub trait CheckpointStore: Send + Sync {
    /// What is kept of a mapping; `None` if it never started.
    async fn load(&self, mapping: &MappingId) -> Result<Option<KeptMapping>, StoreError>;

    /// Forgets what is kept of a mapping and keeps this instead, positions and all, all at once. The mapping must not run.
    async fn replace(&self, mapping: &MappingId, state: &KeptMapping) -> Result<(), StoreError>;

    /// Keeps shards that appeared, and forgets those that the stream no longer lists, all at once.
    async fn change_shards(
        &self,
        mapping: &MappingId,
        added: &[NewShard],
        removed: &[ShardId],
    ) -> Result<(), StoreError>;

    /// Keeps a checkpoint. When this returns, a crash of Pelton does not undo it.
    ///
    /// A save once begun is carried out also if its future is dropped.
    async fn save(
        &self,
        mapping: &MappingId,
        shard: &ShardId,
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError>;
}

/// Why the store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What is stored cannot be understood: stop, and let a person look.
    #[error("cannot read the checkpoints in {file}")]
    Corrupt {
        /// The file.
        file: String,
        /// What is wrong.
        source: Cause,
    },
    /// Not written: try again, and start nothing new until it works.
    #[error("cannot store checkpoints in {file}")]
    Unwritable {
        /// The file.
        file: String,
        /// What went wrong, such as a full disk.
        source: Cause,
    },
}
