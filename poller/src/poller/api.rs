//! What others reach a running poller by: its API, and the address in the data folder.

use crate::clock::Clock;
use crate::control::{ControlServer, Views};
use crate::data_dir::DataDir;
use crate::errors::chain;
use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::{info, warn};

/// How long the place to begin at is waited for in every shard, before the poller says that it is there.
const OPENING_WAIT_MAX: Duration = Duration::from_secs(5);

/// The API server, answering.
pub(super) struct Api {
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Api {
    pub(super) fn serve(server: ControlServer, views: Arc<dyn Views>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(server.serve(views, async {
            // Told to stop, or dropped: both end it.
            stopped.await.unwrap_or_default();
        }));
        Self { stop, server }
    }

    pub(super) async fn stop(self) {
        drop(self.stop);
        match self.server.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the API server failed"),
            Err(error) => warn!(%error, "the API server failed"),
        }
    }
}

/// Says that the poller is there, in the data folder too, once every shard is open, or when that takes long: the poller can
/// be stopped and looked at before, others may work for long already.
pub(super) async fn announce(
    opened: impl Future<Output = ()>,
    (mappings, shards): (usize, usize),
    data_dir: &DataDir,
    api: SocketAddr,
    clock: &Clock,
) -> Infallible {
    let all_open = tokio::select! {
        () = opened => true,
        () = clock.sleep(OPENING_WAIT_MAX) => false,
    };
    if let Err(error) = data_dir.announce_address(api) {
        warn!(
            error = chain(&error),
            "cannot store the address of the API: `pelton status` does not find this poller"
        );
    }
    if !all_open {
        warn!(shards, "the stream answers slowly: some shards are not read yet, see `pelton status`");
    }
    info!(mappings, shards, %api, "polling; Ctrl-C stops");
    pending().await
}
