//! Streams as lines of text, as `testing::shards` reads them.

use super::*;
use crate::starting_position::StartingPosition::Latest;
use crate::starting_position::{ShardStart, first_start};
use crate::testing::{RESHARDED, shards};
use crate::time::Timestamp;
use ShardProgress::{Finished, Unfinished};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn names<'a>(ids: impl IntoIterator<Item = &'a ShardId>) -> String {
    ids.into_iter().map(ShardId::as_str).collect::<Vec<_>>().join(" ")
}

fn known(finished: &[&str], unfinished: &[&str]) -> BTreeMap<ShardId, ShardProgress> {
    let finished = finished.iter().map(|name| (ShardId::new(name), Finished));
    finished.chain(unfinished.iter().map(|name| (ShardId::new(name), Unfinished))).collect()
}

mod appearing {
    use super::*;

    /// Of the listed shards, those that are not known are read from their beginning.
    fn check(listed: &[&str], known: &BTreeMap<ShardId, ShardProgress>, new: &str) {
        let appeared = later_shards(&shards(listed), known);
        assert!(appeared.iter().all(|shard| shard.start == Some(ShardStart::TrimHorizon)));
        assert_eq!(names(appeared.iter().map(|shard| &shard.id)), new);
    }

    #[test]
    fn children_are_read_from_their_beginning() {
        check(&["0 closed", "1 <- 0", "2 <- 0"], &known(&[], &["0"]), "1 2");
    }

    #[test]
    fn children_of_a_shard_that_latest_passed_over_are_read_from_their_beginning() {
        check(&["0 closed", "1 <- 0 closed", "2 <- 1"], &known(&["0"], &["1"]), "2");
    }

    #[test]
    fn shards_that_appear_without_parents_are_read_from_their_beginning() {
        check(&["0", "1"], &known(&[], &["0"]), "1");
    }

    #[test]
    fn children_that_were_resharded_before_anyone_saw_them_appear_with_their_own() {
        check(&["0 closed", "1 <- 0 closed", "2 <- 1 closed", "3 <- 2"], &known(&[], &["0"]), "1 2 3");
    }

    #[test]
    fn known_shards_do_not_appear_again() {
        check(&["0 closed", "1 <- 0"], &known(&["0"], &["1"]), "");
    }
}

mod running {
    use super::*;

    /// Nothing runs.
    fn idle() -> BTreeSet<ShardId> {
        BTreeSet::new()
    }

    /// With these shards finished and all other listed ones unfinished, these may be read.
    fn check(listed: &[&str], finished: &[&str], expected: &str) {
        let listed = shards(listed);
        let mut known: BTreeMap<_, _> = listed.iter().map(|shard| (shard.id.clone(), Unfinished)).collect();
        known.extend(finished.iter().map(|name| (ShardId::new(name), Finished)));
        assert_eq!(names(&startable(&listed, &known, &idle())), expected);
    }

    #[test]
    fn shards_without_parents_are_read_side_by_side() {
        check(&["0", "1", "2"], &[], "0 1 2");
    }

    #[test]
    fn children_of_a_split_wait_for_their_parent() {
        check(&["0 closed", "1 <- 0", "2 <- 0"], &[], "0");
        check(&["0 closed", "1 <- 0", "2 <- 0"], &["0"], "1 2");
    }

    #[test]
    fn the_child_of_a_merge_waits_for_both_parents() {
        check(&["0 closed", "1 closed", "2 <- 0 1"], &[], "0 1");
        check(&["0 closed", "1 closed", "2 <- 0 1"], &["0"], "1");
        check(&["0 closed", "1 closed", "2 <- 0 1"], &["1", "0"], "2");
    }

    #[test]
    fn generations_follow_each_other() {
        check(RESHARDED, &[], "0 1");
        check(RESHARDED, &["1"], "0");
        check(RESHARDED, &["0", "1"], "2 3");
        check(RESHARDED, &["0", "1", "2"], "3");
        check(RESHARDED, &["0", "1", "3"], "2 4");
        check(RESHARDED, &["0", "1", "2", "3", "4"], "");
    }

    #[test]
    fn a_parent_that_the_stream_no_longer_lists_counts_as_finished() {
        check(&["1 <- 0", "2 <- 0"], &[], "1 2");
        check(&["1 closed", "2 <- 0 1"], &[], "1");
        check(&["1 closed", "2 <- 0 1"], &["1"], "2");
    }

    #[test]
    fn a_shard_that_the_stream_no_longer_lists_is_not_read() {
        assert_eq!(startable(&shards(&["1"]), &known(&[], &["0", "1"]), &idle()), [ShardId::new("1")]);
    }

