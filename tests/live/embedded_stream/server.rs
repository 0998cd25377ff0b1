//! The server: the streams that it makes, what it refuses, how soon a reader hears of records, and in what order.

use crate::adapter::world::{World, first_shard, read_all, stream};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use pelton::ports::{ReadFrom, Source, Stream as _};
use pelton::source::embedded::{EmbeddedError, EmbeddedOptions, EmbeddedStream, create_streams};
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::ShardStart;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

#[tokio::test]
async fn streams_that_exist_are_left_as_they_are() {
    let world = World::embedded(3).await;
    assert!(create_streams(&world.client, &world.clock, &[stream("orders", 1)]).await.unwrap().is_empty());
    assert_eq!(world.source().list_shards().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_what_to_do() {
    let world = World::embedded(1).await;
    let address = world.embedded.as_ref().unwrap().address();
    let error = EmbeddedStream::start(EmbeddedOptions::listening_on(address)).await.unwrap_err();
    assert!(matches!(&error, EmbeddedError::Listen { .. }));
    assert!(error.to_string().contains("--stream-listen"), "{error}");
}

#[tokio::test]
async fn a_put_wakes_the_reader_of_its_shard_and_no_other() {
    let world = World::embedded(2).await;
    let shards = world.source().list_shards().await.unwrap();
    let mut watches = Vec::new();
    for shard in &shards {
        let from = ReadFrom::Start(ShardStart::TrimHorizon);
        watches.push(world.source().open(&shard.id, from).await.unwrap().arrivals.unwrap());
    }
    let call = world.client.sdk().put_record().stream_name("orders").partition_key("k").data(Blob::new("1"));
    let shard = call.send().await.unwrap().shard_id;
    for (shard_of_watch, watch) in shards.iter().zip(&watches) {
        assert_eq!(watch.has_changed().unwrap(), shard_of_watch.id.as_str() == shard);
    }
}

/// Puts of several producers at once while somebody reads: without order among them, a reader would pass over records.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_passed_over_while_many_put_at_once() {
    const PRODUCERS: usize = 8;
    const PUTS_EACH: usize = 60;
    let world = World::embedded(1).await;
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        let sdk = world.client.sdk().clone();
        producers.spawn(async move {
            for n in 0..PUTS_EACH {
                let entries = (0..10).map(|i| {
                    let data = Blob::new(format!("{producer} {n} {i}"));
                    PutRecordsRequestEntry::builder().partition_key("k").data(data).build().unwrap()
                });
                let call = sdk.put_records().stream_name("orders").set_records(Some(entries.collect()));
                call.send().await.unwrap();
            }
        });
    }
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = world.source().open(&first_shard(), from).await.unwrap().reader;
    let mut read = Vec::new();
    while !producers.is_empty() {
        read.extend(read_all(&mut *reader).await.unwrap().0);
        while let Some(finished) = producers.try_join_next() {
            finished.unwrap();
        }
    }
    let (rest, then) = read_all(&mut *reader).await.unwrap();
    read.extend(rest);
    assert_eq!(then, Follows::CaughtUp);
    let distinct: BTreeSet<&String> = read.iter().collect();
    assert_eq!((read.len(), distinct.len()), (PRODUCERS * PUTS_EACH * 10, PRODUCERS * PUTS_EACH * 10));
}
