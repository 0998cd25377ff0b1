//! A stream of its own on LocalStack for each test, and `pelton run` on it.

use aws_sdk_kinesis::Client;
use pelton_tests::journal::{Batch, Journal, data_by_key};
use pelton_tests::producer::{Producer, Put};
use pelton_tests::site::{POLLING, Site};
use pelton_tests::{Program, Running, Signal, binary, install_handler, kinesis, localstack, wait};
use std::time::Duration;

/// Keys of the records of a producer, several in each shard.
const KEYS: usize = 8;

/// Between two puts of a producer: LocalStack takes some hundred records a second, of all tests together.
const PUT_PAUSE: Duration = Duration::from_millis(60);

/// A stream.
pub(super) struct World {
    pub(super) endpoint: String,
    pub(super) client: Client,
    pub(super) stream: String,
}

/// An event source mapping of the stream, `<function>Records`, and its function.
pub(super) struct Mapping<'a> {
    pub(super) function: &'a str,
    /// Value of `StartingPosition`, and what else follows: lines of `Key: value`.
    pub(super) starting_position: &'a str,
    pub(super) batch_size: usize,
}

/// One that begins with the oldest record.
pub(super) const FROM_THE_OLDEST: Mapping<'_> =
    Mapping { function: "function", starting_position: "TRIM_HORIZON", batch_size: 10 };

impl World {
    /// A stream that is ready, with so many shards.
    pub(super) async fn with_shards(shard_count: i32) -> Self {
        let world = Self::without_stream().await;
        kinesis::create_stream(&world.client, &world.stream, shard_count).await;
        world
    }

    /// The name of a stream that does not exist yet.
    pub(super) async fn without_stream() -> Self {
        let endpoint = localstack::endpoint().await;
        let stream = format!("pelton-{}", uuid::Uuid::new_v4());
        Self { client: kinesis::client(&endpoint), endpoint, stream }
    }

    /// A folder with a template of these mappings, and a handler for each function that keeps a journal.
    pub(super) fn site(&self, mappings: &[Mapping<'_>]) -> Site {
        let functions: String = mappings.iter().map(|mapping| self.function(mapping)).collect();
        let site =
            Site::without_code(&format!("Transform: AWS::Serverless-2016-10-31\nResources:\n{functions}"));
        for mapping in mappings {
            install_handler(&binary("misbehaving_handler"), &site.path().join(mapping.function));
        }
        site
    }

    fn function(&self, mapping: &Mapping<'_>) -> String {
        let Mapping { function, starting_position, batch_size } = mapping;
        let stream = &self.stream;
        format!(
            "  {function}:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      Timeout: 60
      CodeUri: {function}
      Events:
        Records:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/{stream}
            BatchSize: {batch_size}
            StartingPosition: {starting_position}
"
        )
    }

    /// `pelton run`, as its users run it on LocalStack.
    pub(super) fn run(&self, site: &Site) -> Program {
        self.run_at(&self.endpoint, site)
    }

    /// The same, at an endpoint that stands before LocalStack.
    pub(super) fn run_at(&self, endpoint: &str, site: &Site) -> Program {
        let program = site.run(endpoint);
        program
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
    }

    /// Starts `pelton run` and waits until it polls.
    pub(super) async fn start(&self, site: &Site) -> Running {
        self.start_at(&self.endpoint, site).await
    }

    /// The same, at an endpoint that stands before LocalStack.
    pub(super) async fn start_at(&self, endpoint: &str, site: &Site) -> Running {
        let running = self.run_at(endpoint, site).start(&site.folder);
        running.wait_for_line(POLLING).await;
        running
    }

    /// Puts keyed, numbered records until told to stop.
    pub(super) fn produce(&self) -> Producer {
        Producer::start(self.client.clone(), &self.stream, KEYS, PUT_PAUSE)
    }

    /// Puts the numbers as records, in this order, each once with each of these keys.
    pub(super) async fn put_numbers(&self, keys: &[&str], numbers: std::ops::Range<usize>) {
        let records: Vec<_> = numbers
            .flat_map(|number| {
                keys.iter().map(move |key| ((*key).to_owned(), number.to_string().into_bytes()))
            })
            .collect();
        kinesis::put_all(&self.client, &self.stream, &records).await;
    }

    /// Deletes the stream and waits until it is gone.
    pub(super) async fn delete_stream(&self) {
        kinesis::delete_stream(&self.client, &self.stream).await;
    }
}

/// Stops a poller politely: it ends well, abandons nothing in flight, and leaves nothing.
pub(super) async fn stop(running: &mut Running, signal: Signal) {
    running.signal(signal);
    let exit = running.wait_for_exit().await;
    exit.assert_code(0).assert_printed("stopped: ");
    assert!(exit.printed.find("stopped: batches that were in flight").is_none(), "{}", exit.printed);
    running.assert_no_survivors().await;
}

/// Waits until as many records as this were done with.
pub(super) async fn until_ended(running: &Running, journal: &Journal, records: usize) {
    let all = wait::within(wait::PATIENCE, async || (journal.records_ended() >= records).then_some(())).await;
    let ended = journal.records_ended();
    assert!(all.is_some(), "{ended} of {records} records were done with\n{}", running.printed());
}

/// Each record was done with once, and those of each key in order.
#[track_caller]
pub(super) fn assert_each_once_in_order(ended: &[Batch], put: &Put) {
    let ended = data_by_key(ended);
    for (key, records) in &put.keys {
        assert_eq!(ended.get(key.as_str()).map_or(&[][..], Vec::as_slice), records, "{key}");
    }
    assert_eq!(ended.len(), put.keys.len(), "records that nobody put: {:?}", ended.keys());
}

/// The same for records that are numbers.
#[track_caller]
pub(super) fn assert_numbers(ended: &[Batch], keys: &[&str], numbers: std::ops::Range<usize>) {
    let ended = data_by_key(ended);
    let expected: Vec<String> = numbers.map(|number| number.to_string()).collect();
    for key in keys {
        assert_eq!(ended.get(key).map_or(&[][..], Vec::as_slice), expected, "{key}");
    }
    assert_eq!(ended.len(), keys.len(), "records that nobody put: {:?}", ended.keys());
}
