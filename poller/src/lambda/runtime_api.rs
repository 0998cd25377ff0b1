//! The Lambda Runtime API, version 2018-06-01 (specification 8.1), as one handler process sees it.
//!
//! Header names go out as AWS spells them (`Lambda-Runtime-Aws-Request-Id`). HTTP ignores case, but runtimes written for
//! a shell, awk or PHP compare the names letter by letter.
//!
//! In: the calls that arrive on one process's own port. Out: its invocations, and whether its answers are accepted.
//! Who gets which invocation is decided by the exchange.

use super::answer::{self, Unusable};
use super::dispatcher::{Delivery, Dispatcher};
use super::event_body::EventBody;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use pelton_core::exchange::{AttemptId, FunctionError, ProcessId, Refusal, RequestId};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpStream;
use uuid::Uuid;

const PREFIX: &str = "/2018-06-01/runtime/";
const INVOCATION_ID: HeaderName = HeaderName::from_static("lambda-runtime-invocation-id");

type Body = Either<Full<Bytes>, EventBody>;
type Answer = Response<Body>;

/// The Runtime API of one process.
#[derive(Clone)]
pub(super) struct RuntimeApi {
    dispatcher: Arc<Dispatcher>,
    process: ProcessId,
}

/// A call of the Runtime API.
enum Call<'a> {
    Next,
    InitError,
    Response(&'a str),
    Error(&'a str),
}

impl RuntimeApi {
    /// The Runtime API of `process`.
    pub(super) fn new(dispatcher: Arc<Dispatcher>, process: ProcessId) -> Self {
        Self { dispatcher, process }
    }

    /// Serves one connection until it ends. Cancelling breaks it off.
    pub(super) async fn serve(self, connection: TcpStream) {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection of a handler stays slow");
        }
        let service = service_fn(|request| async { Ok::<_, Infallible>(self.answer(request).await) });
        let mut http = http1::Builder::new();
        http.title_case_headers(true);
        if let Err(error) = http.serve_connection(TokioIo::new(connection), service).await {
            tracing::debug!(%error, "a connection of a handler broke off");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let Some(call) = Call::parse(parts.uri.path()) else {
            return problem(StatusCode::NOT_FOUND, "NotFound", "there is no such call");
        };
        if parts.method != call.method() {
            return problem(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "wrong method for this call");
        }
        match call {
            Call::Next => self.next().await.unwrap_or_else(refused),
            Call::InitError => {
                let (error, end) = answer::error(&parts.headers, body).await;
                told(self.dispatcher.init_failed(self.process, error), end)
            }
            Call::Error(request) => match Claim::of(self, request, &parts.headers) {
                Ok(mut claim) => {
                    let (error, end) = answer::error(&parts.headers, body).await;
                    told(claim.make(Err(error)), end)
                }
                Err(refusal) => refused(refusal),
            },
            Call::Response(request) => match Claim::of(self, request, &parts.headers) {
                Ok(claim) => respond(claim, body).await,
                Err(refusal) => refused(refusal),
            },
        }
    }

    /// Answers once there is an invocation. A process that was given up never gets an answer: it is killed while it
    /// waits, where a refusal would only make its runtime complain first.
    async fn next(&self) -> Result<Answer, Refusal> {
        let (number, delivery) = match self.dispatcher.ask(self.process) {
            Err(Refusal::GivenUp) => std::future::pending().await,
            asked => asked?,
        };
        let mut pending = Pending { api: self, number, is_over: false };
        let delivery = delivery.await;
        pending.is_over = true;
        let delivery = delivery.map_err(|_| Refusal::GivenUp)?;
        self.dispatcher.log_start(self.process, delivery.ticket.request);
        Ok(event(&self.dispatcher.profile.arn, &delivery))
    }
}

/// The answer to an error, which counts also if it was too large to be kept whole.
fn told(verdict: Result<(), Refusal>, end: Result<(), Unusable>) -> Answer {
    match (verdict, end) {
        (Err(refusal), _) => refused(refusal),
        (Ok(()), Err(Unusable::TooLarge)) => too_large(),
        (Ok(()), Ok(()) | Err(Unusable::Truncated)) => accepted(),
    }
}

async fn respond(mut claim: Claim<'_>, body: Incoming) -> Answer {
    let answer = match answer::response(body).await {
        Ok(answer) => answer,
        Err(Unusable::Truncated) => Err(FunctionError::response_truncated()),
        Err(Unusable::TooLarge) => {
            let verdict = claim.make(Err(FunctionError::response_too_large()));
            return told(verdict, Err(Unusable::TooLarge));
        }
    };
    claim.make(answer).map_or_else(refused, |()| accepted())
}

/// A call for an invocation that is not answered yet. If its connection breaks, the exchange learns it.
struct Pending<'a> {
    api: &'a RuntimeApi,
    number: u64,
    is_over: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.api.dispatcher.withdraw(self.api.process, self.number);
        }
    }
}

