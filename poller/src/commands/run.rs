//! `pelton run`: long-running, or until caught up; builds nothing, creates nothing.

use super::functions;
use super::options::{AwsOptions, CatchUpOptions, FunctionOptions, PollerOptions, TemplateOptions};
use super::{beside, load};
use crate::clock::Clock;
use crate::data_dir::{self, DataDir, DataDirError};
use crate::lambda::CodePlaces;
use crate::logging::Terminal;
use crate::poller::{Functions, Launch, Poller, not_started};
use crate::signals::StopSignals;
use crate::source::StreamsAt;
use crate::source::aws::{self, EndpointKind, KinesisClient};
use crate::source::embedded;
use crate::supervisor::Goal;
use crate::user_error::UserError;
use pelton_model::{Application, EventSource, Mapping};
use std::path::{Path, PathBuf};
use tracing::info;

/// What it is good for.
const EXAMPLES: &str = "Examples:
  Against the embedded stream that `pelton stream` serves, until Ctrl-C
      pelton run --endpoint-url http://127.0.0.1:4567
  As a cron job: what is in the streams now, for ten minutes at most
      pelton run --until-caught-up --deadline 10m --listen 127.0.0.1:0
  With the functions on AWS
      pelton run --lambda-endpoint aws";

/// What `pelton run` takes.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RunArguments {
    /// The template.
    #[command(flatten)]
    pub template: TemplateOptions,
    /// Which AWS.
    #[command(flatten)]
    pub aws: AwsOptions,
    /// Where the functions run.
    #[command(flatten)]
    pub functions: FunctionOptions,
    /// How the poller runs.
    #[command(flatten)]
    pub poller: PollerOptions,
    /// How far it goes.
    #[command(flatten)]
    pub catch_up: CatchUpOptions,
}

/// Runs the template's mappings until told to stop, or until caught up.
pub async fn run(
    arguments: RunArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), UserError> {
    let CatchUpOptions { until_caught_up, deadline } = arguments.catch_up;
    let deadline = deadline.map(|duration| clock.now().after(duration));
    let started = tokio::select! {
        started = start(arguments, terminal, clock.clone()) => started?,
        _ = signals.next() => return Ok(()),
        () = clock.sleep_until_some(deadline) => return Err(not_started()),
    };
    match started {
        Some(poller) if until_caught_up => poller.run_until_caught_up(signals, deadline).await,
        Some(poller) => poller.run(signals).await,
        None => Ok(()),
    }
}

/// A poller; `None` if there is nothing to catch up with.
async fn start(
    arguments: RunArguments,
    terminal: &Terminal,
    clock: Clock,
) -> Result<Option<Poller>, UserError> {
    let RunArguments { mut template, mut aws, functions, poller: options, catch_up } = arguments;
    functions::check_options(&functions)?;
    let path = load::find(&template)?;
    load::settle(&path, &mut template, &mut aws.region)?;
    beside::settle(&mut aws, &data_dir_path(&options, &path)).await?;
    let region = load::region(aws.region.as_deref()).await?;
    let application = load::load(&path, &template, &region, Some(&functions), terminal, &clock)?;
    if catch_up.until_caught_up && !application.mappings.is_empty() && application.enabled().next().is_none()
    {
        info!("no event source mapping is enabled: nothing to catch up with");
        return Ok(None);
    }
    require_mappings(&application, &path)?;
    let places = CodePlaces::new(&application.root, &data_dir_path(&options, &path));
    let here = functions::find_code(functions::needed_here(&functions, &application), &places)?;
    let (client, streams_at) = connect_for(application.enabled(), &aws, &region, &clock).await?;
    // Where nothing names a region, the machine itself may, and the template may use it.
    let application = match client.region() == region {
        true => application,
        false => load::load(&path, &template, client.region(), Some(&functions), terminal, &clock)?,
    };
    require_region(application.enabled(), &client)?;
    let region = Some(client.region().to_owned());
    let elsewhere = functions::elsewhere(&functions, &application, client.region(), &clock).await?;
    let functions = Functions { here, elsewhere };
    let data_dir = take_data_dir(&options, &path)?;
    let goal = if catch_up.until_caught_up { Goal::CatchUp } else { Goal::GoOn };
    let launch = Launch {
        application,
        functions,
        client,
        aws: aws::AwsOptions { endpoint_url: aws.endpoint_url, region },
        streams_at,
        arrivals: None,
        goal,
        data_dir,
        settings: options.settings(),
        clock,
    };
    Poller::start(launch).await.map(Some)
}

