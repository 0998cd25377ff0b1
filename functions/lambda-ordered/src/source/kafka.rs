//! Records of Kafka topics.

use crate::record::Record;
use crate::response::ItemIdentifier;
use crate::sequence_number::SequenceNumber;
use crate::source::{Invocation, Run, Source, UnusableRecord};
use aws_lambda_events::kafka::{KafkaEvent, KafkaRecord};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Apache Kafka, with or without MSK. One event may hold several partitions: a failure stops its own only.
#[derive(Clone, Copy, Debug)]
pub enum Kafka {}

impl Source for Kafka {
    type Record = KafkaRecord;
    type Event = KafkaEvent;

    fn record<'a>(
        run: &'a Run<KafkaRecord>,
        raw: &'a KafkaRecord,
    ) -> Result<Record<'a, Self>, UnusableRecord> {
        let topic = raw.topic.as_deref().ok_or(UnusableRecord::without("topic"))?;
        let offset = SequenceNumber::new(raw.offset.to_string());
        Ok(Record {
            stream: run.stream.as_deref().ok_or(UnusableRecord::without("bootstrapServers"))?,
            shard: Cow::Owned(format!("{topic}-{}", raw.partition)),
            sequence_number: offset.map_err(|_| UnusableRecord::without("offset"))?,
            key: raw.key.as_deref().map(Cow::Borrowed),
            raw,
        })
    }

    /// Every one that was not handled: AWS says that only the listed records come again, and those behind the failed one
    /// were not tried.
    fn failures(rest: &[Record<'_, Self>]) -> Vec<ItemIdentifier> {
        let of = |record: &Record<'_, Self>| ItemIdentifier::Offset {
            partition: record.shard.clone().into_owned(),
            offset: record.raw.offset,
        };
        rest.iter().map(of).collect()
    }
}

/// The partitions in the order of their names: the same event is handled the same way each time.
impl From<KafkaEvent> for Invocation<KafkaRecord> {
    fn from(event: KafkaEvent) -> Self {
        let stream = event.event_source_arn.or(event.bootstrap_servers);
        let partitions: BTreeMap<_, _> = event.records.into_iter().collect();
        let run = |records| Run { stream: stream.clone(), records };
        Self { runs: partitions.into_values().map(run).collect(), window: None }
    }
}
