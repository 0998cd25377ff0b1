//! Records one by one: what a handler gets, and what Lambda is answered.

use lambda_ordered::testing::{Answer, Kit, TestRecord, TestSource};
use lambda_ordered::{
    Decode, Error, Handler, Json, Kafka, Kinesis, OnFailure, OnUndecodable, Plain, Record, Undecodable,
};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use std::marker::PhantomData;

/// Keeps the numbers that it gets, in order; a negative one fails.
struct Numbers<S, U> {
    handled: Vec<i64>,
    steps: Vec<&'static str>,
    commit_fails: bool,
    _of: PhantomData<(S, U)>,
}

/// What becomes of what is no number.
trait Choice {
    const ON_UNDECODABLE: OnUndecodable;
}

struct Fail;
struct Skip;

impl Choice for Fail {
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;
}

impl Choice for Skip {
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Skip;
}

impl<S, U: Choice> Handler for Numbers<S, U>
where
    S: TestSource,
    Json<i64>: Decode<S>,
{
    type Source = S;
    type Payload = Json<i64>;
    const ON_UNDECODABLE: OnUndecodable = U::ON_UNDECODABLE;

    async fn begin(&mut self) -> Result<(), Error> {
        self.steps.push("begin");
        Ok(())
    }

    async fn handle(&mut self, Json(number): Json<i64>, _: &Record<'_, S>) -> Result<(), Error> {
        if number < 0 {
            return Err("no debts".into());
        }
        self.steps.push("handle");
        self.handled.push(number);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.steps.push("commit");
        if self.commit_fails { Err("disk full".into()) } else { Ok(()) }
    }

    async fn rollback(&mut self) {
        self.steps.push("rollback");
    }
}

fn numbers<S: TestSource, U: Choice>(on_failure: OnFailure) -> Kit<Plain<Numbers<S, U>>>
where
    Json<i64>: Decode<S>,
{
    Kit::new(
        Numbers { handled: Vec::new(), steps: Vec::new(), commit_fails: false, _of: PhantomData },
        on_failure,
    )
}

/// Delivers one batch of Kinesis records. `reported` is the place of the record that is reported.
async fn check<U: Choice>(payloads: &[&str], handled: &[i64], reported: Option<usize>) {
    let mut kit = numbers::<Kinesis, U>(OnFailure::ReportRecord);
    let records = TestRecord::all(payloads.iter().copied());
    let answer = kit.deliver(&records).await.expect("the batch is not failed as a whole");
    let failures: Vec<Value> = reported.map(|place| records[place].identifier()).into_iter().collect();
    assert_eq!(answer, Answer { failures, state: None });
    assert_eq!(kit.handler().handled, handled);
}

#[tokio::test]
async fn records_are_handled_in_order_and_nothing_is_reported_if_all_succeed() {
    check::<Fail>(&["3", "1", "2"], &[3, 1, 2], None).await;
    check::<Fail>(&[], &[], None).await;
}

#[tokio::test]
async fn it_stops_at_the_first_failure_and_reports_its_sequence_number() {
    check::<Fail>(&["1", "2", "-1", "4", "-2"], &[1, 2], Some(2)).await;
    check::<Fail>(&["-1", "1"], &[], Some(0)).await;
}

#[tokio::test]
async fn a_payload_that_cannot_be_decoded_fails_or_is_passed_over_as_the_author_says() {
    check::<Fail>(&["1", "many", "2"], &[1], Some(1)).await;
    check::<Skip>(&["1", "many", "2"], &[1, 2], None).await;
    check::<Skip>(&["1", "many", "-1", "2"], &[1], Some(2)).await;
}

#[tokio::test]
async fn what_was_handled_is_committed_also_if_a_record_is_reported() {
    let mut kit = numbers::<Kinesis, Fail>(OnFailure::ReportRecord);
    kit.deliver(&TestRecord::all(["1", "-1", "2"])).await.unwrap();
    assert_eq!(kit.handler().steps, ["begin", "handle", "commit"]);
}

#[tokio::test]
async fn a_mapping_without_reports_gets_a_failed_invocation_that_names_the_record_and_the_cause() {
    let mut kit = numbers::<Kinesis, Fail>(OnFailure::FailBatch);
    let error = kit.deliver(&TestRecord::all(["1", "-1"])).await.unwrap_err();
    let expected = "record 11 of shardId-000000000000 failed: no debts";
    assert_eq!(error, diagnostic("RecordFailed", expected));
}

