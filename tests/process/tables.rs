//! Mappings of the streams of tables, on the fake of DynamoDB Streams.

use pelton::clock::Clock;
use pelton_tests::Signal;
use pelton_tests::dynamodb_streams::{DynamoDbStreams, Listed, Script, ViewType};
use pelton_tests::site::{Site, assert_refused, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

/// A function that keeps each event, and fails if one of its records has 13 visits. The state of a window names its records.
const HANDLER: &str = r#"#!/usr/bin/env python3
import json, os, urllib.request

API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"

def post(path, answer):
    urllib.request.urlopen(urllib.request.Request(API + path, json.dumps(answer).encode(), method="POST")).read()

while True:
    with urllib.request.urlopen(API + "next") as invocation:
        request_id, event = invocation.headers["Lambda-Runtime-Aws-Request-Id"], json.load(invocation)
    with open("events.jsonl", "a") as log:
        log.write(json.dumps(event) + "\n")
    images = [record["dynamodb"].get("NewImage", {}) for record in event["Records"]]
    if {"N": "13"} in [image.get("visits") for image in images]:
        post(request_id + "/error", {"errorType": "Unlucky", "errorMessage": "13 visits"})
    elif "window" in event:
        seen = [int(image["visits"]["N"]) for image in images]
        post(request_id + "/response", {"state": {"seen": event["state"].get("seen", []) + seen}})
    else:
        post(request_id + "/response", None)
"#;

const ITEMS: usize = 5;
const KILLS: usize = 5;
const LEAVES_MAX: usize = 4;

/// A mapping of that stream, and its function.
pub(crate) fn site(arn: &str, settings: &str) -> Site {
    site_with(arn, settings, "")
}

/// The same with more resources.
pub(crate) fn site_with(arn: &str, settings: &str, resources: &str) -> Site {
    let site = Site::without_code(&format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Profile:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Events:
        Users:
          Type: DynamoDB
          Properties:
            Stream: {arn}
            {settings}
{resources}
"
    ));
    site.write("function/bootstrap", HANDLER);
    let bootstrap = site.function().join("bootstrap");
    fs::set_permissions(bootstrap, fs::Permissions::from_mode(0o755)).expect("the file is the test's own");
    site
}

/// The records that the function was handed, in order, also those that came again.
pub(crate) fn handed_over(site: &Site) -> Vec<Value> {
    let records = events(site).into_iter();
    records.flat_map(|event| event["Records"].as_array().cloned().unwrap_or_default()).collect()
}

/// The events that the function was invoked with, in order.
pub(crate) fn events(site: &Site) -> Vec<Value> {
    let text = fs::read_to_string(site.function().join("events.jsonl")).unwrap_or_default();
    // The last line may still be in the making.
    text.split_inclusive('\n').filter_map(|line| serde_json::from_str::<Value>(line).ok()).collect()
}

pub(crate) fn visits(record: &Value) -> usize {
    let visits = record["dynamodb"]["NewImage"]["visits"]["N"].as_str();
    visits.and_then(|visits| visits.parse().ok()).expect("each change has a number of visits")
}

pub(crate) fn put(fake: &DynamoDbStreams, item: usize, visits: usize) {
    let item = json!({"id": {"S": format!("user-{item}")}, "visits": {"N": visits.to_string()}});
    fake.put("users", &item).expect("the item changes");
}

/// One of the open shards goes on in a child, or in two while there are few.
fn roll_over(fake: &DynamoDbStreams, arn: &str, choice: usize) {
    let open: Vec<String> =
        fake.content(arn).into_iter().filter(|shard| shard.is_open).map(|shard| shard.id).collect();
    let children = if open.len() < LEAVES_MAX { 2 } else { 1 };
    fake.roll_over(arn, &open[choice % open.len()], children);
}

