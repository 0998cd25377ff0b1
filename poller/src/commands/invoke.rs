//! `pelton invoke`: runs a function once with an event.
//!
//! In: a function of the template, and an event. Out: its answer on standard output, its log and the REPORT on standard error.
//! Needs no stream, starts no poller, and holds no data folder: it works beside a running one.

use super::functions;
use super::options::{FunctionOptions, TemplateOptions, parse_region};
use super::{dev, load};
use crate::clock::Clock;
use crate::data_dir;
use crate::lambda::CodePlaces;
use crate::logging::Terminal;
use crate::poller::{Functions, Running};
use crate::signals::StopSignals;
use crate::user_error::UserError;
use pelton_core::{Batch, EVENT_BYTES_MAX, Envelope, Outcome, Reply};
use pelton_model::{Application, Function};
use pelton_template::suggest;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What stands for standard input.
const STDIN: &str = "-";

/// What it is good for.
const EXAMPLES: &str = "Examples:
  The batch that a mapping is stuck on, as the function gets it
      pelton get --stuck OrderLedgerOrders --event event.json
      pelton invoke OrderLedger --event event.json
  An event from standard input
      echo '{\"Records\":[]}' | pelton invoke OrderLedger --event -
  A function that runs elsewhere
      pelton invoke OrderLedger --event event.json --lambda-endpoint http://127.0.0.1:9000";

/// What `pelton invoke` takes.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InvokeArguments {
    /// The function, by its logical id or its FunctionName
    pub function: String,
    /// The event, as JSON: it reaches the function byte for byte; `-` is the standard input
    #[arg(long, value_name = "FILE")]
    pub event: PathBuf,
    /// The template.
    #[command(flatten)]
    pub template: TemplateOptions,
    /// Where the function runs.
    #[command(flatten)]
    pub functions: FunctionOptions,
    /// AWS region, as `AWS::Region` gives it [default: samconfig.toml, AWS_REGION, AWS_DEFAULT_REGION, profile, us-east-1]
    #[arg(long, value_name = "REGION", value_parser = parse_region)]
    pub region: Option<String>,
    /// Folder for code that comes in an archive [default: .pelton beside the template]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Runs the function once. A signal ends its handler.
pub async fn run(
    arguments: InvokeArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), UserError> {
    let interrupted = || UserError::failed("interrupted: the function has not answered");
    let file = arguments.event.clone();
    let before = async {
        let event = event_in(file).await?;
        Ok((event, prepare(arguments, terminal, &clock).await?))
    };
    let (event, Prepared { running, id }) = tokio::select! {
        ready = before => ready?,
        _ = signals.next() => return Err(interrupted()),
    };
    let reply = tokio::select! {
        reply = running.invokers[&id].invoke(Arc::new(event)) => Some(reply),
        _ = signals.next() => None,
    };
    // The last lines of the log, REPORT among them, come with the handler's end.
    if let Some(function) = running.here.get(&id) {
        function.shutdown().await;
    }
    tell(reply.ok_or_else(interrupted)?)
}

/// A function that is ready to be invoked.
struct Prepared {
    running: Running,
    /// Its logical id.
    id: String,
}

