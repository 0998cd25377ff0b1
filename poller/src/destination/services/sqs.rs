//! A queue of SQS: one message for each failure, with what AWS writes into it (specification 4.5).

use super::call_error::{Call, CallError};
use super::lazy::Lazy;
use super::{Origin, error};
use crate::aws::{Connection, Endpoint, EndpointKind};
use crate::ports::{Destination, DestinationError, GivenUp};
use async_trait::async_trait;
use pelton_model::Arn;
use std::sync::Arc;
use tokio::sync::OnceCell;

const GET_QUEUE_URL: Call =
    Call { operation: "GetQueueUrl", what: "queue", permission: "sqs:GetQueueUrl", service: "SQS" };
const SEND_MESSAGE: Call =
    Call { operation: "SendMessage", what: "queue", permission: "sqs:SendMessage", service: "SQS" };

/// A client of SQS.
pub(super) struct Queues {
    sdk: aws_sdk_sqs::Client,
    endpoint: Endpoint,
}

impl Queues {
    pub(super) fn new(connection: Connection) -> Self {
        Self { sdk: aws_sdk_sqs::Client::new(&connection.config), endpoint: connection.endpoint }
    }
}

/// One queue.
pub(super) struct Queue {
    arn: Arn,
    queues: Arc<Lazy<Queues>>,
    url: OnceCell<String>,
    origin: Origin,
}

impl Queue {
    pub(super) fn new(arn: &Arn, queues: Arc<Lazy<Queues>>, origin: Origin) -> Self {
        Self { arn: arn.clone(), queues, url: OnceCell::new(), origin }
    }

    /// Asked for until there is an answer, and then kept.
    async fn url(&self, queues: &Queues) -> Result<&str, CallError> {
        let ask = async || {
            let call = queues.sdk.get_queue_url().queue_name(&self.arn.resource);
            let call = call.set_queue_owner_aws_account_id(self.owner(&queues.endpoint));
            let answer = call.send().await.map_err(|error| GET_QUEUE_URL.failed(&queues.endpoint, error))?;
            let url = answer.queue_url.filter(|url| !url.is_empty());
            url.ok_or_else(|| GET_QUEUE_URL.lacks("QueueUrl", &queues.endpoint))
        };
        self.url.get_or_try_init(ask).await.map(String::as_str)
    }

    /// Other servers than AWS know a queue by its name, and a template may name no account.
    fn owner(&self, endpoint: &Endpoint) -> Option<String> {
        let account = self.arn.known_account().filter(|_| endpoint.kind() == EndpointKind::Aws);
        account.map(str::to_owned)
    }

    async fn reach(&self) -> Result<(&Queues, &str), CallError> {
        if self.arn.is_fifo() {
            return Err(CallError::Fifo { what: "queue" });
        }
        let queues = self.queues.get().await?;
        Ok((queues, self.url(queues).await?))
    }

    async fn put(&self, message: String) -> Result<(), CallError> {
        let (queues, url) = self.reach().await?;
        let call = queues.sdk.send_message().queue_url(url).message_body(message);
        let answer = call.send().await.map_err(|error| SEND_MESSAGE.failed(&queues.endpoint, error))?;
        match answer.message_id() {
            Some(id) if !id.is_empty() => Ok(()),
            Some(_) | None => Err(SEND_MESSAGE.lacks("MessageId", &queues.endpoint)),
        }
    }
}

#[async_trait]
impl Destination for Queue {
    fn name(&self) -> String {
        self.arn.to_string()
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.reach().await.map_err(|source| error(&self.arn, source))?;
        Ok(())
    }

    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError> {
        self.put(self.origin.metadata(given_up)).await.map_err(|source| error(&self.arn, source))
    }
}
