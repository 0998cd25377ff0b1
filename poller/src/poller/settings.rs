//! How a poller runs, whoever says so.

use pelton_model::SessionTimeout;
use std::net::SocketAddr;
use std::time::Duration;

/// How a poller runs.
#[derive(Clone, Debug)]
pub struct PollerSettings {
    /// Where its API listens; port 0 picks a free port.
    pub listen: SocketAddr,
    /// Who takes failed records of streams on this machine; `None`: files in the data folder, unless an endpoint for such records
    /// is configured.
    pub destinations: Option<DestinationsAt>,
    /// How often a shard without traffic is read.
    pub poll_interval: Duration,
    /// How long a consumer of Kafka may be silent before the broker gives its partitions to others.
    pub kafka_session_timeout: SessionTimeout,
    /// How long batches in flight may take to finish when it stops.
    pub grace: Duration,
}

/// Who takes records that are given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DestinationsAt {
    /// The standard AWS chain says where.
    Aws,
}
