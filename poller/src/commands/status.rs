//! `pelton status`: mappings and shards, as the running poller sees them.
//!
//! In: the data folder of the poller. Out: a table, one mapping in detail, or the JSON of `GET /status` unchanged. Every failure, also
//! that no poller runs, is exit code 1, so that scripts can ask whether one does; only `--watch` waits for a poller.

use crate::clock::Clock;
use crate::control::{self, AskError, StatusSnapshot};
use crate::data_dir::announced_address;
use crate::errors::chain;
use crate::live_view::{LiveView, detail, render, short, wrap};
use crate::logging::Terminal;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::info;

/// What `pelton status` takes besides the options of all commands.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct StatusArguments {
    /// Print the poller's own answer, in JSON
    #[arg(long)]
    pub json: bool,
    /// Show it until Ctrl-C; wait for a poller that is not there yet, or is gone
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// Show this mapping in detail: its settings, its shards, and the batches that fail with their errors
    #[arg(long, value_name = "MAPPING", conflicts_with_all = ["json", "watch"])]
    pub mapping: Option<String>,
}

/// Why there is no status to show.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// Nobody runs on this data folder.
    #[error("no poller runs on {data_dir}: start one with `pelton run` or `pelton dev`, or name the folder of another with --data-dir",
        data_dir = .data_dir.display())]
    NoPoller {
        /// The folder.
        data_dir: PathBuf,
    },
    /// The folder does not say where its poller listens.
    #[error("{file} cannot be read, and should hold the address of the poller", file = .data_dir.join("address").display())]
    NoAddress {
        /// The folder.
        data_dir: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Somebody else has the poller's address by now, or it hangs.
    #[error("the poller that {data_dir} names does not answer: if its process is gone, remove {data_dir}/address",
        data_dir = .data_dir.display())]
    NotAnswered {
        /// The folder.
        data_dir: PathBuf,
        /// What was said.
        source: AskError,
    },
    /// The answer is that of another version of Pelton, or of another program.
    #[error(
        "the answer of {address} is not understood: is it a pelton of another version? --json prints it as it is"
    )]
    NotUnderstood {
        /// Who answered.
        address: SocketAddr,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The poller does not run that mapping.
    #[error("the poller runs no mapping {mapping}: it runs {mappings}", mappings = .mappings.join(", "))]
    NoSuchMapping {
        /// What was asked for.
        mapping: String,
        /// What there is.
        mappings: Vec<String>,
    },
    /// The result cannot be printed.
    #[error("the result cannot be printed")]
    NotPrinted {
        /// What went wrong.
        #[from]
        source: io::Error,
    },
}

/// Characters of a line, as in the usual terminal.
const COLUMNS: usize = 80;

/// Indent of what does not fit into a line.
const CONTINUED: usize = 6;

/// From one look for a poller to the next.
const WAIT_FOR_POLLER: Duration = Duration::from_millis(500);

/// Prints what the poller on `data_dir` does to `out`; with `--watch`, shows it on the terminal until a signal comes.
///
/// # Errors
///
/// [`StatusError`].
pub async fn run(
    arguments: &StatusArguments,
    data_dir: &Path,
    terminal: &Terminal,
    clock: &Clock,
    stop: impl Future<Output = &'static str>,
    out: &mut (dyn Write + Send),
) -> Result<(), StatusError> {
    tokio::select! {
        shown = show(arguments, data_dir, terminal, clock, out) => shown,
        _signal = stop => Ok(()),
    }
}

async fn show(
    arguments: &StatusArguments,
    data_dir: &Path,
    terminal: &Terminal,
    clock: &Clock,
    out: &mut (dyn Write + Send),
) -> Result<(), StatusError> {
    if arguments.watch {
        return watch(data_dir, terminal, clock).await;
    }
    let (address, answer) = ask(data_dir, clock).await?;
    if arguments.json {
        out.write_all(&answer)?;
        writeln!(out)?;
    } else {
        let snapshot = understand(address, &answer)?;
        let text = match &arguments.mapping {
            Some(mapping) => of_mapping(&snapshot, mapping)?,
            None => table(&snapshot),
        };
        out.write_all(text.as_bytes())?;
    }
    Ok(out.flush()?)
}

