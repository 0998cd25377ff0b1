//! Decides what an event source mapping does next.
//!
//! The core has no IO, no clock, no randomness and no logging: the shell tells it what happened and when, and carries
//! out what it answers. That makes every rule of AWS's poller a plain function that can be tested exhaustively.
//!
//! | module | decides |
//! |---|---|
//! | [`Shard`] | what one shard does next: the only way in is [`Shard::handle`], the only way out [`Shard::next_command`] |
//! | [`batch`] | which records go together, and the exact bytes of their event |
//! | [`retry`] | how long to wait before the next attempt |
//! | [`checkpoint`] | how far a shard is settled |
//! | [`window`] | which records belong together, where windows tumble |
//! | [`exchange`] | which handler process gets which invocation, and how it ended |
//! | [`plan`] | which shards may run: parents before children |
//! | [`table_stream`] | which stream of a table is read |
//! | [`ending`] | whether a shard has ended |
//! | [`succession`] | whether records follow those that were read before |
//! | [`browse`] | which records come next, where somebody looks at a stream |
//! | [`confirm`] | which answers need a second one that agrees |
//! | [`event`] | how a record looks inside an event |
//! | [`counts`] | what is counted |
//! | [`failing`] | what people are told of a batch that failed |
//! | [`filter`] | which records the function is to see (FilterCriteria) |

pub mod batch;
pub mod browse;
pub mod checkpoint;
pub mod confirm;
pub mod contract;
pub mod counts;
pub mod ending;
pub mod event;
pub mod exchange;
pub mod failing;
pub mod filter;
mod lane;
mod lanes;
pub mod plan;
pub mod policy;
mod reading;
pub mod record;
mod response;
pub mod retry;
mod saving;
pub mod shard;
pub mod succession;
pub mod table_stream;
#[cfg(test)]
mod testing;
pub mod time;
pub mod window;

pub use batch::{Batch, EVENT_BYTES_MAX, Envelope};
pub use checkpoint::{Checkpoint, OpenWindow};
pub use contract::{
    Command, Failure, FailureId, FetchError, Finished, GiveUp, HowFailed, Ignored, Input, Invocation,
    InvocationId, Notice, Outcome, Page, Phase, Reached, Reply, SaveError, SendError, ShardView, Then,
};
pub use counts::Counts;
pub use failing::{AfterFailure, AttemptError, Extent, FailedAttempt, FailingBatch, Waits};
pub use lane::DELIVERY_ATTEMPTS_MAX;
pub use policy::{Policy, Tumbling};
pub use record::{Position, Record};
pub use retry::Backoff;
pub use shard::Shard;
pub use time::Timestamp;
