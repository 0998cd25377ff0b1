//! One poller of a group: what is asked, committed, taken and given back after each thing that happens.

use super::*;
use crate::Position;
use crate::committed::Committed;
use crate::shard::Checkpoint;
use crate::starting_position::StartingPosition;
use crate::testing::at;
use std::time::Duration;

fn settings(starting_position: StartingPosition) -> Settings {
    Settings {
        topic: "t-1".into(),
        cluster: "broker:9092".into(),
        starting_position,
        until_caught_up: false,
        release_time: Duration::from_secs(10),
    }
}

struct Poller {
    group: Group,
    now: u64,
}

impl Poller {
    fn new(starting_position: StartingPosition) -> Self {
        Self { group: Group::new(settings(starting_position), 1), now: 0 }
    }

    /// The commands and the changes that follow.
    fn handle(&mut self, input: Input) -> String {
        self.group.handle(input, at(self.now));
        let commands = std::iter::from_fn(|| self.group.next_command()).map(|command| show(&command));
        let mut shown: Vec<String> = commands.collect();
        while let Some(change) = self.group.next_change() {
            shown.push(show_change(&change));
        }
        shown.join(", ")
    }

    fn release(&mut self, shard: &str, finished: Finished) -> String {
        let checkpoint = Checkpoint { position: Some(Position::new("41")), ..Checkpoint::default() };
        self.handle(Input::Released(Released { shard: ShardId::new(shard), finished, checkpoint }))
    }

    /// Partition 0 is read from its committed offset 42.
    fn reading(starting_position: StartingPosition) -> Self {
        let mut poller = Self::new(starting_position);
        poller.handle(Input::Assigned(vec![0]));
        poller.handle(known(&[(0, Some(42))]));
        poller
    }
}

/// Of each partition what is committed; each log holds the offsets 10 to 99, and those from 50 on are of the starting moment or later.
fn known(partitions: &[(Partition, Option<u64>)]) -> Input {
    let bounds = Bounds { start: 10, end: 100, since: Some(50) };
    let known = |(partition, offset): &(Partition, Option<u64>)| {
        (*partition, Known { committed: offset.map(Committed::at), bounds })
    };
    Input::Known(Ok(partitions.iter().map(known).collect()))
}

fn show(command: &Command) -> String {
    let places = |places: &mut dyn Iterator<Item = (Partition, u64)>| {
        places.map(|(partition, offset)| format!("{partition}@{offset}")).collect::<Vec<_>>().join(" ")
    };
    match command {
        Command::Ask(partitions) => format!("ask {partitions:?}"),
        Command::Fix(fixed) => {
            format!("fix {}", places(&mut fixed.iter().map(|(partition, place)| (*partition, place.offset))))
        }
        Command::Take(taken) => {
            format!("take {}", places(&mut taken.iter().map(|one| (one.partition, one.committed.offset))))
        }
        Command::GiveBack(partitions) => format!("give back {partitions:?}"),
    }
}

fn show_change(change: &Change) -> String {
    let names = |shards: &[ShardId]| shards.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match change {
        Change::Assigned(assigned) => {
            let one = |one: &Assigned| match &one.from {
                ReadFrom::After(position) => format!("{} after {position}", one.shard),
                from @ (ReadFrom::Latest { .. } | ReadFrom::Start(_)) => {
                    format!("{} from {from:?}", one.shard)
                }
            };
            assigned.iter().map(one).collect::<Vec<_>>().join(" + ")
        }
        Change::Revoked { shards, by } => {
            format!("revoke {} by {:?}", names(shards), by.map(|by| by.since(at(0)).as_secs()))
        }
        Change::Lost(shards) => format!("lose {}", names(shards)),
        Change::Polling => "polling".to_owned(),
        other @ (Change::Retention(_) | Change::Trimmed { .. } | Change::Waiting(_) | Change::CaughtUp) => {
            format!("{other:?}")
        }
    }
}

#[test]
fn what_is_committed_comes_before_the_starting_position() {
    for position in [StartingPosition::TrimHorizon, StartingPosition::Latest] {
        let mut poller = Poller::new(position);
        assert_eq!(poller.handle(Input::Assigned(vec![0])), "ask [0]");
        assert_eq!(poller.handle(known(&[(0, Some(42))])), "take 0@42, t-1-0 after 41, polling");
    }
}

#[test]
fn a_place_is_committed_before_the_first_read() {
    for (position, offset) in [
        (StartingPosition::TrimHorizon, 10),
        (StartingPosition::Latest, 100),
        (StartingPosition::AtTimestamp(at(0)), 50),
    ] {
        let mut poller = Poller::new(position);
        poller.handle(Input::Assigned(vec![0]));
        assert_eq!(poller.handle(known(&[(0, None)])), format!("fix 0@{offset}"));
        let after = format!("take 0@{offset}, t-1-0 after {}, polling", offset - 1);
        assert_eq!(poller.handle(Input::Fixed(Ok(()))), after);
    }
}

#[test]
fn a_partition_that_was_added_later_is_read_from_its_oldest_record() {
    let mut poller = Poller::new(StartingPosition::Latest);
    poller.handle(Input::Assigned(vec![1]));
    assert_eq!(poller.handle(known(&[(0, Some(42)), (1, None)])), "fix 1@10");
}

