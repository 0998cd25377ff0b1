//! What the sample handlers share: each record of a Kinesis stream changes one SQLite file once, in order.
//!
//! An event source mapping delivers *at least* once: after a crash, a timeout or a failed answer the same records come
//! again, in the same order. [`StateFile`] remembers, in the transaction that changes the state, how far it has come,
//! and passes over what it has seen. Records that make no sense are kept as anomalies and do not fail the batch: a
//! record that always fails would stop its shard until the stream forgets it.
//!
//! Knows Lambda's events and nothing of who sends them.

mod record;
mod state_file;
pub mod testing;

pub use record::{NotAKinesisRecord, Record};
pub use state_file::{ApplyError, Effect, OpenError, StateFile, Summary, Transaction};
