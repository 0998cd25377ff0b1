//! Where LocalStack is, which `infra/up` starts.

use crate::{http, infra};

/// The endpoint of a LocalStack that answers, such as `http://127.0.0.1:4566`.
///
/// # Panics
/// If none does; the message says how to start it.
pub async fn endpoint() -> String {
    // The port is that of `infra/.env`.
    let endpoint = infra::told("localstack", "LOCALSTACK_PORT", "4566");
    let is_there = match endpoint.strip_prefix("http://") {
        Some(address) => http::get(address, "/_localstack/health").await.is_ok(),
        None => false,
    };
    assert!(is_there, "LocalStack does not answer at {endpoint}: start it by `infra/up localstack`");
    endpoint
}
