//! Where DynamoDB is, which `infra/up` starts, and calls of it.

use crate::{http, infra};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;

/// The headers of a signed request. The emulator wants them and does not check them.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature=0";

/// The endpoint of a DynamoDB that answers, such as `http://127.0.0.1:8000`.
///
/// # Panics
/// If none does; the message says how to start it.
pub async fn endpoint() -> String {
    // The port is that of `infra/.env`.
    let endpoint = infra::told("dynamodb", "DYNAMODB_PORT", "8000");
    let is_there = match endpoint.strip_prefix("http://") {
        Some(address) => http::get(address, "/").await.is_ok(),
        None => false,
    };
    assert!(is_there, "DynamoDB does not answer at {endpoint}: start it by `infra/up dynamodb`");
    endpoint
}

/// The answer to one call. `target` is an operation with its API, such as `DynamoDB_20120810.PutItem`.
///
/// # Errors
/// The status and the answer, if the endpoint refuses.
///
/// # Panics
/// If the endpoint does not answer, or not with JSON.
pub async fn ask(endpoint: &str, target: &str, body: &Value) -> Result<Value, (u16, Value)> {
    let address = endpoint.strip_prefix("http://").expect("the endpoint is reached without TLS");
    let request = Request::post("/")
        .header("host", address)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", target)
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", SIGNED)
        .body(Full::new(Bytes::from(body.to_string())))
        .expect("the headers are right");
    let answer = http::ask(address, request).await.expect("the endpoint answers");
    let body = serde_json::from_slice(answer.body()).expect("the answer is JSON");
    if answer.status().is_success() { Ok(body) } else { Err((answer.status().as_u16(), body)) }
}
