//! Addresses that others can reach.

use std::net::{IpAddr, SocketAddr};

/// Whether what listens on `address` is heard on the network: anything but this machine's own loopback.
#[must_use]
pub(crate) fn is_exposed(address: SocketAddr) -> bool {
    !is_loopback(address.ip())
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
}
