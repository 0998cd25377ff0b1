//! The brokers of a cluster, and how a client of them gets in: what whoever reads from a cluster and whoever writes into it share.

/// The brokers of a cluster. Not `Debug`: properties hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct KafkaBrokers {
    /// `host:port`, separated by commas.
    pub(crate) bootstrap_servers: String,
    /// How a client gets in: settings of librdkafka.
    pub(crate) properties: Vec<(String, String)>,
}

#[cfg(feature = "kafka")]
impl KafkaBrokers {
    /// What every client is told.
    pub(crate) fn config(&self) -> rdkafka::ClientConfig {
        let mut config = rdkafka::ClientConfig::new();
        for (key, value) in [
            ("bootstrap.servers", &*self.bootstrap_servers),
            ("client.id", "pelton"),
            ("allow.auto.create.topics", "false"),
            ("reconnect.backoff.max.ms", "2000"),
            // Azure Event Hubs closes connections that are silent for longer.
            ("metadata.max.age.ms", "180000"),
            ("connections.max.idle.ms", "180000"),
            ("socket.keepalive.enable", "true"),
            ("socket.nagle.disable", "true"),
            ("log.connection.close", "false"),
        ] {
            config.set(key, value);
        }
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        config
    }
}
