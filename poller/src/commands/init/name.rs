//! The name of a new application: that of its folder, its stream and its function, so that each must accept it.

use std::fmt;
use std::str::FromStr;

const LENGTH_MAX: usize = 40;

/// What a name may be, in words.
const ALLOWED: &str = "use 1 to 40 lowercase letters, digits and single hyphens; begin with a letter, and end with a letter or a digit";

/// A name of which cargo, CloudFormation and Kinesis accept what is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// As it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a part of logical ids, which have only letters and digits: `my-orders` is `MyOrders`.
    pub(super) fn logical_id(&self) -> String {
        let capitalized = |word: &str| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        };
        self.0.split('-').map(capitalized).collect()
    }
}

impl FromStr for Name {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = text.len() <= LENGTH_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(is_allowed)
            && text.split('-').all(|word| !word.is_empty());
        if is_name { Ok(Self(text.to_owned())) } else { Err(ALLOWED) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_accepted_by_all_that_is_named_after_it() {
        for good in ["orders", "my-orders", "o", "a1-2b", &"a".repeat(40)] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(41);
        for bad in [
            "",
            "Orders",
            "1orders",
            "-orders",
            "orders-",
            "my--orders",
            "my_orders",
            "a/b",
            "..",
            "ö",
            &too_long,
        ] {
            assert_eq!(bad.parse::<Name>(), Err(ALLOWED), "{bad}");
        }
    }

    #[test]
    fn a_logical_id_has_only_letters_and_digits() {
        assert_eq!("my-orders-2".parse::<Name>().unwrap().logical_id(), "MyOrders2");
    }
}
