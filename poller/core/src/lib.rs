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
//! | [`exchange`] | which handler process gets which invocation, and how it ended |
//! | [`assignments`] | which shards of a mapping run here |
//! | [`shard_sync`] | which shards of a listed stream one poller reads, and what is kept of them |
//! | [`starting_position`] | where a mapping begins, and how LATEST is frozen |
//! | [`plan`] | which shards may run: parents before children |
//! | [`desired`] | what has to change so that what runs becomes what is desired |
//! | [`table_stream`] | which stream of a table is read |
//! | [`shard_end`] | whether a shard has ended |
//! | [`succession`] | whether records follow those that were read before |
//! | [`browse`] | which records come next, where somebody looks at a stream |
//! | [`confirm`] | which answers need a second one that agrees |
//! | [`response`](Ignored) | what the response of a function says about its batch |
//! | [`event`] | how a record looks inside an event |
//! | [`counts`] | what is counted |
//! | [`filter`] | which records the function is to see (FilterCriteria) |
//!
//! The words that they share stand in [`stream`], [`ownership`], [`record`], [`invocation`], [`giving_up`] and [`time`].

pub mod assignments;
pub mod batch;
pub mod browse;
pub mod committed;
pub mod confirm;
pub mod counts;
pub mod desired;
pub mod event;
pub mod exchange;
pub mod filter;
pub mod giving_up;
pub mod group;
pub mod invocation;
pub mod ownership;
pub mod plan;
pub mod record;
mod response;
pub mod retry;
pub mod shard;
pub mod shard_end;
pub mod shard_sync;
pub mod starting_position;
pub mod stream;
pub mod succession;
pub mod table_stream;
#[cfg(test)]
mod testing;
pub mod time;

pub use batch::{Batch, EVENT_BYTES_MAX, Envelope};
pub use counts::Counts;
pub use event::window::OpenWindow;
pub use giving_up::{Failure, FailureId, GiveUp, SendError};
pub use invocation::{HowFailed, Invocation, InvocationId, Outcome, Reached, Reply};
pub use record::{Position, Record};
pub use response::{Ignored, PartialFailures};
pub use retry::Backoff;
pub use shard::{
    AfterFailure, AttemptError, Checkpoint, Command, DELIVERY_ATTEMPTS_MAX, Extent, FailedAttempt,
    FailingBatch, FetchError, Finished, Input, KeptBatch, Notice, Page, Phase, Policy, SaveError, Shard,
    ShardView, Then, Tumbling, Waits,
};
pub use time::Timestamp;
