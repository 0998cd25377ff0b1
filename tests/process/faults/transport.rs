//! Answers that do not come, or not whole, or not in time.

use super::world::{GOING_ON, SHARDS, TROUBLE, World, met, reads};
use pelton_tests::fault_proxy::{Fault, Weather};
use std::time::Duration;

/// Longer than the poller waits for one answer.
const TOO_LONG: Duration = Duration::from_secs(17);

/// While each read meets with this fault it is repeated; then all goes on, and nothing is lost or repeated.
async fn check(fault: Fault) {
    let mut world = World::new().await;
    world.put(10).await;
    world.until_all_is_done().await;
    world.proxy.change(reads(&fault));
    world.put(10).await;
    world.until_met(&fault, 6).await;
    world.running.wait_for_line(TROUBLE).await;
    world.proxy.change(Weather::calm());
    world.until_all_is_done().await;
    world.running.wait_for_line(GOING_ON).await;
    let (calls, faults) = world.proxy.counts();
    assert!(faults <= 20, "a tight loop: {faults} of {calls} calls in vain");
    world.finish().await;
}

/// A fault that is not even noticed, but for the time that it takes.
async fn check_unnoticed(fault: Fault) {
    let mut world = World::new().await;
    world.proxy.change(reads(&fault));
    for _ in 0..4 {
        world.put(10).await;
        world.until_all_is_done().await;
    }
    assert!(world.proxy.count_of(&fault) > 0);
    assert_eq!(world.lines_with(TROUBLE), 0, "{}", world.running.printed());
    world.finish().await;
}

#[tokio::test]
async fn a_connection_that_is_reset_before_the_answer_is_tried_again() {
    check(Fault::Reset).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_in_the_middle_of_an_answer_is_tried_again_from_the_same_place() {
    check(Fault::ResetInBody).await;
}

#[tokio::test]
async fn an_answer_that_is_shorter_than_it_says_is_asked_for_again_and_not_taken_for_a_page() {
    check(Fault::CutShort).await;
}

#[tokio::test]
async fn answers_in_small_pieces_are_put_together() {
    check_unnoticed(Fault::Trickle(Duration::from_millis(300))).await;
}

#[tokio::test]
async fn empty_pages_in_mid_stream_are_read_past_without_waiting_for_the_poll_interval() {
    const POLL_INTERVAL: Duration = Duration::from_secs(3);
    let mut world = World::with_poll_interval("3").await;
    world.proxy.change(reads(&Fault::EmptyPage));
    world.put(5).await;
    world.until_each_shard_met(&Fault::EmptyPage, 6).await;
    let calls = world.proxy.calls();
    world.proxy.change(Weather::calm());
    world.until_all_is_done().await;
    for shard in SHARDS {
        let pages = met(&calls, &Fault::EmptyPage, shard);
        let (first, last) = (pages[0].at, pages[pages.len() - 1].at);
        assert!(pages.len() >= 6 && last - first < 2 * POLL_INTERVAL, "{shard}: {pages:?}");
    }
    assert_eq!(world.lines_with(TROUBLE), 0, "{}", world.running.printed());
    world.finish().await;
}

#[tokio::test]
async fn an_answer_that_comes_twice_is_one_page() {
    check_unnoticed(Fault::Twice).await;
}

#[tokio::test]
async fn answers_that_stall_or_come_when_nobody_waits_for_them_any_more_are_asked_for_again() {
    tokio::join!(
        check_given_up(Fault::Stall(TOO_LONG)),
        check_given_up(Fault::StallInBody(TOO_LONG)),
        check_given_up(Fault::Late(TOO_LONG)),
    );
}

/// The first reads from now on take longer than they may.
async fn check_given_up(fault: Fault) {
    let mut world = World::new().await;
    world.put(10).await;
    world.until_all_is_done().await;
    world.proxy.change(reads(&fault));
    world.until_met(&fault, 2).await;
    world.proxy.change(Weather::calm());
    world.put(10).await;
    world.running.wait_for_line(TROUBLE).await;
    world.until_all_is_done().await;
    world.running.wait_for_line(GOING_ON).await;
    world.finish().await;
}
