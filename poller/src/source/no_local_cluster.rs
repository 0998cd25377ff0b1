//! What stands for the local Kafka in a build without the feature `kafka`: there is none.

/// There is none.
pub(crate) enum LocalCluster {}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
#[error(
    "this build of Pelton has no Kafka: the program that `cargo install --path poller` builds has (feature `kafka`)"
)]
pub(crate) struct LocalClusterError;

/// Partitions of a topic.
pub(crate) const PARTITIONS: i32 = 0;

impl LocalCluster {
    pub(crate) fn start() -> Result<Self, LocalClusterError> {
        Err(LocalClusterError)
    }

    pub(crate) fn bootstrap_servers(&self) -> &str {
        match *self {}
    }

    pub(crate) fn create_topic(&self, _: &str) -> Result<(), LocalClusterError> {
        match *self {}
    }
}
