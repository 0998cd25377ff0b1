//! Where the streams of tables are read from, and what is not asked for them: AWS, and credentials of Kinesis.

use crate::staying_local::Credentials;
use crate::tables::{handed_over, put, site, visits};
use pelton_tests::dynamodb_streams::{DynamoDbStreams, Script, ViewType};
use pelton_tests::site::{POLLING, Site, StreamServer, assert_refused, pelton, until};
use pelton_tests::{Program, Signal};

const FROM_THE_BEGINNING: &str = "StartingPosition: TRIM_HORIZON";

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

/// A fake with a change, and a mapping that reads it.
async fn world(settings: &str) -> (DynamoDbStreams, Site) {
    let fake = DynamoDbStreams::start(Script::default()).await;
    let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    put(&fake, 1, 1);
    let site = site(&arn, &format!("{FROM_THE_BEGINNING}\n            {settings}"));
    (fake, site)
}

fn run() -> Program {
    pelton(["run", "--listen", "127.0.0.1:0", "--poll-interval", "0.05"])
}

async fn reads(site: &Site, program: Program) {
    let mut running = program.start(&site.folder);
    until(&running, "the change is handed over", || {
        handed_over(site).iter().any(|record| visits(record) == 1)
    })
    .await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
}

#[tokio::test]
async fn the_endpoint_of_streams_goes_before_that_of_tables_and_both_before_that_of_all_services() {
    const ALL: &str = "AWS_ENDPOINT_URL";
    const TABLES: &str = "AWS_ENDPOINT_URL_DYNAMODB";
    const STREAMS: &str = "AWS_ENDPOINT_URL_DYNAMODB_STREAMS";
    let fake = DynamoDbStreams::start(Script::default()).await;
    let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    put(&fake, 1, 1);
    let here = fake.endpoint();
    let table: [&[(&str, &str)]; 6] = [
        &[(ALL, &here)],
        &[(TABLES, &here)],
        &[(STREAMS, &here)],
        &[(ALL, NOBODY), (TABLES, &here)],
        &[(ALL, NOBODY), (TABLES, NOBODY), (STREAMS, &here)],
        // Named for itself, though it is the one for all.
        &[(ALL, &here), (TABLES, NOBODY), (STREAMS, &here)],
    ];
    for variables in table {
        let site = site(&arn, FROM_THE_BEGINNING);
        let program = variables.iter().fold(run(), |program, (name, value)| program.env(name, value));
        reads(&site, program).await;
    }
    let site = site(&arn, FROM_THE_BEGINNING);
    let program = run().args(["--endpoint-url", NOBODY]).env(STREAMS, &here);
    assert_refused(&site, &program.run(&site.folder).await, &["ProfileUsers cannot read its stream", NOBODY]);
}

#[tokio::test]
async fn a_mapping_of_a_table_needs_no_credentials_of_kinesis_and_no_region() {
    let (fake, site) = world("").await;
    let credentials = Credentials::new(&site).await;
    let program = credentials.around(run()).env("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", fake.endpoint());
    let mut running = program.without_env("AWS_PROFILE").without_env("AWS_CONFIG_FILE").start(&site.folder);
    running.wait_for_line(POLLING).await;
    credentials.assert_not_asked(&running);
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
}

#[tokio::test]
async fn what_is_given_up_of_a_local_table_goes_to_a_file_and_not_to_aws() {
    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:production";
    let settings = format!(
        "MaximumRetryAttempts: 0\n            DestinationConfig: {{OnFailure: {{Destination: '{QUEUE}'}}}}"
    );
    let (fake, site) = world(&settings).await;
    put(&fake, 1, 13);
    let program = run().env("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", fake.endpoint());
    let running = program.start(&site.folder);
    let file = site.data_dir().join("failed/ProfileUsers.jsonl");
    let is_there = || std::fs::read_to_string(&file).is_ok_and(|text| text.contains("DDBStreamBatchInfo"));
    until(&running, "the failed change is in a file", is_there).await;
}

#[tokio::test]
async fn beside_an_embedded_stream_a_table_is_read_where_its_own_endpoint_is_and_else_refused() {
    let (fake, site) = world("").await;
    let server = StreamServer::start(&["orders"]).await;
    let beside = || run().args(["--endpoint-url", &server.endpoint]);
    let exit = beside().run(&site.folder).await;
    assert_refused(&site, &exit, &["no endpoint for it is named", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"]);
    reads(&site, beside().env("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", fake.endpoint())).await;
}
