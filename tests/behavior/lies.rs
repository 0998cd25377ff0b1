//! Answers of the stream that are wrong once: nothing that cannot be taken back is concluded from one of them.

use crate::world::{World, activity, numbers};
use pelton::ports::Answer;
use pelton::supervisor::MappingActivity;
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::StartingPosition;
use pelton_core::stream::{ListedShard, ShardId};
use std::time::Duration;

/// An answer without records that names no place to read on from.
fn nothing_and_no_place(answer: &mut Answer) {
    *answer =
        Answer { records: Vec::new(), follows: Follows::NoPlace { names_children: false }, lost_after: None };
}

#[tokio::test(start_paused = true)]
async fn an_open_shard_that_claims_its_end_once_is_read_on_also_after_a_restart() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.until_handled(5).await;
    world.stream.answers_wrongly("a", nothing_and_no_place);
    world.clock.sleep(Duration::from_secs(5)).await;
    let view = supervisor.mappings()[0].view.clone().unwrap();
    assert_eq!(view.borrow().totals().fetch_errors, 1, "the read failed");
    world.stream.put("a", 5..10);
    world.until_handled(10).await;
    world.stop(supervisor).await;
    assert!(!world.store.kept("mapping").unwrap().shards[&ShardId::new("a")].checkpoint.ended);
    let supervisor = world.start().await;
    world.stream.put("a", 10..15);
    world.until_handled(15).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..15));
}

#[tokio::test(start_paused = true)]
async fn the_records_of_an_answer_that_claims_an_end_are_delivered_once_and_those_behind_them_too() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..5);
    world.stream.answers_wrongly("a", |answer| {
        answer.records.truncate(2);
        answer.follows = Follows::NoPlace { names_children: false };
    });
    let supervisor = world.start().await;
    world.until_handled(5).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..5));
}

#[tokio::test(start_paused = true)]
async fn a_closed_shard_that_claims_its_end_too_early_is_read_to_its_end_before_its_children() {
    for names_children in [false, true] {
        let world = World::new(&["parent"]);
        world.stream.put("parent", 0..25);
        world.stream.reshard(&["parent"], &["child"]);
        world.stream.put("child", 25..30);
        world.stream.answers_wrongly("parent", move |answer| {
            *answer = Answer {
                records: Vec::new(),
                follows: Follows::NoPlace { names_children },
                lost_after: None,
            };
        });
        let supervisor = world.start().await;
        world.until_handled(30).await;
        world.stop(supervisor).await;
        assert_eq!(world.function.handled(), numbers(0..30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_shard_that_claims_its_end_too_early_twice_in_a_row_is_read_to_its_end() {
    let world = World::new(&["parent"]);
    world.stream.put("parent", 0..25);
    world.stream.reshard(&["parent"], &["child"]);
    world.stream.put("child", 25..30);
    world.stream.answers_wrongly("parent", nothing_and_no_place);
    world.stream.answers_wrongly("parent", nothing_and_no_place);
    let supervisor = world.start().await;
    world.until_handled(30).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..30));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_seems_to_be_another_one_once_is_still_the_same_one() {
    let another = |description: &mut pelton::ports::StreamDescription| {
        description.created = description.created.after(Duration::from_secs(1));
    };
    let world = World::new(&["a"]);
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.until_handled(5).await;
    world.stream.describes_wrongly(another);
    world.clock.sleep(Duration::from_secs(120)).await;
    world.stop(supervisor).await;
    world.stream.describes_wrongly(another);
    let supervisor = world.start().await;
    world.stream.put("a", 5..10);
    world.until_handled(10).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..10), "nothing is repeated");
}

#[tokio::test(start_paused = true)]
async fn an_old_description_does_not_let_a_reader_go_on_in_a_stream_made_again() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..3);
    let supervisor = world.start().await;
    world.until_handled(3).await;
    let created = world.store.kept("mapping").unwrap().stream.created;
    world.stream.delete();
    world.clock.sleep(Duration::from_secs(2)).await;
    world.stream.make_again(&["a"]);
    world.stream.describes_wrongly(move |description| description.created = created);
    world.stream.put("a", 10..15);
    world.until_handled(8).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled()[3..], ["10", "11", "12", "13", "14"]);
}

#[tokio::test(start_paused = true)]
async fn records_do_not_expire_because_the_retention_seems_shorter_once() {
    let world = World::new(&["a"]);
    world.function.fails();
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(300)).await;
    world.stream.describes_wrongly(|description| description.retention = Duration::from_secs(60));
    world.clock.sleep(Duration::from_secs(300)).await;
    world.function.recovers();
    world.until_handled(5).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..5));
}

