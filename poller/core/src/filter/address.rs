//! Addresses of IP, for `cidr` and for literals that are addresses.
//!
//! In: an address or a range as it is written. Out: its hexadecimal digits, and whether others lie within. An address that is a
//! literal of a pattern matches however it is written, as in event-ruler: `::1` is `0:0:0:0:0:0:0:1`.

use std::net::Ipv6Addr;

/// Addresses from `bottom` to `top`, both of them included, as hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddressRange {
    bottom: String,
    top: String,
}

/// The hexadecimal digits of an address: 8 of IPv4, 32 of IPv6. `None` for what is none.
pub(super) fn digits(address: &str) -> Option<String> {
    octets(address).map(|octets| hexadecimal(&octets))
}

impl AddressRange {
    /// Only `address`.
    pub(super) fn single(address: &str) -> Option<Self> {
        let digits = digits(address)?;
        Some(Self { bottom: digits.clone(), top: digits })
    }

    /// A range such as `10.0.0.0/8`.
    ///
    /// # Errors
    ///
    /// What is allowed, if `text` is none.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        // A slash at the end is let pass, as event-ruler does.
        let (address, mask) = text
            .trim_end_matches('/')
            .split_once('/')
            .ok_or("cidr takes an address, a slash and a number of bits")?;
        let octets = octets(address).ok_or("cidr takes an address of IPv4 or IPv6 before the slash")?;
        let bits = octets.len() * 8;
        let mask: usize = mask.parse().map_err(|_| "cidr takes a number of bits after the slash")?;
        if mask >= bits {
            return Err("cidr takes 0 to 31 bits of IPv4 and 0 to 127 of IPv6");
        }
        let bounded = |free: u8| {
            let bound = octets.iter().enumerate().map(|(index, octet)| {
                let fixed = u32::try_from(mask.saturating_sub(index * 8).min(8)).unwrap_or(8);
                let variable = 0xff_u8.checked_shr(fixed).unwrap_or_default();
                (octet & !variable) | (free & variable)
            });
            hexadecimal(&bound.collect::<Vec<u8>>())
        };
        Ok(Self { bottom: bounded(0), top: bounded(0xff) })
    }

    /// Whether `digits` lie within.
    ///
    /// They are compared one after the other, and what follows the digit that decides is not looked at. So digits of IPv6 may lie
    /// within a range of IPv4, and so may the digits of a number: event-ruler sees it so, and passes such a record.
    pub(super) fn contains(&self, digits: &str) -> bool {
        let (mut is_above_bottom, mut is_below_top) = (false, false);
        for ((digit, bottom), top) in digits.bytes().zip(self.bottom.bytes()).zip(self.top.bytes()) {
            let is_digit = matches!(digit, b'0'..=b'9' | b'A'..=b'F');
            if !is_digit || (!is_above_bottom && digit < bottom) || (!is_below_top && digit > top) {
                return false;
            }
            is_above_bottom |= digit > bottom;
            is_below_top |= digit < top;
            if is_above_bottom && is_below_top {
                return true;
            }
        }
        digits.len() >= self.bottom.len()
    }
}

/// The address in bytes; one of IPv4 within IPv6 (`::ffff:0a00:1`) is one of IPv4, as in Java.
fn octets(address: &str) -> Option<Vec<u8>> {
    if !address.contains(':') {
        return four(address);
    }
    if address.contains('.') {
        return None;
    }
    let six: Ipv6Addr = address.parse().ok()?;
    Some(six.to_ipv4_mapped().map_or_else(|| six.octets().to_vec(), |four| four.octets().to_vec()))
}

/// Longest address of IPv4: `255.255.255.255`.
const IPV4_LEN_MAX: usize = 15;

/// Zeros before a number are allowed, as in Java, and decimal.
fn four(address: &str) -> Option<Vec<u8>> {
    if address.len() > IPV4_LEN_MAX {
        return None;
    }
    let octets: Vec<u8> = address
        .split('.')
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten())
        .collect::<Option<_>>()?;
    (octets.len() == 4).then_some(octets)
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, address: &str, expected: bool) {
        let range = AddressRange::parse(range).unwrap();
        assert_eq!(digits(address).is_some_and(|digits| range.contains(&digits)), expected, "{address}");
    }

    #[test]
    fn a_range_holds_the_addresses_whose_first_bits_are_its_own() {
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.1.2.3/8", "10.0.0.0", true);
        check("192.168.1.128/25", "192.168.1.127", false);
        check("192.168.1.128/25", "192.168.1.128", true);
        check("0.0.0.0/0", "255.255.255.255", true);
        check("10.0.0.4/31", "10.0.0.5", true);
        check("10.0.0.4/31", "10.0.0.6", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::", false);
        check("10.0.0.0/8", "::ffff:a01:203", true);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in
            ["10.0.0.0", "10.0.0.0/32", "::/128", "10.0.0/8", "10.0.0.0/x", "/8", "10.0.0.256/8", "a/8"]
        {
            assert!(AddressRange::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        assert_eq!(digits("10.0.0.1"), digits("010.0.00.1"));
        assert_eq!(digits("::1"), digits("0:0:0:0:0:0:0:1"));
        assert_eq!(digits("2001:DB8::"), digits("2001:db8:0::0"));
        for text in ["", ":", "1.2.3", "1.2.3.4.5", "1.2.3.", "1.2.3.1000", "::ffff:1.2.3.4", "12345::"] {
            assert_eq!(digits(text), None, "{text}");
        }
    }
}
