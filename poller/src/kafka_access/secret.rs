//! Secrets: read from where a mapping says, and shown nowhere.

use crate::aws::AwsOptions;
use crate::ports::Cause;
use pelton_model::kafka::SecretSource;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// A text that nobody is to see.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl Secret {
    /// The text, for whoever needs it.
    pub(super) fn shown(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// BASIC_AUTH, SASL_SCRAM_256_AUTH, SASL_SCRAM_512_AUTH.
#[derive(Debug, Deserialize)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: Secret,
}

/// SERVER_ROOT_CA_CERTIFICATE.
#[derive(Debug, Deserialize)]
pub(super) struct Certificate {
    pub(super) certificate: Secret,
}

/// CLIENT_CERTIFICATE_TLS_AUTH.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientCertificate {
    /// The certificate and those above it, as PEM.
    pub(super) certificate: Secret,
    /// PKCS#8, as PEM.
    pub(super) private_key: Secret,
    pub(super) private_key_password: Option<Secret>,
}

/// OAUTHBEARER_AUTH.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OAuthClient {
    pub(super) oauth_token_endpoint_url: String,
    pub(super) oauth_client_id: Option<String>,
    pub(super) oauth_client_secret: Option<Secret>,
    pub(super) oauth_token_expiration_seconds: Option<u64>,
    pub(super) oauth_idp_ca_certificate: Option<Secret>,
}

/// Forms of secrets, for people.
pub(super) trait Form {
    const FORM: &'static str;
}

impl Form for Login {
    const FORM: &'static str = r#"{"username":"…","password":"…"}"#;
}

impl Form for Certificate {
    const FORM: &'static str = r#"{"certificate":"-----BEGIN CERTIFICATE-----…"}"#;
}

impl Form for ClientCertificate {
    const FORM: &'static str = r#"{"certificate":"-----BEGIN CERTIFICATE-----…","privateKey":"-----BEGIN PRIVATE KEY-----…","privateKeyPassword":"…"}"#;
}

impl Form for OAuthClient {
    const FORM: &'static str =
        r#"{"oauthTokenEndpointUrl":"https://…","oauthClientId":"…","oauthClientSecret":"…"}"#;
}

/// Why there is no secret. None of these says what is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the variable {0} is not set, or is not UTF-8")]
    NoVariable(String),
    #[error("the file {path} cannot be read")]
    NoFile { path: String, source: std::io::Error },
    #[error("the secret {arn} cannot be had from Secrets Manager")]
    NotHad { arn: String, source: Cause },
    #[error("the secret in {place} is not the JSON that it should be: {flaw}; expected {form}")]
    Form { place: String, flaw: String, form: &'static str },
}

/// Reads a secret.
pub(super) async fn read<T: DeserializeOwned + Form>(
    source: &SecretSource,
    aws: &AwsOptions,
) -> Result<T, SecretError> {
    let text = match source {
        SecretSource::Environment(name) => {
            std::env::var(name).map_err(|_| SecretError::NoVariable(name.clone()))?
        }
        SecretSource::File(path) => tokio::fs::read_to_string(path)
            .await
            .map_err(|source| SecretError::NoFile { path: path.display().to_string(), source })?,
        SecretSource::SecretsManager(arn) => had(&arn.to_string(), &arn.region, aws)
            .await
            .map_err(|source| SecretError::NotHad { arn: arn.to_string(), source })?,
    };
    parse(&text, &source.to_string())
}

fn parse<T: DeserializeOwned + Form>(text: &str, place: &str) -> Result<T, SecretError> {
    serde_json::from_str(text).map_err(|error| {
        // The words of the parser may quote a value.
        let words = error.to_string();
        let flaw = match words.strip_prefix("missing field ") {
            Some(field) => format!("it lacks {}", field.split(" at ").next().unwrap_or_default()),
            None => format!("line {}, column {}", error.line(), error.column()),
        };
        SecretError::Form { place: place.to_owned(), flaw, form: T::FORM }
    })
}

#[cfg(feature = "aws")]
async fn had(arn: &str, region: &str, aws: &AwsOptions) -> Result<String, Cause> {
    use crate::aws::{Connection, Service};
    use std::time::Duration;
    const SECRETS: Service = Service {
        id: "Secrets Manager",
        host: "secretsmanager",
        call_timeout: Duration::from_secs(10),
        connections_max: 1,
    };
    let aws = AwsOptions { region: Some(region.to_owned()), ..aws.clone() };
    let connection = Connection::to(SECRETS, &aws).await?;
    let client = aws_sdk_secretsmanager::Client::new(&connection.config);
    let answer = client.get_secret_value().secret_id(arn).send().await?;
    answer.secret_string.ok_or_else(|| "it is binary, and no text".into())
}

#[cfg(not(feature = "aws"))]
async fn had(_: &str, _: &str, _: &AwsOptions) -> Result<String, Cause> {
    Err(Box::new(crate::errors::NotInThisBuild { cannot: "read secrets of Secrets Manager" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused<T: DeserializeOwned + Form + fmt::Debug>(text: &str) -> String {
        parse::<T>(text, "env:KAFKA").expect_err("it is refused").to_string()
    }

    #[test]
    fn a_secret_of_another_form_says_which_is_expected_and_never_what_is_in_it() {
        for text in [
            r#"{"username":"hunter2"}"#,
            r#"{"username":"u","password":{"hunter2":1}}"#,
            "hunter2",
            r#"{"username":"u","password":"hunter2"#,
            r#"["hunter2"]"#,
        ] {
            let words = refused::<Login>(text);
            assert!(words.contains("env:KAFKA") && words.contains(r#""username""#), "{words}");
            assert!(!words.contains("hunter2"), "{words}");
        }
        assert!(refused::<Login>(r#"{"username":"u"}"#).contains("it lacks `password`"));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let login: Login = parse(r#"{"username":"u","password":"hunter2","more":1}"#, "env:X").unwrap();
        assert_eq!(login.password.shown(), "hunter2");
        assert!(!format!("{login:?}").contains("hunter2"));
    }

    #[test]
    fn a_client_certificate_may_have_a_key_without_a_password() {
        let text = r#"{"certificate":"C","privateKey":"K"}"#;
        let client: ClientCertificate = parse(text, "file:x").unwrap();
        assert_eq!((client.private_key.shown(), client.private_key_password), ("K", None));
    }
}
