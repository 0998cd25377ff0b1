use super::*;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use pelton_core::Timestamp;
use pelton_core::event::kinesis::{KinesisEncoder, KinesisOrigin, KinesisRecord};
use pelton_core::event::page::records_envelope;
use serde_json::Value;
use tokio::sync::mpsc;

type Headers = &'static [(&'static str, &'static str)];

const TIMEOUT: Duration = Duration::from_secs(3);

/// An endpoint that answers everything alike, and what it was asked.
struct Elsewhere {
    function: RemoteFunction,
    asked: mpsc::Receiver<(String, Value)>,
}

#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Headers,
    body: &'static str,
    asked: mpsc::Sender<(String, Value)>,
}

async fn answer(State(answer): State<Answer>, request: Request) -> (StatusCode, HeaderMap, &'static str) {
    let path = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    answer.asked.send((path, serde_json::from_slice(&body).unwrap())).await.unwrap();
    let headers = answer.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    (StatusCode::from_u16(answer.status).unwrap(), headers.collect(), answer.body)
}

async fn at(url: String) -> RemoteLambda {
    let options = AwsOptions { endpoint_url: Some(url), region: Some("us-east-1".to_owned()) };
    RemoteLambda::connect(&options).await.unwrap()
}

impl Elsewhere {
    async fn that_answers(status: u16, headers: Headers, body: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, was_asked) = mpsc::channel(10);
        let app = Router::new().fallback(answer).with_state(Answer { status, headers, body, asked });
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { function: at(url).await.function("orders", TIMEOUT, Clock::start()), asked: was_asked }
    }

    async fn invoke(&self) -> Outcome {
        self.function.invoke(batch()).await.outcome
    }
}

fn batch() -> Arc<Batch> {
    let encoder = KinesisEncoder::new(KinesisOrigin {
        shard_id: "shardId-000000000000".into(),
        event_source_arn: "arn".into(),
        region: "us-east-1".into(),
        invoke_identity_arn: "role".into(),
    });
    let arrival = Timestamp::from_millis(1_000);
    let record =
        |sequence_number| KinesisRecord { sequence_number, partition_key: Some("k"), data: b"data", arrival };
    let records = encoder.encode(["1", "2"].map(record), 8).into_records(Bytes::from);
    Arc::new(Batch::new(records, records_envelope()))
}

fn failed(error_type: &str, message: &str) -> Outcome {
    Outcome::FunctionFailed { error_type: error_type.to_owned(), message: message.to_owned() }
}

async fn check(status: u16, headers: Headers, body: &'static str, expected: Outcome) {
    assert_eq!(
        Elsewhere::that_answers(status, headers, body).await.invoke().await,
        expected,
        "{status} {body}"
    );
}

const THROWN: &str = r#"{"errorType":"Error","errorMessage":"no ink","stackTrace":[]}"#;

#[tokio::test]
async fn a_function_is_invoked_by_its_name_with_the_event_of_the_batch() {
    let mut elsewhere = Elsewhere::that_answers(200, &[], "null").await;
    assert_eq!(elsewhere.invoke().await, Outcome::Succeeded { payload: Bytes::from_static(b"null") });
    let (path, event) = elsewhere.asked.recv().await.unwrap();
    assert_eq!(path, "/2015-03-31/functions/orders/invocations");
    assert_eq!(event["Records"].as_array().unwrap().len(), 2);
    assert_eq!(event["Records"][1]["kinesis"]["sequenceNumber"], "2");
}

#[tokio::test]
async fn an_answer_with_the_header_x_amz_function_error_is_a_function_error() {
    let header = &[("X-Amz-Function-Error", "Unhandled")];
    check(200, header, THROWN, failed("Error", "no ink")).await;
    check(200, header, "not json", failed("Unhandled", "")).await;
    let timeout = r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}"#;
    check(
        200,
        header,
        timeout,
        failed("Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 3.00 seconds"),
    )
    .await;
}

#[tokio::test]
async fn elsewhere_than_on_aws_a_failure_may_show_in_the_body_alone() {
    check(200, &[], THROWN, failed("Error", "no ink")).await;
    check(500, &[], THROWN, failed("Error", "no ink")).await;
    check(502, &[], THROWN, failed("Error", "no ink")).await;
    let timeout = "Task timed out after 3.00 seconds";
    check(200, &[], timeout, failed("Sandbox.Timedout", timeout)).await;
    let half = r#"{"errorType":"a field of the answer"}"#;
    check(200, &[], half, Outcome::Succeeded { payload: Bytes::from_static(half.as_bytes()) }).await;
    let on_aws = answered(EndpointKind::Aws, None, Bytes::from_static(THROWN.as_bytes()));
    assert_eq!(on_aws, Outcome::Succeeded { payload: Bytes::from_static(THROWN.as_bytes()) });
}

#[tokio::test]
async fn a_throttle_is_no_failure_of_the_batch() {
    let too_many = &[("x-amzn-ErrorType", "TooManyRequestsException")];
    check(
        429,
        too_many,
        r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded"}"#,
        Outcome::Throttled,
    )
    .await;
    check(429, &[], "", Outcome::Throttled).await;
}

#[tokio::test]
async fn a_function_that_is_not_reached_is_no_failure_of_the_batch() {
    let refusals: [(u16, Headers, &str); 8] = [
        (202, &[], ""),
        (204, &[], ""),
        (404, &[("x-amzn-ErrorType", "ResourceNotFoundException")], r#"{"Message":"Function not found"}"#),
        (403, &[("x-amzn-ErrorType", "AccessDeniedException")], r#"{"Message":"no"}"#),
        (502, &[("x-amzn-ErrorType", "KMSAccessDeniedException")], r#"{"Message":"no"}"#),
        (502, &[("x-amzn-ErrorType", "ENILimitReachedException")], r#"{"Message":"no"}"#),
        (500, &[("x-amzn-ErrorType", "ServiceException")], r#"{"Message":"no"}"#),
        (503, &[], "<html>busy</html>"),
    ];
    for (status, headers, body) in refusals {
        let outcome = Elsewhere::that_answers(status, headers, body).await.invoke().await;
        assert!(matches!(outcome, Outcome::NotInvoked { .. }), "{status} {body}: {outcome:?}");
    }
    let missing = Elsewhere::that_answers(refusals[2].0, refusals[2].1, refusals[2].2).await.invoke().await;
    let reason = "ResourceNotFoundException: Function not found".to_owned();
    assert_eq!(missing, Outcome::NotInvoked { reason });
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_told_before_anything_runs_and_is_no_failure_later() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let function = at(url.clone()).await.function("orders", TIMEOUT, Clock::start());
    function.check().await.unwrap();
    drop(listener);
    let error = function.check().await.unwrap_err();
    assert_eq!(error.to_string(), format!("the Lambda endpoint {url} does not answer"));
    assert!(matches!(function.invoke(batch()).await.outcome, Outcome::NotInvoked { .. }));
}
