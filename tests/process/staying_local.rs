//! Nothing on this machine reaches out to AWS: neither with failed records nor for credentials.

use crate::dev::{client, dev_without_cargo};
use pelton_tests::site::{POLLING, Site, StreamServer, run_to_end, template, until};
use pelton_tests::{Program, Running, kinesis, pelton, wait};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:production";

fn to_a_queue() -> String {
    format!(
        "MaximumRetryAttempts: 0\n            DestinationConfig: {{OnFailure: {{Destination: '{QUEUE}'}}}}"
    )
}

/// The template with a stream of its own.
fn with_stream() -> String {
    template("", &to_a_queue())
        + "  Orders: {Type: AWS::Kinesis::Stream, Properties: {Name: orders, ShardCount: 1}}\n"
}

/// Somebody whom a search for credentials would ask.
pub(crate) struct Credentials {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// Written by the process that a profile names.
    asked: PathBuf,
    profile: PathBuf,
}

impl Credentials {
    pub(crate) async fn new(site: &Site) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        let asked = site.path().join("asked");
        let process = site.path().join("credentials.sh");
        let answer = r#"{"Version":1,"AccessKeyId":"AKIAREAL","SecretAccessKey":"secret"}"#;
        site.write("credentials.sh", &format!("echo asked >{}\necho '{answer}'\n", asked.display()));
        site.write(
            "config",
            &format!("[profile real]\nregion = us-east-1\ncredential_process = sh {}\n", process.display()),
        );
        Self { address, connections, asked, profile: site.path().join("config") }
    }

    /// The program where they would be found.
    pub(crate) fn around(&self, program: Program) -> Program {
        program
            .without_env("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{}", self.address))
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{}/credentials", self.address))
            .env("AWS_PROFILE", "real")
            .env("AWS_CONFIG_FILE", &self.profile)
    }

    #[track_caller]
    pub(crate) fn assert_not_asked(&self, running: &Running) {
        assert!(!self.asked.exists(), "the process of the profile ran:\n{}", running.printed());
        assert_eq!(self.connections.load(Ordering::SeqCst), 0, "{}", running.printed());
    }
}

/// What became of the record that the function fails with: a line of the file of the mapping.
async fn line_of_file(site: &Site) -> Value {
    let file = site.data_dir().join("failed/KeeperOrders.jsonl");
    wait::until("the failed record is in the file", async || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        text.ends_with('\n').then(|| serde_json::from_str(text.trim_end()).expect("a line is JSON"))
    })
    .await
}

async fn delivered(site: &Site) -> Value {
    let data_dir = site.data_dir();
    let exit = run_to_end(pelton(["status", "--json", "--data-dir"]).args([data_dir])).await;
    let status: Value = serde_json::from_str(&exit.printed.stdout().join("")).expect("the status is JSON");
    status["mappings"][0]["totals"]["delivered"].clone()
}

#[tokio::test]
async fn what_fails_in_dev_goes_to_a_file_and_nobody_is_asked_for_credentials() {
    let site = Site::new(&with_stream());
    site.behave("error");
    let credentials = Credentials::new(&site).await;
    let running = credentials.around(dev_without_cargo()).start(&site.folder);
    running.wait_for_line(POLLING).await;
    let said = running.wait_for_line("failed records go to a file").await;
    assert!(said.contains(QUEUE) && said.contains("failed/KeeperOrders.jsonl"), "{said}");
    kinesis::put(&client(&running).await, "orders", "a", b"1").await;
    let failure = line_of_file(&site).await;
    assert_eq!(failure["requestContext"]["condition"], "RetryAttemptsExhausted");
    let event: Value = serde_json::from_str(failure["payload"].as_str().unwrap()).unwrap();
    assert_eq!(event["Records"].as_array().map(Vec::len), Some(1));
    running.wait_for_line(r#""attempts":"#).await;
    assert_eq!(delivered(&site).await, 1);
    credentials.assert_not_asked(&running);
}

#[tokio::test]
async fn what_fails_in_a_run_on_the_embedded_stream_goes_to_a_file_whoever_names_that_endpoint() {
    for is_named_for_all in [false, true] {
        let site = Site::new(&template("", &to_a_queue()));
        site.behave("error");
        let credentials = Credentials::new(&site).await;
        let server = StreamServer::start(&["orders"]).await;
        server.put_numbers("a", 0..1).await;
        let program = match is_named_for_all {
            true => pelton(["run", "--listen", "127.0.0.1:0"]).env("AWS_ENDPOINT_URL", &server.endpoint),
            false => site.run(&server.endpoint),
        };
        let running = credentials.around(program).start(&site.folder);
        running.wait_for_line(POLLING).await;
        line_of_file(&site).await;
        credentials.assert_not_asked(&running);
    }
}

#[tokio::test]
async fn put_and_rewind_ask_nobody_for_credentials_of_the_embedded_stream() {
    let site = Site::new(&template("", ""));
    let credentials = Credentials::new(&site).await;
    let server = StreamServer::start(&["orders"]).await;
    let endpoint = ["--endpoint-url", &server.endpoint];
    let put = credentials.around(pelton(["put", "orders", "1"]).args(endpoint));
    let rewind = pelton(["rewind", "KeeperOrders", "--to", "latest"]).args(endpoint);
    // Without a region anywhere, the SDK would look for one on the network.
    site.write("config-without-region", "[profile real]\n");
    let without_region = credentials
        .around(pelton(["put", "orders", "2"]).args(endpoint))
        .without_env("AWS_REGION")
        .without_env("AWS_DEFAULT_REGION")
        .env("AWS_CONFIG_FILE", site.path().join("config-without-region"));
    for program in [put, credentials.around(rewind), without_region] {
        let mut running = program.start(&site.folder);
        running.wait_for_exit().await.assert_code(0);
        credentials.assert_not_asked(&running);
    }
}

/// The other side of it: what is asked for is done, so that the tests above can fail.
#[tokio::test]
async fn destinations_on_aws_are_a_choice() {
    let site = Site::new(&with_stream());
    let credentials = Credentials::new(&site).await;
    let program = dev_without_cargo()
        .args(["--destinations", "aws"])
        .env("AWS_ENDPOINT_URL_SQS", "http://10.255.255.1:9");
    let running = credentials.around(program).start(&site.folder);
    running.wait_for_line(POLLING).await;
    until(&running, "the profile is asked for credentials", || credentials.asked.exists()).await;
    assert!(running.printed().find("failed records go to a file").is_none(), "{}", running.printed());
}

#[tokio::test]
async fn an_endpoint_of_the_environment_takes_what_fails_in_dev() {
    let site = Site::new(&with_stream());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let running = dev_without_cargo().env("AWS_ENDPOINT_URL_SQS", &url).start(&site.folder);
    running.wait_for_line(POLLING).await;
    let asked = tokio::time::timeout(wait::PATIENCE, async {
        // The first may only be asked whether it is an embedded stream.
        for _ in 0..2 {
            listener.accept().await.expect("it is bound");
        }
    });
    asked.await.expect("the queue is looked at");
    assert!(running.printed().find("failed records go to a file").is_none(), "{}", running.printed());
}
