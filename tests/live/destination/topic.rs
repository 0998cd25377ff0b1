//! A topic of SNS. What it is told is seen by a queue that is subscribed to it.

use super::world::{ACCOUNT, REGION, World, assert_refused, given_up, metadata};
use pelton_model::OnFailure;
use serde_json::Value;

#[tokio::test]
async fn a_topic_gets_the_metadata_only_as_its_message() {
    let world = World::new().await;
    let url = world.create_queue().await;
    let arn = world.sns.create_topic().name(&world.name).send().await.unwrap().topic_arn.unwrap();
    let subscription = world.sns.subscribe().topic_arn(&arn).protocol("sqs").endpoint(world.queue_arn());
    subscription.send().await.unwrap();
    let topic = world.open(&OnFailure::Sns(arn.parse().unwrap()));
    topic.check().await.unwrap();
    let given_up = given_up(b"second");
    topic.send(&given_up).await.unwrap();
    let notification: Value = serde_json::from_str(&world.receive(&url).await).unwrap();
    assert_eq!(notification["Message"], metadata(&given_up));
    assert_eq!(notification["TopicArn"], arn);
    world.sns.delete_topic().topic_arn(arn).send().await.unwrap();
    world.sqs.delete_queue().queue_url(url).send().await.unwrap();
}

#[tokio::test]
async fn a_topic_that_does_not_exist_or_is_fifo_is_refused_with_the_reason() {
    let world = World::new().await;
    let arn = format!("arn:aws:sns:{REGION}:{ACCOUNT}:{}", world.name);
    for (arn, why) in [
        (arn.clone(), "there is no such topic: create it"),
        (format!("{arn}.fifo"), "a FIFO topic cannot be an on-failure destination"),
    ] {
        let topic = world.open(&OnFailure::Sns(arn.parse().unwrap()));
        assert_refused(topic.check().await, &[why]);
        assert_refused(topic.send(&given_up(b"")).await, &[why]);
    }
}
