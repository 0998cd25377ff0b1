//! A bucket of S3.

use super::world::{MAPPING, SHARD, STREAM, World, assert_refused, given_up, with_payload};
use pelton::ports::GivenUp;
use pelton_core::{Failure, GiveUp};
use pelton_model::OnFailure;
use serde_json::Value;

/// The largest record that a stream takes (MaxRecordSizeInKiB).
const RECORD_BYTES_MAX: usize = 10 * 1024 * 1024;

impl World {
    fn bucket(&self) -> OnFailure {
        OnFailure::named(&format!("arn:aws:s3:::{}", self.name)).unwrap()
    }
}

#[tokio::test]
async fn a_bucket_gets_an_object_with_the_event_under_mapping_shard_day_and_second() {
    let world = World::new().await;
    world.create_bucket().await;
    let bucket = world.open(&world.bucket());
    bucket.check().await.unwrap();
    let given_up = given_up("second\n\"".as_bytes());
    for _ in 0..2 {
        bucket.send(&given_up).await.unwrap();
    }
    let objects = world.objects().await;
    assert_eq!(objects.len(), 2, "each delivery is an object of its own");
    for (key, content) in &objects {
        let parts: Vec<&str> = key.split('/').collect();
        let &["aws", "lambda", mapping, SHARD, "2026", "01", "14", name] = &*parts else { panic!("{key}") };
        assert_eq!(mapping, uuid_of_mapping());
        let object = name.strip_prefix("2026-01-14T00.38.06-").unwrap();
        uuid::Uuid::parse_str(object).unwrap();
        assert_eq!(*content, with_payload(&given_up));
        let document: Value = serde_json::from_str(content).unwrap();
        assert_eq!(document["timestamp"], "2026-01-14T00:38:06.021Z", "the same instant as in the key");
        let event = document["payload"].as_str().unwrap();
        assert_eq!(event.as_bytes(), given_up.failure.batch.body().concat());
    }
    world.delete_bucket().await;
}

#[tokio::test]
async fn a_record_whose_event_alone_exceeds_6_mb_is_handed_over_whole() {
    let world = World::new().await;
    world.create_bucket().await;
    let data = vec![0xff; RECORD_BYTES_MAX];
    let given_up = given_up(&data);
    let failure =
        Failure { reason: GiveUp::TooLarge, attempts: 0, last_reached: None, ..given_up.failure.clone() };
    world.open(&world.bucket()).send(&GivenUp { failure, ..given_up.clone() }).await.unwrap();
    let objects = world.objects().await;
    let document: Value = serde_json::from_str(&objects[0].1).unwrap();
    assert_eq!(document["requestContext"]["condition"], "MaximumPayloadSizeExceeded");
    assert_eq!(document["payload"].as_str().unwrap().as_bytes(), given_up.failure.batch.body().concat());
    world.delete_bucket().await;
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_named_and_works_once_it_does() {
    let world = World::new().await;
    let bucket = world.open(&world.bucket());
    let said = ["s3://pelton-", "there is no such bucket: create it"];
    assert_refused(bucket.check().await, &said);
    assert_refused(bucket.send(&given_up(b"")).await, &said);
    world.create_bucket().await;
    bucket.send(&given_up(b"")).await.unwrap();
    world.delete_bucket().await;
}

/// UUIDv5 in the namespace of URLs, as everybody can tell it.
fn uuid_of_mapping() -> &'static str {
    // python3 -c 'import uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, "STREAM#MAPPING"))'
    assert_eq!((STREAM, MAPPING), ("arn:aws:kinesis:us-east-1:000000000000:stream/orders", "LedgerOrders"));
    "4a3274ad-666d-52fb-b3a6-9bddc08c009e"
}
