//! `pelton rewind`: moves the position of one mapping, while no poller runs.
//!
//! In: a mapping of the template, and where it is to go on. Out: what it did, shard by shard. Reads no record, invokes
//! nothing, and touches no other mapping.

mod report;
pub(super) mod target;

use super::options::{AwsOptions, TemplateOptions};
use super::run::{connect_for, require_region};
use super::{beside, load};
use crate::aws;
use crate::clock::Clock;
use crate::data_dir::{self, DataDir, DataDirError};
use crate::errors::chain;
use crate::logging::Terminal;
use crate::poller::tables;
use crate::ports::SourceError;
use crate::signals::StopSignals;
use crate::source::Sources;
use crate::source::budget::ByteBudget;
use crate::starting::{StartError, find_stream};
use crate::store::SqliteStore;
use crate::supervisor::{RewindError, RewindTo, rewind};
use crate::user_error::UserError;
use pelton_core::Timestamp;
use pelton_core::shard_sync::FoundStream;
use pelton_core::starting_position::StartingPosition;
use pelton_model::shown_timestamp;
use pelton_model::{Application, EventSource, Mapping, MappingId};
use pelton_template::suggest;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;
use tracing::info;

/// What it is good for.
const EXAMPLES: &str = "Examples:
  Everything that the stream still keeps, again
      pelton rewind OrderLedgerOrders --to trim-horizon
  What arrived at that time or later
      pelton rewind OrderLedgerOrders --to 2026-01-31T12:00:00Z
  What arrived in the last five minutes, or in the last day
      pelton rewind OrderLedgerOrders --to 5m-ago
      pelton rewind OrderLedgerOrders --to 1d-ago
  Only what arrives from now on
      pelton rewind OrderLedgerOrders --to latest
  Where another mapping of the same stream is
      pelton rewind OrderLedgerOrders --to checkpoint-of:OrderAuditOrders";

/// What `pelton rewind` takes.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RewindArguments {
    /// The mapping, by its logical id: that of its function and the name of its event, as `pelton validate` shows it
    pub mapping: String,
    /// Where it is to go on: trim-horizon, latest, a time (RFC 3339, seconds since 1970, or 5m-ago), or checkpoint-of:MAPPING
    #[arg(long, value_name = "POSITION", value_parser = target::parse)]
    pub to: RewindTo,
    /// The template.
    #[command(flatten)]
    pub template: TemplateOptions,
    /// Which AWS.
    #[command(flatten)]
    pub aws: AwsOptions,
    /// Folder of the checkpoints [default: .pelton beside the template]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Moves the mapping, and says from where to where. Told to stop before it is written, it changes nothing.
pub async fn run(
    arguments: RewindArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<(), UserError> {
    let RewindArguments { mapping, to, mut template, mut aws, data_dir } = arguments;
    let path = load::find(&template)?;
    load::settle(&path, &mut template, &mut aws.region)?;
    let data_dir = data_dir.unwrap_or_else(|| data_dir::default_for(&path));
    beside::settle(&mut aws, &data_dir).await?;
    let region = load::region(aws.region.as_deref()).await?;
    let mut application = load::load(&path, &template, &region, None, terminal, clock)?;
    let named = find_mapping(&application, &mapping)?;
    require_stream(named)?;
    let wanted = std::iter::once(named);
    let (client, streams_at) = connect_for(wanted, &aws, &region, clock).await?;
    if client.region() != region {
        application = load::load(&path, &template, client.region(), None, terminal, clock)?;
    }
    let mut mapping = find_mapping(&application, &mapping)?.clone();
    check_target(&mapping, &to, clock.now())?;
    require_region(std::iter::once(&mapping), &client)?;
    let data_dir = take(data_dir)?;

    let role = application.functions[&mapping.function].role_arn.clone();
    let aws = aws::AwsOptions { endpoint_url: aws.endpoint_url.clone(), region: aws.region.clone() };
    let (dynamodb, errors) =
        tables::find_streams(std::iter::once(&mut mapping), streams_at, &aws, clock).await;
    if let Some(error) = UserError::all(errors.into_values()) {
        return Err(error);
    }
    let sources = Sources {
        kinesis: client,
        dynamodb,
        streams_at,
        arrivals: None,
        budget: ByteBudget::default(),
        poll_interval: Duration::ZERO,
        clock: clock.clone(),
    };
    let source = sources.open(&mapping, &role).source;
    let found = tokio::select! {
        found = find_stream(&mapping, &*source, clock) => found.map_err(|error| not_found(&error))?,
        signal = signals.next() => {
            info!(signal, "stopped: nothing was changed");
            return Ok(());
        }
    };
    let moved = move_to(&mapping, &to, &found, &data_dir, &application, clock).await?;
    io::stdout().write_all(moved.as_bytes()).map_err(|error| {
        UserError::failed(format!("the mapping was moved, but the result cannot be printed: {error}"))
    })
}

/// Positions of a topic are not kept here.
fn require_stream(mapping: &Mapping) -> Result<(), UserError> {
    let EventSource::Kafka(kafka) = &mapping.source else { return Ok(()) };
    let (id, group, topic) = (&mapping.id, kafka.group_id(), &kafka.topic);
    let servers = kafka.cluster.bootstrap_servers().map_or("HOST:PORT".to_owned(), ToString::to_string);
    let problem =
        format!("{id} reads from Kafka: its position is what the consumer group {group} has committed");
    Err(UserError::bad_input(problem).help(format!(
        "stop its pollers, and move the group: `kafka-consumer-groups --bootstrap-server {servers} --group {group} --topic {topic} \
         --reset-offsets --to-earliest --execute`"
    )))
}

async fn move_to(
    mapping: &Mapping,
    to: &RewindTo,
    found: &FoundStream,
    data_dir: &DataDir,
    application: &Application,
    clock: &Clock,
) -> Result<String, UserError> {
    let store = SqliteStore::open(&data_dir.checkpoints(), clock.clone())
        .map_err(|error| UserError::bad_input_because(&error))?;
    let rewound = rewind(&mapping.id, to, found, &store, clock.now()).await;
    let rewound = rewound.map_err(|error| refused(&error, application))?;
    Ok(report::render(mapping, to, &rewound))
}

pub(super) fn find_mapping<'a>(application: &'a Application, name: &str) -> Result<&'a Mapping, UserError> {
    let is_wanted = |mapping: &&Mapping| mapping.id.0 == name;
    application.mappings.iter().find(is_wanted).ok_or_else(|| {
        UserError::bad_input(format!("the template has no event source mapping {name}"))
            .help(help_with(name, application))
    })
}

