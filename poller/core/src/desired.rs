//! What has to change so that what runs becomes what is desired.

use std::collections::BTreeMap;

/// The difference between what runs and what is desired, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference<K> {
    /// Runs, and is not desired, or not as it runs.
    pub stop: Vec<K>,
    /// Is desired, and does not run, or not as it is desired. What is in both is to be stopped first.
    pub start: Vec<K>,
}

impl<K: Clone + Ord> Difference<K> {
    /// What turns `running` into `desired`. What is equal in both is not touched.
    #[must_use]
    pub fn between<V: PartialEq>(running: &BTreeMap<K, V>, desired: &BTreeMap<K, V>) -> Self {
        Self { stop: not_in(running, desired), start: not_in(desired, running) }
    }
}

fn not_in<K: Clone + Ord, V: PartialEq>(these: &BTreeMap<K, V>, others: &BTreeMap<K, V>) -> Vec<K> {
    let differing = these.iter().filter(|(name, value)| others.get(*name) != Some(value));
    differing.map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each letter is a name, the digit behind it what it is.
    #[track_caller]
    fn check(running: &str, desired: &str, stop: &str, start: &str) {
        let parse = |text: &str| -> BTreeMap<char, char> {
            let letters: Vec<char> = text.chars().filter(|letter| *letter != ' ').collect();
            letters.chunks(2).map(|pair| (pair[0], pair[1])).collect()
        };
        let difference = Difference::between(&parse(running), &parse(desired));
        let expected = Difference { stop: stop.chars().collect(), start: start.chars().collect() };
        assert_eq!(difference, expected);
    }

    #[test]
    fn what_is_added_starts_and_what_is_removed_stops() {
        check("", "a1 b1", "", "ab");
        check("a1 b1", "b1", "a", "");
    }

    #[test]
    fn what_changes_stops_and_starts_and_all_else_is_left_alone() {
        check("a1 b1 c1", "a1 b2 c1", "b", "b");
        check("a1 b1", "a1 b1", "", "");
    }
}
