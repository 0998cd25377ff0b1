//! Functions that run elsewhere: `--lambda-endpoint`.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use pelton_tests::Signal;
use pelton_tests::site::{Site, StreamServer, assert_refused, pelton, run_to_end, template, until};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// Speaks the Invoke API: answers as told, then with success, and remembers who was invoked with which sequence numbers.
#[derive(Clone, Default)]
struct Lambda(Arc<Mutex<Played>>);

#[derive(Default)]
struct Played {
    answers: VecDeque<Answer>,
    invoked: Vec<(String, Vec<String>)>,
}

type Answer = (u16, &'static [(&'static str, &'static str)], &'static str);

const FUNCTION_ERROR: Answer =
    (200, &[("x-amz-function-error", "Unhandled")], r#"{"errorType":"Error","errorMessage":"no ink"}"#);
const THROTTLED: Answer =
    (429, &[("x-amzn-errortype", "TooManyRequestsException")], r#"{"Message":"Rate exceeded"}"#);
const NOT_REACHED: Answer =
    (502, &[("x-amzn-errortype", "ENILimitReachedException")], r#"{"Message":"no network"}"#);

impl Lambda {
    /// Answers like this first. Returns the URL to invoke at.
    async fn start(&self, first: impl IntoIterator<Item = Answer>) -> String {
        self.played().answers.extend(first);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let path = "/2015-03-31/functions/{name}/invocations";
        let app = Router::new().route(path, post(invoke)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    fn played(&self) -> std::sync::MutexGuard<'_, Played> {
        self.0.lock().expect("nobody panics while holding it")
    }

    fn invoked(&self) -> Vec<(String, Vec<String>)> {
        self.played().invoked.clone()
    }
}

async fn invoke(
    State(lambda): State<Lambda>,
    Path(name): Path<String>,
    body: String,
) -> (StatusCode, HeaderMap, &'static str) {
    let event: Value = serde_json::from_str(&body).expect("an event is JSON");
    let records = event["Records"].as_array().expect("an event has records").iter();
    let number =
        |record: &Value| record["kinesis"]["sequenceNumber"].as_str().expect("it has one").to_owned();
    let mut played = lambda.played();
    played.invoked.push((name, records.map(number).collect()));
    let (status, headers, body) = played.answers.pop_front().unwrap_or((200, &[], "null"));
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse().expect("a header's name"), HeaderValue::from_static(value)));
    (StatusCode::from_u16(status).expect("a status"), headers.collect(), body)
}

#[tokio::test]
async fn a_batch_is_invoked_elsewhere_until_it_succeeds_whatever_was_in_the_way_and_then_the_next() {
    let site = Site::without_code(&template("", "BatchSize: 10"));
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..20).await;
    let lambda = Lambda::default();
    let url = lambda.start([THROTTLED, FUNCTION_ERROR, NOT_REACHED]).await;
    let mut running = site.start_with(&server, &["--lambda-endpoint", &url]).await;
    until(&running, "both batches are done with", || lambda.invoked().len() >= 5).await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
    let invoked = lambda.invoked();
    assert!(invoked.iter().all(|(name, _)| name == "Keeper"), "{invoked:?}");
    let batches: Vec<_> = invoked.into_iter().map(|(_, numbers)| numbers).collect();
    assert!(batches[..4].iter().all(|batch| *batch == batches[0]), "the same batch until it succeeded");
    assert!(batches[4] > batches[3], "then the next");
    assert_eq!((batches[0].len(), batches[4].len(), batches.len()), (10, 10, 5));
}

#[tokio::test]
async fn a_function_may_be_called_something_else_there() {
    let site = Site::without_code(&template("FunctionName: keeper-dev", ""));
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..1).await;
    for (arguments, name) in
        [(&[][..], "keeper-dev"), (&["--function-name", "Keeper=function"][..], "function")]
    {
        let lambda = Lambda::default();
        let url = lambda.start([]).await;
        let data_dir = site.path().join(name);
        let arguments =
            [&["--lambda-endpoint", &url, "--data-dir", data_dir.to_str().unwrap()], arguments].concat();
        let running = site.start_with(&server, &arguments).await;
        until(&running, "the function was invoked", || !lambda.invoked().is_empty()).await;
        assert_eq!(lambda.invoked()[0].0, name);
    }
}

#[tokio::test]
async fn one_function_may_be_invoked_elsewhere_while_the_others_run_here() {
    let python = "  Python:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/orders
            StartingPosition: TRIM_HORIZON
";
    let site = Site::new(&(template("", "") + python));
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..3).await;
    let lambda = Lambda::default();
    let endpoint = format!("Python={}", lambda.start([]).await);
    let running = site.start_with(&server, &["--lambda-endpoint", &endpoint]).await;
    let journal = site.journal();
    until(&running, "the one here is done with them", || journal.records_ended() >= 3).await;
    until(&running, "the one elsewhere is, too", || !lambda.invoked().is_empty()).await;
    assert!(lambda.invoked().iter().all(|(name, _)| name == "Python"), "{:?}", lambda.invoked());
    let named = ["--lambda-endpoint", &endpoint, "--function-name", "Keeper=k"];
    let exit = run_to_end(
        site.run(&server.endpoint).args(named).args(["--template"]).args([site.path().join("template.yaml")]),
    )
    .await;
    exit.assert_code(2).assert_printed("Keeper runs here, under no other name");
}

#[tokio::test]
async fn a_lambda_endpoint_that_nobody_listens_at_or_a_function_that_is_not_there_is_refused_at_start() {
    let site = Site::without_code(&template("", ""));
    let server = StreamServer::start(&["orders"]).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let exit = site.run(&server.endpoint).args(["--lambda-endpoint", &url]).run(&site.folder).await;
    assert_refused(&site, &exit, &[&url, "cargo lambda watch"]);
    let exit = site.run(&server.endpoint).args(["--lambda-endpoint", "nowhere"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["nowhere", "http://"]);
    let url = Lambda::default().start([]).await;
    let arguments = ["--lambda-endpoint", &url, "--function-name", "Kepper=k"];
    let exit = site.run(&server.endpoint).args(arguments).run(&site.folder).await;
    assert_refused(&site, &exit, &["the template has no function `Kepper`", "Keeper"]);
    let exit = pelton(["run", "--function-name", "Keeper=k"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["--lambda-endpoint"]);
}
