//! What a stream of a table forgets between two lives: records and closed shards that its function was done with, as if they were old.
//!
//! In: the journal of a function, and the fake. Out: a stream that keeps less. What is not done with stays: its loss would be nobody's
//! fault. So does the last batch of each shard, as the next life may begin with it.

use super::books::{Entry, Step};
use crate::dynamodb_streams::{DynamoDbStreams, ShardContent};
use std::collections::{HashMap, HashSet};

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Forgotten {
    pub(super) records: u64,
    pub(super) shards: u64,
}

/// Trims some of the records, and lets some of the shards vanish. The mapping has one batch of a shard at a time.
pub(super) fn forget(
    fake: &DynamoDbStreams,
    arn: &str,
    entries: &[Entry],
    random: &mut fastrand::Rng,
) -> Forgotten {
    let done = done_with(entries);
    let mut forgotten = Forgotten::default();
    for shard in fake.content(arn) {
        let Some(done) = done.get(shard.id.as_str()) else { continue };
        let leading = leading(&shard, &done.before_the_last);
        if !shard.is_open && leading + done.last.len() == shard.records.len() && random.bool() {
            forgotten.shards += u64::from(fake.forget_shard(arn, &shard.id));
        } else if leading > 0 {
            forgotten.records += fake.trim_to(arn, &shard.id, random.usize(..=leading)) as u64;
        }
    }
    forgotten
}

/// The sequence numbers of the records of a shard that its function was done with.
#[derive(Default)]
struct Done<'a> {
    before_the_last: HashSet<&'a str>,
    last: HashSet<&'a str>,
}

fn done_with(entries: &[Entry]) -> HashMap<&str, Done<'_>> {
    let mut done: HashMap<&str, Done<'_>> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.step == Step::Ended) {
        let shard = done.entry(&entry.shard).or_default();
        let batch: HashSet<&str> =
            entry.records.iter().map(|record| record.sequence_number.as_str()).collect();
        let before = std::mem::replace(&mut shard.last, batch);
        shard.before_the_last.extend(before);
        shard.before_the_last.retain(|number| !shard.last.contains(number));
    }
    done
}

/// How many records at the beginning of the shard are among these.
fn leading(shard: &ShardContent, done: &HashSet<&str>) -> usize {
    let number =
        |record: &serde_json::Value| record["dynamodb"]["SequenceNumber"].as_str().map(str::to_owned);
    let is_done =
        |record: &&serde_json::Value| number(record).is_some_and(|number| done.contains(number.as_str()));
    shard.records.iter().take_while(is_done).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::books::StreamRecord;

    #[test]
    fn the_last_batch_of_a_shard_is_not_forgotten() {
        let batch = |shard: &str, step, numbers: &[&str]| Entry {
            step,
            shard: shard.to_owned(),
            records: numbers
                .iter()
                .map(|number| StreamRecord { sequence_number: (*number).to_owned(), data: String::new() })
                .collect(),
            window: None,
        };
        let entries = [
            batch("a", Step::Ended, &["1", "2"]),
            batch("b", Step::Ended, &["7"]),
            batch("a", Step::Began, &["3"]),
            batch("a", Step::Ended, &["3"]),
            batch("a", Step::Failed, &["4"]),
        ];
        let done = done_with(&entries);
        assert_eq!(done["a"].before_the_last, HashSet::from(["1", "2"]));
        assert_eq!(done["a"].last, HashSet::from(["3"]));
        assert!(done["b"].before_the_last.is_empty());
        // The batch came again, cut otherwise.
        let again = [batch("a", Step::Ended, &["1", "2"]), batch("a", Step::Ended, &["2", "3"])];
        assert_eq!(done_with(&again)["a"].before_the_last, HashSet::from(["1"]));
    }
}
