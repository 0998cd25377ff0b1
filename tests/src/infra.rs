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

/// Another address of a service, by its name; `None`: `infra/up` wrote none down.
pub(crate) fn listener(service: &str, name: &str) -> Option<String> {
    let listeners = file(service, "listeners")?;
    let of_name = |line: &str| {
        line.split_once('\t').filter(|(known, _)| *known == name).map(|(_, address)| address.to_owned())
    };
    listeners.lines().find_map(of_name)
}

fn written(service: &str) -> Option<String> {
    Some(file(service, "endpoint")?.trim().to_owned())
}

fn file(service: &str, name: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    std::fs::read_to_string(root.join("infra/.state").join(service).join(name)).ok()
}

fn on_port(port_variable: &str, port: &str) -> String {
    let port = std::env::var(port_variable).unwrap_or_else(|_| port.to_owned());
    format!("127.0.0.1:{port}")
}
