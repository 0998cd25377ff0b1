//! What `pelton` does: one module per command.

mod beside;
pub mod demo;
pub mod dev;
pub mod filter;
mod functions;
pub mod get;
pub mod init;
pub mod invoke;
mod load;
mod moment;
mod named_stream;
pub mod options;
pub mod put;
mod quoted;
pub mod rewind;
pub mod run;
mod samconfig;
pub mod status;
pub mod stream;
pub mod validate;

use quoted::quoted;
