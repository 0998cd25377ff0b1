//! The fault proxy in front of the fake: faults and lies about the calls of DynamoDB Streams.

use super::{World, ask, refused, text};
use pelton_tests::dynamodb_streams::Script;
use pelton_tests::fault_proxy::{Fault, FaultProxy, Lie, Operation, Refusal, Rule, Weather};
use serde_json::{Value, json};
use std::time::Duration;

struct Through {
    world: World,
    proxy: FaultProxy,
    shard: String,
}

impl Through {
    /// A stream of this many shards with three records in each of them, and a proxy in front of it.
    async fn with(shards: usize, weather: Weather) -> Self {
        let world = World::new(Script::default().shards_at_first(shards)).await;
        let mut keys = 0;
        while world.fake.content(&world.arn).iter().any(|shard| shard.records.len() < 3) {
            world.put(&format!("key-{keys}"), 0);
            keys += 1;
        }
        let shard = world.fake.content(&world.arn)[0].id.clone();
        let proxy = FaultProxy::start(&world.fake.endpoint(), weather).await;
        Self { world, proxy, shard }
    }

    async fn ask(&self, operation: &str, body: Value) -> Result<Value, super::Refused> {
        ask(&self.proxy.endpoint(), operation, body).await
    }

    async fn iterator(&self, shard: &str) -> String {
        let body =
            json!({"StreamArn": self.world.arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        text(&self.ask("GetShardIterator", body).await.unwrap()["ShardIterator"])
    }

    async fn describe(&self, start: Option<&str>) -> Value {
        let mut body = json!({"StreamArn": self.world.arn, "Limit": 2});
        if let Some(start) = start {
            body["ExclusiveStartShardId"] = start.into();
        }
        self.ask("DescribeStream", body).await.unwrap()
    }

    /// So many records come with this iterator, and whether there is a place to read on.
    async fn read(&self, iterator: &str) -> (usize, bool) {
        let page = self.ask("GetRecords", json!({"ShardIterator": iterator})).await.unwrap();
        let records = page["Records"].as_array().map_or(0, Vec::len);
        (records, page["NextShardIterator"].is_string())
    }
}

fn lie(operation: Operation, lie: Lie, call: u64) -> Rule {
    Rule::new(operation, Fault::Lie(lie)).calls(call..call + 1)
}

#[tokio::test]
async fn without_faults_everything_passes_and_every_call_is_noted_with_its_shard() {
    let through = Through::with(1, Weather::calm()).await;
    through.describe(None).await;
    let iterator = through.iterator(&through.shard).await;
    assert_eq!(through.read(&iterator).await, (3, true));
    let calls = through.proxy.calls();
    let noted: Vec<_> = calls.iter().map(|call| (call.operation, call.shard.as_deref())).collect();
    let shard = Some(&*through.shard);
    let expected = [
        (Operation::DescribeStream, None),
        (Operation::GetShardIterator, shard),
        (Operation::GetRecords, shard),
    ];
    assert_eq!(noted, expected);
    assert_eq!(through.proxy.counts(), (3, 0));
}

#[tokio::test]
async fn a_refusal_comes_under_the_name_that_this_api_gives_it() {
    for (refusal, status, code) in [
        (Refusal::LimitExceeded, 400, "LimitExceededException"),
        (Refusal::ThroughputExceeded, 400, "ProvisionedThroughputExceededException"),
        (Refusal::ExpiredIterator, 400, "ExpiredIteratorException"),
        (Refusal::TrimmedData, 400, "TrimmedDataAccessException"),
        (Refusal::Throttled, 400, "ThrottlingException"),
        (Refusal::InternalFailure, 500, "InternalServerError"),
    ] {
        let first = Rule::new(Operation::GetRecords, Fault::Refused(refusal)).calls(0..1);
        let through = Through::with(1, Weather::calm().rule(first)).await;
        let iterator = through.iterator(&through.shard).await;
        let refused = through.ask("GetRecords", json!({"ShardIterator": iterator})).await;
        assert_eq!(refused, Err((status, code.to_owned())));
        assert_eq!(through.read(&iterator).await, (3, true));
    }
}

#[tokio::test]
async fn an_empty_page_has_the_fields_of_this_api_and_swallows_nothing() {
    let first = Rule::new(Operation::GetRecords, Fault::EmptyPage).calls(0..1);
    let through = Through::with(1, Weather::calm().rule(first)).await;
    let iterator = through.iterator(&through.shard).await;
    let page = through.ask("GetRecords", json!({"ShardIterator": iterator})).await.unwrap();
    assert_eq!(page, json!({"Records": [], "NextShardIterator": iterator}));
    assert_eq!(through.read(&iterator).await, (3, true));
}

#[tokio::test]
async fn a_lie_about_records_hides_them_from_one_answer_and_names_no_place_behind_them() {
    for (told, expected) in [
        (Lie::Missing, (0, false)),
        (Lie::Null, (0, false)),
        (Lie::Void, (0, false)),
        (Lie::Part, (1, false)),
    ] {
        let through = Through::with(1, Weather::calm().rule(lie(Operation::GetRecords, told, 0))).await;
        let iterator = through.iterator(&through.shard).await;
        assert_eq!(through.read(&iterator).await, expected, "{told:?}");
        assert_eq!(through.read(&iterator).await, (3, true), "{told:?}");
        assert_eq!(through.proxy.lies(), 1, "{told:?}");
    }
}

#[tokio::test]
async fn records_that_were_read_can_come_again() {
    for told in [Lie::Repeated, Lie::Stale] {
        let through = Through::with(1, Weather::calm().rule(lie(Operation::GetRecords, told, 1))).await;
        let iterator = through.iterator(&through.shard).await;
        let page = through.ask("GetRecords", json!({"ShardIterator": iterator})).await.unwrap();
        let next = json!({"ShardIterator": page["NextShardIterator"]});
        assert_eq!(through.ask("GetRecords", next).await, Ok(page), "{told:?}");
    }
}

#[tokio::test]
async fn a_part_of_a_description_is_half_of_its_shards_as_if_they_were_all() {
    let weather = Weather::calm().rule(lie(Operation::DescribeStream, Lie::Part, 0));
    let through = Through::with(3, weather).await;
    let part = through.describe(None).await;
    assert_eq!(part["StreamDescription"]["Shards"].as_array().unwrap().len(), 1);
    assert_eq!(part["StreamDescription"].get("LastEvaluatedShardId"), None);
    let whole = through.describe(None).await;
    assert_eq!(whole["StreamDescription"]["Shards"].as_array().unwrap().len(), 2);
    assert!(whole["StreamDescription"]["LastEvaluatedShardId"].is_string());
}

#[tokio::test]
async fn the_answer_before_is_one_about_the_same_page_of_the_description() {
    let weather = (1..5).fold(Weather::calm(), |weather, call| {
        weather.rule(lie(Operation::DescribeStream, Lie::Repeated, call))
    });
    let through = Through::with(4, weather).await;
    let first = through.describe(None).await;
    let last = text(&first["StreamDescription"]["LastEvaluatedShardId"]);
    let second = through.describe(Some(&last)).await;
    assert_ne!(first["StreamDescription"]["Shards"], second["StreamDescription"]["Shards"]);
    through.world.fake.roll_over(&through.world.arn, &through.shard, 1);
    assert_eq!(through.describe(None).await, first);
    assert_eq!(through.describe(Some(&last)).await, second);
}

#[tokio::test]
async fn a_description_can_be_that_of_another_stream() {
    let weather = Weather::calm().rule(lie(Operation::DescribeStream, Lie::Foreign, 1));
    let through = Through::with(1, weather).await;
    let other = through.world.fake.create_table("others", &["id"], super::ViewType::KeysOnly);
    let other = through.ask("DescribeStream", json!({"StreamArn": other})).await.unwrap();
    assert_eq!(through.describe(None).await, other);
}

#[tokio::test]
async fn by_chance_nobody_is_told_the_records_of_another_shard_as_nobody_could_see_it() {
    let through = Through::with(2, Weather::calm().lies(1, 100)).await;
    let shards = through.world.ids().await;
    for _ in 0..40 {
        for shard in &shards {
            let body =
                json!({"StreamArn": through.world.arn, "ShardId": shard, "ShardIteratorType": "LATEST"});
            through.raw("GetShardIterator", body).await;
        }
    }
    let told: Vec<_> = through.proxy.calls().into_iter().filter_map(|call| call.fault).collect();
    assert!(told.len() >= 20, "{told:?}");
    assert!(told.iter().all(|fault| *fault != Fault::Lie(Lie::Foreign)), "{told:?}");
}

impl Through {
    /// A call whose answer may be no JSON.
    async fn raw(&self, operation: &str, body: Value) {
        let endpoint = self.proxy.endpoint();
        let address = endpoint.strip_prefix("http://").unwrap();
        let request = hyper::Request::post("/")
            .header("host", address)
            .header("x-amz-target", format!("DynamoDBStreams_20120810.{operation}"))
            .body(super::Full::new(body.to_string().into()))
            .unwrap();
        pelton_tests::http::ask(address, request).await.unwrap();
    }
}

#[tokio::test]
async fn iterators_can_really_expire_before_the_fakes_own() {
    let weather = Weather::calm().iterators_expire_after(Duration::ZERO);
    let through = Through::with(1, weather).await;
    let iterator = through.iterator(&through.shard).await;
    let expired = through.ask("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(expired, Err((400, "ExpiredIteratorException".to_owned())));
    through.proxy.change(Weather::calm());
    assert_eq!(through.read(&iterator).await, (3, true));
    through.world.fake.pass(Duration::from_hours(1));
    let expired = through.ask("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(expired, Err(refused("ExpiredIteratorException")));
}
