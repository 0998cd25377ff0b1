//! One mapping of one stream: what is asked, kept and assigned after each answer.

use super::*;
use crate::Position;
use crate::ownership::{Assigned, Released};
use crate::shard::{Checkpoint, Finished};
use crate::starting_position::{ShardStart, StartingPosition};
use crate::stream::{ReadFrom, StreamIdentity};
use crate::testing::{at, millis};

const DAY: Duration = Duration::from_secs(86_400);

fn id(name: &str) -> ShardId {
    ShardId::new(name)
}

fn stream(created: u64) -> StreamDescription {
    let (arn, created) = ("arn".to_owned(), at(created));
    StreamDescription { arn, created, retention: DAY, status: StreamStatus::Active }
}

/// `a b!<a c<a,b`: an open shard, a closed child of it, and one of both.
fn listing(text: &str) -> Vec<ListedShard> {
    let shard = |text: &str| {
        let (name, parents) = text.split_once('<').unwrap_or((text, ""));
        let parents = parents.split(',').filter(|parent| !parent.is_empty()).map(id).collect();
        ListedShard { id: id(name.trim_end_matches('!')), parents, is_open: !name.ends_with('!') }
    };
    text.split(' ').map(shard).collect()
}

fn found(created: u64, listed: &str) -> FoundStream {
    FoundStream { description: stream(created), listed: listing(listed) }
}

fn settings(until_caught_up: bool) -> Settings {
    Settings { starting_position: StartingPosition::Latest, until_caught_up }
}

/// A mapping under test, whose store keeps everything.
struct Mapping {
    sync: ShardSync,
    now: u64,
}

impl Mapping {
    /// One that starts for the first time.
    fn new(settings: Settings, listed: &str) -> Self {
        Self::starting(settings, None, found(1, listed))
    }

    fn starting(settings: Settings, kept: Option<KeptMapping>, found: FoundStream) -> Self {
        let mut mapping = Self { sync: ShardSync::new(settings, kept, found, 1, at(10)), now: 10 };
        mapping.keep();
        mapping
    }

    /// What is to be kept is kept.
    fn keep(&mut self) -> String {
        let mut commands = Vec::new();
        while let Some(command) = self.sync.next_command() {
            match command {
                Command::Keep(what) => {
                    commands.push(show_keep(&what));
                    self.sync.handle(Input::Kept(Ok(())), at(self.now));
                }
                Command::Describe => commands.push("describe".to_owned()),
                Command::List => commands.push("list".to_owned()),
                Command::Passed(required) => commands.push(format!("passed {required}")),
            }
        }
        commands.join(", ")
    }

    fn handle(&mut self, input: Input) -> String {
        self.sync.handle(input, at(self.now));
        self.keep()
    }

    fn wait_for_check(&mut self) {
        let due = self.sync.next_wakeup().expect("a check comes");
        self.now += u64::try_from(due.since(at(self.now)).as_millis()).unwrap();
        assert_eq!(self.handle(Input::TimePassed), "describe");
    }

    /// A check, in which each answer comes as often as it is asked for.
    fn check(&mut self, created: u64, listed: &str) -> String {
        self.wait_for_check();
        while self.handle(Input::Described(Ok(stream(created)))) == "describe" {}
        loop {
            let commands = self.handle(Input::Listed(Ok(listing(listed))));
            if commands != "list" {
                return commands;
            }
        }
    }

    fn release(&mut self, shard: &str, finished: Finished, position: Option<&str>) -> String {
        let ended = finished == Finished::ShardEnd;
        let position = position.map(Position::new);
        let checkpoint = Checkpoint { position, ended, ..Checkpoint::default() };
        self.handle(Input::Released(Released { shard: id(shard), finished, checkpoint }))
    }

    fn changes(&mut self) -> String {
        let changes: Vec<String> =
            std::iter::from_fn(|| self.sync.next_change()).map(|change| show(&change)).collect();
        changes.join(", ")
    }

    fn notices(&mut self) -> Vec<Notice> {
        std::iter::from_fn(|| self.sync.next_notice()).collect()
    }
}

