//! What an error of an AWS API means to the caller.
//!
//! In: an error of the SDK. Out: an [`ApiError`], by what can be done about it; for the ports, a [`SourceError`].

use crate::aws::Endpoint;
use crate::ports::{Cause, SourceError};
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// A call that did not bring what was asked for.
#[derive(Debug)]
pub(crate) struct ApiError {
    /// The API call.
    pub(crate) operation: &'static str,
    /// What can be done.
    pub(crate) kind: ApiErrorKind,
    /// What the endpoint, the connection or the credentials chain said.
    pub(crate) cause: Cause,
}

/// What can be done about a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiErrorKind {
    /// Wait, and call less.
    Throttled,
    /// Wait: the endpoint is away, or its answer says nothing about the request.
    Unavailable,
    /// Wait: the endpoint answered with success, and its answer cannot be true.
    Senseless(&'static str),
    /// The stream or shard does not exist.
    NotFound,
    /// Mend the credentials or the permissions.
    Denied,
    /// Take a new iterator: this one expired, or never was one.
    IteratorExpired,
    /// Ask for something else: a position that is no longer there, a moment that is still to come.
    BadArgument,
    /// Ask for the oldest record: the place to read from is no longer kept.
    Trimmed,
    /// The stream is being made, changed or deleted.
    InUse,
}

impl ApiError {
    pub(crate) fn new<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let kind = match error.as_service_error() {
            Some(answer) => of_code(answer.code()),
            None if is_about_credentials(&error) => ApiErrorKind::Denied,
            None => ApiErrorKind::Unavailable,
        };
        let cause = error.into_source().unwrap_or_else(Into::into);
        Self { operation, kind, cause }
    }

    /// The endpoint answered with success, but its answer cannot be true.
    pub(crate) fn senseless(operation: &'static str, flaw: &'static str) -> Self {
        Self { operation, kind: ApiErrorKind::Senseless(flaw), cause: flaw.into() }
    }

    /// Whether something else is to be asked for.
    pub(crate) fn is_bad_argument(&self) -> bool {
        matches!(self.kind, ApiErrorKind::BadArgument | ApiErrorKind::Trimmed)
    }

    /// The error of the port. `what` names the stream or shard that was asked for.
    pub(crate) fn into_source_error(self, endpoint: &Endpoint, what: impl FnOnce() -> String) -> SourceError {
        let Self { operation, kind, cause: source } = self;
        match kind {
            ApiErrorKind::Throttled => SourceError::Throttled { operation, source },
            ApiErrorKind::NotFound => SourceError::NotFound { what: what() },
            ApiErrorKind::Denied => SourceError::Denied { operation, source },
            ApiErrorKind::Senseless(flaw) => SourceError::Senseless { operation, flaw },
            ApiErrorKind::Unavailable
            | ApiErrorKind::IteratorExpired
            | ApiErrorKind::BadArgument
            | ApiErrorKind::Trimmed
            | ApiErrorKind::InUse => {
                SourceError::Unavailable { operation, endpoint: endpoint.to_string(), source }
            }
        }
    }
}

/// Codes of the Kinesis API and of the AWS services' common front. Whatever is not known here is waited for.
fn of_code(code: Option<&str>) -> ApiErrorKind {
    match code.unwrap_or_default() {
        "ProvisionedThroughputExceededException"
        | "LimitExceededException"
        | "KMSThrottlingException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => ApiErrorKind::Throttled,
        "ResourceNotFoundException" => ApiErrorKind::NotFound,
        // The latter for an iterator that breaks the rules of its field, which AWS checks first.
        "ExpiredIteratorException" | "ValidationException" => ApiErrorKind::IteratorExpired,
        "InvalidArgumentException" => ApiErrorKind::BadArgument,
        "TrimmedDataAccessException" => ApiErrorKind::Trimmed,
        "ResourceInUseException" => ApiErrorKind::InUse,
        "AccessDeniedException"
        | "AccessDenied"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "OptInRequired"
        | "NotAuthorized"
        | "KMSAccessDeniedException"
        | "KMSDisabledException"
        | "KMSInvalidStateException"
        | "KMSNotFoundException"
        | "KMSOptInRequired" => ApiErrorKind::Denied,
        _ => ApiErrorKind::Unavailable,
    }
}

fn is_about_credentials(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| error.is::<CredentialsError>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, expected: ApiErrorKind) {
        assert_eq!(of_code(Some(code)), expected, "{code}");
    }

    #[test]
    fn a_code_says_what_can_be_done() {
        check("ProvisionedThroughputExceededException", ApiErrorKind::Throttled);
        check("LimitExceededException", ApiErrorKind::Throttled);
        check("KMSThrottlingException", ApiErrorKind::Throttled);
        check("ResourceNotFoundException", ApiErrorKind::NotFound);
        check("ExpiredIteratorException", ApiErrorKind::IteratorExpired);
        check("ValidationException", ApiErrorKind::IteratorExpired);
        check("InvalidArgumentException", ApiErrorKind::BadArgument);
        check("TrimmedDataAccessException", ApiErrorKind::Trimmed);
        check("ResourceInUseException", ApiErrorKind::InUse);
        check("AccessDeniedException", ApiErrorKind::Denied);
        check("UnrecognizedClientException", ApiErrorKind::Denied);
        check("ExpiredTokenException", ApiErrorKind::Denied);
        check("KMSAccessDeniedException", ApiErrorKind::Denied);
        check("InternalFailure", ApiErrorKind::Unavailable);
        check("ServiceUnavailable", ApiErrorKind::Unavailable);
        check("AnythingNew", ApiErrorKind::Unavailable);
        assert_eq!(of_code(None), ApiErrorKind::Unavailable);
    }
}
