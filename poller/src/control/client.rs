//! Asks a running poller for its status.
//!
//! In: where it listens. Out: the JSON as it answered, within a time and a size.

use crate::clock::Clock;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long the poller may take for its answer. It copies what it knows and waits for nothing.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);

/// Largest answer, in bytes: some 100,000 shards.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why there is no status.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there.
    #[error("nobody listens on {address}")]
    NobodyListens {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Somebody listens, and does not answer as Pelton does.
    #[error("what listens on {address} does not answer as pelton does")]
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
    let not_answered = |source| AskError::NotAnswered { address, source };
    tokio::select! {
        answer = ask(address) => answer,
        () = clock.sleep(ANSWER_WAIT_MAX) => Err(not_answered("no answer in time".into())),
    }
}

async fn ask(address: SocketAddr) -> Result<Bytes, AskError> {
    let stream =
        TcpStream::connect(address).await.map_err(|source| AskError::NobodyListens { address, source })?;
    let exchanged = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request =
            Request::get("/status").header("host", address.to_string()).body(Empty::<Bytes>::new())?;
        let answered = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
            if status == StatusCode::OK { Ok(body) } else { Err(format!("status {status}").into()) }
        };
        tokio::pin!(answered);
        tokio::select! {
            answer = &mut answered => answer,
            // The connection may be over before its last answer was looked at.
            ended = connection => { ended?; answered.await }
        }
    };
    exchanged.await.map_err(|source| AskError::NotAnswered { address, source })
}