fn show_keep(what: &Keep) -> String {
    match what {
        Keep::Anew(state) => format!("anew {}", state.shards.len()),
        Keep::Changed { added, removed } => format!("keep +{} -{}", added.len(), removed.len()),
    }
}

fn show(change: &Change) -> String {
    let show_one = |assigned: &Assigned| {
        let from = match &assigned.from {
            ReadFrom::Latest { .. } => "latest".to_owned(),
            ReadFrom::Start(ShardStart::TrimHorizon) => "its beginning".to_owned(),
            ReadFrom::Start(_) => "a moment".to_owned(),
            ReadFrom::After(position) => position.to_string(),
        };
        let goal = if assigned.until_caught_up { " for now" } else { "" };
        format!("{} from {from}{goal}", assigned.shard)
    };
    let names = |shards: &[ShardId]| shards.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match change {
        Change::Assigned(shards) => shards.iter().map(show_one).collect::<Vec<_>>().join(" + "),
        Change::Revoked { shards, .. } => format!("revoke {}", names(shards)),
        Change::Lost(shards) => format!("lose {}", names(shards)),
        other @ (Change::Retention(_)
        | Change::Trimmed { .. }
        | Change::Polling
        | Change::Waiting(_)
        | Change::CaughtUp) => {
            format!("{other:?}")
        }
    }
}

#[test]
fn latest_means_now_at_the_first_start_and_the_same_moment_at_the_next() {
    let mut mapping = Mapping::new(settings(false), "a");
    assert_eq!(mapping.changes(), "a from latest, Polling");
    let kept = mapping.sync.state().clone();
    let mut again = Mapping::starting(settings(false), Some(kept), found(1, "a"));
    assert_eq!(again.changes(), "a from a moment, Polling");
}

#[test]
fn nothing_is_assigned_before_it_is_kept_and_nothing_if_it_cannot_be() {
    let mut sync = ShardSync::new(settings(false), None, found(1, "a"), 1, at(10));
    assert_eq!(sync.next_change(), None);
    sync.handle(Input::Kept(Err("the disk is full".into())), at(11));
    assert_eq!(sync.next_change(), Some(Change::Waiting(Waiting::Trouble("the disk is full".into()))));
    assert_eq!(sync.next_change(), None);
}

#[test]
fn children_are_read_from_their_beginning_once_their_parents_have_ended() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.changes();
    assert_eq!(mapping.check(1, "a! b<a c<a"), "keep +2 -0");
    let waiting = |mapping: &Mapping| -> Vec<String> {
        mapping.sync.waiting().map(|(shard, _)| shard.to_string()).collect()
    };
    assert_eq!(
        (mapping.changes(), waiting(&mapping)),
        ("Polling".to_owned(), vec!["b".to_owned(), "c".to_owned()])
    );
    mapping.release("a", Finished::ShardEnd, Some("7"));
    assert_eq!(mapping.changes(), "b from its beginning + c from its beginning");
    assert_eq!(waiting(&mapping), Vec::<String>::new());
}

#[test]
fn after_the_end_of_a_shard_the_stream_is_checked_within_a_second_else_once_a_minute() {
    let mut mapping = Mapping::new(settings(false), "a");
    assert_eq!(mapping.sync.next_wakeup(), Some(at(60_010)));
    mapping.now = 500;
    mapping.release("a", Finished::ShardEnd, None);
    assert_eq!(mapping.sync.next_wakeup(), Some(at(1_010)));
}

#[test]
fn while_a_shard_that_ended_has_no_child_the_stream_is_checked_every_five_seconds() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.release("a", Finished::ShardEnd, Some("5"));
    mapping.check(1, "a!");
    assert_eq!(mapping.sync.next_wakeup(), Some(at(mapping.now).after(millis(5_000))));
    mapping.check(1, "a! b<a");
    assert_eq!(mapping.sync.next_wakeup(), Some(at(mapping.now).after(millis(60_000))));
}

