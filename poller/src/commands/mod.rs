//! What `pelton` does: one module per command.

pub mod failure;
pub mod options;
pub mod signals;
pub mod status;
mod views;

pub use failure::CommandFailure;
