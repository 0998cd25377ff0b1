//! Where LocalStack is, which `infra/up` starts.

use crate::http;
use std::path::Path;

/// Its port if `infra/up` did not start it: as `infra/.env` says.
const PORT: &str = "4566";
const PORT_VARIABLE: &str = "LOCALSTACK_PORT";

/// The endpoint of a LocalStack that answers, such as `http://127.0.0.1:4566`.
///
/// # Panics
/// If none does; the message says how to start it.
pub async fn endpoint() -> String {
    let endpoint = told();
    let is_there = match endpoint.strip_prefix("http://") {
        Some(address) => http::get(address, "/_localstack/health").await.is_ok(),
        None => false,
    };
    assert!(is_there, "LocalStack does not answer at {endpoint}: start it by `infra/up localstack`");
    endpoint
}

fn told() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    match std::fs::read_to_string(root.join("infra/.state/localstack/endpoint")) {
        Ok(endpoint) => endpoint.trim().to_owned(),
        Err(_) => {
            let port = std::env::var(PORT_VARIABLE).unwrap_or_else(|_| PORT.to_owned());
            format!("http://127.0.0.1:{port}")
        }
    }
}
