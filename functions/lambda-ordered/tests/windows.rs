//! Tumbling windows: the state goes from invocation to invocation, and ends with the window.

use lambda_ordered::testing::{Answer, Kit, TestRecord, TestSource};
use lambda_ordered::{
    Error, Json, Kinesis, OnFailure, OnUndecodable, Record, Window, WindowHandler, Windowed,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Adds numbers up. Zero fails half way.
#[derive(Default)]
struct Sums {
    finished: Vec<(String, Sum)>,
    fails_to_finish: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
struct Sum {
    sum: u64,
    mean: f64,
    count: u32,
}

impl WindowHandler for Sums {
    type Source = Kinesis;
    type Payload = Json<u64>;
    type State = Sum;
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn handle(
        &mut self,
        state: &mut Sum,
        Json(number): Json<u64>,
        _: &Record<'_, Kinesis>,
    ) -> Result<(), Error> {
        state.count += 1;
        if number == 0 {
            return Err("nothing to add".into());
        }
        state.sum += number;
        state.mean = state.sum as f64 / f64::from(state.count);
        Ok(())
    }

    async fn finish(&mut self, window: &Window, state: Sum) -> Result<(), Error> {
        if self.fails_to_finish {
            return Err("no paper".into());
        }
        self.finished
            .push((format!("{} {} {}", window.shard, window.start, window.is_terminated_early), state));
        Ok(())
    }
}

fn sums(on_failure: OnFailure) -> Kit<Windowed<Sums>> {
    Kit::with_window(Sums::default(), on_failure)
}

fn sum(sum: u64, count: u32) -> Sum {
    Sum { sum, count, mean: if count == 0 { 0.0 } else { sum as f64 / f64::from(count) } }
}

#[tokio::test]
async fn the_state_goes_from_one_invocation_to_the_next_and_numbers_survive() {
    let mut kit = sums(OnFailure::ReportRecord);
    let big = (u64::MAX - 3).to_string();
    let records = TestRecord::all([&big, "1", "2"]);
    kit.deliver(&records[..1]).await.unwrap();
    assert_eq!(kit.state().sum, u64::MAX - 3);
    let answer = kit.deliver(&records[1..]).await.unwrap();
    assert_eq!(answer.state::<Sum>().sum, u64::MAX);
    assert_eq!(answer.failures, [""; 0]);
}

#[tokio::test]
async fn the_final_invocation_gives_the_finished_state_and_the_next_window_begins_anew() {
    let mut kit = sums(OnFailure::ReportRecord);
    kit.deliver(&TestRecord::all(["1", "2"])).await.unwrap();
    let answer = kit.finish_window().await.unwrap();
    assert_eq!(answer, Answer { failures: vec![], state: Some(json!({})) });
    kit.finish_window().await.unwrap();
    let window = "shardId-000000000000 2026-01-09 07:04:00 UTC false".to_owned();
    assert_eq!(kit.handler().finished, [(window.clone(), sum(3, 2)), (window, sum(0, 0))]);
}

#[tokio::test]
async fn a_final_invocation_may_bring_records_which_come_first() {
    let mut kit = sums(OnFailure::ReportRecord);
    let mut event = window_event(&["4", "5"], json!({ "sum": 1, "mean": 1.0, "count": 1 }));
    event["isFinalInvokeForWindow"] = true.into();
    event["isWindowTerminatedEarly"] = true.into();
    kit.invoke(&event).await.unwrap();
    let window = "shardId-000000000006 2026-01-09 07:04:00 UTC true".to_owned();
    assert_eq!(kit.handler().finished, [(window, sum(10, 3))]);
}

#[tokio::test]
async fn a_window_is_not_finished_while_a_record_of_its_final_invocation_fails() {
    let mut kit = sums(OnFailure::ReportRecord);
    let mut event = window_event(&["4", "0"], json!({}));
    event["isFinalInvokeForWindow"] = true.into();
    let answer = kit.invoke(&event).await.unwrap();
    assert_eq!((answer.failures.len(), answer.state::<Sum>()), (1, sum(4, 1)));
    assert_eq!(kit.handler().finished, []);
}

#[tokio::test]
async fn a_partial_failure_carries_the_state_of_what_succeeded_and_of_nothing_else() {
    let mut kit = sums(OnFailure::ReportRecord);
    let records = TestRecord::all(["1", "2", "0", "4"]);
    let answer = kit.deliver(&records).await.unwrap();
    assert_eq!(answer.failures, [records[2].identifier()]);
    assert_eq!(answer.state::<Sum>(), sum(3, 2), "the count of the failed record is not in it");
}

#[tokio::test]
async fn a_window_that_cannot_be_finished_fails_and_keeps_its_state() {
    let mut kit = sums(OnFailure::ReportRecord);
    kit.deliver(&TestRecord::all(["7"])).await.unwrap();
    kit.handler_mut().fails_to_finish = true;
    let error = kit.finish_window().await.unwrap_err();
    assert_eq!(error.error_message, "finish failed: no paper");
    kit.handler_mut().fails_to_finish = false;
    kit.finish_window().await.unwrap();
    assert_eq!(kit.handler().finished[0].1, sum(7, 1));
}

#[tokio::test]
async fn a_mapping_without_reports_gets_a_failed_invocation_and_the_state_stays_as_it_was() {
    let mut kit = sums(OnFailure::FailBatch);
    kit.deliver(&TestRecord::all(["1"])).await.unwrap();
    let error = kit.deliver(&TestRecord::all(["2", "0"])).await.unwrap_err();
    assert_eq!(error.error_type, "RecordFailed");
    assert_eq!(kit.state(), sum(1, 1));
}

#[tokio::test]
async fn an_event_without_a_window_fails() {
    let mut kit = sums(OnFailure::ReportRecord);
    let error = kit.invoke(&Kinesis::event(&TestRecord::all(["1"]))).await.unwrap_err();
    assert_eq!(error.error_type, "NoWindow");
    assert!(error.error_message.contains("TumblingWindowInSeconds"), "{error:?}");
}

#[tokio::test]
async fn a_state_of_another_version_fails_and_is_not_forgotten() {
    let mut kit = sums(OnFailure::ReportRecord);
    let error = kit.invoke(&window_event(&["1"], json!({ "sum": "many" }))).await.unwrap_err();
    assert_eq!(error.error_type, "UnusableState");
}

#[tokio::test]
async fn a_state_that_is_null_is_a_new_one() {
    let mut kit = sums(OnFailure::ReportRecord);
    let answer = kit.invoke(&window_event(&["1"], Value::Null)).await.unwrap();
    assert_eq!(answer.state::<Sum>(), sum(1, 1));
}

/// An event with the members that the specification names.
fn window_event(payloads: &[&str], state: Value) -> Value {
    let mut event = Kinesis::event(&TestRecord::all(payloads.iter().copied()));
    event["window"] = json!({ "start": "2026-01-09T07:04:00Z", "end": "2026-01-09T07:06:00Z" });
    event["state"] = state;
    event["shardId"] = "shardId-000000000006".into();
    event["eventSourceARN"] = "arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream".into();
    event["isFinalInvokeForWindow"] = false.into();
    event["isWindowTerminatedEarly"] = false.into();
    event
}
