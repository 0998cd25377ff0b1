//! Pelton runs AWS Lambda event source mappings anywhere: it does what `pelton-core` decided.

mod agreement;
pub mod aws;
pub mod build;
pub mod clock;
pub mod commands;
pub mod control;
pub mod data_dir;
pub mod descriptors;
pub mod destination;
pub mod errors;
mod exposure;
mod group_client;
mod http_get;
mod http_serve;
mod in_flight;
#[cfg(feature = "kafka")]
mod kafka_access;
#[cfg(feature = "kafka")]
mod kafka_producer;
pub mod lambda;
pub mod live_view;
pub mod logging;
pub mod look_out;
pub mod metrics;
pub mod ownership;
pub mod poller;
pub mod ports;
pub mod rebuild;
pub mod shard_worker;
mod shown_record;
pub mod signals;
pub mod source;
pub mod starting;
pub mod store;
pub mod stream_checks;
pub mod stream_notice;
pub mod supervisor;
pub mod traffic;
pub mod user_error;
