//! The least Lambda Runtime API that a handler runs on: one process, one event at a time, and no rules.
//!
//! In: events, ready to be sent. Out: the answer's arrival. It knows neither timeouts nor crashes nor errors: it is what
//! Pelton's own is measured against, by the same HTTP server.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

/// Every invocation has the same id: nobody looks at it.
const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// 9999-12-31: no invocation is ever late.
const DEADLINE_MS: &str = "253402300799000";

const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:bare";

/// A handler process and what it is fed by. Dropping it kills the process.
#[derive(Debug)]
pub struct BareRuntime {
    events: mpsc::Sender<Bytes>,
    answers: mpsc::Receiver<()>,
    _handler: Child,
}

/// What the calls of the process meet.
struct Exchange {
    events: Mutex<mpsc::Receiver<Bytes>>,
    answers: mpsc::Sender<()>,
}

impl BareRuntime {
    /// Starts `handler` with this environment beside its own.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start(handler: &Path, environment: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (events, events_taken) = mpsc::channel(1);
        let (answers, answers_taken) = mpsc::channel(1);
        let exchange = Arc::new(Exchange { events: Mutex::new(events_taken), answers });
        tokio::spawn(serve(listener, exchange));
        let handler = Command::new(handler)
            .envs(environment.iter().copied())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bare")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bare")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bare")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the handler starts");
        Self { events, answers: answers_taken, _handler: handler }
    }

    /// Runs the handler once and waits for its answer.
    ///
    /// # Panics
    /// If the handler is gone.
    pub async fn invoke(&mut self, event: Bytes) {
        self.events.send(event).await.expect("the server runs as long as this does");
        self.answers.recv().await.expect("the server runs as long as this does");
    }
}

async fn serve(listener: TcpListener, exchange: Arc<Exchange>) {
    while let Ok((connection, _)) = listener.accept().await {
        connection.set_nodelay(true).expect("a connection can be told to send at once");
        let exchange = Arc::clone(&exchange);
        let service = service_fn(move |request| answer(Arc::clone(&exchange), request));
        // A connection that breaks off ends the handler, which the next invocation shows.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

async fn answer(
    exchange: Arc<Exchange>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::GET {
        // Without an event there is nobody who would send one any more: the call never ends.
        let Some(event) = exchange.events.lock().await.recv().await else {
            return std::future::pending().await;
        };
        return Ok(with_event(event));
    }
    let answered = request.into_body().collect().await.is_ok();
    if answered {
        exchange.answers.send(()).await.ok();
    }
    Ok(Response::builder().status(202).body(Full::default()).expect("these parts make an answer"))
}

fn with_event(event: Bytes) -> Response<Full<Bytes>> {
    Response::builder()
        .header("lambda-runtime-aws-request-id", REQUEST_ID)
        .header("lambda-runtime-deadline-ms", DEADLINE_MS)
        .header("lambda-runtime-invoked-function-arn", FUNCTION_ARN)
        .body(Full::new(event))
        .expect("these parts make an answer")
}
