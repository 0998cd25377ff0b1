//! How the AWS SDK is configured, whatever the service.
//!
//! Endpoint, region and credentials come from the standard AWS chain; the command line goes before it. The SDK's own
//! retries are off: whoever calls decides whether and when to try again. All calls of a service share one pool of connections,
//! which are kept alive and never wait for one another.

#[cfg(feature = "aws")]
mod chain;
mod endpoint;
#[cfg(any(test, not(feature = "aws")))]
#[cfg_attr(feature = "aws", allow(dead_code, reason = "here only its tests use it"))]
mod no_chain;
#[cfg(any(test, not(feature = "aws")))]
#[cfg_attr(feature = "aws", allow(dead_code, reason = "here only its tests use it"))]
mod no_tls;
#[cfg(feature = "aws")]
mod tls;

pub use endpoint::{Endpoint, EndpointKind};

use crate::errors::NotInThisBuild;
use crate::ports::Cause;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
#[cfg(not(feature = "aws"))]
use no_chain as chain;
#[cfg(not(feature = "aws"))]
use no_tls as tls;
use std::time::Duration;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The region where nothing else names one and the endpoint is not AWS: servers there accept any.
pub const REGION_ELSEWHERE: &str = "us-east-1";

/// What the command line says about AWS; what it leaves out comes from the environment and the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsOptions {
    /// `--endpoint-url`; else `AWS_ENDPOINT_URL_<SERVICE>`, AWS_ENDPOINT_URL, the profile's `endpoint_url`, AWS itself.
    pub endpoint_url: Option<String>,
    /// `--region`; else AWS_REGION, AWS_DEFAULT_REGION, the profile, the machine's own metadata.
    pub region: Option<String>,
}

/// A service of AWS, as Pelton calls it.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// Its name in the SDK, such as `Kinesis`: AWS_ENDPOINT_URL_KINESIS is made of it.
    pub id: &'static str,
    /// Its name in AWS's own addresses, such as `kinesis`.
    pub host: &'static str,
    /// How long one call may take, from the request to the last byte of the answer.
    pub call_timeout: Duration,
    /// Most connections that are kept open.
    pub connections_max: usize,
}

/// What a client of a service is made of.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Everything that the SDK wants to know: region, credentials, timeouts, connections.
    pub config: SdkConfig,
    /// Who is asked.
    pub endpoint: Endpoint,
    /// The region that requests are signed for.
    pub region: Region,
}

impl Connection {
    /// As the options, the environment and the profile say. Calls nobody but those who hand out credentials.
    ///
    /// An endpoint on loopback is asked with the credentials `test`/`test` if there are none: servers there accept any.
    pub async fn to(service: Service, options: &AwsOptions) -> Result<Self, ConnectError> {
        Self::with(service, options, Identity::OfTheChain).await
    }

    /// The same to a server that asks nobody who they are: no credentials are looked for anywhere.
    pub async fn without_credentials(service: Service, options: &AwsOptions) -> Result<Self, ConnectError> {
        Self::with(service, options, Identity::MadeUp).await
    }

    async fn with(service: Service, options: &AwsOptions, identity: Identity) -> Result<Self, ConnectError> {
        let tls = tls::client(service);
        let configured = configured_region(options).await;
        let config = all_but_credentials(service, options, configured.as_ref(), &tls).await;
        let endpoint = configured_endpoint(service, &config)?;
        match identity {
            Identity::OfTheChain => chain::check_profile(configured.as_ref(), endpoint.as_ref())?,
            Identity::MadeUp => {}
        }
        let region = match configured {
            Some(region) => region,
            None => region_elsewhere(endpoint.as_ref(), &tls).await.ok_or(ConnectError::NoRegion)?,
        };
        let endpoint = endpoint.unwrap_or_else(|| Endpoint::aws(service.host, region.as_ref()));
        tls::check(&endpoint)
            .map_err(|source| ConnectError::NeedsTls { endpoint: endpoint.clone(), source })?;
        let credentials = match identity {
            Identity::OfTheChain => chain::credentials(&endpoint, &region, &tls).await?,
            Identity::MadeUp => SharedCredentialsProvider::new(made_up_credentials()),
        };
        let http = if endpoint.is_plain() { plain_client(service) } else { tls };
        let config = config
            .into_builder()
            .region(region.clone())
            .credentials_provider(credentials)
            .http_client(http)
            .build();
        Ok(Self { config, endpoint, region })
    }
}