#[test]
fn an_offset_that_the_log_has_not_is_told_with_what_is_lost() {
    for (position, committed, offset, lost) in [
        (StartingPosition::TrimHorizon, 4, 10, 6),
        (StartingPosition::Latest, 4, 100, 96),
        (StartingPosition::TrimHorizon, 400, 10, 0),
    ] {
        let mut poller = Poller::new(position);
        poller.handle(Input::Assigned(vec![0]));
        assert_eq!(poller.handle(known(&[(0, Some(committed))])), format!("fix 0@{offset}"));
        let shard = ShardId::new("t-1-0");
        assert_eq!(poller.group.next_notice(), Some(Notice::OutOfRange { shard, lost }));
    }
}

#[test]
fn a_question_without_an_answer_is_asked_again_after_a_backoff() {
    let mut poller = Poller::new(StartingPosition::Latest);
    poller.handle(Input::Assigned(vec![0]));
    assert_eq!(poller.handle(Input::Known(Err("no broker".into()))), r#"Waiting(Trouble("no broker"))"#);
    let due = poller.group.next_wakeup().expect("it is asked again");
    poller.now = u64::try_from(due.since(at(0)).as_millis()).unwrap();
    assert_eq!(poller.handle(Input::TimePassed), "ask [0]");
    poller.handle(known(&[(0, None)]));
    assert!(poller.handle(Input::Fixed(Err("too slow".into()))).contains("too slow"));
    assert!(poller.group.next_wakeup().is_some());
    let lacking = known(&[(7, None)]);
    poller.now += 100_000;
    poller.handle(Input::TimePassed);
    assert!(poller.handle(lacking).contains("the answer lacks t-1-0"));
}

#[test]
fn a_revoked_partition_is_given_back_once_it_is_released_and_others_are_not_touched() {
    let mut poller = Poller::new(StartingPosition::Latest);
    poller.handle(Input::Assigned(vec![0, 1]));
    poller.handle(known(&[(0, Some(42)), (1, Some(43))]));
    assert_eq!(poller.handle(Input::Revoked(vec![0])), "revoke t-1-0 by Some(10)");
    assert_eq!(poller.release("t-1-0", Finished::Drained), "give back [0]");
    assert_eq!(poller.group.owned().collect::<Vec<_>>(), [1]);
}

#[test]
fn what_is_not_read_yet_is_given_back_at_once() {
    let mut poller = Poller::new(StartingPosition::Latest);
    poller.handle(Input::Assigned(vec![0]));
    assert_eq!(poller.handle(Input::Revoked(vec![0, 5])), "give back [0, 5]");
}

#[test]
fn a_partition_that_is_assigned_again_before_it_was_given_back_is_kept() {
    let mut poller = Poller::reading(StartingPosition::Latest);
    poller.handle(Input::Revoked(vec![0]));
    assert_eq!(poller.handle(Input::Assigned(vec![0])), "ask [0]");
    assert_eq!(poller.release("t-1-0", Finished::Drained), "");
    assert_eq!(poller.handle(known(&[(0, Some(44))])), "take 0@44, t-1-0 after 43, polling");
}

#[test]
fn what_is_lost_is_given_back_at_once_and_counts_no_more() {
    let mut poller = Poller::reading(StartingPosition::Latest);
    assert_eq!(poller.handle(Input::Lost(vec![0])), "give back [0], lose t-1-0");
    assert_eq!(poller.group.next_notice(), Some(Notice::Lost(vec![ShardId::new("t-1-0")])));
    assert_eq!(poller.release("t-1-0", Finished::Lost), "");
    assert_eq!(poller.group.owned().count(), 0);
}

#[test]
fn an_answer_about_what_was_lost_meanwhile_is_ignored() {
    let mut poller = Poller::new(StartingPosition::Latest);
    poller.handle(Input::Assigned(vec![0]));
    poller.handle(Input::Lost(vec![0]));
    assert_eq!(poller.handle(known(&[(0, Some(42))])), "");
}

#[test]
fn an_assignment_that_has_no_answer_yet_is_not_forgotten_for_the_next_one() {
    let mut poller = Poller::new(StartingPosition::Latest);
    poller.handle(Input::Assigned(vec![0]));
    assert_eq!(poller.handle(Input::Assigned(vec![8])), "ask [8, 0]");
    let both = known(&[(0, Some(42)), (8, Some(50))]);
    assert_eq!(poller.handle(both), "take 8@50 0@42, t-1-8 after 49 + t-1-0 after 41, polling");
}

#[test]
fn what_is_revoked_or_lost_before_it_was_taken_is_not_taken_and_the_rest_is() {
    for gone in [Input::Revoked(vec![0]), Input::Lost(vec![0])] {
        let mut poller = Poller::new(StartingPosition::Latest);
        poller.handle(Input::Assigned(vec![0, 1]));
        assert_eq!(poller.handle(gone), "give back [0]");
        let answer = known(&[(0, Some(42)), (1, Some(50))]);
        assert_eq!(poller.handle(answer), "take 1@50, t-1-1 after 49, polling");
    }
}

#[test]
fn once_every_partition_has_caught_up_the_mapping_has() {
    let mut poller = Poller::new(StartingPosition::TrimHorizon);
    poller.handle(Input::Assigned(vec![0, 1]));
    poller.handle(known(&[(0, Some(42)), (1, Some(43))]));
    assert_eq!(poller.release("t-1-0", Finished::CaughtUp), "");
    assert_eq!(poller.release("t-1-1", Finished::CaughtUp), "CaughtUp");
}
