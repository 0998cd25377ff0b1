//! Functions that run elsewhere: called by the Invoke API of AWS Lambda, or of what stands for it.
//!
//! In: batches. Out: outcomes, as specification 4.1 tells them apart. A throttle, and a function that could not be reached, are
//! never failures of the batch.

use crate::aws::{AwsOptions, ConnectError, Connection, Endpoint, EndpointKind, Service};
use crate::clock::Clock;
use crate::errors::chain;
use crate::ports::Invoker;
use async_trait::async_trait;
use aws_sdk_lambda::config::http::HttpResponse;
use aws_sdk_lambda::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_lambda::operation::RequestId as _;
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, LogType};
use bytes::Bytes;
use pelton_core::{Batch, Outcome, Reply};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::warn;

/// A function may take 900 s (specification 8), after a start that may take a while. To give up before it is over would send
/// its batch again while it still runs.
const LAMBDA: Service =
    Service { id: "Lambda", host: "lambda", call_timeout: Duration::from_secs(960), connections_max: 256 };

/// Status of an answer to a synchronous invocation: 202 and 204 say that nothing ran yet, or nothing at all.
const SUCCEEDED: i32 = 200;

/// How long a function may take to start before its Timeout begins (specification 8: the init phase).
const START_MAX: Duration = Duration::from_secs(10);

/// How long an endpoint may take to let us in when its presence is checked.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);

/// What the Runtime Interface Emulator answers, with success, when a function took too long.
const EMULATOR_TIMEOUT: &str = "Task timed out after";

/// Speaks the Invoke API. Cheap to clone: all clones share connections.
#[derive(Clone, Debug)]
pub struct RemoteLambda {
    sdk: aws_sdk_lambda::Client,
    endpoint: Endpoint,
}

/// A function that is invoked elsewhere.
#[derive(Clone, Debug)]
pub struct RemoteFunction {
    lambda: RemoteLambda,
    name: String,
    /// Its Timeout in the template.
    timeout: Duration,
    clock: Clock,
}

/// Why a function cannot be invoked, found out before anything runs.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Nobody listens there.
    #[error("the Lambda endpoint {endpoint} does not answer")]
    Unreachable {
        /// Who was asked.
        endpoint: Endpoint,
        /// What went wrong.
        source: std::io::Error,
    },
    /// AWS refuses to invoke the function.
    #[error("{name} cannot be invoked at {endpoint}: {reason}")]
    Refused {
        /// The function.
        name: String,
        /// Who was asked.
        endpoint: Endpoint,
        /// What the endpoint said.
        reason: String,
    },
}

impl RemoteError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "start what is to run the functions there, such as `cargo lambda watch`, or leave --lambda-endpoint out"
            }
            Self::Refused { .. } => {
                "check the region, the permission lambda:InvokeFunction, and the function's name: --function-name LOGICAL_ID=NAME \
                 says what a function is called there"
            }
        }
    }
}

impl RemoteLambda {
    /// A client as the options, the environment and the profile say.
    pub async fn connect(options: &AwsOptions) -> Result<Self, ConnectError> {
        let Connection { config, endpoint, .. } = Connection::to(LAMBDA, options).await?;
        Ok(Self { sdk: aws_sdk_lambda::Client::new(&config), endpoint })
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The function of that name, partial ARN or ARN, which by its own setting ends within `timeout`.
    #[must_use]
    pub fn function(&self, name: &str, timeout: Duration, clock: Clock) -> RemoteFunction {
        RemoteFunction { lambda: self.clone(), name: name.to_owned(), timeout, clock }
    }
}

impl RemoteFunction {
    /// Its name, partial ARN or ARN there.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it can be invoked, without running it. Other endpoints than AWS know no dry run: there it is only whether
    /// somebody listens.
    pub async fn check(&self) -> Result<(), RemoteError> {
        let RemoteLambda { sdk, endpoint } = &self.lambda;
        if endpoint.kind() != EndpointKind::Aws {
            let unreachable = |source| RemoteError::Unreachable { endpoint: endpoint.clone(), source };
            return is_listening(endpoint).await.map_err(unreachable);
        }
        let dry_run = sdk.invoke().function_name(&self.name).invocation_type(InvocationType::DryRun).send();
        match dry_run.await {
            Ok(_) => Ok(()),
            Err(error) => Err(RemoteError::Refused {
                name: self.name.clone(),
                endpoint: endpoint.clone(),
                reason: reason(&error),
            }),
        }
    }
}

#[async_trait]
impl Invoker for RemoteFunction {
    async fn invoke(&self, batch: Arc<Batch>) -> Reply {
        let RemoteLambda { sdk, endpoint } = &self.lambda;
        let call = sdk
            .invoke()
            .function_name(&self.name)
            .invocation_type(InvocationType::RequestResponse)
            .log_type(LogType::None)
            .payload(Blob::new(batch.body().concat()));
        match self.patiently(call.send()).await {
            Ok(answer) if answer.status_code == SUCCEEDED => {
                let request_id = answer.request_id().map(Into::into);
                let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
                let outcome = answered(endpoint.kind(), answer.function_error.as_deref(), payload.into());
                Reply { outcome, request_id }
            }
            Ok(answer) => {
                Outcome::NotInvoked { reason: format!("the endpoint answered {}", answer.status_code) }.into()
            }
            Err(error) => not_answered(endpoint.kind(), &error).into(),
        }
    }
}

impl RemoteFunction {
    /// Waits for the answer, and says so once that takes longer than the function may.
    async fn patiently<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = Box::pin(answer);
        tokio::select! {
            answer = &mut answer => return answer,
            () = self.clock.sleep(self.timeout + START_MAX) => {}
        }
        warn!(
            function = self.name, endpoint = %self.lambda.endpoint, timeout = ?self.timeout, wait_max = ?LAMBDA.call_timeout,
            "the function has not answered within its Timeout: its batch waits"
        );
        answer.await
    }
}

