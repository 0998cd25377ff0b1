//! How many files, sockets and pipes this process may have open.

use crate::errors::chain;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// What Pelton has open itself: streams, positions, its API, the runtime.
const OWN: u64 = 48;

/// What one shard may need at a time: a connection to the stream, and the port, the two connections, the socket and the pipe
/// of its handler.
const PER_SHARD: u64 = 6;

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
        format!(
            "raise it: `ulimit -n {}`, or LimitNOFILE= of a systemd service",
            self.needed.next_power_of_two()
        )
    }
}

/// Raises the limit as far as the system allows: the usual one is for programs that use `select`, which Pelton does not.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        let error = chain(&io::Error::from(error));
        tracing::debug!(error, "the limit of open files cannot be raised");
    }
}

/// Checks that so many shards can be worked on at the same time.
///
/// # Errors
///
/// [`TooFew`].
pub fn require(shards: usize) -> Result<(), TooFew> {
    check(getrlimit(Resource::Nofile).current, shards)
}

fn check(limit: Option<u64>, shards: usize) -> Result<(), TooFew> {
    let needed = OWN.saturating_add(PER_SHARD.saturating_mul(shards as u64));
    match limit {
        Some(limit) if limit < needed => Err(TooFew { limit, needed, shards }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_needs_some() {
        assert_eq!(check(Some(54), 1), Ok(()));
        assert_eq!(check(Some(53), 1), Err(TooFew { limit: 53, needed: 54, shards: 1 }));
        assert_eq!(check(None, 10_000), Ok(()));
    }
}
