//! Serves a router over HTTP/1.1 and HTTP/2 without TLS, until told to stop.

use crate::clock::Clock;
use axum::Router;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Answers until `stopped`, and then finishes the requests in progress within `grace`.
///
/// # Errors
///
/// If connections can no longer be accepted.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stopped: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> io::Result<()> {
    let (told, stopping) = oneshot::channel::<()>();
    let stopped = async move {
        stopped.await;
        drop(told);
    };
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, router).with_graceful_shutdown(stopped);
    tokio::select! {
        result = served => result,
        () = async { drop(stopping.await); Clock::start().sleep(grace).await; } => Ok(()),
    }
}
