//! A queue of SQS.

use super::world::{ACCOUNT, REGION, World, assert_refused, given_up, metadata};
use pelton_model::OnFailure;

#[tokio::test]
async fn a_queue_gets_the_metadata_only_as_the_body_of_a_message() {
    let world = World::new().await;
    let url = world.create_queue().await;
    let queue = world.open(&OnFailure::Sqs(world.queue_arn().parse().unwrap()));
    queue.check().await.unwrap();
    assert_eq!(world.messages(&url).await, "0", "a look leaves nothing behind");
    let given_up = given_up(b"second");
    queue.send(&given_up).await.unwrap();
    assert_eq!(world.receive(&url).await, metadata(&given_up));
    world.sqs.delete_queue().queue_url(url).send().await.unwrap();
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_named_and_works_once_it_does() {
    let world = World::new().await;
    let queue = world.open(&OnFailure::Sqs(world.queue_arn().parse().unwrap()));
    let said = [world.queue_arn(), "there is no such queue: create it".to_owned()];
    let said = said.each_ref().map(String::as_str);
    assert_refused(queue.check().await, &said);
    assert_refused(queue.send(&given_up(b"")).await, &said);
    let url = world.create_queue().await;
    queue.send(&given_up(b"")).await.unwrap();
    assert_eq!(world.receive(&url).await, metadata(&given_up(b"")));
    world.sqs.delete_queue().queue_url(url).send().await.unwrap();
}

#[tokio::test]
async fn a_fifo_queue_is_not_a_valid_failure_destination() {
    let world = World::new().await;
    let queue =
        world.open(&OnFailure::Sqs(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:failures.fifo").parse().unwrap()));
    assert_refused(queue.check().await, &["a FIFO queue cannot be an on-failure destination"]);
    assert_refused(queue.send(&given_up(b"")).await, &["a FIFO queue cannot be an on-failure destination"]);
}

#[tokio::test]
async fn an_endpoint_that_is_away_is_named_with_how_to_name_another() {
    let world = World::new().await;
    // Taken, and nobody listens.
    let port = tokio::net::TcpSocket::new_v4().unwrap();
    port.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = format!("http://{}", port.local_addr().unwrap());
    let queue = world.open_at(&endpoint, &OnFailure::Sqs(world.queue_arn().parse().unwrap()));
    let said = ["GetQueueUrl failed at http://127.0.0.1:", "AWS_ENDPOINT_URL_SQS"];
    assert_refused(queue.check().await, &said);
    assert_refused(queue.send(&given_up(b"")).await, &said);
}
