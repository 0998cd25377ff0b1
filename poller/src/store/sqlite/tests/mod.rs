//! The store, through its port and over real files.

mod crash;
mod file;
mod port;

use super::SqliteStore;
use crate::clock::Clock;
use crate::ports::{CheckpointStore, KeptMapping, StreamIdentity};
use pelton_core::starting_position::{NewShard, ShardStart};
use pelton_core::stream::ShardId;
use pelton_core::{Checkpoint, Position, Timestamp};
use pelton_model::MappingId;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn mapping() -> MappingId {
    MappingId("OrderLedgerOrders".into())
}

fn stream(created: u64) -> StreamIdentity {
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders".into();
    StreamIdentity { arn, created: Timestamp::from_millis(created) }
}

fn shard(number: u32) -> ShardId {
    ShardId::new(&format!("shardId-{number:012}"))
}

fn new_shard(number: u32) -> NewShard {
    NewShard { id: shard(number), start: Some(ShardStart::TrimHorizon) }
}

fn at(position: &str) -> Checkpoint {
    Checkpoint { position: Some(Position::new(position)), ..Checkpoint::default() }
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("checkpoints.db")
}

fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, Clock::start()).unwrap()
}

fn beginning(stream: StreamIdentity, shards: &[NewShard]) -> KeptMapping {
    KeptMapping::beginning(stream, shards)
}

async fn open_started(file: &Path, shards: u32) -> SqliteStore {
    let store = open(file);
    let shards: Vec<NewShard> = (0..shards).map(new_shard).collect();
    store.replace(&mapping(), &beginning(stream(1), &shards)).await.unwrap();
    store
}

async fn loaded(store: &SqliteStore) -> KeptMapping {
    store.load(&mapping()).await.unwrap().expect("the mapping was started")
}

async fn checkpoint_of(store: &SqliteStore, number: u32) -> Checkpoint {
    loaded(store).await.shards[&shard(number)].checkpoint.clone()
}
