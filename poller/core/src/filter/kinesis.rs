//! What of a record of Kinesis is matched: `data`, and everything else that the invocation event says of it.
//!
//! In: the record as it was read. Never builds the event.

use super::payload::{self, Content};
use super::{Fields, Filters};
use crate::time::Timestamp;

/// A record of Kinesis as filters see it.
#[derive(Clone, Copy, Debug)]
pub struct KinesisView<'a> {
    /// The payload, not base64.
    pub data: &'a [u8],
    /// Absent on streams that distribute records themselves.
    pub partition_key: Option<&'a str>,
    /// Decimal digits.
    pub sequence_number: &'a str,
    /// approximateArrivalTimestamp
    pub arrival: Timestamp,
    /// What all records of its shard have in common.
    pub origin: KinesisOrigin<'a>,
}

/// What all records of one shard have in common.
#[derive(Clone, Copy, Debug)]
pub struct KinesisOrigin<'a> {
    /// Such as `shardId-000000000006`.
    pub shard_id: &'a str,
    /// The mapping's EventSourceArn.
    pub event_source_arn: &'a str,
    /// awsRegion
    pub region: &'a str,
    /// invokeIdentityArn
    pub invoke_identity_arn: &'a str,
}

impl Filters {
    pub(super) fn kinesis_fields<'a>(&'a self, view: &KinesisView<'a>) -> (Fields<'a>, Content) {
        let mut fields = Fields::new(self.patterns.names());
        if self.uses.iter().any(Option::is_none) {
            add_metadata(&mut fields, view);
        }
        let looks_into_data = self.uses.iter().any(Option::is_some);
        let content =
            if looks_into_data { payload::add(&mut fields, "data", view.data) } else { Content::Unreadable };
        (fields, content)
    }
}

/// As in the event (specification 7.1), where half of it stands under `kinesis`: patterns may name it with or without that.
fn add_metadata(fields: &mut Fields<'_>, view: &KinesisView<'_>) {
    let KinesisOrigin { shard_id, event_source_arn, region, invoke_identity_arn } = view.origin;
    if let Some(partition_key) = view.partition_key {
        fields.add_value("partitionKey", || quoted(partition_key));
    }
    fields.add_value("kinesisSchemaVersion", || quoted("1.0"));
    fields.add_value("sequenceNumber", || quoted(view.sequence_number));
    fields.add_value("approximateArrivalTimestamp", || view.arrival.to_string());
    fields.add_value("eventSource", || quoted("aws:kinesis"));
    fields.add_value("eventVersion", || quoted("1.0"));
    fields.add_value("eventID", || format!("\"{shard_id}:{}\"", view.sequence_number));
    fields.add_value("eventName", || quoted("aws:kinesis:record"));
    fields.add_value("invokeIdentityArn", || quoted(invoke_identity_arn));
    fields.add_value("awsRegion", || quoted(region));
    fields.add_value("eventSourceARN", || quoted(event_source_arn));
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
