//! How many files, sockets and pipes this process may have open, and how many handlers that leaves room for.
//!
//! A shard without traffic needs a connection to the stream and nothing else. Handlers share what the shards leave:
//! a batch that finds no handler waits for one, as it does without free concurrency.

use crate::errors::chain;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// What Pelton has open itself: streams, positions, its API, the runtime.
const OWN: u64 = 48;

/// What one shard needs: a connection to the stream.
const PER_SHARD: u64 = 1;

/// What one handler needs: its port, two connections, its pipe, and its keeper's socket and process descriptor; and while it
/// starts, the other ends of the pipe and the socket.
const PER_HANDLER: u64 = 8;

/// The system's limit is too low for what is to run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "this process may have {limit} files and sockets open, and needs about {needed} for {shards} shard{}",
    if *.shards == 1 { "" } else { "s" }
)]
pub struct TooFew {
    /// The limit.
    pub limit: u64,
    /// What is needed.
    pub needed: u64,
    /// For how many shards.
    pub shards: usize,
}

impl TooFew {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        help(self.needed)
    }
}

/// What to do so that this process may have `needed` files open.
#[must_use]
pub fn help(needed: u64) -> String {
    format!("raise it: `ulimit -n {}`, or LimitNOFILE= of a systemd service", needed.next_power_of_two())
}

/// How many files must be allowed so that `shards` can be read while `handlers` run.
#[must_use]
pub fn needed(shards: usize, handlers: usize) -> u64 {
    let (shards, handlers) = (shards as u64, handlers as u64);
    OWN.saturating_add(PER_SHARD.saturating_mul(shards)).saturating_add(PER_HANDLER.saturating_mul(handlers))
}

/// Raises the limit as far as the system allows: the usual one is for programs that use `select`, which Pelton does not.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        let error = chain(&io::Error::from(error));
        tracing::debug!(error, "the limit of open files cannot be raised");
    }
}

/// Most handlers that each of `functions` may have at a time beside so many shards: at least one.
///
/// # Errors
///
/// [`TooFew`], if not even those have room.
pub fn handlers_max(shards: usize, functions: usize) -> Result<usize, TooFew> {
    share(getrlimit(Resource::Nofile).current, shards, functions)
}

fn share(limit: Option<u64>, shards: usize, functions: usize) -> Result<usize, TooFew> {
    let Some(limit) = limit else { return Ok(usize::MAX) };
    let needed = needed(shards, functions);
    if limit < needed {
        return Err(TooFew { limit, needed, shards });
    }
    let room = limit - self::needed(shards, 0);
    let share = room / PER_HANDLER / (functions as u64).max(1);
    Ok(usize::try_from(share).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_needs_a_descriptor_and_each_function_those_of_one_handler() {
        assert_eq!(share(Some(57), 1, 1), Ok(1));
        assert_eq!(share(Some(56), 1, 1), Err(TooFew { limit: 56, needed: 57, shards: 1 }));
        assert_eq!(share(Some(65), 1, 2), Ok(1));
        assert_eq!(share(Some(64), 1, 2), Err(TooFew { limit: 64, needed: 65, shards: 1 }));
        assert_eq!(share(None, 10_000, 1), Ok(usize::MAX));
    }

    #[test]
    fn functions_share_what_the_shards_leave() {
        assert_eq!(share(Some(20_000), 10_000, 1), Ok(1_244));
        assert_eq!(share(Some(20_000), 10_000, 3), Ok(414));
        assert_eq!(share(Some(1_024), 10, 0), Ok(120), "functions that run elsewhere need no handlers here");
    }
}
