//! The service refuses: throttling, limits, expired iterators, keys, and failures of its own.

use super::world::{GOING_ON, SHARDS, TROUBLE, World, met, reads};
use pelton_tests::fault_proxy::{Call, Fault, Operation, Refusal, Rule, Weather};
use pelton_tests::kinesis;
use std::time::Duration;

/// The middle of the first shard of two.
const QUARTER: &str = "85070591730234615865843651857942052864";

/// While each read meets with this fault, the poller asks `times` times and more, at a distance, says so once, and goes on
/// when it is over.
async fn check(fault: Fault, times: usize, said: &str) {
    let mut world = World::new().await;
    world.put(20).await;
    world.until_all_is_done().await;
    world.proxy.change(reads(&fault));
    world.put(20).await;
    world.until_each_shard_met(&fault, times).await;
    world.running.wait_for_line(TROUBLE).await;
    world.running.wait_for_line(said).await;
    let calls = world.proxy.calls();
    world.proxy.change(Weather::calm());
    world.until_all_is_done().await;
    world.running.wait_for_line(GOING_ON).await;
    for shard in SHARDS {
        let tries = met(&calls, &fault, shard);
        // An expired iterator is replaced at once, one time; that is one try.
        let calls_of_try = if fault == Fault::Refused(Refusal::ExpiredIterator) { 2 } else { 1 };
        assert_backs_off(&tries.into_iter().step_by(calls_of_try).collect::<Vec<_>>(), &fault);
    }
    // One line for each shard; what was there already failed again is not said again.
    assert!(world.lines_with(TROUBLE) <= SHARDS.len(), "{}", world.running.printed());
    world.finish().await;
}

/// Tries do not follow one another as fast as answers come: there is the gap that the source wants between two reads, and
/// after a throttle a second. (How the waits grow, and their jitter, is told where they are decided: in the core.)
#[track_caller]
fn assert_backs_off(tries: &[Call], fault: &Fault) {
    let is_throttle = matches!(
        fault,
        Fault::Refused(Refusal::ThroughputExceeded | Refusal::LimitExceeded | Refusal::KmsThrottled)
    );
    let least = Duration::from_millis(if is_throttle { 1_000 } else { 200 });
    let gaps: Vec<Duration> = tries.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    // A call may be on its way for a while, and so come closer to the next one than it was sent.
    assert!(gaps.iter().all(|gap| *gap >= least / 2), "{fault:?}: {gaps:?}");
}

#[tokio::test]
async fn a_throttled_read_is_repeated_after_a_second_of_rest_and_more() {
    check(Fault::Refused(Refusal::ThroughputExceeded), 3, "ProvisionedThroughputExceededException").await;
}

#[tokio::test]
async fn a_throttled_key_service_is_given_a_second_of_rest_and_more() {
    check(Fault::Refused(Refusal::KmsThrottled), 3, "KMSThrottlingException").await;
}

#[tokio::test]
async fn a_key_that_may_not_be_used_is_waited_for() {
    check(Fault::Refused(Refusal::KmsAccessDenied), 3, "KMSAccessDeniedException").await;
}

#[tokio::test]
async fn a_key_that_is_disabled_is_waited_for() {
    check(Fault::Refused(Refusal::KmsDisabled), 3, "KMSDisabledException").await;
}

#[tokio::test]
async fn a_service_that_fails_is_waited_for() {
    check(Fault::Refused(Refusal::InternalFailure), 4, "InternalFailure").await;
}

#[tokio::test]
async fn a_load_balancer_that_has_nobody_to_ask_is_waited_for() {
    check(Fault::BusyPage, 4, "GetRecords").await;
}

#[tokio::test]
async fn an_iterator_that_is_refused_as_expired_is_replaced_behind_the_last_record_read() {
    let mut world = World::new().await;
    world.put(10).await;
    world.until_all_is_done().await;
    let expired = Fault::Refused(Refusal::ExpiredIterator);
    let now_and_then = (0..200).step_by(3);
    let weather = now_and_then.fold(Weather::calm(), |weather, call| {
        weather.rule(Rule::new(Operation::GetRecords, expired.clone()).calls(call..call + 1))
    });
    world.proxy.change(weather);
    for _ in 0..5 {
        world.put(10).await;
        world.until_all_is_done().await;
    }
    assert!(world.proxy.count_of(&expired) > 0);
    assert_eq!(world.lines_with(TROUBLE), 0, "nothing to warn of:\n{}", world.running.printed());
    world.finish().await;
}

#[tokio::test]
async fn iterators_that_stay_expired_are_not_renewed_in_a_tight_loop() {
    let expired = Fault::Refused(Refusal::ExpiredIterator);
    check(expired, 6, "ExpiredIteratorException").await;
}

#[tokio::test]
async fn an_idle_shard_whose_iterators_expire_between_two_reads_loses_nothing() {
    let mut world = World::with_poll_interval("0.5").await;
    world.put(10).await;
    world.until_all_is_done().await;
    world.proxy.change(Weather::calm().iterators_expire_after(Duration::from_millis(250)));
    let expired = Fault::Refused(Refusal::ExpiredIterator);
    world.until_met(&expired, 4).await;
    world.put(10).await;
    world.until_all_is_done().await;
    world.finish().await;
}

#[tokio::test]
async fn a_backlog_is_read_within_five_reads_a_second_per_shard() {
    let mut world = World::new().await;
    world.proxy.change(Weather::calm().reads_per_second(5));
    for _ in 0..8 {
        world.put(30).await;
        world.until_all_is_done().await;
    }
    let calls = world.proxy.calls();
    let last = calls.last().expect("it polls").at;
    for shard in SHARDS {
        let reads = calls.iter().filter(|call| call.shard.as_deref() == Some(shard)).count();
        // One more for the second that has begun, one for the call of GetShardIterator.
        assert!(reads as u64 <= 5 * (last.as_secs() + 1) + 2, "{shard}: {reads} reads in {last:?}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_look_at_the_stream_that_is_refused_for_a_limit_is_repeated_and_children_are_found() {
    let mut world = World::new().await;
    world.put(10).await;
    world.until_all_is_done().await;
    let limit = Fault::Refused(Refusal::LimitExceeded);
    world.proxy.change(Weather::calm().rule(Rule::new(Operation::DescribeStreamSummary, limit.clone())));
    let split = world.server.client.split_shard().stream_name("orders");
    split.shard_to_split(SHARDS[0]).new_starting_hash_key(QUARTER).send().await.unwrap();
    wait_until_split(&world).await;
    world.put(10).await;
    world.until_met(&limit, 2).await;
    world.running.wait_for_line("waiting for the stream").await;
    world.running.wait_for_line("LimitExceededException").await;
    world.proxy.change(Weather::calm());
    world.until_all_is_done().await;
    world.running.wait_for_line("the stream is available again").await;
    world.finish().await;
}

async fn wait_until_split(world: &World) {
    pelton_tests::wait::until("the shard is split", async || {
        let shards = world.server.client.list_shards().stream_name("orders").send().await.ok()?;
        (shards.shards().len() == 4).then_some(())
    })
    .await;
    kinesis::wait_until_active(&world.server.client, "orders").await;
}
