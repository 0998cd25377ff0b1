//! Writes messages into a topic of Kafka.
//!
//! In: messages. Out: whether the brokers have them, on all replicas that are in sync. Messages of one partition keep their order, and a
//! broker takes none twice. No topic is created.

use crate::kafka_access::{Brokers, failure};
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use std::collections::VecDeque;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How long the brokers may take for one message, attempts of librdkafka among it.
const MESSAGE_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long an answer about the topic is waited for, and how often.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS_MAX: usize = 10;
/// The same once something was said to fail: another address of the same name may do.
const LOOKS_THAT_FAIL_MAX: usize = 3;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Which partition takes it; `None`: any.
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Vec<u8>,
    /// In this order. A name may come more than once.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// Writes into one topic. Clones write with the same client.
#[derive(Clone)]
pub(crate) struct TopicProducer {
    producer: ThreadedProducer<Context>,
    servers: Arc<str>,
    topic: Arc<str>,
}

/// Why a message is not in the topic, or why it could not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProduceError {
    /// librdkafka does not take a setting.
    #[error("no client can be made: {reason}")]
    NoClient {
        /// The words of librdkafka.
        reason: String,
    },
    /// There is no such topic.
    #[error(
        "there is no topic {topic} at {servers}, or its ACLs hide it: create it, or allow Describe and Write"
    )]
    NoTopic {
        /// Its name.
        topic: Arc<str>,
        /// Who was asked.
        servers: Arc<str>,
    },
    /// Nobody answers, or nobody in time.
    #[error("no broker answers: {reason}")]
    NoAnswer {
        /// With whom, in which step, and why.
        reason: String,
    },
    /// A broker refuses.
    #[error("a broker at {servers} refuses: {reason}")]
    Refused {
        /// Who was asked.
        servers: Arc<str>,
        /// The broker's words.
        reason: String,
    },
    /// This client has failed for good.
    #[error("the client has to be made again: {reason}")]
    Broken {
        /// The words of librdkafka.
        reason: String,
    },
}

impl TopicProducer {
    /// A client of these brokers. It calls them by itself from now on.
    pub(crate) fn new(brokers: &Brokers, topic: &str) -> Result<Self, ProduceError> {
        let mut config = brokers.config();
        let wait_max = MESSAGE_WAIT_MAX.as_millis().to_string();
        for (key, value) in [
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("message.timeout.ms", &*wait_max),
            // Before the message times out, which would hide that there is no such topic.
            ("topic.metadata.propagation.max.ms", "5000"),
            // As the Java client, so that a key is in the partition where others look for it.
            ("partitioner", "murmur2_random"),
            // How large a message may be is the topic's business.
            ("message.max.bytes", "1000000000"),
        ] {
            config.set(key, value);
        }
        let producer = config
            .create_with_context(Context::new(brokers))
            .map_err(|error| ProduceError::NoClient { reason: error.to_string() })?;
        Ok(Self { producer, servers: brokers.bootstrap_servers.as_str().into(), topic: topic.into() })
    }

