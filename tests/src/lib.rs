//! The harness: what tests of the whole are driven with.
//!
//! It starts programs, talks to them, and looks at what they leave behind. It never helps: no retrying, draining or
//! flushing on behalf of what is under test. Every wait has a deadline, and a wait that fails says what it waited for
//! and shows what the program printed.

pub mod chance;
pub mod chaos;
pub mod dynamodb;
pub mod dynamodb_streams;
pub mod fakes;
pub mod fault_proxy;
pub mod http;
mod infra;
pub mod journal;
pub mod kafka;
pub mod kinesis;
pub mod lives;
pub mod localstack;
pub mod measure;
mod output;
mod processes;
pub mod producer;
mod program;
mod server;
pub mod site;
pub mod spec_coverage;
pub mod wait;

pub use output::{Line, Printed};
pub use processes::Survivor;
pub use program::{Exit, Program, Running, Signal, binary, install_handler};
pub use server::{StreamServer, pelton};
