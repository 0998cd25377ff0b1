//! The client through which the whole process speaks the Kinesis API.
//!
//! Endpoint, region and credentials come from the standard AWS chain; the command line goes before it. The SDK's own
//! retries are off: whoever calls decides whether and when to try again. All calls share one pool of connections, which
//! are kept alive and never wait for one another.

pub use super::endpoint::{Endpoint, EndpointKind};

use crate::ports::Cause;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::config::{SharedHttpClient, StalledStreamProtectionConfig};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::service_config::ServiceConfigKey;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one call may take, from the request to the last byte of the answer (10 MB at most).
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Most calls in flight at once, and so most connections: well below the usual limit of 1,024 open files.
const CALLS_IN_FLIGHT_MAX: usize = 256;

/// The region where nothing else names one and the endpoint is not AWS: servers there accept any.
const REGION_ELSEWHERE: &str = "us-east-1";

/// What the command line says about AWS; what it leaves out comes from the environment and the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsOptions {
    /// `--endpoint-url`; else AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL, the profile's `endpoint_url`, AWS itself.
    pub endpoint_url: Option<String>,
    /// `--region`; else AWS_REGION, AWS_DEFAULT_REGION, the profile, the machine's own metadata.
    pub region: Option<String>,
}

/// Speaks the Kinesis API. Cheap to clone: all clones share connections and the limit on calls.
#[derive(Clone, Debug)]
pub struct KinesisClient {
    sdk: aws_sdk_kinesis::Client,
    endpoint: Endpoint,
    region: Arc<str>,
    calls: Arc<Semaphore>,
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

impl KinesisClient {
    /// A client as the options, the environment and the profile say. Calls nobody but those who hand out credentials.
    ///
    /// An endpoint on loopback is asked with the credentials `test`/`test` if there are none: servers there accept any.
    pub async fn connect(options: &AwsOptions) -> Result<Self, ConnectError> {
        let tls = tls_client();
        let config = without_credentials(options, &tls).await;
        let endpoint = configured_endpoint(&config)?;
        let region = match config.region() {
            Some(region) => region.clone(),
            None => region_elsewhere(endpoint.as_ref(), &tls).await.ok_or(ConnectError::NoRegion)?,
        };
        let endpoint = endpoint.unwrap_or_else(|| Endpoint::aws(region.as_ref()));
        let credentials = credentials(&endpoint, &region, &tls).await?;
        let http = if endpoint.is_plain() { plain_client() } else { tls };
        let sdk_config = aws_sdk_kinesis::config::Builder::from(&config)
            .region(region.clone())
            .credentials_provider(credentials)
            .http_client(http)
            .build();
        Ok(Self {
            sdk: aws_sdk_kinesis::Client::from_conf(sdk_config),
            endpoint,
            region: region.as_ref().into(),
            calls: Arc::new(Semaphore::new(CALLS_IN_FLIGHT_MAX)),
        })
    }

    /// The SDK's client, for calls that are not counted among those in flight.
    #[must_use]
    pub fn sdk(&self) -> &aws_sdk_kinesis::Client {
        &self.sdk
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The region that requests are signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Waits until fewer than [`CALLS_IN_FLIGHT_MAX`] calls are in flight, in order of asking. Cancelling is safe.
    pub(super) async fn turn(&self) -> SemaphorePermit<'_> {
        self.calls.acquire().await.expect("the limit on calls is never closed")
    }
}

/// Everything but credentials, from the command line, the environment and the profile. Calls nobody.
async fn without_credentials(options: &AwsOptions, tls: &SharedHttpClient) -> SdkConfig {
    let region = RegionProviderChain::first_try(options.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new());
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(CALL_TIMEOUT)
        .build();
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(tls.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .no_credentials();
    match &options.endpoint_url {
        Some(url) => loader.endpoint_url(url).load().await,
        None => loader.load().await,
    }
}

/// The endpoint that the chain names; `None`: AWS's own.
fn configured_endpoint(config: &SdkConfig) -> Result<Option<Endpoint>, ConnectError> {
    let Some(url) = configured_url(config) else { return Ok(None) };
    let endpoint = Endpoint::parse(&url).map_err(|reason| ConnectError::BadEndpoint { url, reason })?;
    Ok(Some(endpoint))
}

/// As the SDK itself will choose: what was given outright, then what is set for Kinesis, then what is set for all.
fn configured_url(config: &SdkConfig) -> Option<String> {
    let for_all = config.endpoint_url().map(str::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return for_all;
    }
    let key = ServiceConfigKey::builder()
        .service_id("Kinesis")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .expect("a key of three fields has all three");
    config.service_config().and_then(|service| service.load_config(key)).or(for_all)
}

/// The region where neither options, environment nor profile name one.
async fn region_elsewhere(endpoint: Option<&Endpoint>, tls: &SharedHttpClient) -> Option<Region> {
    if endpoint.is_some_and(|endpoint| endpoint.kind() != EndpointKind::Aws) {
        return Some(Region::new(REGION_ELSEWHERE));
    }
    let config = ProviderConfig::without_region().with_http_client(tls.clone());
    aws_config::imds::region::ImdsRegionProvider::builder().configure(&config).build().region().await
}

async fn credentials(
    endpoint: &Endpoint,
    region: &Region,
    tls: &SharedHttpClient,
) -> Result<SharedCredentialsProvider, ConnectError> {
    let config =
        ProviderConfig::without_region().with_region(Some(region.clone())).with_http_client(tls.clone());
    if endpoint.kind() == EndpointKind::Loopback {
        return Ok(SharedCredentialsProvider::new(loopback_credentials(&config)));
    }
    let chain = DefaultCredentialsChain::builder().configure(config).region(region.clone()).build().await;
    match chain.provide_credentials().await {
        Ok(_) => Ok(SharedCredentialsProvider::new(chain)),
        Err(error) => {
            Err(ConnectError::NoCredentials { endpoint: endpoint.clone(), source: Box::new(error) })
        }
    }
}

/// Environment and profile, as everywhere; but no search on the network, and where there are none, made-up ones.
fn loopback_credentials(config: &ProviderConfig) -> CredentialsProviderChain {
    tracing::debug!("endpoint on loopback: without credentials in environment or profile, test/test is used");
    CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("Profile", ProfileFileCredentialsProvider::builder().configure(config).build())
        .or_else("Loopback", Credentials::new("test", "test", None, None, "Loopback"))
}

/// Certificates are loaded once somebody builds a client of a service on this.
fn tls_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .pool_max_idle_per_host(CALLS_IN_FLIGHT_MAX)
        .build_https()
}

/// Without TLS there is nothing to load: start-up is quicker and memory smaller.
fn plain_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().pool_max_idle_per_host(CALLS_IN_FLIGHT_MAX).build_http()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_endpoint_that_is_no_url_is_refused_with_the_reason() {
        let endpoint_url = Some("127.0.0.1:4567".to_owned());
        let error = KinesisClient::connect(&AwsOptions { endpoint_url, region: None }).await.unwrap_err();
        let expected =
            "the endpoint 127.0.0.1:4567 cannot be used: it does not start with http:// or https://";
        assert_eq!(error.to_string(), expected);
    }

    #[tokio::test]
    async fn what_the_command_line_says_goes_before_everything_else() {
        let options = AwsOptions {
            endpoint_url: Some("http://127.0.0.1:1/".to_owned()),
            region: Some("eu-north-1".to_owned()),
        };
        let client = KinesisClient::connect(&options).await.unwrap();
        assert_eq!((client.endpoint().as_str(), client.region()), ("http://127.0.0.1:1", "eu-north-1"));
    }
}
