//! GetShardIterator and GetRecords.

use super::{World, invalid, numbers, refused, text};
use pelton_tests::dynamodb_streams::Script;
use serde_json::{Value, json};

/// A stream of one shard with this many records: its world, the id of the shard, the sequence numbers.
async fn with_records(count: usize) -> (World, String, Vec<String>) {
    let world = World::new(Script::default()).await;
    let numbers = (0..count).map(|number| world.put("a", number).sequence_number).collect();
    let shard = world.ids().await.remove(0);
    (world, shard, numbers)
}

#[tokio::test]
async fn an_iterator_begins_where_its_type_says() {
    let (world, shard, numbers) = with_records(5).await;
    for (kind, number, expected) in [
        ("TRIM_HORIZON", None, &numbers[..]),
        ("LATEST", None, &[]),
        ("AT_SEQUENCE_NUMBER", Some(&*numbers[2]), &numbers[2..]),
        ("AFTER_SEQUENCE_NUMBER", Some(&*numbers[2]), &numbers[3..]),
        ("AFTER_SEQUENCE_NUMBER", Some(&*numbers[4]), &[]),
    ] {
        let iterator = world.iterator(&shard, kind, number).await.unwrap();
        let page = world.read(&iterator).await.unwrap();
        let read = super::numbers(page["Records"].as_array().unwrap());
        let expected: Vec<u128> = expected.iter().map(|number| number.parse().unwrap()).collect();
        assert_eq!(read, expected, "{kind}");
    }
}

#[tokio::test]
async fn the_place_of_latest_is_that_of_the_call_and_not_of_the_first_read() {
    let (world, shard, _) = with_records(5).await;
    let iterator = world.iterator(&shard, "LATEST", None).await.unwrap();
    let next = world.put("a", 5);
    let page = world.read(&iterator).await.unwrap();
    assert_eq!(page["Records"], json!([next.record]));
}

#[tokio::test]
async fn an_iterator_can_be_used_again_and_brings_the_same_records() {
    let (world, shard, _) = with_records(5).await;
    let iterator = world.oldest(&shard).await;
    let (one, other) = (world.read(&iterator).await.unwrap(), world.read(&iterator).await.unwrap());
    assert_eq!(one["Records"], other["Records"]);
}

#[tokio::test]
async fn a_page_has_at_most_the_limit_a_thousand_records_or_a_mebibyte() {
    let (world, shard, _) = with_records(1_500).await;
    let oldest = world.oldest(&shard).await;
    let page = async |limit: Value| {
        let mut body = json!({"ShardIterator": oldest});
        body["Limit"] = limit;
        world.ask("GetRecords", body).await.map(|page| page["Records"].as_array().unwrap().len())
    };
    assert_eq!(page(Value::Null).await, Ok(1_000));
    assert_eq!(page(json!(7)).await, Ok(7));
    assert_eq!(page(json!(1_001)).await, Err(invalid()));
    assert_eq!(page(json!(0)).await, Err(invalid()));
    assert_eq!(world.read_all(&shard).await.len(), 1_500);

    let large = "x".repeat(300 * 1024);
    for number in 0..5 {
        let item = json!({"id": {"S": "large"}, "text": {"S": large}, "number": {"N": number.to_string()}});
        world.fake.put("users", &item);
    }
    let behind = world.read_all(&shard).await;
    assert_eq!(behind.len(), 1_505);
    let last_small = text(&behind[1_499]["dynamodb"]["SequenceNumber"]);
    let iterator = world.iterator(&shard, "AFTER_SEQUENCE_NUMBER", Some(&last_small)).await.unwrap();
    let sizes = world.read(&iterator).await.unwrap();
    // The first is an INSERT with one image of 300 KiB, the others have two.
    assert_eq!(sizes["Records"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn sequence_numbers_increase_as_numbers_and_not_as_texts() {
    let (world, shard, _) = with_records(100).await;
    let numbers = numbers(&world.read_all(&shard).await);
    assert!(numbers.is_sorted_by(|one, other| one < other));
    let texts: Vec<String> = numbers.iter().map(u128::to_string).collect();
    assert!(!texts.is_sorted(), "they have 21 digits at first and then 22");
    assert!(texts.iter().all(|text| (21..=40).contains(&text.len())));
}

#[tokio::test]
async fn an_iterator_of_a_shard_that_is_not_there_or_from_a_number_that_is_not_its_is_refused() {
    let (world, shard, numbers) = with_records(2).await;
    let unknown = world.iterator("shardId-00000000000000000000-00000000", "LATEST", None).await;
    assert_eq!(unknown, Err(refused("ResourceNotFoundException")));
    for (kind, number) in [
        ("AT_SEQUENCE_NUMBER", None),
        ("AT_SEQUENCE_NUMBER", Some("text")),
        ("AFTER_SEQUENCE_NUMBER", Some("1")),
        ("AT_TIMESTAMP", Some(&*numbers[0])),
    ] {
        assert_eq!(world.iterator(&shard, kind, number).await, Err(invalid()), "{kind} {number:?}");
    }
}

#[tokio::test]
async fn a_closed_shard_ends_only_after_all_of_its_records() {
    let (world, shard, _) = with_records(1_500).await;
    let idle = world.iterator(&shard, "LATEST", None).await.unwrap();
    let idle = world.read(&idle).await.unwrap();
    assert_eq!(idle["Records"], json!([]));
    world.fake.roll_over(&world.arn, &shard, 1);
    let first = world.read(&world.oldest(&shard).await).await.unwrap();
    assert_eq!(first["Records"].as_array().unwrap().len(), 1_000);
    let second = world.read(&text(&first["NextShardIterator"])).await.unwrap();
    assert_eq!(second["Records"].as_array().unwrap().len(), 500);
    assert_eq!(second.get("NextShardIterator"), None);
    let end = world.read(&text(&idle["NextShardIterator"])).await.unwrap();
    assert_eq!(end, json!({"Records": []}), "a reader that had everything is told the end");
}
