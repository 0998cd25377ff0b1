//! `pelton demo`: samplesam.yaml on the embedded stream, with generated traffic, live on the terminal.

use super::dev::{DevArguments, Local, Surroundings, start};
use super::signals::StopSignals;
use super::{CommandFailure, load};
use crate::clock::Clock;
use crate::data_dir;
use crate::live_view;
use crate::logging::Terminal;
use crate::stream_notice::Serving;
use crate::traffic::Traffic;
use std::path::PathBuf;
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

/// Parameter of samplesam.yaml: where the sample functions write what they make of the records.
const RESULTS_PARAMETER: &str = "StateFolder";

/// In the data folder: what the sample functions write.
const RESULTS: &str = "demo";

/// A folder for the results in the data folder, which is made. Files of an earlier demo stay.
fn results_folder(dev: &DevArguments) -> Result<PathBuf, CommandFailure> {
    let template = load::find(&dev.template)?;
    let data_dir = dev.poller.data_dir.clone().unwrap_or_else(|| data_dir::default_for(&template));
    let folder = std::path::absolute(data_dir.join(RESULTS)).and_then(|folder| {
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    });
    folder.map_err(|error| {
        CommandFailure::bad_input(format!("{} cannot be made: {error}", data_dir.join(RESULTS).display()))
    })
}

/// Runs the demo until told to stop.
pub async fn run(
    arguments: DemoArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), CommandFailure> {
    let mut dev = arguments.dev;
    let results = results_folder(&dev)?;
    dev.template.presets.push((RESULTS_PARAMETER.to_owned(), results.display().to_string()));
    let local = tokio::select! {
        local = start(dev, Serving::Demo, terminal, clock.clone()) => local?,
        _ = signals.next() => return Ok(()),
    };
    let Local { poller, surroundings: Surroundings { client, application, stream, notice, .. }, .. } = local;
    info!(
        rate = arguments.rate,
        streams = application.streams.len(),
        results = %results.display(),
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
    info!(results = %results.display(), "the files that the functions wrote stay there");
    result
}
