//! Who may read a shard of a mapping: the implementations of [`Ownership`](crate::ports::Ownership).
//!
//! [`ListedOwnership`]: this poller alone reads every shard that the stream lists, parents before children, as
//! `pelton_core::shard_sync` decides. [`GroupOwnership`]: a consumer group of Kafka shares the partitions of a topic out among
//! pollers, and `pelton_core::group` decides what to make of it. How long a shard stays this poller's is decided by `shard/tenure.rs` of the core.

mod group;
mod listed;
mod resumption;

pub use group::{GroupOwnership, GroupView, GroupedTopic, Logs};
pub use listed::{ListedOwnership, ListedStream};
pub use resumption::Resumption;
pub(crate) use resumption::say;

use pelton_core::ownership::Waiting;

/// Why a mapping waits, for people.
pub(crate) fn why_waiting(why: &Waiting) -> String {
    match why {
        Waiting::Trouble(words) => words.to_string(),
        Waiting::BeingCreated => "the stream is being created".to_owned(),
        Waiting::BeingDeleted => "the stream is being deleted".to_owned(),
        Waiting::Contradiction { what } => format!("each time, {what} is another one"),
        Waiting::Flaw(flaw) => format!("the listing of the stream's shards is invalid: {flaw}"),
        Waiting::AllEnded => "every shard that the stream lists has ended".to_owned(),
        Waiting::Orphans(shards) => {
            format!("{shards} shards wait for their parents, which the stream does not list")
        }
    }
}
