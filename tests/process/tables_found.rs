//! Mappings of tables of the template, whose streams are found at the start, and tables that `dev` creates.

use crate::dev::dev_without_cargo;
use crate::tables::{events, handed_over, put, site, site_with, visits};
use pelton::clock::Clock;
use pelton_tests::dynamodb_streams::{DynamoDbStreams, Script, ViewType};
use pelton_tests::site::{POLLING, Site, assert_refused, pelton, run_to_end, until};
use pelton_tests::{Exit, Program, Running, Signal, wait};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const FROM_THE_BEGINNING: &str = "StartingPosition: TRIM_HORIZON";

/// A table of the template, as it is created on AWS.
const TABLE: &str = "  Users:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: users
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}";

/// A mapping of the stream of the table.
fn of_table() -> Site {
    site_with("!GetAtt Users.StreamArn", FROM_THE_BEGINNING, TABLE)
}

/// `pelton dev` beside this fake.
fn dev(fake: &DynamoDbStreams) -> Program {
    let ports = ["--listen", "127.0.0.1:0", "--stream-listen", "127.0.0.1:0"];
    pelton(["dev", "--poll-interval", "0.05"]).args(ports).env("AWS_ENDPOINT_URL_DYNAMODB", fake.endpoint())
}

async fn ends(mut running: Running) {
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
}

async fn until_handed_over(running: &Running, site: &Site, last: usize) {
    let is_there = || handed_over(site).iter().any(|record| visits(record) == last);
    until(running, "the change is handed over", is_there).await;
}

/// In a folder of its own: what runs in that of the poller would be taken for its own.
async fn status(site: &Site) -> Value {
    let arguments = ["status", "--json", "--data-dir"].map(Path::new);
    let exit = run_to_end(pelton(arguments).args([site.data_dir()])).await;
    serde_json::from_str(&exit.assert_code(0).printed.stdout().concat()).expect("the status is JSON")
}

#[tokio::test]
async fn the_stream_that_is_enabled_is_found_by_the_name_of_its_table() {
    let fake = DynamoDbStreams::start(Script::default().region("eu-west-3")).await;
    let old = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    let _other = fake.create_table("users-of-another", &["id"], ViewType::KeysOnly);
    put(&fake, 1, 1);
    fake.disable_stream("users");
    let new = fake.enable_stream("users");
    put(&fake, 1, 2);
    let site = of_table();
    let running = site.start(fake.endpoint()).await;
    until_handed_over(&running, &site, 2).await;
    let records = handed_over(&site);
    assert_eq!(records.iter().map(visits).collect::<Vec<_>>(), [2]);
    assert_eq!((&records[0]["eventSourceARN"], &records[0]["awsRegion"]), (&json!(new), &json!("eu-west-3")));
    let status = status(&site).await.to_string();
    assert!(status.contains(&new) && !status.contains(&old), "{status}");
    ends(running).await;
}

#[tokio::test]
async fn a_table_that_is_not_there_ends_the_start_and_is_named() {
    let fake = DynamoDbStreams::start(Script::default()).await;
    let _other = fake.create_table("other", &["id"], ViewType::NewAndOldImages);
    let site = of_table();
    let exit = site.run(&fake.endpoint()).run(&site.folder).await;
    assert_refused(
        &site,
        &exit,
        &["ProfileUsers cannot read the stream of the table users", "StreamSpecification"],
    );
}

#[tokio::test]
async fn a_table_without_a_stream_ends_the_start_and_the_line_says_what_to_write() {
    let table = TABLE.replace("      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}", "");
    let site = site_with("!GetAtt Users.StreamArn", FROM_THE_BEGINNING, &table);
    let exit = site.run("http://127.0.0.1:1").run(&site.folder).await;
    let said = ["has no `StreamSpecification`", "template.yaml:13", "StreamViewType: NEW_AND_OLD_IMAGES"];
    assert_refused(&site, &exit, &said);
}

#[tokio::test]
async fn dev_creates_the_table_at_the_endpoint_that_it_is_given_and_leaves_one_that_exists_as_it_is() {
    let fake = DynamoDbStreams::start(Script::default()).await;
    let site = of_table();
    let running = dev(&fake).start(&site.folder);
    running.wait_for_line("table created").await;
    running.wait_for_line(POLLING).await;
    put(&fake, 1, 1);
    until_handed_over(&running, &site, 1).await;
    ends(running).await;
    let running = dev(&fake).start(&site.folder);
    running.wait_for_line(POLLING).await;
    assert!(running.printed().find("table created").is_none());
    put(&fake, 1, 2);
    until_handed_over(&running, &site, 2).await;
    ends(running).await;
}

#[tokio::test]
async fn dev_creates_nothing_and_says_so_where_no_endpoint_of_a_dynamodb_is_named() {
    let site = of_table();
    let exit = dev_without_cargo().run(&site.folder).await;
    assert_refused(&site, &exit, &["ProfileUsers reads arn:aws:dynamodb", "no endpoint for it is named"]);
    exit.assert_printed("AWS_ENDPOINT_URL_DYNAMODB_STREAMS=http://127.0.0.1:PORT");
}

