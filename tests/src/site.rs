//! What a test runs `pelton` on: a folder with a template and a function, and a stream in a process of its own.

use crate::journal::Journal;
use crate::{Exit, Program, Running, binary, install_handler, wait};
pub use crate::{StreamServer, pelton};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Line of a poller that polls.
pub const POLLING: &str = "polling; Ctrl-C stops";

/// Setting of a mapping: what it gives up goes to a file of the site.
pub const TO_A_FILE: &str = "DestinationConfig: {OnFailure: {Destination: 'file:failures.jsonl'}}";

/// A template, and the code of its functions.
#[derive(Debug)]
pub struct Site {
    /// Where both are, and where `pelton` runs.
    pub folder: TempDir,
}

/// Runs a program to its end in a folder of its own: what runs in the folder of another counts as part of that.
pub async fn run_to_end(program: Program) -> Exit {
    program.run(&tempfile::tempdir().expect("a temporary folder can be made")).await
}

/// A template with one function, `Keeper`, whose code is in the folder `function`, and with one mapping of the stream
/// `orders`: `KeeperOrders`.
pub fn template(function: &str, mapping: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Keeper:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      {function}
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/orders
            StartingPosition: TRIM_HORIZON
            {mapping}
"
    )
}

impl Site {
    /// A folder with this `template.yaml`, and in `function` the handler that keeps a journal and can misbehave.
    pub fn new(template: &str) -> Self {
        let site = Self::without_code(template);
        install_handler(&binary("misbehaving_handler"), &site.function());
        site
    }

    /// A folder with only this `template.yaml`.
    pub fn without_code(template: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().expect("a temporary folder can be made") };
        site.write("template.yaml", template);
        site
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where `pelton` keeps what it keeps.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.path().join(".pelton")
    }

    /// Folder of the function's code, where its handlers run.
    #[must_use]
    pub fn function(&self) -> PathBuf {
        self.path().join("function")
    }

    /// The journal of its function.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal::of(&self.function())
    }

    /// Writes a file of the folder, in one piece.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder is writable");
        let unfinished = path.with_added_extension("new");
        fs::write(&unfinished, content).expect("the folder is writable");
        fs::rename(unfinished, path).expect("the folder is writable");
    }

    /// What the file destination [`TO_A_FILE`] was handed, line by line.
    #[must_use]
    pub fn given_up(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path().join("failures.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    /// Says what the function does from now on.
    pub fn behave(&self, behavior: &str) {
        self.write("function/behavior", behavior);
    }

    /// `pelton run` on a stream, with a port of its own, and in a hurry.
    pub fn run(&self, endpoint: &str) -> Program {
        self.run_every("0.05", endpoint)
    }

    /// The same, reading an idle shard every so many seconds.
    pub fn run_every(&self, seconds: &str, endpoint: &str) -> Program {
        pelton(["run", "--listen", "127.0.0.1:0", "--poll-interval", seconds, "--endpoint-url", endpoint])
    }

    /// Starts `pelton run` and waits until it polls.
    pub async fn start(&self, endpoint: impl AsRef<str>) -> Running {
        self.start_with(endpoint, &[]).await
    }

    /// Starts `pelton run` with further arguments, and waits until it polls.
    pub async fn start_with(&self, endpoint: impl AsRef<str>, arguments: &[&str]) -> Running {
        let running = self.run(endpoint.as_ref()).args(arguments).start(&self.folder);
        running.wait_for_line(POLLING).await;
        running
    }
}

impl AsRef<str> for StreamServer {
    /// Its endpoint.
    fn as_ref(&self) -> &str {
        &self.endpoint
    }
}

/// Looks until it is true, with the output of `running` in the failure.
pub async fn until(running: &Running, what: &str, is_true: impl Fn() -> bool) {
    let came_true = wait::within(wait::PATIENCE, async || is_true().then_some(())).await;
    assert!(came_true.is_some(), "waited in vain: {what}\n{}", running.printed());
}

/// A start that was refused with all of `said`: nothing was started, and nothing is kept.
#[track_caller]
pub fn assert_refused(site: &Site, exit: &Exit, said: &[&str]) {
    exit.assert_code(2);
    for part in said {
        exit.assert_printed(part);
    }
    assert_eq!(exit.printed.stdout(), [""; 0], "problems stand on standard error");
    assert!(exit.printed.find(POLLING).is_none(), "{}", exit.printed);
    for file in ["checkpoints.db", "address"] {
        assert!(!site.data_dir().join(file).exists(), "{file} is kept:\n{}", exit.printed);
    }
    assert!(site.journal().began().is_empty(), "the function was invoked:\n{}", exit.printed);
}
