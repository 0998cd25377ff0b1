//! Builds functions with cargo, for `dev` and `demo`.
//!
//! In: a function whose `BuildMethod` is `rust-cargolambda`. Out: the executable that cargo made. A plain `cargo build`
//! makes one that works as well on the same machine as the one that cargo-lambda makes for AWS.

use crate::logging::{LogFormat, Terminal};
use crate::ports::Cause;
use pelton_model::{BuildMethod, Function};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{ChildStderr, Command};
use tracing::info;

/// Why there is no executable.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The code cannot be built from its folder.
    #[error("cargo cannot be started in {folder} to build {function}")]
    CargoNotStarted {
        /// The function.
        function: String,
        /// Its CodeUri.
        folder: PathBuf,
        /// What went wrong.
        source: Cause,
    },
    /// The code does not compile. Cargo has said why.
    #[error("{function} does not compile")]
    DoesNotCompile {
        /// The function.
        function: String,
    },
    /// Cargo made no binary of that name, or several and none is named.
    #[error("cargo made {} of {function}; Metadata.BuildProperties.Binary names the one to run", made(.binaries))]
    NoSuchBinary {
        /// The function.
        function: String,
        /// The binaries that cargo made.
        binaries: Vec<String>,
    },
}

fn made(binaries: &[String]) -> String {
    if binaries.is_empty() { "no binary".to_owned() } else { format!("the binaries {}", binaries.join(", ")) }
}

/// One line of `cargo build --message-format=json`, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds a function and returns its executable. Cargo's own messages go to standard error; where that is for programs,
/// as lines of the log.
///
/// Dropping the future ends cargo, and what cargo has started.
pub async fn build(
    function: &Function,
    method: &BuildMethod,
    terminal: &Terminal,
) -> Result<PathBuf, BuildError> {
    let BuildMethod::RustCargoLambda { binary } = method;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--message-format=json-render-diagnostics"]);
    if let Some(binary) = binary {
        cargo.args(["--bin", binary]);
    }
    let messages = match terminal.format() {
        LogFormat::Human => Stdio::inherit(),
        LogFormat::Json => Stdio::piped(),
    };
    cargo.current_dir(&function.code_uri).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(messages);
    // A group of its own, so that compilers and build scripts can be ended with it.
    cargo.process_group(0);
    let not_started = |source: std::io::Error| BuildError::CargoNotStarted {
        function: function.logical_id.clone(),
        folder: function.code_uri.clone(),
        source: source.into(),
    };
    let mut child = cargo.spawn().map_err(not_started)?;
    let group = BuildGroup { leader: child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) };
    let messages = child.stderr.take();
    let (output, ()) = tokio::join!(child.wait_with_output(), log_lines(messages, &function.name));
    group.ended();
    let output = output.map_err(not_started)?;
    if !output.status.success() {
        return Err(BuildError::DoesNotCompile { function: function.logical_id.clone() });
    }
    executable(&output.stdout, binary.as_deref())
        .map_err(|binaries| BuildError::NoSuchBinary { function: function.logical_id.clone(), binaries })
}

/// Logs what cargo says, until it ends.
async fn log_lines(messages: Option<ChildStderr>, function: &str) {
    let Some(messages) = messages else { return };
    let mut lines = BufReader::new(messages).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        info!(function, line, "cargo");
    }
}

/// Cargo and everything that it starts. Killed when dropped.
struct BuildGroup {
    leader: Option<Pid>,
}

impl BuildGroup {
    /// Cargo has ended by itself, and waits for whatever it starts.
    fn ended(mut self) {
        self.leader = None;
    }
}

impl Drop for BuildGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // Fails only if nobody of the group is left.
            let _was_alive = kill_process_group(leader, Signal::KILL).is_ok();
        }
    }
}

/// The executable of that name, or the only one; else the names of all.
fn executable(messages: &[u8], binary: Option<&str>) -> Result<PathBuf, Vec<String>> {
    let messages = messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let artifacts = messages.filter(|message: &Message| message.reason == "compiler-artifact");
    let mut made: Vec<(String, PathBuf)> =
        artifacts.filter_map(|artifact| Some((artifact.target?.name, artifact.executable?))).collect();
    if let Some(binary) = binary {
        made.retain(|(name, _)| name == binary);
    }
    match <[_; 1]>::try_from(made) {
        Ok([(_, executable)]) => Ok(executable),
        Err(made) => Err(made.into_iter().map(|(name, _)| name).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"ledger"},"executable":"/t/ledger"}
{"reason":"build-finished","success":true}"#;

    #[test]
    fn the_only_binary_is_the_one() {
        assert_eq!(executable(ONE.as_bytes(), None), Ok("/t/ledger".into()));
    }

    #[test]
    fn of_several_binaries_the_named_one_is_run_and_none_without_a_name() {
        let two = format!(
            "{ONE}\n{}",
            r#"{"reason":"compiler-artifact","target":{"name":"tool"},"executable":"/t/tool"}"#
        );
        assert_eq!(executable(two.as_bytes(), Some("tool")), Ok("/t/tool".into()));
        assert_eq!(executable(two.as_bytes(), None), Err(vec!["ledger".into(), "tool".into()]));
        assert_eq!(executable(two.as_bytes(), Some("other")), Err(vec![]));
    }
}
