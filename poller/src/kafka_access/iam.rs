//! Tokens of MSK IAM: a presigned request that nobody sends, as the brokers check it.

use crate::aws::{AwsOptions, ConnectError, Connection, Service};
use crate::clock::Clock;
use crate::errors::chain;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::client::OAuthToken;
use std::time::{Duration, UNIX_EPOCH};

/// What the signer takes.
#[expect(clippy::disallowed_types, reason = "the signer's own")]
pub(super) type SystemTime = std::time::SystemTime;

/// How long a token lives: the brokers take no longer.
const LIFETIME: Duration = Duration::from_secs(900);

/// The service that knows the brokers of MSK.
pub(super) const BROKERS: Service =
    Service { id: "Kafka", host: "kafka", call_timeout: Duration::from_secs(10), connections_max: 1 };

/// Signs tokens with the credentials of the chain.
pub(super) struct Signer {
    credentials: SharedCredentialsProvider,
    region: String,
}

impl Signer {
    pub(super) async fn new(aws: &AwsOptions) -> Result<Self, ConnectError> {
        let connection = Connection::to(BROKERS, aws).await?;
        let credentials = connection.config.credentials_provider().expect("a connection has credentials");
        Ok(Self { credentials, region: connection.region.to_string() })
    }

    pub(super) async fn token(&self, clock: &Clock) -> Result<OAuthToken, String> {
        let credentials = self.credentials.provide_credentials().await.map_err(|error| chain(&error))?;
        let now = now(clock);
        let ends = credentials.expiry().map_or(now + LIFETIME, |expiry| expiry.min(now + LIFETIME));
        let lifetime_ms = ends.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        let token = token(credentials, &self.region, now)?;
        Ok(OAuthToken { token, principal_name: "pelton".to_owned(), lifetime_ms })
    }
}

/// The time, as the signer takes it.
pub(super) fn now(clock: &Clock) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(clock.now().as_millis())
}

fn token(
    credentials: aws_credential_types::Credentials,
    region: &str,
    now: SystemTime,
) -> Result<String, String> {
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(LIFETIME);
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("kafka-cluster")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?;
    let url = format!("https://kafka.{region}.amazonaws.com/?Action=kafka-cluster%3AConnect");
    let request = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(b""))
        .map_err(|error| error.to_string())?;
    let (signed, _) = sign(request, &params.into()).map_err(|error| error.to_string())?.into_parts();
    let mut url = url;
    for (name, value) in signed.params() {
        url.push_str(&format!("&{name}={}", super::oauth::percent_encoded(value)));
    }
    url.push_str("&User-Agent=pelton");
    Ok(URL_SAFE_NO_PAD.encode(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature is that of the public algorithm of Signature Version 4, computed apart from this code.
    #[test]
    fn a_token_is_a_presigned_request_to_connect() {
        let credentials = aws_credential_types::Credentials::for_tests();
        let token = token(credentials, "eu-west-1", UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
        let expected = "https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect\
            &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ANOTREAL%2F20231114%2Feu-west-1%2Fkafka-cluster%2Faws4_request\
            &X-Amz-Date=20231114T221320Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=";
        assert!(url.starts_with(expected), "{url}");
        assert!(url.ends_with("&User-Agent=pelton"), "{url}");
    }
}