#[tokio::test]
async fn what_was_handled_is_undone_if_the_invocation_fails() {
    let mut kit = numbers::<Kinesis, Fail>(OnFailure::FailBatch);
    kit.deliver(&TestRecord::all(["1", "-1"])).await.unwrap_err();
    assert_eq!(kit.handler().steps, ["begin", "handle", "rollback"]);
    let mut kit = numbers::<Kinesis, Fail>(OnFailure::ReportRecord);
    kit.handler_mut().commit_fails = true;
    let error = kit.deliver(&TestRecord::all(["1", "-1"])).await.unwrap_err();
    assert_eq!(error, diagnostic("HandlerFailed", "commit failed: disk full"));
    assert_eq!(kit.handler().steps, ["begin", "handle", "commit", "rollback"]);
}

#[tokio::test]
async fn what_could_not_be_decoded_is_told_without_quoting_it() {
    let mut kit = numbers::<Kinesis, Fail>(OnFailure::FailBatch);
    let error = kit.deliver(&TestRecord::all(["\"secret\""])).await.unwrap_err();
    let expected = "record 8 of shardId-000000000000 failed: \
                    the payload is not the JSON that the handler takes, see line 1 column 8";
    assert_eq!(error, diagnostic("RecordFailed", expected));
}

fn diagnostic(error_type: &str, error_message: &str) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message: error_message.to_owned() }
}

#[tokio::test]
async fn a_failure_of_kafka_stops_its_partition_only_and_reports_all_that_was_not_handled_of_it() {
    let mut kit = numbers::<Kafka, Fail>(OnFailure::ReportRecord);
    let record = |shard: &str, offset, data| TestRecord::new(offset, data).in_shard(shard);
    let records = [
        record("orders-by-day-1", 7, "7"),
        record("orders-by-day-0", 15, "1"),
        record("orders-by-day-0", 16, "-1"),
        record("orders-by-day-0", 17, "3"),
        record("orders-by-day-1", 8, "8"),
    ];
    let answer = kit.deliver(&records).await.unwrap();
    assert_eq!(
        answer.failures,
        [
            json!({ "partition": "orders-by-day-0", "offset": 16 }),
            json!({ "partition": "orders-by-day-0", "offset": 17 })
        ]
    );
    assert_eq!(kit.handler().handled, [1, 7, 8]);
}

#[tokio::test]
async fn an_event_of_something_else_fails_before_anything_is_handled() {
    let mut kit = numbers::<Kinesis, Fail>(OnFailure::ReportRecord);
    let mut event = Kinesis::event(&TestRecord::all(["1", "2"]));
    event["Records"][1]["eventID"] = Value::Null;
    let error = kit.invoke(&event).await.unwrap_err();
    assert_eq!(error.error_type, "UnusableEvent");
    assert!(error.error_message.contains("no usable eventID"), "{error:?}");
    assert_eq!(kit.handler().steps, [""; 0]);
}

#[tokio::test]
async fn the_state_of_a_window_that_the_handler_does_not_know_is_passed_on_as_it_came() {
    let mut kit = numbers::<Kinesis, Fail>(OnFailure::ReportRecord);
    let mut event = Kinesis::event(&TestRecord::all(["1"]));
    event["window"] = json!({ "start": "2026-01-09T07:04:00Z", "end": "2026-01-09T07:06:00Z" });
    event["state"] = json!({ "1": 282, "2": 715 });
    assert_eq!(kit.invoke(&event).await.unwrap().state, Some(json!({ "1": 282, "2": 715 })));
}

/// Takes what could be decoded and what could not.
struct Judge(Vec<Result<i64, String>>);

impl Handler for Judge {
    type Source = Kinesis;
    type Payload = Result<Json<i64>, Undecodable>;
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn handle(&mut self, payload: Self::Payload, _: &Record<'_, Kinesis>) -> Result<(), Error> {
        self.0.push(payload.map(|Json(number)| number).map_err(|error| error.detail()));
        Ok(())
    }
}

#[tokio::test]
async fn a_handler_may_see_for_itself_what_could_not_be_decoded() {
    let mut kit = Kit::new(Judge(Vec::new()), OnFailure::ReportRecord);
    kit.deliver(&TestRecord::all(["1", "true"])).await.unwrap();
    let detail = "invalid type: boolean `true`, expected i64 at line 1 column 4";
    assert_eq!(kit.handler().0, [Ok(1), Err(detail.to_owned())]);
}
