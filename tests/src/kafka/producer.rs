//! Puts messages.

use super::topic::Topic;
use super::{CALL_MAX, blocking};
use pelton::clock::Clock;
use rdkafka::client::ClientContext;
use rdkafka::message::Message as _;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// More than a function's payload may have; the brokers of `infra/up` take as much.
const MESSAGE_BYTES_MAX: &str = "16000000";

/// A message to put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its partition.
    pub partition: i32,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; `None`: a tombstone.
    pub value: Option<Vec<u8>>,
    /// Milliseconds since 1970, unless it is that of the moment.
    pub timestamp: Option<i64>,
    /// Its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Puts messages into one topic, in order.
pub struct Producer {
    topic: String,
    producer: Arc<BaseProducer<Deliveries>>,
}

/// The offset of each message that arrived, or why it did not.
#[derive(Default)]
struct Deliveries(Mutex<BTreeMap<usize, Result<i64, String>>>);

impl Message {
    /// One with this text as its value, and no key.
    #[must_use]
    pub fn text(partition: i32, text: &str) -> Self {
        Self { partition, value: Some(text.into()), ..Self::default() }
    }

    /// The same, with a key.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// The same, of this moment.
    #[must_use]
    pub fn at(self, millis: i64) -> Self {
        Self { timestamp: Some(millis), ..self }
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<usize>) {
        let answer = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.to_string()),
        };
        self.told().insert(*number, answer);
    }
}

impl Deliveries {
    fn told(&self) -> std::sync::MutexGuard<'_, BTreeMap<usize, Result<i64, String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Producer {
    /// A producer without transactions.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn of(topic: &Topic) -> Self {
        Self::new(topic, &[("enable.idempotence", "true")])
    }

    /// A producer of transactions.
    ///
    /// # Panics
    /// If it cannot be made, or the brokers refuse.
    #[must_use]
    pub fn of_transactions(topic: &Topic) -> Self {
        let id = uuid::Uuid::new_v4().to_string();
        let producer = Self::new(topic, &[("transactional.id", &id)]);
        producer.producer.init_transactions(CALL_MAX).expect("the brokers have transactions");
        producer
    }

    fn new(topic: &Topic, settings: &[(&str, &str)]) -> Self {
        let mut config = topic.cluster().config();
        config.set("message.max.bytes", MESSAGE_BYTES_MAX);
        for (setting, value) in settings {
            config.set(*setting, *value);
        }
        let producer = config.create_with_context(Deliveries::default()).expect("the settings are right");
        Self { topic: topic.name().to_owned(), producer: Arc::new(producer) }
    }

    /// Puts messages, and waits until they have arrived. Returns the offset of each. Blocks.
    ///
    /// # Panics
    /// If a broker refuses one.
    #[must_use]
    pub fn put(&self, messages: &[Message]) -> Vec<i64> {
        self.producer.context().told().clear();
        for (number, message) in messages.iter().enumerate() {
            self.send(number, message);
        }
        self.producer.flush(CALL_MAX).expect("the messages arrive");
        let told = std::mem::take(&mut *self.producer.context().told());
        let offsets = told.into_values().map(|answer| answer.expect("the message arrives"));
        let offsets: Vec<i64> = offsets.collect();
        assert_eq!(offsets.len(), messages.len(), "every message was answered");
        offsets
    }

    /// Puts messages in a transaction that is committed, or aborted. Blocks.
    ///
    /// # Panics
    /// If a broker refuses.
    pub fn put_in_transaction(&self, messages: &[Message], is_committed: bool) {
        self.producer.begin_transaction().expect("a transaction begins");
        let offsets = self.put(messages);
        assert_eq!(offsets.len(), messages.len());
        let ended = if is_committed {
            self.producer.commit_transaction(CALL_MAX)
        } else {
            self.producer.abort_transaction(CALL_MAX)
        };
        ended.expect("the transaction ends");
    }

    fn send(&self, number: usize, message: &Message) {
        let mut record: BaseRecord<'_, [u8], [u8], Box<usize>> =
            BaseRecord::with_opaque_to(&self.topic, Box::new(number)).partition(message.partition);
        record.key = message.key.as_deref();
        record.payload = message.value.as_deref();
        record.timestamp = message.timestamp;
        if !message.headers.is_empty() {
            let mut headers = OwnedHeaders::new();
            for (key, value) in &message.headers {
                headers = headers.insert(Header { key, value: value.as_ref() });
            }
            record.headers = Some(headers);
        }
        if let Err((error, _)) = self.producer.send(record) {
            panic!("a message cannot be put: {error}");
        }
    }
}

/// Puts the numbers from 0 on into every partition, until it is told to stop.
#[derive(Debug)]
pub struct Load {
    stop: watch::Sender<bool>,
    task: JoinHandle<usize>,
}

impl Load {
    /// Puts so many numbers into each partition at once, waits for `pause`, and so on.
    #[must_use]
    pub fn start(topic: &Topic, partitions: i32, numbers_at_once: usize, pause: Duration) -> Self {
        let (stop, stopped) = watch::channel(false);
        let producer = Arc::new(Producer::of(topic));
        let task = tokio::spawn(async move {
            let clock = Clock::start();
            let mut put = 0;
            while !*stopped.borrow() {
                let numbers = put..put + numbers_at_once;
                let of_a_partition = |partition| {
                    numbers.clone().map(move |number| Message::text(partition, &number.to_string()))
                };
                let messages: Vec<_> = (0..partitions).flat_map(of_a_partition).collect();
                let producer = Arc::clone(&producer);
                blocking(move || producer.put(&messages)).await;
                put += numbers_at_once;
                clock.sleep(pause).await;
            }
            put
        });
        Self { stop, task }
    }

    /// Ends after the round at hand. How many numbers were put into each partition.
    ///
    /// # Panics
    /// If a broker refused a message.
    pub async fn stop(self) -> usize {
        self.stop.send_replace(true);
        self.task.await.expect("the brokers accept every message")
    }
}
