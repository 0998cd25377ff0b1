//! Pelton's own API: what the running poller is doing.
//!
//! It reads a copy of what the supervisor knows, and changes nothing.

mod client;
mod health;
mod server;
pub mod snapshot;
pub mod stuck;
#[cfg(test)]
mod tests;

pub use client::{AskError, ask, ask_status};
pub use server::{ControlServer, ListenError};
pub use snapshot::StatusSnapshot;
pub use stuck::{StuckBatch, StuckSnapshot, StuckStatus};

/// Whoever can tell what the poller is doing.
pub trait Views: Send + Sync {
    /// A copy of it, now. Quick, and never waits for a shard.
    fn snapshot(&self) -> StatusSnapshot;

    /// The batches that a mapping is stuck on; `None` if it does not run here. Quick, likewise. The batches are shared, not copied.
    fn stuck(&self, mapping: &str) -> Option<Vec<StuckBatch>>;
}
