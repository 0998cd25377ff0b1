//! Where a service is that `infra/up` starts.

use std::path::Path;

/// The endpoint of a service: what `infra/up` wrote down, or the port of the environment variable, or else `port`.
pub(crate) fn told(service: &str, port_variable: &str, port: &str) -> String {
    written(service).unwrap_or_else(|| format!("http://{}", on_port(port_variable, port)))
}

/// The same of a service that has no URL: `HOST:PORT`, or some of them with commas between.
pub(crate) fn told_address(service: &str, port_variable: &str, port: &str) -> String {
    written(service).unwrap_or_else(|| on_port(port_variable, port))
}

fn written(service: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    let written = std::fs::read_to_string(root.join("infra/.state").join(service).join("endpoint"));
    Some(written.ok()?.trim().to_owned())
}

fn on_port(port_variable: &str, port: &str) -> String {
    let port = std::env::var(port_variable).unwrap_or_else(|_| port.to_owned());
    format!("127.0.0.1:{port}")
}
