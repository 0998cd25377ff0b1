//! How a consumer and the brokers know each other: `SourceAccessConfigurations` (specification 14.1).
//!
//! Where a secret is stands here, and never what it is.

use super::super::arn::Arn;
use std::fmt;
use std::path::{Path, PathBuf};

/// Before the name of a variable that holds a secret: Pelton's own.
const ENV: &str = "env:";
/// Before the path of a file that holds a secret: Pelton's own.
const FILE: &str = "file:";

/// `Type` of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum SourceAccessType {
    BasicAuth,
    SaslScram256Auth,
    SaslScram512Auth,
    ClientCertificateTlsAuth,
    ServerRootCaCertificate,
    OauthbearerAuth,
    OauthbearerScope,
    OauthbearerAudience,
    OauthbearerLogicalCluster,
    OauthbearerIdentityPool,
    IamAuth,
    IamOauthbearerAuth,
    VpcSubnet,
    VpcSecurityGroup,
    /// Of RabbitMQ only.
    VirtualHost,
}

impl SourceAccessType {
    /// Every type that AWS has.
    pub const ALL: [Self; 15] = [
        Self::BasicAuth,
        Self::SaslScram256Auth,
        Self::SaslScram512Auth,
        Self::ClientCertificateTlsAuth,
        Self::ServerRootCaCertificate,
        Self::OauthbearerAuth,
        Self::OauthbearerScope,
        Self::OauthbearerAudience,
        Self::OauthbearerLogicalCluster,
        Self::OauthbearerIdentityPool,
        Self::IamAuth,
        Self::IamOauthbearerAuth,
        Self::VpcSubnet,
        Self::VpcSecurityGroup,
        Self::VirtualHost,
    ];

    /// The type that AWS calls so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What AWS calls it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::BasicAuth => "BASIC_AUTH",
            Self::SaslScram256Auth => "SASL_SCRAM_256_AUTH",
            Self::SaslScram512Auth => "SASL_SCRAM_512_AUTH",
            Self::ClientCertificateTlsAuth => "CLIENT_CERTIFICATE_TLS_AUTH",
            Self::ServerRootCaCertificate => "SERVER_ROOT_CA_CERTIFICATE",
            Self::OauthbearerAuth => "OAUTHBEARER_AUTH",
            Self::OauthbearerScope => "OAUTHBEARER_SCOPE",
            Self::OauthbearerAudience => "OAUTHBEARER_AUDIENCE",
            Self::OauthbearerLogicalCluster => "OAUTHBEARER_LOGICAL_CLUSTER",
            Self::OauthbearerIdentityPool => "OAUTHBEARER_IDENTITY_POOL",
            Self::IamAuth => "IAM_AUTH",
            Self::IamOauthbearerAuth => "IAM_OAUTHBEARER_AUTH",
            Self::VpcSubnet => "VPC_SUBNET",
            Self::VpcSecurityGroup => "VPC_SECURITY_GROUP",
            Self::VirtualHost => "VIRTUAL_HOST",
        }
    }

    /// Whether it says which network the brokers are in: nothing that matters here.
    #[must_use]
    pub fn is_network(self) -> bool {
        matches!(self, Self::VpcSubnet | Self::VpcSecurityGroup)
    }
}

/// How a consumer and the brokers know each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KafkaAccess {
    /// How the consumer says who it is.
    pub authentication: Authentication,
    /// SERVER_ROOT_CA_CERTIFICATE: who signed the certificates of the brokers, `{"certificate"}`. `None`: those whom this machine
    /// trusts.
    pub server_root_ca: Option<SecretSource>,
}

/// How a consumer says who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// It does not. (A cluster of MSK that AWS is asked about may want IAM all the same.)
    #[default]
    None,
    /// BASIC_AUTH: SASL/PLAIN, `{"username","password"}`.
    Plain(SecretSource),
    /// SASL_SCRAM_256_AUTH, with the same secret.
    Scram256(SecretSource),
    /// SASL_SCRAM_512_AUTH, with the same secret.
    Scram512(SecretSource),
    /// CLIENT_CERTIFICATE_TLS_AUTH: mutual TLS, `{"certificate","privateKey","privateKeyPassword"}`.
    ClientCertificate(SecretSource),
    /// OAUTHBEARER_AUTH: SASL/OAUTHBEARER.
    OAuthBearer(OAuthBearer),
    /// IAM_AUTH: SASL/OAUTHBEARER with a token that the credentials of AWS sign.
    Iam,
}

/// OAUTHBEARER_AUTH, and what a token is asked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthBearer {
    /// Where tokens come from, and who asks:
    /// `{"oauthTokenEndpointUrl","oauthClientId","oauthClientSecret"}` and the like.
    pub secret: SecretSource,
    /// OAUTHBEARER_SCOPE.
    pub scope: Option<String>,
    /// OAUTHBEARER_AUDIENCE.
    pub audience: Option<String>,
    /// OAUTHBEARER_LOGICAL_CLUSTER: an extension that the brokers are told.
    pub logical_cluster: Option<String>,
    /// OAUTHBEARER_IDENTITY_POOL: another.
    pub identity_pool: Option<String>,
}

/// What lies beneath Kafka's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP: for local use.
    Plaintext,
    /// TLS, and the certificate and the name of each broker are verified.
    Tls,
}

