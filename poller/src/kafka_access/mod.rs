//! How a client of Kafka gets in: what it shows the brokers, and how it knows them (specification 14).
//!
//! In: `SourceAccessConfigurations`, checked. Out: settings of librdkafka, and where tokens come from. Secrets are read here, and
//! shown nowhere: neither in a log nor in an error.

mod failure;
mod http;
#[cfg(feature = "aws")]
mod iam;
#[cfg(feature = "aws")]
mod msk;
mod oauth;
mod secret;

pub(crate) use failure::failure;
#[cfg(feature = "aws")]
pub(crate) use msk::bootstrap_servers;

use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::errors::chain;
use oauth::ClientCredentials;
use pelton_model::kafka::{Authentication, KafkaAccess, Transport};
use rdkafka::ClientConfig;
use rdkafka::client::OAuthToken;
use secret::{Certificate, ClientCertificate, Login, OAuthClient, SecretError};
use std::sync::Arc;
use std::time::Duration;

/// How long whoever hands out tokens may take.
const TOKEN_WAIT_MAX: Duration = Duration::from_secs(10);

/// How a client gets in.
#[derive(Clone, Default)]
pub(crate) struct Access {
    /// Settings of librdkafka.
    properties: Vec<(&'static str, String)>,
    tokens: Option<(Arc<Tokens>, Clock)>,
}

/// Brokers, and how a client gets in.
#[derive(Clone)]
pub(crate) struct Brokers {
    /// `host:port`, with commas between them.
    pub(crate) bootstrap_servers: String,
    pub(crate) access: Access,
}

impl Brokers {
    /// What every client of theirs has in common.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in [
            ("bootstrap.servers", &*self.bootstrap_servers),
            ("client.id", "pelton"),
            ("allow.auto.create.topics", "false"),
            ("reconnect.backoff.max.ms", "2000"),
            // Azure Event Hubs closes connections that are silent for longer.
            ("metadata.max.age.ms", "180000"),
            ("connections.max.idle.ms", "180000"),
            ("socket.keepalive.enable", "true"),
            ("socket.nagle.disable", "true"),
            ("log.connection.close", "false"),
        ] {
            config.set(key, value);
        }
        for (key, value) in &self.access.properties {
            config.set(*key, value);
        }
        config
    }
}

/// Where tokens come from.
enum Tokens {
    OAuth(ClientCredentials),
    #[cfg(feature = "aws")]
    Iam(iam::Signer),
}

