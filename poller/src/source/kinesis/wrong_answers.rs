//! Answers that cannot be true: nothing is taken from them that the next one would have to take back.

use super::tests::{Script, page, positions, shard, with};
use super::*;
use crate::ports::Answer;
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::ShardStart;
use pelton_core::{Position, Timestamp};
use serde_json::{Value, json};

#[tokio::test]
async fn a_position_that_is_refused_once_is_asked_for_again_and_kept() {
    let script = Script::default()
        .refuse(400, "InvalidArgumentException")
        .iterator("a")
        .answer(page(&[("3", 10.0)]))
        .answer(page(&[]));
    let source = script.source().await;
    let mut reader = source.open(&shard(), ReadFrom::After(Position::new("2"))).await.unwrap().reader;
    let answer = reader.next(100).await.unwrap();
    assert_eq!((positions(&answer), &answer.lost_after), (vec!["3"], &None));
    assert_eq!(script.asked_for(1), script.asked_for(0));
}

#[tokio::test]
async fn an_answer_that_comes_again_brings_no_record_twice_and_is_left_by_a_new_iterator() {
    let old = page(&[("1", 10.0), ("2", 10.0)]);
    let script = Script::default()
        .iterator("a")
        .answer(old.clone())
        .answer(page(&[]))
        .answer(old.clone())
        .iterator("b")
        .answer(page(&[("2", 10.0), ("3", 10.0)]))
        .answer(page(&[]));
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    let mut reader = script.source().await.open(&shard(), from).await.unwrap().reader;
    assert_eq!(positions(&reader.next(100).await.unwrap()), ["1", "2"]);
    assert_eq!(
        reader.next(100).await.unwrap(),
        Answer { records: Vec::new(), follows: Follows::More, lost_after: None }
    );
    assert_eq!(positions(&reader.next(100).await.unwrap()), ["3"]);
    let after = json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": "2"});
    assert_eq!(script.asked_for(1), after);
}

#[tokio::test]
async fn records_of_another_shard_and_records_without_a_number_are_not_taken() {
    // A record of shard 6, from the documentation of AWS Lambda.
    let foreign = page(&[("49590338271490256608559692538361571095921575989136588898", 10.0)]);
    for wrong in [foreign, page(&[("", 10.0)])] {
        let script = Script::default()
            .iterator("a")
            .answer(wrong)
            .iterator("b")
            .answer(page(&[("1", 10.0)]))
            .answer(page(&[]));
        let from = ReadFrom::Start(ShardStart::TrimHorizon);
        let mut reader = script.source().await.open(&shard(), from).await.unwrap().reader;
        assert!(matches!(reader.next(100).await, Err(SourceError::Senseless { .. })));
        assert_eq!(positions(&reader.next(100).await.unwrap()), ["1"]);
        assert_eq!(script.requests()[3].1["ShardIterator"], "b");
    }
}

#[tokio::test]
async fn an_iterator_that_is_none_is_not_asked_with() {
    let from = ReadFrom::Start(ShardStart::TrimHorizon);
    for odd in [json!({}), json!({ "ShardIterator": null }), json!({ "ShardIterator": "" })] {
        let source = Script::default().answer(odd).source().await;
        let opened = source.open(&shard(), from.clone()).await;
        assert!(matches!(opened.err(), Some(SourceError::Senseless { operation: "GetShardIterator", .. })));
    }
}

#[tokio::test]
async fn a_description_that_lacks_something_or_is_of_another_stream_is_no_description() {
    let whole = json!({
        "StreamName": "orders", "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
        "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24, "StreamCreationTimestamp": 1.5e9,
        "EnhancedMonitoring": [], "OpenShardCount": 1
    });
    let answer = |summary: &Value| json!({ "StreamDescriptionSummary": summary });
    let described = Script::default().answer(answer(&whole)).source().await.describe().await.unwrap();
    assert_eq!(described.created, Timestamp::from_millis(1_500_000_000_000));
    let without = |name: &str| {
        let mut summary = whole.clone();
        summary.as_object_mut().unwrap().remove(name);
        answer(&summary)
    };
    let wrong = [
        json!({}),
        answer(&json!({})),
        without("StreamName"),
        without("StreamARN"),
        without("StreamCreationTimestamp"),
        without("RetentionPeriodHours"),
        answer(&with(whole.clone(), "StreamName", json!("others"))),
    ];
    for wrong in wrong {
        let described = Script::default().answer(wrong.clone()).source().await.describe().await;
        let is_waited_for =
            matches!(described, Err(SourceError::Senseless { .. } | SourceError::Unavailable { .. }));
        assert!(is_waited_for, "{wrong}: {described:?}");
    }
}

#[tokio::test]
async fn a_listing_that_breaks_off_or_repeats_a_page_is_no_listing() {
    let page = |id: &str, more: bool| {
        let range = json!({"StartingHashKey": "0", "EndingHashKey": "9"});
        let shard = json!({"ShardId": id, "HashKeyRange": range, "SequenceNumberRange": {"StartingSequenceNumber": "1"}});
        json!({ "Shards": [shard], "NextToken": more.then_some("t") })
    };
    let broken_off =
        Script::default().answer(page("a", true)).answer(json!({"Shards": [], "NextToken": "t"}));
    let repeated = Script::default().answer(page("a", true)).answer(page("b", true)).answer(page("a", true));
    for script in [broken_off, repeated, Script::default().answer(page("", false))] {
        let listed = script.source().await.list_shards().await;
        assert!(matches!(listed, Err(SourceError::Senseless { .. })), "{listed:?}");
    }
}

#[tokio::test]
async fn after_an_answer_without_an_iterator_one_is_taken_behind_the_last_record() {
    let without = |next: Value| with(page(&[("1", 10.0)]), "NextShardIterator", next);
    for odd in [without(json!(null)), without(json!(""))] {
        let script = Script::default().iterator("a").answer(odd).iterator("b").answer(page(&[]));
        let from = ReadFrom::Start(ShardStart::TrimHorizon);
        let mut reader = script.source().await.open(&shard(), from).await.unwrap().reader;
        let last = reader.next(100).await.unwrap();
        assert_eq!((positions(&last), last.follows), (vec!["1"], Follows::NoPlace { names_children: false }));
        assert_eq!(reader.next(100).await.unwrap().follows, Follows::CaughtUp);
        let after = json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": "1"});
        assert_eq!(script.asked_for(1), after);
    }
}

#[tokio::test]
async fn only_children_that_name_the_shard_as_their_parent_are_its_children() {
    let names_children = async |parent: &str| {
        let range = json!({"StartingHashKey": "0", "EndingHashKey": "9"});
        let child =
            json!({"ShardId": "shardId-000000000001", "ParentShards": [parent], "HashKeyRange": range});
        let last = json!({"Records": [], "MillisBehindLatest": 0, "ChildShards": [child]});
        let source = Script::default().iterator("a").answer(last).source().await;
        let from = ReadFrom::Start(ShardStart::TrimHorizon);
        source.open(&shard(), from).await.unwrap().reader.next(100).await.unwrap().follows
    };
    assert_eq!(names_children("shardId-000000000000").await, Follows::NoPlace { names_children: true });
    assert_eq!(names_children("shardId-000000000007").await, Follows::NoPlace { names_children: false });
}