/// The data folder says anew each time where its poller listens: one that was restarted may listen elsewhere.
async fn watch(data_dir: &Path, terminal: &Terminal, clock: &Clock) -> Result<(), StatusError> {
    let mut view = LiveView::new(terminal.clone());
    let (mut is_waiting, mut shown) = (false, None);
    loop {
        match ask(data_dir, clock).await {
            Ok((address, answer)) => {
                let snapshot: StatusSnapshot = understand(address, &answer)?;
                // A restart may be over before anybody looks again.
                let is_another = shown.replace(snapshot.pid).is_some_and(|pid| pid != snapshot.pid);
                if is_another {
                    view.forget_rates();
                }
                if std::mem::take(&mut is_waiting) || is_another {
                    info!(pid = snapshot.pid, version = snapshot.version, "the poller runs");
                }
                view.show(&snapshot);
                clock.sleep(view.interval()).await;
            }
            Err(error @ StatusError::NotUnderstood { .. }) => return Err(error),
            Err(error) => {
                if !std::mem::replace(&mut is_waiting, true) {
                    info!(reason = chain(&error), "waiting for a poller");
                }
                view.wait(&format!("waiting for a poller on {}", data_dir.display()));
                clock.sleep(WAIT_FOR_POLLER).await;
            }
        }
    }
}

async fn ask(data_dir: &Path, clock: &Clock) -> Result<(SocketAddr, Bytes), StatusError> {
    ask_for("/status", data_dir, clock).await
}

/// The poller on `data_dir`, and what it answers to `GET path`.
pub(super) async fn ask_for(
    path: &str,
    data_dir: &Path,
    clock: &Clock,
) -> Result<(SocketAddr, Bytes), StatusError> {
    let data_dir = data_dir.to_owned();
    let address = match announced_address(&data_dir) {
        Ok(Some(address)) => address,
        Ok(None) => return Err(StatusError::NoPoller { data_dir }),
        Err(source) => return Err(StatusError::NoAddress { data_dir, source }),
    };
    match control::ask(address, path, clock).await {
        Ok(answer) => Ok((address, answer)),
        Err(AskError::NobodyListens { .. }) => Err(StatusError::NoPoller { data_dir }),
        Err(source @ AskError::NotAnswered { .. }) => Err(StatusError::NotAnswered { data_dir, source }),
    }
}

pub(super) fn understand<T: DeserializeOwned>(address: SocketAddr, answer: &[u8]) -> Result<T, StatusError> {
    serde_json::from_slice(answer).map_err(|source| StatusError::NotUnderstood { address, source })
}

fn table(snapshot: &StatusSnapshot) -> String {
    let StatusSnapshot { version, pid, started_at, taken_at, .. } = snapshot;
    let mut text = format!("pelton {version}, process {pid}, up {}\n", short(taken_at.since(*started_at)));
    for line in render(snapshot, None, usize::MAX) {
        text += &in_lines(&line.text);
    }
    text
}

fn of_mapping(snapshot: &StatusSnapshot, id: &str) -> Result<String, StatusError> {
    let Some(mapping) = snapshot.mappings.iter().find(|mapping| mapping.id == id) else {
        let mappings = snapshot.mappings.iter().map(|mapping| mapping.id.clone()).collect();
        return Err(StatusError::NoSuchMapping { mapping: id.to_owned(), mappings });
    };
    Ok(detail(mapping, snapshot.taken_at, COLUMNS).iter().map(|line| format!("{line}\n")).collect())
}