/// The nearest name, and all of them.
fn help_with(name: &str, application: &Application) -> String {
    let names = application.mappings.iter().map(|mapping| mapping.id.0.as_str());
    let Some(list) = suggest::list(names.clone()) else {
        return "the template has no mappings".to_owned();
    };
    match suggest::nearest(name, names) {
        Some(nearest) => format!("did you mean `{nearest}`? The template's mappings: {list}"),
        None => format!("the template's mappings: {list}"),
    }
}

fn check_target(mapping: &Mapping, to: &RewindTo, now: Timestamp) -> Result<(), UserError> {
    match to {
        RewindTo::Start(StartingPosition::AtTimestamp(moment)) if *moment > now => {
            let (moment, now) = (shown_timestamp(*moment), shown_timestamp(now));
            Err(UserError::bad_input(format!("{moment} lies in the future: it is {now}"))
                .help("for the records that arrive from now on, use --to latest"))
        }
        RewindTo::CheckpointOf(other) if *other == mapping.id => Err(UserError::bad_input(format!(
            "{other} cannot take over its own checkpoint: name another mapping"
        ))),
        RewindTo::Start(_) | RewindTo::CheckpointOf(_) => Ok(()),
    }
}

/// The data folder, so that no poller runs on it meanwhile.
fn take(path: PathBuf) -> Result<DataDir, UserError> {
    DataDir::take(&path).map_err(|error| match error {
        DataDirError::InUse { .. } => UserError::failed(chain(&error))
            .help("a running poller holds the positions: stop it, rewind, and start it again"),
        DataDirError::NotAFolder { .. } | DataDirError::Unwritable { .. } => {
            UserError::bad_input_because(&error)
        }
    })
}

fn not_found(error: &StartError) -> UserError {
    let help = match error {
        StartError::Source {
            source: SourceError::NotFound { .. } | SourceError::Unavailable { .. }, ..
        } => format!(
            "{}. The stream inside `pelton dev` and `pelton demo` is in memory, and ends with them: then there is nothing \
             to rewind in",
            error.help()
        ),
        StartError::Source { .. } | StartError::NotActive { .. } | StartError::Store { .. } => {
            error.help().to_owned()
        }
    };
    UserError::bad_input(chain(error)).help(help)
}

fn refused(error: &RewindError, application: &Application) -> UserError {
    let failure = UserError::bad_input(chain(error));
    let is_declared = |other: &MappingId| application.mappings.iter().any(|mapping| mapping.id == *other);
    match error {
        RewindError::NoCheckpoint { other } if !is_declared(other) => {
            failure.help(help_with(&other.0, application))
        }
        RewindError::NoCheckpoint { .. } => failure.help("run it first, or name a position or a time"),
        RewindError::AnotherStream { .. } | RewindError::StreamMadeAgain { .. } => {
            failure.help("name a position or a time instead")
        }
        RewindError::Store { .. } => {
            failure.help("make room on the disk, or restore checkpoints.db from a copy; nothing was changed")
        }
    }
}