    #[test]
    fn a_shard_waits_for_a_listed_parent_of_which_nothing_is_known_yet() {
        assert_eq!(startable(&shards(&["0 closed", "1 <- 0"]), &known(&[], &["1"]), &idle()), []);
    }

    #[test]
    fn a_shard_of_which_nothing_is_known_is_not_read() {
        assert_eq!(startable(&shards(&["0"]), &known(&[], &[]), &idle()), []);
    }

    #[test]
    fn a_shard_that_runs_is_not_started_again() {
        let (listed, running) = (shards(&["0", "1"]), BTreeSet::from([ShardId::new("0")]));
        assert_eq!(names(&startable(&listed, &known(&[], &["0", "1"]), &running)), "1");
    }

    #[test]
    fn a_parent_that_is_no_longer_listed_is_waited_for_until_it_is_forgotten_and_does_not_run() {
        let (listed, running) = (shards(&["1 <- 0"]), BTreeSet::from([ShardId::new("0")]));
        assert_eq!(names(&startable(&listed, &known(&[], &["0", "1"]), &idle())), "");
        assert_eq!(names(&startable(&listed, &known(&[], &["1"]), &running)), "");
        assert_eq!(names(&startable(&listed, &known(&[], &["1"]), &idle())), "1");
    }

    #[test]
    fn under_latest_children_of_the_passed_over_are_read_at_once() {
        let listed = shards(RESHARDED);
        let known = first_start(Latest, &listed, NOW)
            .into_iter()
            .map(|new| (new.id, if new.start.is_some() { Unfinished } else { Finished }))
            .collect();
        assert_eq!(names(&startable(&listed, &known, &idle())), "2 4");
    }
}

mod believing {
    use super::*;

    #[test]
    fn a_finished_shard_that_is_open_and_has_no_children_has_not_ended() {
        let check = |listed: &[&str], finished: &[&str], expected: &str| {
            assert_eq!(names(&not_ended(&shards(listed), &known(finished, &["9"]))), expected);
        };
        check(&["0", "1", "9"], &["0"], "0");
        check(&["0 closed", "1 <- 0"], &["0"], "");
        check(&["0", "1 <- 0"], &["0"], "");
        check(&["1", "9"], &["0"], "");
    }

    #[track_caller]
    fn check(listed: &[&str], flawed: Option<&str>) {
        assert_eq!(flaw(&shards(listed)), flawed, "{listed:?}");
    }

    #[test]
    fn a_listing_names_a_shard_and_none_twice() {
        check(&["0"], None);
        check(RESHARDED, None);
        check(&[], Some("it names no shard"));
        check(&["0 closed", "1 <- 0 closed"], None);
        check(&["0", "1", "0"], Some("it names a shard twice"));
    }

    /// The two listings together are this one; `None`: they contradict each other.
    #[track_caller]
    fn check_together(earlier: &[&str], later: &[&str], expected: Option<&[&str]>) {
        let found = together(&shards(earlier), &shards(later));
        assert_eq!(found, expected.map(shards), "{earlier:?} and {later:?}");
    }

    #[test]
    fn two_listings_agree_also_if_shards_rolled_over_between_them() {
        check_together(RESHARDED, RESHARDED, Some(RESHARDED));
        let later: &[&str] = &["0 closed", "1 <- 0"];
        check_together(&["0"], later, Some(later));
        check_together(&["0 closed"], later, Some(later));
        let later: &[&str] = &["0 closed", "1 <- 0 closed", "2 <- 1"];
        check_together(&["0"], later, Some(later));
        check_together(&["0", "9"], &["9", "0 closed", "1 <- 0"], Some(&["9", "0 closed", "1 <- 0"]));
    }

    #[test]
    fn a_closed_shard_that_only_the_earlier_listing_names_still_counts() {
        check_together(
            &["0 closed", "1 <- 0 closed", "2 <- 1"],
            &["1 <- 0 closed", "2 <- 1 closed", "3 <- 2"],
            Some(&["0 closed", "1 <- 0 closed", "2 <- 1 closed", "3 <- 2"]),
        );
    }

    #[test]
    fn listings_that_no_rollover_explains_contradict_each_other() {
        for (earlier, later) in [
            // Open again, other parents, closed without a child, an open shard that vanished.
            (&["0 closed", "1 <- 0"][..], &["0", "1 <- 0"][..]),
            (&["0 closed", "1 <- 0"], &["0 closed", "1"]),
            (&["0"], &["0 closed"]),
            (&["0", "1"], &["0"]),
            // A shard out of nowhere, and another stream.
            (&["0"], &["0", "1"]),
            (&["0 closed"], &["8 closed", "9 <- 8"]),
            // A new shard of which a parent is overlooked.
            (&["0"], &["0 closed", "1 <- 0 closed", "3 <- 1 2"]),
        ] {
            check_together(earlier, later, None);
        }
    }
}
