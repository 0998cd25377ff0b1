//! Checkpoints in one SQLite file.
//!
//! In: what the port asks for, from any task. Out: the same, once it is committed. All of it goes through one queue to
//! one thread that owns the file, so that what waits together is written together, and in the order it was asked for.
//! Never forgets silently: a file that cannot be understood is an error, not an empty store.

mod file;
mod rows;
#[cfg(test)]
mod tests;
mod writer;

use crate::clock::Clock;
use crate::ports::{CheckpointStore, KeptMapping, StoreError};
use async_trait::async_trait;
use pelton_core::Checkpoint;
use pelton_core::starting_position::NewShard;
use pelton_core::stream::ShardId;
use pelton_model::MappingId;
use rows::Change;
use std::path::Path;
use std::thread::{self, JoinHandle};
use tokio::sync::{mpsc, oneshot};
use writer::{Answer, Request, Writer};

/// Most requests that wait for the writer; whoever comes then waits for a place.
const QUEUE_MAX: usize = 1024;

/// A [`CheckpointStore`] over one SQLite file.
///
/// Writes are committed to the write-ahead log before they are answered: they survive the death of the process at any
/// moment. A power failure may take the last commits, which makes some records repeat, and damages nothing. A save is
/// begun once it has its place in the queue, for which it waits only while many others have theirs.
///
/// A save changes a shard that is kept, and makes none: what `replace` or `change_shards` forgot stays forgotten, and a
/// late save of it is refused as [`StoreError::Unwritable`]. A late save for a shard that the new stream has too
/// cannot be told apart; whoever calls `replace` has ended the mapping's workers before.
///
/// Dropping the store blocks until what waits is written.
pub struct SqliteStore {
    /// Dropped before `writer`, which ends when the queue is closed and empty.
    queue: mpsc::Sender<Request>,
    writer: WriterThread,
    clock: Clock,
}

impl SqliteStore {
    /// Opens the store in `file`, which is made if there is none. Blocks while the file is checked.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if the file is damaged, is not Pelton's, or was written by another version of it;
    /// [`StoreError::Unwritable`] if it cannot be made or written, or another program has locked it.
    pub fn open(file: &Path, clock: Clock) -> Result<Self, StoreError> {
        let name = file.display().to_string();
        let writer = Writer::new(file::open(file)?, name.clone());
        let (queue, requests) = mpsc::channel(QUEUE_MAX);
        let thread = thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || writer.run(requests))
            .map_err(|error| StoreError::Unwritable { file: name.clone(), source: error.into() })?;
        Ok(Self { queue, writer: WriterThread { thread: Some(thread), file: name }, clock })
    }

    async fn change(&self, change: Change) -> Result<(), StoreError> {
        let at = self.clock.now();
        self.ask(|answer| Request::Change { change, at, answer }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        if self.queue.send(request(answer)).await.is_err() {
            return Err(self.writer.ended());
        }
        answered.await.unwrap_or_else(|_| Err(self.writer.ended()))
    }
}

#[async_trait]
impl CheckpointStore for SqliteStore {
    async fn load(&self, mapping: &MappingId) -> Result<Option<KeptMapping>, StoreError> {
        let mapping = mapping.clone();
        self.ask(|answer| Request::Load { mapping, answer }).await
    }

    async fn replace(&self, mapping: &MappingId, state: &KeptMapping) -> Result<(), StoreError> {
        self.change(Change::Replace { mapping: mapping.clone(), state: state.clone() }).await
    }

    async fn change_shards(
        &self,
        mapping: &MappingId,
        added: &[NewShard],
        removed: &[ShardId],
    ) -> Result<(), StoreError> {
        let (mapping, added, removed) = (mapping.clone(), added.to_vec(), removed.to_vec());
        self.change(Change::Reshard { mapping, added, removed }).await
    }

    async fn save(
        &self,
        mapping: &MappingId,
        shard: &ShardId,
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let (mapping, shard, checkpoint) = (mapping.clone(), shard.clone(), checkpoint.clone());
        self.change(Change::Save { mapping, shard, checkpoint }).await
    }
}

/// The thread that owns the file. Joined when dropped.
struct WriterThread {
    thread: Option<JoinHandle<()>>,
    file: String,
}

impl WriterThread {
    fn ended(&self) -> StoreError {
        StoreError::Unwritable {
            file: self.file.clone(),
            source: "the thread that writes it has ended".into(),
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        let panicked = self.thread.take().is_some_and(|thread| thread.join().is_err());
        if panicked {
            tracing::error!(file = self.file, "the thread that writes checkpoints panicked");
        }
    }
}
