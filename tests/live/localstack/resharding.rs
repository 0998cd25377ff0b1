//! Resharding under load: parents before children, the order of each key kept across it (specification 3.3, 3.4).

use super::shards::{merge, open, shards, split, update_shard_count};
use super::world::{FROM_THE_OLDEST, Mapping, World, assert_each_once_in_order, stop, until_ended};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::Shard;
use pelton_tests::journal::{Batch, Journal, Step};
use pelton_tests::producer::Put;
use pelton_tests::site::until;
use pelton_tests::{Running, Signal};
use std::collections::BTreeMap;

#[tokio::test]
async fn the_children_of_a_split_shard_wait_while_its_last_batch_fails() {
    let world = World::with_shards(1).await;
    failing_across(&world, async || split(&world, 0).await).await;
}

#[tokio::test]
async fn the_child_of_merged_shards_waits_while_the_last_batch_of_either_fails() {
    let world = World::with_shards(2).await;
    failing_across(&world, async || merge(&world, 0).await).await;
}

#[tokio::test]
async fn the_children_of_a_changed_shard_count_wait_while_the_last_batches_fail() {
    let world = World::with_shards(2).await;
    failing_across(&world, async || update_shard_count(&world, 4).await).await;
}

#[tokio::test]
async fn several_reshards_in_a_row_keep_each_key_in_order() {
    let world = World::with_shards(2).await;
    let site = world.site(&[FROM_THE_OLDEST]);
    site.behave("pause 5");
    let producer = world.produce();
    let running = world.start(&site).await;
    let journal = site.journal();
    until_ended(&running, &journal, 1).await;
    split(&world, 0).await;
    merge(&world, 1).await;
    update_shard_count(&world, 4).await;
    site.behave("error");
    update_shard_count(&world, 2).await;
    split(&world, 1).await;
    running.wait_for_line("the function failed").await;
    site.behave("succeed");
    let put = producer.stop().await;
    all_is_handled_in_order(running, &journal, &put, &world).await;
}

#[tokio::test]
async fn reshards_while_the_poller_is_away_are_followed_from_the_checkpoint() {
    let world = World::with_shards(2).await;
    let site = world.site(&[FROM_THE_OLDEST]);
    let producer = world.produce();
    let mut running = world.start(&site).await;
    let journal = site.journal();
    until_ended(&running, &journal, 1).await;
    stop(&mut running, Signal::TERM).await;
    split(&world, 0).await;
    update_shard_count(&world, 2).await;
    let put = producer.stop().await;
    let running = world.start(&site).await;
    all_is_handled_in_order(running, &journal, &put, &world).await;
}

#[tokio::test]
async fn under_latest_children_are_read_from_their_start() {
    let world = World::with_shards(1).await;
    world.put_numbers(&["before"], 0..5).await;
    let site = world.site(&[Mapping { starting_position: "LATEST", ..FROM_THE_OLDEST }]);
    let mut running = world.start(&site).await;
    let journal = site.journal();
    site.behave("error");
    world.put_numbers(&["parent"], 0..1).await;
    running.wait_for_line("the function failed").await;
    split(&world, 0).await;
    let producer = world.produce();
    split(&world, 0).await;
    let put = producer.stop().await;
    site.behave("succeed");
    let of_producer = || -> Vec<Batch> {
        let mut ended = journal.ended();
        ended.iter_mut().for_each(|batch| batch.records.retain(|record| put.keys.contains_key(&record.key)));
        ended
    };
    let records_ended = || of_producer().iter().map(|batch| batch.records.len()).sum::<usize>();
    until(&running, "all of the children is done with", || records_ended() >= put.records()).await;
    stop(&mut running, Signal::TERM).await;
    assert_each_once_in_order(&of_producer(), &put);
    assert!(journal.ended().iter().flat_map(|batch| &batch.records).all(|record| record.key != "before"));
    world.delete_stream().await;
}

/// Reshards while records flow and the function fails: only when what the parents hold is done with, children begin.
async fn failing_across(world: &World, reshard: impl AsyncFn()) {
    let parents = open(&shards(world).await);
    let site = world.site(&[FROM_THE_OLDEST]);
    let journal = site.journal();
    let mut running = world.start(&site).await;
    let producer = world.produce();
    until_ended(&running, &journal, 1).await;
    site.behave("error");
    running.wait_for_line("the function failed").await;
    reshard().await;
    let put_into_children = world.client.put_record().stream_name(&world.stream).partition_key("child");
    let place = put_into_children.data(Blob::new("1")).send().await.unwrap();
    assert!(!parents.iter().any(|parent| parent.shard_id() == place.shard_id()), "children take the records");
    // A poller that starts now sees the children at once; one that runs would see them within a minute.
    stop(&mut running, Signal::TERM).await;
    let running = world.start(&site).await;
    until_tried_once_more(&running, &journal, &parents).await;
    assert!(
        journal.began().iter().all(|batch| parents.iter().any(|parent| parent.shard_id() == batch.shard)),
        "no child has begun"
    );
    site.behave("succeed");
    let mut put = producer.stop().await;
    put.keys.insert("child".to_owned(), vec!["1".to_owned()]);
    put.shards.entry(place.shard_id().to_owned()).or_default().push("1".to_owned());
    all_is_handled_in_order(running, &journal, &put, world).await;
}

/// Waits until all that was put is done with, and looks at how it was; then nothing is left, nor the stream.
async fn all_is_handled_in_order(mut running: Running, journal: &Journal, put: &Put, world: &World) {
    until_ended(&running, journal, put.records()).await;
    stop(&mut running, Signal::TERM).await;
    assert_each_once_in_order(&journal.ended(), put);
    assert_parents_before_children(journal, put, &shards(world).await);
    world.delete_stream().await;
}

/// Waits until each parent whose last batches fail has tried one once more. One that had nothing left when the function began to
/// fail has nothing to try.
async fn until_tried_once_more(running: &Running, journal: &Journal, parents: &[Shard]) {
    let count = |batches: &[Batch], parent: &Shard| {
        batches.iter().filter(|batch| batch.shard == parent.shard_id()).count()
    };
    let (began, ended) = (journal.began(), journal.ended());
    let failing: Vec<_> = parents
        .iter()
        .map(|parent| (parent, count(&began, parent)))
        .filter(|(parent, began)| *began > count(&ended, parent))
        .collect();
    assert!(!failing.is_empty(), "a batch of a parent fails");
    until(running, "the batch of each parent was tried once more", || {
        let began = journal.began();
        failing.iter().all(|(parent, before)| count(&began, parent) > *before)
    })
    .await;
}

/// No batch of a shard begins before everything in its parents was done with.
#[track_caller]
fn assert_parents_before_children(journal: &Journal, put: &Put, shards: &[Shard]) {
    let batches = journal.batches();
    let listed: BTreeMap<&str, &Shard> = shards.iter().map(|shard| (shard.shard_id(), shard)).collect();
    let first = |shard: &str| batches.iter().position(|batch| batch.shard == shard);
    for shard in shards {
        let Some(first) = first(shard.shard_id()) else { continue };
        for parent in [shard.parent_shard_id(), shard.adjacent_parent_shard_id()].into_iter().flatten() {
            assert!(listed.contains_key(parent), "{parent} is listed");
            let done: usize = batches[..first]
                .iter()
                .filter(|batch| batch.shard == parent && batch.step == Step::Ended)
                .map(|batch| batch.records.len())
                .sum();
            let held = put.shards.get(parent).map_or(0, Vec::len);
            assert_eq!(done, held, "{} began before {parent} was done with", shard.shard_id());
        }
    }
}
