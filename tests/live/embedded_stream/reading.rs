//! What reading brings, and how soon.

use super::world::{World, first_shard, orders, read_all};
use aws_lambda_events::event::kinesis::KinesisEvent;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use pelton::ports::{ReadFrom, Source, SourceError, StreamStatus};
use pelton::source::embedded::{EmbeddedError, EmbeddedOptions, EmbeddedStream, create_streams};
use pelton_core::event::kinesis::KinesisEncoder;
use pelton_core::plan::ShardStart;
use pelton_core::{Batch, Then};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test]
async fn the_stream_describes_itself() {
    let world = World::with_shards(1).await;
    let stream = world.source().describe().await.unwrap();
    assert_eq!(stream.arn, "arn:aws:kinesis:us-east-1:000000000000:stream/orders");
    assert_eq!((stream.retention, stream.status), (Duration::from_secs(48 * 3600), StreamStatus::Active));
    assert!(world.clock.now().since(stream.created) < Duration::from_secs(60));
}

#[tokio::test]
async fn streams_that_exist_are_left_as_they_are() {
    let world = World::with_shards(3).await;
    assert!(create_streams(&world.client, &world.clock, &[orders(1)]).await.unwrap().is_empty());
    assert_eq!(world.source().list_shards().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_named() {
    let world = World::with_shards(1).await;
    world.client.sdk().delete_stream().stream_name("orders").send().await.unwrap();
    let deadline = world.clock.now().after(Duration::from_secs(20));
    let error = loop {
        match world.source().describe().await {
            Ok(stream) => assert_eq!(stream.status, StreamStatus::Deleting),
            Err(error) => break error,
        }
        assert!(world.clock.now() < deadline);
    };
    assert!(matches!(error, SourceError::NotFound { .. }));
    assert_eq!(error.to_string(), "the stream orders does not exist");
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_what_to_do() {
    let world = World::with_shards(1).await;
    let address = world.server.address();
    let error = EmbeddedStream::start(EmbeddedOptions::listening_on(address)).await.unwrap_err();
    assert!(matches!(&error, EmbeddedError::Listen { .. }));
    assert!(error.to_string().contains("--stream-listen"), "{error}");
}

#[tokio::test]
async fn a_put_wakes_the_reader_of_its_shard_and_no_other() {
    let world = World::with_shards(2).await;
    let shards = world.source().list_shards().await.unwrap();
    let watches: Vec<_> = shards.iter().map(|shard| world.source().arrivals(&shard.id).unwrap()).collect();
    let call = world.client.sdk().put_record().stream_name("orders").partition_key("k").data(Blob::new("1"));
    let shard = call.send().await.unwrap().shard_id;
    for (shard_of_watch, watch) in shards.iter().zip(&watches) {
        assert_eq!(watch.has_changed().unwrap(), shard_of_watch.id.as_str() == shard);
    }
}

#[tokio::test]
async fn the_event_of_a_read_is_read_by_the_rust_library_of_aws() {
    let world = World::with_shards(1).await;
    let keys = ["plain", "k\u{e9}y \u{1F600}", "\"quoted\"\\\n\t"];
    for key in keys {
        world.put(key, "data of the record").await;
    }
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = world.source().open(&first_shard(), from).await.unwrap();
    let records = reader.next(1_000).await.unwrap().records;
    let event = Batch::new(records, KinesisEncoder::envelope()).body().concat();
    let event: KinesisEvent = serde_json::from_slice(&event).unwrap();
    let read: Vec<_> = event.records.iter().map(|record| record.kinesis.partition_key.as_str()).collect();
    assert_eq!(read, keys);
    assert!(event.records.iter().all(|record| record.kinesis.data.0 == b"data of the record"));
    assert_eq!(
        event.records[0].event_source_arn.as_deref(),
        Some("arn:aws:kinesis:us-east-1:000000000000:stream/orders")
    );
}

/// Puts of several producers at once while somebody reads: without order among them, a reader would pass over records.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_passed_over_while_many_put_at_once() {
    const PRODUCERS: usize = 8;
    const PUTS_EACH: usize = 60;
    let world = World::with_shards(1).await;
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
    let mut reader = world.source().open(&first_shard(), from).await.unwrap();
    let mut read = Vec::new();
    while !producers.is_empty() {
        read.extend(read_all(&mut *reader).await.unwrap().0);
        while let Some(finished) = producers.try_join_next() {
            finished.unwrap();
        }
    }
    let (rest, then) = read_all(&mut *reader).await.unwrap();
    read.extend(rest);
    assert_eq!(then, Then::CaughtUp);
    let distinct: BTreeSet<&String> = read.iter().collect();
    assert_eq!((read.len(), distinct.len()), (PRODUCERS * PUTS_EACH * 10, PRODUCERS * PUTS_EACH * 10));
}
