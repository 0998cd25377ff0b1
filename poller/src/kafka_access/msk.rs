//! The bootstrap servers of a cluster of MSK, by its ARN (`GetBootstrapBrokers`).
//!
//! One GET, signed as every call to AWS is: a client of the whole service would be the only one that needs it.

use super::http;
use super::iam::BROKERS;
use super::oauth::percent_encoded;
use crate::aws::{AwsOptions, Connection};
use crate::clock::Clock;
use crate::ports::Cause;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use pelton_model::Arn;
use pelton_model::kafka::{Authentication, KafkaAccess, Transport};
use serde::Deserialize;

/// The listeners of a cluster, each with its brokers.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Listeners {
    bootstrap_broker_string: Option<String>,
    bootstrap_broker_string_tls: Option<String>,
    bootstrap_broker_string_sasl_scram: Option<String>,
    bootstrap_broker_string_sasl_iam: Option<String>,
    bootstrap_broker_string_public_tls: Option<String>,
    bootstrap_broker_string_public_sasl_scram: Option<String>,
    bootstrap_broker_string_public_sasl_iam: Option<String>,
}

/// The bootstrap servers for whoever gets in like this, and how it gets in: where a mapping says nothing, by IAM if the cluster has
/// it.
pub(crate) async fn bootstrap_servers(
    arn: &Arn,
    access: &KafkaAccess,
    aws: &AwsOptions,
    clock: &Clock,
) -> Result<(String, KafkaAccess), Cause> {
    let aws = AwsOptions { region: Some(arn.region.clone()), ..aws.clone() };
    let connection = Connection::to(BROKERS, &aws).await?;
    let path = format!("/v1/clusters/{}/bootstrap-brokers", percent_encoded(&arn.to_string()));
    let url = format!("{}{path}", connection.endpoint.as_str());
    let provider = connection.config.credentials_provider().ok_or("there are no credentials")?;
    let identity = provider.provide_credentials().await?.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(connection.region.as_ref())
        .name("kafka")
        .time(super::iam::now(clock))
        .settings(SigningSettings::default())
        .build()?;
    let signable = SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(b""))?;
    let (signed, _) = sign(signable, &params.into())?.into_parts();
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(url)?;
    for (name, value) in signed.headers() {
        request.headers_mut().insert(name.to_owned(), value.to_owned());
    }
    let (status, body) = http::call(request, None).await?;
    if status != 200 {
        let words: String = String::from_utf8_lossy(&body).chars().take(200).collect();
        return Err(format!("GetBootstrapBrokers: status {status}: {words}").into());
    }
    let listeners: Listeners = serde_json::from_slice(&body)?;
    chosen(listeners, access).ok_or_else(|| {
        "the cluster has no listener for this authentication: check SourceAccessConfigurations and the cluster".into()
    })
}

fn chosen(listeners: Listeners, access: &KafkaAccess) -> Option<(String, KafkaAccess)> {
    let Listeners {
        bootstrap_broker_string: plaintext,
        bootstrap_broker_string_tls: tls,
        bootstrap_broker_string_sasl_scram: scram,
        bootstrap_broker_string_sasl_iam: iam,
        bootstrap_broker_string_public_tls: public_tls,
        bootstrap_broker_string_public_sasl_scram: public_scram,
        bootstrap_broker_string_public_sasl_iam: public_iam,
    } = listeners;
    let given = |servers: Option<String>| servers.filter(|servers| !servers.is_empty());
    let (tls, scram, iam) = (
        given(tls).or(given(public_tls)),
        given(scram).or(given(public_scram)),
        given(iam).or(given(public_iam)),
    );
    let servers = match (&access.authentication, access.transport()) {
        (Authentication::Iam | Authentication::OAuthBearer(_), _) => iam,
        (Authentication::Scram256(_) | Authentication::Scram512(_) | Authentication::Plain(_), _) => scram,
        (Authentication::ClientCertificate(_), _) | (Authentication::None, Transport::Tls) => tls,
        (Authentication::None, Transport::Plaintext) => {
            if let Some(iam) = iam {
                let access = KafkaAccess { authentication: Authentication::Iam, ..access.clone() };
                return Some((iam, access));
            }
            given(plaintext)
        }
    };
    Some((servers?, access.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_model::kafka::SecretSource;

    fn listeners() -> Listeners {
        Listeners {
            bootstrap_broker_string: Some("p:9092".to_owned()),
            bootstrap_broker_string_tls: Some("t:9094".to_owned()),
            bootstrap_broker_string_sasl_scram: Some("s:9096".to_owned()),
            bootstrap_broker_string_sasl_iam: Some("i:9098".to_owned()),
            ..Listeners::default()
        }
    }

    #[track_caller]
    fn check(
        listeners: Listeners,
        authentication: Authentication,
        expected: Option<(&str, &Authentication)>,
    ) {
        let access = KafkaAccess { authentication, server_root_ca: None };
        let chosen = chosen(listeners, &access);
        let chosen = chosen.as_ref().map(|(servers, access)| (servers.as_str(), &access.authentication));
        assert_eq!(chosen, expected);
    }

    #[test]
    fn each_authentication_has_its_listener_and_none_means_iam_where_there_is_it() {
        let secret = SecretSource::named("env:X").unwrap();
        let scram = Authentication::Scram512(secret.clone());
        check(listeners(), scram.clone(), Some(("s:9096", &scram)));
        let certificate = Authentication::ClientCertificate(secret);
        check(listeners(), certificate.clone(), Some(("t:9094", &certificate)));
        check(listeners(), Authentication::Iam, Some(("i:9098", &Authentication::Iam)));
        check(listeners(), Authentication::None, Some(("i:9098", &Authentication::Iam)));
        let without_iam = Listeners { bootstrap_broker_string_sasl_iam: None, ..listeners() };
        check(without_iam, Authentication::None, Some(("p:9092", &Authentication::None)));
        check(Listeners::default(), scram, None);
    }

    #[test]
    fn a_public_listener_serves_where_there_is_no_other() {
        let public = Listeners {
            bootstrap_broker_string_public_sasl_iam: Some("pi:9198".to_owned()),
            ..Listeners::default()
        };
        check(public, Authentication::Iam, Some(("pi:9198", &Authentication::Iam)));
    }
}
