//! Stub: shard_worker.
