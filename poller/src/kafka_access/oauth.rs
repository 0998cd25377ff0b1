//! Tokens for a client and its secret (OAuth 2.0, client credentials: RFC 6749, 4.4).

use super::http;
use super::secret::{OAuthClient, Secret, SecretError};
use crate::clock::Clock;
use crate::ports::Cause;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pelton_model::kafka::OAuthBearer;
use rdkafka::client::OAuthToken;
use serde::Deserialize;
use std::time::Duration;

/// How long a token lives that does not say so.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(300);

/// Whoever asks for tokens, and whom.
pub(super) struct ClientCredentials {
    url: String,
    client_id: String,
    client_secret: Secret,
    /// What the request says beside who asks.
    form: Vec<(&'static str, String)>,
    lifetime_max: Option<Duration>,
    ca: Option<Secret>,
}

/// What hands out tokens did not hand one out.
#[derive(Debug, thiserror::Error)]
#[error("{url} hands out no token")]
pub(super) struct NoToken {
    url: String,
    source: Cause,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<u64>,
}

impl ClientCredentials {
    pub(super) fn new(
        client: OAuthClient,
        oauth: &OAuthBearer,
        server_ca: Option<&Secret>,
    ) -> Result<Self, SecretError> {
        let place = oauth.secret.to_string();
        let flawed = |flaw: &str| SecretError::Form {
            place: place.clone(),
            flaw: flaw.to_owned(),
            form: <OAuthClient as super::secret::Form>::FORM,
        };
        let url = client.oauth_token_endpoint_url;
        if !(url.starts_with("https://") || is_local(&url)) {
            return Err(flawed("oauthTokenEndpointUrl is no https address (http is for this machine only)"));
        }
        let (Some(client_id), Some(client_secret)) = (client.oauth_client_id, client.oauth_client_secret)
        else {
            return Err(flawed(
                "it lacks oauthClientId or oauthClientSecret: a client that signs its own request is not supported",
            ));
        };
        if oauth.logical_cluster.is_some() || oauth.identity_pool.is_some() {
            return Err(flawed(
                "OAUTHBEARER_LOGICAL_CLUSTER and OAUTHBEARER_IDENTITY_POOL cannot be told to the brokers by this client",
            ));
        }
        let form = [("scope", &oauth.scope), ("audience", &oauth.audience)];
        let form = form.into_iter().filter_map(|(key, value)| Some((key, value.clone()?))).collect();
        let lifetime_max = client.oauth_token_expiration_seconds.map(Duration::from_secs);
        let ca = client.oauth_idp_ca_certificate.or_else(|| server_ca.cloned());
        if ca.as_ref().is_some_and(|ca| !is_certificates(ca.shown())) {
            return Err(flawed(
                "oauthIdpCaCertificate, or SERVER_ROOT_CA_CERTIFICATE in its place, is no PEM of certificates",
            ));
        }
        Ok(Self { url, client_id, client_secret, form, lifetime_max, ca })
    }

    /// A new token. Cancelling is safe.
    pub(super) async fn token(&self, clock: &Clock) -> Result<OAuthToken, NoToken> {
        self.ask(clock).await.map_err(|source| NoToken { url: self.url.clone(), source })
    }

    async fn ask(&self, clock: &Clock) -> Result<OAuthToken, Cause> {
        let encoded = |text: &str| percent_encoded(text);
        let login = format!("{}:{}", encoded(&self.client_id), encoded(self.client_secret.shown()));
        let mut body = "grant_type=client_credentials".to_owned();
        for (key, value) in &self.form {
            body.push_str(&format!("&{key}={}", encoded(value)));
        }
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(self.url.clone())?;
        request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
        request.headers_mut().insert("accept", "application/json");
        request.headers_mut().insert("authorization", format!("Basic {}", STANDARD.encode(login)));
        let ca = self.ca.as_ref().map(Secret::shown);
        let (status, body) = http::call(request, ca).await?;
        if status != 200 {
            let words: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            return Err(format!("status {status}: {words}").into());
        }
        let Answer { access_token, expires_in } =
            serde_json::from_slice(&body).map_err(|_| "its answer is no JSON with an access_token")?;
        let lifetime = expires_in.map_or(LIFETIME_DEFAULT, Duration::from_secs);
        let lifetime = lifetime.min(self.lifetime_max.unwrap_or(lifetime));
        let ends = clock.now().after(lifetime).as_millis();
        let principal_name = subject(&access_token).unwrap_or_else(|| self.client_id.clone());
        Ok(OAuthToken {
            token: access_token,
            principal_name,
            lifetime_ms: i64::try_from(ends).unwrap_or(i64::MAX),
        })
    }
}

/// Whether a text consists of certificates in PEM: whoever uses them takes that for granted.
fn is_certificates(pem: &str) -> bool {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let bodies: Vec<&str> =
        pem.split(BEGIN).skip(1).map(|rest| rest.split(END).next().unwrap_or_default()).collect();
    let is_der = |body: &&str| {
        let text: String = body.split_whitespace().collect();
        // Each certificate is a SEQUENCE.
        STANDARD.decode(text).is_ok_and(|der| der.first() == Some(&0x30))
    };
    !bodies.is_empty() && pem.matches(END).count() == bodies.len() && bodies.iter().all(is_der)
}

/// The subject of a JSON Web Token; `None`: it is none.
fn subject(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    Some(serde_json::from_slice::<Claims>(&claims).ok()?.sub)
}

fn is_local(url: &str) -> bool {
    url.parse::<hyper::Uri>().is_ok_and(|uri| {
        let is_loopback = |host: &str| {
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        };
        uri.scheme_str() == Some("http")
            && uri.host().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])))
    })
}

/// Everything but letters, digits and `-._~`.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_in_pem_or_refused() {
        let pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert!(is_certificates(&pem("MAMC\nAQE=")));
        assert!(is_certificates(&format!("{}{}", pem("MAMCAQE="), pem("MAMCAQE="))));
        for wrong in ["", "MAMCAQE=", &pem("not base64"), &pem(""), "-----BEGIN CERTIFICATE-----\nMAMCAQE="] {
            assert!(!is_certificates(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(percent_encoded("a b/ü~"), "a%20b%2F%C3%BC~");
    }
}
