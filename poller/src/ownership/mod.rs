//! Which shards of a mapping this poller reads, by who decides that.

mod listed;
mod resumption;

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
