//! Who is asked: AWS itself, something on this machine, or something else that speaks its APIs.

use axum::http::Uri;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// The address that an API of AWS is called at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: Arc<str>,
    kind: EndpointKind,
}

/// What is known of an endpoint from its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointKind {
    /// AWS itself.
    Aws,
    /// A server on this machine: the embedded stream, LocalStack, a function that is being tried.
    Loopback,
    /// Any other server.
    Other,
}

impl Endpoint {
    /// AWS's own endpoint of a service, such as `kinesis`, in a region.
    #[must_use]
    pub fn aws(service: &str, region: &str) -> Self {
        Self { url: format!("https://{service}.{region}.amazonaws.com").into(), kind: EndpointKind::Aws }
    }

    /// The endpoint at `url`; the error says what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "it is not a URL")?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("it does not start with http:// or https://");
        }
        let host = uri.host().ok_or("it names no host")?;
        Ok(Self { url: url.trim_end_matches('/').into(), kind: EndpointKind::of_host(host) })
    }

    /// What is known of it.
    #[must_use]
    pub fn kind(&self) -> EndpointKind {
        self.kind
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Where to connect to.
    #[must_use]
    pub fn host_and_port(&self) -> (String, u16) {
        let uri: Uri = self.url.parse().expect("the URL was parsed when this was made");
        let host = uri.host().expect("likewise").trim_matches(['[', ']']).to_owned();
        (host, uri.port_u16().unwrap_or(if self.is_plain() { 80 } else { 443 }))
    }

    /// Whether it is reached without TLS.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.url.starts_with("http://")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl EndpointKind {
    fn of_host(host: &str) -> Self {
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return Self::Loopback;
        }
        let is_aws =
            [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|end| host.ends_with(end));
        if is_aws { Self::Aws } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<EndpointKind, &'static str>) {
        assert_eq!(Endpoint::parse(url).map(|endpoint| endpoint.kind()), expected, "{url}");
    }

    #[test]
    fn the_port_is_the_one_of_the_scheme_unless_given() {
        let host_and_port = |url| Endpoint::parse(url).unwrap().host_and_port();
        assert_eq!(host_and_port("http://127.0.0.1:9000"), ("127.0.0.1".to_owned(), 9000));
        assert_eq!(host_and_port("http://[::1]/"), ("::1".to_owned(), 80));
        assert_eq!(host_and_port("https://lambda.example.org"), ("lambda.example.org".to_owned(), 443));
    }

    #[test]
    fn the_address_tells_who_is_asked() {
        check("http://127.0.0.1:4567", Ok(EndpointKind::Loopback));
        check("http://localhost:4566/", Ok(EndpointKind::Loopback));
        check("http://[::1]:4567", Ok(EndpointKind::Loopback));
        check("http://localstack:4566", Ok(EndpointKind::Other));
        check("https://vpce-1.kinesis.eu-west-1.vpce.amazonaws.com", Ok(EndpointKind::Aws));
        check("https://amazonaws.com.example.org", Ok(EndpointKind::Other));
        check("127.0.0.1:4567", Err("it does not start with http:// or https://"));
        check("ftp://127.0.0.1", Err("it does not start with http:// or https://"));
        check("not a url", Err("it is not a URL"));
    }
}
