use super::StartingPosition::{AtTimestamp, Latest, TrimHorizon};
use super::*;
use crate::testing::{RESHARDED, shards};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const THEN: Timestamp = Timestamp::from_millis(900_000);

/// At the very first start, each of the listed shards begins there (`None`: passed over).
fn check(position: StartingPosition, listed: &[&str], starts: &[(&str, Option<ShardStart>)]) {
    let expected: Vec<NewShard> =
        starts.iter().map(|(id, start)| NewShard { id: ShardId::new(id), start: *start }).collect();
    assert_eq!(first_start(position, &shards(listed), NOW), expected);
}

#[test]
fn trim_horizon_reads_every_shard_from_its_oldest_record() {
    let oldest = Some(ShardStart::TrimHorizon);
    check(TrimHorizon, &["0 closed", "1 <- 0", "2 <- 0"], &[("0", oldest), ("1", oldest), ("2", oldest)]);
}

#[test]
fn a_timestamp_holds_for_every_shard_closed_ones_included() {
    let then = Some(ShardStart::AtTimestamp(THEN));
    check(AtTimestamp(THEN), &["0 closed", "1 <- 0"], &[("0", then), ("1", then)]);
}

#[test]
fn latest_begins_with_the_open_shards_and_is_frozen_at_the_start() {
    let latest = Some(ShardStart::AfterLatest(NOW));
    let starts = [("0", None), ("1", None), ("2", latest), ("3", None), ("4", latest)];
    check(Latest, RESHARDED, &starts);
}

#[test]
fn latest_reads_a_shard_that_is_listed_as_closed_and_without_children() {
    let latest = Some(ShardStart::AfterLatest(NOW));
    check(Latest, &["0 closed", "1"], &[("0", latest), ("1", latest)]);
}

#[test]
fn a_stream_without_shards_has_nothing_to_start() {
    check(Latest, &[], &[]);
}