#[tokio::test]
async fn a_template_that_asks_dev_for_a_table_while_it_runs_gets_it() {
    let fake = DynamoDbStreams::start(Script::default()).await;
    let site = of_table();
    let running = dev(&fake).start(&site.folder);
    running.wait_for_line(POLLING).await;
    let template = std::fs::read_to_string(site.path().join("template.yaml")).expect("it is there");
    site.write("template.yaml", &template.replace("TableName: users", "TableName: members"));
    let created = async || {
        let lines = running.printed().to_string();
        (lines.matches("table created").count() == 2 && lines.matches(POLLING).count() == 2).then_some(())
    };
    wait::until("the other table is there", created).await;
    let item = json!({"id": {"S": "user-1"}, "visits": {"N": "7"}});
    fake.put("members", &item).expect("the item changes");
    until_handed_over(&running, &site, 7).await;
    ends(running).await;
}

async fn rewind(site: &Site, fake: &DynamoDbStreams) -> Exit {
    let arguments = ["rewind", "ProfileUsers", "--to", "trim-horizon", "--endpoint-url"];
    pelton(arguments).args([fake.endpoint()]).run(&site.folder).await
}

#[tokio::test]
async fn a_mapping_of_a_table_is_rewound() {
    let fake = DynamoDbStreams::start(Script::default()).await;
    let _arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    let site = of_table();
    (1..=3).for_each(|visits| put(&fake, 1, visits));
    let catch_up = async || {
        let exit = site.run(&fake.endpoint()).args(["--until-caught-up"]).run(&site.folder).await;
        exit.assert_code(0);
    };
    catch_up().await;
    rewind(&site, &fake).await.assert_code(0).assert_printed("ProfileUsers");
    catch_up().await;
    assert_eq!(handed_over(&site).iter().map(visits).collect::<Vec<_>>(), [1, 2, 3, 1, 2, 3]);
}

#[tokio::test]
async fn the_batch_that_a_mapping_of_a_table_is_stuck_on_is_shown() {
    let fake = DynamoDbStreams::start(Script::default()).await;
    let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    let site = site(&arn, FROM_THE_BEGINNING);
    put(&fake, 1, 13);
    let number = fake.content(&arn)[0].records[0]["dynamodb"]["SequenceNumber"].clone();
    let running = site.start(fake.endpoint()).await;
    let stuck = async |more: &[&str]| {
        let arguments = ["get", "--stuck", "ProfileUsers", "--data-dir"].map(Path::new);
        run_to_end(pelton(arguments).args([site.data_dir()]).args(more)).await
    };
    let exit = wait::until("it is stuck", async || {
        let exit = stuck(&[]).await;
        exit.printed.find("1 record, failed").is_some().then_some(exit)
    })
    .await;
    exit.assert_printed("13 visits");
    exit.assert_printed(number.as_str().expect("a text"));
    let event = stuck(&["--event", "-"]).await.assert_code(0).printed.stdout().concat();
    let event: Value = serde_json::from_str(&event).expect("an event is JSON");
    assert_eq!(event["Records"][0]["dynamodb"]["SequenceNumber"], number);
    ends(running).await;
}

#[tokio::test]
async fn the_states_of_tumbling_windows_name_every_change_once_though_the_poller_is_killed() {
    let fake = DynamoDbStreams::start(Script::default()).await;
    let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    let site = site(
        &arn,
        &format!("{FROM_THE_BEGINNING}\n            BatchSize: 2\n            TumblingWindowInSeconds: 2"),
    );
    let clock = Clock::start();
    let mut running = site.start(fake.endpoint()).await;
    for visits in 100..130 {
        put(&fake, 1, visits);
        if visits == 115 {
            running.signal(Signal::KILL);
            running.wait_for_exit().await;
            // It ends all that runs in its folder.
            drop(running);
            running = site.start(fake.endpoint()).await;
        }
        clock.sleep(Duration::from_millis(100)).await;
    }
    let seen = || -> Vec<u64> {
        let ends = events(&site).into_iter().filter(|event| event["isFinalInvokeForWindow"] == true);
        ends.flat_map(|event| event["state"]["seen"].as_array().cloned().unwrap_or_default())
            .filter_map(|visits| visits.as_u64())
            .collect()
    };
    // A window is over once a record of a later one is there.
    let mut later = 1_000;
    wait::until("the last window has ended", async || {
        clock.sleep(Duration::from_millis(200)).await;
        put(&fake, 1, later);
        later += 1;
        seen().contains(&129).then_some(())
    })
    .await;
    let seen: Vec<u64> = seen().into_iter().filter(|visits| *visits < 1_000).collect();
    assert_eq!(seen, (100..130).collect::<Vec<u64>>(), "{}", running.printed());
    let windows: Vec<Value> = events(&site).into_iter().map(|event| event["window"].clone()).collect();
    assert!(windows.iter().all(|window| window["start"].is_string() && window["end"].is_string()));
    ends(running).await;
}
