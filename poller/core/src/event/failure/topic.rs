//! What a topic of Kafka is told of records that were given up: one message for each, with the record itself.
//!
//! In: a failure of a mapping of Kafka. Out: messages, in the order of the records.

use super::batch_info::{BatchInfo, FailureSource, KafkaBatchInfo};
use super::{FailureEncoder, Payload, Report};
use crate::batch::Batch;
use crate::event::kafka::key_of;
use crate::record::Record;
use serde_json::value::RawValue;

/// A message for a topic that takes records that were given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMessage {
    /// The key of the record, so that its order is kept; `None`: it had none, and any partition may take it.
    pub key: Option<Vec<u8>>,
    /// What the message says: one JSON object on one line.
    pub value: String,
}

impl FailureEncoder {
    /// The messages for a topic: for each record, why it was given up, and as `payload` an event with nothing but this record.
    ///
    /// # Panics
    ///
    /// If the mapping is not of Kafka.
    pub fn topic_messages<'a>(&'a self, report: &'a Report<'a>) -> impl Iterator<Item = TopicMessage> + 'a {
        report.failure.batch.records().iter().map(|record| self.topic_message(report, record))
    }

    fn topic_message(&self, report: &Report<'_>, record: &Record) -> TopicMessage {
        let FailureSource::Kafka(cluster) = &self.source else {
            panic!("only a mapping of Kafka has a topic as its destination");
        };
        let alone = Batch::new(vec![record.clone()], report.failure.batch.envelope().clone());
        let event: Box<RawValue> =
            serde_json::from_slice(&alone.body().concat()).expect("an event is one JSON object");
        let batch_info = BatchInfo::Kafka(KafkaBatchInfo::of_one(cluster, &alone));
        let value = self.document(report, batch_info, Some(Payload::Event(&event)));
        TopicMessage { key: key_of(&record.encoded()), value }
    }
}