/// There must be something to run.
pub(super) fn require_mappings(application: &Application, template: &Path) -> Result<(), UserError> {
    if application.enabled().next().is_some() {
        return Ok(());
    }
    let template = template.display();
    Err(UserError::bad_input(format!(
        "{template} has no enabled event source mapping: there is nothing to run"
    ))
    .help("add an event of Type Kinesis or DynamoDB to a function, or an AWS::Lambda::EventSourceMapping"))
}

/// On AWS a stream is found by its name within one region: a mapping must not read the namesake of its stream elsewhere.
pub(super) fn require_region<'a>(
    mut mappings: impl Iterator<Item = &'a Mapping>,
    client: &KinesisClient,
) -> Result<(), UserError> {
    let elsewhere = mappings.find_map(|mapping| {
        let EventSource::Kinesis { stream, .. } = &mapping.source else { return None };
        (stream.region != client.region()).then_some((&mapping.id, stream))
    });
    match elsewhere {
        Some((id, stream)) if client.endpoint().kind() == EndpointKind::Aws => {
            let region = client.region();
            Err(UserError::bad_input(format!("{id} reads {stream}, but the region is {region}")).help(
                format!("one Pelton reads streams of one region: start one with --region {}", stream.region),
            ))
        }
        Some(_) | None => Ok(()),
    }
}

/// A client as the options and the standard AWS chain say, and what it speaks to. For the embedded stream nobody is asked for
/// credentials.
pub(super) async fn connect(
    options: &AwsOptions,
    clock: &Clock,
) -> Result<(KinesisClient, StreamsAt), UserError> {
    let AwsOptions { endpoint_url, region } = options.clone();
    let options = aws::AwsOptions { endpoint_url, region };
    let bad_input = |error: aws::ConnectError| UserError::bad_input_because(&error);
    let client = KinesisClient::connect(&options).await.map_err(bad_input)?;
    match streams_at(&client, clock).await {
        StreamsAt::AnotherProcess => {
            let client = KinesisClient::without_credentials(&options).await.map_err(bad_input)?;
            Ok((client, StreamsAt::AnotherProcess))
        }
        elsewhere @ (StreamsAt::Service | StreamsAt::ThisProcess) => Ok((client, elsewhere)),
    }
}

/// The same for these mappings. If none of them reads Kinesis, nobody is asked for the credentials or the region of a client that
/// nobody uses.
pub(super) async fn connect_for<'a>(
    mut mappings: impl Iterator<Item = &'a Mapping>,
    options: &AwsOptions,
    region: &str,
    clock: &Clock,
) -> Result<(KinesisClient, StreamsAt), UserError> {
    if mappings.any(|mapping| matches!(mapping.source, EventSource::Kinesis { .. })) {
        return connect(options, clock).await;
    }
    let (endpoint_url, region) = (options.endpoint_url.clone(), Some(region.to_owned()));
    let client = KinesisClient::without_credentials(&aws::AwsOptions { endpoint_url, region }).await;
    let client = client.map_err(|error| UserError::bad_input_because(&error))?;
    let streams_at = streams_at(&client, clock).await;
    Ok((client, streams_at))
}

async fn streams_at(client: &KinesisClient, clock: &Clock) -> StreamsAt {
    let (url, kind) = (client.endpoint().as_str(), client.endpoint().kind());
    match kind == EndpointKind::Loopback && embedded::is_at(url, clock).await {
        true => StreamsAt::AnotherProcess,
        false => StreamsAt::Service,
    }
}

/// Where the data folder is.
fn data_dir_path(options: &PollerOptions, template: &Path) -> PathBuf {
    options.data_dir.clone().unwrap_or_else(|| data_dir::default_for(template))
}

/// The data folder, held for as long as the value lives.
pub(super) fn take_data_dir(options: &PollerOptions, template: &Path) -> Result<DataDir, UserError> {
    let path = data_dir_path(options, template);
    DataDir::take(&path).map_err(|error| {
        let help = match &error {
            DataDirError::InUse { pid, .. } => beside::help_for_second_poller(*pid, &path),
            DataDirError::NotAFolder { .. } | DataDirError::Unwritable { .. } => None,
        };
        let failure = UserError::bad_input_because(&error);
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    })
}
