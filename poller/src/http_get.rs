//! One GET request to a program on this machine.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::io;
use tokio::net::TcpStream;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetError {
    /// Nobody listens there.
    #[error("nothing listens on {authority}")]
    NotConnected { authority: String, source: io::Error },
    /// Somebody listens, and does not answer as expected.
    #[error("{authority} does not answer as expected")]
    NotAnswered { authority: String, source: crate::ports::Cause },
}

/// The body of the answer to `GET path` by whoever listens on `authority` (`host:port`), of `bytes_max` at most.
///
/// Waits as long as it takes. Cancelling is safe.
pub(crate) async fn http_get(authority: &str, path: &str, bytes_max: usize) -> Result<Bytes, GetError> {
    let stream = TcpStream::connect(authority)
        .await
        .map_err(|source| GetError::NotConnected { authority: authority.to_owned(), source })?;
    let exchanged = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get(path).header("host", authority).body(Empty::<Bytes>::new())?;
        let answered = async {
            let response = sender.send_request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), bytes_max).collect().await?.to_bytes();
            if status == StatusCode::OK { Ok(body) } else { Err(format!("status {status}").into()) }
        };
        tokio::pin!(answered);
        tokio::select! {
            answer = &mut answered => answer,
            // The connection may be over before its last answer was looked at.
            ended = connection => { ended?; answered.await }
        }
    };
    exchanged.await.map_err(|source| GetError::NotAnswered { authority: authority.to_owned(), source })
}
