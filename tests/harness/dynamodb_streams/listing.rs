//! ListStreams and DescribeStream, and streams that come and go.

use super::{World, invalid, refused, text};
use pelton_tests::dynamodb_streams::{Script, ViewType};
use serde_json::{Value, json};

#[tokio::test]
async fn a_stream_is_described_with_its_table_its_keys_and_its_view() {
    let world = World::new(Script::default()).await;
    let arn = world.fake.create_table("visits", &["user", "at"], ViewType::KeysOnly);
    let answer = world.ask("DescribeStream", json!({"StreamArn": arn})).await.unwrap();
    let stream = &answer["StreamDescription"];
    let prefix = "arn:aws:dynamodb:us-east-1:123456789012:table/visits/stream/";
    assert_eq!(text(&stream["StreamArn"]), format!("{prefix}{}", text(&stream["StreamLabel"])));
    assert_eq!(text(&stream["StreamLabel"]).len(), "2026-12-01T00:00:00.000".len());
    assert_eq!(
        (&stream["StreamStatus"], &stream["StreamViewType"]),
        (&json!("ENABLED"), &json!("KEYS_ONLY"))
    );
    assert_eq!(stream["TableName"], "visits");
    let keys = json!([
        {"AttributeName": "user", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]);
    assert_eq!(stream["KeySchema"], keys);
    assert_eq!(stream["Shards"].as_array().unwrap().len(), 1);
    assert!(stream.get("LastEvaluatedShardId").is_none());
}

/// The ids of all shards, page by page, and the number of shards of each page.
async fn pages(world: &World, limit: Option<usize>) -> (Vec<String>, Vec<usize>) {
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    let mut arguments = limit.map_or(json!({}), |limit| json!({"Limit": limit}));
    loop {
        let page = world.describe(arguments.clone()).await;
        let shards = page["Shards"].as_array().unwrap();
        sizes.push(shards.len());
        ids.extend(shards.iter().map(|shard| text(&shard["ShardId"])));
        let Some(last) = page.get("LastEvaluatedShardId") else { return (ids, sizes) };
        assert_eq!(Some(&text(last)), ids.last(), "the last of the page");
        arguments["ExclusiveStartShardId"] = last.clone();
    }
}

#[tokio::test]
async fn shards_are_listed_in_pages() {
    let world = World::new(Script::default().shards_at_first(250).shards_per_page(90)).await;
    let (all, sizes) = pages(&world, None).await;
    assert_eq!(sizes, [90, 90, 70]);
    assert_eq!(world.fake.content(&world.arn).len(), 250);
    let mut once = all.clone();
    once.dedup();
    assert_eq!(once.len(), 250);
    assert_eq!(pages(&world, Some(50)).await.1, [50; 5]);
    let world = World::new(Script::default().shards_at_first(250)).await;
    assert_eq!(pages(&world, None).await.1, [100, 100, 50], "AWS's own limit");
}

#[tokio::test]
async fn the_children_of_one_shard_can_be_asked_for() {
    let world = World::new(Script::default().shards_at_first(2)).await;
    let ids = world.ids().await;
    world.fake.roll_over(&world.arn, &ids[0], 2);
    world.fake.roll_over(&world.arn, &ids[1], 1);
    let filter = json!({"ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": ids[0]}});
    let children = world.describe(filter).await["Shards"].take();
    let parents: Vec<_> =
        children.as_array().unwrap().iter().map(|child| text(&child["ParentShardId"])).collect();
    assert_eq!(parents, [ids[0].clone(), ids[0].clone()]);
}

#[tokio::test]
async fn streams_are_listed_in_pages_and_by_table() {
    let world = World::new(Script::default()).await;
    let visits = world.fake.create_table("visits", &["id"], ViewType::KeysOnly);
    let first = world.ask("ListStreams", json!({"Limit": 1})).await.unwrap();
    assert_eq!(text(&first["Streams"][0]["StreamArn"]), world.arn);
    let rest = json!({"ExclusiveStartStreamArn": first["LastEvaluatedStreamArn"]});
    let rest = world.ask("ListStreams", rest).await.unwrap();
    assert_eq!(rest["Streams"].as_array().unwrap().len(), 1);
    assert!(rest.get("LastEvaluatedStreamArn").is_none());
    let of_table = world.ask("ListStreams", json!({"TableName": "visits"})).await.unwrap();
    assert_eq!(of_table["Streams"].as_array().unwrap().len(), 1);
    assert_eq!(text(&of_table["Streams"][0]["StreamArn"]), visits);
    assert_eq!(text(&of_table["Streams"][0]["TableName"]), "visits");
}

#[tokio::test]
async fn a_stream_that_is_disabled_can_be_read_and_one_enabled_again_has_another_arn() {
    let world = World::new(Script::default()).await;
    world.put("a", 1);
    world.fake.disable_stream("users");
    let put = |number: &str| world.fake.put("users", &json!({"id": {"S": "a"}, "number": {"N": number}}));
    assert!(put("2").is_none(), "not recorded");
    let enabled = world.fake.enable_stream("users");
    let recorded = put("3").unwrap();
    assert_eq!(
        recorded.record["dynamodb"]["OldImage"]["number"]["N"], "2",
        "the table was written all the same"
    );
    assert_ne!(enabled, world.arn);

    let old = world.describe(json!({})).await;
    assert_eq!(old["StreamStatus"], "DISABLED");
    let shard = text(&old["Shards"][0]["ShardId"]);
    assert!(super::is_closed(&old["Shards"][0]), "{old}");
    let page = world.read(&world.oldest(&shard).await).await.unwrap();
    assert_eq!(page["Records"].as_array().unwrap().len(), 1);
    assert_eq!(page.get("NextShardIterator"), None::<&Value>, "its end");
    let streams = world.ask("ListStreams", json!({"TableName": "users"})).await.unwrap();
    assert_eq!(streams["Streams"].as_array().unwrap().len(), 2);

    world.fake.forget_stream(&world.arn);
    let gone = world.ask("DescribeStream", json!({"StreamArn": world.arn})).await;
    assert_eq!(gone.unwrap_err(), refused("ResourceNotFoundException"));
    let answer = world.ask("DescribeStream", json!({"StreamArn": enabled})).await.unwrap();
    assert_eq!(answer["StreamDescription"]["StreamStatus"], "ENABLED");
}

#[tokio::test]
async fn requests_that_are_wrong_are_refused() {
    let world = World::new(Script::default()).await;
    let arn = world.arn.clone();
    for (operation, body) in [
        ("DescribeStream", json!({})),
        ("DescribeStream", json!({"StreamArn": arn, "Limit": 0})),
        ("DescribeStream", json!({"StreamArn": arn, "Limit": 101})),
        ("DescribeStream", json!({"StreamArn": arn, "ShardFilter": {"Type": "AFTER_SHARD_ID"}})),
        ("GetRecords", json!({"ShardIterator": "not one of ours"})),
    ] {
        assert_eq!(world.ask(operation, body.clone()).await.unwrap_err(), invalid(), "{operation} {body}");
    }
    let unknown = world.ask("ListShards", json!({})).await.unwrap_err();
    assert_eq!(unknown, (400, "com.amazon.coral.service#UnknownOperationException".to_owned()));
}
