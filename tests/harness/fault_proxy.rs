//! The fault proxy, driven with the AWS SDK against an embedded stream: each fault is what it says, and hides no record.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_kinesis::operation::get_records::{GetRecordsError, GetRecordsOutput};
use pelton::clock::Clock;
use pelton::source::embedded::{EmbeddedOptions, EmbeddedStream, is_at};
use pelton_tests::fault_proxy::{Fault, FaultProxy, Lie, Operation, Refusal, Rule, Weather};
use pelton_tests::kinesis;
use std::time::Duration;

const SHARD: &str = "shardId-000000000000";
const MOMENT: Duration = Duration::from_millis(20);

struct World {
    stream: EmbeddedStream,
    proxy: FaultProxy,
    /// Through the proxy.
    client: Client,
}

type Read = Result<GetRecordsOutput, SdkError<GetRecordsError>>;

impl World {
    /// A stream `orders` of one shard with three records.
    async fn with(weather: Weather) -> Self {
        let options = EmbeddedOptions::listening_on("127.0.0.1:0".parse().unwrap());
        let stream = EmbeddedStream::start(options).await.unwrap();
        let direct = kinesis::client(&stream.endpoint());
        kinesis::create_stream(&direct, "orders", 1).await;
        for data in ["1", "2", "3"] {
            kinesis::put(&direct, "orders", "k", data.as_bytes()).await;
        }
        let proxy = FaultProxy::start(&stream.endpoint(), weather).await;
        let client = kinesis::client(&proxy.endpoint());
        Self { stream, proxy, client }
    }

    async fn iterator(&self) -> String {
        let call = self.client.get_shard_iterator().stream_name("orders").shard_id(SHARD);
        let answer = call.shard_iterator_type("TRIM_HORIZON".into()).send().await.unwrap();
        answer.shard_iterator.unwrap()
    }

    async fn read(&self, iterator: &str) -> Read {
        self.client.get_records().shard_iterator(iterator).send().await
    }

    fn faults(&self) -> Vec<Option<Fault>> {
        self.proxy.calls().into_iter().map(|call| call.fault).collect()
    }
}

fn first_read(fault: Fault) -> Weather {
    Weather::calm().rule(Rule::new(Operation::GetRecords, fault).calls(0..1))
}

fn records(read: Read) -> usize {
    read.unwrap().records.len()
}

#[tokio::test]
async fn without_faults_everything_passes_and_every_call_is_noted_with_its_shard() {
    let world = World::with(Weather::calm()).await;
    let page = world.read(&world.iterator().await).await.unwrap();
    assert_eq!(page.records.len(), 3);
    assert_eq!(records(world.read(&page.next_shard_iterator.unwrap()).await), 0);
    let calls = world.proxy.calls();
    let noted: Vec<_> = calls.iter().map(|call| (call.operation, call.shard.as_deref())).collect();
    let expected = [Operation::GetShardIterator, Operation::GetRecords, Operation::GetRecords];
    assert_eq!(noted, expected.map(|operation| (operation, Some(SHARD))));
    assert_eq!(world.proxy.counts(), (3, 0));
}

#[tokio::test]
async fn a_refusal_comes_under_the_name_that_the_api_gives_it() {
    for refusal in [
        Refusal::ThroughputExceeded,
        Refusal::LimitExceeded,
        Refusal::ExpiredIterator,
        Refusal::KmsThrottled,
        Refusal::KmsAccessDenied,
        Refusal::KmsDisabled,
        Refusal::InternalFailure,
    ] {
        let world = World::with(first_read(Fault::Refused(refusal))).await;
        let iterator = world.iterator().await;
        let error = world.read(&iterator).await.unwrap_err();
        assert_eq!(error.as_service_error().unwrap().code(), Some(refusal.code()));
        assert_eq!(records(world.read(&iterator).await), 3);
    }
}

#[tokio::test]
async fn an_empty_page_says_that_there_is_more_and_swallows_nothing() {
    let world = World::with(first_read(Fault::EmptyPage)).await;
    let page = world.read(&world.iterator().await).await.unwrap();
    assert!(page.records.is_empty() && page.millis_behind_latest > Some(0), "{page:?}");
    assert_eq!(records(world.read(&page.next_shard_iterator.unwrap()).await), 3);
}

#[tokio::test]
async fn an_answer_that_is_lost_can_be_asked_for_again() {
    for fault in [
        Fault::BusyPage,
        Fault::Reset,
        Fault::ResetInBody,
        Fault::CutShort,
        Fault::Stall(MOMENT),
        Fault::StallInBody(MOMENT),
    ] {
        let world = World::with(first_read(fault.clone())).await;
        let iterator = world.iterator().await;
        let read = world.read(&iterator).await;
        assert!(read.is_err(), "{fault:?}: {read:?}");
        assert_eq!(records(world.read(&iterator).await), 3, "{fault:?}");
        assert_eq!(world.faults(), [None, Some(fault), None]);
    }
}

#[tokio::test]
async fn an_answer_that_trickles_or_comes_late_or_twice_is_whole() {
    for fault in [Fault::Trickle(MOMENT), Fault::Late(MOMENT), Fault::Twice] {
        let world = World::with(first_read(fault.clone())).await;
        assert_eq!(records(world.read(&world.iterator().await).await), 3, "{fault:?}");
        assert_eq!(world.proxy.count_of(&fault), 1);
    }
}

