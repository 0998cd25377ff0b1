//! The stream that Pelton brings along: the Kinesis API on loopback, in memory, in this process.
//!
//! It is read and written through the AWS SDK like any other. Beside that it tells its readers when records arrive
//! ([`Arrivals`]), and it never hands out records in another order than it will from then on (its `gate` says why).

mod arrivals;
mod gate;
mod probe;
mod streams;

pub use arrivals::Arrivals;
pub use probe::is_at;
pub use streams::{
    CreateError, RECORD_KIB_MAX_DEFAULT, RETENTION_HOURS_DEFAULT, create_streams, warn_of_differences,
};

use crate::exposure::{from_here, is_exposed};
use crate::http_serve;
use crate::ports::Cause;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use ferrokinesis::store::StoreOptions;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Where the embedded stream listens unless told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:4567";

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Most shards of all streams together.
const SHARDS_MAX: u32 = 100_000;

/// What the stream keeps in memory unless told otherwise: 2 GiB. Full, it refuses further records.
pub const RETAINED_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// How long the requests in progress may take once the stream is told to stop.
const GRACE_MAX: Duration = Duration::from_secs(10);

/// How often records beyond their stream's retention are thrown away, in seconds.
const RETENTION_CHECK_SECS: u64 = 300;

/// What the embedded stream is to be.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The region in the ARNs of its streams.
    pub region: String,
    /// The account in the ARNs of its streams.
    pub account: String,
    /// Most bytes of records that it keeps.
    pub retained_bytes_max: u64,
}

impl EmbeddedOptions {
    /// Listens on `listen`, in `us-east-1`, in an account of zeros, with the default limits.
    #[must_use]
    pub fn listening_on(listen: SocketAddr) -> Self {
        Self {
            listen,
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            retained_bytes_max: RETAINED_BYTES_MAX,
        }
    }
}

/// A running embedded stream. Dropping it stops it.
#[derive(Debug)]
pub struct EmbeddedStream {
    address: SocketAddr,
    arrivals: Arrivals,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// Why there is no embedded stream.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The address is taken, or not this machine's.
    #[error(
        "the embedded stream cannot listen on {address}: stop the program that listens there, or choose another address with \
         --stream-listen"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: Cause,
    },
}

impl EmbeddedStream {
    /// Starts an empty stream server. When this returns, it answers.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let address = options.listen;
        let listener =
            listen(address).map_err(|error| EmbeddedError::Listen { address, source: Box::new(error) })?;
        let address = listener
            .local_addr()
            .map_err(|error| EmbeddedError::Listen { address, source: Box::new(error) })?;
        let arrivals = Arrivals::default();
        let (app, _store) = ferrokinesis::create_app(StoreOptions {
            create_stream_ms: 0,
            delete_stream_ms: 0,
            update_stream_ms: 0,
            shard_limit: SHARDS_MAX,
            retention_check_interval_secs: RETENTION_CHECK_SECS,
            max_retained_bytes: Some(options.retained_bytes_max),
            aws_account_id: options.account,
            aws_region: options.region,
            ..StoreOptions::default()
        });
        let app = probe::recognizable(app)
            .layer(DefaultBodyLimit::max(gate::REQUEST_BYTES_MAX))
            .layer(middleware::from_fn_with_state(gate::Gate::new(arrivals.clone()), gate::pass));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(http_serve::serve(listener, app, stopped, GRACE_MAX));
        tracing::info!(%address, "the embedded stream listens");
        if is_exposed(address) {
            tracing::warn!(
                %address,
                "the embedded stream is open to the network: anyone who reaches it can read, write and delete its streams, \
                 without credentials"
            );
        }
        Ok(Self { address, arrivals, stop, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that clients on this machine use.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", from_here(self.address))
    }

    /// Tells when records arrive, for sources of this process.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals {
        self.arrivals.clone()
    }

    /// Stops listening, and waits until every request is answered, at most ten seconds. Its records are gone then.
    pub async fn stop(self) {
        drop(self.stop);
        match self.server.await {
            Ok(Ok(())) => tracing::debug!("the embedded stream stopped"),
            Ok(Err(error)) => tracing::warn!(%error, "the embedded stream failed"),
            Err(error) => tracing::warn!(%error, "the embedded stream failed"),
        }
    }
}

/// Accepted connections inherit that small answers are sent at once.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
