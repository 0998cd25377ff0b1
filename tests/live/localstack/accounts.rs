//! Topics and queues of a template in an account that the template does not know.

use crate::destination::world::World as Destinations;
use pelton_tests::site::{Site, StreamServer, template};
use serde_json::Value;

/// Whose everything is: LocalStack takes it from the id of the access key.
const ACCOUNT: &str = "111111111111";

/// `pelton run` with these arguments, whose function fails with a record: what reaches the queue.
async fn failure(
    destination: &str,
    resources: &str,
    arguments: &[&str],
    world: &Destinations,
    url: &str,
) -> Value {
    let mapping = format!(
        "MaximumRetryAttempts: 0
            DestinationConfig: {{OnFailure: {{Destination: {destination}}}}}"
    );
    let site = Site::new(&(template("", &mapping) + resources));
    site.behave("error");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..1).await;
    let program = site.run(&server.endpoint).args(arguments);
    let program =
        program.env("AWS_ENDPOINT_URL_SNS", &world.endpoint).env("AWS_ENDPOINT_URL_SQS", &world.endpoint);
    let program = program.env("AWS_ACCESS_KEY_ID", ACCOUNT).env("AWS_SECRET_ACCESS_KEY", "test");
    let running = program.start(&site.folder);
    let told = serde_json::from_str(&world.receive(url).await).unwrap();
    running.wait_for_line(" attempts=").await;
    assert!(
        running.printed().find("the on-failure destination is not usable").is_none(),
        "{}",
        running.printed()
    );
    told
}

const NO_OR_THE_WRONG_ACCOUNT: [&[&str]; 2] = [&[], &["--account-id", "222222222222"]];

#[tokio::test]
async fn a_topic_of_the_template_is_found_by_its_name() {
    let world = Destinations::in_account(ACCOUNT).await;
    let url = world.create_queue().await;
    let arn = world.sns.create_topic().name(&world.name).send().await.unwrap().topic_arn.unwrap();
    assert!(arn.contains(ACCOUNT), "{arn}");
    let subscription = world.sns.subscribe().topic_arn(&arn).protocol("sqs").endpoint(world.queue_arn());
    subscription.send().await.unwrap();
    let topic = format!("  Alerts: {{Type: AWS::SNS::Topic, Properties: {{TopicName: {}}}}}\n", world.name);
    for arguments in NO_OR_THE_WRONG_ACCOUNT {
        let notification = failure("!Ref Alerts", &topic, arguments, &world, &url).await;
        assert_eq!(notification["TopicArn"], arn);
    }
    world.sns.delete_topic().topic_arn(arn).send().await.unwrap();
    world.sqs.delete_queue().queue_url(url).send().await.unwrap();
}

#[tokio::test]
async fn a_queue_of_the_template_is_found_by_its_name() {
    let world = Destinations::in_account(ACCOUNT).await;
    let url = world.create_queue().await;
    let queue = format!("  Failed: {{Type: AWS::SQS::Queue, Properties: {{QueueName: {}}}}}\n", world.name);
    for arguments in NO_OR_THE_WRONG_ACCOUNT {
        let told = failure("!GetAtt Failed.Arn", &queue, arguments, &world, &url).await;
        assert_eq!(told["requestContext"]["condition"], "RetryAttemptsExhausted");
    }
    world.sqs.delete_queue().queue_url(url).send().await.unwrap();
}
