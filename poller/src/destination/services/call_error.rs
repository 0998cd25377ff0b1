//! What a refused call means to whoever reads of it: what went wrong, and what to do.

use crate::aws::{ConnectError, Endpoint};
use crate::ports::Cause;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// A call of AWS that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// No endpoint, region or credentials.
    #[error("cannot create a client for it")]
    NoClient(#[from] ConnectError),
    /// It is not there.
    #[error("there is no such {what}: create it, or correct DestinationConfig")]
    Missing { what: &'static str, source: Cause },
    /// The credentials do not do.
    #[error("{operation} was refused: check the credentials, and that they allow {permission}")]
    Denied { operation: &'static str, permission: &'static str, source: Cause },
    /// Anything else: the endpoint is away, is busy, or finds fault with the request.
    #[error(
        "{operation} failed at {endpoint}: check that it is running, or name another endpoint with --endpoint-url or AWS_ENDPOINT_URL_{service}"
    )]
    Failed { operation: &'static str, service: &'static str, endpoint: Endpoint, source: Cause },
    /// AWS allows only standard ones.
    #[error("a FIFO {what} cannot be an on-failure destination: name a standard one in DestinationConfig")]
    Fifo { what: &'static str },
}

/// A call, and what to tell of it if it fails.
#[derive(Clone, Copy)]
pub(super) struct Call {
    /// Its name.
    pub(super) operation: &'static str,
    /// What is called for: queue, topic, bucket.
    pub(super) what: &'static str,
    /// The permission that it takes.
    pub(super) permission: &'static str,
    /// The service, as AWS_ENDPOINT_URL_… spells it.
    pub(super) service: &'static str,
}

impl Call {
    /// The error for an answer of success that lacks what a success brings: whatever answered, it did not do what it should.
    pub(super) fn lacks(self, field: &'static str, endpoint: &Endpoint) -> CallError {
        let Self { operation, service, .. } = self;
        let source = format!("the answer holds no {field}").into();
        CallError::Failed { operation, service, endpoint: endpoint.clone(), source }
    }

    /// The error for a call that failed.
    pub(super) fn failed<E>(self, endpoint: &Endpoint, error: SdkError<E, HttpResponse>) -> CallError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let Self { operation, what, permission, service } = self;
        let kind = match error.as_service_error() {
            Some(answer) => of_code(answer.code()),
            None => Kind::Other,
        };
        let status = error.raw_response().map(|response| response.status().as_u16());
        let source: Cause = error.into_source().unwrap_or_else(Into::into);
        match (kind, status) {
            (Kind::Missing, _) => CallError::Missing { what, source },
            (Kind::Denied, _) | (Kind::Other, Some(401 | 403)) => {
                CallError::Denied { operation, permission, source }
            }
            (Kind::Other, _) => CallError::Failed { operation, service, endpoint: endpoint.clone(), source },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Missing,
    Denied,
    Other,
}

/// Codes of SQS, SNS and S3, and of the AWS services' common front.
fn of_code(code: Option<&str>) -> Kind {
    match code.unwrap_or_default() {
        "QueueDoesNotExist"
        | "AWS.SimpleQueueService.NonExistentQueue"
        | "NotFound"
        | "NotFoundException"
        | "NoSuchBucket" => Kind::Missing,
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "AuthorizationErrorException"
        | "Forbidden"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSecurity"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "KMSAccessDenied"
        | "KmsAccessDenied" => Kind::Denied,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, expected: Kind) {
        assert_eq!(of_code(Some(code)), expected, "{code}");
    }

    #[test]
    fn a_code_says_what_can_be_done() {
        check("QueueDoesNotExist", Kind::Missing);
        check("AWS.SimpleQueueService.NonExistentQueue", Kind::Missing);
        check("NotFound", Kind::Missing);
        check("NoSuchBucket", Kind::Missing);
        check("AccessDenied", Kind::Denied);
        check("AuthorizationError", Kind::Denied);
        check("ExpiredToken", Kind::Denied);
        check("InternalError", Kind::Other);
        assert_eq!(of_code(None), Kind::Other);
    }
}
