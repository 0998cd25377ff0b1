//! Pelton runs AWS Lambda event source mappings anywhere: it does what `pelton-core` decided.

pub mod application;
pub mod aws;
pub mod build;
pub mod clock;
pub mod commands;
pub mod control;
pub mod data_dir;
pub mod descriptors;
pub mod destination;
pub mod doubts;
pub mod errors;
mod exposure;
mod http_get;
pub mod lambda;
pub mod live_view;
pub mod logging;
pub mod look_out;
pub mod mapping_settings;
pub mod metrics;
pub mod ports;
pub mod rebuild;
pub mod shard_worker;
pub mod source;
pub mod store;
pub mod supervisor;
pub mod template;
pub mod traffic;