#[tokio::test]
async fn every_change_is_handed_over_in_order_while_shards_roll_over_and_the_poller_is_killed() {
    let script = Script::default().children_listed(Listed::After(Duration::from_millis(300)));
    let fake = DynamoDbStreams::start(script).await;
    let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    let site = site(&arn, "StartingPosition: TRIM_HORIZON\n            BatchSize: 10");
    let (clock, mut last) = (Clock::start(), 100);
    for _ in 0..KILLS {
        let mut running = site.run(&fake.endpoint()).start(&site.folder);
        for round in 0..40 {
            last += 1;
            (0..ITEMS).for_each(|item| put(&fake, item, last));
            if round % 15 == 10 {
                roll_over(&fake, &arn, last);
            }
            clock.sleep(Duration::from_millis(20)).await;
        }
        running.signal(Signal::KILL);
        running.wait_for_exit().await;
    }
    let mut running = site.start(fake.endpoint()).await;
    let are_all_there = || {
        let handed_over = handed_over(&site);
        handed_over.iter().filter(|record| visits(record) == last).count() >= ITEMS
    };
    until(&running, "the last change of each item is handed over", are_all_there).await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
    let mut highest: BTreeMap<String, usize> = BTreeMap::new();
    for record in handed_over(&site) {
        let item = record["dynamodb"]["Keys"]["id"]["S"].as_str().unwrap().to_owned();
        let highest = highest.entry(item).or_insert(100);
        let visits = visits(&record);
        assert!(visits <= *highest + 1, "a change was passed over: {visits} after {highest}");
        *highest = visits.max(*highest);
    }
    assert_eq!(highest.values().copied().collect::<Vec<_>>(), [last; ITEMS]);
}

#[tokio::test]
async fn a_child_that_is_listed_eight_seconds_after_its_parent_ended_is_read_from_its_beginning_under_latest_too()
 {
    let script = Script::default().children_listed(Listed::After(Duration::from_secs(8)));
    let fake = DynamoDbStreams::start(script).await;
    let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    let site = site(&arn, "StartingPosition: LATEST");
    put(&fake, 1, 1);
    let mut running = site.start(fake.endpoint()).await;
    put(&fake, 1, 2);
    until(&running, "the parent is read", || !handed_over(&site).is_empty()).await;
    let parent = &fake.content(&arn)[0].id;
    fake.roll_over(&arn, parent, 1);
    put(&fake, 1, 3);
    until(&running, "the child is read", || handed_over(&site).len() > 1).await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
    assert_eq!(handed_over(&site).iter().map(visits).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn a_mapping_starts_also_while_three_shards_roll_over_faster_than_they_are_listed() {
    let script = Script::default().shards_at_first(3).rollover_every(Duration::from_millis(300));
    let fake = DynamoDbStreams::start(script).await;
    let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    let site = site(&arn, "StartingPosition: TRIM_HORIZON");
    for visits in 1..=3 {
        put(&fake, 1, visits);
        let mut running = site.start(fake.endpoint()).await;
        running.signal(Signal::TERM);
        running.wait_for_exit().await.assert_code(0);
    }
}

#[tokio::test]
async fn a_change_that_is_given_up_is_told_as_one_of_a_table_and_what_no_filter_matches_is_not_handed_over() {
    let fake = DynamoDbStreams::start(Script::default()).await;
    let arn = fake.create_table("users", &["id"], ViewType::NewAndOldImages);
    let settings = "StartingPosition: TRIM_HORIZON
            BatchSize: 1
            MaximumRetryAttempts: 0
            FilterCriteria: {Filters: [{Pattern: '{\"eventName\": [\"INSERT\"]}'}]}
            DestinationConfig: {OnFailure: {Destination: 'file:failures.jsonl'}}";
    let site = site(&arn, settings);
    for (item, visits) in [(1, 12), (2, 13), (1, 14), (3, 15)] {
        put(&fake, item, visits);
    }
    let mut running = site.start(fake.endpoint()).await;
    until(&running, "the last insertion is handed over", || {
        handed_over(&site).iter().any(|record| visits(record) == 15)
    })
    .await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
    assert_eq!(handed_over(&site).iter().map(visits).collect::<Vec<_>>(), [12, 13, 15]);
    let given_up = site.given_up();
    assert_eq!(given_up.len(), 1);
    let info = &given_up[0]["DDBStreamBatchInfo"];
    assert_eq!((&info["streamArn"], &info["batchSize"]), (&json!(arn), &json!(1)));
    assert!(info["approximateArrivalOfFirstRecord"].as_str().unwrap().len() == "2026-01-14T00:13:19Z".len());
}

#[tokio::test]
async fn what_aws_does_not_take_with_a_table_ends_the_start_and_names_the_property() {
    const ARN: &str = "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-11-30T00:00:00.000";
    for (settings, named) in [
        (
            "StartingPosition: AT_TIMESTAMP\n            StartingPositionTimestamp: 1",
            "does not support `StartingPosition: AT_TIMESTAMP`",
        ),
        ("BatchSize: 10", "`StartingPosition`"),
        (
            "StartingPosition: LATEST\n            FilterCriteria: {Filters: [{Pattern: '{\"dynamodb\": [1]}'}]}",
            "`Pattern`",
        ),
    ] {
        let site = site(ARN, settings);
        let exit = site.run("http://127.0.0.1:1").run(&site.folder).await;
        assert_refused(&site, &exit, &[named]);
    }
}
