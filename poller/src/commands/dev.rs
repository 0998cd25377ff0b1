//! `pelton dev`: everything local. Builds the functions, creates the template's streams, rebuilds on change.
//!
//! Without `--endpoint-url` the streams are embedded: in this process, in memory.

use super::options::{AwsOptions, PollerOptions, StreamOptions, TemplateOptions};
use super::poller::{Launch, Poller, enabled};
use super::run::{connect, require_mappings, take_data_dir};
use super::signals::StopSignals;
use super::{CommandFailure, load};
use crate::application::{Application, Function};
use crate::build::build;
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::Code;
use crate::logging::Terminal;
use crate::rebuild::Rebuilder;
use crate::source::aws::KinesisClient;
use crate::source::budget::ByteBudget;
use crate::source::embedded::{EmbeddedOptions, EmbeddedStream, create_streams, warn_of_differences};
use crate::supervisor::Endpoint;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tracing::info;

/// What `pelton dev` takes.
#[derive(clap::Args, Clone, Debug)]
pub struct DevArguments {
    /// The template.
    #[command(flatten)]
    pub template: TemplateOptions,
    /// Which AWS; the embedded stream if no endpoint is given.
    #[command(flatten)]
    pub aws: AwsOptions,
    /// Where the embedded stream listens.
    #[command(flatten)]
    pub stream: StreamOptions,
    /// How the poller runs.
    #[command(flatten)]
    pub poller: PollerOptions,
}

/// A poller on its own streams.
pub(super) struct Local {
    pub(super) poller: Poller,
    pub(super) client: KinesisClient,
    pub(super) application: Application,
    pub(super) stream: Option<EmbeddedStream>,
}

/// Runs the template's mappings until told to stop.
pub async fn run(
    arguments: DevArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), CommandFailure> {
    let local = tokio::select! {
        local = start(arguments, terminal, clock.clone()) => local?,
        _ = signals.next() => return Ok(()),
    };
    let Local { poller, application, stream, client } = local;
    if let Some(name) = application.streams.values().map(|stream| &stream.name).next() {
        let command = format!("pelton put {name} --endpoint-url {} '{{\"hello\":1}}'", client.endpoint());
        info!(command, "put a record");
    }
    let rebuilder = Rebuilder::watch(&application, poller.functions(), terminal, &clock);
    let result = poller.run(signals).await;
    drop(rebuilder);
    if let Some(stream) = stream {
        stream.stop().await;
    }
    result
}

/// Starts everything. Cancelling stops what was started.
pub(super) async fn start(
    arguments: DevArguments,
    terminal: &Terminal,
    clock: Clock,
) -> Result<Local, CommandFailure> {
    let DevArguments { template, aws, stream, poller: options } = arguments;
    let path = load::find(&template)?;
    let region = load::region(aws.region.as_deref());
    let application = load::load(&path, &template, &region, terminal, &clock)?;
    require_mappings(&application, &path)?;
    let data_dir = take_data_dir(&options, &path)?;
    let stream = match &aws.endpoint_url {
        Some(_) => None,
        None => Some(embed(&stream, &region).await?),
    };
    let endpoint_url = stream.as_ref().map(EmbeddedStream::endpoint).or(aws.endpoint_url);
    let client = connect(&AwsOptions { endpoint_url, region: Some(region) }).await?;
    // Code that does not compile must not leave streams behind.
    let code = build_all(&application, terminal).await?;
    let streams: Vec<_> = application.streams.values().cloned().collect();
    create_streams(&client, &clock, &streams)
        .await
        .map_err(|error| CommandFailure::bad_input(chain(&error)))?;
    if stream.is_some() {
        warn_of_differences(&streams);
    }
    let launch = Launch {
        application: application.clone(),
        code,
        client: client.clone(),
        endpoint: if stream.is_some() { Endpoint::InProcess } else { Endpoint::Other },
        arrivals: stream.as_ref().map(EmbeddedStream::arrivals),
        budget: ByteBudget::default(),
        data_dir,
        options,
        clock,
    };
    Ok(Local { poller: Poller::start(launch).await?, client, application, stream })
}

async fn embed(options: &StreamOptions, region: &str) -> Result<EmbeddedStream, CommandFailure> {
    let options = EmbeddedOptions {
        region: region.to_owned(),
        account: load::ACCOUNT.to_owned(),
        ..EmbeddedOptions::listening_on(options.stream_listen)
    };
    EmbeddedStream::start(options).await.map_err(|error| CommandFailure::bad_input(chain(&error)))
}

/// Builds, or finds, the code of every function that an enabled mapping uses.
async fn build_all(
    application: &Application,
    terminal: &Terminal,
) -> Result<BTreeMap<String, Code>, CommandFailure> {
    let mut code = BTreeMap::new();
    for mapping in enabled(application) {
        let function = &application.functions[&mapping.function];
        if !code.contains_key(&function.logical_id) {
            code.insert(function.logical_id.clone(), code_of(function, &application.root, terminal).await?);
        }
    }
    Ok(code)
}

/// What cargo builds from the function's folder if it says so, else what is there already.
async fn code_of(function: &Function, root: &Path, terminal: &Terminal) -> Result<Code, CommandFailure> {
    let Some(method) = &function.build else {
        return Code::find(function, root).map_err(|error| CommandFailure::bad_input(chain(&error)));
    };
    info!(function = function.name, folder = %function.code_uri.display(), "building");
    let bootstrap: PathBuf =
        build(function, method, terminal).await.map_err(|error| CommandFailure::bad_input(chain(&error)))?;
    Ok(Code::built(bootstrap, function))
}
