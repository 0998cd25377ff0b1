//! What stands in a record.

use super::{World, text};
use pelton_tests::dynamodb_streams::{Script, ViewType};
use serde_json::{Value, json};

#[tokio::test]
async fn a_new_a_changed_and_a_deleted_item_are_insert_modify_and_remove_with_their_images() {
    let world = World::new(Script::default().region("eu-west-1")).await;
    world.put("a", 1);
    world.put("a", 20);
    world.fake.delete("users", &json!({"id": {"S": "a"}})).unwrap();
    let shard = world.ids().await.remove(0);
    let records = world.read_all(&shard).await;
    let image = |number: &str| json!({"id": {"S": "a"}, "number": {"N": number}});
    let expected = [
        ("INSERT", Value::Null, image("1"), 3 + 3 + 8),
        ("MODIFY", image("1"), image("20"), 3 + 2 * (3 + 8)),
        ("REMOVE", image("20"), Value::Null, 3 + 3 + 8),
    ];
    assert_eq!(records.len(), expected.len());
    for (record, (name, old, new, size)) in records.iter().zip(expected) {
        assert_eq!(record["eventName"], name);
        assert_eq!(record["eventSource"], "aws:dynamodb");
        assert_eq!(record["awsRegion"], "eu-west-1");
        assert_eq!(text(&record["eventID"]).len(), 32);
        let change = &record["dynamodb"];
        assert_eq!(change["Keys"], json!({"id": {"S": "a"}}));
        assert_eq!((&change["OldImage"], &change["NewImage"]), (&old, &new));
        assert_eq!(change["SizeBytes"], size, "{name}");
        assert_eq!(change["StreamViewType"], "NEW_AND_OLD_IMAGES");
        assert!(change["ApproximateCreationDateTime"].as_u64().unwrap() > 1_700_000_000, "{change}");
        assert!(record.get("userIdentity").is_none());
    }
}

#[tokio::test]
async fn the_view_type_decides_which_images_a_record_has() {
    let world = World::new(Script::default()).await;
    for (view, name, has_old, has_new) in [
        (ViewType::KeysOnly, "KEYS_ONLY", false, false),
        (ViewType::NewImage, "NEW_IMAGE", false, true),
        (ViewType::OldImage, "OLD_IMAGE", true, false),
        (ViewType::NewAndOldImages, "NEW_AND_OLD_IMAGES", true, true),
    ] {
        let _arn = world.fake.create_table(name, &["id"], view);
        world.fake.put(name, &json!({"id": {"S": "a"}, "n": {"N": "1"}})).unwrap();
        let change = world.fake.put(name, &json!({"id": {"S": "a"}, "n": {"N": "2"}})).unwrap().record;
        let change = &change["dynamodb"];
        let images = (change.get("OldImage").is_some(), change.get("NewImage").is_some());
        assert_eq!(images, (has_old, has_new), "{name}");
        assert_eq!(change["StreamViewType"], name);
    }
}

#[tokio::test]
async fn an_item_whose_time_to_live_is_over_is_removed_by_the_service() {
    let world = World::new(Script::default()).await;
    world.put("a", 1);
    let removed = world.fake.expire("users", &json!({"id": {"S": "a"}})).unwrap().record;
    assert_eq!(removed["eventName"], "REMOVE");
    let service = json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"});
    assert_eq!(removed["userIdentity"], service);
}

#[tokio::test]
async fn a_write_that_changes_nothing_is_not_recorded() {
    let world = World::new(Script::default()).await;
    let item = json!({"id": {"S": "a"}, "tags": {"SS": ["x"]}});
    assert!(world.fake.put("users", &item).is_some());
    assert!(world.fake.put("users", &item).is_none());
    assert!(world.fake.delete("users", &json!({"id": {"S": "b"}})).is_none());
}

#[tokio::test]
async fn an_item_is_known_by_both_of_its_keys_in_whatever_order_they_are_given() {
    let world = World::new(Script::default()).await;
    let _arn = world.fake.create_table("visits", &["user", "at"], ViewType::KeysOnly);
    let one =
        world.fake.put("visits", &json!({"user": {"S": "a"}, "at": {"N": "1"}, "x": {"S": "1"}})).unwrap();
    let same =
        world.fake.put("visits", &json!({"x": {"S": "2"}, "at": {"N": "1"}, "user": {"S": "a"}})).unwrap();
    let other = world.fake.put("visits", &json!({"user": {"S": "a"}, "at": {"N": "2"}})).unwrap();
    assert_eq!(one.key, same.key);
    assert_ne!(one.key, other.key);
    assert_eq!(same.record["eventName"], "MODIFY");
}

#[tokio::test]
async fn every_type_of_attribute_passes_as_it_is_and_has_a_size() {
    let world = World::new(Script::default()).await;
    let item = json!({
        "id": {"S": "ä"}, "n": {"N": "-1.5"}, "b": {"B": "Zm9v"}, "t": {"BOOL": true}, "z": {"NULL": true},
        "ss": {"SS": ["a", "bc"]}, "ns": {"NS": ["1"]}, "bs": {"BS": ["Zm8="]}, "l": {"L": []}, "m": {"M": {"k": {"L": [{"S": ""}]}}},
    });
    let accepted = world.fake.put("users", &item).unwrap();
    assert_eq!(accepted.record["dynamodb"]["NewImage"], item);
    let keys = 2 + 2;
    let image = keys
        + (1 + 3)
        + (1 + 3)
        + (1 + 1)
        + (1 + 1)
        + (2 + 3)
        + (2 + 2)
        + (2 + 2)
        + (1 + 3)
        + (1 + 3 + 1 + 3 + 1);
    assert_eq!(accepted.record["dynamodb"]["SizeBytes"], keys + image);
}
