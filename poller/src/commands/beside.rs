//! Commands beside a running `pelton dev`, `demo` or `stream` use its stream: its file in the data folder names it.
//!
//! The command line, the environment and the profile go before that file. A file that a killed process left behind ends the
//! command: it may have been meant, and without it the standard AWS chain may lead to real AWS.

use super::options::AwsOptions;
use crate::data_dir;
use crate::source::aws::{self, KinesisClient};
use crate::stream_notice::{FoundNotice, PostError, PostedNotice, Serving, StreamNotice, file_in, find};
use crate::user_error::UserError;
use std::path::{Path, PathBuf};
use tracing::{info, warn};

/// The data folder of a command that takes no template: that beside the template in this folder, or in this folder.
pub(super) fn data_dir_here(given: Option<PathBuf>) -> PathBuf {
    let template = || pelton_template::find(Path::new(".")).unwrap_or_else(|| PathBuf::from("template.yaml"));
    given.unwrap_or_else(|| data_dir::default_for(&template()))
}

/// Takes over endpoint and region of the stream that the data folder names, unless the command line, the environment or the
/// profile names an endpoint. Says so.
pub(super) async fn settle(aws: &mut AwsOptions, data_dir: &Path) -> Result<(), UserError> {
    if aws.endpoint_url.is_some() {
        return Ok(());
    }
    let options = aws::AwsOptions { endpoint_url: None, region: aws.region.clone() };
    // An endpoint that cannot be one is reported by whoever connects.
    let is_named = !matches!(KinesisClient::endpoint_named(&options).await, Ok(None));
    let file = file_in(data_dir);
    match find(data_dir) {
        Ok(FoundNotice::Running(notice)) if is_named => {
            let endpoint = notice.endpoint;
            info!(
                ignored = endpoint,
                "using the endpoint of the environment or profile, not that of the data folder"
            );
        }
        Ok(FoundNotice::Running(notice)) => {
            say(&notice);
            aws.endpoint_url = Some(notice.endpoint);
            aws.region = aws.region.take().or(Some(notice.region));
        }
        Ok(FoundNotice::LeftBehind(notice)) if !is_named => return Err(left_behind(notice, &file)),
        Err(error) if !is_named => {
            let problem = format!("{} cannot be read: {error}", file.display());
            return Err(UserError::bad_input(problem)
                .help("it names the stream of a running pelton: name the endpoint with --endpoint-url"));
        }
        Ok(FoundNotice::LeftBehind(_) | FoundNotice::Nothing) | Err(_) => {}
    }
    Ok(())
}

/// The bootstrap servers of the Kafka in a running `dev`, if the data folder names one.
#[cfg(feature = "kafka")]
pub(super) fn brokers(data_dir: &Path) -> Option<String> {
    match find(data_dir) {
        Ok(FoundNotice::Running(notice)) => notice.bootstrap_servers,
        Ok(FoundNotice::LeftBehind(_) | FoundNotice::Nothing) | Err(_) => None,
    }
}

fn say(notice: &StreamNotice) {
    let endpoint = &notice.endpoint;
    match notice.command {
        Serving::Demo => info!(endpoint, "using the stream of the running `pelton demo`"),
        Serving::Dev => info!(endpoint, "using the stream of the running `pelton dev`"),
        Serving::Stream => info!(endpoint, "using the stream of the running `pelton stream`"),
    }
}

fn left_behind(notice: Option<StreamNotice>, file: &Path) -> UserError {
    let file = file.display();
    let (problem, again) = match notice {
        Some(StreamNotice { command, pid, endpoint, .. }) => (
            format!(
                "{file} names the stream of `pelton {command}` (process {pid}, {endpoint}), which ended without removing it"
            ),
            format!("start `pelton {command}` again"),
        ),
        None => (
            format!("{file} should name the stream of a running pelton, and is incomplete"),
            "start `pelton dev` or `pelton stream` again".to_owned(),
        ),
    };
    UserError::bad_input(problem).help(format!(
        "{again}, or name the endpoint with --endpoint-url. To use the standard AWS chain, which may lead to real AWS, remove \
         the file"
    ))
}

/// Names the stream in the data folder. `None`: the folder cannot, which is said; the stream serves anyway.
pub(super) fn post(notice: &StreamNotice, data_dir: &Path) -> Option<PostedNotice> {
    match notice.post(data_dir) {
        Ok(posted) => return Some(posted),
        // `dev --endpoint-url` beside the `stream` that it reads.
        Err(PostError::Taken { by, .. }) if by.endpoint == notice.endpoint => {}
        Err(PostError::Taken { path, by }) => warn!(
            file = %path.display(),
            pid = by.pid,
            endpoint = by.endpoint,
            "the data folder names the stream of another process: commands need --endpoint-url to use this one"
        ),
        Err(PostError::Unwritable { path, source }) => warn!(
            file = %path.display(),
            error = %source,
            "cannot name the stream in the data folder: commands need --endpoint-url to use it"
        ),
    }
    None
}

/// What to do about a data folder that a process holds: a second poller may run beside that which named its stream there.
pub(super) fn help_for_second_poller(holder: Option<u32>, data_dir: &Path) -> Option<String> {
    match find(data_dir) {
        Ok(FoundNotice::Running(notice)) if Some(notice.pid) == holder => Some(format!(
            "`pelton {}` polls with the checkpoints of this folder. To run a second poller on its stream, give it a folder of \
             its own: `--data-dir DIR --endpoint-url {} --listen 127.0.0.1:0`",
            notice.command, notice.endpoint
        )),
        Ok(FoundNotice::Running(_) | FoundNotice::LeftBehind(_) | FoundNotice::Nothing) | Err(_) => None,
    }
}