/// The line, and where it is too long, what follows of it below.
fn in_lines(line: &str) -> String {
    if line.chars().count() <= COLUMNS {
        return format!("{line}\n");
    }
    let mut lines = wrap(line, COLUMNS, 0).into_iter();
    let first = lines.next().unwrap_or_default();
    let rest = line.chars().skip(first.chars().count()).collect::<String>();
    let rest = wrap(rest.trim_start(), COLUMNS, CONTINUED);
    std::iter::once(first).chain(rest).map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::{MappingState, MappingStatus, ReadAhead};
    use crate::control::{ControlServer, StuckBatch, Views};
    use crate::data_dir::DataDir;
    use crate::logging::LogFormat;
    use pelton_core::{Counts, Timestamp};
    use pelton_model::MappingConfiguration;
    use std::sync::Arc;
    use tempfile::TempDir;

    struct OneMapping;

    impl Views for OneMapping {
        fn stuck(&self, _mapping: &str) -> Option<Vec<StuckBatch>> {
            None
        }

        fn snapshot(&self) -> StatusSnapshot {
            StatusSnapshot {
                pid: 4242,
                version: "0.1.0".into(),
                started_at: Timestamp::from_millis(1_000),
                taken_at: Timestamp::from_millis(131_000),
                read_ahead: ReadAhead::default(),
                functions: vec![],
                mappings: vec![MappingStatus {
                    id: "OrderLedgerOrders".into(),
                    function: "order-ledger".into(),
                    stream: "arn:aws:kinesis:us-east-1:000000000000:stream/orders".into(),
                    state: MappingState::Polling,
                    starting_position: "LATEST".into(),
                    settings: MappingConfiguration::default(),
                    failed_records_to: None,
                    positions_trimmed: 0,
                    totals: Counts::default(),
                    group: None,
                    shards: vec![],
                }],
            }
        }
    }

    async fn status(folder: &TempDir, arguments: StatusArguments) -> Result<String, StatusError> {
        let mut out = Vec::new();
        let (terminal, clock) = (Terminal::stderr(LogFormat::Json), Clock::start());
        run(&arguments, folder.path(), &terminal, &clock, std::future::pending(), &mut out).await?;
        Ok(String::from_utf8(out).unwrap())
    }

    async fn poller(folder: &TempDir) -> DataDir {
        let data_dir = DataDir::take(folder.path()).unwrap();
        let server = ControlServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        data_dir.announce_address(server.address()).unwrap();
        tokio::spawn(server.serve(Arc::new(OneMapping), std::future::pending()));
        data_dir
    }

    #[tokio::test]
    async fn the_running_poller_is_found_by_its_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let _poller = poller(&folder).await;
        let expected = "pelton 0.1.0, process 4242, up 2m10s\n\
                        OrderLedgerOrders  orders → order-ledger  from LATEST  0 settled  polling\n";
        assert_eq!(status(&folder, StatusArguments::default()).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn json_is_the_poller_s_own_answer() {
        let folder = tempfile::tempdir().unwrap();
        let _poller = poller(&folder).await;
        let printed =
            status(&folder, StatusArguments { json: true, ..StatusArguments::default() }).await.unwrap();
        assert_eq!(printed, format!("{}\n", serde_json::to_string(&OneMapping.snapshot()).unwrap()));
    }

    #[tokio::test]
    async fn without_a_poller_it_says_how_to_start_one() {
        let folder = tempfile::tempdir().unwrap();
        let expected = format!(
            "no poller runs on {}: start one with `pelton run` or `pelton dev`, \
             or name the folder of another with --data-dir",
            folder.path().display()
        );
        let error = status(&folder, StatusArguments::default()).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        // One that was killed left its address behind, where nobody listens any more.
        let gone = ControlServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap().address();
        std::fs::write(folder.path().join("address"), gone.to_string()).unwrap();
        let error = status(&folder, StatusArguments::default()).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[tokio::test]
    async fn a_mapping_that_the_poller_does_not_run_is_refused_with_those_that_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let _poller = poller(&folder).await;
        let of = |mapping: &str| StatusArguments {
            mapping: Some(mapping.to_owned()),
            ..StatusArguments::default()
        };
        let error = status(&folder, of("Orders")).await.unwrap_err();
        assert_eq!(error.to_string(), "the poller runs no mapping Orders: it runs OrderLedgerOrders");
        let detail = status(&folder, of("OrderLedgerOrders")).await.unwrap();
        assert!(detail.starts_with("mapping           OrderLedgerOrders\n"), "{detail}");
    }

    #[test]
    fn lines_that_are_too_long_go_on_below() {
        let long = format!("  a heading{} polling", " word".repeat(30));
        let lines = in_lines(&long);
        assert!(lines.lines().all(|line| line.chars().count() <= COLUMNS), "{lines}");
        let words: Vec<&str> = lines.split_whitespace().collect();
        assert_eq!(words, long.split_whitespace().collect::<Vec<_>>(), "nothing is lost");
        assert_eq!(in_lines("short"), "short\n");
    }
}
