//! Queues, topics and buckets of LocalStack, and records that were given up.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sqs::types::QueueAttributeName;
use pelton::aws::AwsOptions;
use pelton::clock::Clock;
use pelton::destination::{Destinations, Origin};
use pelton::errors::chain;
use pelton::ports::{Destination, DestinationError, GivenUp};
use pelton_core::event::failure::{FailureEncoder, Report};
use pelton_core::event::kinesis::{KinesisEncoder, KinesisOrigin, KinesisRecord};
use pelton_core::event::page::records_envelope;
use pelton_core::stream::ShardId;
use pelton_core::{Batch, Failure, FailureId, GiveUp, HowFailed, Reached, Timestamp};
use pelton_model::{MappingId, OnFailure};
use pelton_tests::{localstack, wait};
use std::sync::Arc;

/// The account of LocalStack.
pub(super) const ACCOUNT: &str = "000000000000";
pub(super) const REGION: &str = "us-east-1";
pub(super) const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
pub(super) const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:ledger";
pub(super) const MAPPING: &str = "LedgerOrders";
pub(super) const SHARD: &str = "shardId-000000000001";

/// How long one call to receive waits for a message.
const RECEIVE_WAIT_S: i32 = 1;

/// LocalStack, and a name that is nobody else's.
pub(crate) struct World {
    pub(crate) endpoint: String,
    account: String,
    pub(crate) name: String,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) s3: aws_sdk_s3::Client,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::in_account(ACCOUNT).await
    }

    /// In an account of its own: LocalStack takes it from the id of the access key.
    pub(crate) async fn in_account(account: &str) -> Self {
        let endpoint = localstack::endpoint().await;
        let credentials = Credentials::new(account, "test", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&endpoint)
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self {
            endpoint,
            account: account.to_owned(),
            name: format!("pelton-{}", uuid::Uuid::new_v4()),
            sqs: aws_sdk_sqs::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
        }
    }

    /// Makes the queue; its URL.
    pub(crate) async fn create_queue(&self) -> String {
        self.sqs.create_queue().queue_name(&self.name).send().await.unwrap().queue_url.unwrap()
    }

    /// ARN of the queue.
    pub(crate) fn queue_arn(&self) -> String {
        format!("arn:aws:sqs:{REGION}:{}:{}", self.account, self.name)
    }

    /// The body of the next message of a queue, once there is one.
    pub(crate) async fn receive(&self, url: &str) -> String {
        wait::until("a message arrives", async || {
            let call = self.sqs.receive_message().queue_url(url).wait_time_seconds(RECEIVE_WAIT_S);
            let mut messages = call.send().await.unwrap().messages.unwrap_or_default();
            let message = messages.pop()?;
            assert!(messages.is_empty(), "one message at a time");
            let handle = message.receipt_handle.unwrap();
            self.sqs.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
            message.body
        })
        .await
    }

    /// How many messages a queue holds.
    pub(crate) async fn messages(&self, url: &str) -> String {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone());
        call.send().await.unwrap().attributes.unwrap().remove(&name).unwrap()
    }

    /// Makes the bucket.
    pub(crate) async fn create_bucket(&self) {
        self.s3.create_bucket().bucket(&self.name).send().await.unwrap();
    }

    /// The key and the content of every object.
    pub(crate) async fn objects(&self) -> Vec<(String, String)> {
        let listed = self.s3.list_objects_v2().bucket(&self.name).send().await.unwrap();
        let mut objects = Vec::new();
        for key in listed.contents().iter().filter_map(|object| object.key()) {
            let object = self.s3.get_object().bucket(&self.name).key(key).send().await.unwrap();
            let content = object.body.collect().await.unwrap().to_vec();
            objects.push((key.to_owned(), String::from_utf8(content).unwrap()));
        }
        objects
    }

    /// Deletes the bucket and what it holds.
    pub(crate) async fn delete_bucket(&self) {
        for (key, _) in self.objects().await {
            self.s3.delete_object().bucket(&self.name).key(key).send().await.unwrap();
        }
        self.s3.delete_bucket().bucket(&self.name).send().await.unwrap();
    }

    pub(super) fn open(&self, named: &OnFailure) -> Arc<dyn Destination> {
        self.open_at(&self.endpoint, named)
    }

    /// The destination, as the mapping would use it at this endpoint.
    pub(super) fn open_at(&self, endpoint: &str, named: &OnFailure) -> Arc<dyn Destination> {
        let options = AwsOptions { endpoint_url: Some(endpoint.to_owned()), region: Some(REGION.to_owned()) };
        let origin = Origin::kinesis(&MappingId(MAPPING.to_owned()), STREAM, FUNCTION);
        Destinations::new(options, Clock::start())
            .open(named, origin)
            .expect("the tests are built with the feature `aws`")
    }
}

/// Two records that the function failed with three times. `data` is that of the second.
pub(super) fn given_up(data: &[u8]) -> GivenUp {
    let encoder = KinesisEncoder::new(KinesisOrigin {
        shard_id: SHARD.into(),
        event_source_arn: STREAM.into(),
        region: REGION.into(),
        invoke_identity_arn: "arn:aws:iam::000000000000:role/role".into(),
    });
    let record = |sequence_number, data| KinesisRecord {
        sequence_number,
        partition_key: Some("ключ \"1\""),
        data,
        arrival: Timestamp::from_millis(1_768_351_084_835),
    };
    let page = encoder.encode([record("100", b"first".as_slice()), record("101", data)], data.len());
    let batch = Batch::new(page.into_records(bytes::Bytes::from), records_envelope());
    let reached = Reached {
        request_id: Some("c9b8fa9f-5a7f-4c3e-af9c-0c604cde93a5".into()),
        how: HowFailed::FunctionError,
    };
    let failure = Failure {
        id: FailureId(0),
        batch: Arc::new(batch),
        reason: GiveUp::RetriesExhausted,
        attempts: 3,
        last_reached: Some(reached),
    };
    GivenUp { failure, shard: ShardId::new(SHARD), at: Timestamp::from_millis(1_768_351_086_021) }
}

/// What a queue or a topic is told of it.
pub(super) fn metadata(given_up: &GivenUp) -> String {
    FailureEncoder::kinesis(STREAM, FUNCTION).metadata(&report(given_up))
}

/// What a bucket is told of it.
pub(super) fn with_payload(given_up: &GivenUp) -> String {
    FailureEncoder::kinesis(STREAM, FUNCTION).with_payload(&report(given_up))
}

fn report(given_up: &GivenUp) -> Report<'_> {
    Report { failure: &given_up.failure, shard_id: SHARD, at: given_up.at, fresh_request_id: "" }
}

/// It does not work, and what is said has all these parts.
#[track_caller]
pub(super) fn assert_refused(answer: Result<(), DestinationError>, parts: &[&str]) {
    let text = chain(&answer.expect_err("it is refused"));
    for part in parts {
        assert!(text.contains(part), "{text}");
    }
}