#[test]
fn a_check_that_is_wanted_while_one_is_made_follows_it() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.wait_for_check();
    mapping.handle(Input::CheckWanted { required: 0 });
    mapping.handle(Input::Described(Ok(stream(1))));
    mapping.handle(Input::Listed(Ok(listing("a"))));
    assert_eq!(mapping.sync.next_wakeup(), Some(at(mapping.now).after(CHECK_GAP_MIN)));
}

#[test]
fn a_shard_is_given_up_that_two_checks_in_a_row_do_not_list_and_drained_before() {
    let mut mapping = Mapping::new(settings(false), "a b");
    mapping.changes();
    assert_eq!((mapping.check(1, "a"), mapping.changes()), (String::new(), "Polling".to_owned()));
    assert_eq!(mapping.sync.next_wakeup(), Some(at(mapping.now).after(millis(5_000))), "sooner than usual");
    assert_eq!(mapping.check(1, "a b"), "", "it is back");
    mapping.check(1, "a");
    mapping.changes();
    assert_eq!((mapping.check(1, "a"), mapping.changes()), (String::new(), "revoke b, Polling".to_owned()));
    mapping.release("b", Finished::Drained, Some("3"));
    assert_eq!(mapping.changes(), "", "nobody can say whether it has ended");
    mapping.notices();
    assert_eq!(mapping.check(1, "a"), "keep +0 -1");
    assert_eq!(mapping.notices(), [Notice::LostToRetention(id("b"))]);
}

#[test]
fn a_stream_made_again_is_read_once_all_shards_of_the_old_one_are_drained_and_from_its_beginning() {
    let mut mapping = Mapping::new(settings(false), "a b");
    mapping.changes();
    assert_eq!((mapping.check(2, "a"), mapping.changes()), (String::new(), "revoke a b".to_owned()));
    // A shard that ends meanwhile has children in the old stream only.
    assert_eq!(mapping.release("a", Finished::ShardEnd, None), "");
    assert_eq!(mapping.changes(), "");
    assert_eq!(mapping.release("b", Finished::Drained, None), "anew 1");
    assert_eq!(mapping.changes(), "a from its beginning, Polling");
    assert_eq!(mapping.sync.state().stream.created, at(2));
}

#[test]
fn a_mapping_that_reads_another_stream_than_before_begins_at_its_starting_position() {
    let starting = |old: &str, new: &str| {
        let kept = KeptMapping::beginning(StreamIdentity { arn: old.to_owned(), created: at(1) }, &[]);
        let mut found = found(2, "a");
        new.clone_into(&mut found.description.arn);
        let mut mapping = Mapping::starting(settings(false), Some(kept), found);
        (mapping.changes(), mapping.notices().remove(0))
    };
    let (changes, notice) = starting("arn:1:stream/x", "arn:1:stream/y");
    assert_eq!(changes, "a from a moment, Polling");
    assert!(matches!(notice, Notice::AnotherStream { .. }));
    let (changes, notice) = starting("arn:1:table/t/stream/2026-01", "arn:1:table/t/stream/2026-02");
    assert_eq!(changes, "a from its beginning, Polling", "it came in the place of the other");
    assert!(matches!(notice, Notice::MadeAgain { .. }));
}

#[test]
fn children_of_a_stream_that_is_no_more_are_not_read() {
    let mut mapping = Mapping::new(settings(false), "a b");
    mapping.check(1, "a! b c<a");
    mapping.changes();
    mapping.check(2, "a");
    assert_eq!(mapping.changes(), "revoke a b");
    mapping.release("a", Finished::ShardEnd, None);
    assert_eq!(mapping.changes(), "");
}

#[test]
fn a_reader_that_found_its_stream_gone_reads_on_after_a_check_that_began_later_and_asked_twice() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.wait_for_check();
    mapping.handle(Input::CheckWanted { required: 1 });
    mapping.handle(Input::Described(Ok(stream(1))));
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("a")))), "", "it began before");
    mapping.wait_for_check();
    assert_eq!(mapping.handle(Input::Described(Ok(stream(1)))), "describe", "what was known is no answer");
    assert_eq!(mapping.handle(Input::Described(Ok(stream(1)))), "list");
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("a")))), "passed 1");
}

