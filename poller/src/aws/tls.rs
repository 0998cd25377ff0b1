//! Connections with TLS.

use super::{Endpoint, Service};
use crate::errors::NotInThisBuild;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// Certificates are loaded once somebody builds a client of a service on this.
pub(super) fn client(service: Service) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .pool_max_idle_per_host(service.connections_max)
        .build_https()
}

/// Whether the endpoint can be called, as far as TLS goes.
pub(super) fn check(_: &Endpoint) -> Result<(), NotInThisBuild> {
    Ok(())
}
