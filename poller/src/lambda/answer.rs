//! What a handler sends back: a response, or an error, read from the body of its call.
//!
//! In: a body that arrives piece by piece. Out: the response or the function's error. Never keeps more than a response
//! may hold, however much is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use pelton_core::exchange::{FunctionError, RESPONSE_BYTES_MAX};
use serde::Deserialize;

/// Names the error, beside or instead of the body's `errorType`; a trailer of streaming responses too.
pub(super) const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// Trailer of streaming responses: the error as JSON, in base64.
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

/// The error type of a runtime that names none.
const UNKNOWN: &str = "Runtime.Unknown";

/// Most bytes of an error message that are kept: people read it.
const MESSAGE_BYTES_MAX: usize = 8 * 1024;

/// Most bytes of an error type that are kept.
const TYPE_BYTES_MAX: usize = 256;

/// Most bytes that are read of a response that is too large, so that the runtime gets to read why it was refused.
/// One that sends even more loses its connection.
const DISCARDED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A body and what stood behind it.
struct Received {
    /// As much of the body as a response may hold.
    bytes: Bytes,
    trailers: HeaderMap,
    end: Result<(), Unusable>,
}

/// Why a body is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is larger than [`RESPONSE_BYTES_MAX`].
    TooLarge,
    /// It broke off.
    Truncated,
}

/// The response in the body of a call to `/response`: buffered or streaming, which here is the same.
///
/// A streaming response may end with an error in its trailers: then that is the answer. Cancelling is safe.
pub(super) async fn response(body: Incoming) -> Result<Result<Bytes, FunctionError>, Unusable> {
    let received = receive(body).await;
    received.end?;
    let error_type = text(received.trailers.get(ERROR_TYPE));
    let error_body = text(received.trailers.get(ERROR_BODY));
    if error_type.is_none() && error_body.is_none() {
        return Ok(Ok(received.bytes));
    }
    let encoded = error_body.unwrap_or_default();
    let body = STANDARD.decode(&encoded).unwrap_or_else(|_| encoded.into_bytes());
    Ok(Err(function_error(error_type, &body)))
}

/// The error in the body of a call to `/error` with these headers, and whether that was whole. Of one that was not, the
/// beginning is the message. Cancelling is safe.
pub(super) async fn error(headers: &HeaderMap, body: Incoming) -> (FunctionError, Result<(), Unusable>) {
    let error_type = text(headers.get(ERROR_TYPE));
    let received = receive(body).await;
    (function_error(error_type, &received.bytes), received.end)
}

async fn receive(mut body: Incoming) -> Received {
    let mut bytes = BytesMut::new();
    let mut trailers = HeaderMap::new();
    let mut discarded = 0;
    let end = loop {
        let Some(frame) = body.frame().await else {
            break if discarded > 0 { Err(Unusable::TooLarge) } else { Ok(()) };
        };
        let Ok(frame) = frame else { break Err(Unusable::Truncated) };
        match frame.into_data() {
            Ok(data) => {
                let kept = data.len().min(RESPONSE_BYTES_MAX - bytes.len());
                bytes.extend_from_slice(&data[..kept]);
                discarded += data.len() - kept;
                if discarded > DISCARDED_BYTES_MAX {
                    break Err(Unusable::TooLarge);
                }
            }
            Err(frame) => {
                if let Ok(last) = frame.into_trailers() {
                    trailers.extend(last);
                }
            }
        }
    };
    Received { bytes: bytes.freeze(), trailers, end }
}

/// Body: `{"errorType": …, "errorMessage": …}`, optional in every part.
fn function_error(error_type: Option<String>, body: &[u8]) -> FunctionError {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ErrorBody {
        error_type: Option<String>,
        error_message: Option<String>,
    }
    let (stated, text) = match serde_json::from_slice::<ErrorBody>(body) {
        Ok(stated) => (stated, String::new()),
        Err(_) => (ErrorBody::default(), String::from_utf8_lossy(body).into_owned()),
    };
    let mut message = stated.error_message.unwrap_or(text);
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
    let mut error_type = stated.error_type.or(error_type).unwrap_or_else(|| UNKNOWN.to_owned());
    error_type.truncate(error_type.floor_char_boundary(TYPE_BYTES_MAX));
    FunctionError { error_type, message }
}

fn text(value: Option<&HeaderValue>) -> Option<String> {
    value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: Option<&str>, body: &str, error_type: &str, message: &str) {
        let error = function_error(header.map(str::to_owned), body.as_bytes());
        assert_eq!((error.error_type.as_str(), error.message.as_str()), (error_type, message));
    }

    #[test]
    fn an_error_says_its_type_in_the_body_or_in_a_header_or_not_at_all() {
        let body = r#"{"errorMessage":"Handler fails","errorType":"Exception","stackTrace":[]}"#;
        check(Some("unhandled"), body, "Exception", "Handler fails");
        check(Some("unhandled"), r#"{"errorMessage":"m"}"#, "unhandled", "m");
        check(Some("unhandled"), "", "unhandled", "");
        check(None, "no JSON", UNKNOWN, "no JSON");
        check(None, r#"{"errorType":"T"}"#, "T", "");
    }

    #[test]
    fn a_message_is_kept_to_a_length_that_people_read() {
        let body = "ä".repeat(MESSAGE_BYTES_MAX);
        assert_eq!(function_error(None, body.as_bytes()).message.len(), MESSAGE_BYTES_MAX);
    }
}
