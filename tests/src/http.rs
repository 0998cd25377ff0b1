//! Asking a server on this machine.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::error::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::wait;

/// The answer to one request on a connection of its own. `address` is `HOST:PORT`.
///
/// # Errors
/// If there is no whole answer within [`wait::PATIENCE`]: nobody listens, or the connection broke.
pub async fn ask(
    address: &str,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, Box<dyn Error + Send + Sync>> {
    timeout(wait::PATIENCE, exchange(address, request)).await?
}

/// The answer to `GET path`.
///
/// # Errors
/// Like [`ask`].
pub async fn get(address: &str, path: &str) -> Result<Response<Bytes>, Box<dyn Error + Send + Sync>> {
    ask(address, Request::get(path).header("host", address).body(Full::default())?).await
}

async fn exchange(
    address: &str,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    };
    // A server may close the connection with its answer: only the exchange tells whether it was whole.
    let (answer, _closed) = tokio::join!(exchange, connection);
    answer
}
