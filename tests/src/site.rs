//! What a test runs `pelton` on: a folder with a template and a function, and a stream in a process of its own.

use crate::journal::Journal;
use crate::{Exit, Program, Running, binary, install_handler, kinesis, wait};
use aws_sdk_kinesis::Client;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Line of a poller that polls.
pub const POLLING: &str = "polling; Ctrl-C stops";

/// Line of a stream server that serves.
const SERVING: &str = "the streams are ready";

/// What a test may have in its environment, and a program under test must not: it has its own.
const NOT_INHERITED: [&str; 14] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_KINESIS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "RUST_LOG",
];

/// A template, and the code of its functions.
#[derive(Debug)]
pub struct Site {
    /// Where both are, and where `pelton` runs.
    pub folder: TempDir,
}

/// `pelton stream`, as a process with a folder of its own.
#[derive(Debug)]
pub struct StreamServer {
    /// The program.
    pub running: Running,
    /// Where it serves, such as `http://127.0.0.1:4567`.
    pub endpoint: String,
    /// A client of it.
    pub client: Client,
    _folder: TempDir,
}

/// `pelton` with these arguments, in an environment without credentials, endpoints or a home.
pub fn pelton<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Program {
    let program = NOT_INHERITED.iter().fold(Program::pelton(), |program, name| program.without_env(name));
    program
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", "/nonexistent")
        .env("NO_COLOR", "1")
        .args(arguments)
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

    /// Says what the function does from now on.
    pub fn behave(&self, behavior: &str) {
        self.write("function/behavior", behavior);
    }

    /// `pelton run` on a stream, with a port of its own, and in a hurry.
    pub fn run(&self, endpoint: &str) -> Program {
        let fixed = ["run", "--listen", "127.0.0.1:0", "--poll-interval", "0.05", "--endpoint-url", endpoint];
        pelton(fixed)
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

impl StreamServer {
    /// A server with these streams: `NAME:SHARDS`.
    pub async fn start(streams: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", streams).await
    }

    /// The same, listening on `address`.
    pub async fn start_at(address: &str, streams: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let arguments = ["stream", "--stream-listen", address, "--log-format", "json"];
        let streams = streams.iter().flat_map(|stream| ["--stream", stream]);
        let running = pelton(arguments).args(streams).start(&folder);
        let line: Value =
            serde_json::from_str(&running.wait_for_line(SERVING).await).expect("a line is JSON");
        let endpoint = line["endpoint"].as_str().expect("the line names the endpoint").to_owned();
        let client = kinesis::client(&endpoint);
        Self { running, endpoint, client, _folder: folder }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        self.endpoint.strip_prefix("http://").expect("the endpoint is a URL without TLS")
    }

    /// `pelton put` into one of its streams.
    pub fn put<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Program {
        pelton(["put", "--endpoint-url", &self.endpoint]).args(arguments)
    }

    /// Puts the numbers as records, in this order, with this key. Returns the shard that they came to stand in.
    pub async fn put_numbers(&self, key: &str, numbers: std::ops::Range<usize>) -> String {
        let records: Vec<_> =
            numbers.map(|number| (key.to_owned(), number.to_string().into_bytes())).collect();
        let places = kinesis::put_all(&self.client, "orders", &records).await;
        places.into_iter().next().expect("there are numbers").shard
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
