//! Pelton's own API: what the running poller is doing.
//!
//! It reads a copy of what the supervisor knows, and touches nothing.

mod client;
mod health;
mod server;
pub mod snapshot;
#[cfg(test)]
mod tests;

pub use client::{AskError, ask_status};
pub use server::{ControlServer, ListenError};
pub use snapshot::StatusSnapshot;

/// Whoever can tell what the poller is doing.
pub trait Views: Send + Sync {
    /// A copy of it, now. Quick, and never waits for a shard.
    fn snapshot(&self) -> StatusSnapshot;
}
