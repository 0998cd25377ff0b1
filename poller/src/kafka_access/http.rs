//! One request to a service, with TLS where its address says so.

use crate::ports::Cause;
use aws_smithy_http_client::Connector;
#[cfg(feature = "aws")]
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::{BodyExt as _, Limited};

/// Longest answer.
const BYTES_MAX: usize = 1024 * 1024;

/// The status and the body of the answer. For `https:` another certificate authority than those of the machine may be given, as PEM.
pub(super) async fn call(request: HttpRequest, ca: Option<&str>) -> Result<(u16, Vec<u8>), Cause> {
    let connector = connector(request.uri().starts_with("https:"), ca)?;
    let answer = connector.call(request).await?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await?.to_bytes().to_vec();
    Ok((status, body))
}

#[cfg(feature = "aws")]
fn connector(is_tls: bool, ca: Option<&str>) -> Result<Connector, Cause> {
    if !is_tls {
        return Ok(Connector::builder().build_http());
    }
    let trusted = match ca {
        Some(pem) => TrustStore::default().with_pem_certificate(pem),
        None => TrustStore::default(),
    };
    let context = TlsContext::builder().with_trust_store(trusted).build()?;
    Ok(Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(context).build())
}

#[cfg(not(feature = "aws"))]
fn connector(is_tls: bool, _: Option<&str>) -> Result<Connector, Cause> {
    match is_tls {
        true => Err(Box::new(crate::errors::NotInThisBuild { cannot: "ask an https address for tokens" })),
        false => Ok(Connector::builder().build_http()),
    }
}
