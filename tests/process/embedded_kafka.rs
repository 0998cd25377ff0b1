//! `pelton dev` runs a Kafka in its process for mappings whose cluster nobody runs, and `pelton put` finds it.

use crate::dev::dev_without_cargo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pelton_tests::site::{POLLING, Site, until};
use pelton_tests::{Exit, Program, Running, Signal, pelton};
use serde_json::Value;

const IN_THIS_PROCESS: &str = "it reads from a Kafka in this process";

/// A template with a mapping of the topic `clicks` of brokers that do not exist, and with others.
fn template(settings: &str, others: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Keeper:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Events:
        Clicks:
          Type: SelfManagedKafka
          Properties:
            KafkaBootstrapServers: [broker-1.example.com:9092]
            Topics: [clicks]
            SourceAccessConfigurations: [{{Type: BASIC_AUTH, URI: 'env:NOT_NEEDED'}}]
            {settings}
{others}"
    )
}

async fn dev(site: &Site) -> Running {
    let running = dev_without_cargo().start(&site.folder);
    running.wait_for_line(POLLING).await;
    running
}

/// Runs a program to its end in the site's folder. What is left of it ends with its value, and takes others of the folder with it.
async fn beside(site: &Site, program: Program) -> (Exit, Running) {
    let mut running = program.start(&site.folder);
    (running.wait_for_exit().await, running)
}

/// A record that the function was handed.
#[derive(Debug, PartialEq, Eq)]
struct Handed {
    partition: String,
    key: Value,
    value: String,
    headers: Value,
}

/// What the function was handed, or what it was done with.
fn handed(site: &Site, step: &str) -> Vec<Handed> {
    let text = std::fs::read_to_string(site.function().join("journal")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let events = lines.filter(|line| line["step"] == step).map(|line| line["event"]["records"].clone());
    let partitions = events.filter_map(|records| records.as_object().cloned()).flatten();
    let records = partitions.flat_map(|(partition, records)| {
        let records = records.as_array().cloned().unwrap_or_default();
        records.into_iter().map(move |record| (partition.clone(), record))
    });
    records
        .map(|(partition, record)| {
            let value = record["value"].as_str().expect("every record here has a value");
            let value = STANDARD.decode(value).expect("a value is base64");
            Handed {
                partition,
                key: record["key"].clone(),
                value: String::from_utf8(value).expect("what was put is text"),
                headers: record["headers"].clone(),
            }
        })
        .collect()
}

async fn interrupt(mut running: Running) {
    running.signal(Signal::INT);
    running.wait_for_exit().await.assert_code(0);
}

#[tokio::test]
async fn dev_runs_a_kafka_for_brokers_that_it_may_not_call_and_put_beside_it_finds_the_topic() {
    let site = Site::new(&template("StartingPosition: TRIM_HORIZON", ""));
    let running = dev(&site).await;
    running.wait_for_line(IN_THIS_PROCESS).await;
    let put = ["put", "clicks", "one", "--key", "anna", "--header", "trace=7"];
    let (exit, _put1) = beside(&site, pelton(put)).await;
    exit.assert_code(0).assert_printed("using the topic of the running `pelton dev`");
    until(&running, "the record is done with", || !handed(&site, "ended").is_empty()).await;
    let record = &handed(&site, "ended")[0];
    let headers = serde_json::json!([{"trace": [55]}]);
    assert_eq!((&record.key, &*record.value, &record.headers), (&Value::from("YW5uYQ=="), "one", &headers));

    let (exit, _put2) = beside(&site, pelton(["put", "clicks", "--generate", "--count", "1500"])).await;
    exit.assert_code(0).assert_printed("1,500 records");
    until(&running, "all records are done with", || handed(&site, "ended").len() == 1501).await;

    let (exit, _put3) = beside(&site, pelton(["put", "click", "one"])).await;
    exit.assert_code(2).assert_printed("the stream click does not exist");
    interrupt(running).await;
    assert!(!site.data_dir().join("stream").exists(), "a clean stop removes the file");
}

#[tokio::test]
async fn records_that_are_given_up_are_in_the_topic_that_the_mapping_names_each_with_its_key() {
    let settings = "StartingPosition: TRIM_HORIZON
            BatchSize: 2
            MaximumRetryAttempts: 0
            DestinationConfig: {OnFailure: {Type: Kafka, Destination: 'kafka://failed'}}";
    let of_failures = "        Failed:
          Type: SelfManagedKafka
          Properties:
            KafkaBootstrapServers: [broker-1.example.com:9092]
            Topics: [failed]
            StartingPosition: TRIM_HORIZON
            MaximumRetryAttempts: 0
            SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: 'env:NOT_NEEDED'}]
";
    let site = Site::new(&template(settings, of_failures));
    site.behave("error");
    let running = dev(&site).await;
    let (exit, _put) = beside(&site, pelton(["put", "clicks", "one", "two", "--key", "anna"])).await;
    exit.assert_code(0);
    let failures = || {
        let began = handed(&site, "began").into_iter();
        began.filter(|record| record.partition.starts_with("failed-")).collect::<Vec<_>>()
    };
    until(&running, "the failures are handed over", || failures().len() == 2).await;
    for (failure, value) in failures().iter().zip(["b25l", "dHdv"]) {
        assert_eq!(failure.key, "YW5uYQ==");
        let document: Value = serde_json::from_str(&failure.value).expect("a failure is JSON");
        assert_eq!(document["requestContext"]["condition"], "RetryAttemptsExhausted");
        assert_eq!(document["KafkaBatchInfo"]["batchSize"], 1);
        let records = document["payload"]["records"].as_object().expect("an event of Kafka");
        let records: Vec<_> = records.values().filter_map(Value::as_array).flatten().collect();
        assert_eq!((records.len(), &records[0]["value"]), (1, &Value::from(value)));
    }
    interrupt(running).await;
}

#[tokio::test]
async fn dev_refuses_a_start_at_a_moment_in_the_kafka_of_its_process() {
    let settings = "StartingPosition: AT_TIMESTAMP\n            StartingPositionTimestamp: 1767225600";
    let site = Site::new(&template(settings, ""));
    let (exit, _put4) = beside(&site, dev_without_cargo()).await;
    exit.assert_code(2).assert_printed("KeeperClicks starts AT_TIMESTAMP");
    exit.assert_printed("--bootstrap-servers KeeperClicks=HOST:PORT");
}

#[tokio::test]
async fn put_says_that_brokers_are_away_or_that_their_topic_is_missing() {
    let site = Site::new(&template("StartingPosition: TRIM_HORIZON", ""));
    let away = pelton(["put", "clicks", "one", "--bootstrap-servers", "127.0.0.1:1"]);
    let (exit, _put5) = beside(&site, away).await;
    exit.assert_code(2).assert_printed("no broker answers: 127.0.0.1:1");
    exit.assert_printed("Connection refused");

    let running = dev(&site).await;
    let text = std::fs::read_to_string(site.data_dir().join("stream")).expect("the stream is named");
    let notice: Value = serde_json::from_str(&text).expect("the file is JSON");
    let servers = notice["bootstrap_servers"].as_str().expect("the file names the Kafka");
    let (exit, _put6) = beside(&site, pelton(["put", "orders", "one", "--bootstrap-servers", servers])).await;
    exit.assert_code(2).assert_printed(&format!("there is no topic orders at {servers}"));
    let (exit, _put7) = beside(&site, pelton(["put", "clicks", "one", "--bootstrap-servers", servers])).await;
    exit.assert_code(0).assert_printed("put into clicks");
    interrupt(running).await;
}