#[tokio::test]
async fn iterators_can_really_expire() {
    let world = World::with(Weather::calm().iterators_expire_after(MOMENT)).await;
    let iterator = world.iterator().await;
    Clock::start().sleep(2 * MOMENT).await;
    let error = world.read(&iterator).await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_expired_iterator_exception(), "{error:?}");
    world.proxy.change(Weather::calm());
    assert_eq!(records(world.read(&iterator).await), 3);
}

#[tokio::test]
async fn more_reads_of_a_shard_within_a_second_than_allowed_are_throttled() {
    // Twice: the second of one of them may pass before the last of its reads comes.
    for _ in 0..2 {
        let world = World::with(Weather::calm().reads_per_second(5)).await;
        let iterator = world.iterator().await;
        for _ in 0..6 {
            world.read(&iterator).await.ok();
        }
        if let Some(Some(fault)) = world.faults().pop() {
            assert_eq!(fault, Fault::Refused(Refusal::ThroughputExceeded));
            return;
        }
    }
    panic!("six reads in a row passed");
}

#[tokio::test]
async fn the_same_seed_brings_the_same_faults() {
    let mut storms = Vec::new();
    for seed in [1, 1, 2] {
        let world = World::with(Weather::calm().storm(seed, 50)).await;
        for _ in 0..8 {
            world.client.list_shards().stream_name("orders").send().await.ok();
        }
        storms.push(world.faults());
    }
    assert_eq!(storms[0], storms[1]);
    assert_ne!(storms[0], storms[2], "of another seed");
    assert!(storms[0].iter().any(Option::is_some), "{:?}", storms[0]);
}

#[tokio::test]
async fn the_embedded_stream_behind_it_looks_like_any_other_endpoint() {
    let world = World::with(Weather::calm()).await;
    let clock = Clock::start();
    assert!(is_at(&world.stream.endpoint(), &clock).await);
    assert!(!is_at(&world.proxy.endpoint(), &clock).await);
}

/// The first read is answered with this lie: so many records (`None`: no answer that the SDK understands), and whether there is
/// an iterator. The same iterator then brings everything.
async fn check_lie(lie: Lie, answered: Option<(usize, bool)>) {
    let world = World::with(first_read(Fault::Lie(lie))).await;
    let iterator = world.iterator().await;
    let read = world.read(&iterator).await.ok();
    assert_eq!(
        read.map(|page| (page.records.len(), page.next_shard_iterator.is_some())),
        answered,
        "{lie:?}"
    );
    assert_eq!(records(world.read(&iterator).await), 3, "{lie:?}");
    assert_eq!(world.proxy.lies(), 1, "{lie:?}");
}

#[tokio::test]
async fn a_lie_about_records_hides_them_from_one_answer_and_names_no_place_behind_them() {
    check_lie(Lie::Missing, Some((0, false))).await;
    check_lie(Lie::Null, Some((0, false))).await;
    check_lie(Lie::Empty, Some((0, false))).await;
    check_lie(Lie::OtherBody, None).await;
    check_lie(Lie::Truncated, None).await;
    check_lie(Lie::Void, Some((0, false))).await;
    check_lie(Lie::Part, Some((1, false))).await;
}

#[tokio::test]
async fn an_answer_can_come_again_or_be_the_first_one_or_one_about_another_shard() {
    let lies = [Lie::Repeated, Lie::Stale, Lie::Foreign].into_iter().zip(2..);
    let weather = lies.fold(Weather::calm(), |weather, (lie, call)| {
        weather.rule(Rule::new(Operation::GetShardIterator, Fault::Lie(lie)).calls(call..call + 1))
    });
    let world = World::with(weather).await;
    kinesis::create_stream(&world.client, "others", 2).await;
    let iterator = async |stream: &str, shard: &str, after: &str| {
        let call = world.client.get_shard_iterator().stream_name(stream).shard_id(shard);
        let call = call.shard_iterator_type(after.into());
        call.send().await.unwrap().shard_iterator.unwrap()
    };
    let other = iterator("others", "shardId-000000000001", "TRIM_HORIZON").await;
    let first = iterator("orders", SHARD, "TRIM_HORIZON").await;
    let second = iterator("orders", SHARD, "LATEST").await;
    assert_eq!(iterator("orders", SHARD, "TRIM_HORIZON").await, second, "the answer before");
    assert_eq!(iterator("orders", SHARD, "LATEST").await, first, "the first answer");
    assert_eq!(iterator("orders", SHARD, "LATEST").await, other, "of another shard");
    world.proxy.change(Weather::calm().rule(Rule::new(Operation::GetShardIterator, Fault::Lie(Lie::Stale))));
    assert_ne!(iterator("orders", SHARD, "LATEST").await, first, "the weather before is forgotten");
}

#[tokio::test]
async fn lies_by_chance_are_three_right_answers_apart() {
    let world = World::with(Weather::calm().lies(1, 100)).await;
    for _ in 0..12 {
        world.client.list_shards().stream_name("orders").send().await.ok();
    }
    let lied: Vec<bool> = world.faults().iter().map(Option::is_some).collect();
    assert_eq!(lied, [true, false, false, false].repeat(3));
}
