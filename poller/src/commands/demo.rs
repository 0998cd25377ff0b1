//! `pelton demo`: samplesam.yaml on the embedded stream, with generated traffic, live on the terminal.

use super::CommandFailure;
use super::dev::{DevArguments, Local, Surroundings, start};
use super::signals::StopSignals;
use crate::clock::Clock;
use crate::live_view;
use crate::logging::Terminal;
use crate::stream_notice::Serving;
use crate::traffic::Traffic;
use tokio::sync::oneshot;
use tracing::info;

/// What `pelton demo` takes.
#[derive(clap::Args, Clone, Debug)]
pub struct DemoArguments {
    /// As for `dev`.
    #[command(flatten)]
    pub dev: DevArguments,

    /// Records a second put into each stream
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rate: u32,
}

/// Runs the demo until told to stop.
pub async fn run(
    arguments: DemoArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), CommandFailure> {
    let local = tokio::select! {
        local = start(arguments.dev, Serving::Demo, terminal, clock.clone()) => local?,
        _ = signals.next() => return Ok(()),
    };
    let Local { poller, surroundings: Surroundings { client, application, stream, notice, .. }, .. } = local;
    info!(
        rate = arguments.rate,
        streams = application.streams.len(),
        "putting generated records into each stream"
    );
    let traffic = Traffic::start(&application, &client, arguments.rate, &clock);
    let (done, is_done) = oneshot::channel::<()>();
    let view = live_view::show(poller.views(), terminal.clone(), clock, async {
        is_done.await.unwrap_or_default();
    });
    let stopped = async {
        let result = poller.run(signals).await;
        drop(done);
        result
    };
    let (result, ()) = tokio::join!(stopped, view);
    drop((traffic, notice));
    if let Some(stream) = stream {
        stream.stop().await;
    }
    result
}
