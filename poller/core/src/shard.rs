//! One shard.
/// Stub.
#[derive(Debug)]
pub struct Shard;