/// Who calls.
#[derive(Clone, Copy)]
enum Identity {
    OfTheChain,
    MadeUp,
}

/// The endpoint that the options, the environment and the profile name for a service; `None`: AWS's own. Calls nobody.
pub async fn endpoint_named(
    service: Service,
    options: &AwsOptions,
) -> Result<Option<Endpoint>, ConnectError> {
    let region = configured_region(options).await;
    let config = all_but_credentials(service, options, region.as_ref(), &tls::client(service)).await;
    configured_endpoint(service, &config)
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The endpoint cannot be one.
    #[error("the endpoint {url} cannot be used: {reason}")]
    BadEndpoint {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// This build has no TLS.
    #[error("the endpoint {endpoint} cannot be called")]
    NeedsTls {
        /// Who was to be asked.
        endpoint: Endpoint,
        /// Why not.
        source: NotInThisBuild,
    },
    /// This build does not speak to that service.
    #[error(transparent)]
    NotInThisBuild(#[from] NotInThisBuild),
    /// No region anywhere in the chain.
    #[error("no AWS region is configured: give --region, set AWS_REGION, or name one in the AWS profile")]
    NoRegion,
    /// No credentials anywhere in the chain.
    #[error(
        "no AWS credentials were found for {endpoint}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, \
         or give --endpoint-url for a stream that is not on AWS"
    )]
    NoCredentials {
        /// Who would have been asked.
        endpoint: Endpoint,
        /// What the chain said.
        source: Cause,
    },
}

/// The region that the command line, the environment or the profile names. Reads the files of the profile, and calls nobody.
pub async fn configured_region(options: &AwsOptions) -> Option<Region> {
    match &options.region {
        Some(region) => Some(Region::new(region.clone())),
        None => chain::region().await,
    }
}

/// Everything but credentials, from the command line, the environment and the profile. Calls nobody.
async fn all_but_credentials(
    service: Service,
    options: &AwsOptions,
    region: Option<&Region>,
    tls: &SharedHttpClient,
) -> SdkConfig {
    let region = region.cloned().unwrap_or(Region::from_static(REGION_ELSEWHERE));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(service.call_timeout)
        .build();
    chain::config(service, options.endpoint_url.as_deref(), region, tls, timeouts).await
}

/// The endpoint that the chain names; `None`: AWS's own.
fn configured_endpoint(service: Service, config: &SdkConfig) -> Result<Option<Endpoint>, ConnectError> {
    let Some(url) = chain::endpoint_url(service, config) else { return Ok(None) };
    let endpoint = Endpoint::parse(&url).map_err(|reason| ConnectError::BadEndpoint { url, reason })?;
    Ok(Some(endpoint))
}

/// The endpoint that the environment or the profile names for this service alone; `None`: for all services, or none. Calls nobody.
///
/// A profile that names the endpoint for all services again in the section of this one is not told from one that does not.
#[cfg(feature = "aws")]
pub async fn endpoint_of_its_own(
    service: Service,
    options: &AwsOptions,
) -> Result<Option<Endpoint>, ConnectError> {
    let region = configured_region(options).await;
    let config = all_but_credentials(service, options, region.as_ref(), &tls::client(service)).await;
    if chain::has_endpoint_of_its_own(service, &config) {
        configured_endpoint(service, &config)
    } else {
        Ok(None)
    }
}

/// The region where neither options, environment nor profile name one.
async fn region_elsewhere(endpoint: Option<&Endpoint>, tls: &SharedHttpClient) -> Option<Region> {
    if endpoint.is_some_and(|endpoint| endpoint.kind() != EndpointKind::Aws) {
        return Some(Region::new(REGION_ELSEWHERE));
    }
    chain::region_of_this_machine(tls).await
}

/// What signs requests to servers that accept any signature.
fn made_up_credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "Loopback")
}

/// Without TLS there is nothing to load: start-up is quicker and memory smaller.
fn plain_client(service: Service) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().pool_max_idle_per_host(service.connections_max).build_http()
}
