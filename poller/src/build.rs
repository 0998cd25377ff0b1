//! Builds functions with cargo, for `dev` and `demo`.
//!
//! In: a function whose `BuildMethod` is `rust-cargolambda`. Out: the executable that cargo made. A plain `cargo build`
//! makes one that works as well on the same machine as the one that cargo-lambda makes for AWS.

use crate::application::{BuildMethod, Function};
use crate::ports::Cause;
use serde::Deserialize;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

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

/// Builds a function and returns its executable. Cargo's own messages go to standard error.
///
/// Dropping the future stops cargo.
pub async fn build(function: &Function, method: &BuildMethod) -> Result<PathBuf, BuildError> {
    let BuildMethod::RustCargoLambda { binary } = method;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--message-format=json-render-diagnostics"]);
    if let Some(binary) = binary {
        cargo.args(["--bin", binary]);
    }
    cargo.current_dir(&function.code_uri).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let not_started = |source: std::io::Error| BuildError::CargoNotStarted {
        function: function.logical_id.clone(),
        folder: function.code_uri.clone(),
        source: source.into(),
    };
    let child = cargo.spawn().map_err(not_started)?;
    let output = child.wait_with_output().await.map_err(not_started)?;
    if !output.status.success() {
        return Err(BuildError::DoesNotCompile { function: function.logical_id.clone() });
    }
    executable(&output.stdout, binary.as_deref())
        .map_err(|binaries| BuildError::NoSuchBinary { function: function.logical_id.clone(), binaries })
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
