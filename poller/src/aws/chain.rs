//! The standard AWS chain: the environment, the profile, SSO, the machine's own metadata.

use super::{ConnectError, Endpoint, EndpointKind, Service, made_up_credentials};
use crate::errors::NotInThisBuild;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::service_config::ServiceConfigKey;

/// The variable that names an endpoint for all services, and the beginning of those for one.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The region of the environment or the profile. Calls nobody.
pub(super) async fn region() -> Option<Region> {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .region()
        .await
}

/// Everything but credentials. `endpoint_url` is that of the command line. Calls nobody.
///
/// Without a region the SDK would ask the machine's metadata for one, to make a provider of tokens that nobody uses.
pub(super) async fn config(
    _: Service,
    endpoint_url: Option<&str>,
    region: Region,
    http: &SharedHttpClient,
    timeouts: TimeoutConfig,
) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .region(region)
        .http_client(http.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .no_credentials();
    match endpoint_url {
        Some(url) => loader.endpoint_url(url).load().await,
        None => loader.load().await,
    }
}

/// As the SDK itself will choose: what was given outright, then what is set for the service, then what is set for all.
pub(super) fn endpoint_url(service: Service, config: &SdkConfig) -> Option<String> {
    let for_all = config.endpoint_url().map(str::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return for_all;
    }
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
        .env(ENDPOINT_URL)
        .profile("endpoint_url")
        .build()
        .expect("a key of three fields has all three");
    config.service_config().and_then(|service| service.load_config(key)).or(for_all)
}

/// Whether the environment or the profile names an endpoint for this service alone.
pub(super) fn has_endpoint_of_its_own(service: Service, config: &SdkConfig) -> bool {
    let Some(url) = endpoint_url(service, config) else { return false };
    Some(url.as_str()) != config.endpoint_url() || is_in_environment(service, config)
}

/// Whether the environment has a variable for this service alone.
fn is_in_environment(service: Service, config: &SdkConfig) -> bool {
    const NOBODY: &str = "no service and no setting";
    let variable = format!("{ENDPOINT_URL}_{}", service.id.to_uppercase().replace(' ', "_"));
    let key = ServiceConfigKey::builder().service_id(NOBODY).env(&variable).profile(NOBODY).build();
    let key = key.expect("a key of three fields has all three");
    config.service_config().and_then(|settings| settings.load_config(key)).is_some()
}

/// Every profile can be read.
pub(super) fn check_profile(_: Option<&Region>, _: Option<&Endpoint>) -> Result<(), NotInThisBuild> {
    Ok(())
}

/// The region that the machine's own metadata name.
pub(super) async fn region_of_this_machine(http: &SharedHttpClient) -> Option<Region> {
    let config = ProviderConfig::without_region().with_http_client(http.clone());
    aws_config::imds::region::ImdsRegionProvider::builder().configure(&config).build().region().await
}

/// What signs requests to this endpoint.
pub(super) async fn credentials(
    endpoint: &Endpoint,
    region: &Region,
    http: &SharedHttpClient,
) -> Result<SharedCredentialsProvider, ConnectError> {
    let config =
        ProviderConfig::without_region().with_region(Some(region.clone())).with_http_client(http.clone());
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
        .or_else("Loopback", made_up_credentials())
}
