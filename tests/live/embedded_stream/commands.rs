//! `pelton put` and `pelton stream`, against each other.

use crate::adapter::world::{World, first_shard, read_all, stream as stream_of};
use aws_sdk_kinesis::primitives::Blob;
use clap::Parser;
use pelton::clock::Clock;
use pelton::commands::put::{self, PutArgs, PutError, PutSummary};
use pelton::commands::stream::{self, StreamArgs};
use pelton::logging::{LogFormat, Terminal};
use pelton::ports::{ReadFrom, Source, Stream as _};
use pelton::source::aws::{AwsOptions, KinesisClient};
use pelton_core::starting_position::ShardStart;
use std::io::Write;

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    put: PutArgs,
}

/// One that nobody watches.
fn terminal() -> Terminal {
    Terminal::stderr(LogFormat::Json)
}

async fn put(world: &World, words: &[&str]) -> Result<PutSummary, PutError> {
    let args = Program::parse_from(["put"].iter().chain(words)).put;
    put::put(args, &world.client, &terminal(), &world.clock, std::future::pending()).await
}

/// Key and data of everything in the first shard.
async fn stored(world: &World) -> Vec<(String, String)> {
    let sdk = world.client.sdk();
    let call = sdk.get_shard_iterator().stream_name("orders").shard_id(first_shard().as_str());
    let iterator = call.shard_iterator_type("TRIM_HORIZON".into()).send().await.unwrap().shard_iterator;
    let answer = sdk.get_records().set_shard_iterator(iterator).send().await.unwrap();
    let text = |data: &Blob| String::from_utf8(data.as_ref().to_vec()).unwrap();
    answer
        .records()
        .iter()
        .map(|record| (record.partition_key().unwrap().to_owned(), text(record.data())))
        .collect()
}

fn entry(key: &str, data: &str) -> (String, String) {
    (key.to_owned(), data.to_owned())
}

#[tokio::test]
async fn each_argument_is_the_data_of_one_record() {
    let world = World::embedded(1).await;
    let summary = put(&world, &["orders", "one", "{\"n\": 2}", "--key", "k"]).await.unwrap();
    assert_eq!((summary.records, summary.bytes), (2, 11));
    assert_eq!(stored(&world).await, [entry("k", "one"), entry("k", "{\"n\": 2}")]);
}

#[tokio::test]
async fn each_line_of_a_file_is_the_data_of_one_record_and_a_field_its_key() {
    let world = World::embedded(1).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{\"id\":\"a\"}\n{\"id\":\"b\"}\n").unwrap();
    let path = file.path().to_str().unwrap();
    put(&world, &["orders", "--file", path, "--key-field", "id"]).await.unwrap();
    assert_eq!(stored(&world).await, [entry("a", "{\"id\":\"a\"}"), entry("b", "{\"id\":\"b\"}")]);
}

#[tokio::test]
async fn a_bad_line_is_named_and_the_lines_before_it_are_put() {
    let world = World::embedded(1).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"1\noops\n3\n").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let error = put(&world, &["orders", "--file", &path]).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("line 2 of {path}: it is not JSON")), "{error}");
    assert_eq!((stored(&world).await.len(), error.exit_code()), (1, 1));
}

#[tokio::test]
async fn made_up_records_go_to_all_shards() {
    let world = World::embedded(4).await;
    let words = ["orders", "--generate", "--count", "5000", "--keys", "64", "--size", "200"];
    let summary = put(&world, &words).await.unwrap();
    assert_eq!((summary.records, summary.bytes, summary.is_interrupted), (5_000, 1_000_000, false));
    let mut records = 0;
    for shard in world.source().list_shards().await.unwrap() {
        let from = ReadFrom::Start(ShardStart::TrimHorizon);
        let mut reader = world.source().open(&shard.id, from).await.unwrap().reader;
        let (positions, _) = read_all(&mut *reader).await.unwrap();
        assert!(!positions.is_empty(), "{} is empty", shard.id);
        records += positions.len();
    }
    assert_eq!(records, 5_000);
}

#[tokio::test]
async fn told_to_stop_it_says_how_many_were_put() {
    let world = World::embedded(1).await;
    let args = Program::parse_from(["put", "orders", "--generate", "--rate", "100"]).put;
    let clock = world.clock.clone();
    let stop = async move { clock.sleep(std::time::Duration::from_millis(200)).await };
    let summary = put::put(args, &world.client, &terminal(), &world.clock, stop).await.unwrap();
    assert!(summary.is_interrupted);
    assert_eq!(stored(&world).await.len() as u64, summary.records);
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_answered_with_those_that_do() {
    let world = World::embedded(1).await;
    let error = put(&world, &["order", "one"]).await.unwrap_err();
    assert!(error.to_string().ends_with("; there is orders"), "{error}");
    assert_eq!(error.exit_code(), 2);
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_answered_with_what_to_do() {
    let world = World::embedded(1).await;
    let World { embedded, client, clock, .. } = world;
    embedded.unwrap().stop().await;
    let args = Program::parse_from(["put", "orders", "one"]).put;
    let error = put::put(args, &client, &terminal(), &clock, std::future::pending()).await.unwrap_err();
    assert!(error.to_string().contains("start `pelton stream`"), "{error}");
    assert_eq!(error.exit_code(), 2);
}

#[derive(Parser)]
struct StreamProgram {
    #[command(flatten)]
    stream: StreamArgs,
}

#[tokio::test]
async fn the_embedded_stream_serves_the_streams_of_its_arguments_and_of_the_template_until_told_to_stop() {
    let words = ["stream", "--stream-listen", "127.0.0.1:0", "--stream", "clicks:3"];
    let args = StreamProgram::parse_from(words).stream;
    let server =
        stream::start(&args, &[stream_of("orders", 2)], ("eu-west-1", "000000000000"), &Clock::start())
            .await
            .unwrap();
    let aws = AwsOptions { endpoint_url: Some(server.endpoint()), region: None };
    let client = KinesisClient::connect(&aws).await.unwrap();
    let names = client.sdk().list_streams().send().await.unwrap().stream_names;
    assert_eq!(names, ["clicks", "orders"]);
    let shards = client.sdk().list_shards().stream_name("clicks").send().await.unwrap();
    assert_eq!(shards.shards().len(), 3);
    let summary = client.sdk().describe_stream_summary().stream_name("clicks").send().await.unwrap();
    let arn = summary.stream_description_summary.unwrap().stream_arn;
    assert!(arn.contains(":eu-west-1:"), "{arn}");
    server.stop().await;
    assert!(client.sdk().list_streams().send().await.is_err());
}