/// Why a client does not get in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error("{property}")]
    Secret { property: &'static str, source: SecretError },
    #[cfg(feature = "aws")]
    #[error("IAM_AUTH has no credentials to sign with")]
    Iam(#[from] crate::aws::ConnectError),
    #[cfg(not(feature = "aws"))]
    #[error("IAM_AUTH is not in this build: it needs the feature `aws`")]
    NoIam,
}

impl Access {
    /// Reads the secrets, and makes of them what librdkafka wants.
    ///
    /// # Errors
    ///
    /// If a secret is not there, or has another form than it should have.
    pub(crate) async fn of(
        access: &KafkaAccess,
        aws: &AwsOptions,
        clock: &Clock,
    ) -> Result<Self, AccessError> {
        let mut resolved = Self::default();
        let has_sasl =
            !matches!(access.authentication, Authentication::None | Authentication::ClientCertificate(_));
        resolved.set(
            "security.protocol",
            match (access.transport(), has_sasl) {
                (Transport::Plaintext, _) => "plaintext",
                (Transport::Tls, true) => "sasl_ssl",
                (Transport::Tls, false) => "ssl",
            },
        );
        if access.transport() == Transport::Tls {
            resolved.set("enable.ssl.certificate.verification", "true");
            resolved.set("ssl.endpoint.identification.algorithm", "https");
        }
        let mut ca = None;
        if let Some(source) = &access.server_root_ca {
            let property = "SERVER_ROOT_CA_CERTIFICATE";
            let Certificate { certificate } = secret::read(source, aws).await.map_err(of(property))?;
            resolved.set("ssl.ca.pem", certificate.shown());
            ca = Some(certificate);
        } else if access.transport() == Transport::Tls {
            resolved.properties.extend(place_of_trusted(|name| std::env::var_os(name).is_some()));
        }
        match &access.authentication {
            Authentication::None => {}
            Authentication::Plain(source) => resolved.log_in("PLAIN", "BASIC_AUTH", source, aws).await?,
            Authentication::Scram256(source) => {
                resolved.log_in("SCRAM-SHA-256", "SASL_SCRAM_256_AUTH", source, aws).await?;
            }
            Authentication::Scram512(source) => {
                resolved.log_in("SCRAM-SHA-512", "SASL_SCRAM_512_AUTH", source, aws).await?;
            }
            Authentication::ClientCertificate(source) => {
                let property = "CLIENT_CERTIFICATE_TLS_AUTH";
                let client: ClientCertificate = secret::read(source, aws).await.map_err(of(property))?;
                resolved.set("ssl.certificate.pem", client.certificate.shown());
                resolved.set("ssl.key.pem", client.private_key.shown());
                if let Some(password) = &client.private_key_password {
                    resolved.set("ssl.key.password", password.shown());
                    // Keys that are encrypted by PBES1, as AWS takes them.
                    resolved.set("ssl.providers", "default,legacy");
                }
            }
            Authentication::OAuthBearer(oauth) => {
                let property = "OAUTHBEARER_AUTH";
                let client: OAuthClient = secret::read(&oauth.secret, aws).await.map_err(of(property))?;
                let credentials = ClientCredentials::new(client, oauth, ca.as_ref()).map_err(of(property))?;
                resolved.set("sasl.mechanism", "OAUTHBEARER");
                resolved.tokens = Some((Arc::new(Tokens::OAuth(credentials)), clock.clone()));
            }
            Authentication::Iam => {
                #[cfg(feature = "aws")]
                {
                    resolved.set("sasl.mechanism", "OAUTHBEARER");
                    resolved.tokens =
                        Some((Arc::new(Tokens::Iam(iam::Signer::new(aws).await?)), clock.clone()));
                }
                #[cfg(not(feature = "aws"))]
                return Err(AccessError::NoIam);
            }
        }
        Ok(resolved)
    }

    async fn log_in(
        &mut self,
        mechanism: &str,
        property: &'static str,
        source: &pelton_model::kafka::SecretSource,
        aws: &AwsOptions,
    ) -> Result<(), AccessError> {
        let Login { username, password } = secret::read(source, aws).await.map_err(of(property))?;
        self.set("sasl.mechanism", mechanism);
        self.set("sasl.username", &username);
        self.set("sasl.password", password.shown());
        Ok(())
    }

    fn set(&mut self, key: &'static str, value: &str) {
        self.properties.push((key, value.to_owned()));
    }

    /// A token of OAUTHBEARER, with which a client gets in. Waits for whoever hands them out.
    ///
    /// # Errors
    ///
    /// Why there is none, in words.
    pub(crate) fn token(&self, runtime: &tokio::runtime::Handle) -> Result<OAuthToken, String> {
        let Some((tokens, clock)) = &self.tokens else { return Err("nothing hands out tokens".to_owned()) };
        let asked = async {
            match &**tokens {
                Tokens::OAuth(credentials) => credentials.token(clock).await.map_err(|error| chain(&error)),
                #[cfg(feature = "aws")]
                Tokens::Iam(signer) => signer.token(clock).await,
            }
        };
        let answer = runtime.block_on(async { tokio::time::timeout(TOKEN_WAIT_MAX, asked).await });
        answer.unwrap_or_else(|_| Err("no answer within 10 seconds".to_owned()))
    }
}

fn of(property: &'static str) -> impl FnOnce(SecretError) -> AccessError {
    move |source| AccessError::Secret { property, source }
}

/// Where librdkafka finds the authorities that this machine trusts. Its OpenSSL is compiled into Pelton and has a folder of no machine
/// for its default: it looks at the usual places when told, and at the variables when not.
fn place_of_trusted(is_set: impl Fn(&str) -> bool) -> Option<(&'static str, String)> {
    let is_named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().any(is_set);
    (!is_named).then(|| ("ssl.ca.location", "probe".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_of_the_machine_are_at_the_usual_places_unless_a_variable_names_others() {
        assert_eq!(place_of_trusted(|_| false), Some(("ssl.ca.location", "probe".to_owned())));
        assert_eq!(place_of_trusted(|name| name == "SSL_CERT_FILE"), None);
        assert_eq!(place_of_trusted(|name| name == "SSL_CERT_DIR"), None);
    }
}
