//! Checkpoints in memory, on a disk that can be full.

use async_trait::async_trait;
use pelton::ports::{CheckpointStore, KeptMapping, KeptShard, StoreError};
use pelton_core::Checkpoint;
use pelton_core::starting_position::NewShard;
use pelton_core::stream::ShardId;
use pelton_model::MappingId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// Keeps checkpoints in memory. Clones share them: a clone is the same disk seen by the next process.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug, Default)]
struct Disk {
    mappings: BTreeMap<MappingId, KeptMapping>,
    is_full: bool,
    saves: usize,
}

impl MemoryStore {
    /// From now on every write fails, until [`MemoryStore::make_room`].
    pub fn fill_up(&self) {
        self.disk().is_full = true;
    }

    /// Writes succeed again.
    pub fn make_room(&self) {
        self.disk().is_full = false;
    }

    /// How many checkpoints were saved.
    #[must_use]
    pub fn saves(&self) -> usize {
        self.disk().saves
    }

    /// What is kept of a mapping.
    #[must_use]
    pub fn kept(&self, mapping: &str) -> Option<KeptMapping> {
        self.disk().mappings.get(&MappingId(mapping.to_owned())).cloned()
    }

    /// Changes what is kept of a mapping, as an earlier version of the program might have kept it.
    pub fn change(&self, mapping: &str, change: impl FnOnce(&mut KeptMapping)) {
        let mut disk = self.disk();
        change(disk.mappings.get_mut(&MappingId(mapping.to_owned())).expect("the mapping has started"));
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("no test panics while it holds the disk")
    }

    fn writable(&self) -> Result<MutexGuard<'_, Disk>, StoreError> {
        let disk = self.disk();
        if disk.is_full {
            return Err(StoreError::Unwritable { file: "memory".into(), source: "the disk is full".into() });
        }
        Ok(disk)
    }
}

#[async_trait]
impl CheckpointStore for MemoryStore {
    async fn load(&self, mapping: &MappingId) -> Result<Option<KeptMapping>, StoreError> {
        Ok(self.disk().mappings.get(mapping).cloned())
    }

    async fn replace(&self, mapping: &MappingId, state: &KeptMapping) -> Result<(), StoreError> {
        self.writable()?.mappings.insert(mapping.clone(), state.clone());
        Ok(())
    }

    async fn change_shards(
        &self,
        mapping: &MappingId,
        added: &[NewShard],
        removed: &[ShardId],
    ) -> Result<(), StoreError> {
        let mut disk = self.writable()?;
        let state = disk.mappings.get_mut(mapping).expect("the mapping was started");
        state.shards.extend(added.iter().map(|shard| (shard.id.clone(), KeptShard::new(shard))));
        state.shards.retain(|id, _| !removed.contains(id));
        Ok(())
    }

    async fn save(
        &self,
        mapping: &MappingId,
        shard: &ShardId,
        checkpoint: &Checkpoint,
    ) -> Result<(), StoreError> {
        let mut disk = self.writable()?;
        disk.saves += 1;
        let state = disk.mappings.get_mut(mapping).expect("the mapping was started");
        if let Some(shard) = state.shards.get_mut(shard) {
            shard.checkpoint = checkpoint.clone();
        }
        Ok(())
    }
}
