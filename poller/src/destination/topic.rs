//! A topic of Kafka, of the cluster that the mapping reads from: one message for each record, with the record's key.

use super::{Origin, Turns, error};
use crate::kafka_access::Brokers;
use crate::kafka_producer::{Message, ProduceError, TopicProducer};
use crate::ports::{Destination, DestinationError, GivenUp};
use async_trait::async_trait;
use pelton_core::event::failure::TopicMessage;
use std::sync::{Mutex, PoisonError};

/// One topic.
pub(super) struct Topic {
    name: String,
    brokers: Brokers,
    origin: Origin,
    turns: Turns,
    /// Made when it is first needed, and again after it has failed for good.
    producer: Mutex<Option<TopicProducer>>,
}

impl Topic {
    pub(super) fn new(name: &str, brokers: Brokers, origin: Origin, turns: Turns) -> Self {
        Self { name: name.to_owned(), brokers, origin, turns, producer: Mutex::default() }
    }

    fn producer(&self) -> Result<TopicProducer, ProduceError> {
        let mut kept = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*kept {
            return Ok(producer.clone());
        }
        Ok(kept.insert(TopicProducer::new(&self.brokers, &self.name)?).clone())
    }

    async fn look(&self) -> Result<(), ProduceError> {
        self.producer()?.check().await
    }

    async fn deliver(&self, given_up: &GivenUp) -> Result<(), ProduceError> {
        let producer = self.producer()?;
        let _turn = self.turns.wait().await;
        let message =
            |TopicMessage { key, value }| Message { key, value: value.into_bytes(), headers: Vec::new() };
        let delivered = producer.deliver(self.origin.topic_messages(given_up).into_iter().map(message)).await;
        if let Err(ProduceError::Broken { .. }) = &delivered {
            self.producer.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        delivered
    }
}

#[async_trait]
impl Destination for Topic {
    fn name(&self) -> String {
        format!("kafka://{}", self.name)
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.look().await.map_err(|source| error(&self.name(), source))
    }

    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError> {
        self.deliver(given_up).await.map_err(|source| error(&self.name(), source))
    }
}

#[cfg(test)]
mod tests;
