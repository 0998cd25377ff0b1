//! Records of DynamoDB Streams.

use crate::record::Record;
use crate::response::ItemIdentifier;
use crate::sequence_number::SequenceNumber;
use crate::source::{Run, Source, StreamEvent, UnusableRecord};
use aws_lambda_events::dynamodb::EventRecord;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// DynamoDB Streams. Its events do not name the shard, unless they have a window: `shard` is empty, and sequence numbers
/// grow along each item's changes.
#[derive(Clone, Copy, Debug)]
pub enum DynamoDb {}

impl Source for DynamoDb {
    type Record = EventRecord;
    type Event = StreamEvent<EventRecord>;

    fn record<'a>(
        _run: &'a Run<EventRecord>,
        raw: &'a EventRecord,
    ) -> Result<Record<'a, Self>, UnusableRecord> {
        let missing = UnusableRecord::without;
        let digits = raw.change.sequence_number.as_deref().ok_or(missing("SequenceNumber"))?;
        // A map that is not sorted would give the same item another key each time.
        let keys: BTreeMap<_, _> = raw.change.keys.iter().collect();
        let key = serde_json::to_string(&keys).map_err(|_| missing("Keys"))?;
        Ok(Record {
            stream: raw.event_source_arn.as_deref().ok_or(missing("eventSourceARN"))?,
            shard: Cow::Borrowed(""),
            sequence_number: SequenceNumber::new(digits).map_err(|_| missing("SequenceNumber"))?,
            key: Some(Cow::Owned(key)),
            raw,
        })
    }

    /// The lowest sequence number wins: everything from it on comes again.
    fn failures(rest: &[Record<'_, Self>]) -> Vec<ItemIdentifier> {
        ItemIdentifier::of_the_first(rest)
    }
}
