//! Shards that roll over by the script: who is listed when, and what keeps its order.

use super::{World, is_closed, numbers, text};
use pelton_tests::dynamodb_streams::{Listed, Script, ShardContent};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Rolls over every 60 seconds into one child.
fn every_minute() -> Script {
    Script::default().rollover_every(60 * SECOND)
}

#[tokio::test]
async fn a_shard_rolls_over_into_a_child_that_names_it_and_begins_behind_it() {
    let world = World::new(every_minute()).await;
    let before = world.put("a", 0);
    world.fake.pass(60 * SECOND);
    let after = world.put("a", 1);
    let shards = world.shards().await;
    assert_eq!(shards.len(), 2);
    let (parent, child) = (&shards[0], &shards[1]);
    assert_eq!((text(&parent["ShardId"]), text(&child["ShardId"])), (before.shard, after.shard));
    assert_eq!(child["ParentShardId"], parent["ShardId"]);
    assert_eq!(parent.get("ParentShardId"), None);
    assert_eq!((is_closed(parent), is_closed(child)), (true, false));
    let number = |shard: &Value, end: &str| text(&shard["SequenceNumberRange"][end]).parse::<u128>().unwrap();
    let order = [
        number(parent, "StartingSequenceNumber"),
        before.sequence_number.parse().unwrap(),
        number(parent, "EndingSequenceNumber"),
        number(child, "StartingSequenceNumber"),
        after.sequence_number.parse().unwrap(),
    ];
    assert!(order.is_sorted_by(|one, other| one < other), "{order:?}");
}

#[tokio::test]
async fn rollovers_go_on_by_themselves_also_into_two_up_to_a_number_of_leaves() {
    let script = Script::default().rollover_into(60 * SECOND, &[1, 2], 3);
    let world = World::new(script).await;
    let mut leaves = Vec::new();
    for _ in 0..6 {
        leaves.push(world.shards().await.iter().filter(|shard| !is_closed(shard)).count());
        world.fake.pass(60 * SECOND);
    }
    assert_eq!(leaves, [1, 1, 2, 3, 3, 3]);
}

#[tokio::test]
async fn a_child_can_be_listed_long_after_its_parents_end_and_has_records_by_then() {
    let world = World::new(every_minute().children_listed(Listed::After(8 * SECOND))).await;
    world.put("a", 0);
    world.fake.pass(60 * SECOND);
    let hidden = world.put("a", 1);
    let shards = world.shards().await;
    assert_eq!(shards.len(), 1);
    assert!(is_closed(&shards[0]));
    let early = world.iterator(&hidden.shard, "TRIM_HORIZON", None).await;
    assert_eq!(early, Err(super::refused("ResourceNotFoundException")));
    world.fake.pass(7 * SECOND);
    assert_eq!(world.ids().await.len(), 1);
    world.fake.pass(SECOND);
    assert_eq!(world.ids().await.len(), 2);
    assert_eq!(world.read_all(&hidden.shard).await, [hidden.record]);
}

#[tokio::test]
async fn a_child_can_be_listed_while_its_parent_is_open_and_still_accepts_the_records() {
    let world = World::new(every_minute().children_listed(Listed::Before(10 * SECOND))).await;
    world.fake.pass(60 * SECOND);
    let shards = world.shards().await;
    assert_eq!(shards.iter().map(is_closed).collect::<Vec<_>>(), [false, false], "both are open");
    let (parent, child) = (text(&shards[0]["ShardId"]), text(&shards[1]["ShardId"]));
    assert_eq!(world.put("a", 0).shard, parent);
    world.fake.pass(10 * SECOND);
    assert_eq!(world.put("a", 1).shard, child);
    let shards = world.shards().await;
    assert_eq!(shards.iter().map(is_closed).collect::<Vec<_>>(), [true, false]);
    assert_eq!((world.read_all(&parent).await.len(), world.read_all(&child).await.len()), (1, 1));
}

#[tokio::test]
async fn a_closed_parent_can_be_listed_as_open_for_a_while_though_reading_it_ends() {
    let world = World::new(every_minute().ends_listed_after(5 * SECOND)).await;
    world.put("a", 0);
    world.fake.pass(60 * SECOND);
    let shards = world.shards().await;
    assert_eq!(shards.iter().map(is_closed).collect::<Vec<_>>(), [false, false]);
    let page = world.read(&world.oldest(&text(&shards[0]["ShardId"])).await).await.unwrap();
    assert_eq!(page.get("NextShardIterator"), None);
    world.fake.pass(5 * SECOND);
    assert!(is_closed(&world.shards().await[0]));
}

#[tokio::test]
async fn a_closed_parent_vanishes_and_its_children_still_name_it() {
    let world = World::new(every_minute().closed_shards_vanish_after(30 * SECOND)).await;
    let parent = world.put("a", 0).shard;
    let iterator = world.oldest(&parent).await;
    world.fake.pass(89 * SECOND);
    assert_eq!(world.ids().await.len(), 2);
    world.fake.pass(SECOND);
    let shards = world.shards().await;
    assert_eq!(shards.len(), 1);
    assert_eq!(text(&shards[0]["ParentShardId"]), parent);
    let not_found = super::refused("ResourceNotFoundException");
    assert_eq!(world.iterator(&parent, "TRIM_HORIZON", None).await, Err(not_found.clone()));
    assert_eq!(world.read(&iterator).await, Err(not_found));
    assert_eq!(world.fake.content(&world.arn)[0].records.len(), 1, "a judge still sees its records");
}

/// The records of each key along the tree: parents before their children.
fn by_key(shards: &[ShardContent]) -> BTreeMap<String, Vec<Value>> {
    let mut keys: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for record in shards.iter().flat_map(|shard| &shard.records) {
        keys.entry(text(&record["dynamodb"]["Keys"]["id"]["S"])).or_default().push(record.clone());
    }
    keys
}

#[tokio::test]
async fn each_key_keeps_its_order_over_all_rollovers_and_stands_in_one_line_of_descent() {
    for listed in [Listed::After(8 * SECOND), Listed::Before(10 * SECOND)] {
        let script = Script::default().rollover_into(60 * SECOND, &[2, 1], 5).children_listed(listed);
        let world = World::new(script.shards_at_first(2)).await;
        let mut accepted: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for round in 0..100 {
            for key in ["a", "b", "c", "d", "e", "f", "g"] {
                accepted.entry(key.to_owned()).or_default().push(world.put(key, round).record);
            }
            world.fake.pass(7 * SECOND);
        }
        let content = world.fake.content(&world.arn);
        assert!(content.len() > 20, "{} shards", content.len());
        assert_eq!(by_key(&content), accepted);
        for (key, records) in accepted {
            assert!(numbers(&records).is_sorted_by(|one, other| one < other), "{key}");
            let has_key = |record: &Value| record["dynamodb"]["Keys"]["id"]["S"] == *key;
            let shards: Vec<_> = content.iter().filter(|shard| shard.records.iter().any(has_key)).collect();
            for pair in shards.windows(2) {
                assert_eq!(pair[1].parent.as_ref(), Some(&pair[0].id), "{key}: the next shard is a child");
            }
        }
        let all: Vec<u128> = content.iter().flat_map(|shard| numbers(&shard.records)).collect();
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all.len(), "no number stands for two records");
    }
}
