//! The brokers of a cluster, and how a client of them gets in: what whoever reads from a cluster and whoever writes into it share.

use rdkafka::ClientConfig;
use rdkafka::client::OAuthToken;
use rdkafka::error::RDKafkaErrorCode;

/// How a client gets in.
#[derive(Clone, Default)]
pub(crate) struct Access {
    /// Settings of librdkafka.
    properties: Vec<(&'static str, String)>,
}

/// Brokers, and how a client gets in.
#[derive(Clone)]
pub(crate) struct Brokers {
    /// `host:port`, with commas between them.
    pub(crate) bootstrap_servers: String,
    pub(crate) access: Access,
}

impl Brokers {
    /// What every client of theirs has in common.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
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
        for (key, value) in &self.access.properties {
            config.set(*key, value);
        }
        config
    }
}

impl Access {
    /// A token of OAUTHBEARER, with which a client gets in.
    pub(crate) fn token(&self, _: &tokio::runtime::Handle) -> Result<OAuthToken, String> {
        Err("nothing hands out tokens".to_owned())
    }
}

/// The line for an error of this code, worded so, of a client of these bootstrap servers.
pub(crate) fn failure(_: Option<RDKafkaErrorCode>, words: &str, servers: &str) -> String {
    format!("{servers}: {words}")
}
