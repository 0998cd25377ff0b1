//! A topic of the cluster that a mapping reads from: one message for each record, with the record's key (specification 4.5).

use super::{Origin, error};
use crate::clock::Clock;
use crate::kafka_access::{Brokers, failure};
use crate::ports::{Cause, Destination, DestinationError, GivenUp};
use async_trait::async_trait;
use pelton_core::event::failure::TopicMessage;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OnceCell, oneshot};

/// How long a message may take until enough brokers have it.
const DELIVERY_WAIT_MAX: Duration = Duration::from_secs(15);
/// How long the brokers may take to say whether the topic exists.
const LOOK_WAIT_MAX: Duration = Duration::from_secs(5);

type Producer = ThreadedProducer<Context>;

/// One topic.
pub(super) struct Topic {
    name: String,
    brokers: Brokers,
    origin: Origin,
    clock: Clock,
    producer: OnceCell<Arc<Producer>>,
}

struct Context {
    brokers: Brokers,
    runtime: Handle,
    clock: Clock,
}

impl Topic {
    pub(super) fn new(name: &str, brokers: Brokers, origin: Origin, clock: Clock) -> Self {
        Self { name: name.to_owned(), brokers, origin, clock, producer: OnceCell::new() }
    }

    async fn producer(&self) -> Result<&Arc<Producer>, Cause> {
        let make = async || {
            let mut config = self.brokers.config();
            config.set("acks", "all").set("enable.idempotence", "true");
            config.set("message.timeout.ms", DELIVERY_WAIT_MAX.as_millis().to_string());
            // A record that came from this cluster goes back into it, with what is told of it.
            config.set("message.max.bytes", "20000000");
            let context = Context {
                brokers: self.brokers.clone(),
                runtime: Handle::current(),
                clock: self.clock.clone(),
            };
            Ok::<_, Cause>(Arc::new(config.create_with_context(context)?))
        };
        self.producer.get_or_try_init(make).await
    }

    async fn put(&self, message: &TopicMessage) -> Result<(), Cause> {
        let producer = self.producer().await?;
        let (told, delivered) = oneshot::channel();
        let opaque = Box::new(told);
        let record = BaseRecord::with_opaque_to(&self.name, opaque).payload(message.value.as_bytes());
        let record = match &message.key {
            Some(key) => record.key(key),
            None => record,
        };
        producer.send(record).map_err(|(error, _)| self.words(&error))?;
        delivered.await.map_err(|_| "the producer has ended")?.map_err(|error| self.words(&error))
    }

    fn words(&self, error: &KafkaError) -> Cause {
        let code = error.rdkafka_error_code();
        let reason = code.map_or_else(|| error.to_string(), |code| code.to_string());
        let words = format!("{}: {reason}", self.name);
        match code {
            Some(RDKafkaErrorCode::MessageTimedOut | RDKafkaErrorCode::AllBrokersDown) | None => words.into(),
            Some(_) => failure(code, &words, &self.brokers.bootstrap_servers).into(),
        }
    }
}

#[async_trait]
impl Destination for Topic {
    fn name(&self) -> String {
        format!("kafka://{}", self.name)
    }

    async fn check(&self) -> Result<(), DestinationError> {
        let look = async {
            let producer = Arc::clone(self.producer().await?);
            let name = self.name.clone();
            let look = move || producer.client().fetch_metadata(Some(&name), LOOK_WAIT_MAX);
            let found = tokio::task::spawn_blocking(look).await?;
            let found = found.map_err(|error| self.words(&error))?;
            match found.topics().iter().find(|topic| topic.name() == self.name).map(|topic| topic.error()) {
                Some(None) => Ok(()),
                Some(Some(error)) => {
                    let code = RDKafkaErrorCode::from(error);
                    Err(self.words(&KafkaError::MetadataFetch(code)))
                }
                None => Err(Cause::from("the topic does not exist")),
            }
        };
        look.await.map_err(|source| error(&self.name(), source))
    }

    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError> {
        for message in self.origin.topic_messages(given_up) {
            self.put(&message).await.map_err(|source| error(&self.name(), source))?;
        }
        Ok(())
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let servers = &self.brokers.bootstrap_servers;
        tracing::debug!(
            error = failure(error.rdkafka_error_code(), reason, servers),
            "the producer of failed records"
        );
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.brokers.access.token(&self.runtime, &self.clock).map_err(Into::into)
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(), KafkaError>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, told: Self::DeliveryOpaque) {
        let answer = result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone());
        // Whoever waited may have been cancelled.
        told.send(answer).ok();
    }
}
