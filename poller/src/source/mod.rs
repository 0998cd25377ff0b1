//! Streams: how Pelton reads them, and the one that it brings along.
//!
//! In: a mapping, and clients of the services. Out: a [`crate::ports::Source`] ([`Sources::open`]): of Kinesis, or of a table's stream. What
//! all readers of the process hold in memory stays within one [`budget`]. [`embedded`] serves the Kinesis API on loopback; it is
//! read through the same client as any other stream.

pub(crate) mod api_error;
pub mod aws;
pub mod budget;
mod by_iterator;
#[cfg(feature = "aws")]
pub mod dynamodb;
pub mod embedded;
#[cfg(feature = "kafka")]
pub(crate) mod kafka;
pub mod kinesis;
#[cfg(any(test, not(feature = "aws")))]
#[cfg_attr(feature = "aws", allow(dead_code, reason = "here only its tests use it"))]
pub mod no_dynamodb;
#[cfg(not(feature = "kafka"))]
pub(crate) mod no_local_cluster;
mod page_memory;
mod sources;

#[cfg(feature = "kafka")]
pub(crate) use kafka::local_cluster;
#[cfg(not(feature = "aws"))]
pub use no_dynamodb as dynamodb;
#[cfg(not(feature = "kafka"))]
pub(crate) use no_local_cluster as local_cluster;
pub use sources::{OpenedSource, Sources, StreamsAt};