    /// Whether the topic is there. Leaves no trace. Cancelling is safe.
    pub(crate) async fn check(&self) -> Result<(), ProduceError> {
        let asked = self.clone();
        let answer = tokio::task::spawn_blocking(move || asked.look()).await;
        answer.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    fn look(&self) -> Result<(), ProduceError> {
        let client = self.producer.client();
        let mut last = RDKafkaErrorCode::BrokerTransportFailure;
        for look in 1..=LOOKS_MAX {
            let metadata = match client.fetch_metadata(Some(&self.topic), LOOK) {
                Ok(metadata) => metadata,
                Err(error) => {
                    last = error.rdkafka_error_code().unwrap_or(last);
                    if look >= LOOKS_THAT_FAIL_MAX && client.context().last_words().is_some() {
                        break;
                    }
                    continue;
                }
            };
            let topic = metadata.topics().iter().find(|topic| *topic.name() == *self.topic);
            return match topic.map(|topic| (topic.error(), topic.partitions().is_empty())) {
                Some((None, false)) => Ok(()),
                Some((None, true)) | None => Err(self.no_topic()),
                Some((Some(error), _)) => Err(self.error(error.into())),
            };
        }
        Err(self.error(last))
    }

    /// Writes these messages, in their order, and waits until the brokers have them. An error is that of the first that they do not
    /// have: others may be there. Cancelling leaves some of them written.
    pub(crate) async fn deliver(
        &self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<(), ProduceError> {
        let mut under_way = VecDeque::new();
        let mut refused = None;
        for message in messages {
            let mut taken = self.send(&message);
            while matches!(taken, Err(RDKafkaErrorCode::QueueFull)) {
                let Some(first) = under_way.pop_front() else { break };
                refused = refused.or(self.outcome(first).await.err());
                taken = self.send(&message);
            }
            match taken {
                Ok(receipt) => under_way.push_back(receipt),
                Err(code) => {
                    refused = refused.or(Some(self.error(code)));
                    break;
                }
            }
        }
        for receipt in under_way {
            refused = refused.or(self.outcome(receipt).await.err());
        }
        refused.map_or(Ok(()), Err)
    }

    /// How many messages the brokers have taken, and the bytes of their values.
    pub(crate) fn taken(&self) -> (u64, u64) {
        let Context { records, bytes, .. } = &**self.producer.client().context();
        (records.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed))
    }

    fn send(&self, message: &Message) -> Result<oneshot::Receiver<Receipt>, RDKafkaErrorCode> {
        let (told, receipt) = oneshot::channel();
        let mut record: BaseRecord<'_, [u8], [u8], _> =
            BaseRecord::with_opaque_to(&self.topic, Box::new(told)).payload(&message.value);
        record.key = message.key.as_deref();
        if !message.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(message.headers.len());
            let add = |headers: OwnedHeaders, (key, value): &(String, Vec<u8>)| {
                headers.insert(Header { key, value: Some(value) })
            };
            record.headers = Some(message.headers.iter().fold(headers, add));
        }
        let code = |error: KafkaError| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        self.producer.send(record).map(|()| receipt).map_err(|(error, _)| code(error))
    }

    async fn outcome(&self, receipt: oneshot::Receiver<Receipt>) -> Result<(), ProduceError> {
        let receipt = receipt.await.unwrap_or(Err(RDKafkaErrorCode::PurgeInflight));
        receipt.map_err(|code| self.error(code))
    }

    fn error(&self, code: RDKafkaErrorCode) -> ProduceError {
        let client = self.producer.client();
        let servers = Arc::clone(&self.servers);
        if let Some((_, reason)) = client.fatal_error() {
            return ProduceError::Broken { reason };
        }
        use RDKafkaErrorCode as Code;
        if matches!(code, Code::UnknownTopic | Code::UnknownTopicOrPartition) {
            return self.no_topic();
        }
        let is_silence = matches!(
            code,
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::MessageTimedOut
        );
        if is_silence {
            let silence = || failure(Some(code), &code.to_string(), &servers);
            return ProduceError::NoAnswer { reason: client.context().last_words().unwrap_or_else(silence) };
        }
        ProduceError::Refused { servers, reason: code.to_string() }
    }

    fn no_topic(&self) -> ProduceError {
        ProduceError::NoTopic { topic: Arc::clone(&self.topic), servers: Arc::clone(&self.servers) }
    }
}

/// What became of a message.
type Receipt = Result<(), RDKafkaErrorCode>;

/// Takes in what librdkafka tells.
struct Context {
    brokers: Brokers,
    /// Asks for tokens.
    runtime: Handle,
    /// What was last said not to go well.
    words: Mutex<Option<String>>,
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Context {
    fn new(brokers: &Brokers) -> Self {
        Self {
            brokers: brokers.clone(),
            runtime: Handle::current(),
            words: Mutex::default(),
            records: AtomicU64::default(),
            bytes: AtomicU64::default(),
        }
    }

    fn say(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        let words = failure(code, reason, &self.brokers.bootstrap_servers);
        tracing::debug!(words, "the connection of a producer fails");
        *self.words() = Some(words);
    }

    fn words(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_words(&self) -> Option<String> {
        self.words().clone()
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "librdkafka");
        // Some connections end without any other word.
        if facility == "FAIL" {
            self.say(None, message);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // "1/1 brokers are down" says less than what was said before.
        let code = error.rdkafka_error_code();
        if code != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.say(code, reason);
        }
    }

    fn stats_raw(&self, _: &[u8]) {}

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.brokers.access.token(&self.runtime).map_err(Into::into)
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<oneshot::Sender<Receipt>>;

    fn delivery(&self, result: &DeliveryResult<'_>, told: Self::DeliveryOpaque) {
        let receipt = match result {
            Ok(message) => {
                self.records.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(message.payload_len() as u64, Ordering::Relaxed);
                self.words().take();
                Ok(())
            }
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)),
        };
        // Whoever waited may have given up.
        told.send(receipt).ok();
    }
}

#[cfg(test)]
pub(crate) mod tests;
