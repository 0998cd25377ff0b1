//! The sample function of evolving state: from the changes of a table to deltas and profiles, each change once, also over crashes.

use pelton::clock::Clock;
use pelton_tests::dynamodb_streams::{DynamoDbStreams, Listed, Script, ViewType};
use pelton_tests::site::{Site, until};
use pelton_tests::{Signal, binary, install_handler};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const TEMPLATE: &str = "Transform: AWS::Serverless-2016-10-31
Resources:
  Users:
    Type: AWS::DynamoDB::Table
    Properties: {StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}}
  ProfileChanges:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Environment: {Variables: {PROFILES_FILE: profiles.db}}
      Events:
        Users:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Users.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 7
            ParallelizationFactor: 2
";

const USERS: usize = 5;
const KILLS: usize = 5;
const ROUNDS: usize = 30;

/// A user that is removed now and then, and comes again.
fn change(fake: &DynamoDbStreams, user: usize, round: usize) {
    let key = json!({"user": {"S": format!("u-{user}")}});
    if round % 10 == user + 5 {
        fake.delete("Users", &key).expect("the user was there");
        return;
    }
    let mut item = key;
    item["round"] = json!({"N": round.to_string()});
    if round.is_multiple_of(2) {
        item["tags"] = json!({"SS": ["even", format!("round-{round}")]});
    }
    fake.put("Users", &item).expect("the user changes");
}

/// Every change, in the order in which the stream accepted those of a user: user and sequence number.
fn accepted(fake: &DynamoDbStreams, arn: &str) -> Vec<(String, String)> {
    let records = fake.content(arn).into_iter().flat_map(|shard| shard.records);
    let mut changes: Vec<(String, String)> = records
        .map(|record| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let change = &record["dynamodb"];
            (change["Keys"].to_string(), text(&change["SequenceNumber"]))
        })
        .collect();
    changes.sort_by_key(|(user, number)| (user.clone(), number.parse::<u128>().expect("a number")));
    changes
}

/// Every delta, user by user in the order in which the function applied them.
fn applied(file: &Path) -> rusqlite::Result<Vec<(String, String)>> {
    let query = "SELECT user, sequence_number FROM delta ORDER BY user, number";
    open(file)?.prepare(query)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn open(file: &Path) -> rusqlite::Result<rusqlite::Connection> {
    rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
}

#[tokio::test]
async fn each_change_of_a_user_is_applied_once_and_in_order_while_shards_roll_over_and_the_poller_is_killed()
{
    let script = Script::default()
        .rollover_into(Duration::from_secs(2), &[2, 1], 4)
        .children_listed(Listed::After(Duration::from_millis(300)));
    let fake = DynamoDbStreams::start(script).await;
    let arn = fake.create_table("Users", &["user"], ViewType::NewAndOldImages);
    let site = Site::without_code(TEMPLATE);
    install_handler(&binary("profile-changes"), &site.function());
    let file = site.function().join("profiles.db");
    let clock = Clock::start();
    for kill in 0..KILLS {
        let before = applied(&file).map_or(0, |found| found.len());
        let mut running = site.run(&fake.endpoint()).start(&site.folder);
        for round in 1..=ROUNDS {
            (0..USERS).for_each(|user| change(&fake, user, kill * ROUNDS + round));
            clock.sleep(Duration::from_millis(20)).await;
        }
        until(&running, "some changes are applied", || {
            applied(&file).is_ok_and(|found| found.len() > before)
        })
        .await;
        running.signal(Signal::KILL);
        running.wait_for_exit().await;
    }
    let accepted = accepted(&fake, &arn);
    assert_eq!(accepted.len(), USERS * KILLS * ROUNDS);
    let mut running = site.start(fake.endpoint()).await;
    until(&running, "every change is applied", || {
        applied(&file).is_ok_and(|found| found.len() >= accepted.len())
    })
    .await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);

    let found = applied(&file).expect("the file is there");
    assert!(found == accepted, "each change once, and in order");
    let count = |query: &str| -> i64 { open(&file).unwrap().query_row(query, [], |row| row.get(0)).unwrap() };
    assert_eq!(
        count("SELECT count(*) FROM delta WHERE is_after_gap"),
        0,
        "no change is missing before another"
    );
    let attributes: Vec<String> = {
        let file = open(&file).unwrap();
        let mut query = file.prepare("SELECT attributes FROM profile ORDER BY user").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    };
    let rounds: Vec<Value> = attributes
        .iter()
        .map(|attributes| serde_json::from_str::<Value>(attributes).unwrap()["round"].clone())
        .collect();
    assert_eq!(rounds, vec![json!({"N": (KILLS * ROUNDS).to_string()}); USERS]);
}
