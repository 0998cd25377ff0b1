//! What stands for the standard AWS chain in a build without the feature `aws`: the environment alone.
//!
//! It reads no profiles, and calls nobody. Where the environment names a profile that would say what nothing else says, it refuses.

use super::{ConnectError, Endpoint, EndpointKind, Service, made_up_credentials};
use crate::errors::NotInThisBuild;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

/// The environment of this process, or of a test.
struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

fn environment() -> Environment<'static> {
    Environment(&|name| std::env::var(name).ok())
}

impl Environment<'_> {
    /// The first of these variables that says something.
    fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().filter_map(|name| (self.0)(name)).find(|value| !value.trim().is_empty())
    }

    fn region(&self) -> Option<Region> {
        self.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).map(Region::new)
    }

    fn endpoint_url(&self, service: Service) -> Option<String> {
        if self.first(&["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]).is_some_and(|value| value == "true") {
            return None;
        }
        let own = format!("AWS_ENDPOINT_URL_{}", service.id.to_uppercase().replace(' ', "_"));
        self.first(&[&own, "AWS_ENDPOINT_URL"])
    }

    fn credentials(&self) -> Option<Credentials> {
        let id = self.first(&["AWS_ACCESS_KEY_ID"])?;
        let secret = self.first(&["AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY"])?;
        Some(Credentials::new(id, secret, self.first(&["AWS_SESSION_TOKEN"]), None, "Environment"))
    }

    fn check_profile(
        &self,
        region: Option<&Region>,
        endpoint: Option<&Endpoint>,
    ) -> Result<(), NotInThisBuild> {
        let is_complete = region.is_some() && endpoint.is_some();
        match self.first(&["AWS_PROFILE"]) {
            Some(_) if !is_complete => {
                Err(NotInThisBuild { cannot: "read the profile that AWS_PROFILE names" })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The region of the environment.
pub(super) async fn region() -> Option<Region> {
    environment().region()
}

/// Everything but credentials. `endpoint_url` is that of the command line.
pub(super) async fn config(
    service: Service,
    endpoint_url: Option<&str>,
    region: Region,
    http: &SharedHttpClient,
    timeouts: TimeoutConfig,
) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region)
        .http_client(http.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(endpoint_url.map(str::to_owned).or_else(|| environment().endpoint_url(service)));
    config.build()
}

/// The endpoint that the command line or the environment names for the service of this configuration.
pub(super) fn endpoint_url(_: Service, config: &SdkConfig) -> Option<String> {
    config.endpoint_url().map(str::to_owned)
}

/// Any: an endpoint of AWS, for which alone this is asked, is refused afterwards.
pub(super) async fn region_of_this_machine(_: &SharedHttpClient) -> Option<Region> {
    Some(Region::from_static(super::REGION_ELSEWHERE))
}

/// Refuses a profile that the environment names and that this build cannot read, where region or endpoint come from nowhere else.
pub(super) fn check_profile(
    region: Option<&Region>,
    endpoint: Option<&Endpoint>,
) -> Result<(), NotInThisBuild> {
    environment().check_profile(region, endpoint)
}

/// What signs requests to this endpoint.
pub(super) async fn credentials(
    endpoint: &Endpoint,
    _: &Region,
    _: &SharedHttpClient,
) -> Result<SharedCredentialsProvider, ConnectError> {
    credentials_in(&environment(), endpoint)
}

fn credentials_in(
    environment: &Environment<'_>,
    endpoint: &Endpoint,
) -> Result<SharedCredentialsProvider, ConnectError> {
    let made_up = || (endpoint.kind() == EndpointKind::Loopback).then(made_up_credentials);
    match environment.credentials().or_else(made_up) {
        Some(credentials) => Ok(SharedCredentialsProvider::new(credentials)),
        None => Err(ConnectError::NoCredentials {
            endpoint: endpoint.clone(),
            source: Box::new(NotInThisBuild { cannot: "read AWS profiles" }),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::provider::ProvideCredentials as _;

    const KINESIS: Service = Service {
        id: "Kinesis Streams",
        host: "kinesis",
        call_timeout: std::time::Duration::from_secs(1),
        connections_max: 1,
    };

    fn with<T>(variables: &[(&str, &str)], check: impl FnOnce(&Environment<'_>) -> T) -> T {
        let value = |name: &str| {
            let variable = variables.iter().find(|(known, _)| *known == name);
            variable.map(|(_, value)| (*value).to_owned())
        };
        check(&Environment(&value))
    }

    #[test]
    fn a_build_without_the_feature_aws_takes_region_and_endpoint_of_the_environment() {
        let region = |variables: &[(&str, &str)]| with(variables, |environment| environment.region());
        assert_eq!(region(&[("AWS_DEFAULT_REGION", "eu-west-1")]), Some(Region::new("eu-west-1")));
        let both = [("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "us-west-2")];
        assert_eq!(region(&both), Some(Region::new("us-west-2")));
        assert_eq!(region(&[("AWS_REGION", "")]), None);

        let endpoint =
            |variables: &[(&str, &str)]| with(variables, |environment| environment.endpoint_url(KINESIS));
        let of_any = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        let own = ("AWS_ENDPOINT_URL_KINESIS_STREAMS", "http://127.0.0.1:2");
        assert_eq!(endpoint(&[of_any]).as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(endpoint(&[of_any, own]).as_deref(), Some("http://127.0.0.1:2"));
        assert_eq!(endpoint(&[own, ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")]), None);
    }

    #[tokio::test]
    async fn without_the_feature_aws_credentials_are_those_of_the_environment_or_on_loopback_made_up() {
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_SESSION_TOKEN", "c")];
        let in_network = Endpoint::parse("http://localstack:4566").unwrap();
        let on_loopback = Endpoint::parse("http://127.0.0.1:4566").unwrap();
        for (variables, endpoint, id, token) in [
            (&keys[..], &in_network, "a", Some("c")),
            (&keys[..2], &on_loopback, "a", None),
            (&keys[..1], &on_loopback, "test", None),
        ] {
            let provider = with(variables, |environment| credentials_in(environment, endpoint)).unwrap();
            let credentials = provider.provide_credentials().await.unwrap();
            assert_eq!((credentials.access_key_id(), credentials.session_token()), (id, token));
        }
        let refused = with(&keys[1..], |environment| credentials_in(environment, &in_network)).unwrap_err();
        let text = crate::errors::chain(&refused);
        assert!(
            text.contains("http://localstack:4566") && text.contains("cannot read AWS profiles"),
            "{text}"
        );
    }

    #[test]
    fn without_the_feature_aws_a_profile_that_is_named_is_refused_where_it_would_count() {
        let (region, endpoint) = (Region::new("eu-west-1"), Endpoint::parse("http://127.0.0.1:1").unwrap());
        let check = |variables: &[(&str, &str)], region, endpoint| {
            with(variables, |environment| environment.check_profile(region, endpoint))
        };
        let named = [("AWS_PROFILE", "work")];
        let refused = Err(NotInThisBuild { cannot: "read the profile that AWS_PROFILE names" });
        assert_eq!(check(&named, None, Some(&endpoint)), refused);
        assert_eq!(check(&named, Some(&region), None), refused);
        assert_eq!(check(&named, Some(&region), Some(&endpoint)), Ok(()));
        assert_eq!(check(&[], None, None), Ok(()));
    }
}
