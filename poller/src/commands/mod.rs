//! What `pelton` does: one module per command.

pub mod failure;
pub mod options;

pub use failure::CommandFailure;
