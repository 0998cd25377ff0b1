//! Where a service is that `infra/up` starts.

use std::path::Path;

/// The endpoint of a service: what `infra/up` wrote down, or the port of the environment variable, or else `port`.
pub(crate) fn told(service: &str, port_variable: &str, port: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    match std::fs::read_to_string(root.join("infra/.state").join(service).join("endpoint")) {
        Ok(endpoint) => endpoint.trim().to_owned(),
        Err(_) => {
            let port = std::env::var(port_variable).unwrap_or_else(|_| port.to_owned());
            format!("http://127.0.0.1:{port}")
        }
    }
}
