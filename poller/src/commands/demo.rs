//! `pelton demo`: samplesam.yaml on the embedded stream, with generated traffic, live on the terminal.

mod story;

use super::dev::{DevArguments, Local, Surroundings, start};
use super::{beside, load, quoted};
use crate::clock::Clock;
use crate::control::Views;
use crate::data_dir;
use crate::live_view;
use crate::logging::{LogDetail, LogFile, LogFormat, Terminal, tell};
use crate::signals::StopSignals;
use crate::stream_notice::Serving;
use crate::traffic::Traffic;
use crate::user_error::UserError;
use pelton_template::{GivenParameter, ParameterOrigin};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use story::{GetCommand, Story};
use tokio::sync::oneshot;
use tracing::{Level, info};

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

/// Beside the results: the log of this demo.
const LOG_FILE: &str = "log.txt";

/// From one look at what was given up to the next.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A folder for the results in the data folder, which is made. Files of an earlier demo stay.
fn results_folder(data_dir: &Path) -> Result<PathBuf, UserError> {
    let folder = std::path::absolute(data_dir.join(RESULTS)).and_then(|folder| {
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    });
    folder.map_err(|error| {
        UserError::bad_input(format!("{} cannot be made: {error}", data_dir.join(RESULTS).display()))
    })
}

/// Where the log is, unless all of it is shown: handlers' lines and those of each attempt would run past the table.
fn log_into(folder: &Path, detail: LogDetail, terminal: &Terminal) -> Result<(), UserError> {
    if terminal.format() == LogFormat::Json || detail == LogDetail::Verbose {
        return Ok(());
    }
    let path = folder.join(LOG_FILE);
    let file = LogFile::begin(&path)
        .map_err(|error| UserError::bad_input(format!("{} cannot be written: {error}", path.display())))?;
    terminal.log_into(file);
    info!(file = %path.display(), "the log of handlers and failed attempts is in this file; --verbose shows it here");
    Ok(())
}

/// How a record of this demo is shown: by the program as it was called, which need not be installed.
fn get_command(data_dir: &Path) -> GetCommand {
    let called = std::env::args_os().next().and_then(|program| program.into_string().ok());
    let is_found = beside::data_dir_here(None) == data_dir;
    let options = format!(" --data-dir {}", quoted(&data_dir.display().to_string()));
    GetCommand {
        program: quoted(&called.unwrap_or_else(|| "pelton".to_owned())),
        options: if is_found { String::new() } else { options },
    }
}

/// Tells of the records that fail, for ever.
async fn tell_story(
    mut story: Story,
    mut traffic: Traffic,
    views: Arc<dyn Views>,
    terminal: &Terminal,
    clock: &Clock,
) {
    loop {
        let texts = tokio::select! {
            refused = traffic.next_refused() => vec![story.put(refused)],
            () = clock.sleep(LOOK_EVERY) => story.look(&views.snapshot()),
        };
        for text in texts {
            tell(terminal, clock, Level::INFO, &text);
        }
    }
}

/// Runs the demo until told to stop.
pub async fn run(
    arguments: DemoArguments,
    detail: LogDetail,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), UserError> {
    let mut dev = arguments.dev;
    let template = load::find(&dev.template)?;
    let data_dir = dev.poller.data_dir.clone().unwrap_or_else(|| data_dir::default_for(&template));
    let results = results_folder(&data_dir)?;
    log_into(&results, detail, terminal)?;
    let story = Story::new(get_command(&data_dir));
    dev.template.given.push(GivenParameter {
        name: RESULTS_PARAMETER.to_owned(),
        value: results.display().to_string(),
        origin: ParameterOrigin::Command,
    });
    let local = tokio::select! {
        local = start(dev, Serving::Demo, terminal, clock.clone()) => local?,
        _ = signals.next() => return Ok(()),
    };
    let Local { poller, surroundings: Surroundings { client, stream, notice, .. }, .. } = local;
    let application = poller.application().clone();
    info!(
        rate = arguments.rate,
        streams = application.streams.len(),
        results = %results.display(),
        "putting generated records into each stream"
    );
    let traffic = Traffic::start(&application, &client, arguments.rate, &clock);
    let (done, is_done) = oneshot::channel::<()>();
    let views = poller.views();
    let story = tell_story(story, traffic, views.clone(), terminal, &clock);
    let view = live_view::show(views, terminal.clone(), clock.clone(), async {
        tokio::select! {
            () = story => {}
            done = is_done => done.unwrap_or_default(),
        }
    });
    let stopped = async {
        let result = poller.run(signals).await;
        drop(done);
        result
    };
    let (result, ()) = tokio::join!(stopped, view);
    drop(notice);
    if let Some(stream) = stream {
        stream.stop().await;
    }
    info!(results = %results.display(), "the files that the functions wrote stay there");
    result
}
