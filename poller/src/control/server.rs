//! Serves the API over HTTP/1.1.
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | 200 and `{"status":"ok", …}`, or 503 with what is wrong (`health`) |
//! | `GET /metrics` | every [metric](crate::metrics), for Prometheus |
//! | `GET /status` | a [`StatusSnapshot`](super::StatusSnapshot) |
//! | `GET /mappings/MAPPING/stuck` | a [`StuckSnapshot`] |
//! | `GET /mappings/MAPPING/stuck/SHARD/SEQUENCE_NUMBER` | the event of the stuck batch that begins there, byte for byte |
//!
//! The last one holds payloads: it answers only programs on this machine, wherever the server listens.

use super::health::problems;
use super::stuck::StuckSnapshot;
use super::{StuckBatch, Views};
use crate::exposure::is_exposed;
use crate::http_serve;
use crate::lambda::EventBody;
use crate::metrics;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{StatusCode, header, uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing::warn;

/// How long answers that are under way may take once the server is told to stop.
const GRACE_MAX: Duration = Duration::from_secs(1);

/// Why Pelton cannot listen where it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program does, perhaps another Pelton.
    #[error(
        "{address} is in use: stop the program that listens there, or choose another address with --listen (port 0 picks a free one)"
    )]
    InUse {
        /// Where.
        address: SocketAddr,
    },
    /// This machine has no such address, or the port is not allowed.
    #[error("pelton cannot listen on {address}: choose another address with --listen")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// The API, listening and not yet answering.
#[derive(Debug)]
pub struct ControlServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl ControlServer {
    /// Listens on `address`; port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// [`ListenError`].
    pub async fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let refused = |source| ListenError::Refused { address, source };
        let listener = TcpListener::bind(address).await.map_err(|source| {
            if source.kind() == io::ErrorKind::AddrInUse {
                ListenError::InUse { address }
            } else {
                refused(source)
            }
        })?;
        let address = listener.local_addr().map_err(refused)?;
        if is_exposed(address) {
            warn!(
                %address,
                "Pelton's API is open to the network: anyone who reaches it can read what the mappings do, without \
                 credentials"
            );
        }
        Ok(Self { listener, address })
    }

    /// Where it listens, with the port that was picked.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stopped`, and then for at most a second longer what is under way.
    ///
    /// # Errors
    ///
    /// If connections can no longer be accepted.
    pub async fn serve(
        self,
        views: Arc<dyn Views>,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let router = router(views, self.address.ip());
        http_serve::serve(self.listener, router, stopped, GRACE_MAX).await
    }
}

fn router(views: Arc<dyn Views>, listening: IpAddr) -> Router {
    let router = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(all_metrics))
        .route("/status", get(status))
        .route("/mappings/{mapping}/stuck", get(stuck))
        .route(
            "/mappings/{mapping}/stuck/{shard}/{name}",
            get(stuck_event).layer(middleware::from_fn(only_this_machine)),
        )
        .fallback(not_found)
        .with_state(views);
    if listening.is_loopback() { router.layer(middleware::from_fn(only_local_names)) } else { router }
}

async fn health(State(views): State<Arc<dyn Views>>) -> Response {
    let snapshot = views.snapshot();
    let problems = problems(&snapshot);
    let (pid, version) = (snapshot.pid, snapshot.version);
    if problems.is_empty() {
        return Json(json!({ "status": "ok", "pid": pid, "version": version })).into_response();
    }
    let answer = json!({ "status": "unavailable", "problems": problems, "pid": pid, "version": version });
    (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
}

/// With thousands of shards this takes longer than whoever else has work to do should wait: a thread of its own does it.
async fn all_metrics(State(views): State<Arc<dyn Views>>) -> Response {
    let rendered = tokio::task::spawn_blocking(move || metrics::render(&views.snapshot())).await;
    match rendered {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        // It panicked, or the runtime ends.
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be rendered"),
    }
}

async fn status(State(views): State<Arc<dyn Views>>) -> Response {
    Json(views.snapshot()).into_response()
}

async fn stuck(State(views): State<Arc<dyn Views>>, Path(mapping): Path<String>) -> Response {
    match views.stuck(&mapping) {
        Some(batches) => {
            let batches = batches.into_iter().map(|batch| batch.status).collect();
            Json(StuckSnapshot { mapping, batches }).into_response()
        }
        None => refusal(StatusCode::NOT_FOUND, "no such mapping runs here"),
    }
}

/// Streams the slices of the event, which are shared with the shard: nothing is copied.
async fn stuck_event(
    State(views): State<Arc<dyn Views>>,
    Path((mapping, shard, name)): Path<(String, String, String)>,
) -> Response {
    let is_wanted = |batch: &StuckBatch| batch.status.shard == shard && batch.status.name() == name;
    match views.stuck(&mapping).into_iter().flatten().find(is_wanted) {
        Some(StuckBatch { batch, .. }) => {
            ([(header::CONTENT_TYPE, "application/json")], Body::new(EventBody::new(&batch))).into_response()
        }
        None => refusal(StatusCode::NOT_FOUND, "no such batch is stuck"),
    }
}

async fn not_found() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        "there is GET /health, GET /metrics, GET /status and GET /mappings/MAPPING/stuck",
    )
}

/// Refuses a request from another machine, and one that names its host by a name, as a page in a browser does whose name was
/// pointed here (DNS rebinding).
async fn only_this_machine(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if is_of_this_machine(peer.ip(), host(&request).as_deref()) {
        next.run(request).await
    } else {
        refusal(StatusCode::FORBIDDEN, "payloads are shown on this machine only")
    }
}

/// Whether a request comes from a program of this machine that knows whom it asks.
pub(super) fn is_of_this_machine(peer: IpAddr, host: Option<&str>) -> bool {
    let is_address = host.is_some_and(|host| host == "localhost" || host.parse::<IpAddr>().is_ok());
    peer.to_canonical().is_loopback() && is_address
}

/// The host that a request names, without its port.
fn host(request: &Request) -> Option<String> {
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    let authority = host.parse::<uri::Authority>().ok()?;
    Some(authority.host().trim_matches(['[', ']']).to_owned())
}

/// Refuses a request that names another host than this machine: a page in a browser whose name was pointed here after
/// it was loaded (DNS rebinding).
async fn only_local_names(request: Request, next: Next) -> Response {
    let is_local = host(&request).is_some_and(|name| {
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    if is_local {
        next.run(request).await
    } else {
        refusal(StatusCode::FORBIDDEN, "the Host is not this machine")
    }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}
