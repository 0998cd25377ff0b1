//! What reading brings.

use super::world::{Server, World, first_shard};
use aws_lambda_events::event::kinesis::KinesisEvent;
use pelton::ports::{ReadFrom, Source, SourceError, Stream as _, StreamStatus};
use pelton_core::Batch;
use pelton_core::event::page::records_envelope;
use pelton_core::starting_position::ShardStart;
use std::time::Duration;

on_each_server! {
    the_stream_describes_itself,
    a_stream_that_does_not_exist_is_named,
    the_event_of_a_read_is_read_by_the_rust_library_of_aws,
}

async fn the_stream_describes_itself(server: Server) {
    let world = World::new(server, 1).await;
    let stream = world.source().describe().await.unwrap();
    assert_eq!(stream.arn, format!("arn:aws:kinesis:us-east-1:000000000000:stream/{}", world.stream));
    assert_eq!((stream.retention, stream.status), (Duration::from_secs(48 * 3600), StreamStatus::Active));
    assert!(world.clock.now().since(stream.created) < Duration::from_secs(60));
    world.end().await;
}

async fn a_stream_that_does_not_exist_is_named(server: Server) {
    let world = World::new(server, 1).await;
    world.client.sdk().delete_stream().stream_name(&world.stream).send().await.unwrap();
    let deadline = world.clock.now().after(Duration::from_secs(20));
    let error = loop {
        match world.source().describe().await {
            Ok(stream) => assert_eq!(stream.status, StreamStatus::Deleting),
            Err(error) => break error,
        }
        assert!(world.clock.now() < deadline);
    };
    assert!(matches!(error, SourceError::NotFound { .. }));
    assert_eq!(error.to_string(), format!("the stream {} does not exist", world.stream));
}

async fn the_event_of_a_read_is_read_by_the_rust_library_of_aws(server: Server) {
    let world = World::new(server, 1).await;
    let keys = ["plain", "k\u{e9}y \u{1F600}", "\"quoted\"\\\n\t"];
    for key in keys {
        world.put(key, "data of the record").await;
    }
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = world.source().open(&first_shard(), from).await.unwrap().reader;
    let records = reader.next(1_000).await.unwrap().records;
    let event = Batch::new(records, records_envelope()).body().concat();
    let event: KinesisEvent = serde_json::from_slice(&event).unwrap();
    let read: Vec<_> = event.records.iter().map(|record| record.kinesis.partition_key.as_str()).collect();
    assert_eq!(read, keys);
    assert!(event.records.iter().all(|record| record.kinesis.data.0 == b"data of the record"));
    let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{}", world.stream);
    assert_eq!(event.records[0].event_source_arn.as_deref(), Some(arn.as_str()));
    world.end().await;
}
