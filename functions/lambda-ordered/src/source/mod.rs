//! Where records come from: what differs between Kinesis, DynamoDB Streams and Kafka.
//!
//! In: an event as Lambda sends it. Out: its records, shard by shard, each with its place; and how one that failed is
//! named in the answer. Fails on what the service never sends.

mod dynamodb;
mod kafka;
mod kinesis;
mod stream_event;

pub use dynamodb::DynamoDb;
pub use kafka::Kafka;
pub use kinesis::Kinesis;
pub use stream_event::StreamEvent;

use crate::record::Record;
use crate::response::ItemIdentifier;
use crate::window::WindowEvent;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A service that event source mappings read in order.
pub trait Source: Debug + Sized + 'static {
    /// A record, as `aws_lambda_events` has it.
    type Record: Debug;
    /// The whole event.
    type Event: DeserializeOwned + Into<Invocation<Self::Record>>;

    /// What the handler needs of a record of `run`.
    fn record<'a>(
        run: &'a Run<Self::Record>,
        raw: &'a Self::Record,
    ) -> Result<Record<'a, Self>, UnusableRecord>;

    /// What the answer names if the first of these failed, and so the rest of its shard was not tried.
    fn failures(rest: &[Record<'_, Self>]) -> Vec<ItemIdentifier>;
}

/// An event, taken apart.
#[derive(Debug)]
pub struct Invocation<R> {
    /// The records, one run for each shard or partition.
    pub runs: Vec<Run<R>>,
    /// What the event says of its tumbling window.
    pub window: Option<WindowEvent>,
}

/// Records of one shard or partition, in order.
#[derive(Debug)]
pub struct Run<R> {
    /// Names the stream, where that is not said by each record.
    pub stream: Option<String>,
    /// In the order of the stream.
    pub records: Vec<R>,
}

/// The event holds something that its service does not send. No retry will help.
#[derive(Debug, thiserror::Error)]
#[error("a record of the event has no usable {field}: was it sent by an event source mapping?")]
pub struct UnusableRecord {
    /// The field of the event.
    field: &'static str,
}

impl UnusableRecord {
    pub(crate) const fn without(field: &'static str) -> Self {
        Self { field }
    }
}