#[tokio::test(start_paused = true)]
async fn a_first_start_under_latest_counts_on_no_single_listing() {
    let lies: [fn(&mut Vec<ListedShard>); 3] = [
        |listed| drop(listed.pop()),
        |listed| listed.iter_mut().skip(1).for_each(|shard| shard.is_open = false),
        |listed| listed.clear(),
    ];
    for lie in lies {
        let world = World::new(&["a", "b"]).from(StartingPosition::Latest);
        world.stream.put("b", ["before"]);
        world.stream.lists_wrongly(lie);
        let supervisor = world.start().await;
        world.stream.put("a", ["after"]);
        world.stream.put("b", ["after"]);
        world.until_handled(2).await;
        world.clock.sleep(Duration::from_secs(120)).await;
        world.stop(supervisor).await;
        assert_eq!(world.function.handled(), ["after", "after"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_waits_for_a_parent_that_one_listing_lacks_while_nothing_is_known_of_either() {
    let world = World::new(&["0"]);
    let supervisor = world.start().await;
    world.stream.put("0", ["0"]);
    world.stream.reshard(&["0"], &["1", "2"]);
    world.stream.put("1", ["1"]);
    world.stream.reshard(&["1"], &["3", "4"]);
    world.stream.put("3", ["2"]);
    world.stream.lists_wrongly(|_| {});
    world.stream.lists_wrongly(|_| {});
    for _ in 0..2 {
        world.stream.lists_wrongly(|listed| listed.retain(|shard| shard.id != ShardId::new("1")));
        world.stream.lists_wrongly(|_| {});
    }
    world.until_handled(3).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..3));
}

#[tokio::test(start_paused = true)]
async fn listings_that_lack_shards_make_nothing_forgotten() {
    let world = World::new(&["a", "b"]);
    world.stream.put("b", 0..5);
    let supervisor = world.start().await;
    world.until_handled(5).await;
    for _ in 0..6 {
        world.stream.lists_wrongly(|listed| listed.retain(|shard| shard.id != ShardId::new("b")));
        world.stream.lists_wrongly(|listed| listed.clear());
    }
    world.clock.sleep(Duration::from_secs(600)).await;
    world.stream.put("b", 5..10);
    world.until_handled(10).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..10));
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_says_ended_of_an_open_shard_is_resumed() {
    let world = World::new(&["a"]);
    world.stream.put("a", 0..5);
    let supervisor = world.start().await;
    world.until_handled(5).await;
    world.stop(supervisor).await;
    world.store.change("mapping", |state| {
        state.shards.get_mut(&ShardId::new("a")).unwrap().checkpoint.ended = true;
    });
    world.stream.put("a", 5..10);
    let supervisor = world.start().await;
    world.until_handled(10).await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..10));
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_a_closed_shard_that_ended_stays_what_it_is() {
    let world = World::new(&["parent"]);
    world.stream.put("parent", 0..5);
    world.stream.reshard(&["parent"], &["child"]);
    let supervisor = world.start().await;
    world.until_handled(5).await;
    world.stream.put("child", 5..10);
    world.until_handled(10).await;
    world.stop(supervisor).await;
    assert!(world.store.kept("mapping").unwrap().shards[&ShardId::new("parent")].checkpoint.ended);
    let reads = world.stream.reads().len();
    let supervisor = world.start().await;
    world.clock.sleep(Duration::from_secs(60)).await;
    world.stop(supervisor).await;
    assert!(world.stream.reads()[reads..].iter().all(|(shard, _)| *shard == ShardId::new("child")));
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_reads_nothing_does_not_poll() {
    let world = World::new(&["a"]);
    let supervisor = world.start().await;
    assert_eq!(activity(&supervisor), MappingActivity::Polling);
    world.stream.reshard(&["a"], &[]);
    world.clock.sleep(Duration::from_secs(10)).await;
    let MappingActivity::Waiting { reason } = activity(&supervisor) else { panic!("it waits") };
    assert!(reason.contains("every shard that the stream lists has ended"), "{reason}");
    world.stop(supervisor).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_until_caught_up_reads_on_after_one_answer_that_hides_what_is_left() {
    let world = World::new(&["a"]).until_caught_up();
    world.stream.put("a", 0..25);
    world.stream.answers_wrongly("a", |answer| {
        *answer = Answer { records: Vec::new(), follows: Follows::CaughtUp, lost_after: None };
    });
    let supervisor = world.start().await;
    supervisor.finished().await;
    world.stop(supervisor).await;
    assert_eq!(world.function.handled(), numbers(0..25));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_contradicts_itself_at_start_is_asked_again_and_refused_if_that_goes_on() {
    let contradict = |world: &World, answers: usize| {
        for answer in 0..answers {
            // No two listings in a row are the same.
            world.stream.lists_wrongly(move |listed| listed.truncate(1 + answer % 2));
        }
    };
    let world = World::new(&["a", "b"]);
    world.stream.put("b", 0..5);
    contradict(&world, 3);
    let supervisor = world.start().await;
    world.until_handled(5).await;
    world.stop(supervisor).await;

    let world = World::new(&["a", "b"]);
    contradict(&world, 100);
    let started = world.clock.now();
    let Err(refused) = world.try_start().await else { panic!("it is refused") };
    assert!(refused.help().contains("not as Kinesis does"), "{}", refused.help());
    assert!(world.clock.now() > started, "it was waited between the answers");
}