#[test]
fn a_shard_that_ended_by_mistake_is_read_on_where_it_was_left() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.changes();
    mapping.release("a", Finished::ShardEnd, Some("7"));
    mapping.notices();
    mapping.check(1, "a");
    assert_eq!(
        (mapping.notices(), mapping.changes()),
        (vec![Notice::NotEnded(id("a"))], "a from 7, Polling".to_owned())
    );
}

#[test]
fn a_listing_from_before_a_shard_ended_is_not_believed_at_once() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.changes();
    mapping.release("a", Finished::ShardEnd, Some("7"));
    mapping.wait_for_check();
    mapping.handle(Input::Described(Ok(stream(1))));
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("a")))), "list");
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("a! b<a")))), "keep +1 -0");
}

#[test]
fn a_listing_that_overlooked_a_shard_needs_a_second_one_also_the_next_time() {
    let mut mapping = Mapping::new(settings(false), "a b");
    mapping.check(1, "a");
    mapping.wait_for_check();
    mapping.handle(Input::Described(Ok(stream(1))));
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("a")))), "list");
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("a b")))), "list", "they contradict each other");
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("a b")))), "", "nothing is forgotten");
}

#[test]
fn a_listing_of_a_stream_made_again_is_not_believed_for_being_that_of_the_old_one() {
    let mut mapping = Mapping::new(settings(false), "b<a c<a");
    mapping.changes();
    mapping.wait_for_check();
    while mapping.handle(Input::Described(Ok(stream(2)))) == "describe" {}
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("b<a c<a")))), "list");
    assert_eq!(mapping.handle(Input::Listed(Ok(listing("a! b<a c<a")))), "list");
    assert_eq!(mapping.changes(), "");
}

#[test]
fn a_check_that_fails_is_repeated_after_a_backoff_whoever_asks_and_changes_nothing() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.changes();
    mapping.wait_for_check();
    mapping.handle(Input::Described(Err("no answer".into())));
    assert_eq!(mapping.changes(), r#"Waiting(Trouble("no answer"))"#);
    let due = mapping.sync.next_wakeup().unwrap();
    assert!(due >= at(mapping.now).after(CHECK_GAP_MIN), "{due}");
    mapping.handle(Input::CheckWanted { required: 0 });
    assert_eq!(mapping.sync.next_wakeup(), Some(due));
    mapping.notices();
    mapping.check(1, "a");
    assert_eq!((mapping.notices(), mapping.changes().as_str()), (vec![Notice::Available], "Polling"));
}

#[test]
fn answers_that_contradict_each_other_or_cannot_be_true_are_not_acted_on() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.changes();
    mapping.wait_for_check();
    for created in 2..7 {
        assert_eq!(mapping.handle(Input::Described(Ok(stream(created)))), "describe");
    }
    mapping.handle(Input::Described(Ok(stream(7))));
    assert!(mapping.changes().contains("Contradiction"));
    mapping.wait_for_check();
    mapping.handle(Input::Described(Ok(stream(1))));
    mapping.handle(Input::Listed(Ok(Vec::new())));
    assert!(mapping.changes().contains("Flaw"));
    for (status, expected) in
        [(StreamStatus::Creating, "Waiting(BeingCreated)"), (StreamStatus::Deleting, "Waiting(BeingDeleted)")]
    {
        mapping.wait_for_check();
        let description = StreamDescription { status, ..stream(1) };
        while mapping.handle(Input::Described(Ok(description.clone()))) == "describe" {}
        assert_eq!(mapping.changes(), expected);
    }
}

#[test]
fn a_new_retention_is_told_once() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.changes();
    let longer = StreamDescription { retention: 7 * DAY, ..stream(1) };
    for expected in [format!("{:?}, Polling", Change::Retention(7 * DAY)), "Polling".to_owned()] {
        mapping.wait_for_check();
        while mapping.handle(Input::Described(Ok(longer.clone()))) == "describe" {}
        mapping.handle(Input::Listed(Ok(listing("a"))));
        assert_eq!(mapping.changes(), expected);
    }
}

