//! A topic of SNS: one message for each failure, with what AWS writes into it (specification 4.5).

use super::failure::{Call, CallError};
use super::lazy::Lazy;
use super::{Origin, error, is_fifo};
use crate::aws::{Connection, Endpoint, Service};
use crate::ports::{Destination, DestinationError, GivenUp};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// A message has no more than the names of things: far below the 256 KB that SNS takes.
pub(super) const SERVICE: Service =
    Service { id: "SNS", host: "sns", call_timeout: Duration::from_secs(10), connections_max: 16 };

const GET_TOPIC_ATTRIBUTES: Call = Call {
    operation: "GetTopicAttributes",
    what: "topic",
    permission: "sns:GetTopicAttributes",
    service: "SNS",
};
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
}

/// One topic.
pub(super) struct Topic {
    arn: String,
    topics: Arc<Lazy<Topics>>,
    origin: Origin,
}

impl Topic {
    pub(super) fn new(arn: &str, topics: Arc<Lazy<Topics>>, origin: Origin) -> Self {
        Self { arn: arn.to_owned(), topics, origin }
    }

    async fn reach(&self) -> Result<&Topics, CallError> {
        if is_fifo(&self.arn) {
            return Err(CallError::Fifo { what: "topic" });
        }
        self.topics.get().await
    }

    async fn look(&self) -> Result<(), CallError> {
        let topics = self.reach().await?;
        let call = topics.sdk.get_topic_attributes().topic_arn(&self.arn);
        call.send().await.map_err(|error| GET_TOPIC_ATTRIBUTES.failed(&topics.endpoint, error))?;
        Ok(())
    }

    async fn publish(&self, message: String) -> Result<(), CallError> {
        let topics = self.reach().await?;
        let call = topics.sdk.publish().topic_arn(&self.arn).message(message);
        call.send().await.map_err(|error| PUBLISH.failed(&topics.endpoint, error))?;
        Ok(())
    }
}

#[async_trait]
impl Destination for Topic {
    async fn check(&self) -> Result<(), DestinationError> {
        self.look().await.map_err(|source| error(&self.arn, source))
    }

    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError> {
        self.publish(self.origin.metadata(given_up)).await.map_err(|source| error(&self.arn, source))
    }
}
