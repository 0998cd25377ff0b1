//! Stub: commands.

pub mod put;
pub mod stream;