#[test]
fn a_mapping_waits_if_everything_has_ended_or_waits_for_what_is_not_listed() {
    let mut mapping = Mapping::new(settings(false), "a");
    mapping.release("a", Finished::ShardEnd, None);
    mapping.changes();
    mapping.check(1, "a!");
    assert_eq!(mapping.changes(), "Waiting(AllEnded)");
    let kept = Mapping::new(settings(false), "a b<a").sync.state().clone();
    let mut mapping = Mapping::starting(settings(false), Some(kept), found(1, "b<a"));
    assert_eq!(mapping.changes(), "Waiting(Orphans(2))");
}

mod until_caught_up {
    use super::*;

    #[test]
    fn only_open_shards_stop_once_they_have_caught_up() {
        let mut mapping = Mapping::starting(
            Settings { starting_position: StartingPosition::TrimHorizon, until_caught_up: true },
            None,
            found(1, "a! b<a c d!"),
        );
        let closed = "a from its beginning";
        let open = "c from its beginning for now + d from its beginning for now";
        assert_eq!(
            mapping.changes(),
            format!("{closed} + {open}, Polling"),
            "d has no child: it may be open in truth"
        );
    }

    #[test]
    fn a_shard_that_has_caught_up_is_not_read_again_nor_are_children_made_of_it_since() {
        let mut mapping = Mapping::new(settings(true), "a b");
        mapping.changes();
        mapping.release("a", Finished::CaughtUp, None);
        mapping.check(1, "a! b c<a");
        assert_eq!(mapping.changes(), "Polling");
        mapping.release("b", Finished::CaughtUp, None);
        assert_eq!((mapping.changes().as_str(), mapping.sync.next_wakeup()), ("CaughtUp", None));
    }

    #[test]
    fn after_an_end_a_check_must_have_looked_for_children() {
        let mut mapping = Mapping::new(settings(true), "a");
        mapping.changes();
        mapping.release("a", Finished::ShardEnd, None);
        assert_eq!(mapping.changes(), "");
        mapping.check(1, "a! b<a");
        assert_eq!(mapping.changes(), "b from its beginning for now, Polling");
        mapping.release("b", Finished::CaughtUp, None);
        assert_eq!(mapping.changes(), "CaughtUp");
    }

    #[test]
    fn a_closed_shard_without_children_at_the_start_may_have_some_that_are_not_listed_yet() {
        let kept = Mapping::new(settings(true), "a").sync.state().clone();
        let mut kept = KeptMapping { stream: kept.stream, shards: kept.shards };
        kept.shards.values_mut().for_each(|shard| shard.checkpoint.ended = true);
        let mut mapping = Mapping::starting(settings(true), Some(kept), found(1, "a!"));
        assert_eq!(mapping.changes(), "Waiting(AllEnded)");
        mapping.check(1, "a! b<a");
        assert_eq!(mapping.changes(), "b from its beginning for now, Polling");
    }

    #[test]
    fn a_shard_that_was_lost_and_has_ended_may_have_children_too() {
        let mut mapping = Mapping::new(settings(true), "a");
        mapping.changes();
        let checkpoint = Checkpoint { ended: true, ..Checkpoint::default() };
        let released = Released { shard: id("a"), finished: Finished::Lost, checkpoint };
        mapping.handle(Input::Released(released));
        assert_eq!(mapping.changes(), "");
    }

    #[test]
    fn a_shard_that_the_last_listing_lacks_may_have_been_overlooked() {
        let mut mapping = Mapping::new(settings(true), "a b<a");
        mapping.changes();
        mapping.check(1, "a");
        mapping.release("a", Finished::ShardEnd, None);
        mapping.check(1, "a! b<a");
        assert_eq!(mapping.changes(), "Polling, b from a moment for now, Polling");
    }
}
