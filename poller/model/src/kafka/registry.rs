//! A schema registry that speaks Confluent's protocol: `SchemaRegistryConfig` (specification 1.1).

use super::access::SecretSource;
use std::path::Path;

/// Where the schemas of keys and values are, and what is done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaRegistry {
    /// SchemaRegistryURI: `http://` or `https://`, without a slash at its end.
    pub uri: String,
    /// EventRecordFormat.
    pub event_record_format: EventRecordFormat,
    /// AccessConfigs: how Pelton says who it is.
    pub authentication: RegistryAuthentication,
    /// AccessConfigs, SERVER_ROOT_CA_CERTIFICATE: who signed the registry's certificate, `{"certificate"}`. `None`: those whom this
    /// machine trusts.
    pub server_root_ca: Option<SecretSource>,
    /// SchemaValidationConfigs: what has a schema. At least one, each once.
    pub validates: Vec<SchemaAttribute>,
}

impl SchemaRegistry {
    /// The same, where paths of files are seen from this folder.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        use RegistryAuthentication as By;
        let authentication = match self.authentication {
            By::None => By::None,
            By::Basic(secret) => By::Basic(secret.seen_from(folder)),
            By::ClientCertificate(secret) => By::ClientCertificate(secret.seen_from(folder)),
        };
        let server_root_ca = self.server_root_ca.map(|ca| ca.seen_from(folder));
        Self { authentication, server_root_ca, ..self }
    }

    /// AccessConfigs, as AWS shows them: `Type` and `URI`.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        use RegistryAuthentication as By;
        let authentication = match &self.authentication {
            By::None => None,
            By::Basic(secret) => Some(("BASIC_AUTH", secret.to_string())),
            By::ClientCertificate(secret) => Some(("CLIENT_CERTIFICATE_TLS_AUTH", secret.to_string())),
        };
        let ca = self.server_root_ca.iter().map(|ca| ("SERVER_ROOT_CA_CERTIFICATE", ca.to_string()));
        authentication.into_iter().chain(ca).collect()
    }
}

/// What a handler gets of a record with a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventRecordFormat {
    /// JSON, whatever the record was written as.
    Json,
    /// What it was written as, without the schema's id.
    Source,
}

impl EventRecordFormat {
    /// What AWS calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Source => "SOURCE",
        }
    }
}

/// How Pelton says to a registry who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RegistryAuthentication {
    /// It does not.
    #[default]
    None,
    /// BASIC_AUTH: `{"username","password"}`.
    Basic(SecretSource),
    /// CLIENT_CERTIFICATE_TLS_AUTH: `{"certificate","privateKey","privateKeyPassword"}`.
    ClientCertificate(SecretSource),
}

/// A part of a record that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaAttribute {
    /// Its key.
    Key,
    /// Its value.
    Value,
}

impl SchemaAttribute {
    /// What AWS calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "KEY",
            Self::Value => "VALUE",
        }
    }
}
