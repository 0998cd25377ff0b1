//! Addresses that others can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whether what listens on `address` is heard on the network: anything but this machine's own loopback.
#[must_use]
pub(crate) fn is_exposed(address: SocketAddr) -> bool {
    !is_loopback(address.ip())
}

/// Where this machine itself reaches what listens on `address`: nobody can be asked at `0.0.0.0`.
#[must_use]
pub(crate) fn from_here(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let ip: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

fn is_loopback(address: IpAddr) -> bool {
    // `::ffff:127.0.0.1` is 127.0.0.1.
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: bool) {
        assert_eq!(is_exposed(address.parse().unwrap()), expected, "{address}");
    }

    #[test]
    fn only_loopback_is_not_exposed() {
        check("127.0.0.1:0", false);
        check("127.9.9.9:4567", false);
        check("[::1]:4567", false);
        check("[::ffff:127.0.0.1]:4567", false);
        check("0.0.0.0:4567", true);
        check("[::]:4567", true);
        check("10.0.0.1:4567", true);
        check("[::ffff:10.0.0.1]:4567", true);
    }

    #[test]
    fn what_listens_everywhere_is_reached_from_here_on_loopback() {
        let check = |address: &str, expected: &str| {
            assert_eq!(from_here(address.parse().unwrap()), expected.parse().unwrap(), "{address}");
        };
        check("0.0.0.0:4567", "127.0.0.1:4567");
        check("[::]:4567", "[::1]:4567");
        check("10.0.0.1:4567", "10.0.0.1:4567");
        check("127.0.0.1:1", "127.0.0.1:1");
    }
}
