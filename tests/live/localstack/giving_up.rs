//! Records that a function fails for too often, from the template to the queue, the topic and the bucket.

use super::world::{Mapping, World, stop};
use crate::destination::world::World as Destinations;
use pelton_tests::Signal;
use pelton_tests::journal::{Journal, data};
use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::{kinesis, wait};
use serde_json::Value;

/// One function for each kind of destination, each with a mapping of the same stream.
const FUNCTIONS: [&str; 3] = ["queue", "topic", "bucket"];

/// What the destinations are told of five records that failed twice.
fn assert_told(failure: &str, function: &str, stream: &str, sequence_numbers: &[String]) {
    let failure: Value = serde_json::from_str(failure).unwrap();
    let context = &failure["requestContext"];
    assert_eq!(context["condition"], "RetryAttemptsExhausted");
    assert_eq!(context["approximateInvokeCount"], 2);
    assert_eq!(context["functionArn"], format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"));
    assert_eq!(failure["responseContext"]["functionError"], "Unhandled");
    let batch = &failure["KinesisBatchInfo"];
    assert_eq!(batch["streamArn"], format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"));
    assert_eq!(batch["batchSize"], 5);
    assert_eq!(batch["startSequenceNumber"], sequence_numbers[0]);
    assert_eq!(batch["endSequenceNumber"], sequence_numbers[4]);
    assert_eq!(failure["payload"].is_string(), function == "bucket", "only a bucket has the event");
}

#[tokio::test]
async fn what_a_function_fails_for_reaches_a_queue_a_topic_and_a_bucket_and_the_shards_go_on() {
    let world = World::with_shards(1).await;
    let destinations = [Destinations::new().await, Destinations::new().await, Destinations::new().await];
    let [queue, topic, bucket] = &destinations;
    let queue_url = queue.create_queue().await;
    let topic_url = topic.create_queue().await;
    let topic_arn = topic.sns.create_topic().name(&topic.name).send().await.unwrap().topic_arn.unwrap();
    let subscription = topic.sns.subscribe().topic_arn(&topic_arn).protocol("sqs");
    subscription.endpoint(topic.queue_arn()).send().await.unwrap();
    bucket.create_bucket().await;
    let arns = [queue.queue_arn(), topic_arn.clone(), format!("arn:aws:s3:::{}", bucket.name)];

    let settings = arns.map(|arn| {
        format!(
            "TRIM_HORIZON
            MaximumRetryAttempts: 1
            DestinationConfig: {{OnFailure: {{Destination: '{arn}'}}}}"
        )
    });
    let mappings = FUNCTIONS.into_iter().zip(&settings);
    let mappings: Vec<Mapping<'_>> = mappings
        .map(|(function, starting_position)| Mapping { function, starting_position, batch_size: 5 })
        .collect();
    let site = world.site(&mappings);
    for function in FUNCTIONS {
        site.write(&format!("{function}/behavior"), "error");
    }
    let records: Vec<_> = (0..5).map(|number| ("a".to_owned(), format!("{number}").into_bytes())).collect();
    let places = kinesis::put_all(&world.client, &world.stream, &records).await;
    let sequence_numbers: Vec<String> = places.into_iter().map(|place| place.sequence_number).collect();
    let mut running = world.start(&site).await;

    let message = queue.receive(&queue_url).await;
    assert_told(&message, "queue", &world.stream, &sequence_numbers);
    let notification: Value = serde_json::from_str(&topic.receive(&topic_url).await).unwrap();
    assert_told(notification["Message"].as_str().unwrap(), "topic", &world.stream, &sequence_numbers);
    let objects = wait::until("the object is there", async || {
        let objects = bucket.objects().await;
        (!objects.is_empty()).then_some(objects)
    })
    .await;
    assert_told(&objects[0].1, "bucket", &world.stream, &sequence_numbers);

    for function in FUNCTIONS {
        site.write(&format!("{function}/behavior"), "succeed");
    }
    world.put_numbers(&["a"], 5..10).await;
    for function in FUNCTIONS {
        let journal = Journal::of(&site.path().join(function));
        until(&running, "the shard goes on", || journal.records_ended() >= 5).await;
        assert_eq!(data(&journal.ended()), ["5", "6", "7", "8", "9"]);
    }
    stop(&mut running, Signal::TERM).await;
    assert_eq!((queue.messages(&queue_url).await, bucket.objects().await.len()), ("0".to_owned(), 1));
    world.delete_stream().await;
    topic.sns.delete_topic().topic_arn(topic_arn).send().await.unwrap();
    queue.sqs.delete_queue().queue_url(queue_url).send().await.unwrap();
    topic.sqs.delete_queue().queue_url(topic_url).send().await.unwrap();
    bucket.delete_bucket().await;
}

#[tokio::test]
async fn with_the_embedded_stream_the_environment_says_where_the_queue_is() {
    let queue = Destinations::new().await;
    let url = queue.create_queue().await;
    let mapping = format!(
        "MaximumRetryAttempts: 0
            DestinationConfig: {{OnFailure: {{Destination: '{}'}}}}",
        queue.queue_arn()
    );
    let site = Site::new(&template("", &mapping));
    site.behave("error");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..5).await;
    let program = site.run(&server.endpoint).env("AWS_ENDPOINT_URL_SQS", &queue.endpoint);
    let running = program.start(&site.folder);
    let failure: Value = serde_json::from_str(&queue.receive(&url).await).unwrap();
    assert_eq!(failure["requestContext"]["approximateInvokeCount"], 1);
    running.wait_for_line(" attempts=").await;
    queue.sqs.delete_queue().queue_url(url).send().await.unwrap();
}
