//! Brokers in this process, for local use: librdkafka's own stand-in for a cluster.
//!
//! In: topics to make. Out: bootstrap servers on loopback. Everything is in memory and ends with the value. A partition keeps its last
//! 5 MiB, and offsets cannot be looked up by time.

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Partitions of a topic.
pub(crate) const PARTITIONS: i32 = 4;

/// A cluster in this process. It may only be used by the thread that made it, which is one of its own.
pub(crate) struct LocalCluster {
    servers: String,
    topics: Option<SyncSender<Topic>>,
    thread: Option<JoinHandle<()>>,
}

/// A topic to make, and who wants to know of it.
struct Topic {
    name: String,
    made: SyncSender<Result<(), KafkaError>>,
}

/// Why there is no cluster, or no topic.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalClusterError {
    /// librdkafka refuses.
    #[error("librdkafka refuses")]
    Refused(#[from] KafkaError),
    /// The system gives no thread.
    #[error("no thread can be started")]
    NoThread(#[from] std::io::Error),
}

impl LocalCluster {
    /// A cluster of one broker, without topics.
    pub(crate) fn start() -> Result<Self, LocalClusterError> {
        let (started, start) = sync_channel(1);
        let (topics, asked) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("kafka-cluster".to_owned())
            .spawn(move || serve(&started, &asked))?;
        let servers = start.recv().expect("the thread says how it went")?;
        Ok(Self { servers, topics: Some(topics), thread: Some(thread) })
    }

    /// `host:port`.
    pub(crate) fn bootstrap_servers(&self) -> &str {
        &self.servers
    }

    /// Makes a topic that is not there.
    pub(crate) fn create_topic(&self, name: &str) -> Result<(), LocalClusterError> {
        let (made, answer) = sync_channel(1);
        let topics = self.topics.as_ref().expect("the thread goes on until this is dropped");
        topics.send(Topic { name: name.to_owned(), made }).expect("the thread listens");
        Ok(answer.recv().expect("the thread answers")?)
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        self.topics.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the local Kafka has panicked");
        }
    }
}

fn serve(started: &SyncSender<Result<String, KafkaError>>, topics: &Receiver<Topic>) {
    let cluster = MockCluster::new(1);
    let told = cluster.as_ref().map(MockCluster::bootstrap_servers).map_err(Clone::clone);
    // Whoever started it waits for this.
    started.send(told).ok();
    let Ok(cluster) = cluster else { return };
    while let Ok(Topic { name, made }) = topics.recv() {
        made.send(cluster.create_topic(&name, PARTITIONS, 1)).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka_access::{Access, Brokers};
    use crate::kafka_producer::{Message, ProduceError, TopicProducer};

    #[tokio::test]
    async fn a_local_cluster_has_the_topics_that_were_made_and_no_others_until_it_is_dropped() {
        let cluster = LocalCluster::start().unwrap();
        cluster.create_topic("clicks").unwrap();
        let brokers =
            Brokers { bootstrap_servers: cluster.bootstrap_servers().to_owned(), access: Access::default() };
        let clicks = TopicProducer::new(&brokers, "clicks").unwrap();
        clicks.deliver([Message { value: b"one".to_vec(), ..Message::default() }]).await.unwrap();
        let others = TopicProducer::new(&brokers, "orders").unwrap();
        assert!(matches!(others.check().await, Err(ProduceError::NoTopic { .. })));
        cluster.create_topic("orders").unwrap();
        others.check().await.unwrap();
        drop(cluster);
        let gone = TopicProducer::new(&brokers, "orders").unwrap().check().await;
        assert!(matches!(gone, Err(ProduceError::NoAnswer { .. })), "{gone:?}");
    }
}