async fn prepare(
    arguments: InvokeArguments,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<Prepared, UserError> {
    let InvokeArguments { function, event: _, mut template, functions: options, mut region, data_dir } =
        arguments;
    let path = load::find(&template)?;
    load::settle(&path, &mut template, &mut region)?;
    let region = load::region(region.as_deref()).await?;
    let application = load::load(&path, &template, &region, Some(&options), terminal, clock)?;
    let function = find(&application, &function)?;
    let id = function.logical_id.clone();
    let elsewhere =
        functions::elsewhere_of(&options, &application, std::iter::once(&id), &region, clock).await?;
    let mut here = BTreeMap::new();
    if options.endpoint_of(&id).is_none() {
        let data_dir = data_dir.unwrap_or_else(|| data_dir::default_for(&path));
        let places = CodePlaces::new(&application.root, &data_dir);
        here = match &function.build {
            Some(method) => BTreeMap::from([(
                id.clone(),
                Some(
                    dev::built_by(method, function, terminal)
                        .await
                        .map_err(|error| UserError::bad_input_because(&error))?,
                ),
            )]),
            None => functions::find_code(std::iter::once(function), &places)?,
        };
    }
    let running = Running::start(Functions { here, elsewhere }, &application, None, &region, 1, clock);
    Ok(Prepared { running, id })
}

fn find<'a>(application: &'a Application, name: &str) -> Result<&'a Function, UserError> {
    let functions = &application.functions;
    let by_name = || functions.values().find(|function| function.name == name);
    functions.get(name).or_else(by_name).ok_or_else(|| {
        let ids = functions.keys().map(String::as_str);
        let list = functions.keys().cloned().collect::<Vec<_>>().join(", ");
        let help = match (suggest::nearest(name, ids), list.is_empty()) {
            (Some(nearest), _) => format!("did you mean `{nearest}`? The template's functions: {list}"),
            (None, false) => format!("the template's functions: {list}"),
            (None, true) => "it has none that can run".to_owned(),
        };
        UserError::bad_input(format!("the template has no function {name} that can run here")).help(help)
    })
}

/// The event in this file. A thread of its own reads, because a read of a terminal cannot be taken back.
async fn event_in(file: PathBuf) -> Result<Batch, UserError> {
    let (done, read) = oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits for it any more after a signal.
        done.send(read_event(&file)).unwrap_or_default();
    });
    read.await.unwrap_or_else(|_| Err(UserError::failed("the event could not be read")))
}

/// The event, as a batch whose body it is.
fn read_event(file: &Path) -> Result<Batch, UserError> {
    let (name, event) = if file == Path::new(STDIN) {
        let mut event = Vec::new();
        ("the standard input".to_owned(), io::stdin().read_to_end(&mut event).map(|_| event))
    } else {
        (file.display().to_string(), std::fs::read(file))
    };
    let event = event.map_err(|error| UserError::bad_input(format!("{name} cannot be read: {error}")))?;
    check_event(&event).map_err(|problem| UserError::bad_input(format!("{name} {problem}")))?;
    Ok(Batch::without_records(Envelope::new(event, "")))
}

fn check_event(event: &[u8]) -> Result<(), String> {
    if event.len() > EVENT_BYTES_MAX {
        return Err(format!("has {} bytes: an event has {EVENT_BYTES_MAX} at most", event.len()));
    }
    // The error ends with line and column.
    serde_json::from_slice::<IgnoredAny>(event).map(drop).map_err(|error| format!("is not JSON: {error}"))
}

/// Prints the answer, or says why there is none.
fn tell(reply: Reply) -> Result<(), UserError> {
    match reply.outcome {
        Outcome::Succeeded { payload } => {
            let mut answer = payload.to_vec();
            answer.push(b'\n');
            io::stdout()
                .write_all(&answer)
                .map_err(|error| UserError::failed(format!("the answer cannot be printed: {error}")))
        }
        Outcome::FunctionFailed { error_type, message } => {
            Err(UserError::failed(format!("the function failed: {error_type}: {message}")))
        }
        Outcome::Throttled => Err(UserError::failed(
            "the function is throttled: it has no free concurrency (ReservedConcurrentExecutions)",
        )),
        Outcome::NotInvoked { reason } => {
            Err(UserError::failed(format!("the function could not be invoked: {reason}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_json_and_of_a_size_that_aws_takes() {
        assert_eq!(check_event(b" {\"a\": [1]}\n"), Ok(()));
        let problem = check_event(b"{\n \"a\": }").unwrap_err();
        assert!(problem.starts_with("is not JSON: ") && problem.ends_with("line 2 column 7"), "{problem}");
        let large = format!("\"{}\"", "x".repeat(EVENT_BYTES_MAX));
        assert!(check_event(large.as_bytes()).unwrap_err().contains("6291456 at most"));
    }
}
