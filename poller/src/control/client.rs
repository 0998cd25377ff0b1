//! Asks a running poller.
//!
//! In: where it listens, and what is asked. Out: the body as it answered, within a time and a size.

use crate::clock::Clock;
use crate::http_get::{GetError, http_get};
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Duration;

/// How long the poller may take for its answer. It copies what it knows and waits for nothing.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);

/// Largest answer, in bytes: some 100,000 shards.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why there is no status.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there.
    #[error("nothing listens on {address}")]
    NobodyListens {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Somebody listens, and does not answer as Pelton does.
    #[error("the program that listens on {address} does not answer as Pelton does")]
    NotAnswered {
        /// Where.
        address: SocketAddr,
        /// What went wrong.
        source: crate::ports::Cause,
    },
}

/// The answer of the poller at `address` to `GET /status`, as it came. Cancelling is safe.
///
/// # Errors
///
/// [`AskError`].
pub async fn ask_status(address: SocketAddr, clock: &Clock) -> Result<Bytes, AskError> {
    ask(address, "/status", clock).await
}

/// The same for another path.
///
/// # Errors
///
/// [`AskError`].
pub async fn ask(address: SocketAddr, path: &str, clock: &Clock) -> Result<Bytes, AskError> {
    let not_answered = |source| AskError::NotAnswered { address, source };
    tokio::select! {
        answer = get(address, path) => answer,
        () = clock.sleep(ANSWER_WAIT_MAX) => Err(not_answered("no answer in time".into())),
    }
}

async fn get(address: SocketAddr, path: &str) -> Result<Bytes, AskError> {
    http_get(&address.to_string(), path, ANSWER_BYTES_MAX).await.map_err(|error| match error {
        GetError::NotConnected { source, .. } => AskError::NobodyListens { address, source },
        GetError::NotAnswered { source, .. } => AskError::NotAnswered { address, source },
    })
}
