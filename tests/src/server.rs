//! `pelton` as a process: alone in its environment, and as the stream server that others read from.

use crate::kinesis::{self, Place};
use crate::{Program, Running};
use aws_sdk_kinesis::Client;
use serde_json::Value;
use std::ffi::OsStr;
use tempfile::TempDir;

/// Line of a stream server that serves.
const SERVING: &str = "the streams are ready";

/// What a test may have in its environment, and a program under test must not: it has its own.
const NOT_INHERITED: [&str; 19] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_DYNAMODB_STREAMS",
    "AWS_ENDPOINT_URL_KINESIS",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "RUST_LOG",
];

/// `pelton stream`, as a process with a folder of its own.
#[derive(Debug)]
pub struct StreamServer {
    /// The process.
    pub running: Running,
    /// The URL that clients use.
    pub endpoint: String,
    /// A client of it.
    pub client: Client,
    _folder: TempDir,
}

/// `pelton` with these arguments, in an environment without credentials, endpoints or a home.
#[must_use]
pub fn pelton<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Program {
    let program = NOT_INHERITED.iter().fold(Program::pelton(), |program, name| program.without_env(name));
    program
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", "/nonexistent")
        .env("NO_COLOR", "1")
        .args(arguments)
}

impl StreamServer {
    /// A server with these streams: `NAME:SHARDS`.
    ///
    /// # Panics
    /// If it does not serve in time.
    pub async fn start(streams: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", streams).await
    }

    /// The same, listening on `address`.
    ///
    /// # Panics
    /// If it does not serve in time.
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

    /// Where it listens: `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.endpoint.strip_prefix("http://").expect("the endpoint is a URL without TLS")
    }

    /// `pelton put` into one of its streams.
    #[must_use]
    pub fn put<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Program {
        pelton(["put", "--endpoint-url", &self.endpoint]).args(arguments)
    }

    /// Puts texts into the stream `orders` as records, in this order, with this key.
    ///
    /// # Panics
    /// If the server refuses.
    pub async fn put_texts(&self, key: &str, texts: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<Place> {
        let record = |text: &str| (key.to_owned(), text.as_bytes().to_vec());
        let records: Vec<_> = texts.into_iter().map(|text| record(text.as_ref())).collect();
        kinesis::put_all(&self.client, "orders", &records).await
    }

    /// Puts the numbers into the stream `orders` as records, in this order, with this key. Returns the shard that they came to
    /// stand in.
    ///
    /// # Panics
    /// If the server refuses, or there are no numbers.
    pub async fn put_numbers(&self, key: &str, numbers: std::ops::Range<usize>) -> String {
        let places = self.put_texts(key, numbers.map(|number| number.to_string())).await;
        places.into_iter().next().expect("there are numbers").shard
    }
}
