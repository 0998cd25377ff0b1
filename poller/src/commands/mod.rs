//! What `pelton` does: one module per command.

mod beside;
pub mod demo;
pub mod dev;
pub mod failure;
pub mod filter;
mod functions;
pub mod get;
pub mod init;
pub mod invoke;
mod load;
mod moment;
mod named_stream;
mod on_failure;
pub mod options;
mod poller;
pub mod put;
mod quoted;
pub mod rewind;
pub mod run;
mod samconfig;
pub mod signals;
pub mod status;
pub mod stream;
mod tables;
pub mod validate;
mod views;

pub use failure::CommandFailure;
use quoted::quoted;
