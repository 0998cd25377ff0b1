//! The bootstrap servers of a cluster: `HOST:PORT` of the brokers that a client asks first.

use super::super::arn::consists_of;
use super::super::limits::{BOOTSTRAP_SERVER_CHARS_MAX, BOOTSTRAP_SERVERS_MAX};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// From one to ten `HOST:PORT`, in the order in which they are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapServers(Vec<String>);

/// Why texts are no bootstrap servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoBootstrapServers {
    /// There are none.
    Empty,
    /// More than AWS takes.
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// One of them is not `HOST:PORT`.
    NoServer(String),
}

impl BootstrapServers {
    /// The servers that these texts name. A text may name several, with commas between them.
    ///
    /// # Errors
    ///
    /// If there is none, too many, or one that is not `HOST:PORT`.
    pub fn of(texts: &[String]) -> Result<Self, NoBootstrapServers> {
        let servers: Vec<&str> = texts.iter().flat_map(|text| text.split(',')).map(str::trim).collect();
        if servers.iter().all(|server| server.is_empty()) {
            return Err(NoBootstrapServers::Empty);
        }
        if let Some(wrong) = servers.iter().find(|server| !is_server(server)) {
            return Err(NoBootstrapServers::NoServer((*wrong).to_owned()));
        }
        match servers.len() {
            count if count > BOOTSTRAP_SERVERS_MAX => Err(NoBootstrapServers::TooMany { count }),
            _ => Ok(Self(servers.into_iter().map(str::to_owned).collect())),
        }
    }

    /// Whether all of them are on this machine.
    #[must_use]
    pub fn are_local(&self) -> bool {
        let is_local = |server: &String| {
            let host = server.rsplit_once(':').map_or(&**server, |(host, _)| host);
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        };
        !self.0.is_empty() && self.0.iter().all(is_local)
    }

    /// In the place of servers that are wrong, so that the rest is checked as well.
    pub(in super::super) fn stand_in() -> Self {
        Self(Vec::new())
    }

    /// Each of them.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether one of them is among the others, too: AWS takes both for the same cluster.
    #[must_use]
    pub fn meets(&self, others: &Self) -> bool {
        self.0.iter().any(|server| others.0.contains(server))
    }
}

impl fmt::Display for BootstrapServers {
    /// With commas between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl FromStr for BootstrapServers {
    type Err = NoBootstrapServers;

    fn from_str(text: &str) -> Result<Self, NoBootstrapServers> {
        Self::of(&[text.to_owned()])
    }
}

impl fmt::Display for NoBootstrapServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no HOST:PORT"),
            Self::TooMany { count } => write!(f, "{count} are more than {BOOTSTRAP_SERVERS_MAX}"),
            Self::NoServer(text) => write!(f, "`{text}` is not HOST:PORT"),
        }
    }
}

impl std::error::Error for NoBootstrapServers {}

/// AWS's pattern, and beyond it what a host is called on a machine or in a network of containers.
fn is_server(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let ipv6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match ipv6 {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => consists_of(host, "-._"),
    };
    let is_port =
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    is_host && is_port && text.len() <= BOOTSTRAP_SERVER_CHARS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(texts: &[&str], expected: Result<&str, NoBootstrapServers>) {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let servers = BootstrapServers::of(&texts).map(|servers| servers.to_string());
        assert_eq!(servers.as_deref().map_err(Clone::clone), expected);
    }

    #[test]
    fn bootstrap_servers_are_a_list_or_a_text_with_commas() {
        check(&["b-1.shop:9092", "b-2.shop:9092"], Ok("b-1.shop:9092,b-2.shop:9092"));
        check(&[" b-1:9092, b-2:9093 "], Ok("b-1:9092,b-2:9093"));
        check(
            &["127.0.0.1:9092", "[::1]:9092", "kafka_1:65535"],
            Ok("127.0.0.1:9092,[::1]:9092,kafka_1:65535"),
        );
    }

    #[test]
    fn a_bootstrap_server_has_a_host_and_a_port() {
        for wrong in [
            "broker",
            "broker:",
            ":9092",
            "broker:0",
            "broker:65536",
            "broker:+1",
            "PLAINTEXT://broker:9092",
            "::1:9092",
        ] {
            check(&["ok:1", wrong], Err(NoBootstrapServers::NoServer(wrong.to_owned())));
        }
        check(&["a:1,,b:2"], Err(NoBootstrapServers::NoServer(String::new())));
        let long = format!("{}:9092", "a".repeat(296));
        check(&[&long], Err(NoBootstrapServers::NoServer(long.clone())));
        check(&[&long[1..]], Ok(&long[1..]));
    }

    #[test]
    fn there_are_from_one_to_ten_bootstrap_servers() {
        for nothing in [&[][..], &[""], &[" , "]] {
            check(nothing, Err(NoBootstrapServers::Empty));
        }
        let servers = |count: usize| vec!["a:1"; count].join(",");
        check(&[&servers(10)], Ok(&servers(10)));
        check(&[&servers(11)], Err(NoBootstrapServers::TooMany { count: 11 }));
    }
}
