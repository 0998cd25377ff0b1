//! A topic, and what a group has committed of it.

use super::cluster::{Cluster, admin_options};
use super::producer::{Message, Producer};
use super::{CALL_MAX, blocking};
use crate::wait;
use rdkafka::admin::NewPartitions;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;

/// An offset of each partition, of those that have one.
pub type Offsets = BTreeMap<i32, i64>;

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    cluster: Cluster,
    name: String,
}

impl Topic {
    pub(super) fn new(cluster: Cluster, name: String) -> Self {
        Self { cluster, name }
    }

    /// Its name; also that of the group that reads it, if a test has only one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Puts messages, in this order. Returns the offset of each.
    ///
    /// # Panics
    /// If a broker refuses one.
    pub async fn put(&self, messages: impl IntoIterator<Item = Message>) -> Vec<i64> {
        let (producer, messages) = (Producer::of(self), messages.into_iter().collect::<Vec<_>>());
        blocking(move || producer.put(&messages)).await
    }

    /// The same, with texts as values, into one partition.
    ///
    /// # Panics
    /// If a broker refuses one.
    pub async fn put_texts(
        &self,
        partition: i32,
        texts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Vec<i64> {
        self.put(texts.into_iter().map(|text| Message::text(partition, text.as_ref()))).await
    }

    /// The same, with numbers.
    ///
    /// # Panics
    /// If a broker refuses one.
    pub async fn put_numbers(&self, partition: i32, numbers: std::ops::Range<usize>) -> Vec<i64> {
        self.put_texts(partition, numbers.map(|number| number.to_string())).await
    }

    /// Has it have as many partitions as this.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn extend_to(&self, partitions: usize) {
        let wanted = NewPartitions::new(&self.name, partitions);
        let made = self.cluster.admin().create_partitions([&wanted], &admin_options()).await;
        made.expect("the brokers make partitions").remove(0).expect("the partitions are made");
    }

    /// Deletes the records of a partition below an offset.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn delete_records(&self, partition: i32, below: i64) {
        let list = self.list([(partition, below)]);
        let deleted = self.cluster.admin().delete_records(&list, &admin_options()).await;
        for element in deleted.expect("the brokers delete records").elements() {
            element.error().expect("the records are deleted");
        }
    }

    /// Deletes it.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn delete(&self) {
        let deleted = self.cluster.admin().delete_topics(&[&self.name], &admin_options()).await;
        deleted.expect("the brokers delete topics").remove(0).expect("the topic is deleted");
    }

    /// Makes it again, once its deletion has come to its end.
    ///
    /// # Panics
    /// If the brokers refuse.
    pub async fn make_again(&self, partitions: i32) {
        let is_gone = async || {
            let name = self.name.clone();
            let known =
                self.cluster.call(move |consumer| consumer.fetch_metadata(Some(&name), CALL_MAX)).await;
            known.is_ok_and(|known| known.topics()[0].partitions().is_empty()).then_some(())
        };
        wait::until("the topic is gone", is_gone).await;
        self.cluster.create_topic(&self.name, partitions, &[]).await;
    }

    /// What the group has committed.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn committed(&self, group: &str) -> Offsets {
        let texts = self.committed_texts(group).await;
        texts.into_iter().map(|(partition, (offset, _))| (partition, offset)).collect()
    }

    /// The same, each with the text beside it.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn committed_texts(&self, group: &str) -> BTreeMap<i32, (i64, String)> {
        let (topic, consumer) = (self.clone(), self.member_of(group));
        blocking(move || {
            let metadata = consumer.fetch_metadata(Some(&topic.name), CALL_MAX).expect("a broker answers");
            let mut list = TopicPartitionList::new();
            for partition in metadata.topics()[0].partitions() {
                list.add_partition(&topic.name, partition.id());
            }
            let answer = consumer.committed_offsets(list, CALL_MAX).expect("a broker answers");
            let known = answer.elements().into_iter().filter_map(|element| {
                let Offset::Offset(offset) = element.offset() else { return None };
                Some((element.partition(), (offset, element.metadata().to_owned())))
            });
            known.collect()
        })
        .await
    }

    /// Commits these offsets for a group that has no members: as an operator does who resets it.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn reset(&self, group: &str, offsets: impl IntoIterator<Item = (i32, i64)>) {
        let (list, consumer) = (self.list(offsets), self.member_of(group));
        blocking(move || consumer.commit(&list, CommitMode::Sync))
            .await
            .expect("a group without members is reset");
    }

    /// The first offset of a partition, and that of the next record.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn log(&self, partition: i32) -> (i64, i64) {
        let name = self.name.clone();
        self.cluster
            .call(move |consumer| consumer.fetch_watermarks(&name, partition, CALL_MAX))
            .await
            .expect("a log")
    }

    /// How many members the group has.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn members(&self, group: &str) -> usize {
        let group = group.to_owned();
        let members = self.cluster.call(move |consumer| {
            let list = consumer.fetch_group_list(Some(&group), CALL_MAX).expect("a broker answers");
            list.groups().iter().map(|group| group.members().len()).sum()
        });
        members.await
    }

    /// The values that stand in a partition, in order; of a tombstone, an empty one.
    ///
    /// # Panics
    /// If a broker refuses.
    pub async fn values(&self, partition: i32) -> Vec<String> {
        let topic = self.clone();
        let consumer: BaseConsumer = self
            .cluster
            .config()
            .set("group.id", "nobody")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .create()
            .expect("the settings are right");
        blocking(move || {
            consumer.assign(&topic.list([(partition, 0)])).expect("a partition is read");
            let mut values = Vec::new();
            loop {
                match consumer.poll(CALL_MAX).expect("a broker answers") {
                    Ok(message) => {
                        values.push(
                            String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned(),
                        );
                    }
                    Err(KafkaError::PartitionEOF(_)) => return values,
                    Err(error) => panic!("{error}"),
                }
            }
        })
        .await
    }

    /// A consumer that may ask for the group's offsets, and has not joined it.
    fn member_of(&self, group: &str) -> BaseConsumer {
        let mut config = self.cluster.config();
        config.set("group.id", group).create().expect("the settings are right")
    }

    fn list(&self, offsets: impl IntoIterator<Item = (i32, i64)>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            let added = list.add_partition_offset(&self.name, partition, Offset::Offset(offset));
            added.expect("an offset is not negative");
        }
        list
    }
}