impl KafkaAccess {
    /// AWS never speaks SASL over plaintext.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match (&self.authentication, &self.server_root_ca) {
            (Authentication::None, None) => Transport::Plaintext,
            (_, _) => Transport::Tls,
        }
    }

    /// The entries, as AWS shows them: `Type` and `URI`.
    #[must_use]
    pub fn entries(&self) -> Vec<(SourceAccessType, Option<String>)> {
        use SourceAccessType as Type;
        let Self { authentication, server_root_ca } = self;
        let secret = |kind, secret: &SecretSource| vec![(kind, Some(secret.to_string()))];
        let mut entries = match authentication {
            Authentication::None => Vec::new(),
            Authentication::Plain(plain) => secret(Type::BasicAuth, plain),
            Authentication::Scram256(scram) => secret(Type::SaslScram256Auth, scram),
            Authentication::Scram512(scram) => secret(Type::SaslScram512Auth, scram),
            Authentication::ClientCertificate(certificate) => {
                secret(Type::ClientCertificateTlsAuth, certificate)
            }
            Authentication::OAuthBearer(oauth) => oauth.entries(),
            Authentication::Iam => vec![(Type::IamAuth, None)],
        };
        entries.extend(server_root_ca.iter().flat_map(|ca| secret(Type::ServerRootCaCertificate, ca)));
        entries
    }

    /// The same, where paths of files are seen from this folder.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        let Self { authentication, server_root_ca } = self;
        let authentication = match authentication {
            Authentication::Plain(secret) => Authentication::Plain(secret.seen_from(folder)),
            Authentication::Scram256(secret) => Authentication::Scram256(secret.seen_from(folder)),
            Authentication::Scram512(secret) => Authentication::Scram512(secret.seen_from(folder)),
            Authentication::ClientCertificate(secret) => {
                Authentication::ClientCertificate(secret.seen_from(folder))
            }
            Authentication::OAuthBearer(oauth) => {
                Authentication::OAuthBearer(OAuthBearer { secret: oauth.secret.seen_from(folder), ..oauth })
            }
            other @ (Authentication::None | Authentication::Iam) => other,
        };
        Self { authentication, server_root_ca: server_root_ca.map(|ca| ca.seen_from(folder)) }
    }
}

impl OAuthBearer {
    fn entries(&self) -> Vec<(SourceAccessType, Option<String>)> {
        use SourceAccessType as Type;
        let Self { secret, scope, audience, logical_cluster, identity_pool } = self;
        let literals = [
            (Type::OauthbearerScope, scope),
            (Type::OauthbearerAudience, audience),
            (Type::OauthbearerLogicalCluster, logical_cluster),
            (Type::OauthbearerIdentityPool, identity_pool),
        ];
        let given = literals.into_iter().filter(|(_, value)| value.is_some());
        let given = given.map(|(kind, value)| (kind, value.clone()));
        [(Type::OauthbearerAuth, Some(secret.to_string()))].into_iter().chain(given).collect()
    }
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In AWS Secrets Manager.
    SecretsManager(Arn),
    /// In a variable of the process: `env:NAME`, for local use.
    Environment(String),
    /// In a file: `file:PATH`, for local use.
    File(PathBuf),
}

impl SecretSource {
    /// The secret that a text names; `None`: it names none.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix(ENV) {
            let is_name = !name.is_empty() && !name.contains(['=', '\0']);
            return is_name.then(|| Self::Environment(name.to_owned()));
        }
        if let Some(path) = text.strip_prefix(FILE) {
            let is_file = !path.is_empty() && !path.ends_with('/');
            return is_file.then(|| Self::File(path.into()));
        }
        let arn: Arn = text.parse().ok()?;
        let name = arn.resource.strip_prefix("secret:").unwrap_or_default();
        let is_secret = arn.service == "secretsmanager" && arn.is_regional() && !name.is_empty();
        is_secret.then_some(Self::SecretsManager(arn))
    }

    /// The same, where the path of a file is seen from this folder.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path).components().collect()),
            other @ (Self::SecretsManager(_) | Self::Environment(_)) => other,
        }
    }
}

impl fmt::Display for SecretSource {
    /// As a mapping names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretsManager(arn) => arn.fmt(f),
            Self::Environment(name) => write!(f, "{ENV}{name}"),
            Self::File(path) => write!(f, "{FILE}{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_secrets_manager_or_locally_in_a_variable_or_a_file() {
        for text in [
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka/shop-AbCdEf",
            "env:KAFKA_SECRET",
            "file:secrets/kafka.json",
        ] {
            assert_eq!(SecretSource::named(text).map(|secret| secret.to_string()).as_deref(), Some(text));
        }
        for wrong in [
            "",
            "kafka/shop",
            "env:",
            "env:A=B",
            "file:",
            "file:secrets/",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:",
            "arn:aws:secretsmanager::123456789012:secret:x",
            "arn:aws:ssm:eu-west-1:123456789012:parameter/x",
        ] {
            assert_eq!(SecretSource::named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_path_of_a_secret_is_seen_from_the_folder_of_the_template() {
        let seen = |text| SecretSource::named(text).unwrap().seen_from(Path::new("/app")).to_string();
        assert_eq!(seen("file:./secrets/kafka.json"), "file:/app/secrets/kafka.json");
        assert_eq!(seen("file:/run/kafka.json"), "file:/run/kafka.json");
        assert_eq!(seen("env:KAFKA_SECRET"), "env:KAFKA_SECRET");
    }

    #[test]
    fn every_type_is_known_by_its_word() {
        for kind in SourceAccessType::ALL {
            assert_eq!(SourceAccessType::named(kind.word()), Some(kind));
        }
        assert_eq!(SourceAccessType::named("basic_auth"), None);
    }
}
