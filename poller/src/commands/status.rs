//! `pelton status`: mappings and shards, as the running poller sees them.
//!
//! In: the data folder of the poller. Out: a table, or the JSON of `GET /status` unchanged. Every failure, also that no
//! poller runs, is exit code 1, so that scripts can ask whether one does.

use crate::clock::Clock;
use crate::control::{self, AskError, StatusSnapshot};
use crate::data_dir::announced_address;
use crate::live_view::{LiveView, render, short};
use crate::logging::{Palette, Terminal};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What `pelton status` takes besides the options of all commands.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct StatusArguments {
    /// Print the poller's own answer, in JSON
    #[arg(long)]
    pub json: bool,
    /// Show it until Ctrl-C, or until the poller ends
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
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
    /// The result cannot be printed.
    #[error("the result cannot be printed")]
    NotPrinted {
        /// What went wrong.
        #[from]
        source: io::Error,
    },
}

/// Prints what the poller on `data_dir` does to `out`; with `--watch`, shows it on the terminal until the poller ends.
///
/// # Errors
///
/// [`StatusError`].
pub async fn run(
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
        out.write_all(table(&understand(address, &answer)?).as_bytes())?;
    }
    Ok(out.flush()?)
}

async fn watch(data_dir: &Path, terminal: &Terminal, clock: &Clock) -> Result<(), StatusError> {
    let mut view = LiveView::new(terminal.clone());
    loop {
        let (address, answer) = ask(data_dir, clock).await?;
        view.show(&understand(address, &answer)?);
        clock.sleep(view.interval()).await;
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
        text += &line.painted(Palette::Plain, usize::MAX);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::{MappingState, MappingStatus, ReadAhead, ShardCounts};
    use crate::control::{ControlServer, StuckBatch, Views};
    use crate::data_dir::DataDir;
    use crate::logging::LogFormat;
    use crate::mapping_settings::MappingSettings;
    use pelton_core::Timestamp;
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
                    settings: MappingSettings::default(),
                    positions_trimmed: 0,
                    totals: ShardCounts::default(),
                    shards: vec![],
                }],
            }
        }
    }

    async fn status(folder: &TempDir, arguments: StatusArguments) -> Result<String, StatusError> {
        let mut out = Vec::new();
        let (terminal, clock) = (Terminal::stderr(LogFormat::Json), Clock::start());
        run(&arguments, folder.path(), &terminal, &clock, &mut out).await?;
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
        let printed = status(&folder, StatusArguments { json: true, watch: false }).await.unwrap();
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
        for watch in [false, true] {
            let error = status(&folder, StatusArguments { json: false, watch }).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