/// A process's claim to answer an invocation. If its connection breaks before the answer is complete, the invocation
/// has failed.
struct Claim<'a> {
    api: &'a RuntimeApi,
    request: RequestId,
    attempt: Option<AttemptId>,
    is_made: bool,
}

impl<'a> Claim<'a> {
    fn of(api: &'a RuntimeApi, request: &str, headers: &hyper::HeaderMap) -> Result<Self, Refusal> {
        let request = Uuid::try_parse(request).map_err(|_| Refusal::UnknownRequest)?;
        let attempt = match headers.get(INVOCATION_ID) {
            Some(id) => Some(Uuid::try_parse_ascii(id.as_bytes()).map_err(|_| Refusal::UnknownAttempt)?),
            None => None,
        };
        let attempt = attempt.map(|attempt| AttemptId(attempt.as_u128()));
        Ok(Self { api, request: RequestId(request.as_u128()), attempt, is_made: false })
    }

    fn make(&mut self, answer: Result<Bytes, FunctionError>) -> Result<(), Refusal> {
        self.is_made = true;
        self.api.dispatcher.answer(self.api.process, self.request, self.attempt, answer)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.is_made {
            // Nobody is left to be told of a refusal.
            let _refused = self.make(Err(FunctionError::response_truncated())).err();
        }
    }
}

impl<'a> Call<'a> {
    /// SnapStart is off here: there is no `restore/next` and no `restore/error`.
    fn parse(path: &'a str) -> Option<Self> {
        let call = path.strip_prefix(PREFIX)?;
        match call {
            "invocation/next" => return Some(Self::Next),
            "init/error" => return Some(Self::InitError),
            _ => {}
        }
        let (request, answer) = call.strip_prefix("invocation/")?.split_once('/')?;
        match answer {
            "response" => Some(Self::Response(request)),
            "error" => Some(Self::Error(request)),
            _ => None,
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::Next => Method::GET,
            Self::InitError | Self::Response(_) | Self::Error(_) => Method::POST,
        }
    }
}

fn event(function_arn: &str, delivery: &Delivery) -> Answer {
    let Delivery { ticket, deadline, batch } = delivery;
    let event = Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", ticket.request.to_string())
        .header(INVOCATION_ID, ticket.attempt.to_string())
        .header("lambda-runtime-deadline-ms", deadline.as_millis())
        .header("lambda-runtime-invoked-function-arn", function_arn)
        .header("lambda-runtime-trace-id", trace_id(delivery))
        .body(Either::Right(EventBody::new(batch)));
    event.unwrap_or_else(|_| {
        let reason = "the function's name does not fit into a header";
        problem(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", reason)
    })
}

/// Nobody traces here: `Root=1-SECONDS-ID;Parent=ID;Sampled=0`, from the deadline's time and the request's id.
fn trace_id(delivery: &Delivery) -> String {
    let seconds = delivery.deadline.as_millis() / 1_000;
    let RequestId(request) = delivery.ticket.request;
    let (root, parent) = (request >> 32, request & u128::from(u64::MAX));
    format!("Root=1-{seconds:08x}-{root:024x};Parent={parent:016x};Sampled=0")
}

fn too_large() -> Answer {
    let FunctionError { error_type, message } = FunctionError::response_too_large();
    problem(StatusCode::PAYLOAD_TOO_LARGE, &error_type, &message)
}

fn accepted() -> Answer {
    json(StatusCode::ACCEPTED, Bytes::from_static(br#"{"status":"OK"}"#))
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::UnknownRequest => {
            problem(StatusCode::BAD_REQUEST, "InvalidRequestID", "this process does not run that request")
        }
        Refusal::UnknownAttempt => problem(
            StatusCode::BAD_REQUEST,
            "InvalidInvocationId",
            "this process does not run that attempt at the request",
        ),
        Refusal::OutOfTurn => {
            problem(StatusCode::FORBIDDEN, "InvalidStateTransition", "not before the invocation is answered")
        }
        Refusal::GivenUp => problem(StatusCode::GONE, "Gone", "this process was given up"),
    }
}

fn problem(status: StatusCode, error_type: &str, message: &str) -> Answer {
    let body = serde_json::json!({ "errorMessage": message, "errorType": error_type });
    json(status, Bytes::from(body.to_string()))
}

fn json(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    answer
}
