//! One record, and where it stands.

use crate::sequence_number::SequenceNumber;
use crate::source::Source;
use std::borrow::Cow;

/// A record of an event, as its handler gets it beside the decoded payload.
///
/// The arrival time is left to `raw`: `aws_lambda_events` reads the `….9` of a Kinesis event as 9 ms past the second.
#[derive(Debug)]
pub struct Record<'a, S: Source> {
    /// ARN of the stream; for a Kafka cluster without one, its bootstrap servers.
    pub stream: &'a str,
    /// Id of the shard; of Kafka the topic and the partition: `orders-0`.
    pub shard: Cow<'a, str>,
    /// Names the record in its shard, and grows along it, with gaps.
    pub sequence_number: SequenceNumber,
    /// Records of the same key keep their order, whatever the mapping's ParallelizationFactor. Kinesis: the partition
    /// key; DynamoDB: the key of the item, as JSON; Kafka: the key, in base64. `None` if it has none.
    pub key: Option<Cow<'a, str>>,
    /// The whole record, as it stood in the event.
    pub raw: &'a S::Record,
}

impl<S: Source> Record<'_, S> {
    /// What names the records that this one must stay in order with: its key, or without one itself alone.
    #[must_use]
    pub fn order_key(&self) -> &str {
        self.key.as_deref().unwrap_or(self.sequence_number.as_str())
    }
}