async fn is_listening(endpoint: &Endpoint) -> std::io::Result<()> {
    let (host, port) = endpoint.host_and_port();
    timeout(CHECK_TIMEOUT, TcpStream::connect((host, port))).await??;
    Ok(())
}

/// What a function says when it fails.
#[derive(Deserialize)]
struct FunctionError {
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    #[serde(rename = "errorMessage")]
    message: Option<String>,
}

impl FunctionError {
    fn read(payload: &[u8]) -> Self {
        serde_json::from_slice(payload).unwrap_or(Self { error_type: None, message: None })
    }

    fn into_outcome(self, kind_of_failure: &str) -> Outcome {
        Outcome::FunctionFailed {
            error_type: self.error_type.unwrap_or_else(|| kind_of_failure.to_owned()),
            message: self.message.unwrap_or_default(),
        }
    }
}

/// The endpoint answered with success. AWS says in a header whether the function failed.
fn answered(endpoint: EndpointKind, function_error: Option<&str>, payload: Bytes) -> Outcome {
    if let Some(kind_of_failure) = function_error {
        return FunctionError::read(&payload).into_outcome(kind_of_failure);
    }
    unmarked_failure(endpoint, &payload).unwrap_or(Outcome::Succeeded { payload })
}

/// A failure that only the answer's body shows: `cargo lambda watch` and the Runtime Interface Emulator know no header for it.
/// To take a success for a failure repeats a batch, the other way round would lose one.
fn unmarked_failure(endpoint: EndpointKind, body: &[u8]) -> Option<Outcome> {
    if endpoint == EndpointKind::Aws {
        return None;
    }
    if body.starts_with(EMULATOR_TIMEOUT.as_bytes()) {
        let message = String::from_utf8_lossy(body).into_owned();
        return Some(Outcome::FunctionFailed { error_type: "Sandbox.Timedout".to_owned(), message });
    }
    let error = FunctionError::read(body);
    (error.error_type.is_some() && error.message.is_some()).then(|| error.into_outcome("Unhandled"))
}

/// The call failed.
fn not_answered(endpoint: EndpointKind, error: &SdkError<InvokeError, HttpResponse>) -> Outcome {
    let response = error.raw_response();
    let is_throttle = error.code() == Some("TooManyRequestsException")
        || response.is_some_and(|response| response.status().as_u16() == 429);
    if is_throttle {
        return Outcome::Throttled;
    }
    let body = response.and_then(|response| response.body().bytes()).unwrap_or_default();
    unmarked_failure(endpoint, body).unwrap_or_else(|| Outcome::NotInvoked { reason: reason(error) })
}

/// What the endpoint said, or what was in the way.
fn reason(error: &SdkError<InvokeError, HttpResponse>) -> String {
    match (error.code(), error.message(), error.raw_response()) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(code), None, _) => code.to_owned(),
        (None, _, Some(response)) => format!("the endpoint answered {}", response.status().as_u16()),
        (None, _, None) => chain(error),
    }
}

#[cfg(test)]
mod tests;
