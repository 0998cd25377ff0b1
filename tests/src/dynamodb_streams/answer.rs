//! The errors of the API, and how its answers go over the wire.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};
use serde_json::{Value, json};

/// Why a call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiError {
    /// There is no such stream or shard, or no longer.
    ResourceNotFound(String),
    /// The place of a read, or of the first record behind it, is trimmed.
    TrimmedData,
    /// The iterator is too old.
    ExpiredIterator,
    /// Too many calls.
    LimitExceeded,
    /// Too many calls, by the name that the API's model does not have.
    ProvisionedThroughputExceeded,
    /// There is such a table.
    ResourceInUse(String),
    /// The request is wrong.
    Validation(String),
    /// The body is no JSON object of the API.
    Serialization(String),
    /// There is no such operation here.
    UnknownOperation,
}

impl ApiError {
    /// The error's name in the API.
    pub(super) fn code(&self) -> &'static str {
        match self {
            ApiError::ResourceNotFound(_) => "ResourceNotFoundException",
            ApiError::TrimmedData => "TrimmedDataAccessException",
            ApiError::ExpiredIterator => "ExpiredIteratorException",
            ApiError::LimitExceeded => "LimitExceededException",
            ApiError::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            ApiError::ResourceInUse(_) => "ResourceInUseException",
            ApiError::Validation(_) => "ValidationException",
            ApiError::Serialization(_) => "SerializationException",
            ApiError::UnknownOperation => "UnknownOperationException",
        }
    }

    fn namespace(&self) -> &'static str {
        match self {
            ApiError::Validation(_) => "com.amazon.coral.validate",
            ApiError::Serialization(_) | ApiError::UnknownOperation => "com.amazon.coral.service",
            ApiError::ResourceNotFound(_)
            | ApiError::ResourceInUse(_)
            | ApiError::TrimmedData
            | ApiError::ExpiredIterator
            | ApiError::LimitExceeded
            | ApiError::ProvisionedThroughputExceeded => "com.amazonaws.dynamodb.v20120810",
        }
    }

    fn message(&self) -> &str {
        match self {
            ApiError::ResourceNotFound(what) | ApiError::ResourceInUse(what) => what,
            ApiError::TrimmedData => {
                "The operation attempted to read past the oldest stream record in a shard."
            }
            ApiError::ExpiredIterator => "The shard iterator is expired.",
            ApiError::LimitExceeded => "There are too many concurrent or frequent requests.",
            ApiError::ProvisionedThroughputExceeded => "The rate of requests for this shard is too high.",
            ApiError::Validation(why) | ApiError::Serialization(why) => why,
            ApiError::UnknownOperation => "",
        }
    }
}

/// The HTTP response with this answer.
pub(super) fn response(answer: &Result<Value, ApiError>) -> Response<Full<Bytes>> {
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body.to_string()),
        Err(error) => {
            let kind = format!("{}#{}", error.namespace(), error.code());
            (StatusCode::BAD_REQUEST, json!({"__type": kind, "message": error.message()}).to_string())
        }
    };
    let response = Response::builder().status(status);
    let response = response.header(header::CONTENT_TYPE, "application/x-amz-json-1.0");
    let response = response.header("x-amzn-requestid", uuid::Uuid::new_v4().to_string());
    response.body(Full::new(body.into())).expect("the headers are right")
}
