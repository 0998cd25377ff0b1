//! A topic of SNS: one message for each failure, with what AWS writes into it (specification 4.5).

use super::call_error::{Call, CallError};
use super::lazy::Lazy;
use super::{Origin, error};
use crate::aws::{Connection, Endpoint, EndpointKind};
use crate::ports::{Destination, DestinationError, GivenUp};
use async_trait::async_trait;
use pelton_model::Arn;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Pages of topics that are looked through: an account has at most 100,000 topics, and a page 100.
const PAGES_MAX: usize = 1_000;

const GET_TOPIC_ATTRIBUTES: Call = Call {
    operation: "GetTopicAttributes",
    what: "topic",
    permission: "sns:GetTopicAttributes",
    service: "SNS",
};
const LIST_TOPICS: Call =
    Call { operation: "ListTopics", what: "topic", permission: "sns:ListTopics", service: "SNS" };
const PUBLISH: Call = Call { operation: "Publish", what: "topic", permission: "sns:Publish", service: "SNS" };

/// A client of SNS.
pub(super) struct Topics {
    sdk: aws_sdk_sns::Client,
    endpoint: Endpoint,
}

impl Topics {
    pub(super) fn new(connection: Connection) -> Self {
        Self { sdk: aws_sdk_sns::Client::new(&connection.config), endpoint: connection.endpoint }
    }

    async fn attributes(&self, arn: &str) -> Result<(), CallError> {
        let call = self.sdk.get_topic_attributes().topic_arn(arn);
        call.send().await.map_err(|error| GET_TOPIC_ATTRIBUTES.failed(&self.endpoint, error))?;
        Ok(())
    }

    async fn is_there(&self, arn: &str) -> Result<bool, CallError> {
        match self.attributes(arn).await {
            Ok(()) => Ok(true),
            Err(CallError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The ARN of the topic with that name in the account of the credentials.
    async fn of_name(&self, name: &str) -> Result<String, CallError> {
        let mut next = None;
        for _ in 0..PAGES_MAX {
            let call = self.sdk.list_topics().set_next_token(next).send();
            let page = call.await.map_err(|error| LIST_TOPICS.failed(&self.endpoint, error))?;
            let arns = page.topics().iter().filter_map(|topic| topic.topic_arn());
            if let Some(arn) =
                arns.into_iter().find(|arn| arn.parse().is_ok_and(|arn: Arn| arn.resource == name))
            {
                return Ok(arn.to_owned());
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                break;
            }
        }
        let source =
            format!("{} lists no topic of this name in the account of the credentials", self.endpoint);
        Err(CallError::Missing { what: "topic", source: source.into() })
    }
}

/// One topic.
pub(super) struct Topic {
    arn: Arn,
    topics: Arc<Lazy<Topics>>,
    /// Its ARN there.
    found: OnceCell<String>,
    origin: Origin,
}

impl Topic {
    pub(super) fn new(arn: &Arn, topics: Arc<Lazy<Topics>>, origin: Origin) -> Self {
        Self { arn: arn.clone(), topics, found: OnceCell::new(), origin }
    }

    async fn reach(&self) -> Result<(&Topics, &str), CallError> {
        if self.arn.is_fifo() {
            return Err(CallError::Fifo { what: "topic" });
        }
        let topics = self.topics.get().await?;
        Ok((topics, self.found(topics).await?))
    }

    /// The ARN that the topic has there, asked for once. On AWS it is the one that the template gives. Other servers put topics
    /// into an account of their own, and a template may name none: then the topic is found by its name.
    async fn found(&self, topics: &Topics) -> Result<&str, CallError> {
        let find = async || {
            let (arn, is_known) = (self.arn.to_string(), self.arn.known_account().is_some());
            let is_aws = topics.endpoint.kind() == EndpointKind::Aws;
            if is_known && (is_aws || topics.is_there(&arn).await?) {
                return Ok(arn);
            }
            topics.of_name(&self.arn.resource).await
        };
        self.found.get_or_try_init(find).await.map(String::as_str)
    }

    async fn look(&self) -> Result<(), CallError> {
        let (topics, arn) = self.reach().await?;
        topics.attributes(arn).await
    }

    async fn publish(&self, message: String) -> Result<(), CallError> {
        let (topics, arn) = self.reach().await?;
        let call = topics.sdk.publish().topic_arn(arn).message(message);
        let answer = call.send().await.map_err(|error| PUBLISH.failed(&topics.endpoint, error))?;
        match answer.message_id() {
            Some(id) if !id.is_empty() => Ok(()),
            Some(_) | None => Err(PUBLISH.lacks("MessageId", &topics.endpoint)),
        }
    }
}

#[async_trait]
impl Destination for Topic {
    fn name(&self) -> String {
        self.arn.to_string()
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.look().await.map_err(|source| error(&self.arn, source))
    }

    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError> {
        self.publish(self.origin.metadata(given_up)).await.map_err(|source| error(&self.arn, source))
    }
}
