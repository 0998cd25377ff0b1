//! Messages to librdkafka's own stand-in for brokers.

use super::*;
use crate::kafka_access::Access;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};
use std::net::TcpListener;

pub(crate) type Mock = MockCluster<'static, DefaultProducerContext>;

/// A cluster with this topic, of one partition.
pub(crate) fn brokers_with(topic: &str) -> (Mock, Brokers) {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic(topic, 1, 1).unwrap();
    let bootstrap_servers = mock.bootstrap_servers();
    (mock, Brokers { bootstrap_servers, access: Access::default() })
}

/// The first messages of the only partition of a topic.
pub(crate) fn messages_of(brokers: &Brokers, topic: &str, count: usize) -> Vec<Message> {
    let consumer: BaseConsumer = brokers.config().set("group.id", "test").create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let message = |_| {
        let message = consumer.poll(Duration::from_secs(30)).expect("there is another message").unwrap();
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap().to_vec())).collect()
        });
        Message {
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().unwrap().to_vec(),
            headers: headers.unwrap_or_default(),
        }
    };
    (0..count).map(message).collect()
}

fn message(key: Option<&str>, value: &str) -> Message {
    Message { key: key.map(|key| key.as_bytes().to_vec()), value: value.into(), headers: Vec::new() }
}

#[tokio::test]
async fn messages_are_in_the_topic_in_their_order_with_key_and_headers() {
    let (_mock, brokers) = brokers_with("clicks");
    let producer = TopicProducer::new(&brokers, "clicks").unwrap();
    let headers = vec![("trace".to_owned(), b"1".to_vec()), ("trace".to_owned(), b"2".to_vec())];
    let messages =
        [Message { headers, ..message(Some("a"), "one") }, message(None, "two"), message(Some("a"), "")];
    producer.check().await.unwrap();
    producer.deliver(messages.clone()).await.unwrap();
    assert_eq!(messages_of(&brokers, "clicks", 3), messages);
    assert_eq!(producer.taken(), (3, 6));
}

#[tokio::test]
async fn a_topic_that_is_missing_is_said_and_not_created() {
    let (_mock, brokers) = brokers_with("clicks");
    let producer = TopicProducer::new(&brokers, "click").unwrap();
    let is_missing = |answer| matches!(answer, Err(ProduceError::NoTopic { .. }));
    assert!(is_missing(producer.check().await));
    assert!(is_missing(producer.deliver([message(None, "one")]).await));
    assert!(is_missing(producer.check().await), "nobody has made it");
}

#[tokio::test]
async fn what_a_broker_refuses_is_told_in_its_words() {
    let (mock, brokers) = brokers_with("clicks");
    let producer = TopicProducer::new(&brokers, "clicks").unwrap();
    mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    let refused = producer.deliver([message(None, "one")]).await.unwrap_err();
    assert!(
        refused.to_string().ends_with("refuses: MessageSizeTooLarge (Broker: Message size too large)"),
        "{refused}"
    );
    producer.deliver([message(None, "two")]).await.unwrap();
    assert_eq!(producer.taken(), (1, 3), "what was refused does not count");
}

#[tokio::test]
async fn brokers_that_do_not_answer_are_named_with_the_reason() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let brokers = Brokers { bootstrap_servers: nobody.clone(), access: Access::default() };
    let error = TopicProducer::new(&brokers, "clicks").unwrap().check().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("no broker answers: {nobody}: ")), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
}
